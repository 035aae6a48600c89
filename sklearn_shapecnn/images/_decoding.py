"""From a file or an array to the bands of an image.

Pillow decodes files; tifffile decodes the kinds of TIFF that Pillow does not know. This module
calls Pillow's readers one by one, because `Image.open`, which finds the right one, has global
limits. Pillow handles the orientation that cameras write (EXIF), palettes and first frames;
`skimage.io.imread` leaves these to its caller.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

# The first bytes of a file tell its format; its name can be wrong.
_READERS: tuple[tuple[tuple[bytes, ...], type[ImageFile]], ...] = (
    ((b"\x89PNG\r\n\x1a\n",), PngImageFile),
    ((b"\xff\xd8\xff",), JpegImageFile),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
    ((b"BM",), BmpImageFile),
    ((b"GIF87a", b"GIF89a"), GifImageFile),
    ((b"RIFF",), WebPImageFile),
)
_WHITE_IS_ZERO = 0  # a TIFF's tag 262, "photometric interpretation"
_CHANNELS_FIRST = 2  # its tag 284, "planar configuration"


class NotReadable(Exception):
    """What is wrong with an image, in words that follow its name."""


def decode_file(file: BinaryIO, name: str, background: float, max_pixels: int) -> list[Image.Image]:
    """Decode a file.

    Parameters
    ----------
    file : binary file
        An image file, open for reading.
    name : str
        Its path, for Pillow's messages.
    background : float
        What transparent pixels show, from 0 to 1.
    max_pixels : int
        Refuse images with more pixels.

    Returns
    -------
    bands : list of PIL.Image.Image
        One image of mode L or RGB, or one image of mode F for each channel.

    Raises
    ------
    NotReadable
        If the file is no image, or an image of an unusable kind.
    Exception
        Nearly anything that Pillow and tifffile raise for a broken file.
    """

    def check_size(width: int, height: int) -> None:
        if width * height > max_pixels:
            raise NotReadable(
                f"has {width} x {height} pixels, more than max_pixels={max_pixels} allows. If you "
                f"trust it and it fits into your memory, set max_pixels={width * height}."
            )

    head = file.read(16)
    file.seek(0)
    if not head:
        raise NotReadable("is empty: it has no bytes. Copy it once more, or remove it.")
    reader = next((reader for starts, reader in _READERS if head.startswith(starts)), None)
    if reader is None:
        raise NotReadable(
            "is no image that can be read: it does not begin as PNG, JPEG, TIFF, BMP, GIF and WebP "
            "do. Convert it, or remove it."
        )
    try:
        # Not Image.open, which has a limit of its own and warns above it.
        image: ImageFile | None = reader(file, name)
    except SyntaxError:
        if reader is not TiffImageFile:
            raise
        image = None  # such as a TIFF of doubles
    if image is None or (isinstance(image, TiffImageFile) and image.mode == "I"):
        from tifffile import TiffFile  # knows more kinds of numbers, but fewer compressions

        file.seek(0)
        with TiffFile(file) as tiff:
            page: Any = tiff.pages.first
            check_size(page.imagewidth, page.imagelength)
            pixels = page.asarray()
            if page.planarconfig == _CHANNELS_FIRST and pixels.ndim == 3:
                pixels = np.moveaxis(pixels, 0, -1)
            if (orientation := page.tags.get(274)) is not None:
                pixels = _turn(pixels, int(orientation.value))
            return _from_array(
                _invert(pixels) if page.photometric == _WHITE_IS_ZERO else pixels, background
            )
    check_size(*image.size)
    image.load()
    is_inverted = (  # Pillow inverts all others itself
        isinstance(image, TiffImageFile)
        and image.mode.startswith("I;16")
        and image.tag_v2.get(262) == _WHITE_IS_ZERO
    )
    ImageOps.exif_transpose(image, in_place=True)
    if is_inverted:
        return _from_array(_invert(np.asarray(image)), background)
    return _from_pillow(image, background)


def decode_image(image: Any, background: float) -> list[Image.Image]:
    """Turn an array or a Pillow image into bands, as `decode_file` does with a file.

    Raises
    ------
    NotReadable
        If the shape, the dtype or the values are not those of an image.
    """
    if isinstance(image, Image.Image):
        return _from_pillow(ImageOps.exif_transpose(image), background)
    return _from_array(np.asarray(image), background)


def _from_pillow(image: Image.Image, background: float) -> list[Image.Image]:
    if image.mode.startswith(("I", "F")):
        return _from_array(np.asarray(image), background)
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    if not image.has_transparency_data:
        return [image.convert(mode)]
    image = image.convert("RGBA")
    behind = round(255 * background)
    canvas = Image.new(mode, image.size, behind if mode == "L" else (behind,) * 3)
    canvas.paste(image.convert(mode), mask=image.getchannel("A"))
    return [canvas]


def _from_array(pixels: np.ndarray, background: float) -> list[Image.Image]:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] > 4):
        raise NotReadable(
            f"has the shape {pixels.shape}. An image must be of shape (h, w), or (h, w, c) with up "
            f"to four channels, which come last."
        )
    if pixels.size == 0:
        raise NotReadable(f"has no pixels: its shape is {pixels.shape}.")
    if pixels.dtype == bool:
        pixels = pixels * np.uint8(255)
    if pixels.dtype == np.uint8:
        return _from_pillow(Image.fromarray(pixels), background)
    if pixels.dtype.kind == "u":
        pixels = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    elif pixels.dtype.kind == "f":
        darkest, lightest = pixels.min(), pixels.max()
        if not (darkest >= 0 and lightest <= 1):  # also refuses NaN
            raise NotReadable(
                f"holds floats from {darkest:g} to {lightest:g}, but 0 must be black and 1 white. "
                f"Scale them, e.g. with skimage.exposure.rescale_intensity."
            )
        pixels = pixels.astype(np.float32)
    else:
        raise NotReadable(
            f"holds pixels of dtype {pixels.dtype}, which does not tell what is black and what is "
            f"white. Convert them to uint8, or to floats from 0 to 1."
        )
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:]
        pixels = pixels[..., :-1] * alpha + np.float32(background) * (1 - alpha)
    bands = np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else [pixels]
    return [Image.fromarray(np.ascontiguousarray(band)) for band in bands]


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an image upright; EXIF's tag 274 tells how its rows and columns lie."""
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _invert(pixels: np.ndarray) -> np.ndarray:
    return (np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1) - pixels
