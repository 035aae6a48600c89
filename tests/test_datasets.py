"""Tests of the shapes data set, against scikit-image's drawing where it can tell."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import binary_dilation, distance_transform_edt
from scipy.stats import ks_2samp, kstest
from skimage import draw
from skimage.measure import regionprops

from sklearn_shapecnn import datasets
from sklearn_shapecnn.datasets import make_shapes

ASPECT = 0.6
ALL_SHAPES = (
    "circle",
    "ellipse",
    "ring",
    "triangle",
    "square",
    "rectangle",
    "pentagon",
    "hexagon",
    "star",
    "cross",
)


def make_bunch(n_samples=100, **parameters):
    parameters = {"return_X_y": False, "random_state": 0} | parameters
    return make_shapes(n_samples, **parameters)


def star_corners(n_corners, radii):
    """Corners (x, y) at even angles from the top, with the radii in turn."""
    angles = np.pi / 2 + 2 * np.pi * np.arange(n_corners) / n_corners
    radii = np.resize(radii, n_corners)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def unit_corners(shape, aspect=ASPECT):
    """Corners (x, y), y upwards, of polygons whose smallest enclosing circle is the unit circle."""
    if shape == "square":
        return np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) / np.sqrt(2)
    if shape == "rectangle":
        return np.array([[1, aspect], [-1, aspect], [-1, -aspect], [1, -aspect]]) / np.hypot(
            1, aspect
        )
    if shape == "triangle":
        height = 2 * aspect
        radius = 1.0 if height <= 1 else (1 + height**2) / (2 * height)
        base = 0.0 if height <= 1 else radius - height
        return np.array([[-1, base], [1, base], [0, base + height]]) / radius
    if shape == "pentagon":
        return star_corners(5, [1])
    if shape == "hexagon":
        return star_corners(6, [1])
    if shape == "star":
        return star_corners(10, [1, (3 - np.sqrt(5)) / 2])
    if shape == "cross":
        one = np.array([[3, 1], [1, 1], [1, 3]])
        quarter = np.array([[0, -1], [1, 0]])
        turns = [one @ np.linalg.matrix_power(quarter, k).T for k in (0, 3, 2, 1)]
        corners = np.concatenate(turns) / np.sqrt(10)
        angles = np.arctan2(corners[:, 1], corners[:, 0])
        return corners[np.argsort(angles)]
    raise AssertionError(shape)


def shape_area(shape, size):
    """Area by the textbook's formula."""
    radius = size / 2
    if shape == "circle":
        return np.pi * radius**2
    if shape == "ellipse":
        return np.pi * radius**2 * ASPECT
    if shape == "ring":
        return np.pi * radius**2 * (1 - 0.55**2)
    x, y = unit_corners(shape).T
    return radius**2 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


def reference_mask(shape, center, size, angle, extent, aspect=ASPECT):
    """The filled shape as scikit-image draws it."""
    mask = np.zeros(extent, bool)
    radius, turn = size / 2, np.deg2rad(angle)
    if shape == "circle":
        mask[draw.disk(center, radius, shape=extent)] = True
    elif shape == "ring":
        mask[draw.disk(center, radius, shape=extent)] = True
        mask[draw.disk(center, 0.55 * radius, shape=extent)] = False
    elif shape == "ellipse":
        turn = (turn + np.pi) % (2 * np.pi) - np.pi
        mask[draw.ellipse(*center, aspect * radius, radius, shape=extent, rotation=turn)] = True
    else:
        x, y = unit_corners(shape, aspect).T
        right = x * np.cos(turn) - y * np.sin(turn)
        up = x * np.sin(turn) + y * np.cos(turn)
        rows, cols = center[0] - radius * up, center[1] + radius * right
        mask[draw.polygon(rows, cols, shape=extent)] = True
    return mask


def reference_masks(data, shape, extent, aspect=ASPECT):
    described = zip(data.centers, data.sizes, data.angles, strict=True)
    return [reference_mask(shape, *one, extent, aspect) for one in described]


