"""The estimators as those of scikit-learn: its checks, weights, parameters, names."""

import re
import subprocess
import sys
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
import sklearn
from helpers import small_classifier
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - imported for its effect
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    cross_validate,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_shapecnn import ImageReader, ShapeCNNClassifier, ShapeCNNRegressor, make_shapes
from sklearn_shapecnn._compat import DocLinkMixin


def name_of(check):
    return getattr(check, "func", check).__name__


# scikit-learn's checks

# This one needs an environment variable that is set before SciPy is imported; it is skipped for
# MLPClassifier as well. test_array_api_check_passes_where_scipy_allows_it sets it in a new process.
SKIPPED = {"check_array_api_input"}


def fitted_source():
    """A small classifier whose filters another one can start from."""
    X, y = make_shapes(20, image_shape=(8, 8), size=0.6, random_state=0)
    return FrozenEstimator(small_classifier(max_iter=1).fit(X, y))


@pytest.mark.slow
@parametrize_with_checks([ShapeCNNClassifier(), ShapeCNNRegressor()])
def test_check_estimator_of_the_defaults(estimator, check):
    run_check(estimator, check)


@parametrize_with_checks([small_classifier(weights=None, max_iter=8)])
def test_check_estimator_of_a_small_network(estimator, check):
    run_check(estimator, check)


@pytest.mark.slow
@parametrize_with_checks([small_classifier(weights=fitted_source(), max_iter=8)])
def test_check_estimator_of_a_network_that_starts_from_another(estimator, check):
    run_check(estimator, check)


def run_check(estimator, check):
    if name_of(check) == "check_class_weight_classifiers" and estimator.max_iter != "auto":
        pytest.skip("it sets max_iter=1000, which takes a minute; the default goes through it")
    try:
        check(estimator)
    except SkipTest as reason:
        if name_of(check) not in SKIPPED:
            pytest.fail(f"{name_of(check)} is skipped: {reason}")
        pytest.skip(str(reason))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(ShapeCNNClassifier(), MLPClassifier()), (ShapeCNNRegressor(), MLPRegressor())],
    ids=["classifier", "regressor"],
)
def test_checks_are_those_of_a_network_of_scikit_learn(ours, theirs):
    ours, theirs = (
        {name_of(check) for _, check in estimator_checks_generator(estimator)}
        for estimator in (ours, theirs)
    )
    # Our estimators take no sparse X.
    assert theirs - ours <= {name for name in theirs if "on_sparse_data" in name}
    assert len(ours) > 45


@pytest.mark.slow
def test_array_api_check_passes_where_scipy_allows_it():
    code = (
        "import os; os.environ['SCIPY_ARRAY_API'] = '1'\n"
        "from sklearn.utils.estimator_checks import estimator_checks_generator\n"
        "from sklearn_shapecnn import ShapeCNNClassifier\n"
        "for estimator, check in estimator_checks_generator(ShapeCNNClassifier()):\n"
        f"    if getattr(check, 'func', check).__name__ in {SKIPPED}:\n"
        "        check(estimator)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Sample weights


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"augment": ["shift", "flips", "quarter_turns"], "dropout": 0.4},
        {"class_weight": {0: 2, 1: 1}, "batch_size": 7},
        {"class_weight": "balanced", "normalization": None},
        {
            "early_stopping": True,
            "augment": ["shift", "horizontal_flip", "vertical_flip", "flips", "quarter_turns"],
            "dropout": 0.4,
            "hidden_layer_sizes": 8,
        },
    ],
    ids=str,
)
def test_weight_two_is_twice_and_weight_zero_is_absence_to_the_bit(few, parameters):
    X, y = few
    parameters = {"max_iter": 5} | parameters
    weights = np.random.default_rng(1).integers(0, 4, size=len(y))
    weighted = small_classifier(**parameters).fit(X, y, sample_weight=weights)
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(len(y)), weights))
    repeated = small_classifier(**parameters).fit(X[rows], y[rows])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))
    assert weighted.loss_curve_ == repeated.loss_curve_
    assert weighted.validation_scores_ == repeated.validation_scores_
    unweighted = small_classifier(**parameters).fit(X, y)
    assert not np.array_equal(unweighted.predict_proba(X), repeated.predict_proba(X))


def test_weight_two_alone_and_weight_zero_alone(few):
    X, y = few
    parameters = {"early_stopping": True, "augment": "flips", "dropout": 0.2}
    some = np.arange(len(y)) % 3 == 0
    for factor, rows in [(2, np.r_[: len(y), np.flatnonzero(some)]), (0, np.flatnonzero(~some))]:
        weighted = small_classifier(**parameters).fit(X, y, sample_weight=np.where(some, factor, 1))
        by_rows = small_classifier(**parameters).fit(X[rows], y[rows])
        np.testing.assert_array_equal(weighted.predict_proba(X), by_rows.predict_proba(X))


def test_equal_weights_of_any_size_are_no_weights(few):
    X, y = few
    expected = small_classifier().fit(X, y).predict_proba(X)
    for weight in (1, 0.25, 1024):
        clf = small_classifier().fit(X, y, sample_weight=np.full(len(y), weight))
        np.testing.assert_array_equal(clf.predict_proba(X), expected)


# Metadata routing


def wrong_labels(y):
    """Labels with every fourth wrong, and weights that are zero for those."""
    wrong = np.arange(len(y)) % 8 < 2  # as many of both classes
    return np.where(wrong, 1 - y, y), (~wrong).astype(float)


