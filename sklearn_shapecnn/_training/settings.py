"""TrainingSettings: how a network is trained, and what 'auto' means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn_shapecnn._network.inputs import MAX_PIXELS
from sklearn_shapecnn._training.augment import MANY_IMAGES
from sklearn_shapecnn._training.sample import count_batches

MIN_EPOCHS = 8  # of a full round from random filters
HARD_EPOCHS = 10  # at least, from pretrained filters, if the images are hard to tell apart
FEW_STEPS, ENOUGH_STEPS = 60, 120  # to learn the head; to learn an easy task
RANDOM_RATE = 0.01  # highest learning rate from random filters
STREAM_BATCH_SIZE = 32  # of partial_fit


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained in one call of `fit` or `partial_fit`.

    Attributes
    ----------
    learning_rate_init, alpha, n_iter_no_change, tol : float
        As in :class:`~sklearn_shapecnn.ShapeCNNClassifier`.
    n_batches : int
        Number of batches per epoch.
    rounds : tuple of int
        Usual number of epochs in each round of training.
    augment : tuple of str
        Names of augmentations.
    seed : int
        Seed of the order of the images and of their augmentation.
    is_stream : bool
        Whether this is one of many calls of `partial_fit`, so that the learning rate stays up
        instead of following a cycle.
    n_hard_epochs : int or None
        Number of epochs instead, if the images are hard to tell apart; see
        :func:`~sklearn_shapecnn._training.outcome.adapt_epochs`. None if the number is fixed.
    """

    learning_rate_init: float
    alpha: float
    n_iter_no_change: float
    tol: float
    n_batches: int
    rounds: tuple[int, ...]
    augment: tuple[str, ...]
    seed: int
    is_stream: bool = False
    n_hard_epochs: int | None = None

    @property
    def max_epochs(self) -> int:
        """Maximum number of epochs in all rounds together."""
        return max(sum(self.rounds), self.n_hard_epochs or 0)

    @property
    def may_end_early(self) -> bool:
        """Whether training ends before, if it leaves nothing to learn."""
        return len(self.rounds) > 1 or self.n_hard_epochs is not None

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, Any],
        n_samples: int,
        image_shape: tuple[int, int, int],
        *,
        augment: tuple[str, ...],
        seed: int,
        is_pretrained: bool = False,
        is_stream: bool = False,
        has_numbers: bool = False,
        epoch_factor: int = 1,
    ) -> TrainingSettings:
        """Resolve the parameters of an estimator for a number of images.

        Parameters
        ----------
        parameters : mapping of str to object
        n_samples : int
            Number of distinct images to learn from.
        image_shape : tuple of int (height, width, channels)
        is_pretrained : bool, default=False
            Whether the filters are already trained, so that less remains to learn.
        has_numbers : bool, default=False
            Whether the targets are numbers, which can always be predicted more closely.
        epoch_factor : int, default=1
            How many times as long training takes as for classes, from pretrained filters.
        augment, seed, is_stream
            See the class.
        """
        batch_size, max_iter = parameters["batch_size"], parameters["max_iter"]
        if batch_size == "auto":
            batch_size = STREAM_BATCH_SIZE
            if not is_stream:
                batch_size = auto_batch_size(n_samples, image_shape)
        n_batches = count_batches(n_samples, int(batch_size))
        n_epochs = 1 if is_stream else max_iter
        usual, hard = auto_epochs(n_samples, n_batches, epoch_factor)
        rounds: tuple[int, ...] = (usual,)
        if n_epochs != "auto":
            rounds = (int(n_epochs),)
        elif not is_pretrained:
            rounds = auto_rounds(n_batches)[-1 if has_numbers else 0 :]
        is_adaptive = is_pretrained and n_epochs == "auto" and not has_numbers
        learning_rate = parameters["learning_rate_init"]
        if learning_rate == "auto":
            # A stream already takes 0.3 times this rate. Numbers benefit from the full rate.
            from_pretrained = is_pretrained and not is_stream and not has_numbers
            n_steps = sum(rounds) * n_batches
            rate = pretrained_rate(n_samples, n_steps)
            learning_rate = rate if from_pretrained else RANDOM_RATE
        return cls(
            learning_rate_init=float(learning_rate),
            alpha=float(parameters["alpha"]),
            n_iter_no_change=parameters["n_iter_no_change"],
            tol=parameters["tol"],
            n_batches=n_batches,
            rounds=rounds,
            augment=augment,
            seed=seed,
            is_stream=is_stream,
            n_hard_epochs=hard if is_adaptive else None,
        )


def auto_batch_size(n_samples: int, image_shape: tuple[int, int, int]) -> int:
    """Choose 64 images per batch; fewer if images are large, or so few that an epoch is short."""
    return max(8, min(64, n_samples // 10, MAX_PIXELS // math.prod(image_shape[:2])))


def auto_epochs(n_samples: int, n_batches: int, factor: int = 1) -> tuple[int, int]:
    """Choose the number of epochs from pretrained filters: the usual one, and that of hard images.

    It is 40 for up to 200 images. With more images it falls to 4, more slowly than their number
    rises; to 10 for images that are hard to tell apart. It is raised to reach 120 steps, up to 100
    epochs. All of this is multiplied by a factor.
    """
    n_epochs = round(40 * min(1.0, (200 / n_samples) ** 0.75))
    n_epochs = max(4, n_epochs, min(100, math.ceil(ENOUGH_STEPS / n_batches)))
    return min(100, factor * n_epochs), min(100, factor * max(HARD_EPOCHS, n_epochs))


def pretrained_rate(n_samples: int, n_steps: int) -> float:
    """Choose the peak learning rate from pretrained filters: low if there are many epochs.

    Training cut short by `max_iter` needs the same rate as from random filters.
    """
    if n_steps < FEW_STEPS:
        return RANDOM_RATE
    return 0.003 if n_samples < MANY_IMAGES else 0.005


def auto_rounds(n_batches: int) -> tuple[int, ...]:
    """Choose the number of epochs in each round of training from random filters.

    The last round takes about 600 steps in 8 to 100 epochs. If these are few epochs of many images,
    a short round comes first, which is enough for an easy task: a network does not memorize images
    that it sees two to four times.
    """
    full = min(100, max(MIN_EPOCHS, math.ceil(600 / n_batches)))
    short = max(2, math.ceil(ENOUGH_STEPS / n_batches))
    return (short, full) if short <= 4 else (full,)
