"""A read-only set of images of any dtype: batches of them, and a hash of each.

The pixels stay as they are, in memory or on disk. Only one batch at a time is copied, as float32.
"""

from __future__ import annotations

import hashlib
import math
import mmap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

BLOCK_BYTES = 2**22  # pixels are read in blocks of about this many bytes
AT_ONCE = 16  # images far from each other: the system may map megabytes of the file for each


class ImageSet:
    """Images in an array of any numeric dtype.

    Parameters
    ----------
    pixels : ndarray of shape (n, n_features), (n, h, w) or (n, h, w, c)
        The original pixels; never copied as a whole and never written to.
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

        Values too large for float32 become infinite; the caller must check for them.
        """
        with np.errstate(all="ignore"):
            part = self._copy(rows, np.dtype(np.float32))
        return part.reshape(len(part), *self.image_shape)

    def spread(self, n: int) -> np.ndarray:
        """Return n to 2 n of the original images, evenly spaced, or all if there are fewer."""
        rows = slice(None, None, max(1, len(self) // n))
        return self.pixels[rows] if self._file is None else self._copy(rows, self.pixels.dtype)

    def _copy(self, rows: np.ndarray | slice, dtype: np.dtype) -> np.ndarray:
        """Copy some of the images; the parts of a file that hold them leave memory again."""
        if not self._are_apart(rows):
            copy = np.array(self.pixels[rows], dtype=dtype, order="C")
            self._drop_pages()
            return copy
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        copy = np.empty((len(rows), *self.pixels.shape[1:]), dtype=dtype)
        for start in range(0, len(rows), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            copy[some] = self.pixels[rows[some]]
            self._drop_pages()
        return copy

    def _are_apart(self, rows: np.ndarray | slice) -> bool:
        """Whether images lie apart in a file, so that the system maps a piece of it for each."""
        if self._file is None:
            return False
        distance, *strides = np.abs(self.pixels.strides)
        n_bytes = self.pixels.itemsize + sum(
            stride * (n - 1) for stride, n in zip(strides, self.pixels.shape[1:], strict=True)
        )
        if isinstance(rows, slice):
            return abs(rows.step or 1) * distance > n_bytes + mmap.PAGESIZE
        # In Fortran order, the first pixels of all images come first, so each is all over the file.
        return distance * len(self) > n_bytes

    def _drop_pages(self) -> None:
        if self._file is not None:  # else the whole file ends up in this process's memory
            with suppress(OSError):  # if the process locks its pages in memory (mlockall)
                self._file.madvise(mmap.MADV_DONTNEED)

    def blocks(self) -> Iterator[slice]:
        """Iterate over slices of a few megabytes that cover all images."""
        step = max(1, BLOCK_BYTES // (4 * math.prod(self.image_shape)))
        for start in range(0, len(self), step):
            yield slice(start, min(start + step, len(self)))

    def fingerprints(self) -> Fingerprints:
        """Read every image once, and return a hash and some statistics of each.

        Raises
        ------
        ValueError
            If a pixel is NaN or too large for float32.
        """
        found = Fingerprints.empty(len(self))
        for block in self.blocks():
            images = self.batch(block)
            rows = images.reshape(len(images), -1)
            rows += 0.0  # -0.0 is the same pixel as 0.0
            wide = rows.astype(np.float64)
            mean_squares = found.mean_squares[block]
            with np.errstate(all="ignore"):  # infinities of both signs have no mean
                found.means[block] = wide.mean(axis=1)
                mean_squares[:] = np.einsum("ij,ij->i", wide, wide) / rows.shape[1]
            if np.isnan(mean_squares).any():  # only if assume_finite=True
                raise ValueError("Input X contains NaN.")
            if not np.isfinite(mean_squares).all():
                raise ValueError(
                    "Input X contains infinity or a value too large for dtype('float32'), in which "
                    "the network computes; divide X by its largest value."
                )
            found.lows[block], found.highs[block] = rows.min(axis=1), rows.max(axis=1)
            found.borders[block] = border_means(images, self.image_shape)
            for i, row in enumerate(rows, start=block.start):
                digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
                found.digests[i] = np.frombuffer(digest, dtype=np.uint64)
        return found


@dataclass
class Fingerprints:
    """A hash and some statistics of each of n images.

    Attributes
    ----------
    digests : ndarray of shape (n, 2) and dtype uint64
        A hash of the pixels; equal for equal images, whatever their dtype.
    means, mean_squares : ndarray of shape (n,) and dtype float64
        The mean of the pixels and of their squares.
    lows, highs : ndarray of shape (n,) and dtype float64
        The smallest and the largest pixel.
    borders : ndarray of shape (n,) and dtype float64
        The mean of the outermost pixels.
    """

    digests: np.ndarray
    means: np.ndarray
    mean_squares: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    borders: np.ndarray

    @classmethod
    def empty(cls, n: int) -> Fingerprints:
        """Return empty fingerprints for n images."""
        return cls(np.empty((n, 2), dtype=np.uint64), *(np.empty(n) for _ in range(5)))


def border_means(images: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Return the mean of the outermost pixels of each image, as float64 of shape (n,)."""
    height, width, channels = image_shape
    images = images.reshape(-1, height, width * channels)
    sides = images[:, 1:-1]  # without the corners, which the first and last row include
    parts = [images[:, 0], images[:, -1], sides[:, :, :channels], sides[:, :, -channels:]]
    total = sum(part.reshape(len(images), -1).sum(axis=1, dtype=np.float64) for part in parts)
    return np.asarray(total) / sum(part[0].size for part in parts)


def _mapped_file(pixels: np.ndarray) -> mmap.mmap | None:
    """Return the map of the file behind an array, if its pages can be dropped safely.

    This is safe only if `numpy.memmap` made the map for reading: its pages are those of a file, and
    nobody can have written to them. The pages of other maps, such as those of anonymous memory, may
    be the only copy of the pixels, and dropping them would erase it.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):
        return None
    while isinstance(pixels.base, np.ndarray):
        pixels = pixels.base
    is_read_only = isinstance(pixels, np.memmap) and pixels.mode == "r"
    return pixels.base if is_read_only and isinstance(pixels.base, mmap.mmap) else None
