"""One image: from what a file or an array holds to pixels of a given size, channels and type.

Files are decoded by Pillow, except for the kinds of TIFF that only tifffile knows. Pillow's readers
are called one by one, for what it does before, to find the right one, has limits that are global.
"""

from __future__ import annotations

import os
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

# The files themselves say what they are, by how they begin; names can be wrong.
_READERS: tuple[tuple[tuple[bytes, ...], type[ImageFile]], ...] = (
    ((b"\x89PNG\r\n\x1a\n",), PngImageFile),
    ((b"\xff\xd8\xff",), JpegImageFile),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
    ((b"BM",), BmpImageFile),
    ((b"GIF87a", b"GIF89a"), GifImageFile),
    ((b"RIFF",), WebPImageFile),
)
PATH = str | os.PathLike
_WHITE_IS_ZERO = 0  # a TIFF's tag 262, "photometric interpretation"
_CHANNELS_FIRST = 2  # its tag 284, "planar configuration"


class _NotReadable(Exception):
    """What is wrong with an image, in words that go on from its name."""


def read_image(item: Any, row: int, parameters: dict[str, Any]) -> np.ndarray | Exception:
    """Pixels of one image, or what is wrong with it.

    The error is returned so that the first one in X can be told, and not the first one in time.
    """
    name = os.fspath(item) if isinstance(item, PATH) else f"Image {row} in X"
    background = parameters["background"]
    try:
        if isinstance(item, PATH):
            try:
                file = open(item, "rb")  # noqa: SIM115 - what comes after has errors of its own
            except IsADirectoryError:
                return ValueError(
                    f"{name} is a folder, not an image. Read it with load_image_folder, or list "
                    f"its files."
                )
            except OSError as error:  # it names the file
                return error.with_traceback(None)
            with file:
                bands = _from_file(file, name, background, parameters["max_pixels"])
        elif isinstance(item, Image.Image):
            bands = _from_pillow(ImageOps.exif_transpose(item), background)
        else:
            bands = _from_array(np.asarray(item), background)
        return _finish(bands, parameters)
    except _NotReadable as error:
        return ValueError(f"{name} {error}")
    except MemoryError:
        raise
    except Exception as error:  # broken files make Pillow raise nearly anything: IndexError, ...
        return ValueError(
            f"{name} cannot be read as an image; it may be broken or cut off "
            f"({type(error).__name__}: {error})."
        )


