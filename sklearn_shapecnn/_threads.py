"""Threads: each operation runs on one; large computations are split over all allowed threads.

torch's own threads share every single operation. They wait for each other by spinning, thousands of
times a second, so one thread that another program pushes off its core stops them all. Their results
also depend on their number. Therefore, each operation here runs on the thread that calls it.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import torch
from threadpoolctl import ThreadpoolController

T = TypeVar("T")


class _State(threading.local):
    """What a thread knows about its computation; the defaults hold outside of computations."""

    allowed: int | None = None
    pool: ThreadPoolExecutor | None = None


_state = _State()


def _forget_the_pool() -> None:
    _state.pool = None


if hasattr(os, "register_at_fork"):  # a forked process inherits the pool without its threads
    os.register_at_fork(after_in_child=_forget_the_pool)


def allowed_threads() -> int:
    """Return how many threads a computation may use.

    This is torch's number of threads, as set by the user, the environment, joblib, Dask or
    threadpoolctl. If none of them sets it, it is one per core.
    """
    return torch.get_num_threads() if _state.allowed is None else _state.allowed


class Change(ExitStack):
    """A temporary change, made by `change` and undone by the callbacks of the stack.

    An interrupt (Ctrl-C) during the change or just before `__exit__` undoes it too.
    """

    def change(self) -> None:
        """Make the change; push the callback that undoes a step before that step."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.change()
            return self
        except BaseException:
            self.close()
            raise

    _exit_callbacks: Any = ()  # for `close` if an interrupt comes before `__init__`
    __del__ = ExitStack.close


class one_thread(Change):
    """Make torch compute on the calling thread only.

    This changes only the setting of the calling thread. `torch.set_num_threads` would also change
    the user's other threads.
    """

    def change(self) -> None:
        """Limit the threads of all libraries that torch computes with."""
        is_outermost = _state.allowed is None
        self.callback(setattr, _state, "allowed", _state.allowed)
        # Ask first: torch sets the number for a new thread only when asked.
        _state.allowed = n_threads = allowed_threads()
        if is_outermost and n_threads > 1:
            for library in _openmp_libraries():
                self.callback(library.set_num_threads, library.num_threads)
                library.set_num_threads(1)
            for set_threads in _mkl_setters():
                self.callback(set_threads, set_threads(1))


class thread_pool(Change):
    """Let `map_in_threads` run several tasks at once, up to the number of allowed threads.

    Parameters
    ----------
    n_tasks : int
        Largest number of simultaneous tasks, and so of threads.
    """

    def __init__(self, n_tasks: int) -> None:
        super().__init__()
        self.n_threads = min(n_tasks, allowed_threads())

    def change(self) -> None:
        """Create a pool unless there is one; its threads start with its tasks."""
        if self.n_threads > 1 and _state.pool is None:
            pool = ThreadPoolExecutor(self.n_threads, "sklearn_shapecnn", _keep_to_one_thread)
            self.callback(pool.shutdown, cancel_futures=True)
            self.callback(setattr, _state, "pool", None)
            _state.pool = pool


def map_in_threads(function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """Map a function over its arguments, in the pool if there is one."""
    pool = _state.pool
    return list(map(function, *arguments) if pool is None else pool.map(function, *arguments))


def _keep_to_one_thread() -> None:
    torch.get_num_threads()  # sets the number, which would later undo the next lines
    for library in _openmp_libraries():
        library.set_num_threads(1)
    for set_threads in _mkl_setters():
        set_threads(1)
    _state.allowed = 1


@cache
def _openmp_libraries() -> list[Any]:
    """Return all loaded OpenMP libraries, including torch's."""
    controller = ThreadpoolController()
    return [library for library in controller.lib_controllers if library.user_api == "openmp"]


@cache
def _mkl_setters() -> list[Callable[[int], int]]:
    """Return a function that sets the number of threads of torch's MKL and returns the old one.

    MKL has its own number after `torch.set_num_threads`. The list is empty if torch has no MKL.
    """
    path = Path(torch.__file__).with_name("lib") / "libtorch_cpu.so"
    with suppress(OSError, AttributeError):  # on other systems, MKL is not in this library
        return [ctypes.CDLL(str(path)).MKL_Set_Num_Threads_Local]
    return []
