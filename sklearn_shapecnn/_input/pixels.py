"""Turn X into an array of pixels, without copying one that is an array already."""

from __future__ import annotations

import os
import textwrap
from functools import partial
from numbers import Number
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sklearn_shapecnn._input.chunked import is_chunked, spool_to_disk
from sklearn_shapecnn._input.errors import check_mask, prefix_errors
from sklearn_shapecnn._input.plain import as_numpy, check_keys, first_of, is_column

_READY = [np.dtype(name) for name in ("float32", "float64", "uint8")]


def check_pixels(X: Any, estimator: Any) -> np.ndarray:
    """Turn X into a numeric array of two to four dimensions; do not copy what is one already.

    A chunked array becomes a memory map of a temporary file.

    Raises
    ------
    ValueError
        If X is empty, of one dimension or of more than four, holds strings, complex numbers,
        NaN, infinity or images of unequal sizes, or is a Dask array of unknown size.
    TypeError
        If X is sparse or a LazyFrame.
    OSError
        If X is chunked and the disk has no room for it.
    """
    check = partial(_check_array, estimator=estimator)
    if is_chunked(X):
        _check_dimensions(X.shape)
        return spool_to_disk(X, lambda part: check(as_numpy(part, "X")))
    given = X
    X = _stack(as_numpy(X, "X"))
    check_mask(X, "X")
    if hasattr(X, "collect_schema") and not hasattr(X, "__array__"):
        raise TypeError("X is a LazyFrame, which has no pixels yet: give X.collect().")
    try:
        pixels = check(X)
        if pixels.dtype.kind == "O":  # of a list with None in it, or of bools with null
            with prefix_errors("X"):
                pixels = check(pixels.astype(np.float64))
    except (ValueError, TypeError) as error:
        _check_columns(given, error)
        raise
    _check_dimensions(pixels.shape)
    return pixels


def is_ready(X: Any) -> bool:
    """Whether X is an array as most are, in which nothing has to be checked or changed any more."""
    if type(X) is not np.ndarray or X.dtype not in _READY or not 2 <= X.ndim <= 4 or not X.size:
        return False
    if X.dtype.kind == "u":
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.sum()))  # else it may still be that the sum alone is infinite


def _check_array(X: Any, estimator: Any) -> np.ndarray:
    """Let scikit-learn turn X into numbers, maybe in an array of objects."""
    with prefix_errors("X"):
        if isinstance(first_of(X), Number):
            X = np.asarray(X)
        if isinstance(X, np.ndarray) and X.dtype.names:
            names = X.dtype.names
            images = [name for name in names if X.dtype[name].shape]
            advice = f"X[{images[0]!r}]" if images else f"np.column_stack([X[k] for k in {names}])"
            raise ValueError(
                f"X is a structured array with the fields {', '.join(names)}. Give an array of "
                f"numbers, such as {advice}."
            )
        if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "biuf" and len(X):
            raise ValueError(
                f"X: Expected 2D array, got 1D array instead: its shape is {X.shape}. Reshape your "
                f"data: a single image is X[np.newaxis], many images of one pixel are "
                f"X.reshape(-1, 1)."
            )
        pixels = check_array(X, allow_nd=True, dtype="numeric", estimator=estimator, input_name="X")
    if pixels.dtype.kind not in "biufO":
        raise ValueError(f"X must hold numbers, but its dtype is {pixels.dtype}.")
    return pixels


def _stack(X: Any) -> Any:
    """Stack a list, a Series or an object array of images; return anything else as it is."""
    kind = getattr(getattr(X, "dtype", None), "kind", "")  # a polars dtype has none
    is_box = len(getattr(X, "shape", ())) == 1 and hasattr(X, "dtype") and kind in ("", "O", "U")
    is_path = isinstance(X, str | os.PathLike)
    if not (is_box or is_path or isinstance(X, list | tuple)):
        return X
    images = [X] if is_path else list(X)
    if images and all(isinstance(image, str | bytes | os.PathLike) for image in images):
        raise ValueError(
            f"X holds strings, such as {str(images[0])!r:.80}, and not pixels. If these are "
            f"files, read them first, with sklearn_shapecnn.ImageReader."
        )
    check_keys(images, type(X).__name__, "X")
    if any(not isinstance(image, list | Number) for image in images):
        images = [_unbox(as_numpy(image, "X")) for image in images]
        X = X if is_box else images
    for image in images:
        check_mask(image, "X")
    try:
        shapes = sorted({np.shape(image) for image in images})
    except ValueError as error:
        raise ValueError(f"X holds something that is no image: {error}") from error
    if len(shapes) > 1:
        raise ValueError(
            f"X holds images of unequal sizes, such as {shapes[0]} and {shapes[-1]}. Bring them to "
            f"one size and number of channels first, e.g. with sklearn_shapecnn.ImageReader."
        )
    return np.stack(images) if is_box and shapes and shapes[0] else X


def _unbox(image: Any) -> Any:
    """Stack rows that are objects of their own, as in nested lists of polars and Arrow."""
    if is_column(image):
        image = image.to_numpy()
    if isinstance(image, np.ndarray) and image.dtype == object and image.ndim == 1:
        rows = [_unbox(row) for row in image]
        if rows and all(isinstance(row, np.ndarray) for row in rows):
            with prefix_errors("X"):
                return np.stack(rows)
    return image


def _check_dimensions(shape: tuple[int, ...]) -> None:
    if len(shape) > 4:
        raise ValueError(
            f"Found array with dim {len(shape)}, while dim <= 4 is required: X must be rows "
            f"(n, features), images (n, h, w) or images with channels (n, h, w, c), but its shape "
            f"is {shape}."
        )
    if 0 in shape[1:]:
        raise ValueError(f"X holds images without pixels: its shape is {shape}.")


def _check_columns(X: Any, error: Exception) -> None:
    """Raise ValueError that names the first column of a frame that holds no numbers."""
    is_arrow = hasattr(X, "column_names") and not hasattr(X, "iloc")
    for name in X.column_names if is_arrow else getattr(X, "columns", ()):
        value: Any = next(iter(X[name]), None)
        value = value.as_py() if hasattr(value, "as_py") else value  # of an Arrow table
        if np.ndim(value):
            raise ValueError(
                f"The column {name!r} of X holds whole images, but each column is read as one "
                f"pixel: give X[{name!r}]."
            ) from error
        try:
            column = np.asarray(X[name])
            if column.dtype.kind in "cmM":  # of which NumPy would make numbers
                raise TypeError
            column.astype(np.float64)
        except (ValueError, TypeError):
            why = textwrap.shorten(str(error), 200, placeholder=" ...")
            raise ValueError(
                f"The column {name!r} of X holds {type(value).__name__} values, not numbers, and "
                f"each column is read as one pixel ({why}). Leave out columns that are not pixels, "
                f"such as the labels."
            ) from error
