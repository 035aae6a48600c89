"""Synthetic pictures of geometric shapes, made as fast as they can be learnt from.

:func:`make_shapes` draws one anti-aliased shape per image. A shape is known by its signed distance
only: how far a point lies outside (positive) or inside (negative) its border, in a frame where the
smallest circle around it has the radius one. Size, place, rotation, outline, mask and bounding box
all follow from that one function, so that a new shape is one small function under ``@_shape``.
Distances are evaluated in windows just around the shapes, for many images of one kind at a time;
the rest of each image is background.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

__all__ = ["make_shapes"]

Array = NDArray[Any]
Bounds = float | tuple[float, float]

# Below this many pixels across, shapes cannot be told apart.
_SMALLEST_SIZE = 3.0
# Pixels worked on at a time: some temporaries of this many float32 still fit in the L2 cache.
_BATCH_PIXELS = 1 << 16
# Placing shapes across the border: cells across a shape, images at a time, places tried for each.
_PLACING_CELLS = 32
_PLACING_BATCH = 64
_PLACING_TRIES = 16
# How far each round of drawing intensities is pulled towards the pair of greatest contrast.
_CONTRAST_PULLS = (0.0,) * 20 + tuple(1 - 0.85 ** np.arange(1, 60)) + (1.0,)

_DESCR = """\
Synthetic images of one geometric shape each, drawn by sklearn_shapecnn.datasets.make_shapes with
random size, place, rotation and intensities. The task is to name the shape: `target` indexes
`target_names`. `images` and `data`, the same images as rows, have intensities in 0..1. Lengths are
in pixels; pixel (i, j) has its centre at row i and column j. The docstring of make_shapes
describes each field.
"""

_Distance = Callable[[Array, Array, Array], Array]
_SHAPES: dict[str, _Distance] = {}


def _shape(distance: _Distance) -> _Distance:
    """Register a signed distance under its function's name.

    It gets `x` (to the right), `y` (upwards) and `aspect`, which broadcast against each other,
    all float32, and must be accurate to first order near the border, which must not leave the
    unit circle.
    """
    _SHAPES[distance.__name__.lstrip("_")] = distance
    return distance


# The distances below are plane geometry. For exact ones, and for many more shapes, see Inigo
# Quilez, "2D distance functions", https://iquilezles.org/articles/distfunctions2d/. Constants are
# Python's floats, which leave float32 arrays as they are, where NumPy's would make them float64.


def _radius(x: Array, y: Array) -> Array:
    return np.sqrt(x * x + y * y)


def _beyond_line(x: Array, y: Array, direction: float) -> Array:
    """How far a point lies in a direction, in radians clockwise from upwards."""
    return x * math.sin(direction) + y * math.cos(direction)


def _regular_polygon(x: Array, y: Array, n_sides: int) -> Array:
    """Regular polygon with one vertex up: the intersection of half-planes."""
    x = np.abs(x)  # by symmetry, the sides on the right are enough
    directions = [(2 * k + 1) * math.pi / n_sides for k in range((n_sides + 1) // 2)]
    farthest = _beyond_line(x, y, directions[0])
    for direction in directions[1:]:
        np.maximum(farthest, _beyond_line(x, y, direction), out=farthest)
    return farthest - math.cos(math.pi / n_sides)


def _trim_tips(distance: Array, x: Array, y: Array) -> Array:
    """Keep distances that are too short beyond a sharp tip from smearing it."""
    return np.maximum(distance, _radius(x, y) - 1)


@_shape
def _circle(x: Array, y: Array, aspect: Array) -> Array:
    return _radius(x, y) - 1


@_shape
def _ellipse(x: Array, y: Array, aspect: Array) -> Array:
    # f / |grad f|, accurate to first order, of f = hypot(x, y / aspect) - 1.
    scaled = y / aspect
    level = _radius(x, scaled)
    tiny = 1e-6  # keeps the middle, where the gradient is not defined, from 0 / 0
    distance = (level - 1) * ((level + tiny) / (_radius(x, scaled / aspect) + tiny))
    deepest = -aspect  # no point is farther inside than half the short axis
    return _trim_tips(np.maximum(distance, deepest), x, y)


@_shape
def _ring(x: Array, y: Array, aspect: Array) -> Array:
    hole = 0.55
    return np.abs(_radius(x, y) - (1 + hole) / 2) - (1 - hole) / 2


@_shape
def _triangle(x: Array, y: Array, aspect: Array) -> Array:
    # An isosceles one over a base from -1 to 1, then scaled: an obtuse one has its base as a
    # diameter of the smallest circle around it, an acute one all vertices on that circle.
    height = 2 * aspect
    radius = np.maximum(height, 1)
    radius = (radius + 1 / radius) / 2
    base = np.minimum(radius - height, 0) / radius
    slant = np.sqrt(1 + height * height)
    sides = np.abs(x) * (height / slant) + y * (1 / slant) - (base + height / radius) / slant
    return _trim_tips(np.maximum(sides, base - y), x, y)


@_shape
def _square(x: Array, y: Array, aspect: Array) -> Array:
    return np.maximum(np.abs(x), np.abs(y)) - math.sqrt(0.5)


@_shape
def _rectangle(x: Array, y: Array, aspect: Array) -> Array:
    half_width = 1 / np.sqrt(1 + aspect * aspect)
    return np.maximum(np.abs(x) - half_width, np.abs(y) - aspect * half_width)


@_shape
def _pentagon(x: Array, y: Array, aspect: Array) -> Array:
    return _regular_polygon(x, y, 5)


@_shape
def _hexagon(x: Array, y: Array, aspect: Array) -> Array:
    return _regular_polygon(x, y, 6)


@_shape
def _star(x: Array, y: Array, aspect: Array) -> Array:
    # A point is in a pentagram if it is beyond one of its five lines at most, so that the second
    # greatest distance counts.
    first = _beyond_line(x, y, 0.0)
    second = np.full_like(first, -np.inf)
    for k in range(1, 5):
        beyond = _beyond_line(x, y, 2 * math.pi * k / 5)
        np.maximum(second, np.minimum(first, beyond), out=second)
        np.maximum(first, beyond, out=first)
    return _trim_tips(second - math.cos(2 * math.pi / 5), x, y)


@_shape
def _cross(x: Array, y: Array, aspect: Array) -> Array:
    half_width = math.sqrt(0.1)  # puts the corners, at 1 and 3 half-widths, on the unit circle
    x, y = np.abs(x), np.abs(y)
    return np.maximum(np.maximum(x, y) - 3 * half_width, np.minimum(x, y) - half_width)


@validate_params(
    {
        "filled": ["boolean", Real],
        "shuffle": ["boolean"],
        "as_images": ["boolean"],
        "return_X_y": ["boolean"],
        "return_masks": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_shapes(
    n_samples: int | Sequence[int] = 100,
    *,
    image_shape: tuple[int, ...] = (72, 72),
    shapes: Sequence[str] = ("triangle", "circle", "rectangle"),
    size: Bounds = (0.25, 0.6),
    rotation: Bounds = (0.0, 360.0),
    aspect_ratio: Bounds = (0.4, 0.8),
    min_visible: float = 1.0,
    filled: bool | float = True,
    line_width: Bounds = (0.03, 0.06),
    foreground: Bounds = (0.6, 1.0),
    background: Bounds = (0.0, 0.3),
    min_contrast: float = 0.2,
    noise: float = 0.0,
    shuffle: bool = True,
    as_images: bool = False,
    return_X_y: bool = True,
    return_masks: bool = False,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]] | Bunch:
    """Make images of one geometric shape each, for classification.

    Every image shows one anti-aliased shape of random size, place, rotation and intensity on an
    even background. Parameters described as a range take a pair ``(low, high)``, from which each
    image draws uniformly, or one number, which all images share.

    Parameters
    ----------
    n_samples : int or sequence of int, default=100
        Number of images, spread evenly over the classes (the first ones get one more where it
        does not divide), or the number for each class, in the order of `shapes`.

    image_shape : tuple of int, default=(72, 72)
        ``(height, width)`` for grey images or ``(height, width, 3)`` for colour, in pixels.

    shapes : sequence of str, default=("triangle", "circle", "rectangle")
        The classes, from "circle", "ellipse", "ring", "triangle", "square", "rectangle",
        "pentagon", "hexagon", "star" (a pentagram) and "cross" (of two bars three times as long
        as wide). A ring's hole has 0.55 of its diameter. Some are told apart only where the
        other parameters allow it: a ring from an outlined circle, or a square from a rectangle
        of aspect ratio one.

    size : float or (float, float), default=(0.25, 0.6)
        Range of the diameter of the smallest circle around the shape, as a fraction of the
        image's shorter side, in (0, 1]. A low end under 3 pixels is raised to 3 pixels.

    rotation : float or (float, float), default=(0.0, 360.0)
        Range of the counter-clockwise rotation, as seen in the picture, in degrees. At 0, long
        axes and the triangle's base are horizontal, squares and crosses are parallel to the
        image's sides, and one vertex of the triangle, pentagon, hexagon and star points up. In
        [-1e9, 1e9], beyond which floats are too far apart.

    aspect_ratio : float or (float, float), default=(0.4, 0.8)
        Range of the short side over the long side of rectangles, of the short axis over the
        long axis of ellipses, and of the height over the base of (isosceles) triangles, in
        [0.01, 1]. The other shapes ignore it.

    min_visible : float, default=1.0
        Least fraction of the shape's area that lies inside the image, in (0, 1]. With 1.0, the
        circle around the shape lies wholly inside. Places are uniform over those allowed.

    filled : bool or float, default=True
        Whether shapes are filled or outlined; a number in [0, 1] is the probability of filling.

    line_width : float or (float, float), default=(0.03, 0.06)
        Range of the width of outlines, as a fraction of the image's shorter side, in (0, 1]. The
        line lies inside the shape's border. Lines under a pixel are drawn faint, not widened.

    foreground, background : float or (float, float), default=(0.6, 1.0), (0.0, 0.3)
        Ranges of the intensities of the shape and of what is behind it, in [0, 1]. In colour,
        each channel is drawn on its own.

    min_contrast : float, default=0.2
        Least absolute difference of foreground and background (in colour, its mean over the
        channels), in [0, 1].

    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to each value, which is then clipped to
        0..1.

    shuffle : bool, default=True
        Whether to mix the classes; otherwise they follow one another in the order of `shapes`.

    as_images : bool, default=False
        Whether `X` is returned as images rather than as rows.

    return_X_y : bool, default=True
        Whether to return ``(X, y)`` rather than a :class:`~sklearn.utils.Bunch`.

    return_masks : bool, default=False
        Whether the Bunch has masks. Needs ``return_X_y=False``.

    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed, or source of a seed, of the images; the same seed gives the same bits. None takes
        fresh entropy from the operating system: NumPy's global random state is neither read
        nor changed.

    Returns
    -------
    X : ndarray of shape (n_samples, n_pixels), (n_samples, h, w) or (n_samples, h, w, c), float32
        The images, in 0..1; in rows, pixels are in C order with the colour channels last.

    y : ndarray of shape (n_samples,), dtype int64
        The shape in each image, as an index into `shapes`.

    data : :class:`~sklearn.utils.Bunch`
        With ``return_X_y=False``, these instead. Pixel (i, j) has its centre at row i and
        column j, as in scikit-image.

        - data, float32 (n_samples, n_pixels): the images as rows.
        - images, float32 (n_samples, height, width[, 3]): the images, in the memory of `data`.
        - target, int64 (n_samples,): the shape in each image, as an index into `target_names`.
        - target_names, str (n_classes,): the names of the shapes.
        - masks, bool (n_samples, height, width), only with ``return_masks=True``: pixels whose
          centre lies in the shape as drawn; of an outlined shape, in its line.
        - centers, float64 (n_samples, 2): row and column of the centre of the circle around the
          shape, in pixels.
        - sizes, float64 (n_samples,): diameter of that circle, in pixels.
        - angles, float64 (n_samples,): rotation in degrees.
        - bounding_boxes, int64 (n_samples, 4): (min_row, min_col, max_row, max_col) of the mask,
          half-open as in :func:`skimage.measure.regionprops`; all zero where a shape or its line
          is too thin to have the centre of a pixel in it.
        - visible, float64 (n_samples,): fraction of the shape's area inside the image, accurate
          to about 0.01.
        - DESCR, str: a description of the data set.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of its range, or if no image can satisfy them together.

    Examples
    --------
    >>> from sklearn_shapecnn.datasets import make_shapes
    >>> X, y = make_shapes(6, random_state=0)
    >>> X.shape, X.dtype
    ((6, 5184), dtype('float32'))
    >>> sorted(y.tolist())
    [0, 0, 1, 1, 2, 2]
    >>> stars = make_shapes([3, 2], shapes=("star", "cross"), image_shape=(32, 48, 3),
    ...                     min_visible=0.5, return_X_y=False, random_state=0)
    >>> stars.images.shape
    (5, 32, 48, 3)
    >>> bool((stars.visible >= 0.5).all())
    True
    """
    height, width, channels = _check_image_shape(image_shape)
    names = _check_shapes(shapes)
    counts = _check_counts(n_samples, names)
    scale = min(height, width)
    diameters = _check_diameters(size, scale)
    angles = _check_range("rotation", rotation, -1e9, 1e9)
    aspects = _check_range("aspect_ratio", aspect_ratio, 0.01, 1)
    line_widths = _check_range("line_width", line_width, 0, 1, above=True)
    intensities = (
        _check_range("foreground", foreground, 0, 1),
        _check_range("background", background, 0, 1),
    )
    min_contrast = _check_number("min_contrast", min_contrast, 0, 1)
    min_visible = _check_number("min_visible", min_visible, 0, 1, above=True)
    noise = _check_number("noise", noise, 0)
    filled = float(filled) if isinstance(filled, bool | np.bool_) else filled
    filled = _check_number("filled", filled, 0, 1)
    if return_masks and return_X_y:
        raise ValueError("return_masks=True needs return_X_y=False: masks come in the Bunch.")

    n_images = sum(counts)
    if n_images * height * width * channels > 2**45:  # float32; more bytes than can be addressed
        raise ValueError(
            f"n_samples={n_samples!r} images of image_shape={image_shape!r} fit into no memory. "
            f"Make fewer at a time."
        )
    rng = _make_generator(random_state)
    plan = np.empty(n_images, _plan_dtype(channels))
    plan["target"] = np.repeat(np.arange(len(names)), counts)
    if shuffle:
        plan["target"] = rng.permutation(plan["target"])
    plan["radius"] = rng.uniform(*diameters, n_images) / 2
    plan["angle"] = rng.uniform(*angles, n_images)
    plan["aspect"] = rng.uniform(*aspects, n_images)
    plan["line_width"] = scale * rng.uniform(*line_widths, n_images)
    plan["line_width"][rng.random(n_images) < filled] = np.inf
    _draw_intensities(plan, *intensities, min_contrast, rng)
    _place(plan, names, (height, width), min_visible, rng)

    images = np.empty((n_images, height, width, channels), np.float32)
    masks = np.zeros((n_images, height, width), bool) if return_masks else None
    boxes = None if return_X_y else np.zeros((n_images, 4), np.int64)
    _draw(plan, names, images, masks, boxes)
    if noise > 0:
        _add_noise(images, noise, rng)

    images = images.reshape(n_images, *image_shape)
    data = images.reshape(n_images, -1)
    target = plan["target"].copy()
    if return_X_y:
        return (images if as_images else data), target
    return Bunch(
        data=data,
        images=images,
        target=target,
        target_names=np.array(names),
        **({} if masks is None else {"masks": masks}),
        centers=np.stack([plan["row"], plan["col"]], axis=1),
        sizes=2 * plan["radius"],
        angles=plan["angle"].copy(),
        bounding_boxes=boxes,
        visible=plan["visible"].copy(),
        DESCR=_DESCR,
    )


def _plan_dtype(channels: int) -> np.dtype[Any]:
    """Describe what to draw in an image: lengths in pixels, angle in degrees."""
    numbers = ["row", "col", "radius", "angle", "aspect", "line_width", "visible"]
    colours = ["foreground", "background"]
    return np.dtype(
        [("target", np.int64)]
        + [(name, np.float64) for name in numbers]
        + [(name, np.float32, (channels,)) for name in colours]
    )


def _make_generator(random_state: Any) -> np.random.Generator:
    """Turn any random state into NumPy's fastest generator."""
    if isinstance(random_state, bool | np.bool_):
        raise TypeError(f"random_state must not be a bool; got {random_state}. Give an integer.")
    if isinstance(random_state, np.random.Generator):
        random_state = random_state.integers(2**32, size=4)
    elif isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(2**32, size=4, dtype=np.uint64)
    return np.random.Generator(np.random.SFC64(random_state))


