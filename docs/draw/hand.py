"""An unsteady hand, and the ink that its pen leaves on the canvas."""

import math
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform

SIDE = 72  # pixels, as make_shapes draws
N_POINTS = 96  # of a line once around a shape


class Drawing(NamedTuple):
    """Lines of a drawing, about one unit across, and how they may be inked.

    Attributes
    ----------
    lines : list of ndarray of shape (n_points, 2)
        What the pen draws, as points (x, y).
    areas : list of ndarray of shape (n_points, 2)
        Outlines of what is filled. One inside another is a hole.
    widest : float
        The greatest width of the pen, relative to the drawing.
    filled : float
        Probability that the areas are filled.
    """

    lines: list
    areas: list
    widest: float = 0.14
    filled: float = 0.4


class Hand:
    """A hand that leads a pen along lines, as steadily as it can.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    wobble : float
        How unsteady the hand is: 0 follows each line exactly.
    jerky : bool, default=False
        Whether the hand errs like a random walk rather than in slow swings.
    """

    def __init__(self, rng, wobble, jerky=False):
        self.rng, self.wobble, self.jerky = rng, wobble, jerky

    def sway(self, length):
        """How far the hand is off at each of some points."""
        if self.jerky:
            walk = np.cumsum(self.rng.normal(0, 0.0043, (length, 2)), axis=0)
            way_back = np.linspace(0, 1, length)[:, None] * walk[-1]
            return self.wobble * (walk - way_back)
        t = np.linspace(0, 2 * math.pi, length)[:, None]
        sway = self.rng.normal(0, 0.004, (length, 2))
        for k in range(1, 7):
            phase = self.rng.uniform(0, 2 * math.pi, 2)
            sway += self.rng.normal(0, 0.02 / k, 2) * np.sin(k * t + phase)
        return self.wobble * sway

    def follow(self, line):
        """Draw an open line."""
        points, _ = walk_along(line, max(12, round(N_POINTS * path_length(line) / 3)))
        return points + self.sway(len(points)) * min(1, path_length(line) / 3)

    def go_round(self, corners):
        """Draw a polygon in one stroke, or side by side; a curve is a polygon of many corners.

        Returns
        -------
        strokes : list of ndarray of shape (n_points, 2)
            The lines.
        """
        rng, wobble = self.rng, self.wobble
        outline, starts = walk_along(np.concatenate([corners, corners[:1]]), N_POINTS)
        if len(corners) < 13 and rng.random() < 0.2:
            sides = np.split(outline, starts[1:])
            ends = [*(side[:1] for side in sides[1:]), sides[0][:1]]
            sides = [np.concatenate([s, end]) for s, end in zip(sides, ends, strict=True)]
            return [
                side
                + self.sway(len(side)) * len(side) / N_POINTS
                + wobble * rng.normal(0, 0.02, 2) * min(1, 4 / len(sides))
                for side in sides
            ]
        if len(corners) < 13:
            outline = _round_off(outline, rng.uniform(0, 0.1) * N_POINTS / len(corners))
        start = rng.choice(starts) if rng.random() < 0.7 else rng.integers(N_POINTS)
        length = round(N_POINTS * (1 + wobble * rng.uniform(-0.06, 0.07)))
        stroke = np.take(outline, start + np.arange(length), axis=0, mode="wrap")
        if rng.random() < 0.5:
            stroke = stroke[::-1]
        drift = np.linspace(0, 1, length)[:, None] * rng.normal(0, 0.03, 2)
        return [stroke + self.sway(length) + wobble * drift]


def turned(points, angle):
    """Points turned around the origin."""
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ [[cos, sin], [-sin, cos]]


def path_length(line):
    """How long a line is."""
    return np.linalg.norm(np.diff(line, axis=0), axis=1).sum()


def walk_along(line, n_points):
    """Evenly spaced points along a line, but for its end, and which of them are its corners."""
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    steps = np.linspace(0, way[-1], n_points, endpoint=False)
    points = np.stack([np.interp(steps, way, axis) for axis in line.T], 1)
    return points, np.searchsorted(steps, way[:-1])


def _round_off(outline, reach):
    """Let each point be the mean of its neighbors, weighted by a bell curve."""
    offsets = np.arange(-10, 11)
    weights = np.exp(-0.5 * (offsets / max(reach, 0.1)) ** 2)
    weights /= weights.sum()
    return sum(
        w * np.roll(outline, int(offset), 0) for w, offset in zip(weights, offsets, strict=True)
    )


def on_canvas(drawing, rng):
    """Ink a drawing somewhere on a canvas.

    Parameters
    ----------
    drawing : Drawing
        The lines.
    rng : numpy.random.Generator
        Source of the size, the place, the pen and the two intensities.

    Returns
    -------
    image : ndarray of shape (72, 72)
        The canvas, in 0..1.
    """
    paper, pen = rng.uniform(0, 0.3), rng.uniform(0.6, 1)
    if not drawing.lines:
        return np.full((SIDE, SIDE), rng.choice([paper, pen]))
    diameter = rng.uniform(20, 66)
    width = rng.uniform(1, np.clip(drawing.widest * diameter, 1.5, 10))
    points = diameter * np.concatenate(drawing.lines)
    low, high = points.min(0) - width / 2, points.max(0) + width / 2
    fit = min(1, *(SIDE / (high - low)))
    place = rng.uniform(0, SIDE - fit * (high - low)) - fit * low
    lines, areas = (
        [fit * diameter * line + place for line in lines]
        for lines in (drawing.lines, drawing.areas)
    )
    if rng.random() >= drawing.filled:
        areas = []
    return paper + ink(lines, areas, fit * width) * (pen - paper)


def ink(lines, areas, width):
    """How much of each pixel a pen covers.

    Parameters
    ----------
    lines : list of ndarray of shape (n_points, 2)
        What the pen draws, as points (x, y) in pixels.
    areas : list of ndarray of shape (n_points, 2)
        Outlines of what is filled.
    width : float
        Width of the pen in pixels.

    Returns
    -------
    cover : ndarray of shape (72, 72), dtype float32
        Shares, in 0..1.
    """
    inside = np.zeros((SIDE, SIDE), np.float32)
    for area in areas:
        more = _rendered([Path(area)], 0)
        inside += more - 2 * inside * more
    return np.maximum(inside, _rendered([Path(line) for line in lines], width))


def _rendered(paths, width):
    """Fill paths if the width is 0, else draw along them."""
    renderer = RendererAgg(SIDE, SIDE, dpi=72)  # whose points are pixels
    style = renderer.new_gc()
    style.set_foreground("white")
    style.set_linewidth(width)
    style.set_joinstyle("round")
    style.set_capstyle("round")
    style.set_snap(False)  # nothing is moved to the edges of pixels
    for path in paths:
        renderer.draw_path(style, path, IdentityTransform(), None if width else (1, 1, 1))
    # It draws white on nothing, and counts rows from below.
    return np.asarray(renderer.buffer_rgba())[::-1, :, 3].astype(np.float32) / 255
