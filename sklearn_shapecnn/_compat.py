"""Every private or version-specific name of another library, and why it is used.

No other module may import a private name of scikit-learn, skorch, skl2onnx, torch or Pillow. Each
entry says which public alternative was tried and when to remove the private name.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

# Parameter validation, with the messages that scikit-learn users know. scikit-learn (1.9) has no
# public names for it, and our own checks would be a second set of rules and messages. Remove these
# imports once all supported versions of scikit-learn export them publicly.
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
except ImportError:  # scikit-learn < 1.9; remove with support for 1.8

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Do nothing, in place of scikit-learn's mixin."""

    Method = TypeVar("Method", bound=Callable[..., Any])

    def with_callbacks(method: Method) -> Method:
        """Return the method unchanged."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "DocLinkMixin",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "attributes_without_callbacks",
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

# Packages whose frames may lie between our warning and the user's line that causes it: they call
# or load an estimator, or provide the context managers and decorators around our functions.
_CALLERS = {"sklearn_shapecnn", "sklearn", "joblib", "pickle", "skops", "torch", "contextlib"}


class DocLinkMixin:
    """Link the HTML representation of an estimator to its page, once the site is published.

    scikit-learn's developer guide names these two private attributes for this purpose. An empty
    template makes no link. When the site is published, set the template to its address followed by
    "/generated/sklearn_shapecnn.{estimator_name}.html".
    """

    _doc_link_module = "sklearn_shapecnn"
    _doc_link_template = ""


def warn(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn, and point to the line of user code that caused the warning.

    From Python 3.12 on, `warnings.warn` does the same with ``skip_file_prefixes``, for a list of
    folders. Remove this function with support for Python 3.11.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in _CALLERS and frame.f_back:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


_CALLBACKS = "_skl_callbacks"  # where scikit-learn keeps those of set_callbacks


def has_callbacks(estimator: Any) -> bool:
    """Return whether scikit-learn's callbacks are set on an estimator.

    Calling them for every batch without asking would work too, but costs time in each step.
    scikit-learn (1.9) has no public way to ask. Remove this once all supported versions have one.
    """
    return bool(getattr(estimator, _CALLBACKS, None))


def attributes_without_callbacks(estimator: Any) -> dict[str, Any]:
    """Return the attributes of an estimator, but for scikit-learn's callbacks."""
    return {name: value for name, value in vars(estimator).items() if name != _CALLBACKS}


def start_fit_task(estimator: Any, max_subtasks: int = 0) -> Any:
    """Tell scikit-learn's callbacks that a fit begins, and return its task.

    scikit-learn (1.9) documents this private method as the one to call. Remove this once all
    supported versions have a public name for it.
    """
    return estimator._init_callback_context(max_subtasks=max_subtasks)


def declare_optimizer(net: Any) -> None:
    """Tell a skorch net that it has an optimizer, before the optimizer exists.

    skorch (1.4) registers an optimizer when it is assigned, for `set_params` and for pickles, and
    has no public way to register it earlier. Remove this once all supported versions have one.
    """
    net._register_attribute("optimizer_", None)


def without_compiler(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return an optimizer method of torch that does not import torch's compiler.

    torch (2.5 to 2.15) wraps some of these methods so that their first call imports
    `torch._dynamo`. The import takes a second or more, changes the environment and the warnings
    filters, needs a folder to write to, and breaks torch if Ctrl-C interrupts it. There is no
    public way around it. Remove this once no supported version of torch imports its compiler for an
    optimizer.
    """
    return getattr(method, "__wrapped__", method)


def without_torch_functions() -> AbstractContextManager[None]:
    """Create torch tensors on the CPU unless a device is given, whatever the default device is.

    ``with torch.device("cpu")`` does so too, but in older versions of torch (2.5) a default device
    set around it takes precedence. Remove this with the last such version.
    """
    from torch._C import DisableTorchFunction

    disabled: AbstractContextManager[None] = DisableTorchFunction()
    return disabled


def held_by_module(module: Any) -> tuple[dict[str, Any], ...]:
    """Return the dicts in which a torch module holds its parameters, buffers and submodules.

    The public generators over them take 50 µs for a small network, as long as predicting a small
    image. Remove this once they are fast in all supported versions.
    """
    return module._parameters, module._buffers, module._modules


def forward_hooks(modules: Iterable[Any]) -> list[dict[int, Any]]:
    """Return the dicts of the hooks that torch modules call before and after they compute.

    The last two dicts hold the global hooks of all modules. torch (2.13) has no public way to list
    hooks. Remove this once all supported versions have one.
    """
    from torch.nn.modules import module as every

    own = [hooks for each in modules for hooks in (each._forward_pre_hooks, each._forward_hooks)]
    return [*own, every._global_forward_pre_hooks, every._global_forward_hooks]


def tensor_stamps(tensors: Iterable[Any]) -> list[tuple[int, int]]:
    """Return how often each tensor was changed in place, and where it is in memory.

    torch (2.13) has no public name for the version counter that autograd itself compares. Remove
    this once all supported versions have one.
    """
    return [(tensor._version, tensor.data_ptr()) for tensor in tensors]


def onednn_convolution(
    weight: Any, bias: Any, image_size: tuple[int, int], padding: tuple[int, int]
) -> Callable[[Any], Any]:
    """Return a oneDNN convolution whose filters are already in oneDNN's layout.

    `torch.conv2d` (2.5 to 2.13) uses different routines for one image and for several, which round
    differently, and converts the filters to that layout in each call. torch's compiler replaces it
    with the operators used here. Remove this once `torch.conv2d` does neither.

    Parameters
    ----------
    weight, bias : Tensor
        The filters. The bias is None if there is none.
    image_size : tuple of int (height, width)
        Size of most of the images.
    padding : tuple of int (height, width)
    """
    import torch

    pack: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    geometry = list(padding), [1, 1], [1, 1], 1  # then strides, dilation and groups
    packed = pack(weight.to_mkldnn(), *geometry, [2, weight.shape[1], *image_size])
    settings: Any = (packed, bias, *geometry, "none", [], "")
    convolve = torch.ops.mkldnn._convolution_pointwise.default
    return lambda x: convolve(x, *settings)


def parse_classifier(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare the outputs of a classifier in skl2onnx, as for scikit-learn's classifiers.

    skl2onnx uses this parser if no other is registered. Our parser adds the option ``features`` and
    calls this one for everything else. skl2onnx (1.20) has no public name for it. Remove this once
    all supported versions have one.
    """
    from skl2onnx._parse import _parse_sklearn_classifier

    return _parse_sklearn_classifier(scope, model, inputs, custom_parsers)
