"""What torch needs around it: a device that is there, and none of its user's switches."""

from __future__ import annotations

import os
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from sklearn_shapecnn._compat import without_torch_functions

AUTOCAST_DEVICES = ("cpu", "cuda", "xpu", "mps")

_is_forked = False


def _note_fork() -> None:
    global _is_forked
    _is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


@contextmanager
def one_thread_if_forked() -> Iterator[None]:
    """Keep to one thread in a process that was forked after torch was imported.

    There GNU's OpenMP, which torch computes with, waits forever for threads that only the parent
    process has.
    """
    n_threads = torch.get_num_threads() if _is_forked else 1
    if n_threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def torch_as_usual(*, gradients: bool = False) -> Iterator[None]:
    """Compute with torch as if its user had switched nothing on or off.

    Autocast would compute in other dtypes, and a default device would hold tensors that belong on
    the CPU. A forked process keeps to one thread. torch's default dtype stays what it is, since it
    is that of all threads.

    Parameters
    ----------
    gradients : bool, default=False
        Whether a backward pass or a further training may follow; else this is in inference mode.
    """
    with ExitStack() as stack:
        stack.enter_context(one_thread_if_forked())
        stack.enter_context(torch.inference_mode(not gradients))
        if gradients:
            stack.enter_context(torch.enable_grad())
        for kind in AUTOCAST_DEVICES:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.empty(0).device.type != "cpu":
            stack.enter_context(without_torch_functions())
        yield


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
