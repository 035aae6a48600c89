"""Errors that name the argument that causes them, and checks of counts."""

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
    """Prefix errors of other libraries with an argument's name if they do not mention it.

    Inside, two of the user's switches have no effect: NumPy's error handling, because infinities of
    both signs have no sum, and scikit-learn's dispatch to other arrays.
    """
    try:
        with np.errstate(all="ignore"), sklearn.config_context(array_api_dispatch=False):
            yield
    except (Warning, MemoryError, OSError):
        raise
    except Exception as error:  # arrays of other libraries may raise anything
        is_usual = isinstance(error, ValueError | TypeError)
        if is_usual and re.search(rf"\b{name}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: {error}") from error


@contextmanager
def rename_errors(names: str) -> Iterator[None]:
    """Say which arguments a ValueError or TypeError about X and y refers to."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if isinstance(error, Warning):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"In {names}: {error}") from error


def check_mask(values: Any, name: str) -> None:
    """Raise ValueError for a masked array: NumPy would treat the masked values as valid."""
    # is_masked alone would also find the masks of pandas arrays.
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"Input {name} contains masked values. Fill them in, or leave out those images."
        )


def check_no_times(values: Any, name: str) -> None:
    """Raise ValueError for dates and durations, which NumPy would turn into numbers."""
    if isinstance(values, list | tuple):
        kinds = {value.dtype.kind for value in values if isinstance(value, np.generic)}
    else:
        kinds = {np.asarray(values).dtype.kind}
    for kind, what, numbers in (
        ("M", "dates", f"np.asarray({name}) - np.asarray({name}).min()"),
        ("m", "durations", f"np.asarray({name})"),
    ):
        if kind in kinds:
            raise ValueError(
                f"{name} holds {what}, not numbers. Turn them into numbers first, such as days: "
                f"({numbers}) / np.timedelta64(1, 'D')."
            )


def is_int(value: Any, least: float = 1) -> bool:
    """Return whether a value is an int, not a bool, and at least `least`."""
    is_bool = isinstance(value, bool | np.bool_)
    return isinstance(value, Integral) and not is_bool and int(value) >= least


def check_positive_int(name: str, value: Any) -> int:
    """Return a parameter as an int; raise ValueError unless it is a positive int."""
    if not is_int(value):
        raise ValueError(f"{name} must be a positive int, but got {value!r}.")
    return int(value)


def check_positive_ints(name: str, value: Any) -> tuple[int, ...]:
    """Return an int or a sequence of ints as a tuple; raise ValueError unless all are positive."""
    if isinstance(value, list | tuple):  # not by NumPy, which would turn bools into ints
        values = list(value)
    else:
        values = [value] if isinstance(value, Integral) else list(np.atleast_1d(value))
    if not all(is_int(v) for v in values):
        raise ValueError(f"{name} must hold positive ints only, but got {value!r}.")
    return tuple(int(v) for v in values)


def check_finite(values: np.ndarray) -> np.ndarray:
    """Return what the network computed, or raise ValueError if it is not finite."""
    if not np.isfinite(values).all():
        raise ValueError(
            "Some scores or features are not finite: X holds values far outside of those seen in "
            "fit. Check that it is on the same scale."
        )
    return values
