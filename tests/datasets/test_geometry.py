"""The filled shapes against scikit-image's."""

import pytest
from numpy.testing import assert_allclose
from reference_shapes import (
    ALL_SHAPES,
    ASPECT,
    assert_within_a_pixel,
    make_bunch,
    reference_masks,
    shape_area,
)


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
