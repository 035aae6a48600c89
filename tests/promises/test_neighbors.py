"""Searches, and the libraries that wrap classifiers: Optuna, MAPIE, imbalanced-learn, cleanlab."""

import numpy as np
import optuna
import pytest
from cleanlab.classification import CleanLearning
from cleanlab.filter import find_label_issues
from helpers import small_classifier
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from imblearn.under_sampling import RandomUnderSampler
from mapie.classification import CrossConformalClassifier, SplitConformalClassifier
from mapie.regression import SplitConformalRegressor
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - imported for its effect
from sklearn.metrics import recall_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterGrid,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_shapecnn import ShapeCNNClassifier, ShapeCNNRegressor, make_shapes

pytestmark = pytest.mark.slow

# The search space


def test_the_space_holds_the_defaults_and_not_too_much():
    space = ShapeCNNClassifier.search_space()
    defaults = ShapeCNNClassifier().get_params()
    for name, values in space.items():
        assert values[0] == defaults[name]
        assert all(values.count(value) == 1 for value in values)
    assert 8 <= len(ParameterGrid(space)) <= 48


def test_every_combination_of_the_space_can_be_fitted(few):
    X, y = few
    for parameters in ParameterGrid(ShapeCNNClassifier.search_space()):
        clf = small_classifier(**parameters).fit(X, y)
        assert np.isfinite(clf.predict_proba(X)).all()
        assert all(clf.get_params()[name] == value for name, value in parameters.items())


def test_the_space_suits_images_that_are_not_square_and_color():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(12, 9, 13, 3)), np.arange(12) % 2
    for parameters in ParameterGrid(ShapeCNNClassifier.search_space()):
        small_classifier(**parameters).fit(X, y)


def test_the_space_is_a_new_one_each_time():
    ShapeCNNClassifier.search_space()["augment"].clear()
    assert ShapeCNNClassifier().search_space()["augment"]


def test_a_prefix_is_for_pipelines(few):
    X, y = few
    space = ShapeCNNClassifier.search_space(prefix="shapecnnclassifier__")
    assert [name.removeprefix("shapecnnclassifier__") for name in space] == list(
        ShapeCNNClassifier.search_space()
    )
    pipeline = make_pipeline(FunctionTransformer(), small_classifier())
    search = RandomizedSearchCV(pipeline, space, n_iter=3, cv=2, random_state=0).fit(X, y)
    assert search.best_params_.keys() == space.keys()


# Searches


@pytest.mark.parametrize(
    "make_search",
    [
        lambda clf, space: GridSearchCV(clf, space, cv=2),
        lambda clf, space: RandomizedSearchCV(clf, space, n_iter=4, cv=2, random_state=0),
        lambda clf, space: HalvingGridSearchCV(
            clf, space, resource="max_iter", max_resources=3, cv=2, random_state=0
        ),
        lambda clf, space: HalvingRandomSearchCV(
            clf, space, n_candidates=6, min_resources=20, cv=2, random_state=0
        ),
    ],
    ids=["grid", "random", "halving grid", "halving random"],
)
def test_searches_take_the_space_as_it_is(few, make_search):
    X, y = few
    space = ShapeCNNClassifier.search_space()
    search = make_search(small_classifier(), space).fit(X, y)
    for name, values in space.items():
        assert search.best_params_[name] in values
        assert search.best_estimator_.get_params()[name] == search.best_params_[name]
    again = make_search(small_classifier(), space).fit(X, y)
    assert again.best_params_ == search.best_params_
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


