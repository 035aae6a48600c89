"""Place several shapes in one image: try random positions until none hides another."""

import numpy as np

from sklearn_shapecnn.datasets._looks import Looks
from sklearn_shapecnn.datasets._plan import Array, number_shapes
from sklearn_shapecnn.datasets._stamps import (
    GAP,
    INSIDE,
    NEAR,
    Owners,
    chunks,
    draw_stamps,
    snap,
    stamp_side,
)

# If a shape does not fit anywhere, its image starts over. For each start: how far sizes are pulled
# toward the smallest, and how many positions are tried for each shape in turn. With pixels, many
# tries are for stubborn images only: other images find room sooner if they start over.
_CIRCLE_STARTS = [(0.0, 64)] * 4
_PIXEL_STARTS = [(0.0, 16)] * 4 + [(pull / 10, 16) for pull in range(1, 10)] + [(1.0, 64)] * 12
# Images that go first, so that an impossible request fails early.
_FEW = 32
_NO_ROOM = (
    "n_shapes: {} shapes did not fit into an image of {} x {} pixels, in many attempts down to the "
    "smallest size. Lower n_shapes, the low end of size, or min_visible, or give a larger "
    "max_overlap or image_shape."
)
# More than the rounding of the grid and float32, less than a pixel or its share in any shape.
_ROUNDING = 1e-6


def pack_shapes(
    plan: Array, n_shapes: Array, looks: Looks, max_overlap: float, rng: np.random.Generator
) -> None:
    """Sample the sizes and positions of all shapes, the largest of each image first.

    Parameters
    ----------
    plan : structured array of shape (n_total,)
        What to draw; see `plan_dtype`. The shapes of one image are consecutive, and later ones lie
        on top. Sizes and positions are overwritten.
    n_shapes : ndarray of shape (n_images,), dtype int64
        The number of shapes in each image.
    looks : Looks
        The limits.
    max_overlap : float
        Maximum fraction that later shapes may cover of the part of a shape in the image.
    rng : Generator
        Source of sizes and positions.

    Raises
    ------
    ValueError
        If the shapes of an image do not fit.
    """
    for counts, rows in chunks(n_shapes, looks.extent, stamp_side(looks.diameters[1] / 2)):
        part, waiting = plan[rows], counts > 0
        if max_overlap == 0 and looks.min_visible == 1:
            # Circles are much faster than pixels, but with pixels, more shapes fit.
            waiting = _Circles(part, counts, looks, rng).pack(_CIRCLE_STARTS)
        crowded = np.flatnonzero(waiting)
        for some in (crowded[:_FEW], crowded[_FEW:]):
            _pack_by_pixels(part, counts, some, looks, max_overlap, rng)


def _pack_by_pixels(
    plan: Array,
    n_shapes: Array,
    images: Array,
    looks: Looks,
    max_overlap: float,
    rng: np.random.Generator,
) -> None:
    """Run `pack_shapes` with pixels for some of the images."""
    if len(images):
        rows = np.repeat(np.isin(np.arange(len(n_shapes)), images), n_shapes)
        part, counts = plan[rows], n_shapes[images]
        lost = _Pixels(part, counts, looks, max_overlap, rng).pack(_PIXEL_STARTS)
        if lost.any():
            raise ValueError(_NO_ROOM.format(counts[lost].max(), *looks.extent))
        plan[rows] = part


