"""Generated input, good and bad: all of it works or is refused in words that name the culprit.

Each generated case is one call of a public method. A quick run tries some hundred cases a property;
``SHAPECNN_CASES=10 python -m pytest tests/test_properties.py`` tries ten times as many.
"""

import os
import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

TINY = {"n_filters": (2,), "max_iter": 1, "random_state": 0}
# The only warnings that a call may end with; whatever else NumPy, scikit-learn, skorch or torch
# have to say is a bug of ours.
OURS = {
    ConvergenceWarning: "all pixels of X are the same|may therefore never be predicted",
    DataConversionWarning: "A column-vector y was passed",
    UserWarning: "The pixels of X seem to be on another scale|class_weight has weights for",
}
HUGE = 10**400  # an int that no float holds


def cases(n):
    """How to generate n cases: the same ones each time, and nothing written to disk."""
    return settings(
        max_examples=n * int(os.environ.get("SHAPECNN_CASES", "1")),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),  # they judge how fast it is, on this machine
    )


def works_or_is_refused(call, *names):
    """The result of a call; None where it raises an error of the right kind, with a name in it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except (ValueError, TypeError) as error:  # NotFittedError is the former
            result = None
            assert re.search(rf"\b({'|'.join(names)})\b", str(error)), error
    for warning in caught:
        assert re.search(OURS.get(warning.category, "^$"), str(warning.message)), warning.message
    return result


def assert_probabilities(probabilities, shape):
    assert probabilities.shape == shape
    assert np.isfinite(probabilities).all()
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-9)


def from_list(values):
    """One of these, which need not be hashable or comparable."""
    return st.sampled_from(range(len(values))).map(lambda i: values[i])


# ---------------------------------------------------------------------------------------- pixels

NUMBERS = ["?", "u1", "i1", "i8", "u8", "f2", "f4", "f8", "g", ">i4", ">u2", ">f4", ">f8", "O"]
OTHERS = ["c8", "c16", "M8[D]", "m8[s]", "U3", "S2", "V4", "strings", "bytes", "none", "boxes"]
CONTENTS = ["noise", "0 and 1", "constant", "all equal", "one pixel", "one value", "wide"]
EXTREMES = [
    0.0, -0.0, 1.0, -1.0, 255.0, 1e6, 65504.0, 2.0**24 + 1, 1e19, 1e30, 1e38, 3.4e38, 3.5e38, 1e300,
    1e-6, 1e-30, 1e-38, 1e-45, 1e-300, 5e-324, np.nan, np.inf, -np.inf,
]  # fmt: skip
LAYOUTS = [
    "C", "F", "strided", "reversed", "read-only", "broadcast", "swapped", "list", "frame", "sparse",
]  # fmt: skip


@st.composite
def pixel_arrays(draw, shapes, dtypes=(*NUMBERS, *OTHERS)):
    shape = draw(from_list(shapes))
    dtype = draw(st.sampled_from(dtypes))
    content = draw(st.sampled_from(CONTENTS))
    value, other = draw(st.sampled_from(EXTREMES)), draw(st.sampled_from(EXTREMES))
    layout = draw(st.sampled_from(LAYOUTS))
    rng = np.random.default_rng(draw(st.sampled_from(range(20))))
    X = rng.normal(size=shape)
    if content == "0 and 1":
        X = (X > 0).astype(float)
    elif content == "constant":
        X = np.full(shape, value)
    elif content == "all equal" and X.ndim:
        X[:] = X[:1]
    elif content == "one pixel":
        X = np.full(shape, value)
        X.flat[:1] = other
    elif content == "one value":
        X.flat[:1] = value
    elif content == "wide":
        with np.errstate(all="ignore"):
            X = X * value
    return laid_out(np.asarray(with_dtype(X, dtype)), layout)


def with_dtype(X, dtype):
    X = np.asarray(X)
    if dtype == "strings":
        return X.astype("U8").astype(object)
    if dtype == "bytes":
        return X.astype("S8").astype(object)
    if dtype == "none":
        X = np.array(X, dtype=object)
        X.flat[-1:] = [None]
        return X
    if dtype == "boxes":  # an array of one dimension that holds images
        boxes = np.empty(len(X) if X.ndim else 1, dtype=object)
        boxes[:] = list(X) if X.ndim > 1 else [None] * len(boxes)
        return boxes
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of casting NaN to int and complex to real
        if dtype.startswith("V"):
            return np.zeros(X.shape, dtype)
        if dtype[0] in "mM":
            return np.nan_to_num(X).astype("i4").astype(dtype)
        return X.astype(dtype)


def laid_out(X, layout):
    if X.ndim == 0:
        return X.tolist() if layout == "list" else X
    if layout == "F":
        return np.asfortranarray(X)
    if layout == "strided":
        wide = np.repeat(X, 2, axis=-1)
        return wide[..., ::2]
    if layout == "reversed":
        return np.flip(np.flip(X).copy())
    if layout == "read-only":
        X.flags.writeable = False
        return X
    if layout == "broadcast":  # all images are the same memory
        return np.broadcast_to(X[:1], X.shape) if len(X) else X
    if layout == "list":
        return X.tolist()
    if layout == "swapped":
        return X.astype(X.dtype.newbyteorder())
    if layout == "frame" and X.ndim == 2 and X.dtype.kind != "V":
        return pd.DataFrame(native(X))
    if layout == "sparse" and X.ndim == 2 and X.dtype.name in ("float64", "bool"):
        return scipy.sparse.csr_array(native(X))
    return X


def native(X):
    return X.astype(X.dtype.newbyteorder("="))


SHAPES = [
    (), (0,), (1,), (4,), (0, 4), (4, 0), (1, 1), (2, 1), (4, 4), (5, 9), (6, 3), (3, 2, 2),
    (4, 1, 3), (4, 0, 2), (4, 2, 2, 1), (6, 2, 3, 3), (4, 1, 1, 1), (3, 2, 0, 3), (2, 3, 8, 8),
    (2, 1, 1, 1, 1), (2, 3, 1, 1, 2),
]  # fmt: skip
GOOD_SHAPES = [(4, 4), (5, 9), (6, 3), (3, 2, 2), (4, 1, 3), (6, 2, 3, 3), (2, 1), (4, 9, 2)]


def count(X):
    try:
        return X.shape[0] if hasattr(X, "shape") else len(X)
    except (TypeError, IndexError):
        return 0


@cases(500)
@given(pixel_arrays(SHAPES) | pixel_arrays(GOOD_SHAPES, NUMBERS))
def test_fitting_any_pixels(X):
    y = np.arange(count(X)) % 2
    clf = ShapeCNNClassifier(**TINY)
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
    return ShapeCNNClassifier(**TINY).fit(X, y)


# ---------------------------------------------------------------------------- labels and weights

LABELS = [
    0, 1, -1, 2, 10**18, -(2**63), 2**63, 2**64, 10**30, HUGE, True, False, np.True_, np.int8(1),
    np.uint64(2**64 - 1), 0.0, 1.0, -0.0, 0.5, 1e300, 1e-300, 1e19, np.float16(1), np.nan, np.inf,
    "a", "b", "", "0", "\0", "é", b"a", b"b", None, 1j, (0, 1), (0,), [1], [], {}, {"a": 1},
    Fraction(1, 2), np.datetime64("2020-01-01"), np.timedelta64(1, "D"), object(), [[0]], int,
]  # fmt: skip
KINDS = [
    [0, 1], [0, 1, 2], [-1, 1], [True, False], ["a", "b"], ["yes", "no", ""], [0.0, 1.0],
    [2**63, 0], [2**64, 10**30], [-(2**63), 2**63 - 1], ["a", 1], [1, 0.5], [None, "a"],
    [np.nan, 1.0], [1e300, 0.0], [b"a", b"b"], [np.datetime64(1, "D"), np.datetime64(2, "D")], [0],
    [np.int8(-1), np.int8(5)], ["circle", "ring", "star"], [np.True_, np.False_], [10**30, -1],
]  # fmt: skip
LABEL_FORMS = ["list", "tuple", "array", "object", "column", "one-hot", "swapped", "series", "set"]
USUAL_FORMS = ["list", "array", "object", "series"]


@st.composite
def label_lists(draw, n=6):
    kinds = draw(from_list(KINDS))
    if draw(st.sampled_from(["usual", "usual", "usual", "odd"])) == "odd":
        kinds = draw(st.lists(from_list(LABELS), min_size=1, max_size=3))
    length = draw(st.sampled_from([*[n] * 12, 0, 1, n + 1]))
    labels = [kinds[i % len(kinds)] for i in range(length)]
    order = draw(st.permutations(range(length)))
    form = draw(st.sampled_from(USUAL_FORMS) | st.sampled_from(LABEL_FORMS))
    return in_form([labels[i] for i in order], form)


def in_form(values, form):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, at what cannot be an array
        try:
            if form == "tuple":
                return tuple(values)
            if form == "set":
                return set(values)
            if form == "object":
                array = np.empty(len(values), dtype=object)
                array[:] = values
                return array
            if form == "array":
                return np.asarray(values)
            if form == "column":
                return np.asarray(values)[:, None]
            if form == "one-hot":
                return np.stack([np.asarray(values)] * 2, axis=1)
            if form == "swapped":
                array = np.asarray(values)
                return array.astype(array.dtype.newbyteorder())
            if form == "series":
                return pd.Series(values)
        except (ValueError, TypeError, OverflowError):  # it does not come in this form
            pass
    return values


@pytest.fixture(scope="module")
def six():
    return np.random.default_rng(0).normal(size=(6, 4))


@cases(400)
@given(label_lists())
def test_fitting_any_labels(six, y):
    clf = ShapeCNNClassifier(**TINY)
    if works_or_is_refused(lambda: clf.fit(six, y), "y"):
        assert_probabilities(clf.predict_proba(six), (6, len(clf.classes_)))
        assert len(clf.predict(six)) == 6


WEIGHTS = [
    0, 1, 1.0, 2, 0.5, 1e-300, 5e-324, 1e-40, 1e-30, 1e-10, 1e10, 1e38, 1e300, 1.7e308, -1, -1e-300,
    np.nan, np.inf, True, None, "1", "heavy", 1j, HUGE, 2**64, np.float32(3), np.longdouble(1),
]  # fmt: skip


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
    clf = ShapeCNNClassifier(**TINY, class_weight=class_weight)
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
        (torch.ones((2, 4), requires_grad=True), [0, 1], None, "X: Can't call numpy"),
        (np.eye(2), torch.ones(2, requires_grad=True), None, "y: Can't call numpy"),
        (np.eye(2), [0, 1], torch.ones(2, requires_grad=True), "sample_weight: Can't call numpy"),
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
        ShapeCNNClassifier(**TINY).fit(X, y, sample_weight=weights)


def test_weights_whose_sum_is_infinite(six):
    y, balanced = [0, 1] * 3, {"class_weight": "balanced", **TINY}
    huge = ShapeCNNClassifier(**balanced).fit(six, y, sample_weight=[1.7e308] * 6)
    ones = ShapeCNNClassifier(**balanced).fit(six, y)
    np.testing.assert_array_equal(huge.predict_proba(six), ones.predict_proba(six))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": HUGE}, "alpha: int too large"),
        ({"learning_rate_init": HUGE}, "learning_rate_init: int too large"),
        ({"tol": HUGE, "early_stopping": True}, "tol: int too large"),
        ({"dropout": Fraction(1, 3)}, "dropout: "),
        ({"n_filters": 10**12}, r"n_filters=1000000000000 .* \d+ weights, which is too large"),
        ({"hidden_layer_sizes": (10**6, 10**6)}, r"hidden_layer_sizes=\(1000000, 1000000\) make"),
        ({"n_filters": [2, [2]]}, "n_filters must hold positive ints"),
        ({"augment": ["shift", ["flips"]]}, "augment: "),
        ({"device": "hpu"}, "device='hpu' is not available"),
        ({"device": "mkldnn"}, "device='mkldnn' is not available"),
        ({"class_weight": {0: HUGE}}, "class_weight: int too large"),
        ({"class_weight": {0: 0}}, "Look at sample_weight and class_weight"),
    ],
)
def test_errors_name_the_parameter(six, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ShapeCNNClassifier(**(TINY | parameters)).fit(six, [0, 1] * 3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rotation": (-1.7e308, 1.7e308)}, r"rotation must be finite and in \[-1000000000"),
        ({"size": HUGE}, "size must be finite"),
        ({"filled": HUGE}, "filled must be finite"),
        ({"n_samples": 10**15}, "n_samples=10+ images of image_shape=.* fit into no memory"),
        ({"image_shape": (10**9, 10**9)}, "image_shape=.* fit into no memory"),
    ],
)
def test_errors_of_make_shapes_name_the_parameter(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_shapes(**parameters)


def test_noise_beyond_float32_leaves_black_and_white():
    X, _ = make_shapes(3, image_shape=(8, 8), noise=1e300, random_state=0)
    assert set(np.unique(X)) == {0, 1}


# ------------------------------------------------------------------------------------ parameters

ODD = [
    None, True, False, 0, 1, -1, 2, 0.0, 0.5, 1.0, -0.5, 1e-320, 1e-8, 1e3, 1e38, 1e300, np.nan,
    np.inf, -np.inf, HUGE, -HUGE, "", "auto", "no such thing", b"auto", (), [], [1], (2, 2), (1, 4),
    [[2]], [2.0], [None], [True], [HUGE], ["a", 1], np.array(2), np.array([2, 2]), np.array([]),
    np.int8(2), np.uint64(3), np.float16(0.25), np.longdouble(0.5), Fraction(1, 3), 1j, {}, {0: 1},
    {0: -1}, {"a": 1}, {0: np.nan}, set(), object(), int, "balanced", "jitter", range(1, 3),
    [2, [2]], ["shift", ["flips"]], [[1, 2], [3]], "hpu", "mkldnn", "meta", torch.ones(2),
]  # fmt: skip
GOOD = {
    "image_shape": [None, (2, 2), (1, 4), [4, 1, 1], (2, 2, 1), np.array([2, 2])],
    "n_filters": [1, 3, (2,), (2, 1), [1, 2, 3], np.array([2])],
    "kernel_size": ["auto", 1, 2, 3, 7, (3,), 10**30],
    "pool_size": ["auto", 1, 2, 9, (2,), 10**30],
    "pooling": ["max", "avg", "sum"],
    "hidden_layer_sizes": [(), 1, 3, (2, 2), [1]],
    "activation": ["relu", "leaky_relu", "gelu", "silu", "tanh", "logistic"],
    "normalization": ["batch", "layer", None],
    "dropout": [0, 0.0, 0.5, 0.999999, 1 - 1e-16, 1e-320],
    "learning_rate_init": [1e-320, 1e-8, 0.01, 1, 1e3, 1e20, 1e38, 1e300, Fraction(1, 100)],
    "alpha": [0, 1e-320, 0.5, 1, 100, 1e10, 1e38, 1e300],
    "batch_size": ["auto", 1, 2, 7, 10**30],
    "max_iter": [1, 2, np.int64(3)],
    "label_smoothing": [0, 0.1, 0.999999, 1 - 1e-16, 1e-320],
    "augment": [
        None, "auto", "jitter", "shift", "flips", "horizontal_flip", "vertical_flip",
        "quarter_turns", ["flips", "jitter"], [], ("shift", "shift"),
    ],
    "class_weight": [None, "balanced", {0: 1, 1: 2}, {0: 1}, {0: 0, 1: 1e300}, {0: 1e-300}],
    "early_stopping": [True, False],
    "validation_fraction": [0.1, 0.5, 0.999999, 1e-300],
    "n_iter_no_change": [1, np.inf, 10**30],
    "tol": [0, 1e-4, 1e300],
    "warm_start": [True, False],
    "device": ["cpu"],
    "random_state": [0, None, np.random.RandomState(0), 2**32 - 1],
    "verbose": [0, False],
    "callbacks": [None, [], ()],
}  # fmt: skip


def any_parameters(good):
    """Up to four parameters in range; in half the cases, one more with any value at all."""
    names = st.lists(st.sampled_from(sorted(good)), unique=True, max_size=4)
    usual = names.flatmap(lambda some: st.fixed_dictionaries({n: from_list(good[n]) for n in some}))
    name = st.sampled_from([name for name in sorted(good) if name != "max_iter"])
    odd = st.tuples(name, from_list(ODD)).map(lambda pair: dict([pair]))
    return usual | st.tuples(usual, odd).map(lambda both: both[0] | both[1])


def fit_with(X, parameters):
    clf = ShapeCNNClassifier(**(TINY | parameters))
    names = {*parameters, "X"}
    if names & {"alpha", "dropout", "label_smoothing"}:  # with which training may diverge
        names.add("learning_rate_init")
    if works_or_is_refused(lambda: clf.fit(X, [0, 1, 0, 1, 0, 1]), *names):
        result = works_or_is_refused(lambda: clf.predict_proba(X), "X")
        if result is not None:
            assert_probabilities(result, (6, 2))


@pytest.mark.parametrize("name", GOOD)
def test_each_parameter_with_any_value(six, name):
    for value in [*GOOD[name], *ODD]:
        for early_stopping in (False, True):
            fit_with(six, {"early_stopping": early_stopping, name: value})


@cases(600)
@given(any_parameters(GOOD))
def test_any_parameters_together(six, parameters):
    fit_with(six, parameters)


@st.composite
def pieces(draw):
    """X, y, classes and weights of a call of partial_fit, usually no more than one of them odd."""
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
    clf = ShapeCNNClassifier(**TINY)
    names = "X", "y", "classes", "sample_weight"
    for X, y, classes, weights in pieces:
        call = lambda: clf.partial_fit(X, y, classes, weights)  # noqa: B023, E731
        if works_or_is_refused(call, *names):
            probabilities = works_or_is_refused(lambda: clf.predict_proba(X), "X")  # noqa: B023
            if probabilities is not None:
                assert_probabilities(probabilities, (len(X), len(clf.classes_)))


# ---------------------------------------------------------------------------------------- shapes

SHAPES_OF_EACH = {
    "n_samples": [1, 3, [1, 2, 0], (0, 0, 1), np.array([1, 1, 1]), np.int64(2)],
    "image_shape": [(8, 8), [3, 9], (8, 5, 3), np.array([6, 6]), (np.int8(7), 7)],
    "shapes": [("triangle", "circle", "rectangle"), ["star", "cross", "ring"], ["ellipse"]],
    "size": [1, 0.5, 0.999, (0.4, 1.0), (1e-300, 1), Fraction(1, 2)],
    "rotation": [0, (0, 360), -720, (-1e300, 1e300), 1e308, (-1.7e308, 1.7e308), 1e-320],
    "aspect_ratio": [0.01, 1, (0.01, 1), 0.5],
    "min_visible": [1, 1e-320, 1e-12, 0.5, 1 - 1e-16],
    "filled": [True, False, 0.5, 1, 0],
    "line_width": [1, 1e-320, 1e-12, (1e-300, 1), 0.2],
    "foreground": [0, 1, (0, 1), (0.5, 0.5), 1e-320],
    "background": [0, 1, (0, 1), (0.5, 0.5), 1e-320],
    "min_contrast": [0, 1, 0.2, 0.5, 1e-320],
    "noise": [0, 0.1, 1e30, 1e38, 1e39, 1e300, 1e-320],
    "shuffle": [True, False],
    "as_images": [True, False],
    "return_X_y": [True, False],
    "return_masks": [True, False],
    "random_state": [0, None, np.random.RandomState(0), np.random.default_rng(0), 2**32 - 1],
}


def make_with(parameters):
    parameters = {"n_samples": 3, "image_shape": (8, 8), "random_state": 0} | parameters
    data = works_or_is_refused(lambda: make_shapes(**parameters), *parameters)
    if data is not None:
        images, labels = (data.data, data.target) if hasattr(data, "data") else data
        assert len(images) == len(labels) > 0
        assert images.dtype == np.float32
        assert (images >= 0).all() and (images <= 1).all()


@pytest.mark.parametrize("name", SHAPES_OF_EACH)
def test_shapes_with_any_value_of_each_parameter(name):
    for value in [*SHAPES_OF_EACH[name], *ODD]:
        make_with({name: value})


@cases(500)
@given(any_parameters(SHAPES_OF_EACH))
def test_shapes_of_any_parameters_together(parameters):
    make_with(parameters)
