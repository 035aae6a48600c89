"""Targets: y after it is checked, as class indices or as a matrix of labels or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from scipy.sparse import issparse
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._input.errors import check_mask, check_no_times, prefix_errors
from sklearn_shapecnn._input.plain import as_numpy, first_of, is_tensor


@dataclass
class Targets:
    """The targets of the images of a fit, and the weight of each image.

    Attributes
    ----------
    values : ndarray
        The index of each image's class, int64 of shape (n,); or its labels, float32 of shape
        (n, n_labels), each 0 or 1; or its numbers, float64 of shape (n, n_targets).
    weights : ndarray of shape (n,)
    n_outputs : int
        Number of outputs that the network has for an image.
    classes : ndarray or None
        All classes, or the indices of the labels; None if the targets are numbers.
    label_weights : ndarray of shape (2, n_labels) or None
        Weights of the absence and the presence of each label.
    """

    values: np.ndarray
    weights: np.ndarray
    n_outputs: int
    classes: np.ndarray | None = None
    label_weights: np.ndarray | None = None

    @property
    def are_labels(self) -> bool:
        """Return whether an image may have several labels."""
        return self.classes is not None and self.values.ndim == 2


def is_matrix(y: Any) -> bool:
    """Return whether y has several columns."""
    shape = getattr(y, "shape", None)
    if shape is None:
        first = first_of(y)
        return not isinstance(first, str) and np.ndim(first) == 1 and len(first) > 1
    return len(shape) == 2 and shape[1] > 1


def check_indicators(y: Any, n_samples: int | None = None, name: str = "y") -> np.ndarray:
    """Return a label indicator matrix of 0 and 1, as float32 of shape (n, n_labels).

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n, n_labels)
        A value for which `is_matrix` is True.
    n_samples : int, default=None
        Number of images that y must match, if any.
    name : str, default='y'
        Name of y in error messages.

    Raises
    ------
    ValueError
        If y holds anything but 0 and 1, or does not have one row for each image.
    """
    check_mask(y, name)
    if isinstance(y, list | tuple) and is_tensor(first_of(y)):
        y = [as_numpy(row, name) for row in y]
    try:
        shape = y.shape if issparse(y) else np.shape(y)
    except ValueError as error:
        raise ValueError(
            f"{name} holds lists of unequal lengths. For several labels per image, give a matrix "
            f"of 0 and 1: sklearn.preprocessing.MultiLabelBinarizer().fit_transform({name}) makes "
            f"it."
        ) from error
    if shape[0] == 1 and n_samples not in (1, None):
        raise ValueError(
            f"{name} should be a 1d array of labels, or a matrix with one row for each image, got "
            f"an array of shape {shape} instead. Give {name}.ravel()."
        )
    try:
        matrix = _check_matrix(y, name)
    except (ValueError, TypeError) as error:
        if "NaN" in str(error):
            raise
        raise _no_indicators(name, shape, str(error)) from error
    wrong = matrix[(matrix != 0) & (matrix != 1)]
    if wrong.size:
        raise _no_indicators(name, shape, f"it holds {wrong[0].item()!r}")
    if n_samples is not None:
        with prefix_errors(name):
            check_consistent_length(np.empty((n_samples, 0)), matrix)
    return matrix.astype(np.float32)


def warn_about_constant_labels(indicators: np.ndarray, weights: np.ndarray) -> None:
    """Warn about labels that no image or every image has."""
    absent, present = label_shares(indicators, weights)
    found = []
    for what, share in (("no image", present), ("every image", absent)):
        labels = np.flatnonzero(share == 0).tolist()
        if labels:
            named = ", ".join(map(str, labels[:5])) + (", ..." if len(labels) > 5 else "")
            found.append(f"{what} has the label{'s' * (len(labels) > 1)} {named}")
    if found:
        warn(
            f"In y, {' and '.join(found)}: there is nothing to learn about that. Leave such "
            f"columns out, or give images with and without each label."
        )


def label_shares(indicators: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the shares of images without and with each label, as a (2, n_labels) array."""
    present = indicators.astype(np.float64)
    # Sum both separately: in one minus the other, a share of zero might be rounded.
    totals = np.stack([weights.astype(np.float64) @ each for each in (1 - present, present)])
    return totals / totals.sum(axis=0)


def check_numbers(y: Any, n_samples: int, estimator_name: str) -> np.ndarray:
    """Return the numbers to predict, as float64 of shape (n, n_targets).

    Parameters
    ----------
    y : array-like of shape (n,) or (n, n_targets)
    n_samples : int
        Number of images.
    estimator_name : str

    Raises
    ------
    ValueError
        If y is missing, does not match the number of images, or holds anything but finite numbers.
    """
    if y is None:
        raise ValueError(
            f"{estimator_name} requires y to be passed, but the target y is None: it learns to "
            f"predict numbers from images."
        )
    if issparse(y):
        raise ValueError("y is a sparse matrix; give y.toarray().")
    y = as_numpy(y, "y")
    check_mask(y, "y")
    if is_tensor(first_of(y)):
        y = [as_numpy(target, "y") for target in y]
    if np.ndim(y) == 0:
        raise ValueError(f"y must be a list or an array of numbers, but is {y!r}.")
    values = _check_matrix(y, "y", dtype=np.float64)
    if values.ndim > 2:
        raise ValueError(
            f"y must be of shape (n,) or (n, n_targets), but is of shape {values.shape}. To "
            f"predict several numbers for each image, put them in a row: y.reshape(len(y), -1)."
        )
    if values.ndim == 2 and values.shape[1] == 1:
        with prefix_errors("y"):
            values = column_or_1d(values, warn=True)
    with prefix_errors("y"):
        check_consistent_length(np.empty((n_samples, 0)), values)
    # -0.0 becomes 0.0, so that equal targets have equal bits.
    return values.reshape(len(values), -1) + 0.0


def warn_about_constant_targets(numbers: np.ndarray) -> None:
    """Warn about targets, of shape (n, n_targets), that are the same for all images."""
    constant = np.flatnonzero((numbers == numbers[0]).all(axis=0)).tolist()
    if constant and len(numbers) > 1:
        where = f" in the column {constant[0]}" if numbers.shape[1] > 1 else ""
        warn(
            f"y is the same number{where} for all images, {numbers[0, constant[0]]:g}: there is "
            f"nothing to learn about it, and it will be predicted for any image."
        )


def _check_matrix(y: Any, name: str, dtype: Any = "numeric") -> np.ndarray:
    with prefix_errors(name), sklearn.config_context(assume_finite=False):
        if np.asarray(first_of(y) if isinstance(y, list | tuple) else y).dtype.kind == "c":
            raise ValueError(f"{name} holds complex numbers. Complex data not supported")
        check_no_times(y, name)
        matrix = check_array(
            y,
            accept_sparse="csr",
            ensure_2d=False,
            allow_nd=True,
            dtype=dtype,
            input_name=name,
            ensure_min_samples=0,
        )
    return matrix.toarray() if issparse(matrix) else matrix


def _no_indicators(name: str, shape: tuple[int, ...], what: str) -> ValueError:
    return ValueError(
        f"{name} should be a 1d array of labels, or a matrix of 0 and 1 that says which labels "
        f"each image has, got an array of shape {shape} instead, which is neither: {what}. "
        f"sklearn.preprocessing.MultiLabelBinarizer makes such a matrix."
    )
