"""The classifier among scikit-learn's own tools."""

import pickle
import subprocess
import sys
from unittest import SkipTest

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - imported for its effect
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_shapecnn import ShapeCNNClassifier


def quick(**parameters):
    return ShapeCNNClassifier(**({"max_iter": 12, "random_state": 0} | parameters))


def name_of(check):
    return getattr(check, "func", check).__name__


# scikit-learn's checks

# It needs an environment variable, set before SciPy is imported; MLPClassifier's is skipped
# likewise. test_array_api_check_passes_where_scipy_allows_it runs it in a process that has it.
SKIPPED = {"check_array_api_input"}


@parametrize_with_checks([ShapeCNNClassifier()])
def test_check_estimator(estimator, check):
    try:
        check(estimator)
    except SkipTest as reason:
        if name_of(check) not in SKIPPED:
            pytest.fail(f"{name_of(check)} is skipped: {reason}")
        pytest.skip(str(reason))


def test_checks_are_those_of_a_network_of_scikit_learn():
    ours, theirs = (
        {name_of(check) for _, check in estimator_checks_generator(estimator)}
        for estimator in (ShapeCNNClassifier(), MLPClassifier())
    )
    # The classifier has no partial_fit, no labels in several columns and no sparse X.
    words = ("partial_fit", "multilabel", "on_sparse_data")
    absent = {name for name in theirs if any(word in name for word in words)}
    assert theirs - ours <= absent
    assert len(ours) > 50


def test_array_api_check_passes_where_scipy_allows_it():
    code = (
        "import os; os.environ['SCIPY_ARRAY_API'] = '1'\n"
        "import torch; torch.set_num_threads(1)\n"
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
    weighted = quick(**parameters).fit(X, y, sample_weight=weights)
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(len(y)), weights))
    repeated = quick(**parameters).fit(X[rows], y[rows])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))
    assert weighted.loss_curve_ == repeated.loss_curve_
    assert weighted.validation_scores_ == repeated.validation_scores_
    unweighted = quick(**parameters).fit(X, y)
    assert not np.array_equal(unweighted.predict_proba(X), repeated.predict_proba(X))


def test_weight_two_alone_and_weight_zero_alone(few):
    X, y = few
    parameters = {"max_iter": 3, "early_stopping": True, "augment": "flips", "dropout": 0.2}
    some = np.arange(len(y)) % 3 == 0
    for factor, rows in [(2, np.r_[: len(y), np.flatnonzero(some)]), (0, np.flatnonzero(~some))]:
        weighted = quick(**parameters).fit(X, y, sample_weight=np.where(some, factor, 1))
        by_rows = quick(**parameters).fit(X[rows], y[rows])
        np.testing.assert_array_equal(weighted.predict_proba(X), by_rows.predict_proba(X))


def test_equal_weights_of_any_size_are_no_weights(few):
    X, y = few
    expected = quick(max_iter=3).fit(X, y).predict_proba(X)
    for weight in (1, 0.25, 1024):
        clf = quick(max_iter=3).fit(X, y, sample_weight=np.full(len(y), weight))
        np.testing.assert_array_equal(clf.predict_proba(X), expected)


# Pipelines


@pytest.mark.parametrize(
    ("transformer", "image_shape", "bar"),
    [
        (MinMaxScaler(), (16, 16, 1), 0.8),
        (StandardScaler(), (16, 16, 1), 0.7),
        (PCA(30, random_state=0), (1, 30, 1), 0.5),
    ],
    ids=["min_max", "standard", "pca_to_one_row_of_pixels"],
)
def test_at_the_end_of_a_pipeline(shapes, transformer, image_shape, bar):
    X, y = shapes
    pipeline = make_pipeline(transformer, quick(max_iter=20)).fit(X[:180], y[:180])
    assert pipeline[-1].image_shape_ == image_shape
    assert pipeline.score(X[180:], y[180:]) > bar
    np.testing.assert_array_equal(
        pipeline.predict_proba(X), pipeline[-1].predict_proba(pipeline[0].transform(X))
    )


# Searches


