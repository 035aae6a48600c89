"""The size that all images of a folder have in common."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from sklearn_shapecnn.images import ImageReader
from sklearn_shapecnn.images._items import list_some
from sklearn_shapecnn.images._progress import show_progress
from sklearn_shapecnn.images._sizes import read_sizes

MOST_BYTES = 2**32  # of images that keep a size that nobody asked for
USUAL_SIDE, LONGEST_SIDE = 72, 128  # that an error suggests

Size = tuple[int, int]


def find_shared_size(
    reader: ImageReader, filenames: Sequence[str], on_error: str, verbose: bool | int
) -> Size:
    """Find the (height, width) that all readable images have.

    Files whose pixels are broken do not count if `on_error` is 'skip'.

    Raises
    ------
    ValueError
        If the sizes differ, the images would fill the memory, or `on_error` is 'raise' and a file
        that decides is broken.
    """
    sizes = read_sizes(filenames, max_pixels=reader.max_pixels, n_jobs=reader.n_jobs)
    files: dict[Size, list[str]] = {}
    for name, size in zip(
        filenames, show_progress(sizes, len(filenames), "sizes", verbose), strict=True
    ):
        if size is not None:
            files.setdefault(size, []).append(name)
    if len(files) > 1:
        _leave_out_broken(files, reader, on_error)
    counts = Counter({size: len(names) for size, names in files.items()})
    found = sorted(counts, key=lambda size: (-counts[size], size))
    if len(found) > 1:
        told = [f"{size} in {counts[size]} file{'s' * (counts[size] > 1)}" for size in found]
        raise ValueError(
            f"image_shape=None keeps the size of the images, but they have {len(found)} sizes "
            f"(height, width): {list_some(told)}. Set the size that all are resized to, such as "
            f"image_shape={_propose(found[0])}; aspect says how images of other proportions are "
            f"resized."
        )
    if not found:
        return 1, 1  # no file can be read: reading them says why
    n_channels = 1 if reader.as_gray else 3
    n_bytes = (
        len(filenames) * math.prod(found[0]) * n_channels * (4 if reader.dtype == "float32" else 1)
    )
    if n_bytes > MOST_BYTES and reader.memmap_folder is None:
        height, width = found[0]
        raise ValueError(
            f"image_shape=None keeps the size of the images, {height} x {width} pixels, but "
            f"{len(filenames)} of them take {n_bytes / 2**30:.1f} GiB of memory. Set a smaller "
            f"size, such as image_shape={_propose(found[0])}. To keep this one, set "
            f"image_shape={found[0]} or memmap_folder."
        )
    return found[0]


def _leave_out_broken(files: dict[Size, list[str]], reader: ImageReader, on_error: str) -> None:
    """Remove sizes whose files are all broken, until two real sizes are left.

    The header also gives the size of a truncated file. For most sizes, one file is decoded.
    """
    n_real = 0
    for size in sorted(files, key=lambda size: len(files[size])):
        if _is_any_readable(files[size], reader, on_error):
            n_real += 1
        else:
            del files[size]
        if n_real == 2:
            return


def _is_any_readable(names: Sequence[str], reader: ImageReader, on_error: str) -> bool:
    for name in names:
        (result,) = reader._read([name], None, only_peaks=True)
        if not isinstance(result, Exception):
            return True
        if on_error == "raise":
            raise result
    return False


def _propose(size: Size) -> Size:
    """Suggest a size with the same proportions that suits a network for small images."""
    longest = max(size)
    scale = USUAL_SIDE / longest if longest > LONGEST_SIDE else 1
    height, width = (max(1, round(scale * side)) for side in size)
    return height, width
