"""The images that a network learns from, with their targets and weights, and their batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch.utils.data import Dataset

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.pixel_range import PixelRange
from sklearn_shapecnn._network.inputs import to_tensor
from sklearn_shapecnn._training.augment import Augment

MAX_RELATIVE_WEIGHT = 16  # times the mean; heavier images are shown several times per epoch

Labels = tuple[torch.Tensor, torch.Tensor]  # targets, weights
Batch = tuple[torch.Tensor, Labels]  # pixels of shape (n, c, h, w), labels


@dataclass
class Sample(Dataset):
    """The part of an image set that a network learns from, or is scored on.

    Attributes
    ----------
    images : ImageSet
    rows : ndarray of shape (n,)
        Indices of the images.
    targets : ndarray
        Class indices, as int64 of shape (n,). Or labels of 0 and 1, or numbers, as float32 of shape
        (n, n_outputs).
    weights : ndarray of shape (n,), dtype float32
        Weight of each image, with a mean of one.
    """

    images: ImageSet
    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: np.ndarray) -> Sample:
        """Return the sample of these images only."""
        weights = self.weights[indices]
        return Sample(
            self.images, self.rows[indices], self.targets[indices], weights / weights.mean()
        )

    def repeat_heavy(self) -> Sample:
        """Return the same sample, with heavy images repeated and their weight divided.

        Gradients are clipped, so one step per epoch teaches little, whatever its weight. The sample
        grows by a fraction of at most 1 / ``MAX_RELATIVE_WEIGHT``.
        """
        times = np.maximum(1, np.ceil(self.weights / MAX_RELATIVE_WEIGHT)).astype(np.int64)
        if times.max() == 1:
            return self
        lighter = Sample(self.images, self.rows, self.targets, self.weights / times)
        return lighter.take(np.repeat(np.arange(len(self)), times))

    def batch(self, indices: np.ndarray, device: str) -> Batch:
        """Make tensors of some of the images: pixels (n, c, h, w), targets and weights."""
        return to_tensor(self.images.batch(self.rows[indices]), device), (
            torch.from_numpy(self.targets[indices]).to(device),
            torch.from_numpy(self.weights[indices]).to(device),
        )

    def split(
        self, fraction: float, rng: np.random.Generator, *, is_of_numbers: bool = False
    ) -> tuple[Sample, Sample]:
        """Hold out a fraction of each class, but never the last image of a class.

        Images with several labels or with numbers count as one class.

        Raises
        ------
        ValueError
            If nothing would be held out, or a single number, which has no R2.
        """
        held_out = np.zeros(len(self), dtype=bool)
        has_classes = self.targets.ndim == 1
        least = 1 if has_classes else 2
        strata = self.targets if has_classes else np.zeros(len(self))
        for stratum in np.unique(strata):
            members = rng.permutation(np.flatnonzero(strata == stratum))
            n_held_out = min(max(least, round(fraction * len(members))), len(members) - 1)
            if is_of_numbers:
                members = self._with_two_values(members, n_held_out)
            held_out[members[:n_held_out]] = True
        if not held_out.any():
            raise ValueError(
                "early_stopping=True holds out images to score each epoch on, but there is only "
                "one distinct image, or only one of every class. Give more images or set "
                "early_stopping=False."
            )
        if is_of_numbers and len(self) == 2:
            raise ValueError(
                "early_stopping=True holds out images to score each epoch on, and R2 needs two of "
                "them, but there are only two distinct images. Give more images or set "
                "early_stopping=False."
            )
        return self.take(np.flatnonzero(~held_out)), self.take(np.flatnonzero(held_out))

    def _with_two_values(self, members: np.ndarray, n: int) -> np.ndarray:
        """Swap two members, if need be, so that the first n have not all the same target."""
        differs = (self.targets[members] != self.targets[members[0]]).any(axis=1)
        if not differs[:n].any() and differs.any():
            other = int(np.argmax(differs))
            members[[n - 1, other]] = members[[other, n - 1]]
        return members


def distinct_sample(
    images: ImageSet, targets: np.ndarray, weights: np.ndarray
) -> tuple[Sample, float, float, PixelRange]:
    """Make the sample that has each pair of an image and its target once, with its weight.

    Images of weight zero are dropped, equal pairs are merged into one with the sum of their
    weights, and the rest is ordered by a hash of the pixels. Therefore:

    - A weight of two is the same as giving the image twice, and a weight of zero the same as
      leaving it out, to the bit, whatever batches, batch normalization and augmentation do later.
    - The order of the images does not matter.
    - No image is on both sides of a validation split with the same target.

    Returns
    -------
    sample : Sample
    center, deviation : float
        Mean and standard deviation of the pixels of the sample. The deviation is 0 if all pixels
        are the same or nearly so.
    pixel_range : PixelRange
        Range of these pixels.
    """
    found = images.fingerprints()
    rows = np.flatnonzero(weights)
    # These ranks do not depend on how often each target occurs.
    _, ranks = np.unique(targets[rows], axis=0, return_inverse=True)
    keys = np.column_stack((found.digests[rows], ranks.astype(np.uint64)))
    order = np.lexsort(keys.T)
    rows, keys = rows[order], keys[order]
    starts = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    merged = np.add.reduceat(weights[rows], starts)
    rows = rows[starts]
    center = found.means[rows].mean()
    deviation = math.sqrt(max(0.0, found.mean_squares[rows].mean() - center**2))
    if deviation <= max(1e-7 * abs(center), 1e-36):
        deviation = 0.0
        warn(
            f"In float32, in which the network computes, all pixels of X are the same or nearly "
            f"so (about {center:g}), so there is little to learn from. Subtract what they have in "
            f"common, or scale X.",
            ConvergenceWarning,
        )
    merged = (merged / merged.mean()).astype(np.float32)
    sample = Sample(images, rows, targets[rows], merged)
    return sample, float(center), deviation, PixelRange.of(found, rows)


class Batches:
    """The batches of a pass over a sample, drawn again in each pass.

    Batch sizes differ by at most one image.

    Parameters
    ----------
    dataset : Sample
    batch_size : int, default=1
        Ignored. skorch passes it, and its progress bar reads it.
    n_batches : int, default=1
        Number of batches. If it is at most half the number of images, batch normalization never
        gets a single image.
    device : str, default='cpu'
        Device of the tensors.
    seed : int, default=None
        Seed of the order of the images and of their augmentation; None keeps their order.
    augment : Augment, default=None
        Applied to each batch.
    """

    def __init__(
        self,
        dataset: Sample,
        batch_size: int = 1,
        *,
        n_batches: int = 1,
        device: str = "cpu",
        seed: int | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.sample = dataset
        self.n_batches = n_batches
        self.device = device
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)
        self.augment = augment

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Batch]:
        n = len(self.sample)
        order = (
            np.arange(n)
            if self.generator is None
            else torch.randperm(n, generator=self.generator).numpy()
        )
        for i in range(self.n_batches):
            chosen = order[i * n // self.n_batches : (i + 1) * n // self.n_batches]
            pixels, labels = self.sample.batch(chosen, self.device)
            if self.augment is not None and self.generator is not None:
                pixels = self.augment(pixels, self.generator)
            yield pixels, labels


def count_batches(n_samples: int, batch_size: int) -> int:
    """Return the number of batches per pass, of about this size and at least two images."""
    return max(1, min(round(n_samples / batch_size), n_samples // 2))
