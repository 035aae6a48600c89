"""The scale of the pixels: what images teach about it, and whether later ones are on it too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._training.net import ShapeNet

LEAST_SPREAD = 1 / 50  # of the range of a dtype: a smaller deviation is no scale of its pixels
MAX_RATIO = 20  # of deviations, and of a shift to a deviation, on one and the same scale


@dataclass(frozen=True)
class PixelScale:
    """Where the pixels of some images lie.

    Attributes
    ----------
    center, deviation : float
        Their mean and standard deviation; 0 as deviation if they are all the same, or next to it.
    """

    center: float
    deviation: float

    @property
    def is_known(self) -> bool:
        """Whether the pixels have a spread that teaches a scale."""
        return self.deviation > 0

    @property
    def scale(self) -> float:
        """Pixels enter the network as ``(pixel - center) * scale``."""
        return 1 / self.deviation if self.is_known else 1.0

    def of_a_stream(self, dtype: np.dtype) -> PixelScale:
        """What a first piece tells about all pieces: little, if it is dark or of one color.

        Pixels of 8 bits then have the scale of their range. The range of other integers is no
        scale: they seldom fill it.
        """
        bounds = _bounds(dtype)
        if bounds is None or self.deviation >= LEAST_SPREAD * (bounds[1] - bounds[0]):
            return self
        # The mean and deviation of equally frequent values.
        return PixelScale(sum(bounds) / 2, (bounds[1] - bounds[0]) / 12**0.5)


def match_scale(net: ShapeNet, found: PixelScale, dtype: np.dtype) -> None:
    """Let a net that is to learn further meet the scale of the next images.

    If all images so far were of one color, these set its scale. Otherwise warn, once in the life of
    the net, if they seem to be on another one.
    """
    network = net.module_
    if not net.knows_scale_:
        if found.is_known:
            net.module__center, net.module__scale = found.center, found.scale
            network.center.fill_(found.center)
            network.scale.fill_(found.scale)
            net.knows_scale_ = True
        return
    known = PixelScale(float(network.center), 1 / float(network.scale))
    if net.has_doubted_scale_ or _could_be_of(dtype, known) or _are_alike(known, found):
        return
    warn(
        f"The pixels of X seem to be on another scale than the first ones that the network has "
        f"learned from, which set its scale: those had a mean of {known.center:.3g} and a "
        f"deviation of {known.deviation:.3g}, these have {found.center:.3g} and "
        f"{found.deviation:.3g}. Give all images on the same scale, such as 0 to 1. This warning "
        f"comes once."
    )
    net.has_doubted_scale_ = True


def _bounds(dtype: np.dtype) -> tuple[int, int] | None:
    """The least and the largest value of bools and of integers of 8 bits."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind in "iu" and dtype.itemsize == 1:
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return None


def _could_be_of(dtype: np.dtype, known: PixelScale) -> bool:
    """Whether a scale is such that pixels of this dtype have, as far as it tells."""
    bounds = _bounds(dtype)
    return (
        bounds is not None
        and bounds[0] <= known.center <= bounds[1]
        and known.deviation >= LEAST_SPREAD * (bounds[1] - bounds[0])
    )


def _are_alike(known: PixelScale, found: PixelScale) -> bool:
    if abs(found.center - known.center) > MAX_RATIO * known.deviation:
        return False
    return not found.is_known or 1 / MAX_RATIO < found.deviation / known.deviation < MAX_RATIO