def test_sample_weight_is_routed_to_fit(few):
    X, y = few
    y_noisy, weights = wrong_labels(y)
    with sklearn.config_context(enable_metadata_routing=True):
        cnn = small_classifier().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, cnn)
        # scikit-learn 1.7 needs a scorer to score a pipeline with weights.
        scoring = get_scorer("accuracy").set_score_request(sample_weight=True)
        grid = {"shapecnnclassifier__kernel_size": [3]}
        search = GridSearchCV(pipeline, grid, scoring=scoring, cv=2)
        search.fit(X, y_noisy, sample_weight=weights)
    by_hand = make_pipeline(StandardScaler().fit(X), small_classifier(kernel_size=3))
    right = weights > 0
    by_hand[-1].fit(by_hand[0].transform(X)[right], y_noisy[right])
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))
    assert search.score(X, y) > 0.9


def test_sample_weight_is_routed_to_score(few):
    X, y = few
    y_noisy, weights = wrong_labels(y)
    with sklearn.config_context(enable_metadata_routing=True):
        asks = small_classifier(max_iter=20).set_fit_request(sample_weight=True)
        weighted, unweighted = (
            cross_validate(
                clone(asks).set_score_request(sample_weight=request),
                X,
                y_noisy,
                cv=2,
                params={"sample_weight": weights},
            )["test_score"].mean()
            for request in (True, False)
        )
    assert weighted > 0.9
    assert 0.6 < unweighted < 0.85  # a quarter of the labels to score by is wrong


def test_sample_weight_that_nobody_asked_for_is_an_error(few):
    X, y = few
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(MinMaxScaler(), small_classifier())
        with pytest.raises(UnsetMetadataPassedError, match="ShapeCNNClassifier"):
            pipeline.fit(X, y, sample_weight=np.ones(len(y)))


# Parameters and representations


def test_clone_has_the_parameters_but_not_the_network(few):
    clf = small_classifier(kernel_size=(5, 3), max_iter=1).fit(*few)
    copy = clone(clf)
    assert copy.get_params() == clf.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]
    np.testing.assert_array_equal(copy.fit(*few).predict_proba(few[0]), clf.predict_proba(few[0]))


def test_set_params():
    clf = small_classifier()
    assert clf.set_params(kernel_size=7, dropout=0.5) is clf
    assert clf.get_params()["kernel_size"] == 7
    assert clf.get_params() == small_classifier(kernel_size=7, dropout=0.5).get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'kernel'"):
        clf.set_params(kernel=3)


def test_repr_is_short():
    assert repr(ShapeCNNClassifier()) == "ShapeCNNClassifier()"
    assert repr(ShapeCNNClassifier(kernel_size=5)) == "ShapeCNNClassifier(kernel_size=5)"
    clf = ShapeCNNClassifier(n_filters=(8, 16), augment=None, max_iter="auto")
    assert repr(clf) == "ShapeCNNClassifier(augment=None, n_filters=(8, 16))"


LINK = re.compile(r'href="(https?://[^"]*)')


def test_html_repr_has_no_link_to_a_site_that_is_not_published(few):
    for clf in (ShapeCNNClassifier(), small_classifier().fit(*few), ImageReader()):
        assert not LINK.findall(clf._repr_html_())
        links = LINK.findall(estimator_html_repr(make_pipeline(MinMaxScaler(), clf)))
        assert all(link.startswith("https://scikit-learn.org/") for link in links)
        assert any("MinMaxScaler" in link for link in links)


def test_html_repr_links_to_the_site_once_there_is_one(few, monkeypatch):
    page = "https://example.org/generated/sklearn_shapecnn.{estimator_name}.html"
    monkeypatch.setattr(DocLinkMixin, "_doc_link_template", page)
    for clf in (ShapeCNNClassifier(), small_classifier().fit(*few)):
        for html in (clf._repr_html_(), estimator_html_repr(make_pipeline(MinMaxScaler(), clf))):
            assert page.format(estimator_name="ShapeCNNClassifier") in html


# Data frames


@pytest.fixture(scope="module")
def frame(few):
    return pd.DataFrame(few[0], columns=[f"pixel{i}" for i in range(64)])


@pytest.fixture(scope="module")
def fitted_to_frame(few, frame):
    return small_classifier().fit(frame, few[1])


def test_column_names_are_remembered(few, frame, fitted_to_frame):
    X, y = few
    assert fitted_to_frame.feature_names_in_.tolist() == list(frame.columns)
    assert fitted_to_frame.n_features_in_ == 64
    np.testing.assert_array_equal(
        fitted_to_frame.predict_proba(frame),
        small_classifier().fit(X, y).predict_proba(X),
    )


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.rename(columns={"pixel3": "other"}), "unseen at fit time:\n- other"),
        (lambda frame: frame.drop(columns="pixel3"), "yet now missing:\n- pixel3"),
        (lambda frame: frame[frame.columns[::-1]], "must be in the same order"),
    ],
    ids=["renamed", "missing", "reordered"],
)
def test_wrong_column_names_are_an_error(frame, fitted_to_frame, method, change, message):
    with pytest.raises(ValueError, match="feature names should match") as error:
        getattr(fitted_to_frame, method)(change(frame))
    assert message in str(error.value)


def test_an_array_after_a_frame_warns(few, fitted_to_frame):
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted_to_frame.predict(few[0])


def test_column_names_are_forgotten_with_the_next_fit(few, frame):
    X, y = few
    clf = small_classifier().fit(frame, y)
    assert not hasattr(clf.fit(X.reshape(-1, 8, 8), y), "feature_names_in_")
