"""TargetScale: targets that are numbers become ones of about mean zero and deviation one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._training.losses import weighted_quantile

MAX_RATIO = 20  # of deviations, and of a shift to a deviation, on one and the same scale
# Shares of the distances from the median, the first of which that is not zero is the deviation.
# Of a normal distribution the first one is its standard deviation.
ROBUST_SHARES = (0.683, 0.9, 0.99, 1.0)

Measure = Callable[[np.ndarray, np.ndarray], tuple[float, float]]  # center and deviation


@dataclass(frozen=True)
class TargetScale:
    """Where the targets of some images lie.

    Attributes
    ----------
    center, deviation : ndarray of shape (n_targets,), dtype float64
        The deviation is 0 where all targets are the same.
    """

    center: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, targets: np.ndarray, weights: np.ndarray, is_robust: bool = False) -> TargetScale:
        """Find the scale of targets of shape (n, n_targets).

        Parameters
        ----------
        targets : ndarray of shape (n, n_targets), dtype float64
        weights : ndarray of shape (n,)
        is_robust : bool, default=False
            Whether a few wild targets shall not count: by quantiles instead of mean and standard
            deviation.
        """
        measure = _robust_scale if is_robust else _usual_scale
        scales = [_safely(measure, column, weights) for column in targets.T]
        center, deviation = np.array(scales, dtype=np.float64).reshape(-1, 2).T
        return cls(center, deviation)

    def standardize(self, targets: np.ndarray) -> np.ndarray:
        """Targets for the network, in float32."""
        with np.errstate(over="ignore", under="ignore"):
            # Not the difference itself, which may be larger than any number.
            unit = np.where(self.deviation > 0, self.deviation, 1.0)
            result = targets / unit - self.center / unit
            limit = float(np.finfo(np.float32).max) ** 0.5  # squares of it are still finite
            return np.clip(np.nan_to_num(result), -limit, limit).astype(np.float32)

    def restore(self, outputs: np.ndarray) -> np.ndarray:
        """Numbers on the scale of the targets, in float64, from what the network gives."""
        return self.center + self.deviation * outputs

    def updated(self, found: TargetScale) -> TargetScale:
        """Take over what is found in later targets, where all earlier ones were the same."""
        knows = self.deviation > 0
        # Pieces that are each the same number, but not the same one as the others.
        differ = ~knows & (found.deviation == 0) & (found.center != self.center)
        distance = np.abs(found.center / 2 - self.center / 2)
        return TargetScale(
            np.where(knows | differ, self.center, found.center),
            np.where(knows, self.deviation, np.where(differ, 2 * distance, found.deviation)),
        )

    def warn_if_unlike(self, found: TargetScale) -> None:
        """Warn if later targets seem to be on another scale."""
        with np.errstate(all="ignore"):
            shift = np.abs(found.center - self.center) / self.deviation
            ratio = found.deviation / self.deviation
        knows = self.deviation > 0
        is_unlike = knows & ((shift > MAX_RATIO) | (ratio > MAX_RATIO))
        if not is_unlike.any():
            return
        i = int(is_unlike.argmax())
        warn(
            f"The targets y seem to be on another scale than the first ones that the network has "
            f"learned from, which set its scale: those had a center of {self.center[i]:.3g} and a "
            f"deviation of {self.deviation[i]:.3g}, these have {found.center[i]:.3g} and "
            f"{found.deviation[i]:.3g}. Give all targets in the same units, or call fit with all "
            f"of them."
        )


def _safely(measure: Measure, values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Center and deviation, whatever the size of the values."""
    first = float(values[0])
    if (values == first).all():
        return first, 0.0
    # By a power of two, so that nothing is rounded; and no square is too large or too small.
    exponent = int(np.frexp(np.abs(values).max())[1])
    center, deviation = measure(np.ldexp(values, -exponent), weights)
    return float(np.ldexp(center, exponent)), float(np.ldexp(deviation, exponent))


def _usual_scale(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    center = np.average(values, weights=weights)
    return center, float(np.sqrt(np.average((values - center) ** 2, weights=weights)))


def _robust_scale(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    center = weighted_quantile(values, weights, 0.5)
    distances = np.abs(values - center)
    deviations = (weighted_quantile(distances, weights, share) for share in ROBUST_SHARES)
    return center, next((deviation for deviation in deviations if deviation > 0), 0.0)
