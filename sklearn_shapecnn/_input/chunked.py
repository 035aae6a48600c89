"""Write chunked arrays, such as Dask's and Zarr's, to a temporary file piece by piece."""

from __future__ import annotations

import errno
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

PIECE_BYTES = 2**25  # chunks are read together up to this many bytes, since each read has a cost


def is_chunked(X: Any) -> bool:
    """Return whether X is stored elsewhere in chunks, like arrays of Dask, Zarr and h5py."""
    names = ("chunks", "shape", "dtype", "__getitem__")
    if not all(hasattr(X, name) for name in names):
        return False
    # Without chunks, an h5py array is still on disk, but an xarray array is in memory.
    is_in_memory = X.chunks is None and hasattr(X, "to_numpy")
    return len(X.shape) > 0 and not is_in_memory


def spool_to_disk(X: Any, check: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Check a chunked array while writing it to a temporary file, and map that file.

    The file has no name; it disappears with the map.
    """
    if any(math.isnan(length) for length in X.shape):
        raise ValueError(
            f"X has chunks of unknown size: its shape is {X.shape}. Call X.compute_chunk_sizes() "
            f"first."
        )
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
                    f"X claims to have the shape {X.shape}, but its part "
                    f"X[{rows.start}:{rows.stop}] has the shape {part.shape}."
                )
            dtype = dtype or part.dtype
            # Write to the file, not the map, whose pages would count as memory of this process.
            part.astype(dtype, casting="same_kind", copy=False).tofile(file)
        return np.memmap(file, dtype=np.dtype(dtype), mode="r", shape=X.shape)


def _pieces(X: Any) -> Iterator[slice]:
    """Iterate over slices that cover the rows of a chunked array, keeping chunks whole if possible.

    A piece is at most as large as the largest chunk or `PIECE_BYTES`, whichever is larger. So
    chunks that hold only a part of each image are read several times.
    """
    n = X.shape[0]
    # Along each axis, Dask gives all chunk lengths, Zarr and h5py only one; h5py may give None.
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
        yield slice(0, 0)  # an empty part, which the check rejects
