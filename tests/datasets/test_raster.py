"""Anti-aliasing, outlines, masks, bounding boxes and noise."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_shapes import (
    ALL_SHAPES,
    ASPECT,
    BLACK_AND_WHITE,
    coverage_of,
    make_bunch,
    reference_mask,
    reference_masks,
    shape_area,
)
from scipy.ndimage import binary_dilation, distance_transform_edt
from scipy.stats import kstest

from sklearn_shapecnn.datasets import _placement, _raster, make_shapes
from sklearn_shapecnn.datasets._plan import plan_dtype


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_coverage_sums_to_the_area(shape):
    data = make_bunch(40, shapes=[shape], size=(0.4, 0.9), aspect_ratio=ASPECT, **BLACK_AND_WHITE)
    drawn = coverage_of(data).sum(axis=(1, 2))
    expected = [shape_area(shape, size) for size in data.sizes]
    # Distances give the exact coverage along straight borders, but not quite at corners.
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
    # Where the shape is concave, the sharp inner corners of the line reach farther inside.
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


def test_masks_of_outlines_are_the_pixels_whose_center_lies_in_the_line():
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


def test_too_thin_lines_have_empty_boxes():
    data = make_bunch(20, filled=False, line_width=1e-6, return_masks=True)
    empty = ~data.masks.any(axis=(1, 2))
    assert empty.any()
    assert_array_equal(data.bounding_boxes[empty], 0)


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


def test_noise_has_its_standard_deviation():
    parameters = {"foreground": 0.4, "background": 0.6, "image_shape": (64, 64)}
    clean, noisy = (make_bunch(100, noise=noise, **parameters) for noise in (0, 0.08))
    difference = (noisy.images - clean.images).astype(float)
    assert abs(difference.std() / 0.08 - 1) < 0.01
    assert abs(difference.mean()) < 1e-3
    assert difference.ravel()[[0, -1]].all()
    sample = difference.ravel()[:: 100 * 7 + 1]
    assert kstest(sample / 0.08, "norm").pvalue > 1e-3
    neighbors = np.corrcoef(difference[:, :, 1:].ravel(), difference[:, :, :-1].ravel())[0, 1]
    assert abs(neighbors) < 0.01


def test_noise_is_clipped():
    X, _ = make_shapes(20, noise=0.5, random_state=0)
    assert X.min() == 0 and X.max() == 1


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
    monkeypatch.setattr(_raster, "_BATCH_PIXELS", 1009)
    monkeypatch.setattr(_placement, "_BATCH", 7)
    again = make_bunch(300, **parameters)
    for name in ("images", "target", "masks", "centers", "bounding_boxes", "visible"):
        assert_array_equal(once[name], again[name])
    assert_array_equal(noisy, make_shapes(30, noise=0.1, random_state=0)[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_drawing_on_top_of_a_background_gives_the_bits_of_drawing(channels):
    rng = np.random.default_rng(0)
    plan = np.zeros(60, plan_dtype(channels))
    plan["target"] = np.arange(60) % len(ALL_SHAPES)
    plan["row"], plan["col"] = rng.uniform(0, 50, (2, 60))
    plan["radius"], plan["angle"] = rng.uniform(3, 20, 60), rng.uniform(0, 360, 60)
    plan["aspect"], plan["line_width"] = 0.5, np.where(rng.random(60) < 0.5, np.inf, 2.5)
    for name in ("foreground", "background"):
        plan[name] = rng.random((60, channels))
    expected, images = np.empty((2, 60, 50, 50, channels), np.float32)
    _raster.draw_shapes(plan, ALL_SHAPES, expected, None, None)
    where = rng.permutation(60)
    backgrounds = np.empty_like(plan["background"])
    backgrounds[where] = plan["background"]
    _raster.fill_backgrounds(images, backgrounds)
    _raster.draw_on_top(plan, ALL_SHAPES, images, where)
    assert_array_equal(images[where], expected)
