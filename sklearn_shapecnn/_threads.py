"""Threads: each computation on one of them, large ones in parts on as many as are allowed.

torch's own threads share each single operation. They wait for one another by spinning, thousands of
times a second, so that one that another program has pushed off its core stops all; and what they
compute depends on how many they are. So each operation here keeps to the thread that calls it.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from threadpoolctl import ThreadpoolController

T = TypeVar("T")
Setter = Callable[[int], int]


class _State(threading.local):
    """What a thread knows of its computation; the defaults are for outside of any."""

    allowed: int | None = None
    pool: ThreadPoolExecutor | None = None


_state = _State()


def _forget_the_pool() -> None:
    _state.pool = None


if hasattr(os, "register_at_fork"):  # a forked process has the pool, but none of its threads
    os.register_at_fork(after_in_child=_forget_the_pool)


def allowed_threads() -> int:
    """How many threads a computation may take.

    As many as torch has been told to take, by its user, the environment, joblib, Dask or
    threadpoolctl, and if nobody did, one for each core.
    """
    return torch.get_num_threads() if _state.allowed is None else _state.allowed


class one_thread:  # a context manager, and entered too often for a generator
    """Let torch compute on the calling thread alone.

    Only the calling thread's own setting of OpenMP is changed, and it is put back at the end;
    `torch.set_num_threads` would change that of the user's other threads.
    """

    def __enter__(self) -> None:
        self.before = _state.allowed
        # Asked first, since torch settles the number of a new thread only then.
        _state.allowed = allowed_threads()
        self.replaced: list[tuple[Setter, int]] = []
        if self.before is None and _state.allowed > 1:
            self.replaced = [(set_threads, set_threads(1)) for set_threads in _setters()]

    def __exit__(self, *exception: object) -> None:
        for set_threads, n_threads in self.replaced:
            set_threads(n_threads)
        _state.allowed = self.before


@contextmanager
def thread_pool(n_tasks: int) -> Iterator[None]:
    """Let `map_in_threads` work on several tasks at once, as many as threads are allowed.

    Parameters
    ----------
    n_tasks : int
        How many tasks there are at a time; no more threads are started.
    """
    n_threads = min(n_tasks, allowed_threads())
    if n_threads < 2 or _state.pool is not None:
        yield
        return
    with ThreadPoolExecutor(n_threads, "sklearn_shapecnn", _keep_to_one_thread) as pool:
        _state.pool = pool
        try:
            yield
        finally:
            _state.pool = None
            pool.shutdown(cancel_futures=True)


def map_in_threads(function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """The results of a function for each of its arguments, computed in the pool if there is one."""
    pool = _state.pool
    return list(map(function, *arguments) if pool is None else pool.map(function, *arguments))


def _keep_to_one_thread() -> None:
    torch.get_num_threads()  # settles the number, which would undo what follows
    for set_threads in _setters():
        set_threads(1)
    _state.allowed = 1


@cache
def _setters() -> list[Setter]:
    """Functions that set the threads which the calling one may take, and return the number before.

    One for each OpenMP that is loaded, torch's among them, and one for the MKL inside of torch,
    which has a number of its own after `torch.set_num_threads`.
    """
    controller = ThreadpoolController()
    openmp = [library for library in controller.lib_controllers if library.user_api == "openmp"]
    setters: list[Setter] = [partial(_set_openmp, library) for library in openmp]
    if torch.backends.mkl.is_available():
        path = Path(torch.__file__).with_name("lib") / "libtorch_cpu.so"
        with suppress(OSError, AttributeError):  # elsewhere it is no part of this library
            setters.append(ctypes.CDLL(str(path)).MKL_Set_Num_Threads_Local)
    return setters


def _set_openmp(library: Any, n_threads: int) -> int:
    before: int = library.num_threads
    library.set_num_threads(n_threads)
    return before
