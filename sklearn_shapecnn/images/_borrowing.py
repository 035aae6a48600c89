"""Pillow images that belong to the caller: read, but never loaded, moved or closed.

`Image.open` reads the header of a file alone. Pillow reads the pixels when they are first asked
for, then closes the file; images that other code goes on with would change under its hands, and a
list of them would fill the memory.
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from sklearn_shapecnn.images._metadata import ORIENTATION, as_orientation, find_orientation


@dataclass(frozen=True)
class BorrowedImage:
    """A Pillow image of the caller's, ready to be sent to another thread or process.

    Parameters
    ----------
    image : PIL.Image.Image or None
        The image, if its pixels are in memory already.
    data : bytes
        Otherwise its file.
    kind : type
        The class of Pillow that reads it.
    frame : int
        Which of its frames is meant.
    mode, size
        What it is to be read as, if Pillow's `draft` was called.
    orientation : int
        How it lies; see `turn`.
    trouble : str
        Why this is not known, or ''.
    """

    image: Image.Image | None
    data: bytes
    kind: type[ImageFile]
    frame: int
    mode: str
    size: tuple[int, int]
    orientation: int
    trouble: str

    def open(self) -> Image.Image:
        """Return the image, or one like it that may be loaded."""
        if self.image is not None:
            return self.image
        image = self.kind(io.BytesIO(self.data))
        if self.frame:
            image.seek(self.frame)
        if (image.mode, image.size) != (self.mode, self.size):
            image.draft(self.mode, self.size)
        image.load()
        return image


def borrow(image: Image.Image) -> BorrowedImage:
    """Note what it takes to read a Pillow image, and leave it alone.

    The caller's file is read from where it stands, and stands there again afterwards. If it cannot
    be read, what is returned is the image itself.
    """
    data = None
    if isinstance(image, ImageFile) and (image.tile or not has_memory(image)):
        data = _read_file(image)
    if isinstance(image, TiffImageFile) and data is not None:
        orientation, trouble = 1, ""  # Pillow turns TIFFs while it loads them
    else:
        orientation, trouble = _find_orientation(image)
    return BorrowedImage(
        image if data is None else None,
        data or b"",
        type(image) if isinstance(image, ImageFile) else ImageFile,
        image.tell(),
        image.mode,
        image.size,
        orientation,
        trouble,
    )


def has_memory(image: ImageFile) -> bool:
    """Whether Pillow has made room for the pixels of an image."""
    try:
        return image.im is not None
    except (AssertionError, ValueError):  # Pillow's for "not yet" and for "no more"
        return False


def _read_file(image: ImageFile) -> bytes | None:
    file = image.fp
    try:
        place = file.tell()  # type: ignore[union-attr]
        try:
            file.seek(0)  # type: ignore[union-attr]
            return file.read()  # type: ignore[union-attr]
        finally:
            file.seek(place)  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):  # there is none, or it is closed
        return None


def _find_orientation(image: Image.Image) -> tuple[int, str]:
    orientation, trouble = find_orientation(image.info)
    if not trouble:
        with suppress(Exception):  # Pillow raises nearly anything
            # It counts what the caller has changed.
            orientation = as_orientation(image.getexif().get(ORIENTATION, 1))
    return orientation, trouble
