"""Every private or version-bound name of another library, and why it is used.

Nothing else in the package may import a private name of scikit-learn, skorch, skl2onnx, torch or
Pillow. For each name stand the public alternative that was tried and when the name may go.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

# Checks of parameters, with the messages that scikit-learn's users know. scikit-learn has no public
# names for them; checks of our own would be a second set of rules and messages. They may go when
# scikit-learn makes them public.
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9; may go with support for 1.8

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Support nothing."""

    Method = TypeVar("Method", bound=Callable[..., Any])

    def with_callbacks(method: Method) -> Method:
        """Return the method as it is."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "Options",
    "StrOptions",
    "add_param_group",
    "has_callbacks",
    "parse_classifier",
    "start_fit_task",
    "validate_parameter_constraints",
    "validate_params",
    "warn",
    "with_callbacks",
]

_CALLERS = {"sklearn_shapecnn", "sklearn", "joblib", "pickle", "skops", "torch", "contextlib"}


def warn(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn, and point to the line of the user's code that led here.

    `warnings.warn` does the same with ``skip_file_prefixes`` from Python 3.12 on, for one list of
    folders; this may go with support for Python 3.11.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in _CALLERS and frame.f_back:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def has_callbacks(estimator: Any) -> bool:
    """Whether scikit-learn's callbacks are set on an estimator.

    They could be told of every batch without asking, but that takes time in each step. There is no
    public way to ask; this may go when there is.
    """
    return bool(getattr(estimator, "_skl_callbacks", None))


def start_fit_task(estimator: Any, max_subtasks: int = 0) -> Any:
    """Tell scikit-learn's callbacks that a fit begins; return its task.

    scikit-learn documents this private method as the one to call; it may get a public name.
    """
    return estimator._init_callback_context(max_subtasks=max_subtasks)


def add_param_group(optimizer: Any, group: dict[str, Any]) -> None:
    """Add a group of weights to a torch optimizer without importing torch's compiler.

    torch wraps `Optimizer.add_param_group` so that its first call imports `torch._dynamo`: this
    takes a second or more, changes the environment and the warnings filters, needs a folder to
    write to, and breaks torch where Ctrl-C comes in the middle of it. The public method was tried.
    This may go when torch no longer imports its compiler for an optimizer.
    """
    from torch.optim import Optimizer

    method = Optimizer.add_param_group
    getattr(method, "__wrapped__", method)(optimizer, group)


def parse_classifier(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare the outputs of a classifier in skl2onnx, as it does for those of scikit-learn.

    skl2onnx uses this parser where no other is registered. Ours adds the option ``features``, so it
    has to call it, and there is no public way to.
    """
    from skl2onnx._parse import _parse_sklearn_classifier

    return _parse_sklearn_classifier(scope, model, inputs, custom_parsers)
