"""The learning rate of each step: a cycle for each round of `fit`, a constant for a stream."""

from __future__ import annotations

import math
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

ROUND_BEGINS = "event_round"  # an entry of the net's history, at the first epoch of a round
WARM_UP = 0.3  # share of the steps of a cycle in which the learning rate rises
STREAM_RATE, STREAM_WARM_UP = 0.3, 20  # share of the peak, and the steps that lead up to it


def one_cycle(progress: float) -> float:
    """Learning rate as a share of its peak: up along half a cosine, then down along another.

    Parameters
    ----------
    progress : float
        Share of the steps done, 0 to 1.

    Notes
    -----
    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2018, section 3.
    """
    if progress < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def stream_rate(n_steps_done: int) -> float:
    """Learning rate of training without an end, as a share of its peak.

    It rises over the first steps and then stays, low enough for good predictions at any time.
    """
    return STREAM_RATE * min(1, (n_steps_done + 1) / STREAM_WARM_UP)


class SetLearningRate(Callback):
    """Set the learning rate before each step.

    Parameters
    ----------
    is_stream : bool
        Whether the rate stays up after its first rise, instead of following a cycle in each round.
    n_steps_done : int, default=0
        Steps made in earlier calls; only used for a stream.
    """

    def __init__(self, is_stream: bool, n_steps_done: int = 0) -> None:
        self.is_stream = is_stream
        self.n_steps_done = n_steps_done

    def start_round(self, n_steps: int) -> None:
        """Begin a round of this many steps."""
        self.n_steps = n_steps
        self.step = 0
        self.change = (0, 0.0)

    def spread_rest(self, n_steps: int) -> None:
        """Spread what is left of the round's cycle over this many further steps."""
        self.change = (self.step, self._progress())
        self.n_steps = self.step + n_steps

    def _progress(self) -> float:
        """Share of the cycle that is done; it grows evenly between changes of its length."""
        step, progress = self.change
        return progress + (1 - progress) * (self.step - step) / (self.n_steps - step)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Note in the history where a round begins after another one: the loss may jump there."""
        if self.step == 0 and len(net.history) > 1 and not self.is_stream:
            net.history.record(ROUND_BEGINS, True)

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        """Move on by one step."""
        share = (
            stream_rate(self.n_steps_done + self.step)
            if self.is_stream
            else one_cycle(self._progress())
        )
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * share
        self.step += 1
