"""Stamps: shapes drawn in their own small windows, and maps of which shape owns each pixel.

Stamps move by whole pixels. If positions are multiples of `GRID`, nothing is rounded, so a stamp
has exactly the pixels that are drawn in the image.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sklearn_shapecnn.datasets._plan import Array, number_shapes
from sklearn_shapecnn.datasets._raster import (
    batches_by_shape,
    bounding_boxes,
    distance_in_pixels,
    is_inside,
)

# A pixel of a stamp is in the shape, or so near that another shape there would seem to touch it.
INSIDE, NEAR = 2, 1
GAP = 3.0
GRID = 2.0**-20
# Pixels of maps and stamps per chunk: few enough for the cache, enough for long loops.
_CHUNK_PIXELS = 1 << 24


def snap(places: Array) -> Array:
    """Round to the grid."""
    return np.round(places / GRID) * GRID


def stamp_side(radius: float) -> int:
    """Pixels across a stamp."""
    return math.ceil(2 * radius + 2 * GAP) + 1


def first_pixels(plan: Array) -> Array:
    """Find the row and the column of the first pixel of each stamp from the shapes' centers."""
    centers = np.stack([plan["row"], plan["col"]], axis=1)
    return np.ceil(centers - plan["radius"][:, None] - GAP).astype(np.int64)


def draw_stamps(plan: Array, names: Sequence[str], offsets: Array, side: int) -> Array:
    """Draw stamps of shape (n, side, side), centered at the offsets from their first pixels."""
    plan = plan.copy()
    plan["row"], plan["col"] = offsets.T
    stamps = np.zeros((len(plan), side, side), np.uint8)
    for name, index in batches_by_shape(plan, names):
        batch = plan[index]
        window = stamp_side(batch["radius"].max())
        zero = np.zeros(len(batch))
        distance = distance_in_pixels(name, batch, zero, zero, (window, window))
        stamp = is_inside(distance, batch).view(np.uint8)
        stamp += is_inside(distance, batch, GAP)
        stamps[index, :window, :window] = stamp
    return stamps


class Owners:
    """A map of which shape owns each pixel of some images.

    A pixel holds the drawing order of its shape, counted from 1; 0 is the background, and `outside`
    is beyond the border of the image.
    """

    def __init__(self, n_images: int, most_shapes: int, extent: tuple[int, int], side: int) -> None:
        dtype: Any = np.min_scalar_type(most_shapes + 1)
        self.outside = np.iinfo(dtype).max
        padded = n_images, extent[0] + 2 * side, extent[1] + 2 * side
        everything = np.full(padded, self.outside, dtype)
        self.side = side
        self.images = everything[:, side:-side, side:-side]
        self.images[...] = 0
        self._windows = sliding_window_view(everything, (side, side), axis=(1, 2), writeable=True)

    def read(self, image: Array, corner: Array) -> Array:
        """Copy the windows that stamps with these first pixels would cover."""
        return self._windows[image, corner[:, 0] + self.side, corner[:, 1] + self.side]

    def paint(self, image: Array, corner: Array, stamps: Array, order: int) -> None:
        """Assign the pixels of one shape per image to that shape."""
        owners = self.read(image, corner)
        owners[(stamps == INSIDE) & (owners != self.outside)] = order
        self._windows[image, corner[:, 0] + self.side, corner[:, 1] + self.side] = owners


def chunks(n_shapes: Array, extent: tuple[int, int], side: int) -> Iterator[tuple[Array, slice]]:
    """Split the images into chunks; yield the counts of shapes and the rows of the plan of each."""
    padded = math.prod(length + 2 * side for length in extent)
    step = max(1, _CHUNK_PIXELS // (padded + int(n_shapes.max(initial=0)) * side**2))
    ends = np.append(0, n_shapes.cumsum())
    for start in range(0, len(n_shapes), step):
        counts = n_shapes[start : start + step]
        yield counts, slice(ends[start], ends[start + len(counts)])


def see_shapes(
    plan: Array,
    n_shapes: Array,
    names: Sequence[str],
    extent: tuple[int, int],
    boxes: Array,
    masks: Array | None,
) -> None:
    """Find the visible part of each shape: inside the image, and not covered by later shapes.

    Parameters
    ----------
    plan : structured array of shape (n_total,)
        What to draw, image by image; see `plan_dtype`. The visible fractions are set.
    n_shapes : ndarray of shape (n_images,), dtype int64
        The number of shapes in each image.
    names : sequence of str
        Names of the shapes, indexed by the plan's targets.
    extent : (int, int)
        The height and the width of the images.
    boxes : ndarray of shape (n_total, 4), dtype int64
        Overwritten by the bounding boxes of the visible pixels; all zero if there are none.
    masks : ndarray of shape (n_total, height, width), dtype bool, or None
        Overwritten by the visible pixels.
    """
    side = stamp_side(plan["radius"].max(initial=0))
    for counts, rows in chunks(n_shapes, extent, side):
        part = plan[rows]
        image, order = number_shapes(counts)
        corner = first_pixels(part)
        offsets = np.stack([part["row"], part["col"]], axis=1) - corner
        stamps = draw_stamps(part, names, offsets, side)
        owners = Owners(len(counts), int(counts.max()), extent, side)
        for turn in range(1, counts.max() + 1):
            now = np.flatnonzero(order == turn)
            owners.paint(image[now], corner[now], stamps[now], turn)
        places = order.astype(owners.images.dtype)[:, None, None]
        own = owners.read(image, corner) == places
        whole = (stamps == INSIDE).sum(axis=(1, 2))
        # A line that is too thin to contain the center of a pixel counts as wholly visible.
        part["visible"] = np.where(whole > 0, own.sum(axis=(1, 2)) / np.maximum(whole, 1), 1)
        boxes[rows] = bounding_boxes(own, *corner.T)
        if masks is not None:
            masks[rows] = owners.images[image] == places
