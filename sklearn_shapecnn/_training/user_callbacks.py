"""The skorch callbacks that a user passes: which ones work, and errors for the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import clone
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    PassthroughScoring,
    TrainEndCheckpoint,
    WandbLogger,
)
from skorch.callbacks.scoring import ScoringBase
from torch.optim.lr_scheduler import LRScheduler as TorchScheduler

HELD_OUT = "valid_"  # names in the history of values measured on held-out images start with it


def check_callbacks(
    callbacks: Sequence[Any] | None, early_stopping: bool, score_name: str = "valid_acc"
) -> list[Callback]:
    """Return the callbacks that the user gave.

    `score_name` is what the score of held-out images has as its name in the history.

    Raises
    ------
    TypeError
        If one is not a callback, or is of a class that cannot work here.
    ValueError
        If one needs something that training does not provide.
    """
    checked = list(callbacks or [])
    for callback in checked:
        if _is_scheduler(callback):
            raise TypeError(
                f"callbacks holds {_name(callback)}, which would have no effect: the classifier "
                f"sets the learning rate before each step, in one cycle over max_iter epochs that "
                f"rises to learning_rate_init. Change these two parameters instead."
            )
        if not isinstance(callback, Callback):
            raise TypeError(
                f"callbacks must hold objects of classes derived from skorch.callbacks.Callback, "
                f"but got {callback!r}. Callbacks of scikit-learn are set by set_callbacks."
            )
        if isinstance(callback, ScoringBase):
            raise TypeError(
                f"callbacks holds {_name(callback)}, which scores on data that skorch "
                f"splits off. Set early_stopping=True, which scores each epoch and keeps "
                f"validation_scores_, or give scikit-learn's ScoringMonitor to set_callbacks."
            )
        if isinstance(callback, InputShapeSetter):
            raise TypeError(
                f"callbacks holds {_name(callback)}, which sets the input size of the network. "
                f"The classifier does so itself: leave the callback out, and set image_shape if X "
                f"holds rows of images that are not square."
            )
        if isinstance(callback, PassthroughScoring) and not callback.on_train:
            raise ValueError(
                f"callbacks holds {_name(callback)}({callback.name!r}), which averages over "
                f"validation batches, but there are none. Set early_stopping=True, which scores "
                f"each epoch on all held-out images at once, or on_train=True for training batches."
            )
        wanted = _held_out_value(callback)
        if wanted is not None and not early_stopping:
            instead = (
                "save_model=False"
                if isinstance(callback, WandbLogger)
                else f"monitor={'train_loss' + '_best' * wanted.endswith('_best')!r}"
            )
            raise ValueError(
                f"callbacks holds {_name(callback)}, which watches {wanted!r}, but no images are "
                f"held out to measure it on. Set early_stopping=True, or {instead} for "
                f"{_name(callback)}."
            )
        _check_monitor(callback, checked, early_stopping, score_name)
    return checked


def _check_monitor(
    callback: Callback, callbacks: Sequence[Callback], early_stopping: bool, score_name: str
) -> None:
    """Raise ValueError if a callback watches a name that nothing records."""
    monitor = getattr(callback, "monitor", None)
    if not isinstance(callback, Checkpoint | EarlyStopping) or not isinstance(monitor, str):
        return
    if any(not type(other).__module__.startswith("skorch.") for other in callbacks):
        return  # a user's callback may record it
    names = ["train_loss"]
    names += [other.name for other in callbacks if isinstance(other, PassthroughScoring)]
    if early_stopping:
        names += [score_name, "valid_loss"]
    if isinstance(callback, Checkpoint):  # watches whether an epoch was the best one
        names = [f"{name}_best" for name in names]
    if monitor not in (*names, "dur", "epoch", "train_batch_count"):
        raise ValueError(
            f"callbacks holds {_name(callback)}, which watches {monitor!r}, but the training "
            f"records no such value. Set monitor to {' or '.join(map(repr, names))}."
        )


def initialize_callbacks(callbacks: Sequence[Callback]) -> None:
    """Prepare callbacks for training.

    Raises
    ------
    ImportError
        If one needs a package that is not installed.
    ValueError
        If one has nowhere to write to.
    """
    for callback in callbacks:
        try:
            callback.initialize()
        except ImportError as error:
            raise ImportError(
                f"callbacks holds {_name(callback)}, which needs a package that is not installed: "
                f"{error}"
            ) from error
        if isinstance(callback, MlflowLogger) and callback.run_ is None:
            raise ValueError(
                f"callbacks holds {_name(callback)}, but no MLflow run is active. Call fit "
                f"inside `with mlflow.start_run():`, or pass a run to {_name(callback)}."
            )
        # A clone has its own checkpoint, which nothing else prepares.
        if isinstance(callback, LoadInitState) and isinstance(
            callback.checkpoint, TrainEndCheckpoint
        ):
            callback.checkpoint.initialize()


def has_stopped_early(callbacks: Sequence[Callback]) -> bool:
    """Whether skorch's EarlyStopping has ended training, which it does with an interrupt."""
    return any(
        isinstance(callback, EarlyStopping)
        and getattr(callback, "misses_", None) == callback.patience
        for callback in callbacks
    )


def check_that_they_can_be_copied(callbacks: Any) -> None:
    """Raise TypeError with the name of the callback if scikit-learn's `clone` cannot copy it."""
    for callback in callbacks if isinstance(callbacks, list | tuple) else ():
        try:
            clone(callback, safe=False)
        except Exception as error:
            raise TypeError(
                f"callbacks holds {_name(callback)}, which cannot be copied ({error}), but clones, "
                f"searches and cross-validation need copies. Most often it holds an open file or a "
                f"connection: open that in on_train_begin, as the page 'Watching' of the user "
                f"guide shows for TensorBoard. Or set callbacks=None there."
            ) from error


def _is_scheduler(callback: Any) -> bool:
    schedulers = (LRScheduler, TorchScheduler)
    return isinstance(callback, schedulers) or (
        isinstance(callback, type) and issubclass(callback, schedulers)
    )


def _held_out_value(callback: Callback) -> str | None:
    """Return the name of the held-out value in the history that a callback needs, if any."""
    if isinstance(callback, WandbLogger):
        return "valid_loss_best" if callback.save_model else None
    monitor = callback.monitor if isinstance(callback, Checkpoint | EarlyStopping) else None
    return monitor if isinstance(monitor, str) and monitor.startswith(HELD_OUT) else None


def _name(callback: Any) -> str:
    return (callback if isinstance(callback, type) else type(callback)).__name__
