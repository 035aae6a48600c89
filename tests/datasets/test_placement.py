"""Where shapes lie, how much of them is visible, and how bright they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference_shapes import ALL_SHAPES, ASPECT, make_bunch, shape_area
from scipy.stats import ks_2samp, kstest

from sklearn_shapecnn.datasets import _placement
from sklearn_shapecnn.datasets._plan import plan_dtype


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


def test_places_fall_back_to_the_center(monkeypatch):
    monkeypatch.setattr(_placement, "_TRIES", 1)
    data = make_bunch(400, size=1.0, min_visible=0.95)
    fallen = (data.centers == 35.5).all(axis=1)
    assert fallen.any() and not fallen.all()
    assert (data.visible[fallen] == 1).all()
    assert data.visible.min() >= 0.95


def test_min_visible_next_to_one():
    data = make_bunch(60, size=1.0, min_visible=1 - 1e-12, shapes=ALL_SHAPES)
    assert data.visible.min() > 1 - 1e-9


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


def test_color_channels_are_drawn_on_their_own():
    data = make_bunch(400, shapes=["circle"], image_shape=(24, 24, 3))
    row, col = np.rint(data.centers).astype(int).T
    for colors in (data.images[np.arange(400), row, col], data.images[:, 0, 0]):
        related = np.corrcoef(colors.T)[np.triu_indices(3, 1)]
        assert np.abs(related).max() < 0.2
    # All channels show the same shape.
    for channel in range(3):
        picture = data.images[..., channel]
        inside = picture[np.arange(400), row, col]
        assert (inside > picture[:, 0, 0]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_foregrounds_have_enough_contrast_to_given_backgrounds(channels):
    plan = np.zeros(3000, plan_dtype(channels))
    rng = np.random.default_rng(0)
    plan["background"] = np.where(rng.random((3000, 1)) < 0.5, 0.4, 0.9)
    _placement.draw_foregrounds(plan, (0.0, 1.0), 0.59, rng)
    front = plan["foreground"]
    dark = plan["background"][:, 0] < 0.5
    assert np.abs(front - plan["background"]).mean(axis=1).min() >= 0.59
    assert front.min() >= 0 and front.max() <= 1
    if channels == 1:
        assert front[dark].min() >= 0.99
        assert kstest(front[~dark, 0], "uniform", (0, 0.31)).pvalue > 1e-3
