"""The same random_state gives the same classifier to the bit, wherever and however it is fitted."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from helpers import small_classifier
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_shapecnn import make_shapes

HERE = Path(__file__).parent
PYTHONPATH = f"{HERE}{os.pathsep}{HERE.parent}"  # of new processes that import this file
# Together they use everything that is random.
SETTINGS = [
    {},
    {"dropout": 0.3, "hidden_layer_sizes": 8, "augment": ["jitter", "quarter_turns"]},
    {"early_stopping": True, "validation_fraction": 0.3, "augment": ["shift", "flips"]},
]
BACKENDS = ["loky", "threading", "multiprocessing"]
SOURCES = pytest.mark.parametrize("source", [np.random.RandomState, np.random.default_rng])


@pytest.fixture(scope="module")
def images():
    return make_shapes(60, image_shape=(12, 12), noise=0.05, random_state=0)


@pytest.fixture(scope="module")
def expected(images):
    return [
        small_classifier(**setting).fit(*images).predict_proba(images[0]) for setting in SETTINGS
    ]


def probabilities_of(parameters, X, y):
    return small_classifier(**parameters).fit(X, y).predict_proba(X)


def on(backend, n_jobs):
    return joblib.parallel_config(backend, n_jobs=n_jobs)


# Where it is fitted


def test_again_and_again(images, expected):
    clf = small_classifier()
    for setting, probabilities in zip(SETTINGS, expected, strict=True):
        clf.set_params(**(small_classifier().get_params() | setting))
        for _ in range(2):  # the first fit leaves nothing behind
            np.testing.assert_array_equal(clf.fit(*images).predict_proba(images[0]), probabilities)
            assert clf.score(*images) == np.mean(probabilities.argmax(axis=1) == images[1])


def digest():
    """A hash of images, of what is learned from them, and of what a seed of None gives."""
    X, y = make_shapes(60, image_shape=(12, 12), noise=0.05, random_state=0)
    fixed = hashlib.sha256(X.tobytes() + y.tobytes())
    for setting in SETTINGS:
        fixed.update(probabilities_of(setting, X, y).tobytes())
    stream = small_classifier().partial_fit(X, y, [0, 1, 2]).partial_fit(X, y)
    fixed.update(stream.predict_proba(X).tobytes())
    fresh = hashlib.sha256(probabilities_of({"random_state": None}, X, y).tobytes())
    fresh.update(make_shapes(5, image_shape=(12, 12))[0].tobytes())
    return fixed.hexdigest(), fresh.hexdigest()


@pytest.mark.slow
def test_in_new_processes():
    code = "from test_reproducible import digest; print(*digest())"
    found = [digest()]
    for seed in ("1", "2"):
        # Another order of sets and other global random states, neither of which may matter.
        printed = subprocess.check_output(
            [sys.executable, "-c", code],
            text=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": PYTHONPATH},
        )
        found.append(tuple(printed.split()))
    assert len({fixed for fixed, _ in found}) == 1
    assert len({fresh for _, fresh in found}) == 3


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_in_parallel_jobs(images, expected, backend):
    for n_jobs in (1, 2):
        with on(backend, n_jobs):
            found = joblib.Parallel()(
                joblib.delayed(probabilities_of)(setting, *images) for setting in SETTINGS * 2
            )
        np.testing.assert_array_equal(found, expected * 2)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_inside_and_outside_of_a_search(images, backend):
    X, y = images
    pipeline = make_pipeline(StandardScaler(), small_classifier(dropout=0.1))
    grid = {"shapecnnclassifier__kernel_size": [1, 3]}
    found = []
    for n_jobs in (1, 2):
        with on(backend, n_jobs):
            search = GridSearchCV(pipeline, grid, cv=2, scoring="neg_log_loss").fit(X, y)
            folds = cross_val_predict(search.best_estimator_, X, y, cv=2, method="predict_proba")
        found.append((search.cv_results_["mean_test_score"], search.predict_proba(X), folds))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    alone = clone(pipeline).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_after_pickling(images, expected, setting):
    X, y = images
    clf = pickle.loads(pickle.dumps(small_classifier(**setting))).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected[SETTINGS.index(setting)])
    copy = pickle.loads(pickle.dumps(clf))
    for one in (clf, copy):
        one.set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), copy.predict_proba(X))


@pytest.mark.slow
def test_none_differs_in_forked_processes_too(images):
    with on("multiprocessing", 2):
        found = joblib.Parallel()(
            joblib.delayed(probabilities_of)({"random_state": None}, *images) for _ in range(4)
        )
        drawn = joblib.Parallel()(
            joblib.delayed(make_shapes)(3, image_shape=(12, 12)) for _ in range(4)
        )
    assert len({probabilities.tobytes() for probabilities in found}) == 4
    assert len({X.tobytes() for X, _ in drawn}) == 4


# What random_state may be


def state_of(random_state):
    return pickle.dumps(random_state)


def draw(random_state):
    return make_shapes(5, image_shape=(12, 12), random_state=random_state)[0]


def learn(random_state):
    return probabilities_of({"random_state": random_state, "dropout": 0.1}, *SOME)


def learn_a_bit(random_state):
    return (
        small_classifier(random_state=random_state)
        .partial_fit(*SOME, [0, 1, 2])
        .predict_proba(SOME[0])
    )


SOME = make_shapes(20, image_shape=(12, 12), random_state=1)
WORKS = pytest.mark.parametrize("work", [draw, learn, learn_a_bit], ids=lambda work: work.__name__)


@WORKS
def test_an_int_gives_the_same_every_time(work):
    np.testing.assert_array_equal(work(7), work(7))
    np.testing.assert_array_equal(work(7), work(np.uint8(7)))
    assert (work(7) != work(8)).any()
    assert np.isfinite(work(2**32 - 1)).all()


@WORKS
@SOURCES
def test_an_instance_moves_on(work, source):
    instance = source(7)
    begin = state_of(instance)
    first = work(instance)
    middle = state_of(instance)
    second = work(instance)
    assert len({begin, middle, state_of(instance)}) == 3
    assert (first != second).any()
    again = source(7)
    np.testing.assert_array_equal(work(again), first)
    np.testing.assert_array_equal(work(again), second)


@SOURCES
def test_what_is_refused_draws_nothing(source):
    X, y = SOME
    huge = np.where(X.max() == X, 1e39, X.astype(np.float64))
    for parameters, pixels, labels in (({}, huge, y), ({}, X, y[:-1]), ({"augment": "up"}, X, y)):
        clf = small_classifier(random_state=source(7), **parameters)
        begin = state_of(clf.random_state)
        for learn in (clf.fit, lambda X, y, clf=clf: clf.partial_fit(X, y, [0, 1, 2])):
            with pytest.raises(ValueError):
                learn(pixels, labels)
        assert state_of(clf.random_state) == begin


@WORKS
def test_none_reads_no_global_state(work):
    found = []
    for _ in range(2):
        np.random.seed(0)
        found.append(work(None))
    assert (found[0] != found[1]).any()


@SOURCES
def test_clones_get_copies_as_in_scikit_learn(images, source):
    X, y = images
    for make_estimator in (
        small_classifier,
        lambda random_state: BaggingClassifier(random_state=random_state),
    ):
        if source is np.random.default_rng and make_estimator is not small_classifier:
            continue  # scikit-learn's estimators do not take it
        estimator = make_estimator(random_state=source(7))
        begin = state_of(estimator.random_state)
        found = [clone(estimator).fit(X, y).predict_proba(X) for _ in range(2)]
        assert state_of(estimator.random_state) == begin
        assert estimator.get_params()["random_state"] is estimator.random_state
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(estimator.fit(X, y).predict_proba(X), found[0])
        assert (estimator.fit(X, y).predict_proba(X) != found[0]).any()


@SOURCES
def test_instances_in_searches_and_files(images, source):
    X, y = images
    clf = small_classifier(random_state=source(7))
    scores = [
        GridSearchCV(clone(clf), {"kernel_size": [1, 3]}, cv=2).fit(X, y).best_score_
        for _ in range(2)
    ]
    assert scores[0] == scores[1]
    clf.fit(X, y)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(clf.predict_proba(X), copy.predict_proba(X))
    np.testing.assert_array_equal(clf.fit(X, y).predict_proba(X), copy.fit(X, y).predict_proba(X))


@pytest.mark.parametrize("wrong", [-1, 2**32, 0.5, "0", np.random.PCG64(0)])
def test_other_seeds_are_refused_by_name(wrong):
    for work in (draw, learn):
        with pytest.raises((ValueError, TypeError), match="random_state"):
            work(wrong)
