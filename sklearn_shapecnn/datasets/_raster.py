"""Turn the plan into pixels: images, masks, bounding boxes and noise.

Distances are computed only in windows just around the shapes, for many images of the same shape at
a time. The rest of each image is background.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sklearn_shapecnn.datasets._geometry import per_image, signed_distance
from sklearn_shapecnn.datasets._plan import Array, rows_by_shape

# Pixels per batch: some float32 temporaries of this size still fit in the L2 cache.
_BATCH_PIXELS = 1 << 16


def draw_shapes(
    plan: Array,
    names: Sequence[str],
    images: Array,
    masks: Array | None,
    boxes: Array | None,
) -> None:
    """Draw all shapes into the images, and into the masks and the bounding boxes if given.

    Parameters
    ----------
    plan : structured array of shape (n,)
        What to draw; see `plan_dtype`.
    names : sequence of str
        Names of the shapes, indexed by the plan's targets.
    images : ndarray of shape (n, height, width, channels), dtype float32
        Overwritten.
    masks : ndarray of shape (n, height, width), dtype bool, or None
        All False before; the pixels inside the shapes become True.
    boxes : ndarray of shape (n, 4), dtype int64, or None
        Overwritten.
    """
    fill_backgrounds(images, plan["background"])
    for name, index in batches_by_shape(plan, names):
        batch = plan[index]
        top, left, window = _windows(batch, images.shape[1:3])
        distance = distance_in_pixels(name, batch, top, left, window)
        where = index, top, left
        background = batch["background"][:, :, None, None]
        _view(images, window)[where] = _values(distance, batch, background)
        if masks is None and boxes is None:
            continue
        inside = is_inside(distance, batch)
        if masks is not None:
            _view(masks, window)[where] = inside
        if boxes is not None:
            boxes[index] = bounding_boxes(inside, top, left)


def draw_on_top(plan: Array, names: Sequence[str], images: Array, which: Array) -> None:
    """Draw one more shape on top of each of some images.

    Parameters
    ----------
    plan : structured array of shape (n,)
        What to draw; see `plan_dtype`. Its backgrounds are ignored.
    names : sequence of str
        Names of the shapes, indexed by the plan's targets.
    images : ndarray of shape (n_images, height, width, channels), dtype float32
        Drawn on in place.
    which : ndarray of shape (n,), dtype int64
        The image of each row of the plan, each at most once.
    """
    for name, index in batches_by_shape(plan, names):
        batch = plan[index]
        top, left, window = _windows(batch, images.shape[1:3])
        distance = distance_in_pixels(name, batch, top, left, window)
        where = which[index], top, left
        view = _view(images, window)
        view[where] = _values(distance, batch, view[where])


def fill_backgrounds(images: Array, backgrounds: Array) -> None:
    """Fill each image with its background, one value per channel."""
    n_images, height, width, channels = images.shape
    lines = np.tile(backgrounds, width)
    images.reshape(n_images, height, width * channels)[...] = lines[:, None, :]


def add_noise(images: Array, noise: float, rng: np.random.Generator) -> None:
    """Add Gaussian noise and clip, in place and in parts that stay in the cache."""
    values = images.reshape(-1)
    buffer = np.empty(min(_BATCH_PIXELS, values.size), np.float32)
    for start in range(0, values.size, _BATCH_PIXELS):
        part = values[start : start + _BATCH_PIXELS]
        grain = buffer[: part.size]
        rng.standard_normal(dtype=np.float32, out=grain)
        grain *= min(noise, 1e30)  # more would overflow float32, and is clipped to 0 or 1 anyway
        part += grain
        np.clip(part, 0, 1, out=part)


def batches_by_shape(plan: Array, names: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """Yield the name of each shape with rows of the plan that draw it at similar sizes."""
    for name, rows in rows_by_shape(plan, names):
        for index in _batches(plan["radius"], rows):
            yield name, index


def distance_in_pixels(
    name: str, batch: Array, top: Array, left: Array, window: tuple[int, int]
) -> Array:
    """Compute signed distances in windows with the given first rows and columns."""
    radius = batch["radius"][:, None]
    down = top[:, None] + np.arange(window[0]) - batch["row"][:, None]
    right = left[:, None] + np.arange(window[1]) - batch["col"][:, None]
    return signed_distance(name, batch, down / radius, right / radius) * per_image(batch["radius"])


def is_inside(distance: Array, batch: Array, grown: float = 0.0) -> Array:
    """Find pixels whose centers lie in the shape or its line, enlarged by `grown` pixels."""
    return (distance <= grown) & (distance + per_image(batch["line_width"]) >= -grown)


def _side(radius: Array) -> Array:
    """Return the side of a window that holds a shape; corners smear by up to 3/4 of a pixel."""
    return np.ceil(2 * radius + 1.5).astype(np.int64)


def _batches(radii: Array, rows: Array) -> Iterator[Array]:
    """Split rows into runs of similar size, largest first: it sets the windows of its batch."""
    rows = rows[np.argsort(-radii[rows], kind="stable")]
    start = 0
    while start < len(rows):
        stop = start + max(1, _BATCH_PIXELS // int(_side(radii[rows[start]])) ** 2)
        yield rows[start:stop]
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
    """View all windows of one shape, to be indexed by image, first row and first column."""
    return sliding_window_view(array, window, axis=(1, 2), writeable=True)


def _values(distance: Array, batch: Array, beneath: Array) -> Array:
    """Blend the foreground with what is beneath by the coverage of each pixel, channels first.

    The coverage is that of a straight border at the given distance. An outline is the shape minus
    the same shape with its border moved inwards.
    """
    coverage = np.clip(0.5 - distance, 0, 1)
    if np.isfinite(batch["line_width"]).any():
        distance = distance + per_image(batch["line_width"])
        coverage -= np.clip(0.5 - distance, 0, 1)
    values = coverage[:, None] * (batch["foreground"][:, :, None, None] - beneath)
    values += beneath
    return values


def bounding_boxes(inside: Array, top: Array, left: Array) -> Array:
    """Find (min_row, min_col, max_row, max_col) of each mask; all zero if it is empty."""
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
