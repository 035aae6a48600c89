"""Show how a training goes: to scikit-learn's callbacks, and in a progress bar."""

from __future__ import annotations

import math
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
    """Show a progress bar on standard error, or one line per epoch if that is not a terminal.

    Both show the loss, the score on held-out images or else on the training images, and the time
    left. There is one clock for all rounds, so training may end before the time is up.

    Parameters
    ----------
    may_stop_early : bool
        Whether training may end before its last epoch.
    """

    def __init__(self, may_stop_early: bool = False) -> None:
        # Not at the top of the file: it finds out whether this is a notebook, which takes a while.
        from tqdm.asyncio import tqdm as text_bar
        from tqdm.auto import tqdm

        self.is_bar = tqdm is not text_bar or (sys.stderr is not None and sys.stderr.isatty())
        self.make_bar = partial(tqdm, unit="batch", desc="fit", disable=not self.is_bar)
        self.bar: Any = None
        self.left = "at most {:.0f} s left" if may_stop_early else "{:.0f} s left"

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Start the clock."""
        self.began = time.perf_counter()
        self.step = 0
        self.bar = self.make_bar(total=net.max_epochs * net.iterator_train__n_batches)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Start to count."""
        self.sums: Any = 0
        # In the middle of training it may turn out that fewer epochs are enough.
        self._set_total(net.max_epochs * net.iterator_train__n_batches)

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
            # Rounded up: only the last epoch has no second left.
            left = math.ceil(took / self.step * (self.bar.total - self.step))
            told = ", ".join(f"{name} {value}" for name, value in shown.items())
            print(
                f"fit: {told}, {took:.0f} s, {self.left.format(left)}", file=sys.stderr, flush=True
            )

    def close(self) -> None:
        """Leave the bar as it is, with the steps that were made as all of them."""
        if self.bar is not None:
            self._set_total(self.bar.n)
            self.bar.close()

    def _set_total(self, n_steps: int) -> None:
        """Set the number of steps; the bar of a notebook has it in a widget as well."""
        self.bar.total = n_steps
        if hasattr(self.bar, "container"):
            _, widget, _ = self.bar.container.children
            widget.max = n_steps
