"""Threads: each computation on one of them, large ones in parts on as many as are allowed.

torch's own threads share each single operation. They wait for one another by spinning, thousands of
times a second, so that one that another program has pushed off its core stops all; and what they
compute depends on how many they are. So each operation here keeps to the thread that calls it.
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


class Change(ExitStack):
    """Something that is changed for a while, by `change`, and undone by callbacks of the stack.

    It is undone too if an interrupt (Ctrl-C) comes in the midst of it, or just before `__exit__`.
    """

    def change(self) -> None:
        """Change it, after each callback that undoes the next change."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.change()
            return self
        except BaseException:
            self.close()
            raise

    _exit_callbacks: Any = ()  # for `close` where an interrupt came before `__init__`
    __del__ = ExitStack.close


class one_thread(Change):
    """Let torch compute on the calling thread alone.

    Only the calling thread's own setting is changed; `torch.set_num_threads` would change that of
    the user's other threads.
    """

    def change(self) -> None:
        """Set what all libraries in which torch computes may take."""
        is_outermost = _state.allowed is None
        self.callback(setattr, _state, "allowed", _state.allowed)
        # Asked first, since torch settles the number of a new thread only then.
        _state.allowed = n_threads = allowed_threads()
        if is_outermost and n_threads > 1:
            for library in _openmp_libraries():
                self.callback(library.set_num_threads, library.num_threads)
                library.set_num_threads(1)
            for set_threads in _mkl_setters():
                self.callback(set_threads, set_threads(1))


class thread_pool(Change):
    """Let `map_in_threads` work on several tasks at once, as many as threads are allowed.

    Parameters
    ----------
    n_tasks : int
        How many tasks there are at a time; no more threads are started.
    """

    def __init__(self, n_tasks: int) -> None:
        super().__init__()
        self.n_threads = min(n_tasks, allowed_threads())

    def change(self) -> None:
        """Make a pool, unless there is one already; its threads start with its tasks."""
        if self.n_threads > 1 and _state.pool is None:
            pool = ThreadPoolExecutor(self.n_threads, "sklearn_shapecnn", _keep_to_one_thread)
            self.callback(pool.shutdown, cancel_futures=True)
            self.callback(setattr, _state, "pool", None)
            _state.pool = pool


def map_in_threads(function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """The results of a function for each of its arguments, computed in the pool if there is one."""
    pool = _state.pool
    return list(map(function, *arguments) if pool is None else pool.map(function, *arguments))


def _keep_to_one_thread() -> None:
    torch.get_num_threads()  # settles the number, which would undo what follows
    for library in _openmp_libraries():
        library.set_num_threads(1)
    for set_threads in _mkl_setters():
        set_threads(1)
    _state.allowed = 1


@cache
def _openmp_libraries() -> list[Any]:
    """Each OpenMP that is loaded, torch's among them."""
    controller = ThreadpoolController()
    return [library for library in controller.lib_controllers if library.user_api == "openmp"]


@cache
def _mkl_setters() -> list[Callable[[int], int]]:
    """A function that sets the threads of the MKL inside of torch, and returns how many they were.

    After `torch.set_num_threads` it has a number of its own. None where torch has no MKL.
    """
    path = Path(torch.__file__).with_name("lib") / "libtorch_cpu.so"
    with suppress(OSError, AttributeError):  # elsewhere it is no part of this library
        return [ctypes.CDLL(str(path)).MKL_Set_Num_Threads_Local]
    return []
