"""Every private or version-bound name of another library, and why it is used.

Nothing else in the package may import a private name of scikit-learn, skorch, skl2onnx, torch or
Pillow. For each name stand the public alternative that was tried and when the name may go.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

# Checks of parameters, with the messages that scikit-learn's users know. scikit-learn (1.9) has no
# public names for them; checks of our own would be a second set of rules and messages. They may go
# with the oldest version of scikit-learn that does not export them publicly.
from sklearn.utils._param_validation import (
    HasMethods,
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
    "DocLinkMixin",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "declare_optimizer",
    "forward_hooks",
    "has_callbacks",
    "held_by_module",
    "onednn_convolution",
    "parse_classifier",
    "start_fit_task",
    "tensor_stamps",
    "validate_parameter_constraints",
    "validate_params",
    "warn",
    "with_callbacks",
    "without_compiler",
    "without_torch_functions",
]

# What may stand between a warning of ours and the line of the user's code that it is about: those
# who call an estimator or load one, and the context managers and decorators around our functions.
_CALLERS = {"sklearn_shapecnn", "sklearn", "joblib", "pickle", "skops", "torch", "contextlib"}


class DocLinkMixin:
    """Let the HTML representation of an estimator link to its page, once there is one.

    The two private attributes are those that scikit-learn's developer guide names for this. An
    empty template makes no link. When the site is published, the template is its address and
    "/generated/sklearn_shapecnn.{estimator_name}.html".
    """

    _doc_link_module = "sklearn_shapecnn"
    _doc_link_template = ""


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

    They could be called for every batch without asking, but that takes time in each step.
    scikit-learn (1.9) has no public way to ask; this may go with the oldest version without one.
    """
    return bool(getattr(estimator, "_skl_callbacks", None))


def start_fit_task(estimator: Any, max_subtasks: int = 0) -> Any:
    """Tell scikit-learn's callbacks that a fit begins; return its task.

    scikit-learn (1.9) documents this private method as the one to call. This may go with the oldest
    version in which it has no public name.
    """
    return estimator._init_callback_context(max_subtasks=max_subtasks)


def declare_optimizer(net: Any) -> None:
    """Let a skorch net know that it has an optimizer, before there is one.

    skorch (1.4) registers an optimizer when it is assigned, for `set_params` and for pickles, and
    has no public way to do so before. This may go with the oldest version without one.
    """
    net._register_attribute("optimizer_", None)


def without_compiler(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of torch's optimizers that does not import torch's compiler.

    torch (2.5 to 2.15) wraps some of these methods, so that their first call imports
    `torch._dynamo`: this takes a second or more, changes the environment and the warnings filters,
    needs a folder to write to, and breaks torch if Ctrl-C comes in the middle of it. There is no
    public way around it. This may go with the oldest version of torch that imports its compiler for
    an optimizer.
    """
    return getattr(method, "__wrapped__", method)


def without_torch_functions() -> AbstractContextManager[None]:
    """Let torch make tensors on the CPU unless another device is named, whatever its default is.

    ``with torch.device("cpu")`` does so too, but in older versions of torch (2.5) a default device
    that is set around it wins. This may go with the oldest version in which it does.
    """
    from torch._C import DisableTorchFunction

    disabled: AbstractContextManager[None] = DisableTorchFunction()
    return disabled


def held_by_module(module: Any) -> tuple[dict[str, Any], ...]:
    """The dicts in which a module of torch holds its weights, its buffers and its submodules.

    The public generators over them take 50 µs for a small network, as long as its prediction of a
    small image. This may go with the oldest version in which they do.
    """
    return module._parameters, module._buffers, module._modules


def forward_hooks(modules: Iterable[Any]) -> list[dict[int, Any]]:
    """The dicts of the hooks that modules of torch call before and after they compute.

    The last ones are of all modules. torch (2.13) has no public way to ask for hooks; this may go
    with the oldest version without one.
    """
    from torch.nn.modules import module as every

    own = [hooks for each in modules for hooks in (each._forward_pre_hooks, each._forward_hooks)]
    return [*own, every._global_forward_pre_hooks, every._global_forward_hooks]


def tensor_stamps(tensors: Iterable[Any]) -> list[tuple[int, int]]:
    """Where each tensor is in memory and how often it was changed in place.

    torch (2.13) has no public name for the number that autograd itself compares for this. This may
    go with the oldest version without one.
    """
    return [(tensor._version, tensor.data_ptr()) for tensor in tensors]


def onednn_convolution(
    weight: Any, bias: Any, image_size: tuple[int, int], padding: tuple[int, int]
) -> Callable[[Any], Any]:
    """Return a convolution by oneDNN, with its filters in the layout that oneDNN wants.

    `torch.conv2d` (2.5 to 2.13) takes other routines for one image than for several, which round
    differently, and brings the filters into that layout in each call. These are the operators that
    torch's compiler puts in its place. This may go with the oldest version in which it does not.

    Parameters
    ----------
    weight, bias : Tensor
        The filters; no bias is None.
    image_size : tuple of int (height, width)
        Of most of what it will be given.
    padding : tuple of int (height, width)
    """
    import torch

    pack: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    geometry = list(padding), [1, 1], [1, 1], 1  # the latter are strides, dilation and groups
    packed = pack(weight.to_mkldnn(), *geometry, [2, weight.shape[1], *image_size])
    settings: Any = (packed, bias, *geometry, "none", [], "")
    convolve = torch.ops.mkldnn._convolution_pointwise.default
    return lambda x: convolve(x, *settings)


def parse_classifier(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare the outputs of a classifier in skl2onnx, as it does for those of scikit-learn.

    skl2onnx uses this parser if no other is registered. Ours adds the option ``features`` and calls
    it for all else; skl2onnx (1.20) exports it under no public name. This may go with the oldest
    version that does not.
    """
    from skl2onnx._parse import _parse_sklearn_classifier

    return _parse_sklearn_classifier(scope, model, inputs, custom_parsers)
