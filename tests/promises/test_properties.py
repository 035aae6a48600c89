"""Generated pixels, labels and weights: each works or is refused with its name in the error."""

import numpy as np
import pandas as pd
import pytest
import torch
from generated_input import (
    GOOD_SHAPES,
    HUGE,
    LABEL_FORMS,
    NUMBERS,
    SHAPES,
    TINY,
    USUAL_FORMS,
    WEIGHTS,
    assert_probabilities,
    cases,
    count,
    from_list,
    in_form,
    label_lists,
    pixel_arrays,
    works_or_is_refused,
)
from helpers import small_classifier
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.slow


@cases(500)
@given(pixel_arrays(SHAPES) | pixel_arrays(GOOD_SHAPES, NUMBERS))
def test_fitting_any_pixels(X):
    y = np.arange(count(X)) % 2
    clf = small_classifier(**TINY)
    if works_or_is_refused(lambda: clf.fit(X, y), "X", "y"):
        assert_probabilities(works_or_is_refused(lambda: clf.predict_proba(X)), (len(y), 2))
    else:
        assert not hasattr(clf, "classes_")


@cases(300)
@given(pixel_arrays([*SHAPES, *[(4, 6), (3, 2, 3), (5, 2, 3, 1)] * 6]), st.sampled_from(range(5)))
def test_predicting_for_any_pixels(fitted, X, which):
    method = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
    result = works_or_is_refused(lambda: getattr(fitted, method[which])(X), "X")
    if result is not None:
        assert len(result) == len(X)
        if method[which] == "predict":
            assert set(result.tolist()) <= {0, 1}
        else:
            assert np.isfinite(result).all()


@pytest.fixture(scope="module")
def fitted():
    X, y = np.random.default_rng(0).normal(size=(8, 2, 3)), np.arange(8) % 2
    return small_classifier(**TINY).fit(X, y)


@cases(400)
@given(label_lists())
def test_fitting_any_labels(six, y):
    clf = small_classifier(**TINY)
    if works_or_is_refused(lambda: clf.fit(six, y), "y"):
        predicted = clf.predict(six)
        assert len(predicted) == 6
        shape = 6, len(clf.classes_)
        assert_probabilities(clf.predict_proba(six), shape, of_labels=predicted.ndim == 2)


@cases(300)
@given(
    st.lists(from_list(WEIGHTS[:14]), min_size=6, max_size=6)
    | st.lists(from_list(WEIGHTS[:14]), min_size=6, max_size=6)
    | st.lists(from_list(WEIGHTS), min_size=6, max_size=6)
    | st.lists(from_list(WEIGHTS), max_size=7)
    | from_list([*WEIGHTS, np.ones((6, 1)), np.ones((6, 2)), np.zeros(6), {}, "balanced"]),
    st.sampled_from(USUAL_FORMS) | st.sampled_from(LABEL_FORMS),
    st.none()
    | st.just({0: 1, 1: 1e300})
    | st.just("balanced")
    | st.dictionaries(from_list([0, 1, 2, "a", None, np.nan]), from_list(WEIGHTS), max_size=3),
)
def test_fitting_any_weights(six, weights, form, class_weight):
    if isinstance(weights, list):
        weights = in_form(weights, form)
    clf = small_classifier(**TINY, class_weight=class_weight)
    y = [0, 1, 0, 1, 0, 1]
    names = "sample_weight", "class_weight"
    if works_or_is_refused(lambda: clf.fit(six, y, sample_weight=weights), *names):
        assert_probabilities(clf.predict_proba(six), (6, 2))