def assert_within_a_pixel(mask, reference):
    square = np.ones((3, 3), bool)
    assert not (mask & ~binary_dilation(reference, square)).any()
    assert not (reference & ~binary_dilation(mask, square)).any()


def coverage_of(data):
    """How much of each pixel is covered, from the intensities of a grey picture from 0 to 1."""
    return data.images.astype(float)


BLACK_AND_WHITE = {"foreground": 1.0, "background": 0.0}


# What is drawn


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_filled_masks_agree_with_scikit_image(shape):
    extent = (256, 300)
    data = make_bunch(
        25,
        shapes=[shape],
        image_shape=extent,
        size=(0.5, 1.0),
        aspect_ratio=ASPECT,
        return_masks=True,
    )
    for mask, reference, size in zip(
        data.masks, reference_masks(data, shape, extent), data.sizes, strict=True
    ):
        assert_within_a_pixel(mask, reference)
        assert_allclose(mask.sum(), shape_area(shape, size), rtol=0.01)
        assert_allclose(mask.sum(), reference.sum(), rtol=0.015)


@pytest.mark.parametrize("aspect", [0.2, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("shape", ["ellipse", "triangle", "rectangle"])
def test_aspect_ratio(shape, aspect):
    extent = (200, 200)
    data = make_bunch(
        8, shapes=[shape], image_shape=extent, size=0.9, aspect_ratio=aspect, return_masks=True
    )
    for mask, reference in zip(
        data.masks, reference_masks(data, shape, extent, aspect), strict=True
    ):
        assert_within_a_pixel(mask, reference)


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_coverage_sums_to_the_area(shape):
    data = make_bunch(40, shapes=[shape], size=(0.4, 0.9), aspect_ratio=ASPECT, **BLACK_AND_WHITE)
    drawn = coverage_of(data).sum(axis=(1, 2))
    expected = [shape_area(shape, size) for size in data.sizes]
    # Distances stand for coverage exactly along straight borders, a little less so at corners.
    assert_allclose(drawn, expected, rtol=0.02)


@pytest.mark.parametrize("shape", ["circle", "ellipse", "triangle", "star", "cross"])
def test_antialiasing_agrees_with_supersampling(shape):
    fine = 8
    data = make_bunch(10, shapes=[shape], size=(0.4, 0.9), aspect_ratio=ASPECT, **BLACK_AND_WHITE)
    for covered, center, size, angle in zip(
        coverage_of(data), data.centers, data.sizes, data.angles, strict=True
    ):
        fine_center = (center + 0.5) * fine - 0.5
        mask = reference_mask(shape, fine_center, size * fine, angle, (72 * fine, 72 * fine))
        expected = mask.reshape(72, fine, 72, fine).mean(axis=(1, 3))
        assert np.abs(covered - expected).max() < 0.45
        assert np.abs(covered - expected).mean() < 0.003


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_outlines_lie_inside_the_border_with_the_width_asked_for(shape):
    extent, width = (200, 200), 0.05
    data = make_bunch(
        8,
        shapes=[shape],
        image_shape=extent,
        size=(0.8, 1.0),
        aspect_ratio=ASPECT,
        filled=False,
        line_width=width,
        return_masks=True,
    )
    pixels = width * 200
    # The line's inner corners are sharp, and so are farther inside where the shape is concave.
    sharpness = np.sqrt(2) if shape in ("star", "cross") else 1
    for mask, reference in zip(data.masks, reference_masks(data, shape, extent), strict=True):
        depth = distance_transform_edt(reference)
        assert mask[(depth >= 1) & (depth < pixels - 1.5)].all()
        assert not mask[depth > pixels * sharpness + 1.5].any()
        assert not (mask & ~binary_dilation(reference, np.ones((3, 3)))).any()


def test_thin_lines_are_faint():
    lines = [
        coverage_of(
            make_bunch(
                5, shapes=["circle"], size=0.5, filled=False, line_width=width, **BLACK_AND_WHITE
            )
        )
        for width in (0.25 / 72, 0.5 / 72)
    ]
    assert lines[0].max() <= 0.25 + 1e-5
    assert_allclose(lines[0].sum(), lines[1].sum() / 2, rtol=0.02)


def test_filled_share():
    many = make_bunch(2000, shapes=["circle"], filled=0.25, image_shape=(24, 24), size=0.9)
    middle = many.images[:, 12, 12] > 0.45
    assert abs(middle.mean() - 0.25) < 0.04
    for filled in (True, 1, 1.0):
        one = make_bunch(50, shapes=["circle"], filled=filled, size=0.9)
        assert (one.images[:, 36, 36] > 0.45).all()
    for filled in (False, 0, 0.0):
        one = make_bunch(50, shapes=["circle"], filled=filled, size=0.9)
        assert (one.images[:, 36, 36] < 0.45).all()


def test_rotation_is_counter_clockwise():
    # At 0 the apex points up; a quarter counter-clockwise later, to the left.
    up = make_bunch(
        1, shapes=["triangle"], rotation=0, size=1.0, aspect_ratio=0.8, **BLACK_AND_WHITE
    )
    left = make_bunch(
        1, shapes=["triangle"], rotation=90, size=1.0, aspect_ratio=0.8, **BLACK_AND_WHITE
    )
    assert_allclose(left.images[0], np.rot90(up.images[0]), atol=1e-3)
    widths = up.images[0].sum(axis=1)
    assert widths[10] < widths[25] < widths[40]


def test_sizes_cover_their_range_and_are_true():
    data = make_bunch(3000, shapes=["circle"], size=(0.3, 0.5), image_shape=(60, 80))
    assert data.sizes.min() >= 18 and data.sizes.max() <= 30
    assert kstest(data.sizes, "uniform", (18, 12)).pvalue > 1e-3
    heights = data.bounding_boxes[:, 2] - data.bounding_boxes[:, 0]
    assert np.abs(heights - data.sizes).max() <= 1


def test_small_low_end_of_size_is_raised_to_three_pixels():
    data = make_bunch(500, image_shape=(8, 8), size=(0.1, 0.6))
    assert data.sizes.min() >= 3 and data.sizes.max() <= 4.8


def test_rotation_covers_its_range():
    data = make_bunch(2000, rotation=(-20, 10), image_shape=(16, 16))
    assert kstest(data.angles, "uniform", (-20, 30)).pvalue > 1e-3


@pytest.mark.parametrize("image_shape", [(4, 4), (4, 9), (5, 64), (64, 5), (8, 8, 3), (300, 200)])
def test_any_image_shape(image_shape):
    data = make_bunch(
        40, image_shape=image_shape, size=(0.5, 1.0), shapes=ALL_SHAPES, min_visible=0.5
    )
    assert data.images.shape == (40, *image_shape)
    assert data.data.shape == (40, np.prod(image_shape))
    low, high = data.images.min(), data.images.max()
    assert 0 <= low < high <= 1
    spread = np.ptp(data.data, axis=1)
    assert (spread > 0.05).all(), "some image shows nothing"


# Where it is drawn


def test_whole_shapes_are_inside_and_evenly_spread():
    data = make_bunch(4000, shapes=["square"], size=0.5, image_shape=(40, 60))
    for axis, length in enumerate((40, 60)):
        places = data.centers[:, axis]
        low, high = 10 - 0.5, length - 10 - 0.5
        assert places.min() >= low and places.max() <= high
        assert kstest(places, "uniform", (low, high - low)).pvalue > 1e-3
    assert (data.visible == 1).all()


@pytest.mark.parametrize("shape", ALL_SHAPES)
@pytest.mark.parametrize("min_visible", [0.3, 0.8])
def test_min_visible_holds_and_is_used(shape, min_visible):
    data = make_bunch(
        150,
        shapes=[shape],
        image_shape=(128, 128),
        size=(0.5, 1.0),
        aspect_ratio=ASPECT,
        min_visible=min_visible,
        return_masks=True,
    )
    whole = np.array([shape_area(shape, size) for size in data.sizes])
    fractions = data.masks.sum(axis=(1, 2)) / whole
    assert_allclose(data.visible, fractions, atol=0.02)
    assert data.visible.min() >= min_visible
    assert fractions.min() >= min_visible - 0.02
    assert fractions.min() < min_visible + 0.1
    assert (data.visible < 0.98).any() and (data.visible <= 1).all()


def test_cut_shapes_are_evenly_spread_over_the_places_allowed():
    # Upright squares, whose visible part is a product, placed by plain rejection.
    side, length, least = 40 * np.sqrt(0.5), 64, 0.4
    rng = np.random.default_rng(0)
    centers = rng.uniform(-side, length + side, (300_000, 2))
    ends = np.clip(centers[:, :, None] + np.array([-side / 2, side / 2]), -0.5, length - 0.5)
    expected = centers[np.prod(np.diff(ends)[:, :, 0] / side, axis=1) >= least]
    data = make_bunch(
        20_000,
        shapes=["square"],
        image_shape=(length, length),
        size=40 / 64,
        rotation=0,
        min_visible=least,
    )
    for axis in range(2):
        assert ks_2samp(data.centers[:, axis], expected[:, axis]).pvalue > 1e-3
    closest = [np.abs(places - 31.5).min(axis=1) for places in (data.centers, expected)]
    assert ks_2samp(*closest).pvalue > 1e-3


def test_places_fall_back_to_the_centre(monkeypatch):
    monkeypatch.setattr(datasets, "_PLACING_TRIES", 1)
    data = make_bunch(400, size=1.0, min_visible=0.95)
    fallen = (data.centers == 35.5).all(axis=1)
    assert fallen.any() and not fallen.all()
    assert (data.visible[fallen] == 1).all()
    assert data.visible.min() >= 0.95


def test_min_visible_next_to_one():
    data = make_bunch(60, size=1.0, min_visible=1 - 1e-12, shapes=ALL_SHAPES)
    assert data.visible.min() > 1 - 1e-9


# Intensities


def test_intensities_stay_in_their_ranges():
    data = make_bunch(500, shapes=["circle"], foreground=(0.7, 0.8), background=(0.1, 0.4))
    row, col = np.rint(data.centers).astype(int).T
    front, back = data.images[np.arange(500), row, col], data.images[:, 0, 0]
    assert kstest(front, "uniform", (0.7, 0.1)).pvalue > 1e-3
    assert kstest(back, "uniform", (0.1, 0.3)).pvalue > 1e-3


def test_dark_on_light():
    data = make_bunch(50, foreground=(0, 0.2), background=(0.8, 1), return_masks=True)
    assert data.images[data.masks].mean() < 0.25
    assert data.images[~data.masks].mean() > 0.75


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("min_contrast", [0.1, 0.5, 0.97])
def test_min_contrast_of_overlapping_ranges(channels, min_contrast):
    image_shape = (12, 12) if channels == 1 else (12, 12, 3)
    data = make_bunch(
        400,
        shapes=["circle"],
        image_shape=image_shape,
        size=1.0,
        foreground=(0, 1),
        background=(0, 1),
        min_contrast=min_contrast,
    )
    images = data.images.reshape(400, 12, 12, channels)
    front, back = images[:, 6, 6], images[:, 0, 0]
    contrast = np.abs(front - back).mean(axis=1)
    assert contrast.min() >= min_contrast - 1e-5
    assert len(np.unique(front)) > 300
    if channels == 1 and min_contrast < 0.9:
        assert (front > back).any() and (front < back).any()


def test_contrast_just_possible():
    data = make_bunch(20, foreground=0.6, background=(0.4, 0.5), min_contrast=0.2)
    assert_allclose(data.images.min(axis=(1, 2)), 0.4, atol=1e-6)


def test_colour_channels_are_drawn_on_their_own():
    data = make_bunch(400, shapes=["circle"], image_shape=(24, 24, 3))
    row, col = np.rint(data.centers).astype(int).T
    for colours in (data.images[np.arange(400), row, col], data.images[:, 0, 0]):
        related = np.corrcoef(colours.T)[np.triu_indices(3, 1)]
        assert np.abs(related).max() < 0.2
    # One shape in all channels: where it is whole, so is it in each of them.
    for channel in range(3):
        picture = data.images[..., channel]
        inside = picture[np.arange(400), row, col]
        assert (inside > picture[:, 0, 0]).all()


def test_noise_has_its_standard_deviation():
    parameters = {"foreground": 0.4, "background": 0.6, "image_shape": (64, 64)}
    clean, noisy = (make_bunch(100, noise=noise, **parameters) for noise in (0, 0.08))
    difference = (noisy.images - clean.images).astype(float)
    assert abs(difference.std() / 0.08 - 1) < 0.01
    assert abs(difference.mean()) < 1e-3
    assert difference.ravel()[[0, -1]].all()
    sample = difference.ravel()[:: 100 * 7 + 1]
    assert kstest(sample / 0.08, "norm").pvalue > 1e-3
    neighbours = np.corrcoef(difference[:, :, 1:].ravel(), difference[:, :, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.01


def test_noise_is_clipped():
    X, _ = make_shapes(20, noise=0.5, random_state=0)
    assert X.min() == 0 and X.max() == 1


# What is returned


def test_defaults():
    X, y = make_shapes(random_state=0)
    assert X.shape == (100, 72 * 72) and X.dtype == np.float32 and X.flags.c_contiguous
    assert y.shape == (100,) and y.dtype == np.int64
    assert X.min() >= 0 and X.max() <= 1
    assert_array_equal(np.bincount(y), [34, 33, 33])
    assert np.any(np.diff(y) < 0)


def test_defaults_show_every_shape_clearly():
    data = make_bunch(600, return_masks=True)
    for image, mask in zip(data.images, data.masks, strict=True):
        assert mask.sum() >= 40
        assert abs(image[mask].mean() - image[~mask].mean()) > 0.2


@pytest.mark.parametrize(
    ("n_samples", "expected"),
    [(7, [3, 2, 2]), (1, [1, 0, 0]), ([2, 0, 5], [2, 0, 5]), (np.array([0, 1, 1]), [0, 1, 1])],
)
def test_counts(n_samples, expected):
    for shuffle in (True, False):
        _, y = make_shapes(n_samples, shuffle=shuffle, random_state=0)
        assert_array_equal(np.bincount(y, minlength=3), expected)
    assert_array_equal(y, np.repeat(range(3), expected))


def test_classes_follow_the_order_of_shapes():
    data = make_bunch(
        [3, 4], shapes=("square", "circle"), rotation=45, size=0.8, return_masks=True, shuffle=False
    )
    assert_array_equal(data.target_names, ["square", "circle"])
    areas = data.masks.sum(axis=(1, 2)) / data.sizes**2
    assert_allclose(areas, [0.5] * 3 + [np.pi / 4] * 4, rtol=0.03)


def test_as_images():
    rows, y = make_shapes(5, image_shape=(10, 12, 3), random_state=1)
    images, same_y = make_shapes(5, image_shape=(10, 12, 3), random_state=1, as_images=True)
    assert images.shape == (5, 10, 12, 3)
    assert_array_equal(images.reshape(5, -1), rows)
    assert_array_equal(y, same_y)


def test_bunch_is_consistent():
    data = make_bunch(
        200, shapes=ALL_SHAPES, min_visible=0.4, filled=0.5, line_width=0.05, return_masks=True
    )
    assert set(data) == {
        "data",
        "images",
        "target",
        "target_names",
        "masks",
        "centers",
        "sizes",
        "angles",
        "bounding_boxes",
        "visible",
        "DESCR",
    }
    assert np.shares_memory(data.data, data.images)
    assert tuple(data.target_names) == ALL_SHAPES
    assert data.masks.dtype == bool and data.masks.shape == (200, 72, 72)
    assert data.centers.shape == (200, 2) and data.bounding_boxes.dtype == np.int64
    for mask, image, box in zip(data.masks, data.images, data.bounding_boxes, strict=True):
        (region,) = regionprops(mask.astype(np.uint8))
        assert region.bbox == tuple(box)
        background = np.median(image[~mask])
        assert (np.abs(image[mask] - background) > 0.05).all()
    assert "make_shapes" in data.DESCR


def test_masks_of_outlines_are_the_pixels_whose_centre_lies_in_the_line():
    line_width = 0.1
    data = make_bunch(
        20,
        shapes=["circle"],
        size=(0.5, 0.9),
        filled=False,
        line_width=line_width,
        return_masks=True,
    )
    rows, columns = np.mgrid[:72, :72]
    for mask, center, size in zip(data.masks, data.centers, data.sizes, strict=True):
        depth = size / 2 - np.hypot(rows - center[0], columns - center[1])
        surely = np.abs(np.minimum(depth, 72 * line_width - depth)) > 1e-3  # not next to a border
        assert_array_equal(mask[surely], ((depth >= 0) & (depth <= 72 * line_width))[surely])


def test_masks_only_if_wanted():
    assert "masks" not in make_bunch(5)


def test_too_thin_lines_have_empty_boxes():
    data = make_bunch(20, filled=False, line_width=1e-6, return_masks=True)
    empty = ~data.masks.any(axis=(1, 2))
    assert empty.any()
    assert_array_equal(data.bounding_boxes[empty], 0)


# Random states


def test_same_seed_same_bits_whatever_is_returned():
    parameters = {"shapes": ALL_SHAPES, "filled": 0.5, "noise": 0.1, "min_visible": 0.5}
    X, y = make_shapes(60, random_state=3, **parameters)
    for more in (
        {"as_images": True},
        {"return_X_y": False},
        {"return_X_y": False, "return_masks": True},
    ):
        result = make_shapes(60, random_state=3, **parameters, **more)
        data, target = (result.data, result.target) if "return_X_y" in more else result
        assert_array_equal(data.reshape(60, -1), X)
        assert_array_equal(target, y)
    other, _ = make_shapes(60, random_state=4, **parameters)
    assert (other != X).any()


@pytest.mark.parametrize("extent", [(4, 4), (72, 72), (40, 130, 3)])
def test_bits_do_not_depend_on_batches(monkeypatch, extent):
    parameters = {
        "shapes": ALL_SHAPES,
        "image_shape": extent,
        "size": (0.2, 1.0),
        "aspect_ratio": (0.01, 1.0),
        "filled": 0.5,
        "noise": 0.0,
        "min_visible": 0.4,
        "return_masks": True,
    }
    once = make_bunch(300, **parameters)
    noisy = make_shapes(30, noise=0.1, random_state=0)[0]
    monkeypatch.setattr(datasets, "_BATCH_PIXELS", 1009)
    monkeypatch.setattr(datasets, "_PLACING_BATCH", 7)
    again = make_bunch(300, **parameters)
    for name in ("images", "target", "masks", "centers", "bounding_boxes", "visible"):
        assert_array_equal(once[name], again[name])
    assert_array_equal(noisy, make_shapes(30, noise=0.1, random_state=0)[0])


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_generators_are_consumed(make):
    source = make(5)
    first, second = (make_shapes(5, random_state=source)[0] for _ in range(2))
    assert (first != second).any()
    assert_array_equal(first, make_shapes(5, random_state=make(5))[0])


def test_numpy_integer_seed():
    X, _ = make_shapes(5, random_state=np.int64(7))
    assert_array_equal(X, make_shapes(5, random_state=7)[0])


def test_global_random_state_is_neither_read_nor_changed():
    made = []
    for _ in range(2):
        np.random.seed(0)
        before = np.random.get_state()
        made.append(make_shapes(5, noise=0.1)[0])
        make_shapes(5, min_visible=0.5, random_state=0)
        after = np.random.get_state()
        assert_array_equal(before[1], after[1])
        assert before[2:] == after[2:]
    assert (made[0] != made[1]).any()


# Errors


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1; got 0"),
        ({"n_samples": -5}, ValueError, "n_samples must be at least 1; got -5"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": True}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": "12"}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": [3, True, 2]}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": [3, 2]}, ValueError, "n_samples has 2 counts for 3 shapes"),
        ({"n_samples": [3, -1, 2]}, ValueError, "must not be negative"),
        ({"n_samples": [0, 0, 0]}, ValueError, "nor zero for all"),
        (
            {"image_shape": 72},
            TypeError,
            r"^image_shape must be \(height, width\) or \(height, width, 3\), integers of pixels",
        ),
        ({"image_shape": ()}, TypeError, r"got \(\)\."),
        ({"image_shape": (72, 72, 3, 1)}, ValueError, r"got \(72, 72, 3, 1\)\."),
        ({"image_shape": (72,)}, ValueError, r"\(height, width, 3\).*got \(72,\)"),
        ({"image_shape": (72, 72, 1)}, ValueError, r"got \(72, 72, 1\)"),
        ({"image_shape": (72.0, 72)}, TypeError, "integers of pixels"),
        ({"image_shape": (True, 72)}, TypeError, "integers of pixels"),
        ({"image_shape": (2, 72)}, ValueError, "at least 3 pixels high and wide"),
        ({"image_shape": (-72, 72)}, ValueError, "at least 3 pixels high and wide"),
        ({"shapes": ()}, ValueError, "shapes is empty. Choose one or more from: circle, cross"),
        ({"shapes": "circle"}, TypeError, "sequence of names, such as"),
        ({"shapes": 3}, TypeError, "sequence of names, such as"),
        ({"shapes": ["blob"]}, ValueError, "unknown shape 'blob'.*from: circle, cross, ellipse"),
        ({"shapes": ["star", 1]}, ValueError, "unknown shape 1"),
        ({"shapes": ["star", "star"]}, ValueError, "a name twice"),
        ({"size": (0.6, 0.25)}, ValueError, "size must have low <= high.*Swap"),
        ({"size": 1.2}, ValueError, "no room for the shape.*72 pixels.*largest that fits is 1.0"),
        ({"size": 0}, ValueError, r"size must be finite and in \(0, inf\); got 0"),
        ({"size": float("nan")}, ValueError, "size must be finite"),
        ({"size": (0.1, 0.2, 0.3)}, ValueError, r"number or a pair \(low, high\)"),
        ({"size": "big"}, TypeError, "size must be made of real numbers; got 'big'"),
        ({"size": None}, TypeError, "size must be made of real numbers; got None"),
        ({"size": True}, TypeError, "size must be made of real numbers; got True"),
        ({"size": 0.04}, ValueError, "2.88 pixels across.*Give at least 0.042,"),
        ({"image_shape": (4, 4)}, ValueError, "2.4 pixels across.*Give at least 0.75"),
        ({"rotation": (0, float("inf"))}, ValueError, "rotation must be finite"),
        ({"rotation": (10, -10)}, ValueError, "rotation must have low <= high"),
        ({"aspect_ratio": 0}, ValueError, r"aspect_ratio must be finite and in \[0.01, 1\]"),
        ({"aspect_ratio": (0.5, 1.5)}, ValueError, "aspect_ratio must be finite and in"),
        ({"min_visible": 0}, ValueError, r"min_visible must be finite and in \(0, 1\]; got 0"),
        ({"min_visible": 1.1}, ValueError, "min_visible must be finite"),
        ({"min_visible": (0.5, 1)}, TypeError, "min_visible must be"),
        ({"filled": 1.5}, ValueError, r"filled must be finite and in \[0, 1\]"),
        ({"filled": "yes"}, ValueError, "The 'filled' parameter of make_shapes"),
        ({"line_width": 0}, ValueError, "line_width must be finite and in"),
        ({"foreground": (0.5, 1.5)}, ValueError, r"foreground must be finite and in \[0, 1\]"),
        ({"background": -0.1}, ValueError, "background must be finite"),
        ({"min_contrast": -1}, ValueError, "min_contrast must be finite"),
        (
            {"min_contrast": 0.5, "foreground": (0.4, 0.6), "background": (0.3, 0.5)},
            ValueError,
            "min_contrast=0.5 cannot be had from.*differ by 0.3 at most. Lower min_contrast or",
        ),
        (
            {"min_contrast": 0.9, "foreground": (0.1, 0.2), "background": (0.6, 0.9)},
            ValueError,
            "min_contrast=0.9 cannot be had from.*differ by 0.8 at most",
        ),
        ({"noise": -0.1}, ValueError, r"noise must be finite and in \[0, inf\); got -0\.1"),
        ({"rotation": 1.1e9}, ValueError, r"rotation must be finite and in \[-1000000000.0, 1000"),
        ({"line_width": 1.1}, ValueError, r"line_width must be finite and in \(0, 1\]; got 1.1"),
        ({"background": 1.1}, ValueError, r"background must be finite and in \[0, 1\]; got 1.1"),
        ({"min_contrast": 1.1}, ValueError, r"min_contrast must be finite and in \[0, 1\]; got"),
        (
            {"n_samples": 2**33},
            ValueError,
            "n_samples=8589934592 images .* fit into no memory. Make",
        ),
        ({"noise": 10**400}, ValueError, "noise must be finite and in"),
        ({"noise": float("inf")}, ValueError, "noise must be finite and in"),
        ({"shuffle": 1}, ValueError, "The 'shuffle' parameter of make_shapes"),
        ({"as_images": "yes"}, ValueError, "The 'as_images' parameter of make_shapes"),
        ({"return_X_y": None}, ValueError, "The 'return_X_y' parameter of make_shapes"),
        ({"return_masks": True}, ValueError, "return_masks=True needs return_X_y=False"),
        ({"random_state": -1}, ValueError, "The 'random_state' parameter of make_shapes"),
        ({"random_state": True}, TypeError, "random_state must not be a bool"),
    ],
)
def test_errors(parameters, error, message):
    with pytest.raises(error, match=message):
        make_shapes(**parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"image_shape": (3, 3), "size": 1.0},
        {"image_shape": (3, 5, 3), "size": 1},
        {"image_shape": (6, 6), "size": 0.5},
        {"rotation": (-1e9, 1e9)},
        {"aspect_ratio": (0.01, 1)},
        {"foreground": (0, 1), "background": np.array([0, 1]), "min_contrast": 1},
        {"foreground": 1, "background": 0, "min_contrast": np.float32(0)},
        {"foreground": (0.1, 0.2), "background": (0.6, 0.9), "min_contrast": 0.8},
        {"foreground": (0.6, 0.9), "background": (0.1, 0.2), "min_contrast": 0.8},
        {"n_samples": np.int64(3), "shapes": np.array(["star"])},
    ],
)
def test_the_ends_of_ranges_are_allowed(parameters):
    X, _ = make_shapes(**{"n_samples": 3, "random_state": 0} | parameters)
    assert len(X) == 3
    assert (np.ptp(X, axis=1) > 0.05).all()


def test_importing_needs_no_torch():
    code = (
        "import sys; from sklearn_shapecnn.datasets import make_shapes; make_shapes(3); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
