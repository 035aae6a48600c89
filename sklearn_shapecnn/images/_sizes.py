"""The sizes of image files: read from their headers, without decoding the pixels if possible."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO

import joblib
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from sklearn_shapecnn.images._decoding import decode_file, find_reader
from sklearn_shapecnn.images._mending import has_broken_tags
from sklearn_shapecnn.images._metadata import (
    ORIENTATION,
    as_orientation,
    find_in_xmp,
    find_orientation,
)

FILES_AT_ONCE = 256  # for each job
_PNG_ORIENTATION = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")  # the chunks that it may be in


def read_sizes(
    paths: Sequence[str | os.PathLike[str]], *, max_pixels: int, n_jobs: int | None
) -> Iterator[tuple[int, int] | None]:
    """Yield the size of each image, in order, as the reader would return it without resizing.

    Yields
    ------
    size : tuple of int (height, width) or None
        None if the file cannot be read. Otherwise, its pixels may still be broken.
    """
    step = FILES_AT_ONCE * joblib.effective_n_jobs(n_jobs)
    read = joblib.delayed(_read_size)
    with joblib.Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        for start in range(0, len(paths), step):
            yield from parallel(read(path, max_pixels) for path in paths[start : start + step])


def _read_size(path: str | os.PathLike[str], max_pixels: int) -> tuple[int, int] | None:
    try:
        with open(path, "rb") as file:
            with suppress(Exception):  # decoding may mend what is broken
                size = _size_in_header(file, max_pixels)
                if size is not None:
                    return size
            file.seek(0)
            band = decode_file(file, os.fspath(path), 1.0, max_pixels, None).bands[0]
            return band.height, band.width
    except MemoryError:
        raise
    except Exception:  # whoever reads the pixels says what is wrong
        return None


def _size_in_header(file: BinaryIO, max_pixels: int) -> tuple[int, int] | None:
    """Read the size of an image, turned upright; None if the header alone is not enough."""
    reader = find_reader(file)
    if reader is None or (issubclass(reader, TiffImageFile) and has_broken_tags(file)):
        return None
    image = reader(file, "")
    width, height = image.size
    if isinstance(image, TiffImageFile):
        width, height = image.tag_v2[256], image.tag_v2[257]  # not turned yet
    if width * height > max_pixels:
        return None
    if width == height:
        return height, width
    if isinstance(image, TiffImageFile):
        in_tag = image.tag_v2.get(ORIENTATION)
        is_in_xmp = in_tag is None and image.mode != "I"  # tifffile reads the others, without XMP
        orientation = find_in_xmp(image.info) if is_in_xmp else as_orientation(in_tag)
    elif isinstance(image, PngImageFile) and _may_turn_at_the_end(file):
        return None
    else:
        orientation, _ = find_orientation(image.info)
    return (width, height) if orientation >= 5 else (height, width)


def _may_turn_at_the_end(file: BinaryIO) -> bool:
    """Return whether a PNG has a chunk after its pixels that may hold the orientation."""
    file.seek(8)
    is_behind = False
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        is_behind |= kind == b"IDAT"
        if is_behind and kind in _PNG_ORIENTATION:
            return True
        file.seek(length + 4, os.SEEK_CUR)  # and its checksum
    return False
