"""The plan: what to draw, one row per shape."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def plan_dtype(channels: int) -> np.dtype[Any]:
    """Return the dtype of a plan: lengths are in pixels, angles in degrees.

    `line_width` is infinite for a filled shape.
    """
    numbers = ["row", "col", "radius", "angle", "aspect", "line_width", "visible"]
    colors = ["foreground", "background"]
    return np.dtype(
        [("target", np.int64)]
        + [(name, np.float64) for name in numbers]
        + [(name, np.float32, (channels,)) for name in colors]
    )


def rows_by_shape(plan: Array, names: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """Yield the name of each shape and the rows of the plan that draw it."""
    for label, name in enumerate(names):
        yield name, np.flatnonzero(plan["target"] == label)


def number_shapes(n_shapes: Array) -> tuple[Array, Array]:
    """Return the image of each shape and its drawing order in that image, counted from 1.

    The shapes of one image are consecutive; `n_shapes` is the number of shapes in each image.
    """
    image = np.repeat(np.arange(len(n_shapes)), n_shapes)
    before = n_shapes.cumsum() - n_shapes
    return image, np.arange(1, len(image) + 1) - before[image]
