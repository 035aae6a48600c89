import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing import pixels
from helpers import small_classifier

from sklearn_shapecnn import SaliencyDisplay, ShapeCNNRegressor
from sklearn_shapecnn.inspection import saliency

METHODS = {
    "grad_cam": "Grad-CAM",
    "gradients": "Gradients",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}


def titles(display):
    return [ax.get_title() for ax in display.axes_[0]]


def words_of_bar(display):
    """The words at the color bar, from its top to its bottom, and its colors."""
    first_row = {id(ax): ax for ax in display.axes_[1]}
    (bar,) = [child for ax in first_row.values() for child in ax.child_axes]
    return [label.get_text() for label in bar.get_yticklabels()][::-1]


@pytest.fixture(scope="module")
def numbers():
    """A regressor of two numbers, X, y."""
    X = np.random.default_rng(0).random((30, 8, 8))
    y = np.stack([X.mean((1, 2)), X[:, 0, 0]], axis=1)
    return ShapeCNNRegressor(n_filters=2, max_iter=2, random_state=0).fit(X, y), X, y


@pytest.fixture(scope="module")
def several():
    """A classifier of several labels per image, X, y."""
    X = np.random.default_rng(0).random((40, 8, 8))
    y = np.stack([X[:, 0, 0] > 0.5, X[:, 7, 7] > 0.3, X[:, 0, 7] > 0.5], axis=1).astype(int)
    return small_classifier(max_iter=2).fit(X, y), X, y


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


def test_grad_cam_of_another_stage(task):
    clf, X, _ = task
    display = SaliencyDisplay.from_estimator(clf, X[:2], stage=0)
    np.testing.assert_array_equal(display.saliency, saliency(clf, X[:2], stage=0))
    assert not np.array_equal(display.saliency, saliency(clf, X[:2]))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("has_axes", [False, True])
def test_method_and_colors_are_explained(task, method, n, has_axes):
    clf, X, _ = task
    ax = plt.figure().subplots() if has_axes else None
    display = SaliencyDisplay.from_estimator(clf, X[:n], method=method, ax=ax)
    display.figure_.canvas.draw()
    assert display.ax_.get_title() == METHODS[method]
    if method == "gradients":
        assert words_of_bar(display) == ["large effect", "no effect"]
    elif method == "grad_cam":
        assert words_of_bar(display) == ["supports", "neutral"]
    else:
        assert (display.saliency < 0).any()
        assert words_of_bar(display) == ["supports", "neutral", "opposes"]
    cmap = "viridis" if method in ("grad_cam", "gradients") else "RdBu_r"
    for ax in display.axes_[1]:
        assert ax.images[0].get_cmap().name == cmap
        assert ax.spines["left"].get_visible()
    assert all(not ax.child_axes for ax in display.axes_[0])


def test_the_bar_is_right_of_the_maps(task):
    clf, X, _ = task
    display = SaliencyDisplay.from_estimator(clf, X[:9])
    display.figure_.canvas.draw()
    (bar,) = display.axes_[1, 5].child_axes  # the last one of the first row
    assert bar.get_position().x0 > display.axes_[1, 5].get_position().x1
    figure = display.figure_.get_window_extent()
    assert all(label.get_window_extent().x1 <= figure.x1 for label in bar.get_yticklabels())


def test_outlines_are_those_of_the_image(colored):
    clf, X, _ = colored
    display = SaliencyDisplay.from_estimator(clf, np.zeros_like(X[:1]))
    assert not display.axes_[1, 0].collections  # nothing is to be seen
    image = np.zeros_like(X[:1])
    image[0, 2:6, 8:12] = 200
    (lines,) = SaliencyDisplay.from_estimator(clf, image).axes_[1, 0].collections
    points = np.concatenate([path.vertices for path in lines.get_paths()])
    np.testing.assert_allclose(points.min(0), [7.5, 1.5])
    np.testing.assert_allclose(points.max(0), [11.5, 5.5])


def test_images_one_pixel_high_have_no_outlines():
    X = np.random.default_rng(0).random((20, 1, 9))
    clf = small_classifier(max_iter=1).fit(X, np.arange(20) % 2)
    display = SaliencyDisplay.from_estimator(clf, X[:2], method="occlusion")
    display.figure_.canvas.draw()
    assert not display.axes_[1, 0].collections


