"""The shapes as scikit-image and the textbook draw them, to compare the drawn ones with."""

import numpy as np
from scipy.ndimage import binary_dilation
from skimage import draw

from sklearn_shapecnn.datasets import make_multilabel_shapes, make_shapes

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
BLACK_AND_WHITE = {"foreground": 1.0, "background": 0.0}


def make_bunch(n_samples=100, **parameters):
    parameters = {"return_X_y": False, "random_state": 0} | parameters
    return make_shapes(n_samples, **parameters)


def make_scenes(n_samples=100, **parameters):
    parameters = {"return_X_y": False, "return_masks": True, "random_state": 0} | parameters
    return make_multilabel_shapes(n_samples, **parameters)


def shapes_of(data):
    """The rows of the shapes of each image."""
    return np.split(np.arange(len(data.labels)), data.n_shapes.cumsum()[:-1])


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
    """How much of each pixel is covered, from the intensities of a gray picture from 0 to 1."""
    return data.images.astype(float)
