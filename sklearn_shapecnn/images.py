"""What X may look like, its image shape, and how a part of it becomes a batch.

An image set keeps the pixels as they came, in their dtype and memory layout, read-only or on disk.
Only the images of one batch at a time are copied, as float32. Arrays that lie in chunks elsewhere,
such as Dask's and Zarr's, are first written to a temporary file, a few chunks at a time.
"""

from __future__ import annotations

import errno
import hashlib
import math
import mmap
import os
import re
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from sklearn.utils import check_array

BLOCK_BYTES = 2**22  # pixels are read in blocks of about this many bytes
PIECE_BYTES = 2**25  # chunks are gathered up to this many bytes, for each read has a price


class ImageSet:
    """Images behind an array of any numeric dtype.

    Parameters
    ----------
    pixels : ndarray of shape (n, n_features), (n, h, w) or (n, h, w, c)
        The pixels as they came; never copied as a whole, never written to.
    image_shape : tuple of int (height, width, channels)
        The shape of each image.
    """

    def __init__(self, pixels: np.ndarray, image_shape: tuple[int, int, int]) -> None:
        self.pixels = pixels
        self.image_shape = image_shape
        self._file = _mapped_file(pixels)

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, rows: np.ndarray | slice) -> np.ndarray:
        """Copy some of the images to a float32 array of shape (n, h, w, c).

        Values beyond float32 become infinite; whoever uses them has to look.
        """
        with np.errstate(over="ignore"):
            part = np.array(self.pixels[rows], dtype=np.float32, order="C")
        if self._file is not None:  # else the whole file ends up in this process's memory
            self._file.madvise(mmap.MADV_DONTNEED)
        return part.reshape(len(part), *self.image_shape)

    def blocks(self) -> Iterator[slice]:
        """Slices that cover all images, each of a few megabytes."""
        step = max(1, BLOCK_BYTES // (4 * math.prod(self.image_shape)))
        for start in range(0, len(self), step):
            yield slice(start, min(start + step, len(self)))

    def fingerprints(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read every image once.

        Returns
        -------
        digests : ndarray of shape (n, 2) and dtype uint64
            A hash of each image's pixels; equal for equal images, whatever their dtype.
        means, mean_squares : ndarray of shape (n,) and dtype float64
            The mean of each image's pixels and of their squares.

        Raises
        ------
        ValueError
            Where a pixel is too large for float32.
        """
        digests = np.empty((len(self), 2), dtype=np.uint64)
        means = np.empty(len(self))
        mean_squares = np.empty(len(self))
        for block in self.blocks():
            rows = self.batch(block).reshape(block.stop - block.start, -1)
            rows += 0.0  # -0.0 is the same pixel as 0.0
            wide = rows.astype(np.float64)
            with np.errstate(invalid="ignore"):  # infinities of both signs have no mean
                means[block] = wide.mean(axis=1)
            mean_squares[block] = np.einsum("ij,ij->i", wide, wide) / rows.shape[1]
            if not np.isfinite(mean_squares[block]).all():
                raise ValueError(
                    "Input X contains infinity or a value too large for dtype('float32'), in which "
                    "the network computes; divide X by its largest value."
                )
            for i, row in enumerate(rows, start=block.start):
                digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
                digests[i] = np.frombuffer(digest, dtype=np.uint64)
        return digests, means, mean_squares


def check_pixels(X: Any, estimator: Any) -> np.ndarray:
    """Turn X into a numeric array of two to four dimensions without copying what is one already.

    A chunked array becomes a memory map of a temporary file without a name, which is gone with it.

    Raises
    ------
    ValueError
        Where X is empty, of one dimension or of more than four, holds strings, complex numbers,
        NaN, infinity or images of unequal sizes, or is a Dask array of unknown size.
    TypeError
        Where X is sparse or a LazyFrame.
    OSError
        Where X is chunked and the disk has no room for it.
    """
    check_mask(X, "X")
    X = _stack(X)
    check = partial(_check_array, estimator=estimator)
    if _is_chunked(X):
        return _gather(X, check)
    if hasattr(X, "collect_schema") and not hasattr(X, "__array__"):
        raise TypeError("X is a LazyFrame, which has no pixels yet: give X.collect().")
    try:
        pixels = check(X)
        if pixels.dtype.kind == "O":  # of a list with None in it, or of bools with null
            with naming("X"):
                pixels = check(pixels.astype(np.float64))
    except (ValueError, TypeError) as error:
        _check_columns(X, error)
        raise
    _check_dimensions(pixels.shape)
    return pixels


def check_mask(values: Any, name: str) -> None:
    """Refuse an array of which some values are masked: others would take them for good."""
    if np.ma.is_masked(values):
        raise ValueError(f"Input {name} contains masked values. Fill them, or leave these out.")


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Make errors from elsewhere, which may not say so, tell which argument they are about."""
    try:
        with np.errstate(all="ignore"):  # such as infinities of both signs, which have no sum
            yield
    except (Warning, MemoryError, OSError):
        raise
    except Exception as error:  # whatever the array of some other library raises
        is_usual = isinstance(error, ValueError | TypeError)
        if is_usual and re.search(rf"\b{name}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: {error}") from error


def find_image_shape(
    shape: tuple[int, ...], image_shape: Sequence[int] | None = None
) -> tuple[int, int, int]:
    """Find the shape of one image from the shape of X.

    Parameters
    ----------
    shape : tuple of int
        The shape of X.
    image_shape : sequence of int (height, width) or (height, width, channels), default=None
        What the user says it is. Without it, rows become square gray images where their width is a
        square number and one row of pixels otherwise.

    Returns
    -------
    image_shape : tuple of int (height, width, channels)

    Raises
    ------
    ValueError
        Where the two contradict each other, or X seems to hold its channels first.
    """
    if image_shape is not None:
        height, width, channels = wanted = (*image_shape, 1)[:3]
        if shape[1:] not in [(height * width * channels,), _without_gray(wanted), wanted]:
            raise ValueError(
                f"image_shape={tuple(image_shape)} stands for {height * width * channels} values "
                f"an image, but X of shape {shape} has {_describe(shape)}. Give X as rows of that "
                f"many values or as images of that shape, or set image_shape to fit X."
            )
        return int(height), int(width), int(channels)
    if len(shape) == 2:
        side = math.isqrt(shape[1])
        return (side, side, 1) if side * side == shape[1] else (1, shape[1], 1)
    if len(shape) == 3:
        return (shape[1], shape[2], 1)
    if shape[1] <= 4 < min(shape[2:]):
        raise ValueError(
            f"X of shape {shape} seems to hold its channels first; they belong last, as in "
            f"(n, h, w, c): use np.moveaxis(X, 1, -1). If its images really are {shape[1]} pixels "
            f"high with {shape[3]} channels, set image_shape={shape[1:]}."
        )
    return (shape[1], shape[2], shape[3])


def check_same_images(
    shape: tuple[int, ...], image_shape: tuple[int, int, int], estimator_name: str
) -> None:
    """Raise ValueError unless X of this shape holds images of the shape known from fit."""
    height, width, channels = image_shape
    n_features = height * width * channels
    known = _without_gray(image_shape)
    if shape[1:] in ((n_features,), image_shape, known):
        return
    if shape in (image_shape, known):
        advice = "This seems to be a single image: give X[np.newaxis]."
    elif shape[1:] == (channels, height, width):
        advice = "The channels belong last: use np.moveaxis(X, 1, -1)."
    elif len(shape) > 2 and shape[1:3] == (height, width):
        advice = "The channels differ: convert the images, e.g. with skimage.color."
    elif len(shape) > 2:
        advice = "Resize the images, e.g. with sklearn_shapecnn.ImageReader."
    else:
        advice = "Each row must be a whole image."
    if len(shape) == 2:  # in scikit-learn's own words, which its users search for
        raise ValueError(
            f"X has {shape[1]} features, but {estimator_name} is expecting {n_features} features "
            f"as input: images of shape {known}, one a row. {advice}"
        )
    raise ValueError(
        f"X holds {_describe(shape)}, but {estimator_name} was fitted on images of shape {known}. "
        f"{advice}"
    )


def _check_array(X: Any, estimator: Any) -> np.ndarray:
    """What scikit-learn makes of X: numbers, maybe in an array of objects."""
    with naming("X"):
        if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "biuf" and len(X):
            raise ValueError(
                f"X: Expected 2D array, got 1D array instead: its shape is {X.shape}. Reshape your "
                f"data: a single image is X[np.newaxis], many images of one pixel are "
                f"X.reshape(-1, 1)."
            )
        pixels = check_array(X, allow_nd=True, dtype="numeric", estimator=estimator, input_name="X")
    if pixels.dtype.kind not in "biufO":
        raise ValueError(f"X must hold numbers, but its dtype is {pixels.dtype}.")
    return pixels


def _stack(X: Any) -> Any:
    """Make one array of a list, a Series or an object array of images; leave all else alone."""
    is_box = getattr(X, "ndim", 0) == 1 and getattr(X.dtype, "kind", "") in "OUT"
    is_path = isinstance(X, str | os.PathLike)
    if not (is_box or is_path or isinstance(X, list | tuple)):
        return X
    images = [X] if is_path else list(X)
    if images and all(isinstance(image, str | os.PathLike) for image in images):
        raise ValueError(
            f"X holds strings, such as {str(images[0])!r}, and not pixels. If these are files, "
            f"read them first, with sklearn_shapecnn.ImageReader."
        )
    try:
        shapes = sorted({np.shape(image) for image in images})
    except ValueError as error:
        raise ValueError(f"X holds something that is no image: {error}") from error
    if len(shapes) > 1:
        raise ValueError(
            f"X holds images of unequal sizes, such as {shapes[0]} and {shapes[-1]}. Bring them to "
            f"one size and number of channels first, e.g. with sklearn_shapecnn.ImageReader."
        )
    return np.stack(images) if is_box and shapes and shapes[0] else X


def _check_dimensions(shape: tuple[int, ...]) -> None:
    if len(shape) > 4:
        raise ValueError(
            f"Found array with dim {len(shape)}, while dim <= 4 is required: X must be rows "
            f"(n, features), images (n, h, w) or images with channels (n, h, w, c), but its shape "
            f"is {shape}."
        )
    if 0 in shape[1:]:
        raise ValueError(f"X holds images without pixels: its shape is {shape}.")


def _is_chunked(X: Any) -> bool:
    """Whether X lies in chunks somewhere else: an array of Dask, Zarr, h5py or their like."""
    names = ("chunks", "shape", "dtype", "__getitem__")
    return all(hasattr(X, name) for name in names) and len(X.shape) > 0


def _gather(X: Any, check: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Write a chunked array to a temporary file, checking it on the way, and map that file."""
    if any(math.isnan(length) for length in X.shape):
        raise ValueError(
            f"X has chunks of unknown size: its shape is {X.shape}. Call X.compute_chunk_sizes() "
            f"first."
        )
    _check_dimensions(X.shape)
    size, folder = math.prod(X.shape) * X.dtype.itemsize, tempfile.gettempdir()
    if size > (free := shutil.disk_usage(folder).free):
        raise OSError(
            errno.ENOSPC,
            f"X of {size / 1e9:.3g} GB is written to a temporary file, but {folder} has only "
            f"{free / 1e9:.3g} GB left. Set the environment variable TMPDIR to a folder with more",
        )
    dtype: np.dtype | None = None
    with tempfile.TemporaryFile() as file:
        for rows in _pieces(X):
            part = check(X[rows])
            if part.shape != (rows.stop - rows.start, *X.shape[1:]):
                raise ValueError(
                    f"X of shape {X.shape} is not what it says: its part "
                    f"X[{rows.start}:{rows.stop}] has the shape {part.shape}."
                )
            dtype = dtype or part.dtype
            # Through the file and not the map, whose pages would count as this process's memory.
            part.astype(dtype, casting="same_kind", copy=False).tofile(file)
        return np.memmap(file, dtype=np.dtype(dtype), mode="r", shape=X.shape)


def _pieces(X: Any) -> Iterator[slice]:
    """Slices that cover the rows of a chunked array, with its chunks whole if that can be.

    A piece is no larger than the largest chunk or `PIECE_BYTES`, whichever is more. Chunks that
    hold a part of each image are therefore read several times.
    """
    n = X.shape[0]
    # Dask tells the lengths along each axis, Zarr and h5py one length, h5py maybe nothing.
    lengths = [np.atleast_1d(along) for along in X.chunks or (1,) * len(X.shape)]
    chunk = math.prod(int(along.max()) for along in lengths)
    row = math.prod(X.shape[1:])
    at_once = max(1, chunk // row, PIECE_BYTES // (row * X.dtype.itemsize))
    first = lengths[0].tolist()
    ends = list(accumulate(first)) if sum(first) == n else [*range(first[0], n, first[0]), n]
    start = 0
    for end, next_end in pairwise([*ends, math.inf]):
        if next_end - start > at_once:
            for begin in range(start, end, at_once):
                yield slice(begin, min(begin + at_once, end))
            start = end
    if n == 0:
        yield slice(0, 0)  # for whoever checks the parts to find that there is nothing


def _check_columns(X: Any, error: Exception) -> None:
    """Raise ValueError that names the first column of a frame that holds no numbers."""
    for name in getattr(X, "columns", ()):
        value: Any = next(iter(X[name]), None)
        if np.ndim(value):
            raise ValueError(
                f"The column {name!r} of X holds whole images, and each column is taken for a "
                f"pixel: give X[{name!r}]."
            ) from error
        try:
            column = np.asarray(X[name])
            if column.dtype.kind in "cmM":  # of which NumPy would make numbers
                raise TypeError
            column.astype(np.float64)
        except (ValueError, TypeError):
            why = textwrap.shorten(str(error), 200, placeholder=" ...")
            raise ValueError(
                f"The column {name!r} of X holds no numbers but {type(value).__name__}, and each "
                f"column is taken for a pixel ({why}). Leave out what is none, such as the "
                f"labels."
            ) from error


def _mapped_file(pixels: Any) -> mmap.mmap | None:
    """The map of the file behind an array, where its pages can be let go without loss."""
    if not hasattr(mmap, "MADV_DONTNEED"):
        return None
    while isinstance(pixels, np.ndarray):
        if isinstance(pixels, np.memmap) and pixels.mode == "c":  # changes exist in memory alone
            return None
        pixels = pixels.base
    return pixels if isinstance(pixels, mmap.mmap) else None


def _without_gray(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape as people write it: a gray image has no third dimension."""
    return image_shape[:2] if image_shape[2] == 1 else image_shape


def _describe(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return f"{shape[1]} values an image"
    return f"images of shape {shape[1:]}"
