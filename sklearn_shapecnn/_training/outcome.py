"""The outcome of training: nothing left to learn, or nothing learned at all."""

from __future__ import annotations

import math

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._training.net import ShapeNet
from sklearn_shapecnn._training.sample import Sample

NEGLIGIBLE_LOSS = 0.008  # of guessing, if 999 of 1,000 images have the same class
NOTHING_TO_LEARN = 0.001  # of guessing, if 9,999 of 10,000 images have the same class
HARD_LOSS = 0.15  # in the middle of a training, in multiples of that of guessing
# To see that a network has learned much, and to see whether it has learned anything.
FEW_IMAGES, MAX_IMAGES = 100, 1000


def has_learned(net: ShapeNet, sample: Sample) -> bool:
    """Whether the last epoch brought the loss close to the least that label smoothing allows."""
    enough = net.criterion_.learned(sample.targets, sample.weights)
    return net.history[-1, "train_loss"] < enough


def adapt_epochs(net: ShapeNet, sample: Sample, n_epochs: int, n_hard_epochs: int) -> int:
    """Choose the number of epochs after the first half of them, from the loss of the last one.

    Two thirds, if nothing is left to learn. `n_hard_epochs`, if the images are hard to tell apart.
    """
    if has_learned(net, sample):
        return math.ceil(n_epochs * 2 / 3)
    least, guessing = net.criterion_.bounds(sample.targets, sample.weights)
    is_hard = net.history[-1, "train_loss"] - least > HARD_LOSS * (guessing - least)
    is_worth_it = guessing - least > NOTHING_TO_LEARN
    return n_hard_epochs if is_hard and is_worth_it else n_epochs


def warn_if_nothing_learned(
    net: ShapeNet, sample: Sample, n_epochs: int, is_last: bool = True
) -> None:
    """Warn if a network has learned little from its images in this number of epochs.

    `is_last` says whether the network is that of the last epoch, not an earlier one that was kept.
    """
    # Not from the training loss, which includes dropout, augmentation and the statistics of each
    # batch. The images are spread over the sample, which may be sorted by class.
    for n_images in (FEW_IMAGES, MAX_IMAGES):
        some = sample.take(np.arange(0, len(sample), math.ceil(len(sample) / n_images)))
        _, guessing = net.criterion_.bounds(some.targets, some.weights, smoothed=False)
        _, loss = net.evaluate(some)
        if loss < 0.2 * guessing:
            return
    # A network may start a little better than guessing.
    first, last = (net.history[i, "train_loss"] for i in (-n_epochs, -1))
    stands_still = first - last < 0.01 * guessing
    share = 0.95 if stands_still else 0.99
    # Batches with extreme values spoil the statistics that later normalize the others.
    least, _ = net.criterion_.bounds(some.targets, some.weights)
    is_spoiled = is_last and last - least < 0.1 * guessing and loss > 0.3 * guessing + least
    if guessing <= NEGLIGIBLE_LOSS or (loss < share * guessing and not is_spoiled):
        return
    # If all pixels are the same, another warning has already said so.
    if np.ptp(some.images.batch(some.rows[::10])) > 0:
        of_numbers = net.criterion_.is_of_numbers
        what = "mean or median of y" if of_numbers else "class frequencies"
        result = "lost much of what it learned" if is_spoiled else "learned next to nothing"
        warn(
            f"The network has {result}: the loss of its predictions on the training images is "
            f"{loss:.3g}. Predicting the {what} alone would give {guessing:.3g}, and the last "
            f"training loss was {last:.3g}. "
            + (
                f"Change learning_rate_init (it is {net.lr:g}) or alpha, raise max_iter, or check "
                f"that the {'targets' if of_numbers else 'labels'} y belong to the images."
                if last > 0.5 * guessing
                else "Look for extreme values in X: batches without them were learned."
            ),
            ConvergenceWarning,
        )
