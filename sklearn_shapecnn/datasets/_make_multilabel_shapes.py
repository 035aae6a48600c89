"""make_multilabel_shapes: images of several geometric shapes, for multilabel classification."""

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_shapecnn._compat import validate_params
from sklearn_shapecnn.datasets._checks import (
    check_generator,
    check_memory,
    check_n_samples,
    check_n_shapes,
    check_number,
)
from sklearn_shapecnn.datasets._looks import check_looks, draw_looks
from sklearn_shapecnn.datasets._packing import pack_shapes
from sklearn_shapecnn.datasets._placement import draw_foregrounds, draw_intensities
from sklearn_shapecnn.datasets._plan import number_shapes, plan_dtype
from sklearn_shapecnn.datasets._raster import add_noise, draw_on_top, fill_backgrounds
from sklearn_shapecnn.datasets._stamps import see_shapes

Bounds = float | tuple[float, float]

_DESCR = """\
Synthetic images of several geometric shapes each, drawn by
sklearn_shapecnn.datasets.make_multilabel_shapes with random sizes, positions, rotations and
intensities. The task is to find which kinds of shape occur in an image: `target` has a column for
each of `target_names`. `images` and `data`, the same images as rows, have intensities in 0..1.
`n_shapes` counts the shapes in each image. `labels`, `centers` and similar arrays have one row per
shape over all images, and `image_index` is the image of each shape. Lengths are in pixels; pixel
(i, j) has its center at row i and column j. The docstring of make_multilabel_shapes describes each
field.
"""


