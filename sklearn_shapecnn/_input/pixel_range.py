"""PixelRange: the pixel values seen in fit, and warnings about images on another scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._input.image_set import Fingerprints, ImageSet, border_means

MAX_IMAGES = 256  # to check in one call, or up to twice as many
FAR_BEYOND = 5.0  # times the range seen in fit
NARROW = 1 / 50  # of the range seen in fit
SEVERAL = 10  # images
FAR_BORDER = 0.6  # of the range seen in fit, as the distance of an inverted border
LEAST_RATIO = 2  # between two scales
USUAL_TOPS = (1, 16, 255, 4095, 65535)  # largest values of common scales that start at zero


@dataclass(frozen=True)
class PixelRange:
    """The range of the pixels of the images seen in fit.

    Attributes
    ----------
    low, high : float
        The smallest and the largest pixel.
    least_contrast : float
        The smallest difference between the largest and the smallest pixel of an image, among the
        images that are not of one color; infinity if all are.
    tenth_contrast : float
        The tenth smallest of these differences. Ten different images cannot all have less.
    border_low, border_high : float
        The smallest and the largest mean of the outermost pixels of an image.
    """

    low: float
    high: float
    least_contrast: float
    tenth_contrast: float
    border_low: float
    border_high: float

    @classmethod
    def of(cls, found: Fingerprints, rows: np.ndarray) -> PixelRange:
        """Return the range of some of the images."""
        lows, highs, borders = found.lows[rows], found.highs[rows], found.borders[rows]
        contrasts = np.sort(highs - lows)
        contrasts = np.append(contrasts[contrasts > 0], math.inf)
        return cls(
            low=float(lows.min()),
            high=float(highs.max()),
            least_contrast=float(contrasts[0]),
            tenth_contrast=float(contrasts[min(SEVERAL, len(contrasts)) - 1]),
            border_low=float(borders.min()),
            border_high=float(borders.max()),
        )

    def merged(self, other: PixelRange) -> PixelRange:
        """Return the common range of both."""
        return PixelRange(
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            least_contrast=min(self.least_contrast, other.least_contrast),
            # Some of the ten smallest may be among each of both.
            tenth_contrast=min(self.least_contrast, other.least_contrast),
            border_low=min(self.border_low, other.border_low),
            border_high=max(self.border_high, other.border_high),
        )

    def warn_if_unlike(self, image_set: ImageSet, name: str = "X") -> None:
        """Warn if images are on another scale than those seen in fit, or are inverted.

        Images that fit has seen never cause a warning, and neither does a single dark image.
        """
        width = self.high - self.low
        if width <= 0:
            return
        images, image_shape = image_set.spread(MAX_IMAGES), image_set.image_shape
        low, high = float(images.min()), float(images.max())
        if self._is_far(low, high, len(images)) or self._is_narrow(images, high - low):
            warn(
                f"The pixels of {name} range from {low:.4g} to {high:.4g}, but those of the images "
                f"seen in fit range from {self.low:.4g} to {self.high:.4g}. The predictions are "
                f"probably wrong. {self._advice(low, high, images.dtype, name)}"
            )
        elif self._is_inverted(images, image_shape):
            border = float(border_means(images, image_shape).mean())
            warn(
                f"The images in {name} look inverted: their borders have a mean of {border:.4g}, "
                f"but the borders of the images seen in fit have {self.border_low:.4g} to "
                f"{self.border_high:.4g}. The predictions are probably wrong. If dark and light "
                f"are swapped, pass {self.low + self.high:.4g} - {name}."
            )

    def _is_far(self, low: float, high: float, n_images: int) -> bool:
        """Return whether a pixel is far beyond the range seen in fit."""
        far = FAR_BEYOND * (self.high - self.low)
        # Zero is black on many scales, even if fit has seen light pixels only.
        are_all_darker = low < 0 or (high < self.low and n_images > 1)
        return high - self.high > far or (self.low - low > far and are_all_darker)

    def _is_narrow(self, images: np.ndarray, width: float) -> bool:
        """Return whether at least two images have contrast, but all together have almost none."""
        if not 0 < width < min(NARROW * (self.high - self.low), self.tenth_contrast):
            return False
        rows = images.reshape(len(images), -1)
        rows = np.unique(rows[rows.max(axis=1) > rows.min(axis=1)], axis=0)
        return len(rows) >= SEVERAL or (len(rows) > 1 and width < self.least_contrast)

    def _is_inverted(self, images: np.ndarray, image_shape: tuple[int, int, int]) -> bool:
        """Return whether the borders of all images match inverted borders of those seen in fit."""
        far = FAR_BORDER * (self.high - self.low)
        middle = (self.low + self.high) / 2
        # If fit has seen both light and dark borders, they say nothing. The test is quick.
        nearest = min(abs(self.border_low - middle), abs(self.border_high - middle))
        is_told = nearest > far / 2 and (self.border_low > middle) == (self.border_high > middle)
        if len(images) < 2 or not is_told:
            return False
        borders = border_means(images, image_shape)
        inverted = 2 * middle - borders
        room = (self.high - self.low) / 10
        is_as_seen = (inverted > self.border_low - room) & (inverted < self.border_high + room)
        is_unlike = (borders < self.border_low - far) | (borders > self.border_high + far)
        return bool((is_as_seen & is_unlike).all())

    def _advice(self, low: float, high: float, dtype: np.dtype, name: str) -> str:
        """Say how to bring pixels to the range seen in fit."""
        came, seen = _top(low, high, dtype), _top(self.low, self.high)
        if came is not None and seen is not None and high > 0:
            if came == seen or (came > seen) != (high > self.high):  # as after a division too many
                came = high * seen / self.high
            ratio = max(came / seen, seen / came)
            if ratio > LEAST_RATIO:
                sign = "/" if came > seen else "*"
                return f"If it holds the same kind of images, pass {name} {sign} {ratio:.4g}."
        return f"Bring {name} to the scale of the images that the network was fitted to."


def _top(low: float, high: float, dtype: np.dtype | None = None) -> float | None:
    """Return the largest value of the common scale of the pixels, if they are on one."""
    if low < 0:
        return None
    if dtype in (np.uint8, np.uint16):
        return float(np.iinfo(dtype).max)
    return next((top for top in USUAL_TOPS if high <= top), None)
