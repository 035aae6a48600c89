"""Find the steps of an estimator, and remove those that ONNX does not need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_shapecnn._finder import unwrap


class Step(NamedTuple):
    """An estimator in a pipeline, or a standalone one.

    Attributes
    ----------
    name : str
        Empty for a standalone estimator.
    estimator : estimator instance
    is_last : bool
        Whether its output is the output of the whole.
    """

    name: str
    estimator: Any
    is_last: bool


def find_steps(estimator: Any, name: str = "", is_last: bool = True) -> Iterator[Step]:
    """Iterate over all steps; nested pipelines and unions are replaced by their own steps."""
    estimator = unwrap(estimator)
    if isinstance(estimator, Pipeline):
        for i, (step_name, step) in enumerate(estimator.steps):
            yield from find_steps(step, step_name, is_last and i == len(estimator.steps) - 1)
    elif isinstance(estimator, FeatureUnion):
        for part in estimator.transformer_list:
            yield from find_steps(part[1], part[0], False)
    elif isinstance(estimator, ColumnTransformer):
        for part in estimator.transformers_:
            yield from find_steps(part[1], part[0], False)
    elif not isinstance(estimator, str) and not _does_nothing(estimator):
        yield Step(name, estimator, is_last)


def simplify(estimator: Any) -> Any:
    """Return the estimator without searches and steps that do nothing, unknown to skl2onnx."""
    estimator = unwrap(estimator)
    if not isinstance(estimator, Pipeline):
        return estimator
    return Pipeline(
        [(name, simplify(step)) for name, step in estimator.steps if not _does_nothing(step)]
    )


def find_estimators(thing: Any) -> Iterator[BaseEstimator]:
    """Iterate over all estimators anywhere in the attributes of an estimator, fitted or not."""
    if isinstance(thing, BaseEstimator):
        yield thing
        for value in vars(thing).values():
            yield from find_estimators(value)
    elif isinstance(thing, list | tuple) or (
        isinstance(thing, np.ndarray) and thing.dtype.kind == "O"
    ):
        for value in thing:
            yield from find_estimators(value)


def _does_nothing(step: Any) -> bool:
    """Return whether a step returns its input unchanged, once the pipeline is fitted."""
    if isinstance(step, FunctionTransformer):
        return step.func is None
    if hasattr(step, "fit_resample"):  # of imbalanced-learn: resamples in fit only
        return not hasattr(step, "transform")
    return step is None or (isinstance(step, str) and step == "passthrough")
