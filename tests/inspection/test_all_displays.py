"""What all displays have in common."""

import builtins
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing import draw_all
from helpers import small_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import sklearn_shapecnn
from sklearn_shapecnn import (
    ArchitectureDisplay,
    FeatureMapDisplay,
    FilterDisplay,
    ImagesDisplay,
    SaliencyDisplay,
    ShiftDisplay,
    TrainingDisplay,
)


def test_all_draw_for_gray_and_color(task):
    for display in draw_all(*task):
        display.figure_.canvas.draw()
        assert display.ax_.get_figure(root=True) is display.figure_


@pytest.mark.slow
def test_all_draw_for_pipelines_and_searches(few):
    X, y = few
    pipe = make_pipeline(MinMaxScaler(), small_classifier(max_iter=1))
    search = GridSearchCV(pipe, {"shapecnnclassifier__alpha": [0.01, 0.1]}, cv=2).fit(X, y)
    for display in [*draw_all(search, X, y), *draw_all(search.best_estimator_, X, y)]:
        display.figure_.canvas.draw()


@pytest.mark.slow
def test_all_draw_the_same_for_frozen_estimators(few, frozen):
    estimator, plain = frozen
    for display, expected in zip(draw_all(estimator, *few), draw_all(plain, *few), strict=True):
        display.figure_.canvas.draw()
        expected.figure_.canvas.draw()
        np.testing.assert_array_equal(
            display.figure_.canvas.buffer_rgba(), expected.figure_.canvas.buffer_rgba()
        )


def test_all_draw_into_given_axes(task):
    clf, X, y = task
    figure, axes = plt.subplots(2, 4)
    displays = [
        ImagesDisplay.from_estimator(clf, X[:5], y[:5], ax=axes[0, 0]),
        FilterDisplay.from_estimator(clf, ax=axes[0, 1]),
        FeatureMapDisplay.from_estimator(clf, X[:1], ax=axes[0, 2]),
        SaliencyDisplay.from_estimator(clf, X[:2], ax=axes[0, 3]),
        ShiftDisplay.from_estimator(clf, X[:2], max_shift=1, ax=axes[1, 0]),
        TrainingDisplay.from_estimator(clf, ax=axes[1, 1]),
        ArchitectureDisplay.from_estimator(clf, ax=axes[1, 2]),
    ]
    assert plt.get_fignums() == [figure.number]
    for display, ax in zip(displays, axes.flat, strict=False):
        assert display.ax_ is ax
        assert display.figure_ is figure
        assert display.plot() is display  # again, into a figure of its own
        assert display.figure_ is not figure
    figure.canvas.draw()


def test_settings_of_matplotlib_stay(task):
    before = dict.copy(matplotlib.rcParams)
    draw_all(*task)
    assert dict.__eq__(before, dict.copy(matplotlib.rcParams))


@pytest.mark.parametrize("count", [0, -1, 1.5, "3", True])
def test_unusable_counts(task, count):
    clf, X, _ = task
    with pytest.raises(ValueError, match="n_maps must be a positive int"):
        FeatureMapDisplay.from_estimator(clf, X[:1], n_maps=count)
    with pytest.raises(ValueError, match="n_columns must be a positive int"):
        ImagesDisplay.from_estimator(clf, X[:2], n_columns=count)
    with pytest.raises(ValueError, match="n_columns must be a positive int"):
        FilterDisplay.from_estimator(clf, n_columns=count)
    with pytest.raises(ValueError, match="n_shown must be a positive int"):
        FilterDisplay.from_estimator(clf, stage=1).plot(n_shown=count)


def test_matplotlib_is_asked_for_by_its_extra(task, monkeypatch):
    clf, X, _ = task
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="ImagesDisplay needs matplotlib: pip install matplotlib"):
        ImagesDisplay.from_estimator(clf, X[:2])
    with pytest.raises(ImportError, match="TrainingDisplay needs matplotlib"):
        TrainingDisplay.from_estimator(clf)


@pytest.mark.slow
def test_numbers_and_tables_need_no_matplotlib():
    code = """
import sys
sys.modules["matplotlib"] = None
import importlib.util
importlib.util.find_spec = lambda name, *args: None
import numpy as np
from sklearn_shapecnn import ArchitectureDisplay, ShapeCNNClassifier
from sklearn_shapecnn.inspection import feature_maps, filters, saliency
X = np.random.default_rng(0).random((20, 64))
clf = ShapeCNNClassifier(max_iter=1).fit(X, np.arange(20) % 2)
print(ArchitectureDisplay.from_estimator(clf), filters(clf), feature_maps(clf, X), saliency(clf, X))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_can_be_imported():
    for name in sklearn_shapecnn.__all__:
        assert getattr(sklearn_shapecnn, name) is not None
    assert set(sklearn_shapecnn.__all__) <= set(dir(sklearn_shapecnn))
