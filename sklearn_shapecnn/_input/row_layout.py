"""Warn about rows of pixels that seem to be images of another shape than the one in use.

Neighboring pixels of an image are similar. So the differences between values some places apart in a
row show how wide the image is and how its colors are stored. Every warning says how to avoid it.
"""

from __future__ import annotations

import math

import numpy as np

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._input.image_set import ImageSet

MIN_FEATURES = 64  # per row; shorter rows are often not images
MIN_IMAGES, MAX_IMAGES = 20, 100  # to compare
MAX_VALUES = 2**19  # to compare, over all images

# How much more similar pixels must be in one layout than in the other. These values give no false
# alarm on thousands of sets of photos, drawn shapes, textures and noise.
PLANES = 0.8  # differences if stored channel after channel, over those if pixel after pixel
SAME_CHANNELS = 10.0  # differences between channels by their place, largest over smallest
OTHER_WIDTH = 0.9  # differences between rows of the other width, over those of this width
MIN_LIKENESS = 0.65  # differences between rows of the other width, over those within a row
MIN_UNLIKENESS = 1.5  # the same for rows of this width
CERTAINTY = 4.0  # standard errors between the two widths

REMOVED = (
    "an earlier step may have removed pixels, as VarianceThreshold and SelectKBest do, and "
    "SimpleImputer does unless keep_empty_features=True: leave that step out"
)


def warn_about_rows(images: ImageSet, *, is_given: bool) -> None:
    """Warn if rows seem to be images of another shape than in the image set.

    Parameters
    ----------
    images : ImageSet
    is_given : bool
        Whether the user has set the image shape.
    """
    pixels, (height, width, channels) = images.pixels, images.image_shape
    if pixels.ndim != 2 or pixels.shape[1] < MIN_FEATURES:
        return
    if is_given:
        if channels in (3, 4) and _color_order(_sample(images), width, channels) == "planes":
            warn(
                f"X has rows of {pixels.shape[1]} values that seem to hold one channel after the "
                f"other (RRR...GGG...BBB), but image_shape={images.image_shape} means rows of "
                f"one pixel after the other (RGBRGB...). {_advice_on_planes(images.image_shape)}"
            )
    elif height != width:
        _warn_about_lines(images)
    elif (alpha := _find_alpha(_sample(images))) is not None:
        warn(
            f"X has rows of {pixels.shape[1]} values, which are treated as gray images of {height} "
            f"x {width} pixels, but every fourth value is {alpha:g}: they seem to be color images "
            f"with an alpha channel. Set image_shape={(height // 2, width // 2, 4)}, or "
            f"image_shape={(height, width)} if they are gray."
        )
    elif other := _other_width(_sample(images)):
        warn(
            f"X has rows of {pixels.shape[1]} values, which are treated as images of {height} x "
            f"{width} pixels, but values {other} places apart are more similar than values {width} "
            f"places apart. If the images are not square, set image_shape=(height, width). If they "
            f"are, {REMOVED}. If this is correct, set image_shape={(height, width)}."
        )


