"""Rows that are taken for other images than they are: noticed, and nothing else."""

import re
import warnings

import numpy as np
import pytest
import skimage.data
from helpers import small_classifier
from skimage.color import rgb2gray
from sklearn.datasets import load_digits
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer

from sklearn_shapecnn import make_shapes
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.image_shape import find_image_shape
from sklearn_shapecnn._input.row_layout import warn_about_rows

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field")
SHAPES = (
    "circle", "ellipse", "ring", "triangle", "square", "rectangle", "pentagon", "hexagon", "star",
    "cross",
)  # fmt: skip
HARD = {
    "min_visible": 0.3,
    "filled": 0.5,
    "aspect_ratio": (0.3, 0.8),
    "foreground": (0.0, 1.0),
    "background": (0.0, 1.0),
    "noise": 0.1,
}
STYLES = {"filled": {}, "outlined": {"filled": False}, "noisy": {"noise": 0.2}, "hard": HARD}


def warnings_about(rows, image_shape=None):
    """What is said about rows."""
    images = ImageSet(rows, find_image_shape(rows.shape, image_shape))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_about_rows(images, is_given=image_shape is not None)
    return [str(warning.message) for warning in caught]


def the_warning(rows, image_shape=None):
    (message,) = warnings_about(rows, image_shape)
    return message


def patches(name, side, n=100):
    """Squares cut out of a photo, of shape (n, side, side, 3)."""
    photo = getattr(skimage.data, name)()
    rng = np.random.default_rng(0)
    rows, columns = (rng.integers(0, length - side, n) for length in photo.shape[:2])
    return np.stack([photo[i : i + side, j : j + side] for i, j in zip(rows, columns, strict=True)])


def rows_of(images):
    return images.reshape(len(images), -1)


def planes_of(images):
    """Rows that hold one channel after the other."""
    return rows_of(np.moveaxis(images, -1, 1))


# Color


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("name", PHOTOS[:4])
def test_rows_of_color_photos_are_told_how_to_become_images(name, side):
    message = the_warning(rows_of(patches(name, side)))
    assert f"X has rows of {3 * side**2} values" in message
    assert f"seem to be color images of {side} x {side} pixels. Set image_shape" in message
    assert f"image_shape=({side}, {side}, 3)" in message
    assert f"image_shape=(1, {3 * side**2})" in message


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("name", PHOTOS[:4])
def test_planes_of_color_photos_are_told_how_to_become_images(name, side):
    images = patches(name, side)
    X = planes_of(images)
    advice = re.search(r"Give (np\.moveaxis\(.+?\))\.", the_warning(X))[1]
    np.testing.assert_array_equal(eval(advice, {"np": np, "X": X}), images)
    message = the_warning(X, (side, side, 3))
    assert f"image_shape=({side}, {side}, 3) means rows of one pixel after the" in message
    assert advice in message


@pytest.mark.parametrize("side", [8, 12, 16, 32])
def test_color_that_is_given_rightly_is_not_told_of(side):
    for name in PHOTOS:
        images = patches(name, side)
        gray = np.repeat(rgb2gray(images)[..., np.newaxis], 3, axis=-1)
        alpha = np.concatenate([images, np.full_like(images[..., :1], 255)], axis=-1)
        for X in (images, gray, alpha):
            assert warnings_about(rows_of(X), X.shape[1:]) == []
            assert warnings_about(X, None) == []
    for style in STYLES.values():
        X, _ = make_shapes(100, image_shape=(side, side, 3), random_state=0, **style)
        assert warnings_about(X, (side, side, 3)) == []
    noise = np.random.default_rng(0).normal(size=(100, side * side * 3))
    assert warnings_about(noise, (side, side, 3)) == []


def test_what_cannot_be_told_apart_gets_both_pieces_of_advice():
    noise = np.random.default_rng(0).normal(size=(50, 192))
    for X in (noise, rows_of(patches("coffee", 8, n=19))):  # 19 are too few to look at
        message = the_warning(X)
        assert "may be color images of 8 x 8 pixels" in message
        assert "RGBRGB...), set image_shape=(8, 8, 3)" in message
        assert "np.moveaxis(X.reshape(-1, 3, 8, 8), 1, -1)" in message


def test_an_alpha_channel_is_noticed_though_the_row_is_as_long_as_a_square():
    images = patches("coffee", 16)
    alpha = np.concatenate([images, np.full_like(images[..., :1], 255)], axis=-1)
    message = the_warning(rows_of(alpha))
    assert "every fourth value is 255" in message
    assert "image_shape=(16, 16, 4)" in message
    assert warnings_about(rows_of(alpha), (32, 32)) == []


# Lines


@pytest.mark.parametrize("n", [65, 508, 1000])
def test_other_long_rows_are_told_what_they_are_taken_for(n):
    message = the_warning(np.ones((5, n)))
    assert f"X has rows of {n} values, which are treated as images one pixel high" in message
    assert "VarianceThreshold" in message
    assert "keep_empty_features=True" in message
    assert f"image_shape=(1, {n})" in message


@pytest.mark.parametrize(("n", "image_shape"), [(63, None), (65, (1, 65)), (1000, (20, 50))])
def test_short_rows_and_those_with_an_image_shape_are_not_told_of(n, image_shape):
    assert warnings_about(np.ones((5, n)), image_shape) == []


