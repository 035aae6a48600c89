"""What torch needs around it: a device that is there, and none of its user's switches."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

from sklearn_shapecnn._compat import without_torch_functions
from sklearn_shapecnn._threads import Change, one_thread

P = ParamSpec("P")
T = TypeVar("T")

AUTOCAST_DEVICES = ("cpu", "cuda", "xpu", "mps")


class torch_as_usual(Change):
    """Compute with torch as if its user had switched nothing on or off; also a decorator.

    Autocast would compute in other dtypes, and a default device would hold tensors that belong on
    the CPU. Each operation keeps to the calling thread. torch's default dtype stays what it is,
    since it is that of all threads.

    Parameters
    ----------
    gradients : bool, default=False
        Whether a backward pass or a further training may follow; else this is in inference mode.
    """

    def __init__(self, *, gradients: bool = False) -> None:
        super().__init__()
        self.gradients = gradients

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function."""

        @wraps(function)
        def as_usual(*args: P.args, **kwargs: P.kwargs) -> T:
            with torch_as_usual(gradients=self.gradients):
                return function(*args, **kwargs)

        return as_usual

    def change(self) -> None:
        """Enter the contexts that are needed, which are but two for most users."""
        self.enter_context(one_thread())
        self.enter_context(torch.inference_mode(not self.gradients))
        if self.gradients:
            self.enter_context(torch.enable_grad())
        for kind in AUTOCAST_DEVICES:
            if torch.is_autocast_enabled(kind):
                self.enter_context(torch.autocast(kind, enabled=False))
        if torch.empty(0).device.type != "cpu":
            self.enter_context(without_torch_functions())


def find_device(device: str) -> str:
    """Find a torch device that can be used here.

    Parameters
    ----------
    device : str
        'auto' takes the first kind of GPU that there is: CUDA, XPU (Intel) or MPS (Apple); else the
        CPU.

    Returns
    -------
    device : str

    Raises
    ------
    ValueError
        If torch does not know the device or cannot use it here.
    """
    if device == "auto":
        gpus = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.backends.mps}
        return next((kind for kind, backend in gpus.items() if backend.is_available()), "cpu")
    reason = _why_not(device)
    if reason is not None:
        raise ValueError(
            f"device={device!r} is not available here ({reason}). Use 'auto' or 'cpu', or 'cuda', "
            f"'xpu' or 'mps' on a machine that has it."
        )
    return device


def is_available(device: str) -> bool:
    """Whether torch can use a device here."""
    return _why_not(device) is None


def _why_not(device: str) -> str | None:
    """Why torch cannot use a device here; None if it can."""
    if device == "cpu":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch warns of devices that can do next to nothing
            if torch.zeros(1, device=device).device.type != "meta":
                return None
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, Warning) as error:
        return textwrap.shorten(str(error), 120, placeholder=" ...")
    return "it holds no data"
