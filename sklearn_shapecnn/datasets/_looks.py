"""Looks: the parameters that all shape generators share, checked and sampled into a plan."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_shapecnn.datasets._checks import (
    check_diameters,
    check_image_shape,
    check_number,
    check_range,
    check_shapes,
)
from sklearn_shapecnn.datasets._plan import Array

Range = tuple[float, float]


@dataclass(frozen=True)
class Looks:
    """What images may look like.

    Lengths are in pixels, line widths are fractions of the image's shorter side, and angles are in
    degrees.
    """

    extent: tuple[int, int]
    channels: int
    names: list[str]
    diameters: Range
    angles: Range
    aspects: Range
    line_widths: Range
    filled: float
    foreground: Range
    background: Range
    min_contrast: float
    min_visible: float
    noise: float


def check_looks(
    *,
    image_shape: Any,
    shapes: Any,
    size: Any,
    rotation: Any,
    aspect_ratio: Any,
    min_visible: Any,
    filled: Any,
    line_width: Any,
    foreground: Any,
    background: Any,
    min_contrast: Any,
    noise: Any,
) -> Looks:
    """Check the parameters, which mean the same as in make_shapes."""
    height, width, channels = check_image_shape(image_shape)
    filled = float(filled) if isinstance(filled, bool | np.bool_) else filled
    return Looks(
        extent=(height, width),
        channels=channels,
        names=check_shapes(shapes),
        diameters=check_diameters(size, min(height, width)),
        angles=check_range("rotation", rotation, -1e9, 1e9),
        aspects=check_range("aspect_ratio", aspect_ratio, 0.01, 1),
        line_widths=check_range("line_width", line_width, 0, 1, above=True),
        filled=check_number("filled", filled, 0, 1),
        foreground=check_range("foreground", foreground, 0, 1),
        background=check_range("background", background, 0, 1),
        min_contrast=check_number("min_contrast", min_contrast, 0, 1),
        min_visible=check_number("min_visible", min_visible, 0, 1, above=True),
        noise=check_number("noise", noise, 0),
    )


def draw_looks(plan: Array, looks: Looks, rng: np.random.Generator) -> None:
    """Sample sizes, rotations, aspect ratios and line widths into the plan."""
    n = len(plan)
    plan["radius"] = rng.uniform(*looks.diameters, n) / 2
    plan["angle"] = rng.uniform(*looks.angles, n)
    plan["aspect"] = rng.uniform(*looks.aspects, n)
    plan["line_width"] = min(looks.extent) * rng.uniform(*looks.line_widths, n)
    plan["line_width"][rng.random(n) < looks.filled] = np.inf
