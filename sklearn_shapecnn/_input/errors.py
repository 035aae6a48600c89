"""Errors that name the argument they are about, and checks of counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
import sklearn


@contextmanager
def prefix_errors(name: str) -> Iterator[None]:
    """Put the name of an argument before errors of other libraries that do not mention it.

    What they do there depends on no switch of the user's: neither on NumPy's error handling, since
    infinities of both signs have no sum, nor on scikit-learn's dispatch to other arrays.
    """
    try:
        with np.errstate(all="ignore"), sklearn.config_context(array_api_dispatch=False):
            yield
    except (Warning, MemoryError, OSError):
        raise
    except Exception as error:  # whatever the array of some other library raises
        is_usual = isinstance(error, ValueError | TypeError)
        if is_usual and re.search(rf"\b{name}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: {error}") from error


def check_mask(values: Any, name: str) -> None:
    """Raise ValueError for a masked array: NumPy would take the masked values as valid ones."""
    # An array of pandas has a mask too, which is_masked would find.
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"Input {name} contains masked values. Fill them, or leave these out.")


def is_int(value: Any, least: float = 1) -> bool:
    """Whether a value is an int, no bool, and not below the least that is allowed."""
    is_bool = isinstance(value, bool | np.bool_)
    return isinstance(value, Integral) and not is_bool and int(value) >= least


def check_positive_int(name: str, value: Any) -> int:
    """Return a parameter as an int, or raise ValueError unless it is a positive one."""
    if not is_int(value):
        raise ValueError(f"{name} must be a positive int, but got {value!r}.")
    return int(value)


def check_positive_ints(name: str, value: Any) -> tuple[int, ...]:
    """Return a parameter that is an int or a sequence of ints, or raise ValueError."""
    if isinstance(value, list | tuple):  # as they came: NumPy would turn bools into ints
        values = list(value)
    else:
        values = [value] if isinstance(value, Integral) else list(np.atleast_1d(value))
    if not all(is_int(v) for v in values):
        raise ValueError(f"{name} must hold positive ints only, but got {value!r}.")
    return tuple(int(v) for v in values)
