import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing import pixels
from sklearn.dummy import DummyClassifier

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
        assert ax.get_title() == ("true dark\npredicted dim" if i == 4 else y[i])


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


def test_titles_are_short_or_of_two_lines():
    X = np.zeros((3, 4, 4))
    display = ImagesDisplay.from_predictions(X, [7, 1, 123456789], [3, 1, 987654321])
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["true 7, predicted 3", "1", "true 123456789\npredicted 987654321"]
    several = ImagesDisplay.from_predictions(X, np.eye(3, dtype=int), np.ones((3, 3), dtype=int))
    assert several.axes_[1].get_title() == "true 1\npredicted 0, 1, 2"
    numbers = ImagesDisplay.from_predictions(X, [1.0, 2, 3], np.array([1.0, 2.25, 3]))
    assert numbers.axes_[1].get_title() == "true 2\npredicted 2.25"
    assert {ax.title.get_color() for ax in numbers.axes_} == {"black"}


def test_a_title_of_one_line_fits_above_its_image():
    X = np.zeros((1, 4, 4))
    display = ImagesDisplay.from_predictions(X.repeat(2, 0), [7, 7], [7, 3])
    display.figure_.canvas.draw()
    title, image = (part.get_window_extent() for part in (display.axes_[1].title, display.axes_[1]))
    assert title.width < image.width + 10  # pixels: a tenth of an inch


@pytest.mark.parametrize("max_images", [1, 4, 7])
def test_more_images_than_are_drawn(task, max_images):
    clf, X, y = task
    display = ImagesDisplay.from_estimator(clf, X[:7], y[:7], max_images=max_images)
    assert len(display.axes_) == max_images
    notes = [text.get_text() for text in display.ax_.texts if text.get_text()]
    assert notes == ([f"first {max_images} of 7 images"] if max_images < 7 else [])
    display.figure_.canvas.draw()
    assert len(display.plot(max_images=2).axes_) == min(2, 7)


def test_by_default_sixty_images_are_drawn():
    display = ImagesDisplay.from_predictions(np.zeros((500, 4, 4)), np.arange(500))
    assert [ax.get_title() for ax in display.axes_] == [str(i) for i in range(60)]
    assert display.ax_.texts[0].get_text() == "first 60 of 500 images"
    with pytest.raises(ValueError, match="max_images must be a positive int"):
        display.plot(max_images=0)


def test_a_single_image_without_an_estimator():
    with pytest.raises(ValueError, match=r"give X\[np.newaxis\]"):
        ImagesDisplay.from_predictions(np.zeros((24, 24)))
    assert len(ImagesDisplay.from_predictions(np.zeros((24, 24))[np.newaxis]).axes_) == 1


def test_rows_of_another_estimator():
    X, y = np.random.default_rng(0).random((20, 6)), np.arange(20) % 2
    clf = DummyClassifier().fit(X, y)
    with pytest.raises(ValueError, match="Set image_shape"):
        ImagesDisplay.from_estimator(clf, X)
    display = ImagesDisplay.from_estimator(clf, X, y, image_shape=(2, 3))
    assert pixels(display.axes_[0]).shape == (2, 3)


def test_labels_are_a_column(task):
    clf, X, _ = task
    with pytest.raises(ValueError, match="y and y_pred must be of one shape"):
        ImagesDisplay.from_estimator(clf, X[:3], np.eye(3))
    with pytest.raises(ValueError, match="images of unequal sizes"):
        ImagesDisplay.from_estimator(clf, [np.zeros((2, 2)), np.zeros((3, 3))])


def test_whole_numbers_beside_predicted_ones_are_numbers():
    images, predicted = np.zeros((2, 4, 4)), [[11.8, 5.2], [0.1, 6.9]]
    display = ImagesDisplay(images, np.array([[12, 5], [0, 7]]), np.array(predicted)).plot()
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["true 12, 5\npredicted 11.8, 5.2", "true 0, 7\npredicted 0.1, 6.9"]


def test_the_title_of_the_axes_stays():
    _, ax = plt.subplots()
    ax.set_title("Mistakes")
    ImagesDisplay(np.zeros((2, 4, 4))).plot(ax=ax)
    assert ax.get_title() == "Mistakes"