@pytest.mark.parametrize(
    ("X", "y", "weights", "message"),
    [
        (np.zeros((0, 4)), [], None, r"X: Found array with 0 sample\(s\)"),
        (np.zeros((4, 0)), [0, 1, 0, 1], None, r"X: Found array with 0 feature\(s\)"),
        (np.zeros(4), [0, 1, 0, 1], None, "X: Expected 2D array, got 1D array instead"),
        (np.ones((2, 4)) * 1j, [0, 1], None, "X: Complex data not supported"),
        (pd.DataFrame(np.ones((2, 4)) * 1j), [0, 1], None, "column 0 of X .* Complex data"),
        (np.zeros((2, 4), "S1"), [0, 1], None, "X: dtype='numeric' is not compatible"),
        (np.zeros((2, 4), "M8[D]"), [0, 1], None, r"X must hold numbers, .* datetime64\[D\]"),
        ([[HUGE, 1.0], [None, 2.0]], [0, 1], None, "X: int too large to convert to float"),
        ([[np.inf, -np.inf]] * 2, [0, 1], None, "X contains infinity"),
        (torch.eye(2).to_sparse(), [0, 1], None, "X is a sparse tensor"),
        (np.eye(2), torch.ones(2).to_sparse(), None, "y is a sparse tensor"),
        (np.eye(2), [0, 1], torch.ones(2, device="meta"), "sample_weight is a tensor on"),
        ([[1e39, -1e39]] * 2, [0, 1], None, "X contains infinity or a value too large"),
        (np.eye(2), [0, 1, 0], None, "y: Found input variables with inconsistent numbers"),
        (np.eye(2), [{}, {}], None, "y must hold labels of one kind.* holds dict"),
        (np.eye(2), [[0], [0, 1]], None, "y: setting an array element with a sequence"),
        (np.eye(2), [1e300, 0.5], None, "y: Unknown label type: continuous"),
        (np.eye(2), [0, 1], HUGE, "sample_weight: int too large"),
        (np.eye(2), [0, 1], 1j, "sample_weight: Complex data not supported"),
        (np.eye(2), [0, 1], np.nan, "sample_weight contains NaN"),
        (np.eye(2), [0, 1], np.inf, "sample_weight contains infinity"),
        (np.eye(2), [0, 1], -1, "Negative values in data passed to `sample_weight`"),
    ],
)
def test_errors_name_the_argument(X, y, weights, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small_classifier(**TINY).fit(X, y, sample_weight=weights)


def test_weights_whose_sum_is_infinite(six):
    y, balanced = [0, 1] * 3, {"class_weight": "balanced", **TINY}
    huge = small_classifier(**balanced).fit(six, y, sample_weight=[1.7e308] * 6)
    ones = small_classifier(**balanced).fit(six, y)
    np.testing.assert_array_equal(huge.predict_proba(six), ones.predict_proba(six))


@st.composite
def pieces(draw):
    """X, y, classes and weights for a call of partial_fit; usually at most one of them is odd."""
    odd = draw(st.sampled_from(["none", "none", "X", "y", "classes", "weights", "all"]))
    X, y = np.array([[0.5, 1, 2, 3], [3, 4, 5, 0], [0, 1, 0, 2]]), [0, 1, 0]
    classes, weights = [0, 1] if draw(st.booleans()) else None, None
    if odd in ("X", "all"):
        X = draw(pixel_arrays([*[(3, 4), (1, 2, 2), (3, 2, 2, 1)] * 3, *SHAPES]))
        y = [i % 2 for i in range(count(X))]
    if odd in ("y", "all"):
        y = draw(label_lists(count(X)))
    if odd in ("classes", "all"):
        usual = from_list([[0, 1, 2], [1, 0], 0, [0], ["a", 1], [None], []])
        classes = draw(label_lists(2) | usual)
    if odd in ("weights", "all"):
        weights = draw(st.lists(from_list(WEIGHTS), min_size=3, max_size=3) | from_list(WEIGHTS))
    return X, y, classes, weights


@cases(300)
@given(st.lists(pieces(), min_size=1, max_size=3))
def test_learning_piece_by_piece_from_anything(pieces):
    clf = small_classifier(**TINY)
    names = "X", "y", "classes", "sample_weight"
    for X, y, classes, weights in pieces:
        call = lambda: clf.partial_fit(X, y, classes, weights)  # noqa: B023, E731
        if works_or_is_refused(call, *names):
            probabilities = works_or_is_refused(lambda: clf.predict_proba(X), "X")  # noqa: B023
            if probabilities is not None:
                shape, has_labels = (len(X), len(clf.classes_)), clf.predict(X).ndim == 2
                assert_probabilities(probabilities, shape, of_labels=has_labels)
