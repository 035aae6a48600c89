"""Strokes that test_draw.py draws on the page "Draw a shape", in the network's pixels."""

import math

import numpy as np

SIDE = 72  # of the canvas


def around(angles, radius=1.0):
    """Points around the origin, by their angles."""
    return radius * np.stack([np.cos(angles), np.sin(angles)], 1)


def evenly(n):
    """The angles of a regular polygon."""
    return np.arange(n) * 2 * math.pi / n


ARM = np.array([[0.95, -0.32], [0.95, 0.32], [0.32, 0.32]])
CORNERS = {
    "circle": around(evenly(24)),
    "ellipse": around(evenly(24)) * [1, 0.55],
    "triangle": around(np.array([0, 2.3, 4.1])),
    "square": around(evenly(4)),
    "rectangle": around(np.array([0, 1.0, math.pi, math.pi + 1.0])),
    "pentagon": around(evenly(5)),
    "hexagon": around(evenly(6)),
    "star": around(evenly(5))[[0, 2, 4, 1, 3]],
    "cross": np.concatenate([ARM, ARM[:, ::-1] * [-1, 1], -ARM, ARM[:, ::-1] * [1, -1]]),
}


def hand_drawn(shape, size, place, rng):
    """Strokes along a shape as a hand may draw it: a little off, and not quite closed."""
    if shape == "ring":
        return [hand_drawn("circle", each * size, place, rng)[0] for each in (1, 0.5)]
    cos, sin = around(rng.uniform(0, 2 * math.pi, 1))[0]
    corners = size / 2 * CORNERS[shape] @ [[cos, sin], [-sin, cos]]
    corners = np.concatenate([corners, corners[:1]])
    per_side = max(1, 24 // len(CORNERS[shape]))
    t = np.linspace(0, len(corners) - 1, per_side * (len(corners) - 1) + 1)
    points = np.stack([np.interp(t, np.arange(len(corners)), axis) for axis in corners.T], 1)
    sway = np.sin(
        2 * math.pi * t[:, None] / t[-1] * rng.uniform(0.7, 1.3, 2) + rng.uniform(0, 6, 2)
    )
    return [(points + place + 0.02 * size * sway)[: len(points) - 1]]


ANGLES = np.linspace(0, 2 * math.pi, 37)
STRANGERS = {
    "line": [[(12, 20), (60, 48)]],
    "wave": [np.stack([10 + 8 * ANGLES, 36 + 10 * np.sin(2 * ANGLES)], 1)],
    "V": [[(14, 14), (36, 58), (58, 14)]],
    "letter A": [[(16, 60), (36, 12), (56, 60)], [(24, 42), (48, 42)]],
    "letter K": [[(20, 12), (20, 60)], [(52, 12), (20, 38), (54, 60)]],
    "digit 4": [[(40, 60), (40, 12), (16, 44), (54, 44)]],
    "scribble": [36 + np.stack([24 * np.sin(5 * ANGLES), 20 * np.sin(3.3 * ANGLES + 1)], 1)],
    "half a circle": [36 + 22 * around(ANGLES / 2)],
    "star beside a circle": [
        18 + 12 * CORNERS["star"][[0, 1, 2, 3, 4, 0]],
        50 + 14 * around(ANGLES),
    ],
    "house": [[(20, 60), (20, 34), (36, 14), (52, 34), (52, 60), (20, 60)], [(20, 34), (52, 34)]],
    "heart": [
        np.stack(
            [
                36 + 22 * np.sin(ANGLES) ** 3,
                34 - 1.4 * (13 * np.cos(ANGLES) - 5 * np.cos(2 * ANGLES) - 2 * np.cos(3 * ANGLES)),
            ],
            1,
        )
    ],
}
