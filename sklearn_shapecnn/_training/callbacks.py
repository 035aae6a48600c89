"""skorch callbacks that end training: for a bad loss, no improvement, or on request."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_shapecnn._training.sample import Sample


class StopTraining(Exception):
    """Raised by a callback to end training after this epoch."""


class StopEpoch(Exception):
    """Raised by a callback to end the epoch after this batch."""


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C after the first epoch: the net has kept what it learned until then."""


class CheckLoss(Callback):
    """Raise an error if the loss of the network is no longer finite."""

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Check the loss of the epoch."""
        loss = net.history[-1, "train_loss"]
        if not math.isfinite(loss):
            net.fail(f"the loss became {loss} in epoch {len(net.history)}")


class KeepBest(Callback):
    """Score each epoch on held-out images, keep the best weights, stop if nothing improves."""

    def __init__(self, sample: Sample, n_iter_no_change: float, tol: float) -> None:
        self.sample = sample
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scores: list[float] = []
        self.best = (-math.inf, -math.inf)
        self.best_weights: dict[str, torch.Tensor] = {}
        self.n_waited = 0
        self.stop_training = False

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Compare the epoch to the best one so far."""
        score, loss = net.evaluate(self.sample)
        score_name = net.criterion_.score_name
        net.history.record(score_name, score)
        net.history.record("valid_loss", loss)
        self.n_waited = 0 if score > self.best[0] + self.tol else self.n_waited + 1
        # Of two epochs with the same score, the one with the lower loss is better.
        is_best = (score, -loss) > self.best
        best, weights = self.best, self.best_weights
        if is_best:
            best, weights = (score, -loss), copy.deepcopy(net.module_.state_dict())
        # The names that skorch's callbacks look for.
        net.history.record(f"{score_name}_best", is_best)
        net.history.record("valid_loss_best", is_best)
        self.stop_training = self.n_waited >= self.n_iter_no_change
        # Last and at once, so that an interrupted epoch counts completely or not at all.
        self.scores, self.best, self.best_weights = [*self.scores, score], best, weights


class StopIfAsked(Callback):
    """End the epoch or the training if another callback has asked for it.

    It comes last, so that all callbacks have seen the epoch.

    Parameters
    ----------
    callbacks : sequence of skorch.callbacks.Callback
        They ask with an attribute ``stop_epoch`` or ``stop_training`` that is True.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = callbacks

    def on_batch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """End the epoch."""
        if any(getattr(callback, "stop_epoch", False) for callback in self.callbacks):
            raise StopEpoch

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """End the training."""
        if any(getattr(callback, "stop_training", False) for callback in self.callbacks):
            raise StopTraining