def test_halving_by_epochs_spends_more_of_them_on_fewer(few):
    X, y = few
    search = HalvingGridSearchCV(
        small_classifier(),
        {"kernel_size": [1, 3, 5], "augment": [None, "auto", "flips"]},
        resource="max_iter",
        max_resources=9,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [1, 3, 9]
    assert search.n_candidates_ == [9, 3, 1]
    assert search.best_estimator_.n_iter_ == search.best_params_["max_iter"] == 9


def test_halving_by_images_leaves_the_epochs_to_the_classifier(few):
    X, y = few
    search = HalvingRandomSearchCV(
        small_classifier(),
        {"kernel_size": [1, 3, 5]},
        n_candidates=3,
        resource="n_samples",
        min_resources=12,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [12, 36]
    assert search.best_estimator_.max_iter == 3


@pytest.fixture
def quiet():
    """Silence Optuna, and restore its verbosity afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def test_optuna_searches_the_space(quiet, few):
    X, y = few
    space = ShapeCNNClassifier.search_space()

    def parameters_of(trial):
        # By index: Optuna takes strings and numbers as choices, but no lists.
        return {
            name: values[trial.suggest_categorical(name, range(len(values)))]
            for name, values in space.items()
        }

    def objective(trial):
        return cross_val_score(small_classifier(**parameters_of(trial)), X, y, cv=2).mean()

    studies = []
    for _ in range(2):
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
        )
        study.optimize(objective, n_trials=4)
        studies.append(study)
    assert [trial.value for trial in studies[0].trials] == [
        trial.value for trial in studies[1].trials
    ]
    best = small_classifier(**parameters_of(optuna.trial.FixedTrial(studies[0].best_params)))
    assert cross_val_score(best, X, y, cv=2).mean() == studies[0].best_value


def test_optuna_prunes_what_does_not_learn(quiet, few):
    X, y = few
    folds = list(StratifiedKFold(2).split(X, y))

    def objective(trial):
        rate = trial.suggest_categorical("learning_rate_init", [0.01, 1e-12])
        scores = []
        for i, (train, test) in enumerate(folds):
            clf = small_classifier(learning_rate_init=rate, max_iter=7).fit(X[train], y[train])
            scores.append(clf.score(X[test], y[test]))
            trial.report(np.mean(scores), i)
            if trial.should_prune():
                raise optuna.TrialPruned
        return np.mean(scores)

    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=0.9)
    )
    for rate in (0.01, 1e-12):
        study.enqueue_trial({"learning_rate_init": rate})
    study.optimize(objective, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]


# MAPIE: sets of labels that hold the right one with a promised probability


@pytest.fixture(scope="module")
def noisy():
    """Images with too much noise for a perfect classifier, and their labels."""
    X, y = make_shapes(
        900, image_shape=(12, 12), size=(0.6, 0.9), noise=0.3, as_images=True, random_state=0
    )
    return X, np.array(["triangle", "circle", "rectangle"])[y]


def coverage(sets, y):
    return sets[np.arange(len(y)), np.unique(y, return_inverse=True)[1], 0].mean()


def check_sets(labels, sets, y):
    assert sets.shape == (len(y), 3, 1)
    assert set(labels) <= set(y)
    # With 500 images, a coverage of 85% would be four standard deviations below 90%.
    assert 0.85 <= coverage(sets, y) <= 0.97
    sizes = sets[:, :, 0].sum(axis=1)
    assert 1 < sizes.mean() < 3  # often more than one label, but not always all


@pytest.mark.parametrize("prefit", [True, False], ids=["fitted before", "fitted by MAPIE"])
@pytest.mark.parametrize("form", ["rows", "images behind a pipeline"])
def test_sets_of_labels_cover_what_they_promise(noisy, form, prefit):
    X, y = noisy
    clf = small_classifier(max_iter=4)
    if form == "rows":
        X = X.reshape(len(X), -1)
    else:
        clf = make_pipeline(FunctionTransformer(), clf)
    if prefit:
        clf.fit(X[:150], y[:150])
    conformal = SplitConformalClassifier(clf, confidence_level=0.9, prefit=prefit)
    if not prefit:
        conformal.fit(X[:150], y[:150])
    conformal.conformalize(X[150:400], y[150:400])
    check_sets(*conformal.predict_set(X[400:]), y[400:])


@pytest.mark.parametrize("n_channels", [0, 3])
def test_sets_by_cross_validation_take_images_as_they_are(noisy, n_channels):
    X, y = noisy
    if n_channels:
        X = np.repeat(X[..., np.newaxis], n_channels, axis=-1)
    conformal = CrossConformalClassifier(
        small_classifier(max_iter=4), confidence_level=0.9, cv=3, random_state=0
    )
    conformal.fit_conformalize(X[:400], y[:400])
    check_sets(*conformal.predict_set(X[400:]), y[400:])


def test_more_confidence_takes_larger_sets(noisy):
    X, y = noisy
    X = X.reshape(len(X), -1)
    conformal = SplitConformalClassifier(
        small_classifier(max_iter=4).fit(X[:150], y[:150]), confidence_level=[0.6, 0.9, 0.99]
    ).conformalize(X[150:400], y[150:400])
    sets = conformal.predict_set(X[400:])[1]
    assert (np.diff(sets.sum(axis=1), axis=1) >= 0).all()
    assert (np.diff(sets.sum(axis=(0, 1))) > 0).all()


def test_intervals_of_numbers_cover_what_they_promise():
    shapes = make_shapes(600, image_shape=(12, 12), noise=0.3, return_X_y=False, random_state=0)
    X, y = shapes.data, shapes.sizes
    reg = ShapeCNNRegressor(n_filters=(4, 8), max_iter=8, random_state=0).fit(X[:150], y[:150])
    conformal = SplitConformalRegressor(reg, confidence_level=0.9)
    conformal.conformalize(X[150:350], y[150:350])
    numbers, intervals = conformal.predict_interval(X[350:])
    low, high = intervals[:, :, 0].T
    np.testing.assert_array_equal(numbers, reg.predict(X[350:]))
    assert 0.82 <= ((low <= y[350:]) & (y[350:] <= high)).mean() <= 0.98
    assert (high - low).mean() < np.ptp(y)  # more than nothing is known


def test_bare_images_are_still_refused_by_mapie(noisy):
    # As the user guide says. If this fails, the pipeline there is no longer needed.
    X, y = noisy
    conformal = SplitConformalClassifier(small_classifier().fit(X[:100], y[:100]))
    with pytest.raises(ValueError, match="mismatch"):
        conformal.conformalize(X[100:200], y[100:200])


# imbalanced-learn: as many images of each class


@pytest.fixture(scope="module")
def rare():
    """Rows of pixels, with ten times as many dark images as light ones."""
    rng = np.random.default_rng(0)
    y = np.repeat(["dark", "light"], [200, 20])
    return rng.normal(size=(220, 64)) + 0.25 * (y == "light")[:, np.newaxis], y


@pytest.mark.parametrize(
    "sampler",
    [RandomOverSampler(random_state=0), SMOTE(random_state=0), RandomUnderSampler(random_state=0)],
    ids=lambda sampler: type(sampler).__name__,
)
def test_sampling_finds_more_of_the_rare_class(rare, sampler):
    X, y = rare
    X_test = np.random.default_rng(1).normal(size=(400, 64))
    y_test = np.repeat(["dark", "light"], 200)
    X_test[200:] += 0.25
    clf = small_classifier(max_iter=8)
    plain = clone(clf).fit(X, y).predict(X_test)
    pipeline = make_sampling_pipeline(sampler, clf).fit(X, y)
    predicted = pipeline.predict(X_test)
    found, found_before = (
        recall_score(y_test, labels, pos_label="light") for labels in (predicted, plain)
    )
    assert found > found_before + 0.1
    assert (predicted == y_test).mean() > (plain == y_test).mean()
    assert pipeline.predict_proba(X_test).shape == (400, 2)


def test_samplers_see_training_images_only(rare):
    X, y = rare
    pipeline = make_sampling_pipeline(SMOTE(random_state=0), small_classifier())
    predicted = cross_val_predict(pipeline, X, y, cv=3)
    assert predicted.shape == y.shape
    search = GridSearchCV(pipeline, {"shapecnnclassifier__kernel_size": [1, 3]}, cv=2)
    assert search.fit(X, y).predict(X).shape == y.shape


def test_color_images_go_through_samplers_as_rows(rare):
    X, y = rare
    images = np.repeat(X, 3, axis=1)
    pipeline = make_sampling_pipeline(
        SMOTE(random_state=0), small_classifier(image_shape=(8, 8, 3))
    ).fit(images, y)
    assert pipeline[-1].image_shape_ == (8, 8, 3)


def test_bags_of_balanced_samples(rare):
    X, y = rare
    bags = BalancedBaggingClassifier(
        small_classifier(max_iter=20), n_estimators=3, random_state=0
    ).fit(X, y)
    assert recall_score(y, bags.predict(X), pos_label="light") > 0.8


# cleanlab: labels that are wrong


@pytest.fixture(scope="module")
def wrong(shapes):
    """Rows of shapes, their true labels, labels with every twelfth wrong, and the rows of those."""
    X, y = shapes
    bad = np.arange(0, len(y), 12)
    labels = y.copy()
    labels[bad] = (labels[bad] + 1 + np.arange(len(bad)) % 2) % 3
    return X, y, labels, bad


def check_found(found, bad):
    """Most of the wrong labels are found, and most of what is found is wrong."""
    assert np.isin(bad, found).mean() >= 0.75
    assert np.isin(found, bad).mean() >= 0.5


def test_wrong_labels_are_found(wrong):
    X, _, labels, bad = wrong
    probabilities = cross_val_predict(
        small_classifier(n_filters=(16, 32), max_iter=15),
        X.reshape(-1, 16, 16),
        labels,
        cv=StratifiedKFold(4, shuffle=True, random_state=0),
        method="predict_proba",
    )
    found = find_label_issues(
        labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    check_found(found, bad)
    assert np.isin(found[:8], bad).mean() >= 0.75  # the surest ones come first


def test_learning_without_the_wrong_labels(wrong):
    X, y, labels, bad = wrong
    learner = CleanLearning(
        small_classifier(n_filters=(16, 32), max_iter=15),
        cv_n_folds=4,
        seed=0,
        find_label_issues_kwargs={"n_jobs": 1},
        verbose=False,
    )
    learner.fit(X, labels)
    check_found(np.flatnonzero(learner.get_label_issues()["is_label_issue"]), bad)
    assert (learner.predict(X[bad]) == y[bad]).mean() > 0.7  # the true labels, which it never saw
