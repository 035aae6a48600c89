import numpy as np
import pytest
from helpers import small_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from sklearn_shapecnn._finder import find_image_estimator, has_image_estimator, unwrap


@pytest.fixture(scope="module")
def classifier(few):
    return small_classifier(max_iter=1).fit(*few)


@pytest.fixture(scope="module")
def search(few):
    pipe = make_pipeline(MinMaxScaler(), small_classifier(max_iter=1))
    return GridSearchCV(pipe, {"minmaxscaler__clip": [True]}, cv=2).fit(*few)


def add(value):
    return FunctionTransformer(lambda X: X + value)


def in_a_search_without_refit(classifier, few):
    return GridSearchCV(classifier, {"max_iter": [1]}, cv=2, refit=False).fit(*few)


def test_searches_and_frozen_estimators_are_unwrapped(classifier, search):
    assert unwrap(classifier) is classifier
    assert unwrap(FrozenEstimator(FrozenEstimator(classifier))) is classifier
    assert unwrap(search) is search.best_estimator_
    assert unwrap(FrozenEstimator(search)) is search.best_estimator_
    not_fitted = GridSearchCV(classifier, {"max_iter": [1]})
    assert unwrap(not_fitted) is not_fitted
    assert unwrap("anything") == "anything"


def test_the_best_of_a_search_may_be_frozen(classifier, few):
    inside = Pipeline([("frozen", FrozenEstimator(classifier))])
    search = GridSearchCV(inside, {"verbose": [False]}, cv=2).fit(*few)
    assert find_image_estimator(search) == (classifier, None)
    search.best_estimator_ = FrozenEstimator(classifier)
    assert find_image_estimator(FrozenEstimator(search)) == (classifier, None)


def test_images_go_through_all_steps_before_the_classifier(classifier, few):
    X, _ = few
    inner = make_pipeline(add(2), FrozenEstimator(classifier))
    for estimator in (
        make_pipeline(add(1), inner),
        make_pipeline(add(1), FrozenEstimator(inner)),
        FrozenEstimator(make_pipeline(add(1), FrozenEstimator(inner))),
    ):
        found, seen = find_image_estimator(estimator, X[:3])
        assert found is classifier
        np.testing.assert_array_equal(seen, X[:3] + 1 + 2)


def test_a_pipeline_of_the_classifier_alone(classifier, few):
    found, seen = find_image_estimator(make_pipeline(classifier), few[0])
    assert found is classifier
    assert seen is few[0]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda clf: clf,
        FrozenEstimator,
        lambda clf: make_pipeline(MinMaxScaler(), clf),
        lambda clf: FrozenEstimator(make_pipeline(MinMaxScaler(), FrozenEstimator(clf))),
    ],
    ids=["alone", "frozen", "pipeline", "all of it"],
)
def test_fitted_or_not_a_classifier_is_there(classifier, wrap):
    assert has_image_estimator(wrap(classifier))
    assert find_image_estimator(wrap(classifier))[0] is classifier
    assert has_image_estimator(wrap(small_classifier()))
    with pytest.raises(NotFittedError):
        find_image_estimator(wrap(small_classifier()))
    other = wrap(LogisticRegression())
    assert not has_image_estimator(other)
    with pytest.raises(TypeError, match=f"but got {type(other).__name__}"):
        find_image_estimator(other)


def test_a_classifier_that_is_not_the_last_step_is_not_found(classifier):
    pipe = make_pipeline(FrozenEstimator(classifier), LogisticRegression())
    assert not has_image_estimator(pipe)


def test_searches_that_hold_no_fitted_classifier(classifier, few):
    not_fitted = GridSearchCV(classifier, {"max_iter": [1]})
    assert not has_image_estimator(not_fitted)
    with pytest.raises(NotFittedError):
        find_image_estimator(not_fitted)
    without = in_a_search_without_refit(classifier, few)
    for look in (unwrap, has_image_estimator, find_image_estimator):
        for estimator in (without, FrozenEstimator(without)):
            with pytest.raises(ValueError, match=r"GridSearchCV kept no fitted .* refit=True"):
                look(estimator)
