"""What y and the weights may look like, and what becomes of them: classes, indices, weights."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from sklearn_shapecnn.compat import warn
from sklearn_shapecnn.images import check_mask, naming

OVERLOOKED = 999  # images to one, from which on a class is easily overlooked


def check_labels(
    y: Any, pixels: np.ndarray | None, estimator_name: str, least: int = 2, name: str = "y"
) -> tuple[np.ndarray, np.ndarray]:
    """Classes, sorted and at least so many, and for each image the index of its class.

    Raises
    ------
    ValueError
        Where y is missing, of another length than the images, or holds what are no labels.
    """
    if y is None:
        raise ValueError(
            f"requires y to be passed, but the target y is None: {estimator_name} learns "
            f"from labelled images."
        )
    y = _plain_labels(y, name)
    if isinstance(y, list | tuple) and len({isinstance(label, str) for label in y}) == 2:
        raise ValueError(  # NumPy would make strings of the others, nan among them
            f"{name} must hold labels of one kind, all numbers or all strings, without None and "
            f"NaN, but holds strings beside others."
        )
    with naming(name):
        shape = np.asarray(y).shape
    if len(shape) == 0:
        raise ValueError(f"{name} must be a list or an array of labels, but is {y!r}.")
    if len(shape) == 2 and shape[1] > 1:
        how = (
            f"Give {name}.ravel()."
            if shape[0] == 1
            else f"If it is one-hot encoded, give {name}.argmax(axis=1)."
        )
        raise ValueError(
            f"{name} should be a 1d array of labels, got an array of shape {shape} instead. {how}"
        )
    with naming(name):
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name=name)
        if pixels is not None:
            check_consistent_length(pixels, y)
    try:
        with naming(name):
            check_classification_targets(y)
        classes, targets = np.unique(y, return_inverse=True)
    except (ValueError, TypeError) as error:
        if y.dtype.kind != "O":
            raise
        kinds = " and ".join(sorted({type(label).__name__ for label in y}))
        raise ValueError(
            f"{name} must hold labels of one kind, all numbers or all strings, without None, but "
            f"it has dtype object and holds {kinds}. Make them so, such as by {name}.astype(int) "
            f"or {name}.astype(str). (Unknown label type.)"
        ) from error
    if len(classes) == 0:
        raise ValueError(f"{name} is empty; it must hold labels.")
    if len(classes) < least:
        raise ValueError(
            f"{name} has only one class, {classes.tolist()[0]!r}; at least 2 classes are needed to "
            f"learn a difference."
        )
    return classes, targets.astype(np.int64)


def check_some_labels(
    y: Any, pixels: np.ndarray, classes: Any, fitted: np.ndarray | None, estimator_name: str
) -> tuple[np.ndarray, np.ndarray]:
    """All classes of a training in pieces and, for each image, the index of its class.

    Parameters
    ----------
    classes : array-like or None
        What the user says they are; needed where there are none from before.
    fitted : ndarray or None
        Those from before.

    Raises
    ------
    ValueError
        Where classes and labels do not agree with each other or with those from before.
    """
    if classes is not None:
        known, _ = check_labels(classes, None, estimator_name, name="classes")
        if fitted is not None and not np.array_equal(known, fitted):
            raise ValueError(
                f"`classes={known.tolist()}` is not the same as on last call to partial_fit or "
                f"fit, which was {fitted.tolist()}. Leave it out, or start anew with fit."
            )
    elif fitted is not None:
        known = fitted
    else:
        raise ValueError(
            "classes must be passed on the first call to partial_fit: all labels that will ever "
            "occur, such as classes=np.unique(y_all)."
        )
    labels, indices = check_labels(y, pixels, estimator_name, least=1)
    try:
        unknown = np.setdiff1d(labels, known).tolist()
    except TypeError:  # numbers beside strings
        unknown = labels.tolist()
    if unknown:
        raise ValueError(
            f"y holds {unknown[0]!r}, which is none of the classes {known.tolist()} that "
            f"partial_fit was told of. Pass all labels as classes in the first call."
        )
    return known, np.searchsorted(known, labels)[indices]


def check_weights(
    sample_weight: Any,
    class_weight: Any,
    pixels: np.ndarray,
    classes: np.ndarray,
    targets: np.ndarray,
) -> np.ndarray:
    """Weight of each image, that of its class included; the largest is between 0.5 and 1.

    Raises
    ------
    ValueError
        Where weights are negative, not finite or all zero.
    """
    if isinstance(sample_weight, Number):  # which scikit-learn would take whatever it is
        sample_weight = np.full(len(pixels), sample_weight)
    with naming("sample_weight"):
        weights = _check_sample_weight(
            sample_weight, pixels, dtype=np.float64, ensure_non_negative=True
        )
    if class_weight is not None:
        weights = _with_largest_one(weights)  # for their sums to be finite
        weights = weights * _class_weights(class_weight, weights, classes, targets)[targets]
    if not weights.any():
        raise ValueError(
            "All sample weights are zero: fit needs images of two classes with a positive weight, "
            "partial_fit one image. Look at sample_weight and class_weight."
        )
    weights = _with_largest_one(weights)
    weights[weights < 1e-30] = 0  # lost beside the others in float32
    return weights


def warn_of_light_classes(classes: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
    """Warn where a class has so little weight beside another that training may overlook it."""
    totals = np.bincount(targets, weights=weights, minlength=len(classes))
    light = int(np.where(totals > 0, totals, np.inf).argmin())  # weight zero is on purpose
    heavy = int(totals.argmax())
    if totals[light] < totals[heavy] / OVERLOOKED:
        warn(
            f"The class {classes.tolist()[heavy]!r} of y has {totals[heavy] / totals[light]:.3g} "
            f"times the weight of the class {classes.tolist()[light]!r}, which may therefore never "
            f"be predicted. Where it should be, set class_weight='balanced'.",
            ConvergenceWarning,
        )


def _with_largest_one(weights: np.ndarray) -> np.ndarray:
    """Weights in the same ratio, the largest between 0.5 and 1, or all zero."""
    # A power of two: no weight is rounded.
    return np.ldexp(weights, -int(np.frexp(weights.max())[1]))


def _class_weights(
    class_weight: Any, weights: np.ndarray, classes: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    if isinstance(class_weight, str):
        # As compute_class_weight does, but an image of weight two counts twice.
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
    with naming("class_weight"):
        by_class = compute_class_weight(class_weight, classes=classes, y=classes)
    if not (np.isfinite(by_class) & (by_class >= 0)).all():
        raise ValueError(
            f"class_weight must hold finite numbers that are not negative, but got "
            f"{class_weight!r}."
        )
    return by_class


def _plain_labels(y: Any, name: str) -> Any:
    """The labels of a Series, none missing and of a dtype that NumPy has; or y as it came.

    NumPy would make floats of nullable ints and bools, and its errors do not tell of a null.
    """
    check_mask(y, name)
    if getattr(y, "dtype", None) is None or not hasattr(y, "to_numpy"):
        return y
    n_missing = int(y.null_count() if hasattr(y, "null_count") else y.isna().sum())
    if n_missing:
        raise ValueError(
            f"Input {name} contains NaN: {n_missing} of {len(y)} labels are missing. Leave these "
            f"images out."
        )
    numpy_dtype = getattr(y.dtype, "numpy_dtype", None)  # of pandas' nullable dtypes
    return y if numpy_dtype is None else y.to_numpy(dtype=numpy_dtype)
