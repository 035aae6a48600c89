"""Check the weights: one for each image, multiplied by the weight of its class."""

from __future__ import annotations

from contextlib import suppress
from numbers import Number
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.validation import check_non_negative

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._input.errors import check_mask, check_no_times, prefix_errors
from sklearn_shapecnn._input.plain import as_numpy
from sklearn_shapecnn._input.targets import label_shares

MAX_CLASS_RATIO = 999  # of total class weights; above it, training may ignore the lighter class


@np.errstate(all="ignore")  # the smallest weights may underflow
def check_weights(
    sample_weight: Any,
    class_weight: Any,
    pixels: np.ndarray,
    classes: np.ndarray | None = None,
    targets: np.ndarray | None = None,
) -> np.ndarray:
    """Return the weight of each image times that of its class; the largest is from 0.5 to 1.

    Parameters
    ----------
    sample_weight : array-like of shape (n,), number or None
    class_weight : dict, 'balanced' or None
    pixels : ndarray of shape (n, ...)
    classes : ndarray of shape (n_classes,), default=None
    targets : ndarray of shape (n,), default=None
        Index of each image's class. Needed only with `class_weight`.

    Raises
    ------
    ValueError
        If weights are negative, not finite or all zero.
    """
    weights = _check_sample_weights(sample_weight, len(pixels))
    if class_weight is not None and classes is not None and targets is not None:
        weights = _scale_to_one(weights)  # so that their sums are finite
        weights = weights * _class_weights(class_weight, weights, classes, targets)[targets]
    if not weights.any():
        raise ValueError(
            "All sample weights are zero: there is no image to learn from. Check sample_weight "
            "and class_weight."
        )
    weights = _scale_to_one(weights)
    weights[weights < 1e-30] = 0  # negligible next to the others in float32
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
        check_no_times(sample_weight, "sample_weight")
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
    """Warn if a class has so little weight that training may ignore it."""
    totals = np.bincount(targets, weights=weights, minlength=len(classes))
    light = int(np.where(totals > 0, totals, np.inf).argmin())  # a weight of zero is intended
    heavy = int(totals.argmax())
    if totals[light] < totals[heavy] / MAX_CLASS_RATIO:
        warn(
            f"The class {classes.tolist()[heavy]!r} of y has {totals[heavy] / totals[light]:.3g} "
            f"times the weight of the class {classes.tolist()[light]!r}, which may therefore never "
            f"be predicted. If it should be, set class_weight='balanced'.",
            ConvergenceWarning,
        )


def check_label_weights(
    class_weight: Any, indicators: np.ndarray, weights: np.ndarray, is_piece: bool = False
) -> np.ndarray | None:
    """Return the weights of the absence and presence of each label; None if all are equal.

    Parameters
    ----------
    class_weight : dict, list of dict, 'balanced' or None
        A dict applies to all labels; a list has one dict for each.
    indicators : ndarray of shape (n, n_labels)
        Which labels the images have.
    weights : ndarray of shape (n,)
        Weights of the images.
    is_piece : bool, default=False
        Whether these are only some of the images, so that their shares say nothing about the rest.

    Returns
    -------
    label_weights : ndarray of shape (2, n_labels), dtype float64
        The mean weight of each label is one, over the images, or for a piece, over absence and
        presence.

    Raises
    ------
    ValueError
        If a key is not 0 or 1, or if there is not one dict for each label.
    """
    if class_weight is None:
        return None
    n_labels = indicators.shape[1]
    shares = label_shares(indicators, weights)
    if isinstance(class_weight, str):
        both = (shares > 0).all(axis=0)
        return np.divide(0.5, shares, out=np.ones_like(shares), where=both)
    given = [class_weight] * n_labels if isinstance(class_weight, dict) else list(class_weight)
    if len(given) != n_labels:
        raise ValueError(
            f"class_weight holds {len(given)} dicts, but y has {n_labels} labels. Give one for "
            f"each label, such as [{{0: 1, 1: 5}}, ...], or one dict for all of them."
        )
    for each in given:
        if not isinstance(each, dict) or not set(each) <= {0, 1}:
            raise ValueError(
                f"With several labels per image, class_weight must give weights to the absence and "
                f"presence of a label, such as {{0: 1, 1: 5}}, but holds {each!r}."
            )
    columns = [[each.get(value, 1.0) for value in (0, 1)] for each in given]
    with prefix_errors("class_weight"):
        by_label = np.array(columns, dtype=np.float64).T
    if not (np.isfinite(by_label) & (by_label >= 0)).all():
        raise ValueError(
            f"class_weight must hold finite numbers that are not negative, but got "
            f"{class_weight!r}."
        )
    totals = (by_label / 2).sum(axis=0) if is_piece else (by_label * shares).sum(axis=0)
    if not totals.any():
        raise ValueError(
            f"class_weight={class_weight!r} leaves no label with a weight: there is nothing to "
            f"learn."
        )
    return by_label / np.where(totals > 0, totals, 1.0)


def _scale_to_one(weights: np.ndarray) -> np.ndarray:
    """Scale weights so that the largest is from 0.5 to 1, unless all are zero."""
    # By a power of two, so that no weight is rounded.
    return np.ldexp(weights, -int(np.frexp(weights.max())[1]))


def _class_weights(
    class_weight: Any, weights: np.ndarray, classes: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    if isinstance(class_weight, str):
        # Like compute_class_weight, but an image of weight two counts twice.
        totals = np.bincount(targets, weights=weights, minlength=len(classes))
        present = totals > 1e-250  # otherwise their factor would be infinite
        return np.divide(
            weights.sum() / max(1, present.sum()),
            totals,
            out=np.zeros(len(classes)),
            where=present,
        )
    # As a list, dates would be other objects than those that users have.
    labels = list(classes) if classes.dtype.kind in "mM" else classes.tolist()
    keys = [_key_of(label, class_weight) for label in labels]
    known = set(keys)
    unknown = [key for key in class_weight if key not in known]
    if unknown and any(key not in class_weight for key in keys):
        raise ValueError(
            f"class_weight holds {unknown[0]!r}, which is not among the labels {labels}."
        )
    with prefix_errors("class_weight"):
        by_class = np.array([class_weight.get(key, 1.0) for key in keys], dtype=np.float64)
    if not (np.isfinite(by_class) & (by_class >= 0)).all():
        raise ValueError(
            f"class_weight must hold finite numbers that are not negative, but got "
            f"{class_weight!r}."
        )
    return by_class


def _key_of(label: Any, class_weight: dict) -> Any:
    """Return the key of a label: itself, or the number 3 for "3", as in scikit-learn's forests."""
    if isinstance(label, str) and label not in class_weight:
        with suppress(ValueError):
            return int(label) if int(label) in class_weight else label
    return label