def test_grid_search_over_kernel_sizes_finds_the_same_in_two_processes(shapes):
    X, y = shapes
    # As many threads in the workers as here, so that sums are rounded alike.
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        one, two = (
            GridSearchCV(
                quick(n_filters=(8, 16)), param_grid={"kernel_size": [3, 5, 7]}, cv=2, n_jobs=n_jobs
            ).fit(X, y)
            for n_jobs in (1, 2)
        )
    scores = two.cv_results_["mean_test_score"]
    assert scores.shape == (3,)
    assert two.best_score_ == scores.max() > 0.7
    assert two.best_params_ == {"kernel_size": [3, 5, 7][scores.argmax()]} == one.best_params_
    for split in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(two.cv_results_[split], one.cv_results_[split])
    np.testing.assert_array_equal(two.predict_proba(X), one.predict_proba(X))


def test_grid_search_over_parameters_of_a_pipeline_step(few):
    X, y = few
    pipeline = Pipeline([("scale", MinMaxScaler()), ("cnn", quick(max_iter=4))])
    grid = {"cnn__n_filters": [(4,), (4, 8)], "cnn__pooling": ["max", "avg", "sum"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    best = search.best_estimator_["cnn"]
    assert best.pooling == search.best_params_["cnn__pooling"]
    assert best.n_filters == search.best_params_["cnn__n_filters"]
    by_hand = clone(pipeline).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))


def test_halving_grid_search_keeps_the_better_half_for_more_images(shapes):
    grid = {"kernel_size": [1, 3], "n_filters": [(4, 8), (8, 16)]}
    search = HalvingGridSearchCV(
        quick(), grid, factor=2, min_resources=60, cv=2, random_state=0, error_score="raise"
    ).fit(*shapes)
    assert search.n_candidates_ == [4, 2, 1]
    assert search.n_resources_ == [60, 120, 240]
    assert search.best_score_ > 0.6


def test_randomized_search(few):
    space = {"learning_rate_init": [0.003, 0.01, 0.03], "dropout": [0.0, 0.2]}
    search = RandomizedSearchCV(
        quick(), space, n_iter=3, cv=2, random_state=0, error_score="raise"
    ).fit(*few)
    assert len(search.cv_results_["params"]) == 3
    assert search.best_score_ > 0.8
    assert search.best_estimator_.get_params().items() >= search.best_params_.items()


# Cross-validation and inspection


def test_cross_validate(few):
    result = cross_validate(quick(), *few, cv=3, scoring=["accuracy", "neg_log_loss"])
    assert result["test_accuracy"].mean() > 0.8
    assert (result["test_neg_log_loss"] > np.log(0.5)).all()


def test_cross_val_predict_is_what_each_fold_predicts(few):
    X, y = few
    folds = StratifiedKFold(3)
    probabilities = cross_val_predict(quick(), X, y, cv=folds, method="predict_proba")
    expected = np.empty((len(y), 2))
    for train, test in folds.split(X, y):
        expected[test] = quick().fit(X[train], y[train]).predict_proba(X[test])
    np.testing.assert_array_equal(probabilities, expected)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.8


def test_learning_curve(few):
    sizes, train, test = learning_curve(quick(), *few, cv=2, train_sizes=[0.5, 1.0])
    assert sizes.tolist() == [10, 20]
    assert train.shape == test.shape == (2, 2)
    assert test[-1].mean() > 0.8


def test_permutation_importance_finds_the_pixel_that_matters():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = X[:, 1] > 0
    clf = quick(max_iter=30).fit(X, y)
    result = permutation_importance(clf, X, y, n_repeats=3, random_state=0)
    assert result.importances.shape == (3, 3)
    assert result.importances_mean.argmax() == 1
    assert result.importances_mean[1] > 0.2


# Meta-estimators


