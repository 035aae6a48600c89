"""What is visible of each shape, against circles by their formula and scikit-image's shapes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_shapes import (
    ALL_SHAPES,
    ASPECT,
    assert_within_a_pixel,
    make_scenes,
    reference_mask,
    shapes_of,
)

from sklearn_shapecnn.datasets import _stamps

MARGIN = 40


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_visible_parts_of_circles(filled, seed):
    line = 0.06
    data = make_scenes(
        60,
        shapes=["circle"],
        n_shapes=(1, 4),
        image_shape=(60, 70),
        size=(0.2, 0.6),
        max_overlap=0.5,
        min_visible=0.5,
        foreground=(0.3, 1.0),
        filled=filled,
        line_width=line,
        random_state=seed,
    )
    rows, columns = np.mgrid[-MARGIN : 60 + MARGIN, -MARGIN : 70 + MARGIN]
    inner = slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN)
    for shapes in shapes_of(data):
        taken = np.ones(rows.shape, bool)  # what is around the image, and then what is in front
        taken[inner] = False
        for shape in shapes[::-1]:
            center, radius = data.centers[shape], data.sizes[shape] / 2
            distance = np.hypot(rows - center[0], columns - center[1])
            whole = distance <= radius
            if not filled:
                whole &= distance >= radius - 60 * line
            expected = whole & ~taken
            assert_array_equal(data.masks[shape], expected[inner])
            assert_allclose(data.visible[shape], expected.sum() / whole.sum(), rtol=1e-12)
            taken |= whole
    assert (data.visible < 0.95).sum() > 10


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_visible_parts_agree_with_scikit_image(shape):
    extent = (128, 140)
    data = make_scenes(
        12,
        shapes=[shape],
        n_shapes=2,
        image_shape=extent,
        size=(0.4, 0.6),
        aspect_ratio=ASPECT,
        max_overlap=0.4,
        foreground=(0.2, 1.0),
        min_contrast=0.05,
        background=0,
    )
    for back, front in shapes_of(data):
        whole = [
            reference_mask(
                shape, data.centers[one] + MARGIN, data.sizes[one], data.angles[one], (208, 220)
            )
            for one in (back, front)
        ]
        inner = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
        assert_within_a_pixel(data.masks[front], whole[1][inner])
        assert_within_a_pixel(data.masks[back], whole[0][inner] & ~data.masks[front])
        assert_allclose(data.visible[back], data.masks[back].sum() / whole[0].sum(), atol=0.02)


def test_seeing_does_not_depend_on_chunks(monkeypatch):
    # Packing draws other places in other chunks. So only what is seen at given places is compared.
    seen = []
    see_shapes = _stamps.see_shapes
    data = make_scenes(50, n_shapes=(0, 4), max_overlap=0.4, min_visible=0.6, shapes=ALL_SHAPES)

    def see_twice(plan, n_shapes, names, extent, boxes, masks):
        see_shapes(plan, n_shapes, names, extent, boxes, masks)
        monkeypatch.setattr(_stamps, "_CHUNK_PIXELS", 40_000)
        other_boxes, other_masks = np.empty_like(boxes), np.empty_like(masks)
        other = plan.copy()
        see_shapes(other, n_shapes, names, extent, other_boxes, other_masks)
        assert_array_equal(other_boxes, boxes)
        assert_array_equal(other_masks, masks)
        assert_array_equal(other["visible"], plan["visible"])
        seen.append(len(plan))

    maker = "sklearn_shapecnn.datasets._make_multilabel_shapes.see_shapes"
    monkeypatch.setattr(maker, see_twice)
    again = make_scenes(50, n_shapes=(0, 4), max_overlap=0.4, min_visible=0.6, shapes=ALL_SHAPES)
    assert seen == [len(data.labels)]
    assert_array_equal(again.masks, data.masks)
