"""estimate_fit_time: how long a fit will take, told from a few timed steps."""

from __future__ import annotations

import statistics
import time
from itertools import pairwise
from typing import Any

from sklearn.base import BaseEstimator, clone
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_shapecnn._compat import attributes_without_callbacks
from sklearn_shapecnn._saving import FITTED, OPTIONAL
from sklearn_shapecnn._starting import with_attributes
from sklearn_shapecnn._training.callbacks import KeepBest

FIRST_STEPS = 3  # which are slower, and do not count
ENOUGH_STEPS, ENOUGH_SECONDS = 40, 1.0  # of timed steps: whichever comes first,
LEAST_STEPS = 5  # but not fewer than this


class EnoughTimed(Exception):
    """Raised by a `Stopwatch` to end a fit that is only timed."""


class Stopwatch(Callback):
    """Time the first steps of a training, and end it then."""

    def __init__(self) -> None:
        self.ticks: list[float] = []
        self.seconds_left = 0.0
        self.n_epochs_before = 0  # those of earlier fits, with warm_start

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        """Note the time, and end the training if that was enough."""
        if not self.ticks:
            self.n_epochs_before = len(net.history) - 1
        self.ticks.append(time.perf_counter())
        timed = self.ticks[FIRST_STEPS:]
        n_steps = len(timed) - 1
        is_enough = n_steps >= ENOUGH_STEPS or (
            n_steps >= LEAST_STEPS and timed[-1] - timed[0] > ENOUGH_SECONDS
        )
        if is_enough:
            self.seconds_left = self._seconds_left(net, timed)
            raise EnoughTimed

    def _seconds_left(self, net: NeuralNet, timed: list[float]) -> float:
        """Seconds of all steps to come, and of scoring the held-out images after each epoch."""
        n_epochs, n_batches = net.usual_epochs_, net.iterator_train__n_batches
        # The median: a step beside which another program ran does not stand for all.
        step = statistics.median(b - a for a, b in pairwise(timed))
        scoring = 0.0
        for _, callback in net.callbacks_:
            if isinstance(callback, KeepBest):
                start = time.perf_counter()
                net.evaluate(callback.sample)
                scoring = time.perf_counter() - start
        n_steps_done = len(self.ticks) - 1
        n_epochs_done = len(net.history) - 1 - self.n_epochs_before
        return step * (n_epochs * n_batches - n_steps_done) + scoring * (n_epochs - n_epochs_done)


class FitTimeMixin(BaseEstimator):
    """An estimator that can tell how long its fit will take."""

    callbacks: Any
    distributed: bool
    verbose: Any
    warm_start: bool

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Fit the estimator; a subclass does."""
        raise NotImplementedError

    def estimate_fit_time(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> float:
        """Estimate how many seconds `fit` will take, from a few timed steps.

        A copy of this estimator trains for about a second. This estimator stays as it is.
        Callbacks are left out.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            The images that you want to pass to `fit`.
        y : array-like of shape (n,) or (n, n_outputs)
            Their labels or targets.
        sample_weight : array-like of shape (n,), default=None
            Their weights.
        X_val, y_val, sample_weight_val : array-like, default=None
            The validation images that you want to pass to `fit`, with their labels and weights.

        Returns
        -------
        seconds : float
            Estimated wall-clock time of `fit` with the same arguments. `fit` may be faster, because
            of `early_stopping`, or because nothing is left to learn. It may also be slower: with
            ``max_iter="auto"``, pretrained filters and more than about 1,350 images that are hard
            to tell apart, a classifier adds epochs and takes up to 2.5 times as long.

        Raises
        ------
        ValueError
            If `fit` would raise it, or if `distributed` is True.
        TypeError
            If `fit` would raise it.

        Examples
        --------
        >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
        >>> X, y = make_shapes(200, image_shape=(24, 24), random_state=0)
        >>> seconds = ShapeCNNClassifier().estimate_fit_time(X, y)
        >>> print(f"This fit takes about {seconds:.0f} seconds.")  # doctest: +SKIP
        This fit takes about 2 seconds.
        """
        if self.distributed:
            raise ValueError(
                "estimate_fit_time times a fit in one process, but distributed=True. Set "
                "distributed=False, and divide the result by the number of processes."
            )
        began = time.perf_counter()
        watch = Stopwatch()
        twin = self._twin()
        twin.callbacks, twin.verbose = [watch], 0
        validation = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        try:
            twin.fit(X, y, sample_weight, **validation)
        except EnoughTimed:
            return watch.ticks[-1] - began + watch.seconds_left
        return time.perf_counter() - began

    def _twin(self) -> FitTimeMixin:
        """Return a copy without callbacks. With `warm_start`, it is fitted as this estimator is."""
        attributes = attributes_without_callbacks(self) | {"callbacks": None}
        twin = clone(with_attributes(type(self), attributes))
        if self.warm_start and hasattr(self, "net_"):
            known = FITTED | OPTIONAL  # which `fit` replaces when it is done, and never changes
            twin.__dict__ |= {name: value for name, value in vars(self).items() if name in known}
        return twin
