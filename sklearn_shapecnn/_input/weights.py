"""What the weights may be: one for each image, with that of its class."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_non_negative

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._input.errors import check_mask, prefix_errors
from sklearn_shapecnn._input.plain import as_numpy

MAX_CLASS_RATIO = 999  # total weight of one class over another's; beyond, a class may be overlooked


@np.errstate(all="ignore")  # the least weights are lost beside the largest
def check_weights(
    sample_weight: Any,
    class_weight: Any,
    pixels: np.ndarray,
    classes: np.ndarray,
    targets: np.ndarray,
) -> np.ndarray:
    """Find the weight of each image, times that of its class; the largest is from 0.5 to 1.

    Parameters
    ----------
    sample_weight : array-like of shape (n,), number or None
    class_weight : dict, 'balanced' or None
    pixels : ndarray of shape (n, ...)
    classes : ndarray of shape (n_classes,)
    targets : ndarray of shape (n,)
        Index of each image's class.

    Raises
    ------
    ValueError
        If weights are negative, not finite or all zero.
    """
    weights = _check_sample_weights(sample_weight, len(pixels))
    if class_weight is not None:
        weights = _scale_to_one(weights)  # for their sums to be finite
        weights = weights * _class_weights(class_weight, weights, classes, targets)[targets]
    if not weights.any():
        raise ValueError(
            "All sample weights are zero: fit needs images of two classes with a positive weight, "
            "partial_fit one image. Look at sample_weight and class_weight."
        )
    weights = _scale_to_one(weights)
    weights[weights < 1e-30] = 0  # lost beside the others in float32
    return weights


def _check_sample_weights(sample_weight: Any, n_samples: int) -> np.ndarray:
    if sample_weight is None:
        return np.ones(n_samples)
    sample_weight = as_numpy(sample_weight, "sample_weight")
    check_mask(sample_weight, "sample_weight")
    if isinstance(sample_weight, Number) or (
        isinstance(sample_weight, np.ndarray) and sample_weight.ndim == 0
    ):
        sample_weight = np.full(n_samples, sample_weight)
    with prefix_errors("sample_weight"), sklearn.config_context(assume_finite=False):
        weights = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
        )
        if weights.shape != (n_samples,):
            raise ValueError(
                f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}: give one weight "
                f"for each image."
            )
        check_non_negative(weights, "`sample_weight`")
    return weights


def warn_about_light_classes(classes: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
    """Warn if a class weighs so little beside another that training may overlook it."""
    totals = np.bincount(targets, weights=weights, minlength=len(classes))
    light = int(np.where(totals > 0, totals, np.inf).argmin())  # weight zero is on purpose
    heavy = int(totals.argmax())
    if totals[light] < totals[heavy] / MAX_CLASS_RATIO:
        warn(
            f"The class {classes.tolist()[heavy]!r} of y has {totals[heavy] / totals[light]:.3g} "
            f"times the weight of the class {classes.tolist()[light]!r}, which may therefore never "
            f"be predicted. Where it should be, set class_weight='balanced'.",
            ConvergenceWarning,
        )


def _scale_to_one(weights: np.ndarray) -> np.ndarray:
    """Scale weights so that the largest is from 0.5 to 1, unless all are zero."""
    # By a power of two, so that no weight is rounded.
    return np.ldexp(weights, -int(np.frexp(weights.max())[1]))


def _class_weights(
    class_weight: Any, weights: np.ndarray, classes: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    if isinstance(class_weight, str):
        # As compute_class_weight does, but here an image of weight two counts twice.
        totals = np.bincount(targets, weights=weights, minlength=len(classes))
        present = totals > 1e-250  # else what they are multiplied with is infinite
        return np.divide(
            weights.sum() / max(1, present.sum()),
            totals,
            out=np.zeros(len(classes)),
            where=present,
        )
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown and any(label not in class_weight for label in labels):
        raise ValueError(
            f"class_weight holds {unknown[0]!r}, which is none of the labels {labels}."
        )
    with prefix_errors("class_weight"):
        by_class = compute_class_weight(class_weight, classes=classes, y=classes)
    if not (np.isfinite(by_class) & (by_class >= 0)).all():
        raise ValueError(
            f"class_weight must hold finite numbers that are not negative, but got "
            f"{class_weight!r}."
        )
    return by_class
