"""Compute a batch in parts, on several threads; the result does not depend on how many.

Each part is normalized by its own statistics (Hoffer et al., "Train longer, generalize better",
2017, section 5: ghost batch normalization).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch

from sklearn_shapecnn._compat import forward_hooks
from sklearn_shapecnn._network.modules import ShapeCNN, dropout_layers
from sklearn_shapecnn._network.part import (
    Part,
    computing_part,
    split_generator,
    update_running_statistics,
)
from sklearn_shapecnn._threads import map_in_threads

MIN_IMAGES, MIN_PIXELS = 16, 32 * 28 * 28  # per part: less is not worth a thread
MAX_PARTS = 8

LossOfRows = Callable[[slice], tuple[torch.Tensor, torch.Tensor]]  # returns loss and scores


def count_parts(pixels: torch.Tensor) -> int:
    """Count the parts of a batch of shape (n, c, h, w); they depend on nothing but the batch."""
    n, _, height, width = pixels.shape
    if pixels.device.type != "cpu":
        return 1
    return max(1, min(n // MIN_IMAGES, n * height * width // MIN_PIXELS, MAX_PARTS))


def add_gradients(
    network: ShapeCNN, compute: LossOfRows, n_samples: int, n_parts: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the gradients of a batch, part by part, and add them to those of the weights.

    Parameters
    ----------
    network : ShapeCNN
        In training mode.
    compute : callable
        Returns the mean loss and the scores of some rows of the batch.
    n_samples, n_parts : int

    Returns
    -------
    loss : Tensor of shape ()
        Mean loss of the batch.
    scores : Tensor of shape (n_samples, n_outputs)
    """
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    edges = [i * n_samples // n_parts for i in range(n_parts + 1)]
    rows = [slice(start, end) for start, end in pairwise(edges)]
    generator = dropout_layers(network)[0].generator  # all of them share it
    parts = [Part(each) for each in split_generator(generator, n_parts)]

    def work(rows: slice, part: Part) -> tuple[torch.Tensor, ...]:
        with torch.enable_grad(), computing_part(part):
            loss, scores = compute(rows)
            loss = loss * ((rows.stop - rows.start) / n_samples)
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        return loss.detach(), scores.detach(), *gradients

    # Hooks run on the calling thread, in the order of the images.
    map_parts = map if any(forward_hooks(network.modules())) else map_in_threads
    losses, scores, *gradients = zip(*map_parts(work, rows, parts), strict=True)
    for weight, shares in zip(weights, gradients, strict=True):
        if shares[0] is not None:
            total = sum(shares[1:], start=shares[0])
            weight.grad = total if weight.grad is None else weight.grad + total
    update_running_statistics(parts)
    return torch.stack(losses).sum(), torch.cat(scores)