def _draw_intensities(
    plan: Array,
    foreground: tuple[float, float],
    background: tuple[float, float],
    min_contrast: float,
    rng: np.random.Generator,
) -> None:
    """Draw pairs of enough contrast: at random first, then ever nearer the best pair there is."""
    best = max(
        [(foreground[1], background[0]), (foreground[0], background[1])],
        key=lambda pair: abs(pair[0] - pair[1]),
    )
    rounding = 1e-9
    if abs(best[0] - best[1]) < min_contrast - rounding:
        raise ValueError(
            f"min_contrast={min_contrast} cannot be had from foreground={foreground} and "
            f"background={background}, which differ by {abs(best[0] - best[1]):.6g} at most. "
            "Lower min_contrast or move the ranges apart."
        )
    unsettled = np.arange(len(plan))
    for pull in _CONTRAST_PULLS:
        shape = (len(unsettled), plan["foreground"].shape[1])
        front, back = rng.uniform(*foreground, shape), rng.uniform(*background, shape)
        front += pull * (best[0] - front)
        back += pull * (best[1] - back)
        plan["foreground"][unsettled], plan["background"][unsettled] = front, back
        contrast = np.abs(front - back).mean(axis=1)
        unsettled = unsettled[contrast < min_contrast - rounding]
        if not len(unsettled):
            break