@pytest.mark.parametrize(
    "ensemble",
    [
        CalibratedClassifierCV(quick(), cv=2),
        BaggingClassifier(quick(), n_estimators=3, random_state=0),
        VotingClassifier([("cnn", quick()), ("linear", LogisticRegression())], voting="soft"),
        StackingClassifier([("cnn", quick())], final_estimator=LogisticRegression(), cv=2),
        OneVsRestClassifier(quick()),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_inside_ensembles(few, ensemble):
    X, y = few
    ensemble = clone(ensemble).fit(X[:30], y[:30])
    assert ensemble.score(X[30:], y[30:]) > 0.85
    np.testing.assert_allclose(ensemble.predict_proba(X).sum(axis=1), 1)


def test_soft_voting_is_the_mean_of_the_members(few):
    X, y = few
    members = [("cnn", quick(max_iter=3)), ("linear", LogisticRegression())]
    vote = VotingClassifier(members, voting="soft").fit(X, y)
    by_hand = np.mean([clone(m).fit(X, y).predict_proba(X) for _, m in members], axis=0)
    np.testing.assert_allclose(vote.predict_proba(X), by_hand, rtol=1e-12)


def test_one_vs_rest_of_three_classes(shapes):
    X, y = shapes
    clf = OneVsRestClassifier(quick(n_filters=(8, 16))).fit(X[:180], y[:180])
    assert [binary.classes_.tolist() for binary in clf.estimators_] == [[0, 1]] * 3
    assert clf.score(X[180:], y[180:]) > 0.6


# Metadata routing


def wrong_labels(y):
    """Labels of which every fourth is wrong, and weights that are zero there."""
    wrong = np.arange(len(y)) % 8 < 2  # as many of both classes
    return np.where(wrong, 1 - y, y), (~wrong).astype(float)


def test_sample_weight_is_routed_to_fit(few):
    X, y = few
    y_noisy, weights = wrong_labels(y)
    with sklearn.config_context(enable_metadata_routing=True):
        cnn = quick().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, cnn)
        # The search of scikit-learn 1.7 cannot score a pipeline by weights without a scorer.
        scoring = get_scorer("accuracy").set_score_request(sample_weight=True)
        grid = {"shapecnnclassifier__kernel_size": [3]}
        search = GridSearchCV(pipeline, grid, scoring=scoring, cv=2)
        search.fit(X, y_noisy, sample_weight=weights)
    by_hand = make_pipeline(StandardScaler().fit(X), quick(kernel_size=3))
    right = weights > 0
    by_hand[-1].fit(by_hand[0].transform(X)[right], y_noisy[right])
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))
    assert search.score(X, y) > 0.9


def test_sample_weight_is_routed_to_score(few):
    X, y = few
    y_noisy, weights = wrong_labels(y)
    with sklearn.config_context(enable_metadata_routing=True):
        asks = quick(max_iter=20).set_fit_request(sample_weight=True)
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
        pipeline = make_pipeline(MinMaxScaler(), quick())
        with pytest.raises(UnsetMetadataPassedError, match="ShapeCNNClassifier"):
            pipeline.fit(X, y, sample_weight=np.ones(len(y)))


# Parameters and representations


def test_clone_has_the_parameters_but_not_the_network(few):
    clf = quick(kernel_size=(5, 3), max_iter=1).fit(*few)
    copy = clone(clf)
    assert copy.get_params() == clf.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]
    np.testing.assert_array_equal(copy.fit(*few).predict_proba(few[0]), clf.predict_proba(few[0]))


def test_set_params():
    clf = quick()
    assert clf.set_params(kernel_size=7, dropout=0.5) is clf
    assert clf.get_params()["kernel_size"] == 7
    assert clf.get_params() == quick(kernel_size=7, dropout=0.5).get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'kernel'"):
        clf.set_params(kernel=3)


def test_repr_is_short():
    assert repr(ShapeCNNClassifier()) == "ShapeCNNClassifier()"
    assert repr(ShapeCNNClassifier(kernel_size=5)) == "ShapeCNNClassifier(kernel_size=5)"
    clf = ShapeCNNClassifier(n_filters=(8, 16), augment=None, max_iter="auto")
    assert repr(clf) == "ShapeCNNClassifier(augment=None, n_filters=(8, 16))"


