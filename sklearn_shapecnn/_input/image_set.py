"""Images behind an array of any dtype, read-only: batches of them, and a hash of each.

The pixels stay as they came, in memory or on disk. Only the images of one batch at a time are
copied, as float32.
"""

from __future__ import annotations

import hashlib
import math
import mmap
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

BLOCK_BYTES = 2**22  # pixels are read in blocks of about this many bytes


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

        Values beyond float32 become infinite; the caller has to look for them.
        """
        with np.errstate(all="ignore"):
            part = np.array(self.pixels[rows], dtype=np.float32, order="C")
        if self._file is not None:  # else the whole file ends up in this process's memory
            with suppress(OSError):  # of a process that keeps all of its pages in memory (mlockall)
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
            If a pixel is NaN or too large for float32.
        """
        digests = np.empty((len(self), 2), dtype=np.uint64)
        means = np.empty(len(self))
        mean_squares = np.empty(len(self))
        for block in self.blocks():
            rows = self.batch(block).reshape(block.stop - block.start, -1)
            rows += 0.0  # -0.0 is the same pixel as 0.0
            wide = rows.astype(np.float64)
            with np.errstate(all="ignore"):  # infinities of both signs have no mean
                means[block] = wide.mean(axis=1)
                mean_squares[block] = np.einsum("ij,ij->i", wide, wide) / rows.shape[1]
            if np.isnan(mean_squares[block]).any():  # so far with assume_finite=True alone
                raise ValueError("Input X contains NaN.")
            if not np.isfinite(mean_squares[block]).all():
                raise ValueError(
                    "Input X contains infinity or a value too large for dtype('float32'), in which "
                    "the network computes; divide X by its largest value."
                )
            for i, row in enumerate(rows, start=block.start):
                digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
                digests[i] = np.frombuffer(digest, dtype=np.uint64)
        return digests, means, mean_squares


def _mapped_file(pixels: np.ndarray) -> mmap.mmap | None:
    """The map of the file behind an array, if it is sure that its pages can be dropped.

    Only of a map that `numpy.memmap` made for reading it is: its pages are those of a file, and
    nobody can have written to them. The pages of other maps may be all there is of the pixels, such
    as those of anonymous memory, and then dropping them would be erasing them.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):
        return None
    while isinstance(pixels.base, np.ndarray):
        pixels = pixels.base
    is_read_only = isinstance(pixels, np.memmap) and pixels.mode == "r"
    return pixels.base if is_read_only and isinstance(pixels.base, mmap.mmap) else None
