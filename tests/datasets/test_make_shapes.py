"""What make_shapes returns, the ranges it draws from, and its random states."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_shapes import ALL_SHAPES, BLACK_AND_WHITE, make_bunch
from scipy.stats import kstest
from skimage.measure import regionprops

from sklearn_shapecnn.datasets import make_shapes


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


def test_masks_only_if_wanted():
    assert "masks" not in make_bunch(5)


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


def test_rotation_covers_its_range():
    data = make_bunch(2000, rotation=(-20, 10), image_shape=(16, 16))
    assert kstest(data.angles, "uniform", (-20, 30)).pvalue > 1e-3


def test_sizes_cover_their_range_and_are_true():
    data = make_bunch(3000, shapes=["circle"], size=(0.3, 0.5), image_shape=(60, 80))
    assert data.sizes.min() >= 18 and data.sizes.max() <= 30
    assert kstest(data.sizes, "uniform", (18, 12)).pvalue > 1e-3
    heights = data.bounding_boxes[:, 2] - data.bounding_boxes[:, 0]
    assert np.abs(heights - data.sizes).max() <= 1


def test_small_low_end_of_size_is_raised_to_three_pixels():
    data = make_bunch(500, image_shape=(8, 8), size=(0.1, 0.6))
    assert data.sizes.min() >= 3 and data.sizes.max() <= 4.8


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


def test_making_shapes_imports_neither_torch_nor_pillow():
    code = (
        "import sys; from sklearn_shapecnn.datasets import make_multilabel_shapes, make_shapes; "
        "make_shapes(3); make_multilabel_shapes(3); "
        "assert not {'torch', 'PIL', 'skimage'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
