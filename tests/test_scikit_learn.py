"""The classifier among scikit-learn's own tools."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_shapecnn import ShapeCNNClassifier


def quick(**parameters):
    return ShapeCNNClassifier(**({"max_iter": 12, "random_state": 0} | parameters))


def test_check_estimator():
    results = check_estimator(ShapeCNNClassifier(), on_skip=None, on_fail=None)
    by_status = {
        status: {r["check_name"] for r in results if r["status"] == status}
        for status in {r["status"] for r in results}
    }
    told = [(r["check_name"], r["exception"]) for r in results if r["status"] != "passed"]
    # It needs an environment variable of SciPy's; MLPClassifier's is skipped likewise.
    assert by_status.pop("skipped", set()) <= {"check_array_api_input"}, told
    assert by_status.keys() == {"passed"}, told
    assert len(by_status["passed"]) > 50


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"augment": ["shift", "flips", "quarter_turns"], "dropout": 0.4},
        {"class_weight": {0: 2, 1: 1}, "batch_size": 7},
    ],
    ids=str,
)
def test_weight_two_is_twice_and_weight_zero_is_absence_to_the_bit(few, parameters):
    X, y = few
    weights = np.random.default_rng(1).integers(0, 4, size=len(y))
    weighted = quick(**parameters).fit(X, y, sample_weight=weights)
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(len(y)), weights))
    repeated = quick(**parameters).fit(X[rows], y[rows])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))
    unweighted = quick(**parameters).fit(X, y)
    assert not np.array_equal(unweighted.predict_proba(X), repeated.predict_proba(X))


@pytest.mark.parametrize(
    "transformer", [MinMaxScaler(), StandardScaler(), PCA(30, random_state=0)], ids=str
)
def test_at_the_end_of_a_pipeline(shapes, transformer):
    X, y = shapes
    pipeline = make_pipeline(transformer, quick(max_iter=20)).fit(X[:180], y[:180])
    assert pipeline.score(X[180:], y[180:]) > 0.5


def test_grid_search_over_kernel_sizes_in_two_processes(shapes):
    X, y = shapes
    searches = [
        GridSearchCV(quick(), {"kernel_size": [3, 5, 7]}, cv=2, n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2)
    ]
    scores = searches[1].cv_results_["mean_test_score"]
    assert scores.shape == (3,)
    assert searches[1].best_score_ == scores.max() > 0.6
    np.testing.assert_array_equal(scores, searches[0].cv_results_["mean_test_score"])


def test_grid_search_over_parameters_of_a_pipeline_step(few):
    X, y = few
    pipeline = Pipeline([("scale", MinMaxScaler()), ("cnn", quick(max_iter=4))])
    grid = {"cnn__n_filters": [(4,), (4, 8)], "cnn__pooling": ["max", "avg", "sum"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_["cnn"].pooling == search.best_params_["cnn__pooling"]


def test_halving_grid_search(shapes):
    grid = {"kernel_size": [1, 3], "n_filters": [(8, 16), (16, 32)]}
    search = HalvingGridSearchCV(quick(), grid, cv=2, random_state=0, error_score="raise")
    assert search.fit(*shapes).best_score_ > 0.5


def test_randomized_search(few):
    space = {"learning_rate_init": [0.003, 0.01, 0.03], "dropout": [0.0, 0.2]}
    search = RandomizedSearchCV(quick(), space, n_iter=3, cv=2, random_state=0)
    assert search.fit(*few).best_score_ > 0.8


def test_cross_validate(few):
    result = cross_validate(quick(), *few, cv=3, scoring=["accuracy", "neg_log_loss"])
    assert result["test_accuracy"].mean() > 0.8
    assert (result["test_neg_log_loss"] > np.log(0.5)).all()


def test_cross_val_predict_probabilities(few):
    X, y = few
    probabilities = cross_val_predict(quick(), X, y, cv=3, method="predict_proba")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.8


def test_learning_curve(few):
    sizes, _, test = learning_curve(quick(), *few, cv=2, train_sizes=[0.5, 1.0])
    assert sizes.tolist() == [10, 20]
    assert test[-1].mean() > 0.8


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
    ensemble = clone(ensemble).fit(X, y)
    assert ensemble.score(X, y) > 0.9
    np.testing.assert_allclose(ensemble.predict_proba(X).sum(axis=1), 1)


def test_one_vs_rest_of_three_classes(shapes):
    X, y = shapes
    assert OneVsRestClassifier(quick()).fit(X[:180], y[:180]).score(X[180:], y[180:]) > 0.6


def test_permutation_importance():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = X[:, 1] > 0
    clf = quick(max_iter=30).fit(X, y)
    result = permutation_importance(clf, X, y, n_repeats=3, random_state=0)
    assert result.importances_mean.argmax() == 1
    assert result.importances_mean[1] > 0.2


def test_sample_weight_is_routed_to_fit(few):
    X, y = few
    wrong = np.arange(len(y)) % 4 == 0
    y_noisy = np.where(wrong, 1 - y, y)
    with sklearn.config_context(enable_metadata_routing=True):
        cnn = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, cnn)
        search = GridSearchCV(pipeline, {"shapecnnclassifier__kernel_size": [3]}, cv=2)
        search.fit(X, y_noisy, sample_weight=(~wrong).astype(float))
    by_hand = make_pipeline(StandardScaler().fit(X), quick())
    by_hand[-1].fit(by_hand[0].transform(X)[~wrong], y_noisy[~wrong])
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))


def test_clone_and_parameters():
    clf = quick(kernel_size=(5, 3))
    copy = clone(clf)
    assert copy.get_params() == clf.get_params()
    assert not hasattr(copy, "net_")
    assert copy.set_params(kernel_size=7).get_params()["kernel_size"] == 7
    with pytest.raises(ValueError, match="Invalid parameter 'kernel'"):
        copy.set_params(kernel=3)


def test_repr_is_short():
    assert repr(ShapeCNNClassifier()) == "ShapeCNNClassifier()"
    assert repr(ShapeCNNClassifier(kernel_size=5)) == "ShapeCNNClassifier(kernel_size=5)"


def test_html_repr_links_to_the_documentation(few):
    for clf in (ShapeCNNClassifier(), quick(max_iter=1).fit(*few)):
        html = clf._repr_html_()
        assert 'href="https://sklearn-shapecnn' in html
        assert "ShapeCNNClassifier.html" in html


@pytest.mark.parametrize("dump", [joblib.dump, lambda o, path: path.write_bytes(pickle.dumps(o))])
def test_another_process_predicts_the_same_from_a_file(few, tmp_path, dump):
    X, y = few
    clf = quick(dropout=0.1).fit(X, np.array(["dark", "light"])[y])
    dump(clf, tmp_path / "clf.joblib")
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, joblib, numpy as np, torch; torch.set_num_threads(1);"
        "clf = joblib.load(sys.argv[1]); X = np.load(sys.argv[2]);"
        "np.savez(sys.argv[3], probabilities=clf.predict_proba(X), labels=clf.predict(X))"
    )
    paths = [str(tmp_path / name) for name in ("clf.joblib", "X.npy", "out.npz")]
    subprocess.run([sys.executable, "-c", code, *paths], check=True)
    with np.load(paths[2]) as out:
        np.testing.assert_array_equal(out["probabilities"], clf.predict_proba(X))
        np.testing.assert_array_equal(out["labels"], clf.predict(X))


def test_a_loaded_classifier_can_be_trained_on(few):
    clf = quick(warm_start=True, dropout=0.3).fit(*few)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(
        loaded.fit(*few).predict_proba(few[0]), clf.fit(*few).predict_proba(few[0])
    )


def test_column_names_are_remembered_and_checked(few):
    X, y = few
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    clf = quick(max_iter=1).fit(frame, y)
    assert clf.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(frame.rename(columns={"pixel3": "other"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(X)
    assert not hasattr(clf.fit(X.reshape(-1, 8, 8), y), "feature_names_in_")
