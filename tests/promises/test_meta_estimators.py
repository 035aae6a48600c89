"""The classifier in the pipelines, searches, cross-validations and ensembles of scikit-learn."""

import numpy as np
import pytest
from helpers import small_classifier
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - imported for its effect
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
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
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

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
    pipeline = make_pipeline(transformer, small_classifier(max_iter=20)).fit(X[:180], y[:180])
    assert pipeline[-1].image_shape_ == image_shape
    assert pipeline.score(X[180:], y[180:]) > bar
    np.testing.assert_array_equal(
        pipeline.predict_proba(X), pipeline[-1].predict_proba(pipeline[0].transform(X))
    )


# Searches


@pytest.mark.slow
def test_grid_search_over_kernel_sizes_finds_the_same_in_two_processes(shapes):
    X, y = shapes
    one, two = (
        GridSearchCV(
            small_classifier(n_filters=(8, 16)),
            param_grid={"kernel_size": [3, 5, 7]},
            cv=2,
            n_jobs=n_jobs,
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
    pipeline = Pipeline([("scale", MinMaxScaler()), ("cnn", small_classifier(max_iter=4))])
    grid = {"cnn__n_filters": [(4,), (4, 8)], "cnn__pooling": ["max", "avg", "sum"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    best = search.best_estimator_["cnn"]
    assert best.pooling == search.best_params_["cnn__pooling"]
    assert best.n_filters == search.best_params_["cnn__n_filters"]
    by_hand = clone(pipeline).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))


@pytest.mark.slow
def test_halving_grid_search_keeps_the_better_half_for_more_images(shapes):
    grid = {"kernel_size": [1, 3], "n_filters": [(4, 8), (8, 16)]}
    search = HalvingGridSearchCV(
        small_classifier(),
        grid,
        factor=2,
        min_resources=60,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(*shapes)
    assert search.n_candidates_ == [4, 2, 1]
    assert search.n_resources_ == [60, 120, 240]
    assert search.best_score_ > 0.6


def test_randomized_search(few):
    space = {"learning_rate_init": [0.003, 0.01, 0.03], "dropout": [0.0, 0.2]}
    search = RandomizedSearchCV(
        small_classifier(), space, n_iter=3, cv=2, random_state=0, error_score="raise"
    ).fit(*few)
    assert len(search.cv_results_["params"]) == 3
    assert search.best_score_ > 0.8
    assert search.best_estimator_.get_params().items() >= search.best_params_.items()


# Cross-validation and inspection


def test_cross_validate(few):
    result = cross_validate(small_classifier(), *few, cv=3, scoring=["accuracy", "neg_log_loss"])
    assert result["test_accuracy"].mean() > 0.8
    assert (result["test_neg_log_loss"] > np.log(0.5)).all()


def test_cross_val_predict_is_what_each_fold_predicts(few):
    X, y = few
    folds = StratifiedKFold(3)
    probabilities = cross_val_predict(small_classifier(), X, y, cv=folds, method="predict_proba")
    expected = np.empty((len(y), 2))
    for train, test in folds.split(X, y):
        expected[test] = small_classifier().fit(X[train], y[train]).predict_proba(X[test])
    np.testing.assert_array_equal(probabilities, expected)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.8


def test_learning_curve(few):
    sizes, train, test = learning_curve(
        small_classifier(max_iter=8), *few, cv=2, train_sizes=[0.5, 1.0]
    )
    assert sizes.tolist() == [10, 20]
    assert train.shape == test.shape == (2, 2)
    assert test[-1].mean() > 0.8


def test_permutation_importance_finds_the_pixel_that_matters():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = X[:, 1] > 0
    clf = small_classifier(max_iter=30).fit(X, y)
    result = permutation_importance(clf, X, y, n_repeats=3, random_state=0)
    assert result.importances.shape == (3, 3)
    assert result.importances_mean.argmax() == 1
    assert result.importances_mean[1] > 0.2


# Meta-estimators


@pytest.mark.parametrize(
    "ensemble",
    [
        CalibratedClassifierCV(small_classifier(), cv=2),
        BaggingClassifier(small_classifier(), n_estimators=3, random_state=0),
        VotingClassifier(
            [("cnn", small_classifier()), ("linear", LogisticRegression())], voting="soft"
        ),
        StackingClassifier(
            [("cnn", small_classifier())], final_estimator=LogisticRegression(), cv=2
        ),
        OneVsRestClassifier(small_classifier()),
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
    members = [("cnn", small_classifier()), ("linear", LogisticRegression())]
    vote = VotingClassifier(members, voting="soft").fit(X, y)
    by_hand = np.mean([clone(m).fit(X, y).predict_proba(X) for _, m in members], axis=0)
    np.testing.assert_allclose(vote.predict_proba(X), by_hand, rtol=1e-12)


def test_one_vs_rest_of_three_classes(shapes):
    X, y = shapes
    clf = OneVsRestClassifier(small_classifier(n_filters=(8, 16))).fit(X[:180], y[:180])
    assert [binary.classes_.tolist() for binary in clf.estimators_] == [[0, 1]] * 3
    assert clf.score(X[180:], y[180:]) > 0.6