def _place(
    plan: Array,
    names: Sequence[str],
    extent: tuple[int, int],
    min_visible: float,
    rng: np.random.Generator,
) -> None:
    """Choose where the shapes are, and note how much of each is visible."""
    if min_visible < 1:
        tries = rng.random((len(plan), _PLACING_TRIES, 2))
        for name, members in _members(plan, names):
            for start in range(0, len(members), _PLACING_BATCH):
                chosen = members[start : start + _PLACING_BATCH]
                plan[chosen] = _place_across(plan[chosen], name, extent, min_visible, tries[chosen])
        return
    for axis, length in zip(("row", "col"), extent, strict=True):
        room = np.maximum(length - 2 * plan["radius"], 0)
        plan[axis] = plan["radius"] - 0.5 + room * rng.random(len(plan))
    plan["visible"] = 1


def _place_across(
    batch: Array,
    name: str,
    extent: tuple[int, int],
    min_visible: float,
    tries: Array,
) -> Array:
    """Place shapes at the first try that shows enough of them, else at the image's centre.

    The shape is drawn on a coarse grid, whose cells inside the image tell how much is visible.
    Tries are uniform over the places where enough is visible of each axis by itself.
    """
    cells = np.arange(_PLACING_CELLS)
    offsets = np.tile((2 * cells + 1) / _PLACING_CELLS - 1, (len(batch), 1))
    distance = _distance(name, batch, offsets, offsets) * (_PLACING_CELLS / 2)
    area = np.clip(0.5 - distance, 0, 1).astype(np.float64)
    area /= area.sum(axis=(1, 2), keepdims=True)

    radius = batch["radius"][:, None]
    cell = 2 * radius / _PLACING_CELLS
    places, shares = [], []
    for axis, length in enumerate(extent):
        profile = area.sum(axis=2 - axis)
        low = -0.5 - radius * _quantile(profile, 1 - min_visible)
        high = length - 0.5 - radius * _quantile(profile, min_visible)
        place = low + (high - low) * tries[:, :, axis]
        edges = place[:, :, None] + (cell * cells - radius)[:, None, :]
        before = np.clip((-0.5 - edges) / cell[:, :, None], 0, 1)
        within = np.clip((length - 0.5 - edges) / cell[:, :, None], 0, 1)
        places.append(place)
        shares.append(within - before)
    visible = ((shares[0] @ area) * shares[1]).sum(axis=2)

    allowed = visible >= min_visible
    first = np.arange(len(batch)), allowed.argmax(axis=1)
    found = allowed.any(axis=1)
    for axis_name, place, length in zip(("row", "col"), places, extent, strict=True):
        batch[axis_name] = np.where(found, place[first], (length - 1) / 2)
    batch["visible"] = np.where(found, np.minimum(visible[first], 1), 1)
    return batch


