"""What is none of the ten shapes: lines, scribbles, letters, two shapes at once and so on.

The network learns from the kinds in `LEARNED`. It never sees those in `HELD_OUT`, which tell how it
takes what nobody thought of.
"""

import math
import string

import numpy as np
from hand import N_POINTS, Drawing, turned, walk_along
from matplotlib import font_manager
from matplotlib.textpath import TextPath
from scipy.spatial import ConvexHull
from shapes import SHAPES

CONVEX = sorted(set(SHAPES) - {"ring", "star", "cross"})
# Without those that are a shape themselves: round, crossed or no more than a bar.
LETTERS = sorted(set(string.ascii_letters) - set("DIOQTXlotx"))
DIGITS = sorted(set(string.digits) - {"0", "1"})
FONTS = [
    {"family": "DejaVu Sans"},
    {"family": "DejaVu Sans", "weight": "bold"},
    {"family": "DejaVu Sans", "style": "oblique"},
    {"family": "DejaVu Sans Mono"},
    {"family": "DejaVu Serif"},
    {"family": "DejaVu Serif", "weight": "bold"},
]
OTHER_FONTS = [
    {"family": "STIXGeneral"},
    {"family": "STIXGeneral", "style": "italic"},
    {"family": "cmr10"},
    {"family": "cmss10"},
    {"family": "cmtt10"},
]


def nothing(hand):
    """An empty canvas, of one color."""
    return Drawing([], [])


def dots(hand):
    """A few dots."""
    points = hand.rng.uniform(-0.5, 0.5, (hand.rng.integers(1, 5), 2))
    return Drawing([np.stack([p, p + 0.02]) for p in points], [], widest=0.12)


def line(hand):
    """A straight line."""
    return _turned(hand, [hand.follow(np.array([[-0.5, 0], [0.5, 0]]))], widest=0.2)


def bend(hand):
    """Part of a circle or of an oval, far from closed."""
    angle = np.linspace(0, hand.rng.uniform(0.5, 1.3) * math.pi, 40)
    arc = np.stack([np.cos(angle), hand.rng.uniform(0.4, 1) * np.sin(angle)], 1) / 2
    return _turned(hand, [hand.follow(_to_unit(arc))])


def zigzag(hand):
    """A line back and forth."""
    n_corners = hand.rng.integers(3, 8)
    corners = np.stack([np.arange(n_corners) / (n_corners - 1), np.arange(n_corners) % 2], 1)
    corners[:, 1] *= hand.rng.uniform(0.2, 0.8)
    corners += hand.rng.normal(0, 0.05, corners.shape)
    return _turned(hand, [hand.follow(_to_unit(corners))])


def open_shape(hand):
    """A shape of which a third or more is missing."""
    shape = hand.rng.choice(["circle", "triangle", "square", "rectangle", "hexagon", "star"])
    areas = SHAPES[shape](hand).areas
    points, _ = walk_along(areas[0], N_POINTS)
    kept = round(N_POINTS * hand.rng.uniform(0.35, 0.65))
    start = hand.rng.integers(N_POINTS)
    return Drawing([np.take(points, start + np.arange(kept), axis=0, mode="wrap")], [])


def sticks(hand):
    """Some straight lines, here and there."""
    rng = hand.rng
    while True:
        ends = rng.uniform(-0.5, 0.5, (rng.integers(2, 6), 2, 2))
        lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
        if lengths.min() > 0.3 and not (len(ends) == 2 and _cross_each_other(*ends)):
            return Drawing([hand.follow(each) for each in ends], [])


def scribble(hand):
    """A line that goes round and about."""
    t = np.linspace(0, 1, 160)[:, None]
    n_swings = hand.rng.uniform(3, 12)
    swings = sum(
        hand.rng.normal(0, 1 / math.sqrt(k), 2)
        * np.sin(2 * math.pi * t * n_swings * k / 4 + hand.rng.uniform(0, 2 * math.pi, 2))
        for k in range(1, 5)
    )
    drift = hand.rng.normal(0, 2, 2) * t
    path = _to_unit(swings + drift)
    return Drawing([path], [path], filled=0.2)


