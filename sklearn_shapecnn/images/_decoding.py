"""Decode a file or an array to the bands of an image.

Pillow decodes files; tifffile decodes the kinds of TIFF that Pillow does not support. This module
calls Pillow's readers directly, because `Image.open`, which finds the right one, has global limits.
Pillow handles palettes and first frames; `skimage.io.imread` leaves these to its caller.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sklearn_shapecnn.images._borrowing import BorrowedImage, has_memory
from sklearn_shapecnn.images._mending import MOST_BYTES, has_broken_tags, without_metadata
from sklearn_shapecnn.images._metadata import (
    ORIENTATION,
    as_orientation,
    find_in_xmp,
    find_orientation,
    turn,
)
from sklearn_shapecnn.images._white import Peak

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2  # a TIFF's tag 262, "photometric interpretation"
_CHANNELS_FIRST = 2  # its tag 284, "planar configuration"


class _JpegFile(JpegImageFile):
    """A JPEG whose EXIF Pillow does not read, since broken EXIF can make it fail."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


class _TiffFile(TiffImageFile):
    """A TIFF that Pillow neither turns nor limits in size."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()

    def load_prepare(self) -> None:
        if not has_memory(self):
            self.im = Image.new(self.mode, (self.tag_v2[256], self.tag_v2[257])).im
        super().load_prepare()


# The first bytes of a file tell its format; its name can be wrong.
_READERS: tuple[tuple[tuple[bytes, ...], type[ImageFile]], ...] = (
    ((b"\x89PNG\r\n\x1a\n",), PngImageFile),
    ((b"\xff\xd8\xff",), _JpegFile),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0"), _TiffFile),
    ((b"BM",), BmpImageFile),
    ((b"GIF87a", b"GIF89a"), GifImageFile),
    ((b"RIFF",), WebPImageFile),
)


class NotReadable(Exception):
    """An error about an image, with a message that follows the image's name."""


class _BrokenTags(Exception):
    """A TIFF has tags that point outside the file."""


@dataclass(frozen=True)
class Decoded:
    """A decoded image.

    Parameters
    ----------
    bands : list of PIL.Image.Image
        One image of mode L or RGB, or one image of mode F for each channel.
    peak : Peak, default=None
        Its largest value, for integers of more than 8 bits, or all integers if `white` is set.
    trouble : str, default=''
        What is wrong with its metadata.
    """

    bands: list[Image.Image]
    peak: Peak | None = None
    trouble: str = ""


