"""Call skl2onnx: choose options, reject what it converts wrongly, find the step that failed."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline

from sklearn_shapecnn._finder import unwrap
from sklearn_shapecnn.classifier import ShapeCNNClassifier
from sklearn_shapecnn.export._pipelines import Step, find_estimators

OPSETS = {"": 17, "ai.onnx.ml": 3}  # of 2022: old enough for the runtimes in use


def convert(estimator: Any, steps: Sequence[Step]) -> Any:
    """Convert a fitted estimator with these steps to a graph whose outputs are arrays."""
    n_features = n_features_of(estimator)
    try:
        return _convert(estimator, n_features, _options(steps, {"zipmap": False}))
    except (NameError, RuntimeError):
        # A few classifiers, such as LinearSVC, lack the option zipmap and always give arrays.
        # skl2onnx has no public way to ask for it, and rejects an option with these errors.
        return _convert(estimator, n_features, _options(steps, {}))


def _options(steps: Sequence[Step], of_classifiers: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the options of each step; our classifier gives features if other steps follow."""
    options: dict[int, dict[str, Any]] = {}
    for _, estimator, is_last in steps:
        if isinstance(estimator, ShapeCNNClassifier):
            options[id(estimator)] = {"zipmap": False, "features": not is_last}
        else:
            options[id(estimator)] = dict(of_classifiers) if is_classifier(estimator) else {}
    return options


def n_features_of(estimator: Any) -> int:
    """Return the number of values in a row of X."""
    return int(estimator.n_features_in_)


def _convert(estimator: Any, n_features: int, options: dict[int, dict[str, Any]]) -> Any:
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    with warnings.catch_warnings():
        # skl2onnx reads attributes that scikit-learn is about to drop; users cannot change that.
        warnings.simplefilter("ignore", FutureWarning)
        return skl2onnx.to_onnx(
            estimator,
            initial_types=[("X", FloatTensorType([None, n_features]))],
            target_opset=OPSETS,
            options=options,
            name=type(estimator).__name__,
        )


def check_converted_rightly(estimator: Any) -> None:
    """Reject estimators that skl2onnx (1.20) converts wrongly without an error.

    Raises
    ------
    ValueError
        If the estimator is or contains one of them.
    """
    for part in find_estimators(estimator):
        reason = None
        if isinstance(part, TunedThresholdClassifierCV):
            reason = "leaves out its threshold"
        elif isinstance(part, CalibratedClassifierCV):
            if part.method != "sigmoid":
                reason = f"calibrates wrongly with method={part.method!r}; use method='sigmoid'"
            elif isinstance(part.estimator, Pipeline):
                reason = (
                    "calibrates the wrong scores of a pipeline; make the calibrated classifier the "
                    "last step of the pipeline instead"
                )
        if reason is not None:
            raise ValueError(
                f"This {type(part).__name__} cannot be exported to ONNX: skl2onnx {reason}."
            )


def explain(estimator: Any, steps: Sequence[Step], error: Exception) -> ValueError:
    """Return an error that names the first step that skl2onnx cannot convert even alone."""
    subject = f"This {type(estimator).__name__}"
    advice = ""
    for step in steps:
        step_error = _try_alone(step.estimator)
        if step_error is not None:
            error = step_error
            if step.name:
                subject = f"The step {step.name!r} ({type(step.estimator).__name__})"
            advice = _advise_to_cut(unwrap(estimator), step.estimator)
            break
    return ValueError(f"{subject} cannot be exported to ONNX: {_reason(error)}.{advice}")


def _try_alone(estimator: Any) -> Exception | None:
    try:
        _convert(estimator, getattr(estimator, "n_features_in_", 1), {})
    except Exception as error:  # skl2onnx raises whatever its converters run into
        return error
    return None


def _advise_to_cut(whole: Any, culprit: Any) -> str:
    """Say where to cut the pipeline, if the culprit is one of its steps and not the last."""
    steps = [step for _, step in whole.steps[:-1]] if isinstance(whole, Pipeline) else []
    for i, step in enumerate(steps):
        if step is culprit:
            return (
                f" Apply it before the exported model, and export the steps after it: "
                f"to_onnx(pipeline[{i + 1}:])."
            )
    return ""


def _reason(error: Exception) -> str:
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    if isinstance(error, MissingConverter | MissingShapeCalculator):
        return "skl2onnx has no converter for it"
    if isinstance(error, KeyError):  # skl2onnx looked for a converter by its name
        return f"skl2onnx has no converter for it, or for {error}"
    text = str(error).split(" You may raise")[0]  # an issue in skl2onnx
    return textwrap.shorten(text, 300, placeholder=" ...").rstrip(".")
