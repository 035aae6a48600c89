import matplotlib
import numpy as np
import pytest
from drawing import pixels

from sklearn_shapecnn import ImagesDisplay

WRONG = matplotlib.colors.to_rgba("#D55E00")


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
    with pytest.raises(ValueError, match="y and y_pred must be of one shape"):
        ImagesDisplay.from_estimator(clf, X[:3], np.eye(3))
    with pytest.raises(ValueError, match="images of unequal sizes"):
        ImagesDisplay.from_estimator(clf, [np.zeros((2, 2)), np.zeros((3, 3))])