@validate_params(
    {
        "allow_repeats": ["boolean"],
        "filled": ["boolean", Real],
        "as_images": ["boolean"],
        "return_X_y": ["boolean"],
        "return_masks": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_multilabel_shapes(
    n_samples: int = 100,
    *,
    n_shapes: int | tuple[int, int] = (0, 3),
    allow_repeats: bool = True,
    max_overlap: float = 0.0,
    image_shape: tuple[int, ...] = (72, 72),
    shapes: Sequence[str] = ("triangle", "circle", "rectangle"),
    size: Bounds = (0.25, 0.4),
    rotation: Bounds = (0.0, 360.0),
    aspect_ratio: Bounds = (0.4, 0.8),
    min_visible: float = 1.0,
    filled: bool | float = True,
    line_width: Bounds = (0.03, 0.06),
    foreground: Bounds = (0.6, 1.0),
    background: Bounds = (0.0, 0.3),
    min_contrast: float = 0.2,
    noise: float = 0.0,
    as_images: bool = False,
    return_X_y: bool = True,
    return_masks: bool = False,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]] | Bunch:
    """Make images of several geometric shapes each, for multilabel classification.

    It relates to :func:`make_shapes` as :func:`sklearn.datasets.make_multilabel_classification`
    does to :func:`sklearn.datasets.make_classification`. Every image shows some anti-aliased
    shapes, or none, on a uniform background. Their number, kinds, sizes, positions, rotations and
    intensities are random. A parameter described as a range takes either a pair ``(low, high)``,
    from which a value is drawn uniformly for each shape, or one number for all shapes.

    Parameters
    ----------
    n_samples : int, default=100
        The number of images.

    n_shapes : int or (int, int), default=(0, 3)
        Range of the number of shapes in an image, both ends included. All numbers in it are
        equally likely. An image with 0 shapes is empty.

    allow_repeats : bool, default=True
        Whether an image may show the same kind of shape twice. If True, the kind of each shape is
        drawn from `shapes` with equal probabilities, independently of the others. If False, all
        shapes of an image differ, and all sets of that many kinds are equally likely.

    max_overlap : float, default=0.0
        Maximum fraction of a shape that shapes in front of it may cover, in [0, 0.9]. Only those
        of its pixels that lie inside the image count. With 0.0, there is a gap of at least one
        pixel between any two shapes. With larger values, shapes may touch and overlap if their
        foregrounds differ by `min_contrast` or more; all others keep the gap.

    image_shape : tuple of int, default=(72, 72)
        ``(height, width)`` for gray images or ``(height, width, 3)`` for color images, in pixels.

    shapes : sequence of str, default=("triangle", "circle", "rectangle")
        The classes, as for :func:`make_shapes`: "circle", "ellipse", "ring", "triangle", "square",
        "rectangle", "pentagon", "hexagon", "star" and "cross".

    size : float or (float, float), default=(0.25, 0.4)
        Range of the diameter of the smallest circle around a shape, as a fraction of the image's
        shorter side, in (0, 1]. A low end under 3 pixels is raised to 3 pixels. If shapes do
        not fit, their sizes are drawn again, closer and closer to the low end. So shapes in crowded
        images are smaller.

    rotation : float or (float, float), default=(0.0, 360.0)
        Range of the counterclockwise rotation, as seen in the image, in degrees. Must be in
        [-1e9, 1e9]. See :func:`make_shapes` for what the shapes look like at 0.

    aspect_ratio : float or (float, float), default=(0.4, 0.8)
        Range of the aspect ratio, in [0.01, 1]: the short side over the long side of a rectangle,
        the short axis over the long axis of an ellipse, and the height over the base of a triangle,
        which is isosceles. The other shapes ignore it.

    min_visible : float, default=1.0
        Minimum fraction of a shape that lies inside the image, in (0, 1]. The fraction is that of
        the drawn pixels of the shape. With 1.0, the whole circle around the shape lies inside.

    filled : bool or float, default=True
        Whether shapes are filled or outlined. A number in [0, 1] is the probability of filling.
        Other shapes are visible through an outlined shape, and may lie inside it.

    line_width : float or (float, float), default=(0.03, 0.06)
        Range of the width of outlines, as a fraction of the image's shorter side, in (0, 1]. The
        line lies inside the border of the shape. A line under a pixel wide becomes fainter, not
        wider.

    foreground, background : float or (float, float), default=(0.6, 1.0), (0.0, 0.3)
        Ranges of the intensities of the shapes and of the background, in [0, 1]. Each shape has its
        own foreground. In color images, each channel has its own intensity.

    min_contrast : float, default=0.2
        Minimum absolute difference between foreground and background, and between the foregrounds
        of shapes that overlap, in [0, 1]. In color images, this is the mean over the channels.

    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to each value, which is then clipped to
        0..1.

    as_images : bool, default=False
        Whether to return `X` as images rather than as rows.

    return_X_y : bool, default=True
        Whether to return ``(X, Y)`` rather than a :class:`~sklearn.utils.Bunch`.

    return_masks : bool, default=False
        Whether the Bunch has masks. Needs ``return_X_y=False``.

    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed of the images, or source of a seed. The same seed gives bitwise equal images. None
        uses fresh entropy from the operating system; NumPy's global random state is neither read
        nor changed.

    Returns
    -------
    X : ndarray of shape (n_samples, n_pixels), (n_samples, h, w) or (n_samples, h, w, c), float32
        The images, in 0..1. Rows hold the pixels in C order, with the color channels last.

    Y : ndarray of shape (n_samples, n_classes), dtype int64
        The kinds of shape in each image: 1 if it shows one or more of that kind, else 0. Columns
        are in the order of `shapes`.

    data : :class:`~sklearn.utils.Bunch`
        Returned instead if ``return_X_y=False``. Pixel (i, j) has its center at row i and column
        j, as in scikit-image.

        - data, float32 (n_samples, n_pixels): the images as rows.
        - images, float32 (n_samples, height, width[, 3]): the images, sharing memory with `data`.
        - target, int64 (n_samples, n_classes): `Y`.
        - target_names, str (n_classes,): the names of the shapes.
        - n_shapes, int64 (n_samples,): the number of shapes in each image.

        All other arrays have one row for each of the n_total shapes. They are ordered by image, and
        within each image from back to front, that is from the largest to the smallest.

        - image_index, int64 (n_total,): the image that the shape is in.
        - labels, int64 (n_total,): its kind, as an index into `target_names`.
        - masks, bool (n_total, height, width), only with ``return_masks=True``: its visible
          pixels, whose centers lie in the shape as drawn and in no shape in front of it; for an
          outlined shape, in its line.
        - centers, float64 (n_total, 2): row and column of the center of the circle around the
          shape, in pixels.
        - sizes, float64 (n_total,): diameter of that circle, in pixels.
        - angles, float64 (n_total,): rotation in degrees.
        - bounding_boxes, int64 (n_total, 4): (min_row, min_col, max_row, max_col) of the mask,
          half-open as in :func:`skimage.measure.regionprops`; all zero if a shape or its line is
          too thin to contain the center of a pixel.
        - visible, float64 (n_total,): the fraction of its pixels, as drawn, that are visible:
          ``min_visible * (1 - max_overlap)`` or more. 1 if it is too thin to have any.
        - DESCR, str: a description of the data set.

    Raises
    ------
    TypeError
        If a parameter has the wrong type.
    ValueError
        If a parameter is out of its range, if no image can satisfy all of them together, or if the
        shapes of an image do not fit after many random attempts.

    See Also
    --------
    make_shapes : One shape in each image.

    Examples
    --------
    >>> from sklearn_shapecnn.datasets import make_multilabel_shapes
    >>> X, Y = make_multilabel_shapes(6, random_state=0)
    >>> X.shape, Y.shape
    ((6, 5184), (6, 3))
    >>> data = make_multilabel_shapes(6, n_shapes=(1, 2), max_overlap=0.3, return_X_y=False,
    ...                               random_state=0)
    >>> len(data.labels) == int(data.n_shapes.sum())
    True

    The centers of the shapes in each image:

    >>> centers = [data.centers[data.image_index == i] for i in range(6)]
    >>> [len(rows) for rows in centers] == data.n_shapes.tolist()
    True
    """
    looks = check_looks(
        image_shape=image_shape,
        shapes=shapes,
        size=size,
        rotation=rotation,
        aspect_ratio=aspect_ratio,
        min_visible=min_visible,
        filled=filled,
        line_width=line_width,
        foreground=foreground,
        background=background,
        min_contrast=min_contrast,
        noise=noise,
    )
    names = looks.names
    n_samples = check_n_samples(n_samples)
    low, high = check_n_shapes(n_shapes, looks.extent)
    if not allow_repeats and high > len(names):
        raise ValueError(
            f"n_shapes={n_shapes!r} is more than the {len(names)} kinds in shapes. Lower n_shapes, "
            "give more shapes, or allow_repeats=True."
        )
    max_overlap = check_number("max_overlap", max_overlap, 0, 0.9)
    if return_masks and return_X_y:
        raise ValueError("return_masks=True needs return_X_y=False: masks come in the Bunch.")
    check_memory(n_samples, image_shape, n_samples * math.prod(looks.extent) * looks.channels)

    rng = check_generator(random_state)
    counts = rng.integers(low, high, n_samples, endpoint=True)
    image_index, order = number_shapes(counts)
    plan = np.empty(len(image_index), plan_dtype(looks.channels))
    if allow_repeats:
        plan["target"] = rng.integers(len(names), size=len(plan))
    else:
        shuffled = rng.permuted(np.tile(np.arange(len(names)), (n_samples, 1)), axis=1)
        plan["target"] = shuffled[image_index, order - 1]
    draw_looks(plan, looks, rng)
    canvas = np.empty(n_samples, plan_dtype(looks.channels))
    draw_intensities(canvas, looks.foreground, looks.background, looks.min_contrast, rng)
    plan["background"] = canvas["background"][image_index]
    draw_foregrounds(plan, looks.foreground, looks.min_contrast, rng)
    pack_shapes(plan, counts, looks, max_overlap, rng)

    images = np.empty((n_samples, *looks.extent, looks.channels), np.float32)
    fill_backgrounds(images, canvas["background"])
    for turn in range(1, counts.max() + 1):
        rows = np.flatnonzero(order == turn)
        draw_on_top(plan[rows], names, images, image_index[rows])
    if looks.noise > 0:
        add_noise(images, looks.noise, rng)

    images = images.reshape(n_samples, *image_shape)
    data = images.reshape(n_samples, -1)
    target = np.zeros((n_samples, len(names)), np.int64)
    target[image_index, plan["target"]] = 1
    if return_X_y:
        return (images if as_images else data), target
    masks = np.empty((len(plan), *looks.extent), bool) if return_masks else None
    boxes = np.empty((len(plan), 4), np.int64)
    see_shapes(plan, counts, names, looks.extent, boxes, masks)
    return Bunch(
        data=data,
        images=images,
        target=target,
        target_names=np.array(names),
        n_shapes=counts,
        image_index=image_index,
        labels=plan["target"].copy(),
        **({} if masks is None else {"masks": masks}),
        centers=np.stack([plan["row"], plan["col"]], axis=1),
        sizes=2 * plan["radius"],
        angles=plan["angle"].copy(),
        bounding_boxes=boxes,
        visible=plan["visible"].copy(),
        DESCR=_DESCR,
    )
