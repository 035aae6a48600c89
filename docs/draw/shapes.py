"""The ten shapes of make_shapes, as a hand draws them.

Shapes that pass into one another are kept apart as a person would: a circle and a square are about
as high as wide, an ellipse and a rectangle have a short side of three quarters of the long one at
most, and a ring is one circle within another.
"""

import math

import numpy as np
from hand import N_POINTS, Drawing, turned


def circle(hand):
    """A round line."""
    return _closed([_oval(hand, 0.92, 1, least=0.86)])


def ellipse(hand):
    """A line that is clearly longer than wide."""
    return _closed([_oval(hand, 0.4, 0.74, most=0.77)])


def ring(hand):
    """A circle within another one; filled, a band."""
    outer, inner = _oval(hand, 0.92, 1, least=0.86), _oval(hand, 0.92, 1, least=0.86)
    aside = hand.wobble * hand.rng.normal(0, 0.02, 2)
    return _closed([outer, [hand.rng.uniform(0.35, 0.7) * inner[0] + aside]], filled=0.5)


def triangle(hand):
    """Any triangle without a very sharp or very blunt corner."""
    while True:
        corners = hand.rng.uniform(-1, 1, (3, 2))
        sides = np.roll(corners, -1, 0) - corners
        lengths = np.linalg.norm(sides, axis=1)
        cosines = -(sides * np.roll(sides, 1, 0)).sum(1) / (lengths * np.roll(lengths, 1))
        if cosines.min() > -0.35 and cosines.max() < 0.83:  # corners of 34 to 110 degrees
            return _polygon(hand, (corners - corners.mean(0)) / lengths.max())


def square(hand):
    """Four about equal sides."""
    return _quadrangle(hand, 0.92, 1, least=0.66)  # a perfect square would have 0.71


def rectangle(hand):
    """Four sides, two of them clearly shorter."""
    return _quadrangle(hand, 0.35, 0.74, most=0.61)  # that of sides of 3 to 4 is 0.6


def pentagon(hand):
    """Five about equal sides."""
    return _polygon(hand, _turn(hand, _regular(hand, 5)))


def hexagon(hand):
    """Six about equal sides."""
    return _polygon(hand, _turn(hand, _regular(hand, 6)))


def star(hand):
    """Five tips: one line through all of them, or only the outline."""
    tips = _turn(hand, _regular(hand, 5))
    if hand.rng.random() < 0.5:
        return _polygon(hand, tips[[0, 2, 4, 1, 3]])
    depth = hand.rng.uniform(0.36, 0.48)
    notches = -depth * np.roll(tips, -3, 0)  # each opposite to a tip
    return _polygon(hand, np.stack([tips, notches], 1).reshape(10, 2))


def cross(hand):
    """Two bars, or two lines, that halve one another."""
    rng, wobble = hand.rng, hand.wobble
    turn = _level(hand)
    reach = 0.5 * np.array([1, rng.uniform(0.8, 1)])
    if rng.random() < 0.4:
        slant = wobble * rng.normal(0, 0.08)
        across = turned(np.array([[-1, 0], [1, 0]]) * reach[0], turn)
        down = turned(np.array([[0, -1], [0, 1]]) * reach[1], turn + slant)
        aside = wobble * rng.normal(0, 0.03, 2)
        lines = [hand.follow(across), hand.follow(down + aside)]
        return Drawing(lines, [], widest=0.3)
    half = rng.uniform(0.12, 0.2)
    arm = np.array([[0.5, -half], [0.5, half], [half, half]])
    corners = np.concatenate([turned(arm, k * math.pi / 2) for k in range(4)])
    corners = corners * (reach / 0.5) + wobble * rng.normal(0, 0.015, (12, 2))
    return _polygon(hand, turned(corners, turn), widest=0.08)


SHAPES = {
    shape.__name__: shape
    for shape in (
        circle,
        ellipse,
        ring,
        triangle,
        square,
        rectangle,
        pentagon,
        hexagon,
        star,
        cross,
    )
}


def _closed(rounds, **how):
    """Closed lines, each of one or several strokes."""
    areas = [np.concatenate(strokes) for strokes in rounds]
    return Drawing([stroke for strokes in rounds for stroke in strokes], areas, **how)


def _polygon(hand, corners, **how):
    return _closed([hand.go_round(corners)], **how)


def _oval(hand, low, high, least=0.0, most=1.0):
    """Draw an oval until its width over its length is what a person would expect."""
    angle = np.linspace(0, 2 * math.pi, N_POINTS, endpoint=False)
    while True:
        round_ = np.stack([np.cos(angle), hand.rng.uniform(low, high) * np.sin(angle)], 1) / 2
        strokes = hand.go_round(_turn(hand, round_))
        if least <= width_over_length(strokes[0]) <= most:
            return strokes


def width_over_length(points):
    """How wide points are, over their greatest width in any direction."""
    angle = np.arange(0, math.pi, math.pi / 16)
    widths = np.ptp(points @ [np.cos(angle), np.sin(angle)], axis=0)
    return widths.min() / widths.max()


def _quadrangle(hand, low, high, least=0.0, most=1.0):
    """Draw four sides until the width over the length is what a person would expect."""
    while True:
        half = np.array([1, hand.rng.uniform(low, high)])
        half /= 2 * np.linalg.norm(half)
        corners = half * [[-1, -1], [1, -1], [1, 1], [-1, 1]]
        corners = corners + hand.wobble * hand.rng.normal(0, 0.02, (4, 2))
        drawing = _polygon(hand, turned(corners, _level(hand)))
        if least <= width_over_length(drawing.areas[0]) <= most:
            return drawing


def _regular(hand, n_corners):
    """Corners of a polygon with about equal sides."""
    step = 2 * math.pi / n_corners
    angle = step * (np.arange(n_corners) + hand.wobble * hand.rng.normal(0, 0.06, n_corners))
    radius = 0.5 * (1 + hand.wobble * hand.rng.normal(0, 0.04, n_corners))
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)


def _turn(hand, points):
    return turned(points, hand.rng.uniform(0, 2 * math.pi))


def _level(hand):
    """People hold most of what they draw level, but not all."""
    steady = hand.rng.random() < 0.5
    return hand.rng.normal(0, 0.1) if steady else hand.rng.uniform(0, 2 * math.pi)