def test_true_labels_are_named_where_they_differ(task):
    clf, X, _ = task
    predicted = clf.predict(X[:4])
    known = predicted.copy()
    known[2] = "dim"
    display = SaliencyDisplay.from_estimator(clf, X[:4], known)
    expected = predicted.tolist()
    expected[2] = f"true dim\npredicted {predicted[2]}"
    assert titles(display) == expected
    wrong = [ax.title.get_color() == "#D55E00" for ax in display.axes_[0]]
    assert wrong == [False, False, True, False]
    np.testing.assert_array_equal(display.saliency, saliency(clf, X[:4]))


def test_true_labels_beside_a_target(task):
    clf, X, _ = task
    known = ["light", "dark"]
    display = SaliencyDisplay.from_estimator(clf, X[:2], known, target="light")
    assert titles(display) == ["light", "true dark\nexplained light"]
    assert {ax.title.get_color() for ax in display.axes_[0]} == {"black"}
    each = SaliencyDisplay.from_estimator(clf, X[:2], known, target=["dark", "dark"])
    assert titles(each) == ["true light\nexplained dark", "dark"]


def test_true_labels_of_several(several):
    clf, X, _ = several
    known = np.array([[0, 1, 0], [1, 0, 1]])
    display = SaliencyDisplay.from_estimator(clf, X[:2], known, target=1)
    assert titles(display) == ["1 (present)", "1 (absent)"]
    with pytest.raises(ValueError, match=r"shape of those of predict, \(2, 3\)"):
        SaliencyDisplay.from_estimator(clf, X[:2], [0, 1])


def test_true_numbers(numbers):
    reg, X, y = numbers
    display = SaliencyDisplay.from_estimator(reg, X[:2], y[:2], target=1, method="occlusion")
    predicted = reg.predict(X[:2])
    for title, known, answer in zip(titles(display), y[:2, 1], predicted[:, 1], strict=True):
        assert title.replace("\n", ", ") == f"true {known:.3g}, predicted {answer:.3g}"
    assert words_of_bar(display) in (["raises", "neutral", "lowers"], ["raises", "neutral"])
    each = SaliencyDisplay.from_estimator(reg, X[:2], y[:2], target=[1, 0])
    assert f"true {y[1, 0]:.3g}" in titles(each)[1]
    with pytest.raises(ValueError, match="columns of targets"):
        SaliencyDisplay.from_estimator(reg, X[:2], y[:2], target=2)
    with pytest.raises(ValueError, match="predicts 2 numbers"):
        SaliencyDisplay.from_estimator(reg, X[:2], y[:2])


def test_unusable_true_labels(task):
    clf, X, y = task
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SaliencyDisplay.from_estimator(clf, X[:4], y[:3])
    with pytest.raises(ValueError, match=r"shape of those of predict, \(4,\), but is of shape"):
        SaliencyDisplay.from_estimator(clf, X[:4], np.eye(4))


def test_only_the_first_images_are_explained(task):
    clf, X, y = task
    display = SaliencyDisplay.from_estimator(clf, X[:7], y[:7], target=y[:7], max_images=3)
    assert display.axes_.shape == (2, 3)
    assert len(display.saliency) == 3
    assert display.ax_.texts[0].get_text() == "first 3 of 7 images"
    assert display.plot(max_images=2).ax_.texts[0].get_text() == "first 2 of 7 images"
    with pytest.raises(ValueError, match="max_images must be a positive int"):
        SaliencyDisplay.from_estimator(clf, X[:7], max_images=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SaliencyDisplay.from_estimator(clf, X[:7], target=y[:3], max_images=3)


def test_by_default_twelve_images_are_explained():
    X = np.random.default_rng(0).random((70, 4, 4))
    clf = small_classifier(n_filters=2, max_iter=1).fit(X, np.arange(70) % 2)
    display = SaliencyDisplay.from_estimator(clf, X)
    assert display.axes_.shape == (2, 12)
    assert display.ax_.texts[0].get_text() == "first 12 of 70 images"


def test_titles_shrink_with_small_axes(task):
    clf, X, _ = task
    own = SaliencyDisplay.from_estimator(clf, X[:4])
    small = SaliencyDisplay.from_estimator(clf, X[:4], ax=plt.figure().subplots(3, 4)[0, 0])
    sizes = [display.axes_[0, 0].title.get_fontsize() for display in (own, small)]
    assert sizes[0] == 8
    assert 4 <= sizes[1] < 8


def test_what_is_drawn_without_from_estimator():
    display = SaliencyDisplay(np.eye(4)[np.newaxis], np.ones((1, 4, 4)), np.array(["a"])).plot()
    assert display.ax_.get_title() == ""
    assert titles(display) == ["a"]
    assert matplotlib.colors.to_hex(display.axes_[0, 0].title.get_color()) == "#000000"
