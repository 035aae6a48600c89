import numpy as np
import pytest
from agreement import assert_agrees, noisy_images, tiny

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn._network.modules import ACTIVATIONS

IMAGE_SHAPES = [(8, 8, 1), (9, 6, 1), (1, 20, 1), (11, 7, 3), (13, 13, 2), (1, 1, 4)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalization", ["batch", "layer", None])
@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
def test_agrees_for_every_kind_of_layer(pooling, normalization, activation):
    X, y = noisy_images((9, 7, 1))
    for hidden_layer_sizes in [(), (6, 5)]:
        clf = tiny(
            n_filters=(5, 6),
            pooling=pooling,
            normalization=normalization,
            activation=activation,
            hidden_layer_sizes=hidden_layer_sizes,
            dropout=0.5,
        )
        assert_agrees(clf.fit(X, y), X)


@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
@pytest.mark.parametrize("image_shape", IMAGE_SHAPES)
def test_agrees_for_every_size(image_shape, pooling):
    X, y = noisy_images(image_shape)
    rows = X.reshape(len(X), -1)
    for kernel_size, pool_size in [(3, 1), (3, 2), (4, 2), (4, (4, 3)), ((5, 2), (2, 3))]:
        clf = tiny(
            image_shape=image_shape,
            n_filters=(4, 5),
            kernel_size=kernel_size,
            pool_size=pool_size,
            pooling=pooling,
        )
        assert_agrees(clf.fit(rows, y), rows)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_agrees_for_any_number_of_classes(n_classes):
    X, y = noisy_images((8, 8, 1), n_classes)
    assert_agrees(tiny().fit(X[..., 0].reshape(len(X), -1), y), X.reshape(len(X), -1))


@pytest.mark.parametrize(
    ("low", "span"), [(0, 255), (0, 1e4), (1e4, 1), (-1e4, 3), (5, 1e-4), (0, 1e-6)]
)
@pytest.mark.parametrize("normalization", ["batch", None])
def test_pixels_of_any_scale_are_scaled_in_the_graph(low, span, normalization):
    X, y = noisy_images((8, 8, 1), low=low, span=span)
    X = X.reshape(len(X), -1)
    clf = tiny(max_iter=5, normalization=normalization).fit(X, y)
    beyond = X + span * np.random.default_rng(1).normal(size=X.shape).astype(np.float32)
    assert_agrees(clf, X)
    assert_agrees(clf, beyond.astype(np.float32))


def test_agrees_for_the_automatic_network_trained_on_shapes(shapes):
    X, y = shapes
    assert_agrees(ShapeCNNClassifier(max_iter=3, random_state=0).fit(X, y), X)


def test_flat_images_give_the_class_that_predict_gives(data):
    X, y = data
    flat = np.repeat(np.linspace(-2, 2, 50, dtype=np.float32)[:, np.newaxis], 64, axis=1)
    for normalization in ("batch", "layer", None):
        assert_agrees(tiny(normalization=normalization).fit(X, y), flat)
