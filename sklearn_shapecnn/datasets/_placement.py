"""Sample the positions and intensities of shapes into the plan."""

from collections.abc import Sequence

import numpy as np

from sklearn_shapecnn.datasets._geometry import signed_distance
from sklearn_shapecnn.datasets._plan import Array, rows_by_shape

# For shapes across the border: cells across a shape, images per batch, positions tried for each.
_CELLS = 32
_BATCH = 64
_TRIES = 16
# How far each round of sampling intensities is pulled toward the pair of greatest contrast.
_CONTRAST_PULLS = (0.0,) * 20 + tuple(1 - 0.85 ** np.arange(1, 60)) + (1.0,)


def draw_intensities(
    plan: Array,
    foreground: tuple[float, float],
    background: tuple[float, float],
    min_contrast: float,
    rng: np.random.Generator,
) -> None:
    """Sample foregrounds and backgrounds with enough contrast.

    The first rounds sample from the whole ranges. For images that still lack contrast, later rounds
    sample closer and closer to the pair of greatest contrast.

    Raises
    ------
    ValueError
        If no pair has enough contrast.
    """
    best = max(
        [(foreground[1], background[0]), (foreground[0], background[1])],
        key=lambda pair: abs(pair[0] - pair[1]),
    )
    rounding = 1e-9
    if abs(best[0] - best[1]) < min_contrast - rounding:
        raise ValueError(
            f"min_contrast={min_contrast} is not possible with foreground={foreground} and "
            f"background={background}, which differ by at most {abs(best[0] - best[1]):.6g}. "
            "Lower min_contrast or move the ranges apart."
        )
    unsettled = np.arange(len(plan))
    for pull in _CONTRAST_PULLS:
        shape = (len(unsettled), plan["foreground"].shape[1])
        front, back = rng.uniform(*foreground, shape), rng.uniform(*background, shape)
        front += pull * (best[0] - front)
        back += pull * (best[1] - back)
        plan["foreground"][unsettled], plan["background"][unsettled] = front, back
        contrast = np.abs(front - back).mean(axis=1)
        unsettled = unsettled[contrast < min_contrast - rounding]
        if not len(unsettled):
            break


def draw_foregrounds(
    plan: Array, foreground: tuple[float, float], min_contrast: float, rng: np.random.Generator
) -> None:
    """Sample foregrounds with enough contrast to the backgrounds in the plan.

    This uses the same rounds as `draw_intensities`, which sampled each background together with a
    foreground of enough contrast. So there is a solution.
    """
    low, high = foreground
    unsettled = np.arange(len(plan))
    for pull in _CONTRAST_PULLS:
        back = plan["background"][unsettled]
        best = np.where(np.abs(high - back) >= np.abs(low - back), high, low)
        front = rng.uniform(low, high, back.shape)
        front += pull * (best - front)
        plan["foreground"][unsettled] = front
        contrast = np.abs(front - back).mean(axis=1)
        unsettled = unsettled[contrast < min_contrast]
        if not len(unsettled):
            break


def place_shapes(
    plan: Array,
    names: Sequence[str],
    extent: tuple[int, int],
    min_visible: float,
    rng: np.random.Generator,
) -> None:
    """Choose the centers of the shapes, and set how much of each shape is visible."""
    if min_visible < 1:
        tries = rng.random((len(plan), _TRIES, 2))
        for name, rows in rows_by_shape(plan, names):
            for start in range(0, len(rows), _BATCH):
                batch = rows[start : start + _BATCH]
                plan[batch] = _place_across(plan[batch], name, extent, min_visible, tries[batch])
        return
    for axis, length in zip(("row", "col"), extent, strict=True):
        room = np.maximum(length - 2 * plan["radius"], 0)
        plan[axis] = plan["radius"] - 0.5 + room * rng.random(len(plan))
    plan["visible"] = 1


def _place_across(
    batch: Array,
    name: str,
    extent: tuple[int, int],
    min_visible: float,
    tries: Array,
) -> Array:
    """Place shapes at the first try that shows enough of them, or at the center of the image.

    Each shape is drawn on a coarse grid, and its cells inside the image measure how much is
    visible. Tries are uniform over the positions at which each axis on its own shows enough.
    """
    cells = np.arange(_CELLS)
    offsets = np.tile((2 * cells + 1) / _CELLS - 1, (len(batch), 1))
    distance = signed_distance(name, batch, offsets, offsets) * (_CELLS / 2)
    area = np.clip(0.5 - distance, 0, 1).astype(np.float64)
    area /= area.sum(axis=(1, 2), keepdims=True)

    radius = batch["radius"][:, None]
    cell = 2 * radius / _CELLS
    places, shares = [], []
    for axis, length in enumerate(extent):
        profile = area.sum(axis=2 - axis)
        low = -0.5 - radius * _quantile(profile, 1 - min_visible)
        high = length - 0.5 - radius * _quantile(profile, min_visible)
        place = low + (high - low) * tries[:, :, axis]
        edges = place[:, :, None] + (cell * cells - radius)[:, None, :]
        before = np.clip((-0.5 - edges) / cell[:, :, None], 0, 1)
        within = np.clip((length - 0.5 - edges) / cell[:, :, None], 0, 1)
        places.append(place)
        shares.append(within - before)
    visible = ((shares[0] @ area) * shares[1]).sum(axis=2)

    allowed = visible >= min_visible
    first = np.arange(len(batch)), allowed.argmax(axis=1)
    found = allowed.any(axis=1)
    for axis_name, place, length in zip(("row", "col"), places, extent, strict=True):
        batch[axis_name] = np.where(found, place[first], (length - 1) / 2)
    batch["visible"] = np.where(found, np.minimum(visible[first], 1), 1)
    return batch


def _quantile(profile: Array, share: float) -> Array:
    """Return the position, from -1 to 1, before which the given share of the profile lies."""
    summed = profile.cumsum(axis=1)
    cell = np.minimum((summed < share).sum(axis=1), profile.shape[1] - 1)[:, None]
    height = np.take_along_axis(profile, cell, axis=1)
    overshoot = np.take_along_axis(summed, cell, axis=1) - share
    part = 1 - np.clip(overshoot / np.maximum(height, 1e-12), 0, 1)
    return 2 * (cell + part) / profile.shape[1] - 1
