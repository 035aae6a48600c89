import threading
import time

import numpy as np
import pytest
from helpers import small_classifier, small_regressor
from skorch.callbacks import Callback

from sklearn_shapecnn import ShapeCNNClassifier, _fit_time, make_shapes
from sklearn_shapecnn._fit_time import Stopwatch

X, y = make_shapes(60, image_shape=(12, 12), random_state=0)


class Clock:
    """A clock that each training step advances by its own duration."""

    def __init__(self, steps):
        self.now = 100.0
        self.steps = iter(steps)

    def perf_counter(self):
        return self.now

    def tick(self):
        self.now += next(self.steps)


class FakeNet:
    max_epochs = 50
    usual_epochs_ = 20
    iterator_train__n_batches = 10
    callbacks_ = ()
    history = (1,)


def time_steps(clock, monkeypatch):
    """A stopwatch that has seen as many steps as it wants."""
    monkeypatch.setattr(_fit_time, "time", clock)
    watch = Stopwatch()
    with pytest.raises(_fit_time.EnoughTimed):
        for _ in range(60):
            watch.on_batch_begin(FakeNet, training=True)
            clock.tick()
    return watch


def test_steps_to_come_take_as_long_as_those_that_were_timed(monkeypatch):
    first, rest = [5.0, 3.0, 1.0], 0.25  # the first ones are slow
    clock = Clock([*first, *[rest] * 60])
    watch = time_steps(clock, monkeypatch)
    n_done = len(watch.ticks) - 1
    assert n_done < 20
    assert watch.seconds_left == pytest.approx((20 * 10 - n_done) * rest)


def test_one_slow_step_does_not_count_for_all(monkeypatch):
    clock = Clock([0.25] * 5 + [30.0] + [0.25] * 60)
    watch = time_steps(clock, monkeypatch)
    assert watch.seconds_left == pytest.approx((200 - len(watch.ticks) + 1) * 0.25)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_estimate_needs_no_whole_fit_and_changes_nothing(early_stopping):
    clf = small_classifier(max_iter=10**6, batch_size=10, early_stopping=early_stopping)
    clf.set_params(random_state=np.random.RandomState(0))
    before = clf.random_state.get_state()[1].copy()
    seconds = clf.estimate_fit_time(X, y)  # the fit itself would take hours
    assert seconds > 60
    assert not hasattr(clf, "net_")
    np.testing.assert_array_equal(clf.random_state.get_state()[1], before)


def test_a_short_fit_is_timed_as_a_whole():
    start = time.perf_counter()
    seconds = small_classifier(max_iter=1).estimate_fit_time(X, y, np.ones(60))
    assert 0 < seconds <= time.perf_counter() - start


def test_twice_the_epochs_take_about_twice_as_long():
    clf = small_classifier(batch_size=10)
    short, long = (clf.set_params(max_iter=n).estimate_fit_time(X, y) for n in (10**4, 10**6))
    assert long > 10 * short


def test_callbacks_are_left_out():
    class Unwilling:
        def initialize(self):
            raise AssertionError

    small_classifier(max_iter=1, callbacks=[Unwilling()]).estimate_fit_time(X, y)


def test_a_regressor_and_errors():
    assert small_regressor(max_iter=1).estimate_fit_time(X, y) > 0
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small_classifier().estimate_fit_time(X, y[:-1])
    with pytest.raises(ValueError, match="distributed=False"):
        small_classifier(distributed=True).estimate_fit_time(X, y)


class Recorder:
    """A callback of scikit-learn that notes what it is told."""

    def __init__(self):
        self.told = []

    def setup(self, *args, **kwargs):
        self.told.append("setup")

    on_fit_task_begin = on_fit_task_end = teardown = setup


@pytest.mark.skipif(
    not hasattr(ShapeCNNClassifier, "set_callbacks"), reason="scikit-learn has callbacks since 1.9"
)
def test_callbacks_of_scikit_learn_are_left_out():
    recorder = Recorder()
    small_classifier(max_iter=1).set_callbacks(recorder).estimate_fit_time(X, y)
    assert recorder.told == []


class Holding(Callback):
    """A callback of skorch that cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()
        self.n_epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs += 1


def test_callbacks_of_skorch_are_left_out():
    holding = Holding()
    assert small_classifier(callbacks=[holding], max_iter=2).estimate_fit_time(X, y) > 0
    assert holding.n_epochs == 0


class OnlyAlpha(ShapeCNNClassifier):
    def __init__(self, alpha=0.02):
        super().__init__(alpha=alpha, max_iter=1)


def test_a_subclass_with_fewer_parameters():
    assert OnlyAlpha().estimate_fit_time(X, y) > 0


def test_continuing_is_timed_as_such(monkeypatch):
    monkeypatch.setattr(_fit_time, "ENOUGH_STEPS", 10)
    n_fitted = 3
    clf = small_classifier(batch_size=10, max_iter=n_fitted, warm_start=True).fit(X, y)
    clf.set_params(max_iter=50)
    net, curve = clf.net_, list(clf.loss_curve_)
    watches = []

    class Watch(Stopwatch):
        def __init__(self):
            super().__init__()
            watches.append(self)

    monkeypatch.setattr(_fit_time, "Stopwatch", Watch)
    seconds = clf.estimate_fit_time(X, y)
    (watch,) = watches
    assert watch.n_epochs_before == n_fitted
    steps = np.diff(watch.ticks[_fit_time.FIRST_STEPS :])
    n_left = 50 * 6 - (len(watch.ticks) - 1)
    assert watch.seconds_left == pytest.approx(n_left * np.median(steps), rel=1e-6)
    assert seconds > watch.seconds_left
    assert clf.net_ is net
    assert clf.loss_curve_ == curve
    with pytest.raises(ValueError, match="warm_start=True continues with the fitted network"):
        clf.estimate_fit_time(np.ones((6, 8, 8)), [0, 1, 2] * 2)


def test_images_to_validate_on():
    clf = small_classifier(early_stopping=True, max_iter=2)
    one_of_each = [int(np.flatnonzero(y == label)[0]) for label in range(3)]
    with pytest.raises(ValueError, match="early_stopping"):  # none can be held out
        clf.estimate_fit_time(X[one_of_each], y[one_of_each])
    assert clf.estimate_fit_time(X[one_of_each], y[one_of_each], X_val=X, y_val=y) > 0
