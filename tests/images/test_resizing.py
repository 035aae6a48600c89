"""Sizes, aspect ratios and dtypes."""

import numpy as np
import pytest
from image_file_helpers import GRAY, H, W
from skimage.transform import resize

from sklearn_shapecnn.datasets import make_shapes
from sklearn_shapecnn.images import ImageReader


@pytest.mark.parametrize("image_shape", [(24, 24), (20, 31), (96, 80)])
@pytest.mark.parametrize("aspect", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("value", [0.3, 77])
def test_constant_images_stay_constant(image_shape, aspect, value):
    kind = np.uint8 if value > 1 else np.float32
    gray = value / 255 if value > 1 else value
    for shape in [(50, 37), (5, 9), (1, 300), (300, 1), (7, 7, 3)]:
        X = ImageReader(image_shape, aspect=aspect, background=gray).transform(
            [np.full(shape, value, dtype=kind)]
        )
        np.testing.assert_allclose(X[0], np.full(image_shape, gray), atol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_shrinking_does_not_alias(kind):
    # Every third pixel would see white lines only, or black lines only.
    stripes = np.zeros((96, 96), dtype=kind)
    stripes[:, ::3] = np.iinfo(kind).max
    X = ImageReader((32, 32)).transform([stripes, np.roll(stripes, 1, axis=1), stripes.T])
    np.testing.assert_allclose(X[:, 2:-2, 2:-2], 1 / 3, atol=1 / 255)


def test_resizing_agrees_with_scikit_image():
    image = make_shapes(1, image_shape=(90, 120), as_images=True, random_state=0)[0][0]
    for shape in [(30, 40), (24, 24), (180, 240)]:
        found = ImageReader(shape).transform([image])[0]
        expected = resize(image, shape, anti_aliasing=True)
        assert np.abs(found - expected).mean() < 0.01  # they differ at the edges only
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_enlarging_is_smooth_and_keeps_the_middle():
    X = ImageReader((4, 16)).transform([np.array([[0.0, 1.0]])])[0]
    assert (np.diff(X, axis=1) >= 0).all()
    np.testing.assert_allclose(X.mean(), 0.5, atol=1e-6)
    np.testing.assert_allclose(X[:, [0, -1]], [[0, 1]] * 4)


@pytest.mark.parametrize("kind", ["gray", "color", "float"])
@pytest.mark.parametrize("wide", [True, False])
def test_padding_keeps_the_aspect_and_the_whole_image(wide, kind):
    image = np.zeros((10, 20, 3) if kind == "color" else (10, 20))
    image = image.astype(np.float32 if kind == "float" else np.uint8)
    expected = np.full((20, 20), 0.6)
    expected[5:15] = 0
    if not wide:
        image, expected = image.swapaxes(0, 1), expected.T
    reader = ImageReader((20, 20), aspect="pad", background=0.6)
    np.testing.assert_allclose(reader.transform([image])[0], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["gray", "color", "float"])
@pytest.mark.parametrize("wide", [True, False])
def test_cropping_keeps_the_aspect_and_the_middle(wide, kind):
    image = np.zeros((10, 20), dtype=np.float32)
    image[:, 7:13] = 1
    image[:, [0, 1, 18, 19]] = 1  # is cut off
    expected = image[:, 5:15].copy()
    if kind != "float":
        image = (255 * image).astype(np.uint8)
    if kind == "color":
        image = np.dstack([image] * 3)
    if not wide:
        image, expected = image.swapaxes(0, 1), expected.T
    found = ImageReader((10, 10), aspect="crop").transform([image])[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_stretching_takes_all_of_it():
    image = np.repeat([[0.0, 1.0]], 10, axis=0).repeat(10, axis=1)
    found = ImageReader((10, 10)).transform([image])[0]
    np.testing.assert_allclose(found[:, :4], 0)
    np.testing.assert_allclose(found[:, 6:], 1)


def test_uint8():
    X = ImageReader((H, W), dtype="uint8").transform([GRAY, GRAY / 255])
    assert X.dtype == np.uint8
    np.testing.assert_array_equal(X, [GRAY, GRAY])
