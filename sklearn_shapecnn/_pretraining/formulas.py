"""The formulas: each one is a category of drawings with its own lines, levels and spectra.

A formula is drawn as up to ``MAX_PARTS`` lines of ``N_POINTS`` points each, in a frame from -1 to 1
with y downward. A line is filled or traced by a pen, and has a level from 0 (the background shows)
to 1 (full ink). Textures have a spectrum instead, and scattered elements are drawn many times. A
family is a function decorated with ``@family`` that returns a random formula.

Notes
-----
The idea: Kataoka et al., "Pre-training without Natural Images", ACCV 2020. Nested contours: Kataoka
et al., "Replacing Labeled Real-image Datasets with Auto-generated Contours", CVPR 2022. Scattered
elements that cover each other: Lee, Mumford and Huang, "Occlusion Models for Natural Images", IJCV
2001.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MAX_PARTS = 6
N_POINTS = 32
STRAIGHT = np.linspace(0, 1, N_POINTS)[:, None]
AROUND = np.linspace(0, 2 * math.pi, N_POINTS, endpoint=False)


@dataclass
class Part:
    """One line of a formula.

    Attributes
    ----------
    points : ndarray of shape (N_POINTS, 2)
        Its points (x, y).
    is_filled : bool
        Whether it is a filled area or else the trace of a pen.
    level : float
        0 shows the background, 1 is full ink.
    """

    points: Array
    is_filled: bool = False
    level: float = 1.0


@dataclass
class Formula:
    """A category.

    Attributes
    ----------
    parts : list of Part
        Drawn on top of each other.
    n_copies : tuple of int (least, most)
        How often the parts are drawn, at random positions. The usual (1, 1) draws them once.
    spectrum : tuple of float (frequency, bandwidth, angle, spread, decay) or None
        For a texture: cycles in the image, octaves, radians, radians, and the exponent by which
        power falls with frequency.
    sharpness : float
        For a texture: 0 leaves it smooth, large values reduce it to two levels.
    hues : ndarray of shape (2, 3) or None
        Colors of the background and of the ink, if they are part of the category.
    is_color_only : bool
        Whether only its colors distinguish it from other categories.
    """

    parts: list[Part] = field(default_factory=list)
    n_copies: tuple[int, int] = (1, 1)
    spectrum: tuple[float, float, float, float, float] | None = None
    sharpness: float = 0.0
    hues: Array | None = None
    is_color_only: bool = False


Family = Callable[[np.random.Generator], Formula]
FAMILIES: dict[str, tuple[Family, int]] = {}


def family(n: int) -> Callable[[Family], Family]:
    """Register a family of formulas and its share of the categories, relative to the others."""

    def register(function: Family) -> Family:
        FAMILIES[function.__name__] = (function, n)
        return function

    return register


def draw_formulas(n_categories: int, seed: int) -> list[Formula]:
    """Sample random formulas, in proportion to the shares of the families.

    Parameters
    ----------
    n_categories : int
    seed : int

    Returns
    -------
    formulas : list of Formula
    """
    rng = np.random.default_rng(seed)
    shares = np.array([n for _, n in FAMILIES.values()], dtype=float)
    counts = np.diff(np.round(np.cumsum(np.r_[0, shares]) / shares.sum() * n_categories)).astype(
        int
    )
    formulas = [
        draw(rng) for (draw, _), n in zip(FAMILIES.values(), counts, strict=True) for _ in range(n)
    ]
    for formula in formulas:
        if formula.hues is None and rng.random() < 0.25:
            formula.hues = _two_colors(rng)
    return formulas


@family(110)
def blob(rng: np.random.Generator) -> Formula:
    """A filled, closed curve of a few harmonics."""
    return Formula([Part(_harmonic_curve(rng), is_filled=True)])


@family(90)
def contour(rng: np.random.Generator) -> Formula:
    """The outline of a closed curve."""
    return Formula([Part(_closed(_harmonic_curve(rng)))])


@family(60)
def nested_contours(rng: np.random.Generator) -> Formula:
    """A closed curve nested in itself, as outlines or as areas of alternating level."""
    curve = _harmonic_curve(rng)
    n, is_filled = rng.integers(2, 5), rng.random() < 0.5
    scales = np.linspace(1, rng.uniform(0.15, 0.4), n)
    middle = curve.mean(axis=0)
    parts = []
    for i, scale in enumerate(scales):
        inner = middle + (curve - middle) * scale
        level = 1.0 - (i % 2) if is_filled else 1.0
        parts.append(Part(inner if is_filled else _closed(inner), is_filled, level))
    return Formula(parts)


@family(190)
def writing(rng: np.random.Generator) -> Formula:
    """One to four curved strokes, most of them joined, as if by a pen."""
    parts: list[Part] = []
    for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
        control = rng.uniform(-1, 1, (4, 2))
        if parts and rng.random() < 0.65:
            start = parts[-1].points[rng.choice([0, -1, N_POINTS // 2])]
            control[0] = start
        parts.append(Part(_bezier(control)))
    return _fit(Formula(parts))


@family(200)
def glyph(rng: np.random.Generator) -> Formula:
    """Straight and round strokes between the points of a lattice, as in letters."""
    knots = np.stack(np.meshgrid([-0.7, 0, 0.7], [-1, -0.33, 0.33, 1]), axis=-1).reshape(-1, 2)
    if rng.random() < 0.5:
        knots = np.stack(np.meshgrid([-0.75, 0, 0.75], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    parts: list[Part] = []
    used = [int(rng.integers(len(knots)))]
    for _ in range(rng.integers(2, 6)):
        start = used[rng.integers(len(used))] if rng.random() < 0.8 else rng.integers(len(knots))
        end = rng.integers(len(knots))
        if np.allclose(knots[start], knots[end]):
            continue
        used.append(int(end))
        bulge = rng.choice([0.0, 0.0, 0.0, -1.1, 1.1, 0.6, -0.6])
        parts.append(Part(_arc(knots[start], knots[end], bulge)))
    if not parts:
        parts.append(Part(_arc(knots[0], knots[-1], 0.6)))
    return _fit(Formula(parts), keep_aspect=True)


@family(80)
def polygon(rng: np.random.Generator) -> Formula:
    """A random polygon or star, filled or outlined, some with strokes across."""
    n = rng.integers(3, 9)
    angles = 2 * math.pi * (np.arange(n) + rng.uniform(-0.35, 0.35, n)) / n + rng.uniform(0, 7)
    radii = rng.uniform(0.45, 1, n)
    if rng.random() < 0.3:
        radii[::2] *= 0.45
    points = _polyline(np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None])
    is_filled = rng.random() < 0.5
    parts = [Part(points if is_filled else _closed(points), is_filled)]
    for _ in range(rng.choice([0, 0, 1, 2])):
        ends = rng.uniform(-0.9, 0.9, (2, 2))
        parts.append(Part(_arc(ends[0], ends[1], 0.0), level=0.0 if is_filled else 1.0))
    return Formula(parts)


@family(40)
def junction(rng: np.random.Generator) -> Formula:
    """Straight strokes that meet in a point or cross each other, with free ends."""
    middle = rng.uniform(-0.4, 0.4, 2)
    parts = []
    for angle in rng.permutation(np.arange(8))[: rng.integers(2, 6)] * math.pi / 4 + rng.uniform(
        -0.2, 0.2
    ):
        end = middle + rng.uniform(0.6, 1.2) * np.array([math.cos(angle), math.sin(angle)])
        start = middle if rng.random() < 0.7 else 2 * middle - end
        parts.append(Part(_arc(start, end, 0.0)))
    return _fit(Formula(parts[:MAX_PARTS]))


@family(90)
def constellation(rng: np.random.Generator) -> Formula:
    """Light or dark spots and bars at fixed positions, some on an area, like eyes and a mouth."""
    parts = []
    if rng.random() < 0.6:
        parts.append(Part(_ellipse(np.zeros(2), rng.uniform(0.75, 1, 2), 0.0), True, 0.55))
    for _ in range(rng.integers(2, 6)):
        radii = rng.uniform(0.1, 0.38, 2)
        center = rng.uniform(-0.65, 0.65, 2)
        level = rng.choice([0.0, 1.0, 1.0]) if parts else 1.0
        parts.append(Part(_ellipse(center, radii, rng.uniform(0, math.pi)), True, float(level)))
    return Formula(parts[:MAX_PARTS])


@family(40)
def solid(rng: np.random.Generator) -> Formula:
    """Common shapes: regular polygons, stars, crosses, ellipses and rings."""
    is_filled = rng.random() < 0.6
    kind = rng.integers(5)
    if kind == 0:
        outline = _ellipse(np.zeros(2), np.array([1, rng.choice([1, 0.45, 0.7])]), 0.0)
    elif kind == 1:
        n = rng.integers(3, 9)
        angles = 2 * math.pi * np.arange(n) / n - math.pi / 2
        outline = _polyline(np.stack((np.cos(angles), np.sin(angles)), axis=1))
    elif kind == 2:
        n, inner = rng.integers(4, 8), rng.uniform(0.3, 0.6)
        angles = math.pi * np.arange(2 * n) / n - math.pi / 2
        radii = np.where(np.arange(2 * n) % 2, inner, 1.0)
        outline = _polyline(np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None])
    elif kind == 3:
        aspect = rng.uniform(0.25, 1)
        outline = _polyline(np.array([[-1, -aspect], [1, -aspect], [1, aspect], [-1, aspect]]))
    else:
        w = rng.uniform(0.2, 0.4)
        quarter = np.array([[w, -1], [w, -w], [1, -w]])
        turns = [np.array([[c, -s], [s, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
        outline = _polyline(np.concatenate([quarter @ turn.T for turn in turns]))
    parts = [Part(outline if is_filled else _closed(outline), is_filled)]
    if is_filled and rng.random() < 0.3:
        parts.append(Part(outline * rng.uniform(0.4, 0.7), True, 0.0))
    return Formula(parts)


@family(50)
def scatter(rng: np.random.Generator) -> Formula:
    """Many overlapping copies of a small element, at random levels."""
    n = rng.integers(2, 7)
    angles = 2 * math.pi * np.arange(n) / n + rng.uniform(0, 7)
    corners = np.stack((np.cos(angles), np.sin(angles) * rng.uniform(0.25, 1)), axis=1)
    outline = _polyline(corners) if n > 2 else _ellipse(np.zeros(2), rng.uniform(0.3, 1, 2), 0.0)
    is_filled = rng.random() < 0.75
    size = math.exp(rng.uniform(math.log(0.1), math.log(0.45)))
    most = int(min(40, max(4, 3 / size**1.5)))
    part = Part((outline if is_filled else _closed(outline)) * size, is_filled)
    return Formula([part], n_copies=(max(2, most // 2), most))


@family(110)
def texture(rng: np.random.Generator) -> Formula:
    """Noise with a spectrum: fine or coarse, in one direction or all, smooth or in two levels."""
    frequency = math.exp(rng.uniform(math.log(1.5), math.log(12)))
    spread = rng.choice([0.12, 0.3, 0.8, 9.0])
    spectrum = (
        frequency,
        float(rng.choice([0.3, 0.6, 1.2, 3.0])),
        rng.uniform(0, math.pi),
        float(spread),
        rng.uniform(0.0, 2.0),
    )
    return Formula(spectrum=spectrum, sharpness=float(rng.choice([0.0, 0.0, 2.0, 6.0])))


@family(40)
def palette(rng: np.random.Generator) -> Formula:
    """Coarse noise or a plain shape that only its colors distinguish from others."""
    formula = texture(rng) if rng.random() < 0.6 else blob(rng)
    formula.hues, formula.is_color_only = _two_colors(rng), True
    return formula


def _harmonic_curve(rng: np.random.Generator) -> Array:
    """A closed curve whose coordinates are sums of harmonics, scaled to a maximum of 1."""
    n = rng.integers(2, 7)
    decay = rng.uniform(0.9, 1.8)
    orders = np.arange(1, n + 1)
    amplitudes = rng.standard_normal((2, 2, n)) * orders**-decay
    if rng.random() < 0.5:  # start with a circle, so that fewer curves cross themselves
        amplitudes[:, :, 0] = np.array([[1.0, 0.0], [0.0, 1.0]])
        amplitudes[:, :, 1:] *= 0.6
    waves = np.stack((np.cos(np.outer(orders, AROUND)), np.sin(np.outer(orders, AROUND))))
    curve = np.einsum("dwn,wnp->pd", amplitudes, waves)
    curve -= (curve.max(axis=0) + curve.min(axis=0)) / 2
    return curve / np.abs(curve).max()


def _closed(outline: Array) -> Array:
    """Return the outline as a line that ends where it starts."""
    along = np.linspace(0, N_POINTS, N_POINTS)
    joined = np.vstack((outline, outline[:1]))
    at = np.arange(N_POINTS + 1)
    return np.stack([np.interp(along, at, joined[:, i]) for i in range(2)], axis=1)


def _polyline(corners: Array) -> Array:
    """Spread the points along the sides of a closed polygon, including all corners."""
    n = len(corners)
    steps = np.linspace(0, n, N_POINTS, endpoint=False)
    nearest = np.linspace(0, N_POINTS, n, endpoint=False).round().astype(int)
    steps[nearest] = np.arange(n)
    joined = np.vstack((corners, corners[:1]))
    return np.stack([np.interp(steps, np.arange(n + 1), joined[:, i]) for i in range(2)], axis=1)


def _bezier(control: Array) -> Array:
    """A cubic Bezier curve."""
    t = STRAIGHT
    return (
        (1 - t) ** 3 * control[0]
        + 3 * t * (1 - t) ** 2 * control[1]
        + 3 * t**2 * (1 - t) * control[2]
        + t**3 * control[3]
    )


def _arc(start: Array, end: Array, bulge: float) -> Array:
    """A line from start to end that bulges to the side by a fraction of its length."""
    middle = (start + end) / 2 + bulge * np.array([end[1] - start[1], start[0] - end[0]])
    t = STRAIGHT
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end


def _ellipse(center: Array, radii: Array, angle: float) -> Array:
    points = np.stack((np.cos(AROUND), np.sin(AROUND)), axis=1) * radii
    cos, sin = math.cos(angle), math.sin(angle)
    return center + points @ np.array([[cos, sin], [-sin, cos]])


def _fit(formula: Formula, keep_aspect: bool = False) -> Formula:
    """Move and scale the parts so that they fill the frame."""
    points = np.concatenate([part.points for part in formula.parts])
    low, high = points.min(axis=0), points.max(axis=0)
    half = np.maximum((high - low) / 2, 0.25 if not keep_aspect else 0.0)
    if keep_aspect:
        half = np.full(2, half.max())
    for part in formula.parts:
        part.points = (part.points - (low + high) / 2) / half
    return formula


def _two_colors(rng: np.random.Generator) -> Array:
    """Sample clearly different colors of background and ink."""
    while True:
        colors = rng.random((2, 3))
        if np.abs(colors[0] - colors[1]).max() > 0.35:
            return colors
