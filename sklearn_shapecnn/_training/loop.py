"""The training loop: rounds of epochs, until one leaves nothing to learn.

Nothing here touches torch's global random state: all randomness comes from the seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

from skorch.callbacks import Callback, PrintLog

from sklearn_shapecnn._threads import thread_pool
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn._training.augment import Augment
from sklearn_shapecnn._training.callbacks import (
    KeepBest,
    StopIfAsked,
    StopTraining,
    TrainingInterrupted,
)
from sklearn_shapecnn._training.net import ShapeNet
from sklearn_shapecnn._training.outcome import adapt_epochs, has_learned, warn_if_nothing_learned
from sklearn_shapecnn._training.parts import MAX_PARTS
from sklearn_shapecnn._training.progress import ShowProgress
from sklearn_shapecnn._training.sample import Sample
from sklearn_shapecnn._training.schedule import SetLearningRate
from sklearn_shapecnn._training.settings import ENOUGH_STEPS, MIN_EPOCHS, TrainingSettings
from sklearn_shapecnn._training.user_callbacks import has_stopped_early, initialize_callbacks

# Mean loss, also in multiples of that of scores of zero: for labels 0.7 to 7, for numbers about 1,
# but much more if some targets are far out.
DIVERGED_LOSS = 1e6


@torch_as_usual(gradients=True)
def train(
    net: ShapeNet,
    sample: Sample,
    held_out: Sample | None,
    settings: TrainingSettings,
    callbacks: Sequence[Callback] = (),
) -> None:
    """Train a net for some rounds of epochs, until a round leaves nothing to learn.

    Parameters
    ----------
    net : ShapeNet
    sample : Sample
        What it learns from.
    held_out : Sample or None
        What each epoch is scored on; the best weights are kept.
    settings : TrainingSettings
    callbacks : sequence of skorch.callbacks.Callback
        Called after the net's own in each epoch and batch; not kept in the net.

    Raises
    ------
    ValueError
        If training diverges.
    TrainingInterrupted
        If the user interrupts it after the first epoch; the net is settled then, with what it has
        learned until there.
    KeyboardInterrupt
        If the user interrupts it before, or interrupts a stream; the net is of no use then.
    """
    interrupt = None
    learning_rate = SetLearningRate(settings.is_stream, net.n_steps_done)
    keep_best = None
    if held_out is not None:
        keep_best = KeepBest(held_out, settings.n_iter_no_change, settings.tol)
    history, n_epochs_before = net.history, len(net.history)
    own_callbacks = net.callbacks_
    added = [learning_rate, *([keep_best] if keep_best else []), *callbacks]
    added.append(StopIfAsked(added[:]))
    net.callbacks_ = own_callbacks + [(f"{type(c).__name__}_{i}", c) for i, c in enumerate(added)]
    # Not by set_params, which would initialize the network again.
    net.iterator_train__n_batches = settings.n_batches
    net.iterator_train__batch_size = len(sample) / settings.n_batches  # for skorch's ProgressBar
    net.max_epochs = settings.max_epochs  # for loggers
    net.usual_epochs_ = sum(settings.rounds)
    net.verbose = int(any(isinstance(c, ShowProgress | PrintLog) for c in callbacks))
    image_shape = sample.images.image_shape
    net.iterator_train__augment = (
        Augment(settings.augment, image_shape) if settings.augment else None
    )
    try:
        initialize_callbacks(callbacks)
        net.notify("on_train_begin", X=sample, y=sample.targets)
        net.history = history  # skorch's LoadInitState brings that of another fit
        with suppress(StopTraining), thread_pool(MAX_PARTS):
            for n_epochs in settings.rounds:
                _fit_round(net, sample, settings, learning_rate, n_epochs)
                if has_learned(net, sample):
                    break
        net.settle(keep_best)
        n_epochs = len(net.history) - n_epochs_before
        loss = net.history[-1, "train_loss"]
        if loss > DIVERGED_LOSS and loss > DIVERGED_LOSS * net.loss_of_zeros(sample):
            net.fail(f"the loss is {loss:.3g} in the last epoch")
        is_long = n_epochs >= MIN_EPOCHS or n_epochs * settings.n_batches >= ENOUGH_STEPS
        if is_long and not settings.is_stream:
            warn_if_nothing_learned(net, sample, n_epochs, is_last=keep_best is None)
    except KeyboardInterrupt:
        net.history = history
        n_epochs = _drop_unfinished_epoch(net, n_epochs_before, keep_best)
        is_wanted = has_stopped_early(callbacks)
        if n_epochs == 0 or (settings.is_stream and not is_wanted):
            raise
        net.settle(keep_best)
        if not is_wanted:
            interrupt = TrainingInterrupted(
                f"Training was interrupted after epoch {n_epochs}. A classifier that you fit "
                f"yourself keeps what it has learned until then: to go on, set warm_start=True and "
                f"max_iter to the epochs that you still want, and call fit again. A search keeps "
                f"nothing."
            )
    finally:
        net.callbacks_ = own_callbacks
    try:
        for callback in callbacks:
            callback.on_train_end(net, X=sample, y=sample.targets)
        net.history = history  # skorch's Checkpoint may have gone back to that of an earlier epoch
        if not all(bool(value.isfinite().all()) for value in net.module_.state_dict().values()):
            net.fail("weights of the network are no longer finite")
    except Exception as error:
        if interrupt is None:
            raise
        raise KeyboardInterrupt from error  # a search would count another error as a failed fit
    if interrupt is not None:
        raise interrupt


def _fit_round(
    net: ShapeNet,
    sample: Sample,
    settings: TrainingSettings,
    learning_rate: SetLearningRate,
    n_epochs: int,
) -> None:
    """Train for a round of epochs, whose number may change after half of them."""
    learning_rate.start_round(n_epochs * settings.n_batches)
    n_done = 0
    if settings.n_hard_epochs is not None:
        n_done = math.ceil(n_epochs / 2)
        _fit_epochs(net, sample, settings, n_done)
        n_epochs = net.max_epochs = adapt_epochs(net, sample, n_epochs, settings.n_hard_epochs)
        learning_rate.spread_rest((n_epochs - n_done) * settings.n_batches)
    _fit_epochs(net, sample, settings, n_epochs - n_done)


def _fit_epochs(net: ShapeNet, sample: Sample, settings: TrainingSettings, n_epochs: int) -> None:
    """Train for some epochs, in an order of their own."""
    net.iterator_train__seed = settings.seed + len(net.history)
    net.fit_loop(sample, epochs=n_epochs)


def _drop_unfinished_epoch(net: ShapeNet, n_epochs_before: int, keep_best: KeepBest | None) -> int:
    """Cut an interrupted epoch off the history; return how many whole ones there are."""
    rows = net.history.to_list()[n_epochs_before:]
    n_epochs = len(keep_best.scores) if keep_best else sum("train_loss" in row for row in rows)
    del net.history[n_epochs_before + n_epochs :]
    return n_epochs
