"""Convert the bands of an image to pixels of a given size, channels and dtype."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps


@dataclass(frozen=True)
class ImageFormat:
    """The format of all images; see the parameters of ImageReader."""

    image_shape: tuple[int, int]
    as_gray: bool
    aspect: str
    background: float
    dtype: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (height, width) for gray images, (height, width, 3) for others."""
        return self.image_shape if self.as_gray else (*self.image_shape, 3)


def convert(bands: list[Image.Image], image_format: ImageFormat) -> np.ndarray:
    """Resize an image, and convert its channels and its dtype.

    Parameters
    ----------
    bands : list of PIL.Image.Image
        One image of mode L or RGB, or one image of mode F for each channel.
    image_format : ImageFormat
        The format to convert to.

    Returns
    -------
    pixels : ndarray of shape `image_format.shape`
    """
    small = [_resize(band, image_format) for band in bands]
    pixels = small[0] if len(small) == 1 else np.stack(small, axis=-1)
    if pixels.dtype == np.uint8:
        pixels = pixels / np.float32(255)
    if pixels.ndim == 3 and image_format.as_gray:
        from skimage.color import rgb2gray  # takes 0.25 seconds; gray images do not need it

        pixels = rgb2gray(pixels)
    elif pixels.ndim == 2 and not image_format.as_gray:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    return to_dtype(pixels, image_format.dtype)


def to_dtype(pixels: np.ndarray, dtype: str) -> np.ndarray:
    """Convert floats from 0 to 1 to 'float32', or to 'uint8' from 0 to 255."""
    pixels = np.clip(pixels, 0, 1, dtype=np.float32)  # sums of rounded weights can exceed 1
    return np.rint(255 * pixels).astype(np.uint8) if dtype == "uint8" else pixels


def _resize(band: Image.Image, image_format: ImageFormat) -> np.ndarray:
    """Resize a band. Pillow avoids aliasing by averaging over the area of each new pixel."""
    height, width = image_format.image_shape
    if image_format.aspect == "crop":
        return np.asarray(ImageOps.fit(band, (width, height), Image.Resampling.BILINEAR))
    if image_format.aspect == "stretch":
        return np.asarray(band.resize((width, height), Image.Resampling.BILINEAR))
    scale = min(height / band.height, width / band.width)
    inner_height = max(1, round(scale * band.height))  # would be 0 for a very long, thin image
    inner_width = max(1, round(scale * band.width))
    inner = np.asarray(band.resize((inner_width, inner_height), Image.Resampling.BILINEAR))
    fill = image_format.background
    if inner.dtype == np.uint8:
        fill = round(255 * fill)
    outer = np.full((height, width, *inner.shape[2:]), fill, dtype=inner.dtype)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    outer[top : top + inner_height, left : left + inner_width] = inner
    return outer
