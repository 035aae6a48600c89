"""Find the fitted network inside a search, a pipeline or a frozen estimator."""

from __future__ import annotations

from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn._estimator import ImageEstimator


def unwrap(estimator: Any) -> Any:
    """Unwrap a search or a FrozenEstimator; return anything else unchanged.

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
    """Find our fitted estimator inside another one, and transform X up to it.

    Parameters
    ----------
    estimator : estimator instance
        A ShapeCNNClassifier or ShapeCNNRegressor, a pipeline that ends in one, a search over
        either, or any of these in a FrozenEstimator.
    X : array-like, default=None
        Images for the whole estimator.

    Returns
    -------
    found : ShapeCNNClassifier or ShapeCNNRegressor
    X : array-like or None
        The images after the steps that come before `found`.

    Raises
    ------
    TypeError
        If there is no such estimator.
    ValueError
        If a search kept no fitted estimator.
    NotFittedError
        If the estimator is not fitted.
    """
    found, steps_before = _walk_down(estimator)
    if found is None:
        if hasattr(estimator, "refit"):  # of an unfitted search, say that instead
            check_is_fitted(estimator)
        raise TypeError(
            f"estimator must be a ShapeCNNClassifier or ShapeCNNRegressor, a pipeline that ends in "
            f"one or a search over one, but got {_name(estimator)}."
        )
    check_is_fitted(found)
    if X is not None:
        for steps in steps_before:
            X = steps.transform(X)
    return found, X


def has_image_estimator(estimator: Any) -> bool:
    """Return whether `find_image_estimator` would find an estimator, fitted or not."""
    return _walk_down(estimator)[0] is not None


def _name(estimator: Any) -> str:
    """Return the class name of an estimator and of what it freezes."""
    name = type(estimator).__name__
    return f"{name}({_name(estimator.estimator)})" if name == "FrozenEstimator" else name


def _walk_down(estimator: Any) -> tuple[ImageEstimator | None, list[Pipeline]]:
    """Return our estimator, if there is one, and the steps that come before it."""
    steps_before: list[Pipeline] = []
    part = unwrap(estimator)
    while isinstance(part, Pipeline):
        steps_before += [part[:-1]] if len(part) > 1 else []
        part = unwrap(part[-1])
    return (part if isinstance(part, ImageEstimator) else None), steps_before
