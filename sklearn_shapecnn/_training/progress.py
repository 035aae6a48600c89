"""Show how a training goes: to scikit-learn's callbacks, and in a progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_shapecnn._compat import start_fit_task


class FitTasks(Callback):
    """Report the epochs and batches of one fit to scikit-learn's callbacks.

    Parameters
    ----------
    estimator : estimator instance
        With callbacks set.
    fit_arguments : dict
        What fit was given: X, y and, as metadata, the sample weights.
    n_epochs, n_batches : int
        How many there will be at most, and in each epoch.
    attributes_so_far : callable
        From the net, makes the attributes that the estimator would have if the training stopped
        now.
    """

    def __init__(
        self,
        estimator: Any,
        fit_arguments: dict[str, Any],
        n_epochs: int,
        n_batches: int,
        attributes_so_far: Callable[[NeuralNet], dict[str, Any]],
    ) -> None:
        self.estimator = estimator
        self.fit_arguments = fit_arguments
        self.n_batches = n_batches
        self.attributes_so_far = attributes_so_far
        self.stop_epoch = False
        self.stop_training = False
        self.fit = start_fit_task(estimator, max_subtasks=n_epochs)
        self._begin(self.fit)

    def _begin(self, task: Any) -> None:
        task.call_on_fit_task_begin(estimator=self.estimator, **self.fit_arguments)

    def _end(self, task: Any, attributes: Any) -> bool:
        return task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.fit_arguments
        )

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Begin a task that has its batches as tasks."""
        self.stop_epoch = False
        self.epoch = self.fit.subcontext(task_name="epoch", max_subtasks=self.n_batches)
        self._begin(self.epoch)

    def on_batch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Begin a task of one step."""
        self.batch = self.epoch.subcontext(task_name="batch")
        self._begin(self.batch)

    def on_batch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """End it, and with it the epoch if a callback asks for that."""
        # No attributes: a monitor would score all images after every single step.
        self.stop_epoch = self._end(self.batch, None)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """End the epoch, and with it the training if a callback asks for that."""
        self.stop_training = self._end(self.epoch, lambda: self.attributes_so_far(net))

    def on_fit_end(self) -> None:
        """End the fit; the estimator has its attributes by now."""
        self._end(self.fit, {})


class ShowProgress(Callback):
    """Show a progress bar on standard error, or one line an epoch if that is no terminal.

    Both have the loss, the score on held-out images or else on the training images, and the time
    left.
    """

    def __init__(self) -> None:
        # Not at the top of the file: it finds out whether this is a notebook, which takes a while.
        from tqdm.asyncio import tqdm as text_bar
        from tqdm.auto import tqdm

        self.is_bar = tqdm is not text_bar or (sys.stderr is not None and sys.stderr.isatty())
        self.make_bar = partial(tqdm, unit="batch", desc="fit", disable=not self.is_bar)
        self.bar: Any = None

    def start_round(self, n_steps: int) -> None:
        """Begin a round of this many steps."""
        self.began = time.perf_counter()
        self.n_steps = n_steps
        self.step = 0
        if self.bar is None:
            self.bar = self.make_bar(total=n_steps)
        else:
            self.bar.reset(total=n_steps)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Start to count."""
        self.sums: Any = 0

    def on_batch_end(
        self, net: NeuralNet, batch: Any = None, y_pred: torch.Tensor | None = None, **kwargs: Any
    ) -> None:
        """Move on by one step."""
        assert y_pred is not None
        targets, weights = batch[1]
        self.sums += net.criterion_.sums(y_pred.detach(), targets, weights).cpu()
        self.step += 1
        self.bar.update()

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Show how far the network has come."""
        epoch = net.history[-1]
        shown = {"epoch": str(epoch["epoch"]), "loss": f"{epoch['train_loss']:.4f}"}
        if net.criterion_.score_name in epoch:
            shown["validation score"] = f"{epoch[net.criterion_.score_name]:.4f}"
        else:
            shown["training score"] = f"{net.criterion_.score(self.sums):.4f}"
        if self.is_bar:
            self.bar.set_postfix(shown)
        elif sys.stderr is not None:  # as in a program without a console
            took = time.perf_counter() - self.began
            left = took / self.step * (self.n_steps - self.step)
            told = ", ".join(f"{name} {value}" for name, value in shown.items())
            print(f"fit: {told}, {took:.0f} s, {left:.0f} s left", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()
