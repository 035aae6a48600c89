"""Check the parameters of the shape generators."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from sklearn_shapecnn._input.errors import is_int
from sklearn_shapecnn.datasets._geometry import SHAPES

# Below this many pixels across, shapes cannot be told apart.
_SMALLEST_SIZE = 3.0
# For `is_int`: ints that are too small get their own messages.
_ANY_INT = -math.inf


def check_image_shape(image_shape: Any, *, is_gray: bool = False) -> tuple[int, int, int]:
    """Return the height, the width and the number of channels."""
    form = "(height, width)" if is_gray else "(height, width) or (height, width, 3)"
    expected = f"image_shape must be {form}, integers of pixels"
    values = tuple(image_shape) if np.iterable(image_shape) else ()
    if not values or not all(is_int(value, _ANY_INT) for value in values):
        raise TypeError(f"{expected}; got {image_shape!r}.")
    if len(values) != 2 and (is_gray or len(values) != 3 or values[2] != 3):
        raise ValueError(f"{expected}; got {image_shape!r}.")
    if min(values[:2]) < _SMALLEST_SIZE:
        raise ValueError(
            f"image_shape must be at least {_SMALLEST_SIZE:.0f} pixels high and wide to show "
            f"anything; got {image_shape!r}."
        )
    return int(values[0]), int(values[1]), 3 if len(values) == 3 else 1


def check_shapes(shapes: Any) -> list[str]:
    """Return the names of the shapes."""
    known = ", ".join(sorted(SHAPES))
    if isinstance(shapes, str) or not np.iterable(shapes):
        raise TypeError(f"shapes must be a sequence of names, such as ['circle']; got {shapes!r}.")
    names = list(shapes)
    if not names:
        raise ValueError(f"shapes is empty. Choose one or more from: {known}.")
    for name in names:
        if not isinstance(name, str) or name not in SHAPES:
            raise ValueError(f"shapes has an unknown shape {name!r}. Choose from: {known}.")
    if len(set(names)) < len(names):
        raise ValueError(f"shapes has a name twice: {names}. Each class must be given once.")
    return [str(name) for name in names]


def check_counts(n_samples: Any, names: Sequence[str], noun: str = "shapes") -> list[int]:
    """Return the number of images of each class."""
    if is_int(n_samples, _ANY_INT):
        if n_samples < 1:
            raise ValueError(f"n_samples must be at least 1; got {n_samples}.")
        share, rest = divmod(int(n_samples), len(names))
        return [share + (label < rest) for label in range(len(names))]
    counts = list(n_samples) if np.iterable(n_samples) else [n_samples]
    if not np.iterable(n_samples) or not all(is_int(count, _ANY_INT) for count in counts):
        raise TypeError(
            "n_samples must be an integer or a sequence of integers, one per class; got "
            f"{n_samples!r}."
        )
    if len(counts) != len(names):
        raise ValueError(
            f"n_samples has {len(counts)} counts for {len(names)} {noun}. Give one for each of "
            f"{names}."
        )
    if min(counts) < 0 or sum(counts) == 0:
        raise ValueError(
            f"n_samples must not be negative for any class or zero for all; got {n_samples!r}."
        )
    return [int(count) for count in counts]


def check_n_samples(n_samples: Any) -> int:
    """Return the number of images."""
    if not is_int(n_samples, _ANY_INT):
        raise TypeError(f"n_samples must be an integer; got {n_samples!r}.")
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1; got {n_samples}.")
    return int(n_samples)


def check_n_shapes(n_shapes: Any, extent: tuple[int, int]) -> tuple[int, int]:
    """Return the minimum and the maximum number of shapes in an image."""
    is_pair = np.iterable(n_shapes) and not isinstance(n_shapes, str)
    pair = tuple(n_shapes) if is_pair else (n_shapes, n_shapes)
    expected = "n_shapes must be an integer or a pair of integers (low, high)"
    if not all(is_int(end, _ANY_INT) for end in pair):
        raise TypeError(f"{expected}; got {n_shapes!r}.")
    if len(pair) != 2:
        raise ValueError(f"{expected}; got {n_shapes!r}.")
    low, high = (int(end) for end in pair)
    if low < 0:
        raise ValueError(f"n_shapes must not be negative; got {n_shapes!r}.")
    if low > high:
        raise ValueError(f"n_shapes must have low <= high; got {n_shapes!r}. Swap its ends.")
    if high > extent[0] * extent[1]:
        raise ValueError(
            f"n_shapes={n_shapes!r} is more than an image of {extent[0]} x {extent[1]} pixels can "
            "hold. Lower n_shapes or give a larger image_shape."
        )
    return low, high


def check_memory(n_samples: Any, image_shape: Any, n_values: int) -> None:
    """Raise ValueError if there are more float32 values than can be addressed."""
    if n_values > 2**45:
        raise ValueError(
            f"n_samples={n_samples!r} images of image_shape={image_shape!r} do not fit into "
            f"any memory. Make fewer at a time."
        )


def check_generator(random_state: Any) -> np.random.Generator:
    """Turn any random state into NumPy's fastest generator."""
    if isinstance(random_state, bool | np.bool_):
        raise TypeError(f"random_state must not be a bool; got {random_state}. Give an integer.")
    if isinstance(random_state, np.random.Generator):
        random_state = random_state.integers(2**32, size=4)
    elif isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(2**32, size=4, dtype=np.uint64)
    return np.random.Generator(np.random.SFC64(random_state))


def check_diameters(size: Any, scale: int) -> tuple[float, float]:
    """Return the range of diameters in pixels; `scale` is the shorter side of the image."""
    low, high = check_range("size", size, 0, np.inf, above=True)
    if high > 1:
        raise ValueError(
            f"size={size!r} leaves no room for the shape: it is a fraction of the image's shorter "
            f"side ({scale} pixels), and the largest that fits is 1.0."
        )
    if high * scale < _SMALLEST_SIZE:
        raise ValueError(
            f"size={size!r} makes shapes of at most {high * scale:.3g} pixels across, too small "
            f"to be told apart. Give at least {math.ceil(1000 * _SMALLEST_SIZE / scale) / 1000}, "
            f"which makes {_SMALLEST_SIZE:.0f} pixels, or a larger image_shape."
        )
    return max(low * scale, _SMALLEST_SIZE), high * scale


def check_range(
    name: str, value: Any, least: float = -np.inf, most: float = np.inf, above: bool = False
) -> tuple[float, float]:
    """Return a range, given as one number or as a pair, as a pair of floats."""
    pair = tuple(value) if np.iterable(value) and not isinstance(value, str) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"{name} must be a number or a pair (low, high); got {value!r}.")
    low, high = (check_number(name, end, least, most, above) for end in pair)
    if low > high:
        raise ValueError(f"{name} must have low <= high; got {value!r}. Swap its ends.")
    return low, high


def check_number(
    name: str, value: Any, least: float = -np.inf, most: float = np.inf, above: bool = False
) -> float:
    """Return a finite float from `least` (excluded if `above`) to `most`."""
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be made of real numbers; got {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (least <= number <= most and np.isfinite(number)) or (above and number == least):
        interval = f"{'(' if above else '['}{least}, {most}{')' if np.isinf(most) else ']'}"
        raise ValueError(f"{name} must be finite and in {interval}; got {value!r}.")
    return number