# Other widths


def without_some(images, keep):
    """Rows from which a step before has removed all pixels but some."""
    return rows_of(images)[:, np.flatnonzero(keep)]


@pytest.mark.parametrize("n_columns", [4, 6])
@pytest.mark.parametrize("name", PHOTOS[:4])
def test_rows_of_images_of_another_width_are_noticed(name, n_columns):
    images = rgb2gray(patches(name, 28))
    width = 28 - n_columns
    message = the_warning(rows_of(images)[:, : width**2])
    assert f"treated as images of {width} x {width} pixels" in message
    assert re.search(f"values 2[78] places apart are more similar than values {width} ", message)
    assert f"set image_shape=({width}, {width})" in message


def test_pixels_that_a_variance_threshold_removed_are_noticed():
    X, _ = make_shapes(100, image_shape=(24, 24), size=(0.9, 0.95), background=0.0, random_state=0)
    left = VarianceThreshold().fit_transform(X)
    assert left.shape == (100, 484)  # the corners are gone, and the rows are of unequal lengths
    message = the_warning(left)
    assert "treated as images of 22 x 22 pixels" in message
    assert "SimpleImputer does unless keep_empty_features=True" in message


@pytest.mark.parametrize(("n_missing", "words"), [(92, "22 x 22"), (68, "one pixel high")])
def test_pixels_that_an_imputer_removed_are_noticed(n_missing, words):
    X, _ = make_shapes(100, image_shape=(24, 24), random_state=0)
    X[:, :n_missing] = np.nan
    imputer = SimpleImputer(strategy="constant", fill_value=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, in some versions
        left = SimpleImputer().fit_transform(X)
    assert left.shape == (100, 576 - n_missing)
    assert words in the_warning(left)
    filled = imputer.set_params(keep_empty_features=True).fit_transform(X)
    assert warnings_about(filled) == []


@pytest.mark.parametrize("side", [8, 13, 24, 48, 72])
@pytest.mark.parametrize("style", STYLES)
def test_square_shapes_are_not_told_of(style, side):
    for shape in SHAPES:
        X, _ = make_shapes(
            60, shapes=(shape,), image_shape=(side, side), random_state=side, **STYLES[style]
        )
        assert warnings_about(X) == []


def test_square_photos_digits_and_faces_are_not_told_of():
    assert warnings_about(load_digits().data) == []
    assert warnings_about(rows_of(skimage.data.lfw_subset())) == []
    for name in PHOTOS:
        for side in (8, 24, 48):
            assert warnings_about(rows_of(rgb2gray(patches(name, side)))) == []
    for name in ("brick", "grass", "gravel", "text", "page", "checkerboard", "moon"):
        photo = getattr(skimage.data, name)()
        starts = range(0, photo.shape[0] - 24, 7)
        squares = np.stack([photo[i : i + 24, i : i + 24] for i in starts])
        assert warnings_about(rows_of(squares)) == []


@pytest.mark.parametrize("side", [8, 16, 25, 72])
def test_noise_stripes_and_checkerboards_are_not_told_of(side):
    rng = np.random.default_rng(side)
    for noise in (rng.normal(size=(20, side, side)), rng.uniform(size=(100, side, side)) < 0.05):
        assert warnings_about(rows_of(noise)) == []
    y, x = np.mgrid[:side, :side]
    for period in (2, 3, 4, 5, 7, 8, 12, side // 2, side):
        for starts in (np.zeros((60, 2)), rng.integers(0, period, (60, 2))):
            down, right = (
                (place + start[:, np.newaxis, np.newaxis]) % period < period / 2
                for place, start in zip((y, x), starts.T, strict=True)
            )
            diagonal = (y + x + starts[:, 0, np.newaxis, np.newaxis]) % period < period / 2
            brightness = rng.uniform(0.3, 1, (60, 1, 1))
            for pattern in (down, right, down ^ right, diagonal):
                assert warnings_about(rows_of(pattern * brightness)) == []


@pytest.mark.parametrize("value", [0.0, 1e300])
def test_pixels_without_differences_are_not_told_of(value):
    for image_shape in (None, (5, 5, 4)):
        assert warnings_about(np.full((30, 100), value), image_shape) == []
    assert warnings_about(np.full((30, 147), value), (7, 7, 3)) == []


# In a fit


def test_a_fit_says_it_once_and_points_to_the_line_of_its_caller():
    X, y = make_shapes(40, image_shape=(8, 8, 3), random_state=0)
    with pytest.warns(UserWarning, match=r"image_shape=\(8, 8, 3\)") as caught:
        clf = small_classifier().fit(X, y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    clf.predict(X)
    clf.partial_fit(X, y)  # goes on with what is known


def test_a_fit_with_what_the_warning_says_is_silent_and_better():
    images = np.stack([patches("coffee", 8)[:30], 255 - patches("coffee", 8)[:30]])
    images, y = images.reshape(60, 8, 8, 3), np.repeat([0, 1], 30)
    small_classifier(image_shape=(8, 8, 3)).fit(rows_of(images), y)
    with pytest.warns(UserWarning, match=r"Give np\.moveaxis"):
        small_classifier(image_shape=(8, 8, 3)).fit(planes_of(images), y)
