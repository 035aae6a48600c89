"""Convert arrays of other libraries to NumPy, before any other check."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from sklearn_shapecnn._input.errors import prefix_errors

_PLAIN = (list, tuple, str, bytes, os.PathLike, Number, np.generic)


def as_numpy(values: Any, name: str) -> Any:
    """Convert arrays of other libraries to NumPy, and sequences such as data sets to lists.

    NumPy arrays, lists, tuples, data frames, sparse matrices, numbers and strings are returned
    unchanged.

    Parameters
    ----------
    values : object
        X, y, weights or classes as the user gave them, or one of the images in X.
    name : str
        Their name in error messages.

    Raises
    ------
    TypeError
        If they have no order or no length, such as a set or a generator, or no values.
    ValueError
        If they cannot be converted to a NumPy array.
    """
    if isinstance(values, np.ndarray):
        return _usual_dtype(values)
    if values is None or isinstance(values, _PLAIN):
        return values
    if is_tensor(values):
        return _from_torch(values, name)
    if _is_frame(values) or hasattr(values, "tocsr"):
        return values
    if hasattr(values, "__array__") and not isinstance(values, Sequence):
        return _from_array(values, name)
    if hasattr(values, "__dlpack__"):
        return _from_dlpack(values, name)
    if hasattr(values, "__array_interface__") or _is_buffer(values):
        with prefix_errors(name):
            return _usual_dtype(np.asarray(values))
    _check_order(values, name)
    if hasattr(values, "__len__") and hasattr(values, "__getitem__"):
        return _from_sequence(values, name)
    if isinstance(values, Iterable):
        raise TypeError(
            f"{name} must be a list or an array, but is a {type(values).__name__}, which gives its "
            f"items one at a time. Gather them in a list: list({name})."
        )
    return values


def first_of(values: Any) -> Any:
    """Return the first item of a list or a tuple; None if there is none."""
    return values[0] if isinstance(values, list | tuple) and values else None


def is_tensor(value: Any) -> bool:
    """Return whether a value is a torch tensor, which NumPy may be unable to read."""
    # If there is a tensor, torch is already imported. Importing it here would take seconds.
    tensor = getattr(sys.modules.get("torch"), "Tensor", None)
    return tensor is not None and isinstance(value, tensor)


def _is_frame(values: Any) -> bool:
    """Return whether values are a data frame or one of its columns, which have their own checks."""
    return hasattr(values, "iloc") or hasattr(values, "collect_schema") or is_column(values)


def is_column(values: Any) -> bool:
    """Return whether values are a Series or a similar array that counts its missing values."""
    counts = hasattr(values, "isna") or hasattr(values, "null_count")
    return counts and hasattr(values, "dtype") and hasattr(values, "to_numpy")


def has_column_names(X: Any) -> bool:
    """Return whether scikit-learn asks X for column names, as it does with a data frame."""
    return hasattr(X, "columns") or hasattr(X, "__dataframe__")


def _is_buffer(values: Any) -> bool:
    try:
        memoryview(values)
    except TypeError:
        return False
    return True


def _usual_dtype(values: np.ndarray) -> np.ndarray:
    """Replace dtypes that scikit-learn does not support."""
    if values.dtype.kind == "T":  # StringDType; a fixed-length string cannot be missing
        objects = values.astype(object)
        is_text = all(isinstance(value, str) for value in objects.flat)
        return objects.astype(str) if is_text else objects
    if values.dtype.kind == "V" and not issubclass(values.dtype.type, np.void):  # such as bfloat16
        return values.astype(np.float32)
    return values


def _from_torch(values: Any, name: str) -> np.ndarray:
    torch = sys.modules["torch"]
    if values.device.type == "meta":
        raise TypeError(f"{name} is a tensor on the device 'meta', which holds no values.")
    if values.layout != torch.strided:
        raise TypeError(
            f"{name} is a sparse tensor, but dense values are needed: give {name}.to_dense()."
        )
    usual = (torch.float16, torch.float32, torch.float64)
    if values.is_floating_point() and values.dtype not in usual:
        values = values.float()  # such as bfloat16, which NumPy does not support
    with prefix_errors(name):
        array: np.ndarray = values.numpy(force=True)  # without gradients, from any device
    return array


def _from_array(values: Any, name: str) -> np.ndarray:
    try:
        with prefix_errors(name):
            return _usual_dtype(np.asarray(values))
    except (TypeError, ValueError):
        # CuPy copies from the GPU only on request.
        if not hasattr(values, "__dlpack__"):
            raise
        return _from_dlpack(values, name)


def _from_dlpack(values: Any, name: str) -> np.ndarray:
    try:
        try:
            return _usual_dtype(np.from_dlpack(values))
        except (BufferError, RuntimeError):  # it is on another device and must be copied
            return _usual_dtype(np.from_dlpack(values, device="cpu"))
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(
            f"{name} is of type {type(values).__name__}, which NumPy cannot read ({error}). Give a "
            f"NumPy array; with CuPy, use {name}.get()."
        ) from error


def _check_order(values: Any, name: str) -> None:
    if isinstance(values, Mapping):
        advice = f"Give its values as a list, such as list({name}.values())."
        if isinstance(values, np.lib.npyio.NpzFile):
            advice = f"Give an array of the file, such as {name}[{next(iter(values), '')!r}]."
        elif "images" in values:  # the Bunch of a data set
            advice = f"Give the array in it: {name}.images, or its labels: {name}.target."
        raise TypeError(
            f"{name} must be a list or an array, but is a {type(values).__name__}. {advice}"
        )
    if isinstance(values, set | frozenset):
        raise TypeError(
            f"{name} must be a list or an array, but is a {type(values).__name__}, which has no "
            f"order. Give a list in the order of the images, or list({name}) if no order is needed."
        )


def _from_sequence(values: Any, name: str) -> list[Any]:
    """Return the items of a sequence or of a torch data set."""
    with prefix_errors(name):
        items = [values[i] for i in range(len(values))]
    kind = type(values).__name__
    check_keys(items, kind, name)
    first = first_of(items)
    if isinstance(first, tuple) and any(np.ndim(part) or is_tensor(part) for part in first):
        raise TypeError(
            f"{name} is a {kind} whose items are tuples of {len(first)}, such as an image and its "
            f"label. Give X and y one by one: X=skorch.helper.SliceDataset({kind.lower()}, idx=0) "
            f"and y=skorch.helper.SliceDataset({kind.lower()}, idx=1)."
        )
    return items


def check_keys(items: Sequence[Any], kind: str, name: str) -> None:
    """Raise TypeError if items are dicts, such as those with an image and its label."""
    first = items[0] if items else None
    if isinstance(first, Mapping):
        raise TypeError(
            f"{name} is a {kind} whose items have the keys {list(first)}: give the values of one "
            f"of them, such as [item[{next(iter(first), '')!r}] for item in {name}]."
        )


def column_names(X: Any) -> np.ndarray | None:
    """Return the names of the columns of X, if they are strings."""
    if not has_column_names(X):
        return None
    holder = BaseEstimator()  # not the estimator itself: a fit that fails changes nothing
    validate_data(holder, X, skip_check_array=True, ensure_2d=False)
    return getattr(holder, "feature_names_in_", None)
