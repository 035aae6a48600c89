import builtins
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
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
    ShapeCNNClassifier,
    ShiftDisplay,
    TrainingDisplay,
)
from sklearn_shapecnn.inspection import feature_maps, saliency, shift_probabilities

WRONG = matplotlib.colors.to_rgba("#D55E00")


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module", params=["gray", "colour"])
def task(request):
    """A fitted classifier, X in its own form, y."""
    rng = np.random.default_rng(0)
    y = np.array(["dark", "light"])[np.arange(40) % 2]
    shape = (40, 64) if request.param == "gray" else (40, 9, 12, 3)
    X = rng.integers(0, 100, size=shape, dtype=np.uint8)
    X[y == "light"] += 90
    clf = ShapeCNNClassifier(max_iter=3, early_stopping=True, random_state=0)
    return clf.fit(X, y), X, y


def pixels(ax):
    return np.asarray(ax.images[0].get_array())


def draw_all(estimator, X, y):
    return [
        ImagesDisplay.from_estimator(estimator, X[:5], y[:5]),
        FilterDisplay.from_estimator(estimator),
        FilterDisplay.from_estimator(estimator, layer=1),
        FeatureMapDisplay.from_estimator(estimator, X[:1]),
        SaliencyDisplay.from_estimator(estimator, X[:2]),
        ShiftDisplay.from_estimator(estimator, X[:2], max_shift=1),
        TrainingDisplay.from_estimator(estimator),
        ArchitectureDisplay.from_estimator(estimator),
    ]


def test_all_draw_for_gray_and_colour(task):
    for display in draw_all(*task):
        display.figure_.canvas.draw()
        assert display.ax_.get_figure(root=True) is display.figure_


def test_all_draw_for_pipelines_and_searches(few):
    X, y = few
    pipe = make_pipeline(MinMaxScaler(), ShapeCNNClassifier(max_iter=1, random_state=0))
    search = GridSearchCV(pipe, {"shapecnnclassifier__alpha": [0.01, 0.1]}, cv=2).fit(X, y)
    for display in [*draw_all(search, X, y), *draw_all(search.best_estimator_, X, y)]:
        display.figure_.canvas.draw()


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


# Images


def test_wrong_predictions_are_marked(task):
    _, X, y = task
    image_shape = None if X.ndim == 2 else X.shape[1:]
    predicted = y[:6].copy()
    predicted[4] = "dim"
    display = ImagesDisplay.from_predictions(X[:6], y[:6], predicted, image_shape=image_shape)
    assert len(display.axes_) == 6
    for i, ax in enumerate(display.axes_):
        marked = ax.spines["left"].get_edgecolor() == WRONG
        assert marked == (i == 4)
        assert ax.get_title() == ("dim\nis dark" if i == 4 else y[i])


def test_images_keep_their_pixels(task):
    clf, X, _ = task
    display = ImagesDisplay.from_estimator(clf, X[:3])
    expected = X[2].reshape(8, 8) if X.ndim == 2 else X[2] / 255
    shown = pixels(display.axes_[2])
    assert shown.shape == expected.shape
    np.testing.assert_allclose(np.corrcoef(shown.ravel(), expected.ravel())[0, 1], 1)
    if X.ndim == 4:
        np.testing.assert_allclose(shown, expected)


def test_images_without_labels_and_in_columns():
    display = ImagesDisplay.from_predictions(np.eye(4).reshape(1, 4, 4).repeat(5, 0), n_columns=2)
    lefts = {round(ax.get_position().x0, 3) for ax in display.axes_}
    assert len(lefts) == 2
    assert {ax.get_title() for ax in display.axes_} == {""}


def test_labels_as_many_as_images():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ImagesDisplay.from_predictions(np.zeros((3, 64)), [0, 1])


def test_one_image_of_an_estimator(task):
    clf, X, y = task
    assert len(ImagesDisplay.from_estimator(clf, X[0], y[:1]).axes_) == 1


def test_labels_are_a_column(task):
    clf, X, _ = task
    with pytest.raises(ValueError, match="y should be a 1d array"):
        ImagesDisplay.from_estimator(clf, X[:3], np.eye(3))
    with pytest.raises(ValueError, match="images of unequal sizes"):
        ImagesDisplay.from_estimator(clf, [np.zeros((2, 2)), np.zeros((3, 3))])


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
        FilterDisplay.from_estimator(clf, layer=1).plot(n_shown=count)


# What the network sees


def test_filters_are_all_there(task):
    clf, _, _ = task
    display = FilterDisplay.from_estimator(clf)
    assert len(display.axes_) == len(display.kernels) == 32
    assert pixels(display.axes_[3]).shape[:2] == (3, 3)
    limits = {ax.images[0].get_clim() for ax in display.axes_}
    assert len(limits) == 1 or display.kernels.shape[3] == 3  # one scale for all


