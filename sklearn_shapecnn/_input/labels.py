"""Check y: find its classes and the class index of each image."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from sklearn_shapecnn._input.errors import check_mask, prefix_errors
from sklearn_shapecnn._input.plain import as_numpy, first_of, is_column, is_tensor


def check_labels(
    y: Any, pixels: np.ndarray | None, estimator_name: str, least: int = 2, name: str = "y"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes and the class index of each image.

    Parameters
    ----------
    y : array-like of shape (n,)
    pixels : ndarray of shape (n, ...) or None
        Images that y must match in length.
    estimator_name : str
    least : int, default=2
        Minimum number of classes.
    name : str, default='y'
        Name of y in error messages.

    Raises
    ------
    ValueError
        If y is missing, does not match the number of images, or holds something that is not a
        label.
    """
    if y is None:
        raise ValueError(
            f"{estimator_name} requires y to be passed, but the target y is None: it learns from "
            f"labeled images."
        )
    y = plain_labels(y, name)
    if isinstance(y, list | tuple) and len({isinstance(label, str) for label in y}) == 2:
        raise ValueError(  # NumPy would turn the others into strings, even NaN
            f"{name} must hold labels of one kind, all numbers or all strings, without None and "
            f"NaN, but mixes strings with other types."
        )
    shape = np.shape(y)
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
    with prefix_errors(name):
        y = column_or_1d(y, warn=True)
        with sklearn.config_context(assume_finite=False):
            assert_all_finite(y, input_name=name)
    if pixels is not None:
        _check_length(y, pixels, name)
    try:
        with prefix_errors(name):
            check_classification_targets(y)
        classes, targets = np.unique(y, return_inverse=True)
    except (ValueError, TypeError) as error:
        if y.dtype.kind != "O":
            raise
        kinds = " and ".join(sorted({type(label).__name__ for label in y}))
        raise ValueError(
            f"{name} must hold labels of one kind, all numbers or all strings, without None, but "
            f"it has dtype object and holds {kinds}. Convert it, for example by {name}.astype(int) "
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


def _check_length(y: np.ndarray, pixels: np.ndarray, name: str) -> None:
    """Raise ValueError unless there is one label for each image."""
    n, shape = len(y), pixels.shape
    if n != shape[0] and n == shape[-1]:
        how = "X.T" if len(shape) == 2 else "np.moveaxis(X, -1, 0)"
        raise ValueError(
            f"{name} holds {n} labels, but X of shape {shape} holds {shape[0]} images, counted "
            f"along the first axis. If the images are along the last axis, as in MATLAB, give "
            f"{how}."
        )
    with prefix_errors(name):
        check_consistent_length(pixels, y)


def check_some_labels(
    y: Any, pixels: np.ndarray, classes: Any, fitted: np.ndarray | None, estimator_name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return all classes of `partial_fit` and the class index of each image of this call.

    Parameters
    ----------
    classes : array-like or None
        All classes, as passed by the user; required in the first call.
    fitted : ndarray or None
        The classes of earlier calls.

    Raises
    ------
    ValueError
        If classes and labels contradict each other or the earlier calls.
    """
    if classes is not None:
        known, _ = check_labels(classes, None, estimator_name, name="classes")
        if fitted is not None and not np.array_equal(known, fitted):
            raise ValueError(
                f"`classes={known.tolist()}` is not the same as on last call to partial_fit or "
                f"fit, which was {fitted.tolist()}. Leave it out, or start over with fit."
            )
    elif fitted is not None:
        known = fitted
    else:
        raise ValueError(
            "classes must be passed on the first call to partial_fit: all labels that will ever "
            "occur, such as classes=np.unique(y_all)."
        )
    advice = "Pass all labels as classes in the first call of partial_fit."
    return known, index_labels(y, pixels, known, estimator_name, advice)


def index_labels(
    y: Any, pixels: np.ndarray, known: np.ndarray, estimator_name: str, advice: str
) -> np.ndarray:
    """Return the index of each label among known classes, as int64 of shape (n,).

    The error about an unknown label ends with `advice`.

    Raises
    ------
    ValueError
        If a label is not among the known classes.
    """
    labels, indices = check_labels(y, pixels, estimator_name, least=1)
    try:
        unknown = np.setdiff1d(labels, known).tolist()
    except TypeError:  # numbers and strings
        unknown = labels.tolist()
    if unknown:
        raise ValueError(
            f"y holds {unknown[0]!r}, which is not among the classes {known.tolist()}. {advice}"
        )
    return np.searchsorted(known, labels)[indices]


def plain_labels(y: Any, name: str = "y") -> Any:
    """Return labels as an array of a dtype that scikit-learn supports; keep lists and tuples.

    NumPy would turn nullable ints and bools into floats, and its errors would not mention the null.

    Raises
    ------
    ValueError
        If labels are missing, masked or complex.
    TypeError
        If they have no order, such as those in a set or a generator.
    """
    if is_column(y):
        n_missing = int(y.null_count() if hasattr(y, "null_count") else y.isna().sum())
        _check_none_missing(n_missing, len(y), name)
        numpy_dtype = getattr(y.dtype, "numpy_dtype", None)  # of pandas' nullable dtypes
        with prefix_errors(name):
            return np.asarray(y) if numpy_dtype is None else y.to_numpy(dtype=numpy_dtype)
    y = as_numpy(y, name)
    if issparse(y):
        y = y.toarray()
    check_mask(y, name)
    if is_tensor(first_of(y)):
        y = [as_numpy(label, name) for label in y]
    with prefix_errors(name):
        array = np.asarray(y)
    if array.dtype.kind in "fmM":
        _check_none_missing(int(np.isnan(array).sum()), array.size, name)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} holds complex numbers, which cannot be labels.")
    return y if isinstance(y, list | tuple) or array.ndim == 0 else array


def _check_none_missing(n_missing: int, n: int, name: str) -> None:
    if n_missing:
        raise ValueError(
            f"Input {name} contains NaN: {n_missing} of {n} labels are missing. Leave these images "
            f"out."
        )