def _quantile(profile: Array, share: float) -> Array:
    """Where, from -1 to 1, the given share of the profile lies before."""
    summed = profile.cumsum(axis=1)
    cell = np.minimum((summed < share).sum(axis=1), profile.shape[1] - 1)[:, None]
    height = np.take_along_axis(profile, cell, axis=1)
    overshoot = np.take_along_axis(summed, cell, axis=1) - share
    part = 1 - np.clip(overshoot / np.maximum(height, 1e-12), 0, 1)
    return 2 * (cell + part) / profile.shape[1] - 1


def _members(plan: Array, names: Sequence[str]) -> Iterator[tuple[str, Array]]:
    for label, name in enumerate(names):
        yield name, np.flatnonzero(plan["target"] == label)


def _distance(name: str, batch: Array, down: Array, right: Array) -> Array:
    """Signed distances from a grid of offsets from the centre, all in units of the radius."""
    angle = np.deg2rad(batch["angle"])[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    x = _outer_sum(-sin * down, cos * right)
    y = _outer_sum(-cos * down, -sin * right)
    return _SHAPES[name](x, y, _per_image(batch["aspect"]))


def _outer_sum(rows: Array, cols: Array) -> Array:
    return rows.astype(np.float32)[:, :, None] + cols.astype(np.float32)[:, None, :]


def _per_image(values: Array) -> Array:
    return values.astype(np.float32)[:, None, None]


def _draw(
    plan: Array,
    names: Sequence[str],
    images: Array,
    masks: Array | None,
    boxes: Array | None,
) -> None:
    """Draw all shapes into images, and into masks and bounding boxes where wanted."""
    n_images, height, width, channels = images.shape
    lines = np.tile(plan["background"], width)
    images.reshape(n_images, height, width * channels)[...] = lines[:, None, :]
    for name, members in _members(plan, names):
        for index in _batches(plan["radius"], members):
            batch = plan[index]
            top, left, window = _windows(batch, (height, width))
            distance = _distance_in_pixels(name, batch, top, left, window)
            where = index, top, left
            _view(images, window)[where] = _values(distance, batch)
            if masks is None and boxes is None:
                continue
            inside = (distance <= 0) & (distance + _per_image(batch["line_width"]) >= 0)
            if masks is not None:
                _view(masks, window)[where] = inside
            if boxes is not None:
                boxes[index] = _bounding_boxes(inside, top, left)


def _distance_in_pixels(
    name: str, batch: Array, top: Array, left: Array, window: tuple[int, int]
) -> Array:
    radius = batch["radius"][:, None]
    down = top[:, None] + np.arange(window[0]) - batch["row"][:, None]
    right = left[:, None] + np.arange(window[1]) - batch["col"][:, None]
    return _distance(name, batch, down / radius, right / radius) * _per_image(batch["radius"])


def _side(radius: Array) -> Array:
    """Pixels across a window that holds a shape, smeared by up to 3/4 of a pixel at corners."""
    return np.ceil(2 * radius + 1.5).astype(np.int64)


def _batches(radii: Array, members: Array) -> Iterator[Array]:
    """Split into runs of similar size, the largest first: it sets the windows of its batch."""
    members = members[np.argsort(-radii[members], kind="stable")]
    start = 0
    while start < len(members):
        stop = start + max(1, _BATCH_PIXELS // int(_side(radii[members[start]])) ** 2)
        yield members[start:stop]
        start = stop


def _windows(batch: Array, extent: tuple[int, int]) -> tuple[Array, Array, tuple[int, int]]:
    """Find the windows' first rows and columns, inside the image, and their common shape."""
    side = int(_side(batch["radius"]).max())
    window = min(side, extent[0]), min(side, extent[1])
    top, left = (
        np.clip(np.ceil(batch[axis] - batch["radius"] - 0.75), 0, length - part).astype(np.int64)
        for axis, length, part in zip(("row", "col"), extent, window, strict=True)
    )
    return top, left, window


def _view(array: Array, window: tuple[int, int]) -> Array:
    """All windows of that shape, to be indexed by image, first row and first column."""
    return sliding_window_view(array, window, axis=(1, 2), writeable=True)


def _values(distance: Array, batch: Array) -> Array:
    """Blend foreground into background by how much of a pixel is covered, channels first.

    Coverage is that by a straight border at the given distance; an outline is the shape less the
    same shape with its border moved inwards.
    """
    coverage = np.clip(0.5 - distance, 0, 1)
    if np.isfinite(batch["line_width"]).any():
        distance = distance + _per_image(batch["line_width"])
        coverage -= np.clip(0.5 - distance, 0, 1)
    background = batch["background"][:, :, None, None]
    values = coverage[:, None] * (batch["foreground"][:, :, None, None] - background)
    values += background
    return values


def _bounding_boxes(inside: Array, top: Array, left: Array) -> Array:
    rows, cols = np.any(inside, axis=2), np.any(inside, axis=1)
    boxes = np.stack(
        [
            top + rows.argmax(axis=1),
            left + cols.argmax(axis=1),
            top + rows.shape[1] - rows[:, ::-1].argmax(axis=1),
            left + cols.shape[1] - cols[:, ::-1].argmax(axis=1),
        ],
        axis=1,
    )
    return np.where(rows.any(axis=1)[:, None], boxes, 0)


def _add_noise(images: Array, noise: float, rng: np.random.Generator) -> None:
    """Add Gaussian noise and clip, in place and in parts that stay in the cache."""
    values = images.reshape(-1)
    buffer = np.empty(min(_BATCH_PIXELS, values.size), np.float32)
    for start in range(0, values.size, _BATCH_PIXELS):
        part = values[start : start + _BATCH_PIXELS]
        grain = buffer[: part.size]
        rng.standard_normal(dtype=np.float32, out=grain)
        grain *= min(noise, 1e30)  # float32 goes no farther; all is clipped to 0 and 1 before
        part += grain
        np.clip(part, 0, 1, out=part)


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _check_image_shape(image_shape: Any) -> tuple[int, int, int]:
    expected = "image_shape must be (height, width) or (height, width, 3), integers of pixels"
    values = tuple(image_shape) if np.iterable(image_shape) else ()
    if not values or not all(_is_integer(value) for value in values):
        raise TypeError(f"{expected}; got {image_shape!r}.")
    if len(values) not in (2, 3) or (len(values) == 3 and values[2] != 3):
        raise ValueError(f"{expected}; got {image_shape!r}.")
    if min(values[:2]) < _SMALLEST_SIZE:
        raise ValueError(
            f"image_shape must be at least {_SMALLEST_SIZE:.0f} pixels high and wide to show a "
            f"shape; got {image_shape!r}."
        )
    return int(values[0]), int(values[1]), 3 if len(values) == 3 else 1


def _check_shapes(shapes: Any) -> list[str]:
    known = ", ".join(sorted(_SHAPES))
    if isinstance(shapes, str) or not np.iterable(shapes):
        raise TypeError(f"shapes must be a sequence of names, such as ['circle']; got {shapes!r}.")
    names = list(shapes)
    if not names:
        raise ValueError(f"shapes is empty. Choose one or more from: {known}.")
    for name in names:
        if not isinstance(name, str) or name not in _SHAPES:
            raise ValueError(f"shapes has an unknown shape {name!r}. Choose from: {known}.")
    if len(set(names)) < len(names):
        raise ValueError(f"shapes has a name twice: {names}. Each class must be given once.")
    return [str(name) for name in names]


def _check_counts(n_samples: Any, names: Sequence[str]) -> list[int]:
    """Return the number of images of each class."""
    if _is_integer(n_samples):
        if n_samples < 1:
            raise ValueError(f"n_samples must be at least 1; got {n_samples}.")
        share, rest = divmod(int(n_samples), len(names))
        return [share + (label < rest) for label in range(len(names))]
    counts = list(n_samples) if np.iterable(n_samples) else [n_samples]
    if not np.iterable(n_samples) or not all(_is_integer(count) for count in counts):
        raise TypeError(
            "n_samples must be an integer or a sequence of integers, one per class; got "
            f"{n_samples!r}."
        )
    if len(counts) != len(names):
        raise ValueError(
            f"n_samples has {len(counts)} counts for {len(names)} shapes. Give one per shape: "
            f"{names}."
        )
    if min(counts) < 0 or sum(counts) == 0:
        raise ValueError(
            f"n_samples must not be negative for any class nor zero for all; got {n_samples!r}."
        )
    return [int(count) for count in counts]


def _check_diameters(size: Any, scale: int) -> tuple[float, float]:
    """Return the range of diameters in pixels."""
    low, high = _check_range("size", size, 0, np.inf, above=True)
    if high > 1:
        raise ValueError(
            f"size={size!r} leaves no room for the shape: it is a fraction of the image's shorter "
            f"side ({scale} pixels), of which the largest that fits is 1.0."
        )
    if high * scale < _SMALLEST_SIZE:
        raise ValueError(
            f"size={size!r} makes shapes of {high * scale:.3g} pixels across at most, too small "
            f"to be told apart. Give at least {math.ceil(1000 * _SMALLEST_SIZE / scale) / 1000}, "
            f"which makes {_SMALLEST_SIZE:.0f} pixels, or a larger image_shape."
        )
    return max(low * scale, _SMALLEST_SIZE), high * scale


def _check_range(
    name: str, value: Any, least: float = -np.inf, most: float = np.inf, above: bool = False
) -> tuple[float, float]:
    """Return a range, given as one number or as a pair, as a pair of floats."""
    pair = tuple(value) if np.iterable(value) and not isinstance(value, str) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"{name} must be a number or a pair (low, high); got {value!r}.")
    low, high = (_check_number(name, end, least, most, above) for end in pair)
    if low > high:
        raise ValueError(f"{name} must have low <= high; got {value!r}. Swap its ends.")
    return low, high


def _check_number(
    name: str, value: Any, least: float = -np.inf, most: float = np.inf, above: bool = False
) -> float:
    """Return a finite float from `least` (excluded if `above`) to `most`."""
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be made of real numbers; got {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (least <= number <= most and np.isfinite(number)) or (above and number == least):
        interval = f"{'(' if above else '['}{least}, {most}{')' if np.isinf(most) else ']'}"
        raise ValueError(f"{name} must be finite and in {interval}; got {value!r}.")
    return number
