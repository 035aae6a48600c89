"""Set up torch: find an available device, and ignore switches that the user has set."""

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
    """Compute with torch regardless of switches that the user has set; also a decorator.

    Autocast would compute in other dtypes, and a default device would hold tensors that belong on
    the CPU. Each operation stays on the calling thread. torch's default dtype is not changed,
    because all threads share it.

    Parameters
    ----------
    gradients : bool, default=False
        Whether a backward pass or further training may follow. If False, use inference mode.
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
        """Enter the contexts that are needed, only two for most users."""
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
    """Find a torch device that is available on this machine.

    Parameters
    ----------
    device : str
        'auto' takes the first kind of GPU available, of CUDA, XPU (Intel) and MPS (Apple), or else
        the CPU.

    Returns
    -------
    device : str

    Raises
    ------
    ValueError
        If torch does not know the device or cannot use it on this machine.
    """
    if device == "auto":
        gpus = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.backends.mps}
        return next((kind for kind, backend in gpus.items() if backend.is_available()), "cpu")
    reason = _why_not(device)
    if reason is not None:
        raise ValueError(
            f"device={device!r} is not available here. Use 'auto', which takes a GPU if there is "
            f"one; or 'cpu'; or 'cuda', 'xpu' or 'mps' on a machine that has it. Torch says: "
            f"{reason}."
        )
    return device


def is_available(device: str) -> bool:
    """Return whether torch can use a device on this machine."""
    return _why_not(device) is None


def _why_not(device: str) -> str | None:
    """Return why torch cannot use a device; None if it can."""
    if device == "cpu":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch warns about devices with little support
            if torch.zeros(1, device=device).device.type != "meta":
                return None
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, Warning) as error:
        return textwrap.shorten(str(error), 120, placeholder=" ...")
    return "it holds no data"
