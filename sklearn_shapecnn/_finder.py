"""Find the fitted network inside a search, a pipeline or a frozen estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn._input.plain import as_numpy


def unwrap(estimator: Any) -> Any:
    """Return the best estimator of a search or what is frozen; anything else as it is.

    Raises
    ------
    ValueError
        If a search kept no fitted estimator.
    """
    while True:
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "cv_results_") and hasattr(estimator, "refit"):
            raise ValueError(
                f"This {type(estimator).__name__} kept no fitted estimator: set refit=True."
            )
        else:
            return estimator


def find_image_estimator(estimator: Any, X: Any = None) -> tuple[ImageEstimator, Any]:
    """Find the fitted estimator of ours in another one, and what X becomes before it gets there.

    Parameters
    ----------
    estimator : estimator instance
        A ShapeCNNClassifier or ShapeCNNRegressor, a pipeline that ends in one, a search over
        either, or any of these in a FrozenEstimator.
    X : array-like, default=None
        Images, or a single image, for the whole estimator.

    Returns
    -------
    found : ShapeCNNClassifier or ShapeCNNRegressor
    X : array-like or None
        The images as the steps before it leave them.

    Raises
    ------
    TypeError
        If there is none.
    ValueError
        If a search kept no fitted estimator.
    NotFittedError
        If it is not fitted.
    """
    found, steps_before = _walk_down(estimator)
    if found is None:
        if hasattr(estimator, "refit"):  # of a search that is not fitted, say that instead
            check_is_fitted(estimator)
        raise TypeError(
            f"estimator must be a ShapeCNNClassifier or ShapeCNNRegressor, a pipeline that ends in "
            f"one or a search over one, but got {_name(estimator)}."
        )
    check_is_fitted(found)
    if X is not None:
        X = as_batch(X, found.image_shape_)
        for steps in steps_before:
            X = steps.transform(X)
    return found, X


def has_image_estimator(estimator: Any) -> bool:
    """Whether `find_image_estimator` would find an estimator, fitted or not."""
    return _walk_down(estimator)[0] is not None


def as_batch(X: Any, image_shape: tuple[int, int, int]) -> Any:
    """Return X, or where it is a single image, an X that holds this one image."""
    height, width, channels = image_shape
    one = [(height * width * channels,), (height, width, channels)]
    if channels == 1 and height > 1:
        one.append((height, width))
    is_box = getattr(getattr(X, "dtype", None), "kind", "") == "O"  # of many images
    is_one = getattr(X, "shape", None) in one and not is_box
    return np.asarray(as_numpy(X, "X"))[np.newaxis] if is_one else X


def _name(estimator: Any) -> str:
    """The class of an estimator, and of what is frozen in it."""
    name = type(estimator).__name__
    return f"{name}({_name(estimator.estimator)})" if name == "FrozenEstimator" else name


def _walk_down(estimator: Any) -> tuple[ImageEstimator | None, list[Pipeline]]:
    """The estimator of ours, if there is one, and the steps that come before it."""
    steps_before: list[Pipeline] = []
    part = unwrap(estimator)
    while isinstance(part, Pipeline):
        steps_before += [part[:-1]] if len(part) > 1 else []
        part = unwrap(part[-1])
    return (part if isinstance(part, ImageEstimator) else None), steps_before