def blob(hand):
    """A closed line with bulges and dents."""
    angle = np.linspace(0, 2 * math.pi, N_POINTS, endpoint=False)
    while True:
        radius = 1 + sum(
            hand.rng.normal(0, depth) * np.sin(k * angle + hand.rng.uniform(0, 2 * math.pi))
            for k, depth in ((2, 0.35), (3, 0.35), (4, 0.15), (5, 0.15))
        )
        outline = _to_unit(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
        if radius.min() > 0.15 and solidity(outline) < 0.85:
            return _closed(hand, outline)


def odd_polygon(hand):
    """A polygon with dents, and with neither five tips nor four arms."""
    while True:
        n_corners = hand.rng.integers(4, 9)
        angle = np.sort(hand.rng.uniform(0, 2 * math.pi, n_corners))
        radius = hand.rng.uniform(0.2, 1, n_corners)
        corners = _to_unit(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
        sides = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
        gaps = np.diff(np.append(angle, angle[0] + 2 * math.pi))
        if gaps.max() < 2.6 and sides.min() > 0.2 and solidity(corners) < 0.68:
            return _closed(hand, corners)


def slanted(hand):
    """Four sides with corners that are far from right angles."""
    while True:
        angle = np.sort(hand.rng.uniform(0, 2 * math.pi, 4))
        radius = hand.rng.uniform(0.4, 1, 4)
        corners = _to_unit(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
        sides = np.roll(corners, -1, 0) - corners
        lengths = np.linalg.norm(sides, axis=1)
        before, products = np.roll(sides, 1, 0), lengths * np.roll(lengths, 1)
        sines = (before[:, 0] * sides[:, 1] - before[:, 1] * sides[:, 0]) / products
        cosines = abs((sides * before).sum(1)) / products
        # Corners of 30 to 150 degrees, two of them more than 27 degrees from a right angle.
        if sines.min() > 0.5 and np.sort(cosines)[2] > 0.45 and lengths.min() > 0.45:
            return _closed(hand, corners)


def half_disk(hand):
    """Half of a circle, closed by a straight line."""
    angle = np.linspace(0, math.pi, 48)
    height = hand.rng.uniform(0.8, 1.1)
    return _closed(hand, np.stack([np.cos(angle), height * np.sin(angle)], 1) / 2)


def several(hand):
    """Two or three shapes or lines, side by side or one over the other, but no ring."""
    rng = hand.rng
    n = 2 if rng.random() < 0.8 else 3
    kinds = rng.choice([*SHAPES.values(), line], n)
    if rng.random() < 0.3:
        kinds[:] = kinds[0]
    lines, areas, way = [], [], rng.uniform(0, 2 * math.pi)
    for i, kind in enumerate(kinds):
        drawing = kind(hand)
        size = rng.uniform(0.6, 1)
        angle = way + 2 * math.pi * i / n
        aside = rng.uniform(0.25, 0.7) * np.array([math.cos(angle), math.sin(angle)])
        lines += [size * each + aside for each in drawing.lines]
        areas += [size * each + aside for each in drawing.areas]
    return _fitted(lines, areas, widest=0.1)


def crossed_out(hand):
    """A shape with a line through it."""
    drawing = SHAPES[hand.rng.choice(list(SHAPES))](hand)
    aside = hand.rng.uniform(-0.2, 0.2, 2)
    stroke = line(hand).lines[0] * hand.rng.uniform(1.2, 1.7) + aside
    return _fitted([*drawing.lines, stroke], drawing.areas, widest=0.1)


def divided(hand):
    """A shape in two parts, with a line in between that ends at its outline."""
    drawing = SHAPES[hand.rng.choice(CONVEX)](hand)
    outline = drawing.areas[0]
    while True:
        start, end = np.sort(hand.rng.integers(0, len(outline), 2))
        part = area(outline[start : end + 1]) / area(outline)
        if 0.2 < part < 0.8:
            line_between = hand.follow(outline[[start, end]])
            return Drawing([*drawing.lines, line_between], [], widest=0.1)


def inside(hand):
    """Marks within a shape, or a shape within another one; but no round hole."""
    rng = hand.rng
    drawing = SHAPES["circle" if rng.random() < 0.4 else rng.choice(CONVEX)](hand)
    if rng.random() < 0.3:
        inner = SHAPES[rng.choice(["triangle", "rectangle", "star", "cross"])](hand)
        lines, areas = inner.lines, inner.areas
    else:
        marks = [dots, line, bend, zigzag, sticks]
        lines, areas = [], []
        for i in rng.choice(len(marks), rng.integers(1, 4)):
            lines += marks[i](hand).lines
    size, aside = rng.uniform(0.35, 0.6), rng.uniform(-0.06, 0.06, 2)
    lines, areas = ([size * each + aside for each in some] for some in (lines, areas))
    return Drawing([*drawing.lines, *lines], [*drawing.areas, *areas] * bool(areas), widest=0.08)


def coil(hand):
    """A line that winds outward."""
    t = np.linspace(0.1, 1, N_POINTS) ** hand.rng.uniform(0.7, 1.3)
    angle = 2 * math.pi * hand.rng.uniform(1.8, 3.5) * t
    path = _to_unit(t[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
    return _turned(hand, [path + hand.sway(N_POINTS)], widest=0.08)


def letter(hand):
    """A letter."""
    return glyph(hand, hand.rng.choice(LETTERS), hand.rng.choice(FONTS))


def letter_of_other_fonts(hand):
    """A letter of a font that the network has not seen."""
    return glyph(hand, hand.rng.choice(LETTERS), hand.rng.choice(OTHER_FONTS))


def digit(hand):
    """A digit of a font that the network has not seen."""
    return glyph(hand, hand.rng.choice(DIGITS), hand.rng.choice(OTHER_FONTS))


def heart(hand):
    """A heart."""
    t = np.linspace(0, 2 * math.pi, N_POINTS, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -13 * np.cos(t) + 5 * np.cos(2 * t) + 2 * np.cos(3 * t) + np.cos(4 * t)
    return _closed(hand, _to_unit(np.stack([x, y], 1)))


def moon(hand):
    """A crescent."""
    angle = np.linspace(-0.7, 0.7, 48) * math.pi
    outer = np.stack([np.cos(angle), np.sin(angle)], 1)
    dent = hand.rng.uniform(0.2, 0.7) * np.cos(np.linspace(-0.5, 0.5, 48) * math.pi)
    inner = np.linspace(outer[-1], outer[0], 48) + np.stack([dent, np.zeros(48)], 1)
    return _closed(hand, _to_unit(np.concatenate([outer, inner])))


def arrow(hand):
    """A line with a head, or an outline of that."""
    reach = hand.rng.uniform(0.15, 0.3)
    if hand.rng.random() < 0.5:
        shaft = np.array([[-0.5, 0], [0.5, 0]])
        head = np.array([[0.5 - reach, -reach], [0.5, 0], [0.5 - reach, reach]])
        return _turned(hand, [hand.follow(shaft), hand.follow(head)], widest=0.1)
    half, back = 0.4 * reach, 0.5 - 1.5 * reach
    upper = np.array([[-0.5, half], [back, half], [back, reach], [0.5, 0]])
    return _closed(hand, np.concatenate([upper, upper[2::-1] * [1, -1]]))


def house(hand):
    """A square with a roof and a line in between."""
    width = hand.rng.uniform(0.3, 0.4)
    walls = np.array([[-width, 0], [width, 0], [width, 0.6], [-width, 0.6]])
    roof = np.array([[-width, 0], [0, -hand.rng.uniform(0.25, 0.4)], [width, 0]])
    walls, roof = hand.go_round(walls), [hand.follow(roof)]
    lines = [stroke - [0, 0.15] for stroke in walls + roof]
    return Drawing(lines, [], widest=0.1)


def face(hand):
    """A circle with two eyes and a mouth."""
    around = SHAPES["circle"](hand).lines
    eyes = [np.array([[x, -0.15], [x + 0.01, -0.13]]) for x in (-0.17, 0.17)]
    angle = np.linspace(0.15, 0.85, 20) * math.pi
    mouth = 0.28 * np.stack([np.cos(angle), np.sin(angle)], 1)
    return Drawing([*around, *eyes, hand.follow(mouth)], [], widest=0.1)


def lightning(hand):
    """A bolt of lightning."""
    down = np.array([[0.1, -0.5], [-0.3, 0.08], [-0.05, 0.08], [-0.2, 0.5]])
    up = np.array([[0.3, -0.1], [0.08, -0.1], [0.35, -0.5]])
    corners = np.concatenate([down, up]) + hand.wobble * hand.rng.normal(0, 0.02, (7, 2))
    return _closed(hand, corners)


def fish(hand):
    """An oval with a tail."""
    t = np.linspace(0.85, -0.85, 40) * math.pi
    body = np.stack([0.36 * np.cos(t) - 0.1, hand.rng.uniform(0.18, 0.25) * np.sin(t)], 1)
    tail = np.array([[-0.6, -0.2], [-0.6, 0.2]])
    return _closed(hand, np.concatenate([body, tail * [1, hand.rng.uniform(0.8, 1.2)]]))


def tree(hand):
    """A triangle on a trunk."""
    width, trunk = hand.rng.uniform(0.28, 0.4), hand.rng.uniform(0.06, 0.1)
    right = np.array([[0, -0.5], [width, 0.2], [trunk, 0.2], [trunk, 0.5]])
    return _closed(hand, np.concatenate([right, right[:0:-1] * [-1, 1]]))


def cloud(hand):
    """Some round bulges over a straight line."""
    bulges = []
    for x, y, radius in ((-0.3, 0, 0.2), (0, -0.12, 0.25), (0.3, 0, 0.2)):
        angle = np.linspace(1, 2, 16) * math.pi
        bulges.append(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1))
    strokes = hand.go_round(np.concatenate([*bulges, [[0.5, 0.15], [-0.5, 0.15]]]))
    return Drawing(strokes, [np.concatenate(strokes)], widest=0.1)


_LEARNED = (
    *(nothing, dots, line, bend, zigzag, open_shape, sticks, scribble, coil, blob, odd_polygon),
    *(slanted, half_disk, several, crossed_out, divided, inside, letter),
)
_HELD_OUT = (
    *(letter_of_other_fonts, digit, heart, moon, arrow, house, face, lightning, fish, tree, cloud),
)
LEARNED = {kind.__name__: kind for kind in _LEARNED}
# Those that are taken for a shape most easily.
NEAR_SHAPES = {kind.__name__: kind for kind in (slanted, several, crossed_out, divided, inside)}
HELD_OUT = {kind.__name__: kind for kind in _HELD_OUT}


def area(outline):
    """Area of a polygon."""
    x, y = outline.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def solidity(outline):
    """Area of a polygon over that of its convex hull."""
    return area(outline) / ConvexHull(outline).volume


def glyph(hand, text, font):
    """Outlines of a letter, a little slanted, mostly filled."""
    path = TextPath((0, 0), text, size=100, prop=font_manager.FontProperties(**font))
    outlines = [each[:-1] for each in path.to_polygons()]
    sizes = np.concatenate(outlines)
    low, high = sizes.min(0), sizes.max(0)
    tilt = hand.rng.normal(0, 0.15)
    areas = []
    for outline in outlines:
        outline = (outline - (low + high) / 2) / (high - low).max() * [1, -1]
        points, _ = walk_along(np.concatenate([outline, outline[:1]]), N_POINTS)
        areas.append(turned(points + 0.5 * hand.sway(N_POINTS), tilt))
    return Drawing([np.concatenate([a, a[:1]]) for a in areas], areas, widest=0.05, filled=0.8)


def _cross_each_other(a, b):
    """Whether two lines cross in the inner half of both."""
    (p, q), (r, s) = a, b
    try:
        along = np.linalg.solve(np.stack([q - p, r - s], 1), r - p)
    except np.linalg.LinAlgError:
        return False
    return bool((abs(along - 0.5) < 0.3).all())


def _to_unit(points):
    """Move points to the middle, and scale them to a diameter of one."""
    points = points - (points.min(0) + points.max(0)) / 2
    return points / np.ptp(points, axis=0).max()


def _fitted(lines, areas, widest):
    points = np.concatenate(lines)
    middle, size = (points.min(0) + points.max(0)) / 2, np.ptp(points, axis=0).max()
    lines, areas = ([(each - middle) / size for each in some] for some in (lines, areas))
    return Drawing(lines, areas, widest=widest)


def _turned(hand, lines, widest=0.12):
    angle = hand.rng.uniform(0, 2 * math.pi)
    return Drawing([turned(each, angle) for each in lines], [], widest=widest)


def _closed(hand, corners):
    strokes = hand.go_round(turned(corners, hand.rng.uniform(0, 2 * math.pi)))
    return Drawing(strokes, [np.concatenate(strokes)], widest=0.12)