def _from_file(file: BinaryIO, name: str, background: float, max_pixels: int) -> list[Image.Image]:
    """The image in a file, as Pillow images of mode L, RGB or, one for each channel, F."""

    def check_size(width: int, height: int) -> None:
        if width * height > max_pixels:
            raise _NotReadable(
                f"has {width} x {height} pixels, more than max_pixels={max_pixels} allows. If you "
                f"trust it and it fits into your memory, set max_pixels={width * height}."
            )

    head = file.read(16)
    file.seek(0)
    if not head:
        raise _NotReadable("is empty: it has no bytes. Copy it once more, or remove it.")
    reader = next((reader for starts, reader in _READERS if head.startswith(starts)), None)
    if reader is None:
        raise _NotReadable(
            "is no image that can be read: it does not begin as PNG, JPEG, TIFF, BMP, GIF and WebP "
            "do. Convert it, or remove it."
        )
    try:
        # Not Image.open, which has a limit of its own and warns of what is above it.
        image: ImageFile | None = reader(file, name)
    except SyntaxError:
        if reader is not TiffImageFile:
            raise
        image = None  # doubles, for instance
    if image is None or (isinstance(image, TiffImageFile) and image.mode == "I"):
        from tifffile import TiffFile  # which knows more kinds of numbers, but less compression

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
    is_inverted = (  # Pillow sees to that itself, but for 16 bits
        isinstance(image, TiffImageFile)
        and image.mode.startswith("I;16")
        and image.tag_v2.get(262) == _WHITE_IS_ZERO
    )
    ImageOps.exif_transpose(image, in_place=True)
    if is_inverted:
        return _from_array(_invert(np.asarray(image)), background)
    return _from_pillow(image, background)


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
        raise _NotReadable(
            f"has the shape {pixels.shape}. An image must be of shape (h, w), or (h, w, c) with up "
            f"to four channels, which come last."
        )
    if pixels.size == 0:
        raise _NotReadable(f"has no pixels: its shape is {pixels.shape}.")
    if pixels.dtype == bool:
        pixels = pixels * np.uint8(255)
    if pixels.dtype == np.uint8:
        return _from_pillow(Image.fromarray(pixels), background)
    if pixels.dtype.kind == "u":
        pixels = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    elif pixels.dtype.kind == "f":
        darkest, lightest = pixels.min(), pixels.max()
        if not (darkest >= 0 and lightest <= 1):  # true of NaN as well
            raise _NotReadable(
                f"holds floats from {darkest:g} to {lightest:g}, but 0 must be black and 1 white. "
                f"Scale them, e.g. with skimage.exposure.rescale_intensity."
            )
        pixels = pixels.astype(np.float32)
    else:
        raise _NotReadable(
            f"holds pixels of dtype {pixels.dtype}, which does not tell what is black and what is "
            f"white. Convert them to uint8, or to floats from 0 to 1."
        )
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:]
        pixels = pixels[..., :-1] * alpha + np.float32(background) * (1 - alpha)
    bands = np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else [pixels]
    return [Image.fromarray(np.ascontiguousarray(band)) for band in bands]


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The image as the camera held it, from what EXIF's tag 274 says of its rows and columns."""
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _invert(pixels: np.ndarray) -> np.ndarray:
    return (np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1) - pixels


def _finish(bands: list[Image.Image], parameters: dict[str, Any]) -> np.ndarray:
    """Resize an image and give it its channels and its type."""
    small = [_resize(band, parameters) for band in bands]
    pixels = small[0] if len(small) == 1 else np.stack(small, axis=-1)
    if pixels.dtype == np.uint8:
        pixels = pixels / np.float32(255)
    if pixels.ndim == 3 and parameters["as_gray"]:
        from skimage.color import rgb2gray  # a quarter of a second that gray images do without

        pixels = rgb2gray(pixels)
    elif pixels.ndim == 2 and not parameters["as_gray"]:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    return to_dtype(pixels, parameters["dtype"])


def _resize(band: Image.Image, parameters: dict[str, Any]) -> np.ndarray:
    """Shrinking averages over all that a new pixel covers: that is the anti-aliasing."""
    height, width = parameters["image_shape"]
    if parameters["aspect"] == "crop":
        return np.asarray(ImageOps.fit(band, (width, height), Image.Resampling.BILINEAR))
    if parameters["aspect"] == "stretch":
        return np.asarray(band.resize((width, height), Image.Resampling.BILINEAR))
    scale = min(height / band.height, width / band.width)
    inner_height = max(1, round(scale * band.height))  # 0 for what is very long and thin
    inner_width = max(1, round(scale * band.width))
    inner = np.asarray(band.resize((inner_width, inner_height), Image.Resampling.BILINEAR))
    fill = parameters["background"]
    if inner.dtype == np.uint8:
        fill = round(255 * fill)
    outer = np.full((height, width, *inner.shape[2:]), fill, dtype=inner.dtype)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    outer[top : top + inner_height, left : left + inner_width] = inner
    return outer


def to_dtype(pixels: np.ndarray, dtype: str) -> np.ndarray:
    """Floats from 0 to 1 as such, or as integers from 0 to 255."""
    pixels = np.clip(pixels, 0, 1, dtype=np.float32)  # sums of rounded weights can exceed 1
    return np.rint(255 * pixels).astype(np.uint8) if dtype == "uint8" else pixels