def decode_file(
    file: BinaryIO, name: str, background: float, max_pixels: int, white: float | None
) -> Decoded:
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
        Reject images with more pixels.
    white : float or None
        The value that becomes white in integer images whose dtype can hold it. If None, and in
        other images, it is the largest number of the dtype.

    Returns
    -------
    decoded : Decoded

    Raises
    ------
    NotReadable
        If the file is not an image, or an image of an unsupported kind.
    Exception
        Almost anything that Pillow and tifffile raise for a broken file.
    """
    reader = find_reader(file)
    if reader is None:
        if not file.read(1):
            raise NotReadable("is empty: it has no bytes. Copy it again, or remove it.")
        raise NotReadable(
            "is not a supported image: it does not start like a PNG, JPEG, TIFF, BMP, GIF or WebP "
            "file. Convert it, or remove it."
        )
    try:
        if reader is _TiffFile and has_broken_tags(file):
            raise _BrokenTags("tags point outside of the file")
        return _decode(file, reader, name, background, max_pixels, white)
    except (NotReadable, MemoryError):
        raise
    except Exception as error:
        mended = None
        if file.seek(0, os.SEEK_END) <= MOST_BYTES:
            file.seek(0)
            mended = without_metadata(file.read())
        try:
            if mended is None:
                raise
            decoded = _decode(io.BytesIO(mended), reader, "", background, max_pixels, white)
            return replace(decoded, trouble=f"{type(error).__name__}: {error}")
        except (NotReadable, MemoryError):
            raise
        except Exception:
            if not isinstance(error, _BrokenTags):
                raise error from None
        file.seek(0)
        return _decode(file, reader, name, background, max_pixels, white)


def find_reader(file: BinaryIO) -> type[ImageFile] | None:
    """Find the class of Pillow that reads a file, or None. The file is left at its beginning."""
    head = file.read(16)
    file.seek(0)
    return next((reader for starts, reader in _READERS if head.startswith(starts)), None)


def decode_image(image: Any, background: float, white: float | None) -> Decoded:
    """Convert an array or a Pillow image to bands, like `decode_file` with a file.

    Raises
    ------
    NotReadable
        If the shape, the dtype or the values are not valid for an image.
    """
    if isinstance(image, BorrowedImage):
        decoded = _from_pillow(image.open(), background, white)
        return _turn(decoded, image.orientation, image.trouble)
    return _from_array(np.asarray(image), background, white)


def _decode(
    file: BinaryIO,
    reader: type[ImageFile],
    name: str,
    background: float,
    max_pixels: int,
    white: float | None,
) -> Decoded:
    def check_size(width: int, height: int) -> None:
        if width * height > max_pixels:
            raise NotReadable(
                f"has {width} x {height} pixels, more than max_pixels={max_pixels} allows. If you "
                f"trust it and it fits into your memory, set max_pixels={width * height}."
            )

    try:
        # Not Image.open, which has its own limit and warns above it.
        image: ImageFile | None = reader(file, name)
    except SyntaxError:
        file.seek(0)
        if reader is not _TiffFile or has_broken_tags(file, needed=True):
            raise
        image = None  # such as a TIFF of doubles
    if image is None or (isinstance(image, TiffImageFile) and image.mode == "I"):
        from tifffile import TiffFile  # supports more kinds of numbers, but fewer compressions

        file.seek(0)
        with TiffFile(file) as tiff:
            page: Any = tiff.pages.first
            n_colors = page.samplesperpixel - len(page.extrasamples)
            if n_colors != {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}.get(page.photometric):
                colors = getattr(page.photometric, "name", page.photometric)
                raise NotReadable(
                    f"is a TIFF that cannot be read: it has colors of type {colors} in "
                    f"{n_colors} channels, and an unusual kind of numbers. Convert it to gray or "
                    f"RGB of 8 or 16 bits."
                )
            check_size(page.imagewidth, page.imagelength)
            pixels = page.asarray()
            if page.planarconfig == _CHANNELS_FIRST and pixels.ndim == 3:
                pixels = np.moveaxis(pixels, 0, -1)
            tag = page.tags.get(ORIENTATION)
            is_negative = page.photometric == _WHITE_IS_ZERO
            decoded = _from_array(pixels, background, white, is_negative)
            return _turn(decoded, 1 if tag is None else as_orientation(tag.value), "")
    check_size(*image.size)
    if not isinstance(image, TiffImageFile):
        image.load()
        # Some formats may store the orientation after the pixels.
        return _turn(_from_pillow(image, background, white), *find_orientation(image.info))
    in_tag = image.tag_v2.get(ORIENTATION)
    orientation = find_in_xmp(image.info) if in_tag is None else as_orientation(in_tag)
    is_negative = (  # Pillow inverts all others itself
        image.mode.startswith("I;16") and image.tag_v2.get(262) == _WHITE_IS_ZERO
    )
    image.load()
    # Pillow gives such an image the size that it has when turned; a copy has the right size.
    loaded = image.copy() if orientation >= 5 else image
    if is_negative:
        return _turn(_from_array(np.asarray(loaded), background, white, True), orientation, "")
    return _turn(_from_pillow(loaded, background, white), orientation, "")


def _turn(decoded: Decoded, orientation: int, trouble: str) -> Decoded:
    bands = [turn(band, orientation) for band in decoded.bands]
    return replace(decoded, bands=bands, trouble=trouble)


def _from_pillow(image: Image.Image, background: float, white: float | None) -> Decoded:
    if image.mode.startswith(("I", "F")):
        return _from_array(np.asarray(image), background, white)
    if white is None or image.mode == "1":
        return Decoded(_blend(image, background))
    mode = "L" if image.mode in ("L", "LA") else "RGB"
    if image.has_transparency_data:
        mode = "LA" if image.mode == "LA" else "RGBA"
    return _from_array(np.asarray(image.convert(mode)), background, white)


def _blend(image: Image.Image, background: float) -> list[Image.Image]:
    """Convert an image of 8 bits to mode L or RGB, on a background."""
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    if not image.has_transparency_data:
        return [image.convert(mode)]
    image = image.convert("RGBA")
    behind = round(255 * background)
    canvas = Image.new(mode, image.size, behind if mode == "L" else (behind,) * 3)
    canvas.paste(image.convert(mode), mask=image.getchannel("A"))
    return [canvas]


def _from_array(
    pixels: np.ndarray, background: float, white: float | None, is_negative: bool = False
) -> Decoded:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] > 4):
        raise NotReadable(
            f"has the shape {pixels.shape}. An image must be of shape (h, w), or (h, w, c) with up "
            f"to four channels, which come last."
        )
    if pixels.size == 0:
        raise NotReadable(f"has no pixels: its shape is {pixels.shape}.")
    if is_bits := pixels.dtype == bool:
        pixels = pixels * np.uint8(255)
    has_alpha = pixels.ndim == 3 and pixels.shape[2] in (2, 4)
    colors = pixels[..., :-1] if has_alpha else pixels
    alpha = pixels[..., -1:] if has_alpha else None
    kind, peak, limit = pixels.dtype.kind, None, 1
    if kind == "u":
        limit = int(np.iinfo(pixels.dtype).max)
        white = None if is_bits else white
        if limit > 255 or white is not None:
            peak = Peak(int(colors.max()), limit)
    elif kind == "f":
        darkest, lightest = pixels.min(), pixels.max()
        if not (darkest >= 0 and lightest <= 1):  # also rejects NaN
            raise NotReadable(
                f"holds floats from {darkest:g} to {lightest:g}, but 0 must be black and 1 white. "
                f"Scale them, e.g. with skimage.exposure.rescale_intensity."
            )
    else:
        raise NotReadable(
            f"holds pixels of dtype {pixels.dtype}, which does not define black and white. Convert "
            f"them to uint8, or to floats from 0 to 1."
        )
    scale = white if kind == "u" and white is not None and white <= limit else limit
    if limit == 255 and scale == 255 and not is_negative:
        return Decoded(_blend(Image.fromarray(pixels), background), peak)
    light = np.minimum(colors / scale, 1).astype(np.float32)
    if is_negative:
        light = 1 - light
    if alpha is not None:
        share = (alpha / limit).astype(np.float32)
        light = light * share + np.float32(background) * (1 - share)
    channels = np.moveaxis(light, -1, 0) if light.ndim == 3 else [light]
    bands = [Image.fromarray(np.ascontiguousarray(channel)) for channel in channels]
    return Decoded(bands, peak)
