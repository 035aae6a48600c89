"""The estimators that every function of `inspection` takes, and how its names are imported."""

import copy
import subprocess
import sys

import numpy as np
import pytest
from helpers import small_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_shapecnn import (
    FeatureMapDisplay,
    ImagesDisplay,
    SaliencyDisplay,
    ShapeCNNClassifier,
    ShiftDisplay,
    inspection,
)
from sklearn_shapecnn.inspection import (
    architecture,
    feature_maps,
    filters,
    saliency,
    shift_probabilities,
)


def test_pipelines_and_searches_give_what_their_classifier_gives(few):
    X, y = few
    pipe = make_pipeline(MinMaxScaler(), ShapeCNNClassifier(max_iter=2, random_state=0))
    search = GridSearchCV(pipe, {"shapecnnclassifier__n_filters": [[4], [6]]}, cv=2).fit(X, y)
    best = search.best_estimator_
    inner = best[-1]
    scaled = best[0].transform(X[:3])
    for estimator in (search, best):
        np.testing.assert_array_equal(filters(estimator), filters(inner))
        np.testing.assert_array_equal(
            feature_maps(estimator, X[:3])[0], feature_maps(inner, scaled)[0]
        )
        np.testing.assert_array_equal(saliency(estimator, X[:3]), saliency(inner, scaled))
        assert architecture(estimator) == architecture(inner)


@pytest.mark.parametrize(
    "look",
    [
        lambda estimator, X: filters(estimator),
        lambda estimator, X: np.concatenate([m.ravel() for m in feature_maps(estimator, X)]),
        lambda estimator, X: saliency(estimator, X),
        lambda estimator, X: shift_probabilities(estimator, X, max_shift=1).probabilities,
        lambda estimator, X: architecture(estimator),
    ],
    ids=["filters", "feature_maps", "saliency", "shifts", "architecture"],
)
def test_frozen_estimators_give_what_is_frozen_in_them(few, frozen, look):
    estimator, plain = frozen
    np.testing.assert_array_equal(look(estimator, few[0][:3]), look(plain, few[0][:3]))


@pytest.mark.parametrize(
    "look",
    [
        lambda estimator, X: estimator.predict(X),
        saliency,
        feature_maps,
        shift_probabilities,
        ImagesDisplay.from_estimator,
        FeatureMapDisplay.from_estimator,
        SaliencyDisplay.from_estimator,
        ShiftDisplay.from_estimator,
    ],
)
def test_a_single_image_is_refused_as_in_predict(few, colored, look):
    gray = small_classifier(max_iter=1).fit(few[0].reshape(-1, 8, 8), few[1])
    for clf, X in ((gray, few[0].reshape(-1, 8, 8)), colored[:2]):
        with pytest.raises(ValueError, match=r"seems to be a single image: give X\[np.newaxis\]"):
            look(clf, X[0])
        look(clf, X[0][np.newaxis])
        with pytest.raises(ValueError, match=r"a single image is X\[np.newaxis\]"):
            look(clf, X[0].ravel())


def test_other_estimators_are_refused_by_name(few):
    X, y = few
    with pytest.raises(TypeError, match="but got MLPClassifier"):
        filters(MLPClassifier())
    with pytest.raises(TypeError, match="but got Pipeline"):
        filters(make_pipeline(MinMaxScaler()))
    clf = small_classifier(max_iter=1)
    with pytest.raises(NotFittedError):
        filters(clf)
    with pytest.raises(NotFittedError):
        filters(GridSearchCV(clf, {"max_iter": [1]}))
    search = GridSearchCV(clf, {"max_iter": [1]}, cv=2, refit=False).fit(X, y)
    for look in (filters, lambda estimator: shift_probabilities(estimator, X[:1])):
        with pytest.raises(ValueError, match="refit=True"):
            look(search)


@pytest.mark.parametrize("stage", [4, -5, 1.0, None, True])
def test_stages_that_are_not_there(fitted, stage):
    with pytest.raises(ValueError, match="stage must be an int from 0 to 3"):
        filters(fitted, stage=stage)
    with pytest.raises(ValueError, match="stage must be"):
        saliency(fitted, np.zeros((1, 256)), stage=stage)


def test_the_device_is_where_the_network_is(fitted, shapes):
    clf = copy.copy(fitted)
    clf.device_ = "cuda"  # as of a file from a machine that has a GPU
    np.testing.assert_array_equal(saliency(clf, shapes[0][:2]), saliency(fitted, shapes[0][:2]))
    assert architecture(clf) == architecture(fitted)


def test_a_network_in_training_mode_is_looked_at_as_in_predict(few):
    X, y = few
    clf = small_classifier(max_iter=1, dropout=0.5).fit(X, y)
    expected = saliency(clf, X[:2], method="gradients")
    clf.net_.module_.train()
    np.testing.assert_array_equal(saliency(clf, X[:2], method="gradients"), expected)


@pytest.mark.slow
def test_public_names_are_imported_when_they_are_used():
    for name in inspection.__all__:
        assert getattr(inspection, name).__name__ == name
    assert set(inspection.__all__) == set(dir(inspection))
    with pytest.raises(AttributeError, match="METHODS"):
        inspection.METHODS  # noqa: B018
    code = """
import sys
import numpy as np
from sklearn_shapecnn import ImagesDisplay, FilterDisplay, inspection
ImagesDisplay.from_predictions(np.eye(4)[np.newaxis])
assert "torch" not in sys.modules
inspection.filters
assert "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
