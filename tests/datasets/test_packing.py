"""Where several shapes of one image lie: apart, or overlapping no more than allowed."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from reference_shapes import ALL_SHAPES, make_scenes, shapes_of
from scipy.ndimage import binary_dilation
from scipy.stats import ks_2samp

from sklearn_shapecnn.datasets import _raster, make_multilabel_shapes, make_shapes

SQUARE = np.ones((3, 3), bool)


def touching_pairs(data):
    """Pairs of shapes of one image with neighboring pixels, the one in the back first."""
    return [
        (one, other)
        for rows in shapes_of(data)
        for i, one in enumerate(rows)
        for other in rows[i + 1 :]
        if (binary_dilation(data.masks[one], SQUARE) & data.masks[other]).any()
    ]


def foregrounds(data):
    """The color of each filled shape, from the pixel deepest in its visible part."""
    height, width = data.images.shape[1:3]
    images = data.images.reshape(len(data.images), height, width, -1)
    colors = []
    for mask, image in zip(data.masks, images[data.image_index], strict=True):
        inner = mask
        while (less := binary_dilation(~inner, SQUARE, border_value=0)).sum() < less.size:
            inner = ~less
        colors.append(image[inner][0])
    return np.array(colors)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"n_shapes": (4, 6)},
        {"n_shapes": (4, 6), "filled": 0.3, "image_shape": (48, 80, 3)},
        {"min_visible": 0.5, "n_shapes": 5},
        {"image_shape": (24, 24), "n_shapes": (2, 4)},
        {"max_overlap": 0.5, "foreground": 1.0, "min_contrast": 0.1, "n_shapes": (3, 5)},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_pixel_lies_between_shapes_that_do_not_overlap(parameters, seed):
    data = make_scenes(60, shapes=ALL_SHAPES, random_state=seed, **parameters)
    assert touching_pairs(data) == []
    assert data.masks.any(axis=(1, 2)).all()
    if "min_visible" not in parameters:
        assert (data.visible == 1).all()


def test_circles_around_shapes_lie_apart_where_there_is_room():
    data = make_scenes(200, n_shapes=2, size=0.25)
    first, second = data.centers.reshape(-1, 2, 2).transpose(1, 0, 2)
    assert np.hypot(*(first - second).T).min() >= 0.25 * 72 + 1


@pytest.mark.parametrize("max_overlap", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("image_shape", [(64, 64), (64, 64, 3)])
def test_max_overlap_holds_and_is_used(max_overlap, image_shape):
    data = make_scenes(
        200,
        n_shapes=(2, 4),
        shapes=ALL_SHAPES,
        image_shape=image_shape,
        size=(0.3, 0.6),
        max_overlap=max_overlap,
        min_contrast=0,
    )
    assert data.visible.min() >= 1 - max_overlap - 1e-9
    assert data.visible.min() < 1 - max_overlap + 0.1
    assert data.visible.max() == 1
    assert len(touching_pairs(data)) > 100


@pytest.mark.parametrize("image_shape", [(72, 72), (72, 72, 3)])
def test_shapes_that_overlap_can_be_told_apart(image_shape):
    data = make_scenes(
        150,
        n_shapes=(2, 4),
        image_shape=image_shape,
        shapes=["circle", "square", "hexagon"],
        max_overlap=0.3,
        min_contrast=0.25,
        foreground=(0.3, 1.0),
        background=0.0,
    )
    colors = foregrounds(data)
    pairs = np.array(touching_pairs(data))
    assert len(pairs) > 50
    contrasts = np.abs(colors[pairs[:, 0]] - colors[pairs[:, 1]]).mean(axis=1)
    assert contrasts.min() >= 0.25 - 1e-5
    assert contrasts.min() < 0.35


@pytest.mark.parametrize("filled", [True, False])
def test_min_visible_holds_and_is_used(filled):
    data = make_scenes(
        300, n_shapes=(1, 2), shapes=ALL_SHAPES, size=0.4, min_visible=0.6, filled=filled
    )
    assert 0.6 - 1e-9 <= data.visible.min() < 0.65
    assert (data.visible == 1).any() and (data.visible <= 1).all()


def test_cut_shapes_are_spread_like_those_of_make_shapes():
    parameters = {"shapes": ["star"], "size": 0.5, "min_visible": 0.4, "image_shape": (64, 48)}
    several = make_scenes(3000, n_shapes=1, return_masks=False, **parameters)
    one = make_shapes(6000, return_X_y=False, random_state=1, **parameters)
    for axis in range(2):
        assert ks_2samp(several.centers[:, axis], one.centers[:, axis]).pvalue > 1e-3


def test_the_front_hides_the_back():
    # A small shape lies within a large one: drawn first, it would be covered in whole.
    data = make_scenes(
        60,
        n_shapes=2,
        shapes=["square"],
        size=(0.2, 1.0),
        max_overlap=0.9,
        foreground=(0.3, 1),
        background=0,
    )
    covered = np.flatnonzero(data.visible < 1)
    assert len(covered) > 5
    assert (covered % 2 == 0).all()  # the first of two


def test_sizes_shrink_where_shapes_do_not_fit():
    one, many = (make_scenes(60, n_shapes=n, size=(0.1, 0.6)) for n in (1, 7))
    assert (many.n_shapes == 7).all()
    assert many.sizes.max() <= 0.6 * 72
    assert many.sizes.min() >= 0.1 * 72
    assert many.sizes.mean() < 0.7 * one.sizes.mean()


def test_shapes_that_just_fit():
    # Two circles of 0.54 of the side fit only into opposite corners; the largest fits alone.
    data = make_scenes(3, n_shapes=2, size=(0.5, 0.54), shapes=["circle"])
    assert (data.n_shapes == 2).all()
    data = make_scenes(3, n_shapes=1, size=1.0, shapes=["circle"], image_shape=(40, 40))
    assert (data.centers == 19.5).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_shapes": 4, "size": 0.4, "max_overlap": 0.05},
        {"n_shapes": 6, "size": 0.4, "max_overlap": 0.4},
    ],
)
def test_images_that_start_anew_are_empty_again(parameters):
    data = make_scenes(40, min_contrast=0, **parameters)
    assert (data.n_shapes == parameters["n_shapes"]).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_shapes": 2, "size": 0.9}, "2 shapes did not fit into an image of 72 x 72 pixels"),
        ({"n_shapes": (9, 12)}, "Lower n_shapes, the low end of size, or min_visible, or give"),
        ({"n_shapes": 40, "max_overlap": 0.2}, "40 shapes did not fit.*max_overlap"),
        ({"n_shapes": 3, "image_shape": (6, 6), "size": 1}, "3 shapes did not .* of 6 x 6 pixels"),
        ({"n_shapes": 4, "size": 0.8, "min_visible": 0.9}, "4 shapes did not fit"),
    ],
)
def test_shapes_that_cannot_fit(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_multilabel_shapes(3, random_state=0, **parameters)


def test_more_shapes_than_a_byte_counts():
    data = make_scenes(1, n_shapes=300, image_shape=(300, 300), size=0.02)
    assert len(data.labels) == 300
    assert data.masks.any(axis=(1, 2)).all()
    assert data.masks.sum(axis=0).max() == 1


def test_too_thin_lines_have_empty_boxes_and_stay_inside():
    data = make_scenes(40, filled=False, line_width=1e-6, min_visible=0.1, n_shapes=2)
    empty = ~data.masks.any(axis=(1, 2))
    assert empty.sum() > 40
    assert_array_equal(data.bounding_boxes[empty], 0)
    assert (data.visible[empty] == 1).all()
    reach = data.sizes[empty, None] / 2
    centers = data.centers[empty]
    assert (centers - reach).min() >= -0.5 - 1e-5 and (centers + reach).max() <= 71.5 + 1e-5


def test_bits_do_not_depend_on_batches(monkeypatch):
    parameters = {
        "n_shapes": (0, 5),
        "shapes": ALL_SHAPES,
        "filled": 0.5,
        "max_overlap": 0.3,
        "min_visible": 0.7,
        "image_shape": (40, 50, 3),
    }
    once = make_scenes(60, **parameters)
    monkeypatch.setattr(_raster, "_BATCH_PIXELS", 1009)
    again = make_scenes(60, **parameters)
    for name in ("images", "target", "masks", "centers", "bounding_boxes", "visible"):
        assert_array_equal(once[name], again[name])
