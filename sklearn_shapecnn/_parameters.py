"""The parameters that all estimators share, and the checks of their values."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from sklearn_shapecnn._compat import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn_shapecnn._input.errors import check_positive_ints, is_int, prefix_errors
from sklearn_shapecnn._network.modules import ACTIVATIONS
from sklearn_shapecnn._training.augment import AUGMENT_ADVICE, AUGMENTATIONS

SHARED_CONSTRAINTS: dict[str, list[Any]] = {
    "image_shape": ["array-like", None],
    "n_filters": [
        StrOptions({"auto"}),
        Interval(Integral, 1, None, closed="left"),
        "array-like",
    ],
    "kernel_size": [
        StrOptions({"auto"}),
        Interval(Integral, 1, None, closed="left"),
        "array-like",
    ],
    "pool_size": [
        StrOptions({"auto"}),
        Interval(Integral, 1, None, closed="left"),
        "array-like",
    ],
    "pooling": [StrOptions({"max", "avg", "sum"})],
    "hidden_layer_sizes": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "normalization": [StrOptions({"batch", "layer"}), None],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "weights": [StrOptions({"shapes"}), HasMethods(["fit", "predict"]), None],
    "learning_rate_init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "augment": [StrOptions({"auto", *AUGMENTATIONS}), "array-like", None],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "tol": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "device": [str],
    "distributed": ["boolean"],
    "random_state": ["random_state", np.random.Generator],
    "verbose": ["verbose"],
    "callbacks": [list, tuple, None],
}


def check_parameters(estimator: Any) -> None:
    """Check each parameter of an estimator separately.

    Raises
    ------
    InvalidParameterError
        If one has a wrong type or is out of range. It is both a ValueError and a TypeError.
    """
    constraints = estimator._parameter_constraints
    for name in constraints:
        value = getattr(estimator, name)
        with prefix_errors(name):  # scikit-learn's check fails on some numbers without a name
            try:
                validate_parameter_constraints(
                    constraints, {name: value}, caller_name=type(estimator).__name__
                )
            except ValueError as error:
                if advice := _advice(name, value):
                    raise type(error)(f"{error} {advice}") from None
                raise
            if isinstance(value, Integral):
                float(value)


def _advice(name: str, value: Any) -> str | None:
    """Return what to do about a wrong value of a parameter, if users often mean another one."""
    if name == "augment":
        return AUGMENT_ADVICE
    if name == "image_shape":
        example = (value, value) if is_int(value) else (32, 32)
        return f"For images of {example[0]} x {example[1]} pixels, set image_shape={example}."
    return None


def given_image_shape(image_shape: Any) -> tuple[int, ...] | None:
    """Return the parameter `image_shape` as a tuple, or None.

    Raises
    ------
    ValueError
        If it is not a tuple of two or three positive ints.
    """
    if image_shape is None:
        return None
    values = check_positive_ints("image_shape", image_shape)
    if len(values) not in (2, 3):
        raise ValueError(
            f"image_shape must be (height, width) or (height, width, channels), but got "
            f"{image_shape!r}."
        )
    return values


def make_generator(
    random_state: int | np.random.RandomState | np.random.Generator | None,
) -> np.random.Generator:
    """Make a separate generator, so that no global state is read or changed."""
    if isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31))
    elif isinstance(random_state, np.random.Generator):
        random_state = int(random_state.integers(2**31))
    return np.random.default_rng(random_state)


def draw_seed(rng: np.random.Generator) -> int:
    """Draw a seed for another generator."""
    return int(rng.integers(2**31))