class _Circles:
    """Find positions at which the circles around shapes touch neither each other nor the border.

    Arrays have one row per shape, except for those about images.
    """

    def __init__(
        self, plan: Array, n_shapes: Array, looks: Looks, rng: np.random.Generator
    ) -> None:
        self.plan, self.n_shapes, self.looks, self.rng = plan, n_shapes, looks, rng
        self.image, self.order = number_shapes(n_shapes)
        self.center, self.low, self.room = np.zeros((3, len(plan), 2))
        self.radius = np.zeros(len(plan))

    def pack(self, starts: list[tuple[float, int]]) -> Array:
        """Set sizes and positions in the plan; return which images have no room for all shapes."""
        waiting = self.n_shapes > 0
        for pull, n_tries in starts:
            rows = np.flatnonzero(waiting[self.image])
            if not len(rows):
                break
            self._start(rows, pull)
            waiting = np.zeros_like(waiting)
            for turn in range(1, self.order[rows].max() + 1):
                now = rows[(self.order[rows] == turn) & ~waiting[self.image[rows]]]
                if not len(now):
                    break
                waiting[self.image[self._place(now, turn, n_tries)]] = True
        self.plan["radius"] = self.radius
        self.plan["row"], self.plan["col"] = self.center.T
        return waiting

    def _start(self, rows: Array, pull: float) -> None:
        """Sample sizes, and find the range of centers that keeps the circles in the image."""
        low, high = self.looks.diameters
        radius = self.rng.uniform(low, low + (1 - pull) * (high - low), len(rows)) / 2
        # Large shapes come first: they fit, and hide less, while there are few others.
        radius = radius[np.lexsort((-radius, self.image[rows]))]
        self.radius[rows] = radius
        self.low[rows] = radius[:, None] - 0.5
        self.room[rows] = np.maximum(self.looks.extent - 2 * radius[:, None], 0)

    def _place(self, rows: Array, turn: int, n_tries: int) -> Array:
        """Place one shape per image, and return the rows that could not be placed."""
        at_a_time = 1 if turn == 1 else 8  # a first shape may lie anywhere
        for _ in range(0, n_tries, at_a_time):
            if not len(rows):
                break
            center = self._draw_centers(rows, at_a_time)
            _, near = self._find_near(rows, turn, center)
            fits = ~np.any(near, axis=2)
            found, first = fits.any(axis=1), fits.argmax(axis=1)
            self.center[rows[found]] = center[found, first[found]]
            rows = rows[~found]
        return rows

    def _draw_centers(self, rows: Array, n_tries: int) -> Array:
        places = self.rng.random((len(rows), n_tries, 2))
        return snap(self.low[rows][:, None] + self.room[rows][:, None] * places)

    def _find_near(self, rows: Array, turn: int, center: Array) -> tuple[Array, Array]:
        """Return the earlier shapes of each image, and whether circles at the tries are near them.

        `center` has the shape (n, n_tries, 2); the results have the shapes (n, n_earlier) and
        (n, n_tries, n_earlier).
        """
        below = rows[:, None] - np.arange(1, turn)
        apart = center[:, :, None] - self.center[below][:, None]
        reach = self.radius[below] + self.radius[rows][:, None] + GAP
        return below, (apart**2).sum(axis=3) < reach[:, None] ** 2


