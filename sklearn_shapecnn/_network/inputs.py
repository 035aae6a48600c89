"""Turn images into tensors for the network, a few images at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from sklearn_shapecnn._input.image_set import ImageSet

MAX_PIXELS = 2**19  # that go through the network at once, to limit the memory


def to_tensor(pixels: np.ndarray, device: str | torch.device) -> torch.Tensor:
    """Turn a batch of an image set, of shape (n, h, w, c), into a tensor of shape (n, c, h, w)."""
    # Channels stay last in memory; torch wants them first in the shape.
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)


def images_at_once(image_shape: tuple[int, int, int]) -> int:
    """Return how many images go through the network at once outside of training."""
    return max(2, MAX_PIXELS // (image_shape[0] * image_shape[1]))


def tensor_batches(images: ImageSet, device: str | torch.device) -> Iterator[torch.Tensor]:
    """Yield batches of shape (n, c, h, w) that cover an image set in order."""
    step = images_at_once(images.image_shape)
    for start in range(0, len(images), step):
        yield to_tensor(images.batch(slice(start, start + step)), device)
