"""Read Pillow images that belong to the caller, without loading, moving or closing them.

`Image.open` reads only the header of a file. Pillow reads the pixels on first use and then closes
the file. Loading the caller's images would change them while other code uses them, and a list of
loaded images would fill the memory.
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
    """A Pillow image of the caller, ready to be sent to another thread or process.

    Parameters
    ----------
    image : PIL.Image.Image or None
        The image, if its pixels are already in memory.
    data : bytes
        The content of its file otherwise.
    kind : type
        The Pillow class that reads it.
    frame : int
        The index of the frame to read.
    mode, size
        What to read it as, if Pillow's `draft` was called.
    orientation : int
        Its orientation; see `turn`.
    trouble : str
        Why the orientation is unknown, or ''.
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
        """Return the image, or an equal one that may be loaded."""
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
    """Collect what is needed to read a Pillow image, without changing the image.

    The position in the caller's file is the same afterwards. If the file cannot be read, the result
    holds the image itself.
    """
    data = None
    if isinstance(image, ImageFile) and (image.tile or not has_memory(image)):
        data = _read_file(image)
    if isinstance(image, TiffImageFile) and data is not None:
        orientation, trouble = 1, ""  # Pillow turns TIFFs while loading them
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
    """Return whether Pillow has allocated memory for the pixels of an image."""
    try:
        return image.im is not None
    except (AssertionError, ValueError):  # Pillow raises these for "not yet" and "no longer"
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
    except (AttributeError, OSError, ValueError):  # there is no file, or it is closed
        return None


def _find_orientation(image: Image.Image) -> tuple[int, str]:
    orientation, trouble = find_orientation(image.info)
    if not trouble:
        with suppress(Exception):  # Pillow may raise almost anything
            # This includes changes by the caller.
            orientation = as_orientation(image.getexif().get(ORIENTATION, 1))
    return orientation, trouble
