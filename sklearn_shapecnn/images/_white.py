"""The value that becomes white, and warnings about images that are dark or too bright for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn.images._items import list_some

# A value of `white` in decoding that no dtype can hold. So images are scaled by the largest number
# of their dtype, and the largest value of each image is found.
MEASURE = math.inf
_USUAL_BITS = (1, 8, 10, 12, 14, 16, 24, 32)  # of cameras and scanners
_MOST_GRAYS = 255  # of 8 bits, which nobody mistakes for more


@dataclass(frozen=True)
class Peak:
    """The largest value in an image of integers, and the largest one that its dtype can hold."""

    value: int
    limit: int


@dataclass
class Peaks:
    """The largest values of many images.

    Parameters
    ----------
    white : float or None
        The value that becomes white; None means the largest one of each dtype.
    dtype : str
        The dtype of the result.
    """

    white: float | None
    dtype: str
    largest: int | None = None
    n_deep: int = 0
    brightest: tuple[str, Peak] | None = None
    above: list[tuple[str, Peak]] = field(default_factory=list)

    def add(self, name: str, peak: Peak | None) -> None:
        """Record the largest value of an image; None if it holds no integers."""
        if peak is None:
            return
        self.largest = max(peak.value, self.largest or 0)
        if self.white is None and peak.limit > _MOST_GRAYS:
            self.n_deep += 1
            if self.brightest is None or _share(peak) > _share(self.brightest[1]):
                self.brightest = name, peak
        elif self.white is not None and self.white < peak.value:
            self.above.append((name, peak))

    def warn(self) -> None:
        """Warn if all images are nearly black, or if some hold values brighter than white."""
        if self.brightest is not None:
            name, peak = self.brightest
            if 0 < _share(peak) <= 1 / 8:
                grays = round(_MOST_GRAYS * _share(peak)) + 1
                loss = f" and dtype='uint8' keeps {grays} grays" if self.dtype == "uint8" else ""
                white = next(2**bits - 1 for bits in _USUAL_BITS if 2**bits > peak.value)
                warn(
                    f"The largest value in {self.n_deep} images of {peak.limit.bit_length()} bits "
                    f"is {peak.value}, in {name}. White is {peak.limit}, so all are dark{loss}. "
                    f"Set white_level={white} if that is the largest value they can have, or "
                    f"white_level='collection' to make their largest value white."
                )
        if self.above:
            name, peak = max(self.above, key=lambda named: named[1].value)
            warn(
                f"{len(self.above)} images have values above white_level={self.white:g}, which "
                f"became white: up to {peak.value}, in {name}. To tell them apart, set "
                f"white_level={peak.value} or more. The images: "
                f"{list_some([name for name, _ in self.above])}."
            )


def _share(peak: Peak) -> float:
    return peak.value / peak.limit