def test_html_repr_links_to_the_documentation(few):
    link = ShapeCNNClassifier()._get_doc_link()
    assert link.startswith("https://")
    assert "ShapeCNNClassifier" in link
    for clf in (ShapeCNNClassifier(), quick(max_iter=1).fit(*few)):
        for html in (clf._repr_html_(), estimator_html_repr(make_pipeline(MinMaxScaler(), clf))):
            assert f'href="{link}' in html


# Files


def test_another_process_predicts_the_same_from_pickle_and_joblib(few, tmp_path):
    X, y = few
    clf = quick(dropout=0.1).fit(X, np.array(["dark", "light"])[y])
    (tmp_path / "clf.pickle").write_bytes(pickle.dumps(clf))
    joblib.dump(clf, tmp_path / "clf.joblib")
    (tmp_path / "unfitted.pickle").write_bytes(pickle.dumps(clone(clf)))
    np.savez(tmp_path / "in.npz", X=X, y=np.array(["dark", "light"])[y])
    code = (
        "import joblib, numpy as np, pickle, sys, torch; torch.set_num_threads(1)\n"
        "folder = sys.argv[1] + '/'\n"
        "load = lambda name: pickle.load(open(folder + name, 'rb'))\n"
        "data = np.load(folder + 'in.npz')\n"
        "X, y = data['X'], data['y']\n"
        "clfs = {'pickle': load('clf.pickle'), 'joblib': joblib.load(folder + 'clf.joblib')}\n"
        "clfs['unfitted'] = load('unfitted.pickle').fit(X, y)\n"
        "out = {f'{name}_proba': clf.predict_proba(X) for name, clf in clfs.items()}\n"
        "out |= {f'{name}_label': clf.predict(X) for name, clf in clfs.items()}\n"
        "np.savez(folder + 'out.npz', **out)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    with np.load(tmp_path / "out.npz") as out:
        for name in ("pickle", "joblib", "unfitted"):
            np.testing.assert_array_equal(out[f"{name}_proba"], clf.predict_proba(X), name)
            np.testing.assert_array_equal(out[f"{name}_label"], clf.predict(X), name)


def test_a_loaded_classifier_can_be_trained_on(few):
    clf = quick(warm_start=True, dropout=0.3).fit(*few)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(
        loaded.fit(*few).predict_proba(few[0]), clf.fit(*few).predict_proba(few[0])
    )


def test_an_unfitted_pickle_keeps_the_parameters_and_is_tiny():
    clf = quick(n_filters=(8, 16), class_weight={0: 2.0, 1: 1.0})
    dumped = pickle.dumps(clf)
    assert pickle.loads(dumped).get_params() == clf.get_params()
    assert len(dumped) < 2000


def test_pickle_holds_the_network_but_no_images():
    X = np.random.default_rng(0).normal(size=(400, 64))
    y = np.arange(400) % 2
    parameters = {"max_iter": 1, "batch_size": 8}
    small, large = (quick(**parameters).fit(X[:n], y[:n]) for n in (40, 400))
    n_small, n_large = (len(pickle.dumps(clf)) for clf in (small, large))
    assert abs(n_large - n_small) < 10_000  # 360 images more would be 180 kB
    weights = sum(tensor.nbytes for tensor in large.net_.module_.state_dict().values())
    assert n_large < 3 * weights + 50_000  # AdamW keeps two numbers beside each weight


# Data frames


@pytest.fixture(scope="module")
def frame(few):
    return pd.DataFrame(few[0], columns=[f"pixel{i}" for i in range(64)])


@pytest.fixture(scope="module")
def fitted_to_frame(few, frame):
    return quick(max_iter=1).fit(frame, few[1])


def test_column_names_are_remembered(few, frame, fitted_to_frame):
    X, y = few
    assert fitted_to_frame.feature_names_in_.tolist() == list(frame.columns)
    assert fitted_to_frame.n_features_in_ == 64
    np.testing.assert_array_equal(
        fitted_to_frame.predict_proba(frame), quick(max_iter=1).fit(X, y).predict_proba(X)
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
    clf = quick(max_iter=1).fit(frame, y)
    assert not hasattr(clf.fit(X.reshape(-1, 8, 8), y), "feature_names_in_")
