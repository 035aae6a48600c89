"""make_shapes: images of one geometric shape each, for classification."""

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_shapecnn._compat import validate_params
from sklearn_shapecnn.datasets._checks import check_counts, check_generator, check_memory
from sklearn_shapecnn.datasets._looks import check_looks, draw_looks
from sklearn_shapecnn.datasets._placement import draw_intensities, place_shapes
from sklearn_shapecnn.datasets._plan import plan_dtype
from sklearn_shapecnn.datasets._raster import add_noise, draw_shapes

Bounds = float | tuple[float, float]

_DESCR = """\
Synthetic images of one geometric shape each, drawn by sklearn_shapecnn.datasets.make_shapes with
random size, position, rotation and intensities. The task is to name the shape: `target` indexes
`target_names`. `images` and `data`, the same images as rows, have intensities in 0..1. Lengths are
in pixels; pixel (i, j) has its center at row i and column j. The docstring of make_shapes
describes each field.
"""


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

    Every image shows one anti-aliased shape on a uniform background. Size, position, rotation and
    intensity are random. A parameter described as a range takes either a pair ``(low, high)``,
    from which a value is drawn uniformly for each image, or one number for all images.

    Parameters
    ----------
    n_samples : int or sequence of int, default=100
        If an int, the number of images, divided evenly among the classes (if there is a remainder,
        the first classes get one more). If a sequence, the number of images of each class, in the
        order of `shapes`.

    image_shape : tuple of int, default=(72, 72)
        ``(height, width)`` for gray images or ``(height, width, 3)`` for color images, in pixels.

    shapes : sequence of str, default=("triangle", "circle", "rectangle")
        The classes, from "circle", "ellipse", "ring", "triangle", "square", "rectangle",
        "pentagon", "hexagon", "star" (a pentagram) and "cross" (of two bars three times as long
        as wide). The hole of a ring has 0.55 of the ring's diameter. With some parameters, shapes
        of two classes look the same: a ring and an outlined circle, or a square and a rectangle of
        aspect ratio one.

    size : float or (float, float), default=(0.25, 0.6)
        Range of the diameter of the smallest circle around the shape, as a fraction of the
        image's shorter side, in (0, 1]. A low end under 3 pixels is raised to 3 pixels.

    rotation : float or (float, float), default=(0.0, 360.0)
        Range of the counterclockwise rotation, as seen in the image, in degrees. At 0, long axes
        and the base of the triangle are horizontal, squares and crosses are parallel to the sides
        of the image, and one vertex of the triangle, pentagon, hexagon and star points up. Must be
        in [-1e9, 1e9]: beyond that, floats are too coarse.

    aspect_ratio : float or (float, float), default=(0.4, 0.8)
        Range of the aspect ratio, in [0.01, 1]: the short side over the long side of a rectangle,
        the short axis over the long axis of an ellipse, and the height over the base of a triangle,
        which is isosceles. The other shapes ignore it.

    min_visible : float, default=1.0
        Minimum fraction of the shape's area that lies inside the image, in (0, 1]. With 1.0, the
        whole circle around the shape lies inside. All allowed positions are equally likely.

    filled : bool or float, default=True
        Whether shapes are filled or outlined. A number in [0, 1] is the probability of filling.

    line_width : float or (float, float), default=(0.03, 0.06)
        Range of the width of outlines, as a fraction of the image's shorter side, in (0, 1]. The
        line lies inside the border of the shape. A line under a pixel wide becomes fainter, not
        wider.

    foreground, background : float or (float, float), default=(0.6, 1.0), (0.0, 0.3)
        Ranges of the intensities of the shape and of the background, in [0, 1]. In color images,
        each channel has its own intensity.

    min_contrast : float, default=0.2
        Minimum absolute difference between foreground and background, in [0, 1]. In color images,
        this is the mean over the channels.

    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to each value, which is then clipped to
        0..1.

    shuffle : bool, default=True
        Whether to shuffle the images. If False, the classes follow one another in the order of
        `shapes`.

    as_images : bool, default=False
        Whether to return `X` as images rather than as rows.

    return_X_y : bool, default=True
        Whether to return ``(X, y)`` rather than a :class:`~sklearn.utils.Bunch`.

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

    y : ndarray of shape (n_samples,), dtype int64
        The shape in each image, as an index into `shapes`.

    data : :class:`~sklearn.utils.Bunch`
        Returned instead if ``return_X_y=False``. Pixel (i, j) has its center at row i and column
        j, as in scikit-image.

        - data, float32 (n_samples, n_pixels): the images as rows.
        - images, float32 (n_samples, height, width[, 3]): the images, sharing memory with `data`.
        - target, int64 (n_samples,): the shape in each image, as an index into `target_names`.
        - target_names, str (n_classes,): the names of the shapes.
        - masks, bool (n_samples, height, width), only with ``return_masks=True``: the pixels whose
          center lies in the shape as drawn; for an outlined shape, in its line.
        - centers, float64 (n_samples, 2): row and column of the center of the circle around the
          shape, in pixels.
        - sizes, float64 (n_samples,): diameter of that circle, in pixels.
        - angles, float64 (n_samples,): rotation in degrees.
        - bounding_boxes, int64 (n_samples, 4): (min_row, min_col, max_row, max_col) of the mask,
          half-open as in :func:`skimage.measure.regionprops`; all zero if a shape or its line is
          too thin to contain the center of a pixel.
        - visible, float64 (n_samples,): fraction of the shape's area inside the image, accurate
          to about 0.01.
        - DESCR, str: a description of the data set.

    Raises
    ------
    TypeError
        If a parameter has the wrong type.
    ValueError
        If a parameter is out of its range, or if no image can satisfy all of them together.

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
    counts = check_counts(n_samples, names)
    if return_masks and return_X_y:
        raise ValueError("return_masks=True needs return_X_y=False: masks come in the Bunch.")
    n_images = sum(counts)
    check_memory(n_samples, image_shape, n_images * math.prod(looks.extent) * looks.channels)

    rng = check_generator(random_state)
    plan = np.empty(n_images, plan_dtype(looks.channels))
    plan["target"] = np.repeat(np.arange(len(names)), counts)
    if shuffle:
        plan["target"] = rng.permutation(plan["target"])
    draw_looks(plan, looks, rng)
    draw_intensities(plan, looks.foreground, looks.background, looks.min_contrast, rng)
    place_shapes(plan, names, looks.extent, looks.min_visible, rng)

    images = np.empty((n_images, *looks.extent, looks.channels), np.float32)
    masks = np.zeros((n_images, *looks.extent), bool) if return_masks else None
    boxes = None if return_X_y else np.zeros((n_images, 4), np.int64)
    draw_shapes(plan, names, images, masks, boxes)
    if looks.noise > 0:
        add_noise(images, looks.noise, rng)

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
