import numpy as np
import pytest
import torch
from helpers import small_classifier

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn.inspection import saliency
from sklearn_shapecnn.inspection._saliency import METHODS


def log_odds(clf, X, label):
    p = clf.predict_log_proba(X)
    mine = p[:, label]
    return mine - np.logaddexp.reduce(np.delete(p, label, axis=1), axis=1)


@pytest.mark.parametrize("method", METHODS)
def test_the_square_decides(colored, method):
    clf, X, y = colored
    values = saliency(clf, X[y == 1], method=method, window=3, target=1)
    assert values.shape == (30, 11, 14)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    mean = values.mean(axis=0)
    inside = mean[2:6, 8:12].mean()
    assert inside > 2 * mean[:, :6].mean()


def test_integrated_gradients_sum_up_to_the_difference(colored):
    clf, X, _ = colored
    values = saliency(
        clf, X[:6], method="integrated_gradients", target=1, baseline=50.0, n_steps=200
    )
    empty = np.full_like(X[:1], 50)
    difference = log_odds(clf, X[:6], 1) - log_odds(clf, empty, 1)
    np.testing.assert_allclose(values.sum((1, 2)), difference, rtol=0.05, atol=0.05)


def test_gradients_are_slopes(colored):
    clf, X, _ = colored
    values = saliency(clf, X[:1], method="gradients", target=0)[0]
    row, column = np.unravel_index(values.argmax(), values.shape)
    slopes = []
    for channel in range(3):
        moved = X[:1].astype(np.float64)
        moved[0, row, column, channel] += 0.05
        slopes.append((log_odds(clf, moved, 0) - log_odds(clf, X[:1], 0))[0] / 0.05)
    assert values[row, column] == pytest.approx(np.abs(slopes).max(), rel=0.05)


def test_a_window_as_large_as_the_image_takes_all_away(colored):
    clf, X, _ = colored
    values = saliency(clf, X[:2], method="occlusion", target=1, baseline=7.0, window=28)
    fall = log_odds(clf, X[:2], 1) - log_odds(clf, np.full_like(X[:2], 7), 1)
    assert np.abs(fall).max() > 0.1
    np.testing.assert_allclose(
        values, np.broadcast_to(fall[:, None, None], values.shape), rtol=1e-3, atol=1e-3
    )


def test_targets(colored):
    clf, X, _ = colored
    predicted = clf.predict(X[:4])
    default = saliency(clf, X[:4], method="gradients")
    np.testing.assert_array_equal(
        saliency(clf, X[:4], target=predicted, method="gradients"), default
    )
    # Of two classes, what speaks for the one speaks against the other.
    one, other = (
        saliency(clf, X[:4], target=label, method="integrated_gradients") for label in (0, 1)
    )
    np.testing.assert_allclose(one, -other, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=r"target holds 5, which is none of the classes \[0, 1\]"):
        saliency(clf, X[:4], target=5)
    with pytest.raises(ValueError, match=r"one for each of 4 images, but its shape is \(2,\)"):
        saliency(clf, X[:4], target=[0, 1])


@pytest.mark.parametrize(
    "parameters",
    [
        {"method": "lime"},
        {"n_steps": 0},
        {"window": 0},
        {"window": 2.5},
        {"baseline": np.nan},
        {"baseline": "black"},
        {"baseline": True},
    ],
)
def test_unusable_parameters_of_saliency(fitted, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        saliency(fitted, np.zeros((1, 256)), **parameters)


@pytest.mark.parametrize("method", METHODS)
def test_saliency_leaves_the_network_as_it_was(fitted, shapes, method):
    X = shapes[0][:4]
    before = fitted.predict_proba(X)
    weights = list(fitted.net_.module_.parameters())
    for weight in weights:
        weight.grad = None  # what training left
    with torch.no_grad():  # as somebody may have around it
        saliency(fitted, X, method=method)
        assert not torch.is_grad_enabled()
    assert all(weight.grad is None for weight in weights)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


def test_grad_cam_is_in_place_where_pooling_hangs_over():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    X = rng.uniform(0, 0.2, size=(80, 9, 9))
    X[y == 1, :2, :2] += 1  # 9 -> 3 -> 2 pixels: the last cell covers the frame's outside
    clf = ShapeCNNClassifier(
        n_filters=[8, 8], pool_size=[3, 2], augment=None, max_iter=20, random_state=0
    ).fit(X, y)
    assert clf.score(X, y) == 1
    mean = saliency(clf, X[y == 1], target=1).mean(axis=0)
    assert mean.shape == (9, 9)
    assert np.unravel_index(mean.argmax(), mean.shape) <= (2, 2)
    assert mean[:3, :3].mean() > 2 * mean[6:, 6:].mean()


@pytest.mark.parametrize("method", METHODS)
def test_values_far_off_are_refused_as_in_predict(fitted, shapes, method):
    is_told = pytest.warns(UserWarning, match="pixels of X range")
    with is_told, pytest.raises(ValueError, match="not finite"):
        saliency(fitted, shapes[0][:2].astype(np.float64) * 1e300, method=method)


def test_a_box_of_as_many_images_as_pixels_is_no_image(few):
    X, y = few
    clf = small_classifier(max_iter=1).fit(X, y)
    box = np.empty(64, dtype=object)
    for i in range(64):
        box[i] = X[i % 40].reshape(8, 8)
    assert saliency(clf, box).shape == (64, 8, 8)
