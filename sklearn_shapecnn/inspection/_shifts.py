"""Shifts: the probabilities as images move across the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn._finder import find_image_estimator, has_image_estimator
from sklearn_shapecnn._input.errors import check_positive_int
from sklearn_shapecnn._input.image_shape import find_drawn_shape
from sklearn_shapecnn._training.losses import LabelLoss
from sklearn_shapecnn.inspection._images import given_images


def shift_probabilities(
    estimator: Any,
    X: Any,
    *,
    max_shift: int = 8,
    step: int = 1,
    image_shape: Sequence[int] | None = None,
) -> Bunch:
    """Compute the probabilities as images move across the frame.

    Each image is moved up, down, left and right. The pixels at its border are repeated to fill the
    frame. A pipeline receives the moved images.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around one.
        Any other classifier with `predict_proba` works too, for comparison.
    X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
        Images in any form that `predict` accepts.
    max_shift : int, default=8
        Maximum shift in pixels, in each of the four directions.
    step : int, default=1
        Number of pixels from one shift to the next; at most `max_shift`.
    image_shape : tuple of int (height, width) or (height, width, channels), default=None
        Shape of one image in X. Only needed if X has rows that are not square gray images and the
        estimator does not know their shape, because it contains no ShapeCNNClassifier or is a
        pipeline that resizes images.

    Returns
    -------
    result : Bunch
        - probabilities : ndarray of shape (n, n_shifts, n_shifts, n_classes), dtype float64;
          the first shift is downward, the second to the right.
        - shifts : ndarray of shape (n_shifts,), dtype int64, in pixels, including 0.
        - same_label : float, the share of all positions at which an image gets the same label, or
          exactly the same labels, as without a shift.

    Raises
    ------
    ValueError
        If X does not hold images, `max_shift` or `step` is not a positive int, or `step` is larger
        than `max_shift`.
    TypeError
        If the estimator has no `predict_proba`, for example because it is a regressor.
    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import shift_probabilities
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> result = shift_probabilities(clf, X[:5], max_shift=4, step=2)
    >>> result.shifts
    array([-4, -2,  0,  2,  4])
    >>> result.probabilities.shape
    (5, 5, 5, 3)
    """
    max_shift = check_positive_int("max_shift", max_shift)
    step = check_positive_int("step", step)
    if step > max_shift:
        raise ValueError(f"step={step} must not be larger than max_shift={max_shift}.")
    if not has_image_estimator(estimator):
        check_is_fitted(estimator)
    pixels, shape = given_images(estimator, X)
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"This {type(estimator).__name__} has no predict_proba, so there are no probabilities "
            f"to show. Give a classifier."
        )
    if image_shape is not None or shape is None:
        shape = find_drawn_shape(pixels.shape, image_shape)
    images = pixels.reshape(-1, *shape)
    reach = max_shift // step * step
    shifts = np.arange(-reach, reach + 1, step)
    rows = []
    for down in shifts:
        moved_down = _shift(images, down, axis=1)
        moved = (_shift(moved_down, right, axis=2).reshape(pixels.shape) for right in shifts)
        rows.append(np.stack([estimator.predict_proba(_like(X, each)) for each in moved], axis=1))
    probabilities = np.stack(rows, axis=1)
    middle = len(shifts) // 2
    if has_image_estimator(estimator):
        has_labels = isinstance(find_image_estimator(estimator)[0].net_.criterion_, LabelLoss)
    else:  # only probabilities of classes that exclude each other sum to one
        has_labels = not np.allclose(probabilities.sum(axis=-1), 1)
    labels = probabilities > 0.5 if has_labels else probabilities.argmax(axis=-1)[..., None]
    same = (labels == labels[:, middle : middle + 1, middle : middle + 1]).all(axis=-1)
    return Bunch(probabilities=probabilities, shifts=shifts, same_label=float(same.mean()))


def _shift(images: np.ndarray, shift: np.integer, axis: int) -> np.ndarray:
    """Move images along an axis and repeat the pixels at the border."""
    size = images.shape[axis]
    return images.take(np.clip(np.arange(size) - shift, 0, size - 1), axis=axis)


def _like(X: Any, pixels: np.ndarray) -> Any:
    """Put pixels in a data frame with the columns of X if X is a data frame."""
    if not hasattr(X, "columns"):
        return pixels
    names = "columns" if hasattr(X, "iloc") else "schema"  # pandas, polars
    return type(X)(pixels, **{names: X.columns})