def _warn_about_lines(images: ImageSet) -> None:
    n = images.pixels.shape[1]
    side = math.isqrt(n // 3)
    if 3 * side**2 == n:
        shape = (side, side, 3)
        interleaved = f"Set image_shape={shape} to use them as such."
        how = {
            "interleaved": f"they seem to be color images of {side} x {side} pixels. {interleaved}",
            "planes": f"they seem to be color images of {side} x {side} pixels, one channel after "
            f"the other (RRR...GGG...BBB). {_advice_on_planes(shape)}",
            "unknown": f"they may be color images of {side} x {side} pixels. If they hold one "
            f"pixel after the other (RGBRGB...), set image_shape={shape}. If they hold one channel "
            f"after the other (RRR...GGG...BBB): {_advice_on_planes(shape)}",
        }[_color_order(_sample(images), side, 3)]
    else:
        how = (
            f"no square image has that many values. Set image_shape=(height, width) or (height, "
            f"width, channels). If the images were square, {REMOVED}."
        )
    warn(
        f"X has rows of {n} values, which are treated as images one pixel high, but {how} If each "
        f"row really is one line, such as a spectrum, set image_shape={(1, n)}."
    )


def _advice_on_planes(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"Give np.moveaxis(X.reshape(-1, {channels}, {height}, {width}), 1, -1)."


def _sample(images: ImageSet) -> np.ndarray:
    """Return some of the images as rows, spread evenly over all of them."""
    n_features = images.pixels.shape[1]
    n = min(len(images), MAX_IMAGES, max(MIN_IMAGES, MAX_VALUES // n_features))
    chosen = np.linspace(0, len(images) - 1, n).astype(np.int64)
    return images.batch(chosen).reshape(n, n_features)


@np.errstate(all="ignore")  # infinite values make all comparisons false
def _color_order(rows: np.ndarray, width: int, channels: int) -> str:
    """Return whether the colors in rows are 'interleaved' or in 'planes', or 'unknown'."""
    if len(rows) < MIN_IMAGES:
        return "unknown"

    def difference(stride: int) -> float:
        return float(np.abs(rows[:, stride:] - rows[:, :-stride]).mean())

    between = np.abs(np.diff(rows, axis=1)).mean(axis=0)
    # Neighboring values are two channels of one pixel, except where a pixel ends. In gray images
    # stored as color, channels differ much less than pixels. In planes, the place does not matter.
    by_place = [float(between[i::channels].mean()) for i in range(channels)]
    if max(by_place) > SAME_CHANNELS * min(by_place):
        return "interleaved"
    as_planes = difference(1) + difference(width)
    # Also compare pixels two apart, for patterns that change from pixel to pixel.
    as_pixels = sum(
        min(difference(stride), difference(2 * stride)) for stride in (channels, width * channels)
    )
    if as_planes < PLANES * as_pixels:
        return "planes"
    return "interleaved" if PLANES * as_planes > as_pixels else "unknown"


def _find_alpha(rows: np.ndarray) -> float | None:
    """Return the value at every fourth place, if it is constant and other places vary."""
    if rows.shape[1] % 4 or len(rows) < MIN_IMAGES or not (alpha := float(rows[0, -1])):
        return None
    is_constant = (rows == rows[0]).all(axis=0)
    is_alpha = (rows[0, 3::4] == alpha).all() and is_constant[3::4].all()
    return alpha if is_alpha and not is_constant.reshape(-1, 4)[:, :3].any() else None


@np.errstate(all="ignore")
def _other_width(rows: np.ndarray) -> int | None:
    """Return how wide the images in rows seem to be; None if they seem square."""
    if len(rows) < MIN_IMAGES:
        return None
    # Subtract what they have in common: the columns of a table may differ in scale.
    rows = rows - rows.mean(axis=0)
    width = math.isqrt(rows.shape[1])
    squares = rows.reshape(-1, width, width)

    def difference(right: int) -> np.ndarray:
        """Return how much pixels differ from those a row down and some columns to the right."""
        here = squares[:, :-1, max(0, -right) : width - max(0, right)]
        there = squares[:, 1:, max(0, right) : width - max(0, -right)]
        return np.abs(there - here).mean(axis=(1, 2))

    steps = [k for k in range(-(2 * width // 5), 3 * width // 5 + 1) if abs(k) > 1]
    others = {k: difference(k) for k in steps}
    best = min(steps, key=lambda k: float(others[k].mean()))
    square, other = difference(0), others[best]
    within = float(np.abs(np.diff(rows, axis=1)).mean())
    gain = square - other
    is_other = (
        other.mean() < OTHER_WIDTH * square.mean()
        # Stripes are more similar along their direction than any neighbors in a row.
        and other.mean() > MIN_LIKENESS * within
        and square.mean() > MIN_UNLIKENESS * within
        and gain.mean() > CERTAINTY * gain.std(ddof=1) / math.sqrt(len(gain))
    )
    return width + best if is_other else None