class _Pixels(_Circles):
    """Find positions at which enough pixels of each shape are visible."""

    def __init__(
        self,
        plan: Array,
        n_shapes: Array,
        looks: Looks,
        max_overlap: float,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(plan, n_shapes, looks, rng)
        self.max_overlap = max_overlap
        self.side = stamp_side(looks.diameters[1] / 2)
        self.owners = Owners(len(n_shapes), int(n_shapes.max()), looks.extent, self.side)
        self.stamps = np.zeros((len(plan), self.side, self.side), np.uint8)
        # From the first pixel of a stamp to its center; first and last positions of that pixel.
        self.offset = np.zeros((len(plan), 2))
        self.corner, self.first, self.last = np.zeros((3, len(plan), 2), np.int64)
        # Pixels of the whole shape, of its part in the image, and of what others cover of it.
        self.whole, self.inside, self.covered = np.zeros((3, len(plan)), np.int64)

    def _start(self, rows: Array, pull: float) -> None:
        super()._start(rows, pull)
        low, room, radius = self.low[rows], self.room[rows], self.radius[rows]
        center = self._draw_centers(rows, 1)[:, 0]
        corner = np.ceil(center - radius[:, None] - GAP)
        self.offset[rows] = center - corner
        self.first[rows] = corner - np.floor(center - low + _ROUNDING)
        self.last[rows] = corner + np.floor(low + room - center + _ROUNDING)

        plan = self.plan[rows]
        plan["radius"] = radius
        self.stamps[rows] = draw_stamps(plan, self.looks.names, self.offset[rows], self.side)
        inside = self.stamps[rows] == INSIDE
        self.whole[rows] = self.inside[rows] = inside.sum(axis=(1, 2))
        self.covered[rows] = 0
        self.owners.images[np.unique(self.image[rows])] = 0
        if self.looks.min_visible < 1:
            # As far out as each axis on its own allows.
            spare = (1 - self.looks.min_visible) * self.whole[rows] + _ROUNDING
            for axis, length in enumerate(self.looks.extent):
                lines = inside.sum(axis=2 - axis)
                before = (lines.cumsum(axis=1) <= spare[:, None]).sum(axis=1)
                after = (lines[:, ::-1].cumsum(axis=1) <= spare[:, None]).sum(axis=1)
                self.first[rows, axis] = -before
                self.last[rows, axis] = np.maximum(length - self.side + after, -before)

    def _place(self, rows: Array, turn: int, n_tries: int) -> Array:
        left = rows
        for _ in range(n_tries):
            if not len(left):
                break
            first, last = self.first[left], self.last[left]
            steps = (last - first + 1) * self.rng.random((len(left), 2))
            self.corner[left] = first + steps.astype(np.int64)
            self.center[left] = self.corner[left] + self.offset[left]
            left = left[~self._fits(left, turn)]
        placed = np.setdiff1d(rows, left, assume_unique=True)
        self.owners.paint(self.image[placed], self.corner[placed], self.stamps[placed], turn)
        return left

    def _fits(self, rows: Array, turn: int) -> Array:
        center = self.center[rows]
        below, near = self._find_near(rows, turn, center[:, None])
        near = near[:, 0]
        outermost = self.low[rows] + self.room[rows]
        beyond = (center < self.low[rows] - _ROUNDING) | (center > outermost + _ROUNDING)
        cut = np.any(beyond, axis=1)
        # If circles touch neither each other nor the border, the shapes do not either.
        fits = ~(cut | near.any(axis=1))
        self.inside[rows] = self.whole[rows]
        doubtful = np.flatnonzero(~fits)
        if len(doubtful):
            fits[doubtful] = self._fit_pixels(
                rows[doubtful], cut[doubtful], below[doubtful], near[doubtful]
            )
        return fits

    def _fit_pixels(self, rows: Array, cut: Array, below: Array, near: Array) -> Array:
        """Return which shapes leave enough of all visible, and count what those cover."""
        owners = self.owners.read(self.image[rows], self.corner[rows])
        stamps = self.stamps[rows]
        fits = np.ones(len(rows), bool)
        if cut.any():
            whole = self.whole[rows]
            outside = (stamps == INSIDE) & (owners == self.owners.outside)
            self.inside[rows] = whole - outside.sum(axis=(1, 2))
            fits &= self.inside[rows] >= self.looks.min_visible * whole - _ROUNDING
            fits &= ~cut | (whole > 0)

        pair, column = np.nonzero(near)
        other = below[pair, column]
        theirs = owners[pair] == self.order[other].astype(owners.dtype)[:, None, None]
        touching = (theirs & (stamps[pair] >= NEAR)).any(axis=(1, 2))
        if self.max_overlap == 0:
            fits[pair[touching]] = False
            return fits
        colors = self.plan["foreground"]
        contrast = np.abs(colors[rows[pair]] - colors[other]).mean(axis=1)
        covered = self.covered[other] + (theirs & (stamps[pair] == INSIDE)).sum(axis=(1, 2))
        few = covered <= self.max_overlap * self.inside[other] + _ROUNDING
        tellable = contrast >= self.looks.min_contrast - _ROUNDING
        fits[pair[touching & ~(few & tellable)]] = False
        kept = fits[pair]
        self.covered[other[kept]] = covered[kept]
        return fits