def test_feature_maps_are_those_of_the_image(task):
    clf, X, _ = task
    display = FeatureMapDisplay.from_estimator(clf, X[:1], n_maps=3)
    first, *layers = display.axes_
    assert len(first) == 1
    assert [len(cells) for cells in layers] == [3, 3, 3]
    for cells, maps in zip(layers, feature_maps(clf, X[:1]), strict=True):
        strongest = maps[0][..., np.ptp(maps[0], axis=(0, 1)).argmax()]
        np.testing.assert_array_equal(pixels(cells[0]), strongest)


def test_feature_maps_of_one_image_only(task):
    clf, X, _ = task
    FeatureMapDisplay.from_estimator(clf, X[0])
    with pytest.raises(ValueError, match=r"X holds 2: give X\[:1\]"):
        FeatureMapDisplay.from_estimator(clf, X[:2])


def test_saliency_stands_under_its_image(task):
    clf, X, _ = task
    display = SaliencyDisplay.from_estimator(clf, X[:9], method="occlusion", target="light")
    assert display.axes_.shape == (2, 9)
    expected = saliency(clf, X[:9], method="occlusion", target="light")
    np.testing.assert_array_equal(pixels(display.axes_[1, 8]), expected[8])
    assert {ax.get_title() for ax in display.axes_[0]} == {"light"}
    above, below = (display.axes_[i, 8].get_position() for i in (0, 1))
    assert above.y0 > below.y0
    assert above.x0 == below.x0


# Shifts


def test_shift_map_and_lines(task):
    clf, X, _ = task
    result = shift_probabilities(clf, X[:4], max_shift=2)
    display = ShiftDisplay.from_estimator(clf, X[:4], max_shift=2)
    labels = result.probabilities[:, 2, 2].argmax(1)
    expected = np.mean(
        [p[..., label] for p, label in zip(result.probabilities, labels, strict=True)], 0
    )
    np.testing.assert_allclose(pixels(display.ax_), expected)
    assert f"{result.same_label:.1%}" in display.ax_.get_title()

    display.plot(kind="line")
    lines = {line.get_label(): line for line in display.ax_.lines}
    assert list(lines) == ["dark", "light"]
    np.testing.assert_allclose(lines["light"].get_ydata(), result.probabilities[:, 2, :, 1].mean(0))
    with pytest.raises(ValueError, match="kind must be 'map' or 'line'"):
        display.plot(kind="pie")


# Training


def test_training_curves(task):
    clf, X, y = task
    other = ShapeCNNClassifier(max_iter=2, random_state=0).fit(X, y)
    display = TrainingDisplay.from_estimator({"held out": clf, "all": other})
    loss, score = display.axes_
    assert [line.get_label() for line in loss.lines] == ["held out", "all"]
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), other.loss_curve_)
    np.testing.assert_array_equal(loss.lines[1].get_xdata(), [1, 2])
    assert len(score.lines) == 1
    np.testing.assert_array_equal(score.lines[0].get_ydata(), clf.validation_scores_)

    assert len(TrainingDisplay.from_estimator(other).axes_) == 1
    later = TrainingDisplay({"": [3, 2, 1]}, {"": [0.5, 0.6]})  # warm_start, then early_stopping
    np.testing.assert_array_equal(later.plot().axes_[1].lines[0].get_xdata(), [2, 3])
    assert list(TrainingDisplay.from_estimator([other, clf]).loss_curves) == ["fit 1", "fit 2"]
    with pytest.raises(ValueError, match="estimator is empty"):
        TrainingDisplay.from_estimator([])


# Architecture


def test_architecture_as_text_and_html(task):
    clf, _, _ = task
    display = ArchitectureDisplay.from_estimator(clf)
    total = sum(weight.numel() for weight in clf.net_.module_.parameters())
    for table in (str(display), display._repr_html_()):
        assert f"{total:,}" in table
        assert "convolution 3 x 3" in table
    assert display._repr_html_().count("<tr>") == len(display.layers) + 2
    text = " ".join(text.get_text() for text in display.ax_.texts)
    assert "stage 1" in text
    assert "max pooling 2 x 2" in text


# Without matplotlib


def test_matplotlib_is_asked_for_by_its_extra(task, monkeypatch):
    clf, X, _ = task
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'ImagesDisplay needs matplotlib: pip install "sklearn-'):
        ImagesDisplay.from_estimator(clf, X[:2])
    with pytest.raises(ImportError, match="TrainingDisplay needs matplotlib"):
        TrainingDisplay.from_estimator(clf)


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
