"""What make_multilabel_shapes returns, the numbers and kinds of shapes, and its random states."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from reference_shapes import ALL_SHAPES, make_scenes, shapes_of
from scipy.ndimage import binary_erosion
from scipy.stats import chisquare, kstest
from skimage.measure import regionprops

from sklearn_shapecnn.datasets import make_multilabel_shapes

EVERYTHING = {
    "shapes": ALL_SHAPES,
    "n_shapes": (0, 4),
    "size": (0.2, 0.5),
    "min_visible": 0.5,
    "max_overlap": 0.4,
    "filled": 0.5,
    "foreground": (0.0, 1.0),
    "background": (0.0, 1.0),
}


def test_defaults():
    X, Y = make_multilabel_shapes(random_state=0)
    assert X.shape == (100, 72 * 72) and X.dtype == np.float32 and X.flags.c_contiguous
    assert Y.shape == (100, 3) and Y.dtype == np.int64
    assert X.min() >= 0 and X.max() <= 1
    assert set(Y.ravel()) == {0, 1}
    assert {0, 1, 2, 3} == set(Y.sum(axis=1))
    assert_array_equal(np.ptp(X, axis=1) > 0.2, Y.any(axis=1))


def test_as_images():
    rows, Y = make_multilabel_shapes(5, image_shape=(30, 32, 3), random_state=1)
    images, same_Y = make_multilabel_shapes(
        5, image_shape=(30, 32, 3), random_state=1, as_images=True
    )
    assert images.shape == (5, 30, 32, 3)
    assert_array_equal(images.reshape(5, -1), rows)
    assert_array_equal(Y, same_Y)


@pytest.mark.parametrize("image_shape", [(72, 72), (40, 60, 3)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bunch_is_consistent(image_shape, seed):
    data = make_scenes(80, image_shape=image_shape, random_state=seed, **EVERYTHING)
    n_total = data.n_shapes.sum()
    expected = {
        "data": (np.float32, (80, np.prod(image_shape))),
        "images": (np.float32, (80, *image_shape)),
        "target": (np.int64, (80, 10)),
        "n_shapes": (np.int64, (80,)),
        "image_index": (np.int64, (n_total,)),
        "labels": (np.int64, (n_total,)),
        "masks": (bool, (n_total, *image_shape[:2])),
        "centers": (float, (n_total, 2)),
        "sizes": (float, (n_total,)),
        "angles": (float, (n_total,)),
        "bounding_boxes": (np.int64, (n_total, 4)),
        "visible": (float, (n_total,)),
    }
    assert {
        name: (data[name].dtype.type, data[name].shape)
        for name in set(data) - {"DESCR", "target_names"}
    } == {name: (np.dtype(kind).type, shape) for name, (kind, shape) in expected.items()}
    assert np.shares_memory(data.data, data.images)
    assert tuple(data.target_names) == ALL_SHAPES
    assert "make_multilabel_shapes" in data.DESCR
    assert 0 <= data.images.min() < data.images.max() <= 1

    assert_array_equal(data.image_index, np.repeat(np.arange(80), data.n_shapes))
    for image, rows in enumerate(shapes_of(data)):
        assert_array_equal(data.target[image], np.isin(np.arange(10), data.labels[rows]))
        assert (np.diff(data.sizes[rows]) <= 0).all()
        assert data.masks[rows].sum(axis=0).max(initial=0) <= 1
    for mask, box in zip(data.masks, data.bounding_boxes, strict=True):
        (region,) = regionprops(mask.astype(np.uint8))
        assert region.bbox == tuple(box)
    assert data.visible.min() >= 0.5 * 0.6 - 1e-9


@pytest.mark.parametrize("image_shape", [(72, 72), (72, 72, 3)])
def test_the_pixels_of_each_mask_have_a_color_of_their_own(image_shape):
    parameters = EVERYTHING | {"filled": True, "min_contrast": 0.3, "n_shapes": (1, 4)}
    parameters["shapes"] = ["circle", "square", "hexagon", "ring"]  # no thin tips
    data = make_scenes(60, image_shape=image_shape, **parameters)
    images = data.images.reshape(60, 72, 72, -1)
    square = np.ones((5, 5))  # leaves out the pixels that mix two colors, corners among them
    seen = 0
    for image, rows in zip(images, shapes_of(data), strict=True):
        bare = binary_erosion(~data.masks[rows].any(axis=0), square)
        (background,) = np.unique(image[bare], axis=0)
        for mask in data.masks[rows]:
            inner = image[binary_erosion(mask, square)]
            if len(inner):
                assert np.ptp(inner, axis=0).max() < 1e-6
                assert np.abs(inner[0] - background).mean() >= 0.3 - 1e-5
                seen += 1
    assert seen > 0.8 * len(data.labels)


def test_masks_only_if_wanted():
    assert "masks" not in make_scenes(5, return_masks=False)


@pytest.mark.parametrize(
    ("n_shapes", "parameters"),
    [((0, 3), {}), ((1, 5), {}), ((2, 6), {"max_overlap": 0.3, "size": (0.2, 0.5)})],
)
def test_all_numbers_of_shapes_are_equally_likely(n_shapes, parameters):
    low, high = n_shapes
    data = make_scenes(1500, n_shapes=n_shapes, image_shape=(36, 36), **parameters)
    times = np.bincount(data.n_shapes)
    assert len(times) == high + 1 and not times[:low].any()
    assert chisquare(times[low:]).pvalue > 1e-3
    assert_array_equal(np.bincount(data.image_index, minlength=1500), data.n_shapes)


@pytest.mark.parametrize("n_shapes", [2, np.int64(2), (2, 2), np.array([2, 2])])
def test_fixed_number_of_shapes(n_shapes):
    assert (make_scenes(10, n_shapes=n_shapes).n_shapes == 2).all()


def test_kinds_are_drawn_evenly_and_independently():
    data = make_scenes(3000, n_shapes=2, image_shape=(32, 32), return_masks=False)
    pairs = np.zeros((3, 3))
    np.add.at(pairs, tuple(data.labels.reshape(-1, 2).T), 1)
    assert chisquare(pairs.ravel()).pvalue > 1e-3
    again = pairs.trace()
    assert (data.target.sum(axis=1) == 1).sum() == again > 800  # two of a kind count once


def test_kinds_without_repeats():
    data = make_scenes(
        1500, n_shapes=(0, 3), allow_repeats=False, shapes=ALL_SHAPES[:4], image_shape=(32, 32)
    )
    assert_array_equal(data.target.sum(axis=1), data.n_shapes)
    for n in (1, 2, 3):
        some = data.target[data.n_shapes == n]
        _, times = np.unique(some, axis=0, return_counts=True)
        assert len(times) == {1: 4, 2: 6, 3: 4}[n]
        assert chisquare(times).pvalue > 1e-3


def test_no_shapes():
    data = make_scenes(4, n_shapes=0, image_shape=(20, 30, 3))
    assert (data.images == data.images[:, :1, :1]).all()
    assert len(np.unique(data.images[:, 0, 0, 0])) == 4
    assert_array_equal(data.target, np.zeros((4, 3)))
    assert_array_equal(data.n_shapes, np.zeros(4))
    assert data.masks.shape == (0, 20, 30) and data.centers.shape == (0, 2)
    assert data.bounding_boxes.shape == (0, 4) and len(data.visible) == len(data.labels) == 0


def test_a_single_shape_is_spread_like_that_of_make_shapes():
    data = make_scenes(3000, n_shapes=1, image_shape=(40, 60), size=0.5, shapes=["square"])
    for axis, length in enumerate((40, 60)):
        low, high = 10 - 0.5, length - 10 - 0.5
        assert kstest(data.centers[:, axis], "uniform", (low, high - low)).pvalue > 1e-3
    data = make_scenes(3000, n_shapes=1, image_shape=(40, 60), rotation=(-20, 10))
    assert kstest(data.sizes, "uniform", (10, 6)).pvalue > 1e-3
    assert kstest(data.angles, "uniform", (-20, 30)).pvalue > 1e-3


def test_foregrounds_of_one_image_are_drawn_on_their_own():
    data = make_scenes(400, n_shapes=2, shapes=["circle"], image_shape=(48, 48))
    row, col = np.rint(data.centers).astype(int).T
    front = data.images[data.image_index, row, col]
    assert kstest(front, "uniform", (0.6, 0.4)).pvalue > 1e-3
    assert abs(np.corrcoef(front.reshape(-1, 2).T)[0, 1]) < 0.2


def test_noise_has_its_standard_deviation():
    parameters = {"foreground": 0.4, "background": 0.6}
    clean, noisy = (make_scenes(40, noise=noise, **parameters) for noise in (0, 0.08))
    difference = (noisy.images - clean.images).astype(float)
    assert abs(difference.std() / 0.08 - 1) < 0.02
    assert abs(difference.mean()) < 2e-3


def test_same_seed_same_bits_whatever_is_returned():
    X, Y = make_multilabel_shapes(60, random_state=3, noise=0.1, **EVERYTHING)
    for more in ({}, {"return_masks": False}):
        data = make_scenes(60, random_state=3, noise=0.1, **EVERYTHING, **more)
        assert_array_equal(data.data, X)
        assert_array_equal(data.target, Y)
    other, _ = make_multilabel_shapes(60, random_state=4, noise=0.1, **EVERYTHING)
    assert (other != X).any()


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_generators_are_consumed(make):
    source = make(5)
    first, second = (make_multilabel_shapes(5, random_state=source)[0] for _ in range(2))
    assert (first != second).any()
    assert_array_equal(first, make_multilabel_shapes(5, random_state=make(5))[0])


def test_global_random_state_is_neither_read_nor_changed():
    made = []
    for _ in range(2):
        np.random.seed(0)
        before = np.random.get_state()
        made.append(make_multilabel_shapes(5, n_shapes=3)[0])
        after = np.random.get_state()
        assert_array_equal(before[1], after[1])
        assert before[2:] == after[2:]
    assert (made[0] != made[1]).any()
