"""Random changes to the images during training: shifts, flips, rotations and zooms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from sklearn_shapecnn._input.errors import prefix_errors

AUGMENTATIONS = ("jitter", "shift", "horizontal_flip", "vertical_flip", "flips", "quarter_turns")
MANY_IMAGES = 1000  # from this number on, 'auto' only shifts them
MIN_JITTERED_SIDE = 8  # pixels
JITTERED_SHARE = 0.75  # of the images; the others stay sharp
MAX_TURN, MAX_ZOOM, MAX_MOVE = math.radians(10), 0.1, 0.1  # an angle and shares of the side


def auto_augment(n_samples: int, image_shape: tuple[int, int, int], is_stream: bool) -> str:
    """Choose jitter for few images, which need it most; it costs a little if there are many.

    The number of images in a stream is unknown, and tiny images are not jittered.
    """
    is_few = n_samples < MANY_IMAGES and not is_stream
    return "jitter" if is_few and min(image_shape[:2]) >= MIN_JITTERED_SIDE else "shift"


AUGMENT_ADVICE = (
    "'jitter' turns, scales and moves images a little; 'quarter_turns' turns them by right angles."
)


def check_augment(augment: Any, image_shape: tuple[int, int, int]) -> tuple[str, ...]:
    """Turn the parameter `augment` into names of augmentations, including 'auto'.

    Raises
    ------
    ValueError
        If a name is unknown, or if images are not square and so cannot be rotated.
    """
    with prefix_errors("augment"):
        names = [] if augment is None else np.ravel(augment).tolist()
    for name in names:
        if name not in ("auto", *AUGMENTATIONS):
            raise ValueError(
                f"augment holds {name!r}, which is none of auto, {', '.join(AUGMENTATIONS)}. "
                f"{AUGMENT_ADVICE}"
            )
    if "quarter_turns" in names and image_shape[0] != image_shape[1]:
        raise ValueError(
            f"augment='quarter_turns' needs square images, but these are {image_shape[0]} x "
            f"{image_shape[1]} pixels. Use 'flips', or pad the images to a square."
        )
    return tuple(names)


def resolve_augment(
    names: Sequence[str],
    n_samples: int,
    image_shape: tuple[int, int, int],
    is_stream: bool,
    has_numbers: bool = False,
) -> tuple[str, ...]:
    """Replace 'auto' by what suits the number of images and their size.

    Remove it if the targets are numbers, which may change with the image.
    """
    if has_numbers:
        return tuple(name for name in names if name != "auto")
    auto = auto_augment(n_samples, image_shape, is_stream)
    return tuple(auto if name == "auto" else name for name in names)


class Augment:
    """Move, flip and rotate each image of a batch at random.

    Every pixel of the result comes from the image; pixels from beyond the border repeat the pixel
    at the border. Shifts, flips and quarter turns together are one look-up. Jitter rotates, zooms
    and moves three images in four, and takes the nearest pixel.

    Parameters
    ----------
    names : sequence of str
        Some of ``AUGMENTATIONS``.
    image_shape : tuple of int (height, width, channels)
        Must be square for quarter turns.
    """

    def __init__(self, names: Sequence[str], image_shape: tuple[int, int, int]) -> None:
        self.height, self.width, _ = image_shape
        self.jitter = "jitter" in names and min(self.height, self.width) >= MIN_JITTERED_SIDE
        self.looks_up = bool(set(names) - {"jitter"})
        shift = "shift" in names
        self.max_shift = (self._max_shift(self.height) * shift, self._max_shift(self.width) * shift)
        self.flip = (
            bool({"vertical_flip", "flips", "quarter_turns"} & set(names)),
            bool({"horizontal_flip", "flips", "quarter_turns"} & set(names)),
        )
        # A rotation by 90 degrees is a reflection across the diagonal and a flip.
        self.transpose = "quarter_turns" in names
        self.only_rotates = self.transpose and not {
            "vertical_flip",
            "horizontal_flip",
            "flips",
        } & set(names)

    @staticmethod
    def _max_shift(side: int) -> int:
        """Largest shift in pixels: a sixteenth of the side, so none in the smallest images."""
        return round(side / 16)

    def __call__(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if self.looks_up:
            pixels = self._look_up(pixels, generator)
        if self.jitter:
            uniform = torch.rand(len(pixels), generator=generator, dtype=torch.float32)
            chosen = (uniform < JITTERED_SHARE).nonzero()[:, 0].to(pixels.device)
            if len(chosen):
                moved = self._jitter(pixels[chosen], generator)
                pixels = pixels.index_copy(0, chosen, moved)
        return pixels

    def _jitter(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        n, _, height, width = pixels.shape
        uniform = torch.rand((4, n), generator=generator, dtype=pixels.dtype)
        turn, zoom, down, right = 2 * uniform - 1
        zoom = torch.exp(MAX_ZOOM * zoom)
        cos, sin = torch.cos(MAX_TURN * turn) * zoom, torch.sin(MAX_TURN * turn) * zoom
        # From a position in the result to one in the image, both from -1 to 1 along each side.
        affine = torch.stack(
            (
                torch.stack((cos, sin * height / width, 2 * MAX_MOVE * right), dim=1),
                torch.stack((-sin * width / height, cos, 2 * MAX_MOVE * down), dim=1),
            ),
            dim=1,
        )
        grid = F.affine_grid(affine, [n, 1, height, width], align_corners=False)
        # Not by padding_mode="border", which some devices do not support.
        last = torch.tensor([1 - 1 / width, 1 - 1 / height], dtype=pixels.dtype)
        grid = torch.maximum(torch.minimum(grid, last), -last)
        # The nearest pixel, not a mean of four: the network should not learn from blurred images.
        return F.grid_sample(pixels, grid.to(pixels.device), mode="nearest", align_corners=False)

    def _look_up(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        n, channels, height, width = pixels.shape
        flip_rows, flip_columns, transpose = torch.randint(
            2, (3, n), generator=generator, dtype=torch.bool
        )
        if self.only_rotates:  # only rotations, no mirror images
            flip_columns = flip_rows ^ transpose
        (shift_y, shift_x), (may_flip_y, may_flip_x) = self.max_shift, self.flip
        rows = self._source_index(height, shift_y, may_flip_y, flip_rows, generator)
        columns = self._source_index(width, shift_x, may_flip_x, flip_columns, generator)
        index = rows[:, :, None] * width + columns[:, None, :]
        if self.transpose:
            index = torch.where(transpose[:, None, None], index.transpose(1, 2), index)
        index = index.to(pixels.device).reshape(n, height * width, 1).expand(-1, -1, channels)
        flat = pixels.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        moved = torch.gather(flat, 1, index)
        return moved.reshape(n, height, width, channels).permute(0, 3, 1, 2)

    @staticmethod
    def _source_index(
        side: int, max_shift: int, may_flip: bool, flip: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Find which row (or column) of each image each row (or column) of the result shows."""
        index = torch.arange(side).expand(len(flip), side)
        if max_shift:
            shift = torch.randint(-max_shift, max_shift + 1, (len(flip), 1), generator=generator)
            index = (index + shift).clamp(0, side - 1)
        if may_flip:
            index = torch.where(flip[:, None], index.flip(1), index)
        return index
