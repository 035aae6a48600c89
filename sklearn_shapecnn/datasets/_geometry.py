"""The shapes: their signed distances, and a registry of them.

A signed distance says how far a point lies outside (positive) or inside (negative) the border of a
shape, in a frame where the smallest circle around the shape has radius one. Size, position,
rotation, outline, mask and bounding box all follow from this one function, so a new shape is one
small function under ``@register``.

The distances are plane geometry. For exact distances and many more shapes, see Inigo Quilez, "2D
distance functions", https://iquilezles.org/articles/distfunctions2d/. Constants are Python floats,
which keep arrays in float32; NumPy floats would turn them into float64.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Distance = Callable[[Array, Array, Array], Array]

SHAPES: dict[str, Distance] = {}


def register(distance: Distance) -> Distance:
    """Register a signed distance under the name of its function.

    The function gets `x` (to the right), `y` (upward) and `aspect`. These are float32 and
    broadcast against each other. The distance must be accurate to first order near the border, and
    the border must stay inside the unit circle.
    """
    SHAPES[distance.__name__] = distance
    return distance


@register
def circle(x: Array, y: Array, aspect: Array) -> Array:
    """A disk."""
    return _radius(x, y) - 1


@register
def ellipse(x: Array, y: Array, aspect: Array) -> Array:
    """An ellipse; `aspect` is its short axis over its long one."""
    # f / |grad f|, accurate to first order, of f = hypot(x, y / aspect) - 1.
    scaled = y / aspect
    level = _radius(x, scaled)
    tiny = 1e-6  # avoids 0 / 0 in the middle, where the gradient is not defined
    distance = (level - 1) * ((level + tiny) / (_radius(x, scaled / aspect) + tiny))
    deepest = -aspect  # no point is farther inside than half the short axis
    return _trim_tips(np.maximum(distance, deepest), x, y)


@register
def ring(x: Array, y: Array, aspect: Array) -> Array:
    """A disk with a round hole."""
    hole = 0.55
    return np.abs(_radius(x, y) - (1 + hole) / 2) - (1 - hole) / 2


@register
def triangle(x: Array, y: Array, aspect: Array) -> Array:
    """An isosceles triangle; `aspect` is its height over its base."""
    # First for a base from -1 to 1, then scaled. The base of an obtuse triangle is a diameter of
    # the smallest circle around it; an acute triangle has all vertices on that circle.
    height = 2 * aspect
    radius = np.maximum(height, 1)
    radius = (radius + 1 / radius) / 2
    base = np.minimum(radius - height, 0) / radius
    slant = np.sqrt(1 + height * height)
    sides = np.abs(x) * (height / slant) + y * (1 / slant) - (base + height / radius) / slant
    return _trim_tips(np.maximum(sides, base - y), x, y)


@register
def square(x: Array, y: Array, aspect: Array) -> Array:
    """A square with horizontal and vertical sides."""
    return np.maximum(np.abs(x), np.abs(y)) - math.sqrt(0.5)


@register
def rectangle(x: Array, y: Array, aspect: Array) -> Array:
    """A rectangle; `aspect` is its height over its width."""
    half_width = 1 / np.sqrt(1 + aspect * aspect)
    return np.maximum(np.abs(x) - half_width, np.abs(y) - aspect * half_width)


@register
def pentagon(x: Array, y: Array, aspect: Array) -> Array:
    """A regular pentagon with one vertex up."""
    return _regular_polygon(x, y, 5)


@register
def hexagon(x: Array, y: Array, aspect: Array) -> Array:
    """A regular hexagon with one vertex up."""
    return _regular_polygon(x, y, 6)


@register
def star(x: Array, y: Array, aspect: Array) -> Array:
    """A pentagram with one tip up."""
    # A point lies in a pentagram if it is beyond at most one of its five lines. So the second
    # greatest distance counts.
    first = _beyond_line(x, y, 0.0)
    second = np.full_like(first, -np.inf)
    for k in range(1, 5):
        beyond = _beyond_line(x, y, 2 * math.pi * k / 5)
        np.maximum(second, np.minimum(first, beyond), out=second)
        np.maximum(first, beyond, out=first)
    return _trim_tips(second - math.cos(2 * math.pi / 5), x, y)


@register
def cross(x: Array, y: Array, aspect: Array) -> Array:
    """An upright cross of two bars, three times as long as wide."""
    half_width = math.sqrt(0.1)  # puts the corners, at 1 and 3 half-widths, on the unit circle
    x, y = np.abs(x), np.abs(y)
    return np.maximum(np.maximum(x, y) - 3 * half_width, np.minimum(x, y) - half_width)


def signed_distance(name: str, plan: Array, down: Array, right: Array) -> Array:
    """Compute signed distances on a grid of points in each image.

    Parameters
    ----------
    name : str
        The shape in all the images.
    plan : structured array of shape (n,)
        What to draw; see `plan_dtype`.
    down, right : ndarray of shape (n, n_rows) and (n, n_columns)
        Distances of the grids' rows and columns from the centers of the shapes, in units of their
        radii.

    Returns
    -------
    distance : ndarray of shape (n, n_rows, n_columns), dtype float32
        The distances, in units of the radii.
    """
    angle = np.deg2rad(plan["angle"])[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    x = _outer_sum(-sin * down, cos * right)
    y = _outer_sum(-cos * down, -sin * right)
    return SHAPES[name](x, y, per_image(plan["aspect"]))


def per_image(values: Array) -> Array:
    """Let one number per image broadcast against grids of points, as float32."""
    return values.astype(np.float32)[:, None, None]


def _outer_sum(rows: Array, columns: Array) -> Array:
    return rows.astype(np.float32)[:, :, None] + columns.astype(np.float32)[:, None, :]


def _radius(x: Array, y: Array) -> Array:
    return np.sqrt(x * x + y * y)


def _beyond_line(x: Array, y: Array, direction: float) -> Array:
    """Return how far a point lies in a direction, given in radians clockwise from up."""
    return x * math.sin(direction) + y * math.cos(direction)


def _regular_polygon(x: Array, y: Array, n_sides: int) -> Array:
    """A regular polygon with one vertex up: the intersection of half-planes."""
    x = np.abs(x)  # by symmetry, the sides on the right are enough
    directions = [(2 * k + 1) * math.pi / n_sides for k in range((n_sides + 1) // 2)]
    farthest = _beyond_line(x, y, directions[0])
    for direction in directions[1:]:
        np.maximum(farthest, _beyond_line(x, y, direction), out=farthest)
    return farthest - math.cos(math.pi / n_sides)


def _trim_tips(distance: Array, x: Array, y: Array) -> Array:
    """Keep a sharp tip from smearing: beyond it, the distances found so far are too short."""
    return np.maximum(distance, _radius(x, y) - 1)
