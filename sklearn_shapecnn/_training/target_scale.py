"""TargetScale: scale targets that are numbers to about mean zero and deviation one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._training.losses import weighted_quantile

MAX_RATIO = 20  # of deviations, and of a shift to a deviation, on the same scale
# Quantiles of the distances from the median. The first one that is not zero is the deviation. The
# first quantile of a normal distribution is its standard deviation.
ROBUST_SHARES = (0.683, 0.9, 0.99, 1.0)

Measure = Callable[[np.ndarray, np.ndarray], tuple[float, float]]  # center and deviation


@dataclass(frozen=True)
class TargetScale:
    """Center and deviation of the targets of some images.

    Attributes
    ----------
    center, deviation : ndarray of shape (n_targets,), dtype float64
        The deviation is 0 if all targets are the same.
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
            Whether to be robust to a few outliers, with quantiles instead of mean and standard
            deviation.
        """
        measure = _robust_scale if is_robust else _usual_scale
        scales = [_safely(measure, column, weights) for column in targets.T]
        center, deviation = np.array(scales, dtype=np.float64).reshape(-1, 2).T
        return cls(center, deviation)

    def standardize(self, targets: np.ndarray) -> np.ndarray:
        """Scale targets for the network, in float32."""
        with np.errstate(over="ignore", under="ignore"):
            # Divide first, since the difference itself may overflow.
            unit = np.where(self.deviation > 0, self.deviation, 1.0)
            result = targets / unit - self.center / unit
            limit = float(np.finfo(np.float32).max) ** 0.5  # its square is still finite
            return np.clip(np.nan_to_num(result), -limit, limit).astype(np.float32)

    def restore(self, outputs: np.ndarray) -> np.ndarray:
        """Bring outputs of the network to the scale of the targets, in float64."""
        return self.center + self.deviation * outputs

    def updated(self, found: TargetScale) -> TargetScale:
        """Use the scale of later targets if all earlier ones were the same."""
        knows = self.deviation > 0
        # Targets that are constant in each call, but differ from call to call.
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
    """Measure center and deviation of values of any size."""
    first = float(values[0])
    if (values == first).all():
        return first, 0.0
    # Scale by a power of two, which rounds nothing, so that no square is too large or too small.
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
