"""The state of a classifier after Ctrl+C and failing callbacks, at random moments of many fits.

Run ``python docs/benchmarks/interrupts.py``. It prints a table in Markdown, and fails if a
classifier is left half-set. ``--quick`` runs a few fits of each kind, to check that it works.
"""

from __future__ import annotations

import pickle
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from common import is_quick, print_header, print_machine, print_row
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
from sklearn_shapecnn._saving import FITTED

X, y = make_shapes(60, image_shape=(12, 12), random_state=0)
KINDS: dict[str, tuple[dict, bool, Callable]] = {  # parameters, fitted before, what to interrupt
    "`fit`": ({}, False, lambda clf: clf.fit(X, y)),
    "`fit`, `early_stopping`": ({"early_stopping": True}, False, lambda clf: clf.fit(X, y)),
    "`fit` once more": ({}, True, lambda clf: clf.fit(X, y + 5)),
    "`fit`, `warm_start`": ({"warm_start": True}, True, lambda clf: clf.fit(X, y)),
    "`partial_fit`": ({"batch_size": 4}, True, lambda clf: clf.partial_fit(X, y)),
}
OUTCOMES = ("left as it was", "learned until then", "done before", "half-set")


class Fault(Exception):
    """The exception that callbacks raise here."""


class Faulty(Callback):
    """Raise at the nth call of any of its methods."""

    def __init__(self, n_calls: float = np.inf) -> None:
        self.n_calls = n_calls
        self.n_called = 0

    def _called(self, net: Any, *args: Any, **kwargs: Any) -> None:
        self.n_called += 1
        if self.n_called >= self.n_calls:
            raise Fault

    on_train_begin = on_train_end = on_epoch_begin = on_epoch_end = _called
    on_batch_begin = on_batch_end = on_grad_computed = _called


def fitted_state(classifier: ShapeCNNClassifier) -> dict[str, Any]:
    """Return the fitted attributes of the classifier, as plain Python and NumPy."""
    return {name: value for name, value in classifier.__getstate__().items() if name.endswith("_")}


def are_same(one: Any, other: Any) -> bool:
    """Return whether two states are bitwise equal."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(are_same(one[key], other[key]) for key in one)
    return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else one == other


def check_whole(classifier: ShapeCNNClassifier) -> None:
    """Raise AssertionError unless the classifier is unfitted, or complete and usable."""
    there = set(fitted_state(classifier)) - {"feature_names_in_"}
    if not there:
        try:
            classifier.predict(X)
        except NotFittedError:
            return
        raise AssertionError("it predicts without having learned")
    whole = FITTED | {"classes_"}
    assert there == whole, f"it lacks {whole - there} or has {there - whole} too many"
    probabilities = classifier.predict_proba(X)
    assert probabilities.shape == (len(X), len(classifier.classes_))
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert 1 <= classifier.n_iter_ <= len(classifier.loss_curve_)
    scores = classifier.validation_scores_
    assert (scores is not None) == (classifier.best_validation_score_ is not None)
    if scores is not None:
        assert classifier.best_validation_score_ == max(scores[-classifier.n_iter_ :])
    copy = pickle.loads(pickle.dumps(classifier.set_params(callbacks=None)))
    assert np.array_equal(copy.predict_proba(X), probabilities)
    copy.set_params(warm_start=True, max_iter=1, early_stopping=False)
    copy.fit(X, copy.classes_[y])  # training can continue
    assert len(copy.loss_curve_) == len(classifier.loss_curve_) + 1


def make_classifier(parameters: dict, is_fitted: bool) -> ShapeCNNClassifier:
    """Make a small classifier."""
    classifier = ShapeCNNClassifier(n_filters=4, max_iter=6, random_state=0, **parameters)
    return classifier.fit(X, y) if is_fitted else classifier


@contextmanager
def ctrl_c_after(seconds: float) -> Iterator[None]:
    """Send SIGINT after some seconds, unless the block ends before."""
    # A program in the background ignores the signal by default.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(seconds, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        time.sleep(0)  # if the signal came just now, the exception is raised here
        signal.signal(signal.SIGINT, before)


def disturb(classifier: ShapeCNNClassifier, work: Callable, ctrl_c: float | None) -> str:
    """Interrupt a task, and return the outcome for the classifier."""
    before = fitted_state(classifier)
    raised: BaseException | None = None
    try:
        if ctrl_c is None:
            work(classifier)
        else:
            with ctrl_c_after(ctrl_c):
                work(classifier)
    except (KeyboardInterrupt, Fault) as error:
        raised = error
    try:
        check_whole(classifier)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return OUTCOMES[3]
    if raised is not None and are_same(before, fitted_state(classifier)):
        return OUTCOMES[0]
    if isinstance(raised, Fault):  # it learned something despite an error
        return OUTCOMES[3]
    return OUTCOMES[1] if "interrupted after epoch" in str(raised) else OUTCOMES[2]


def count_outcomes(kind: str, by: str, n_times: int, rng: np.random.Generator) -> Counter[str]:
    """Interrupt n_times fits at random moments, and count the outcomes."""
    parameters, is_fitted, work = KINDS[kind]
    counter = Faulty()
    work(make_classifier(parameters, is_fitted))  # warm-up: the first fit loads torch
    classifier = make_classifier(parameters, is_fitted)
    start = time.perf_counter()
    work(classifier.set_params(callbacks=[counter]))
    took = time.perf_counter() - start
    outcomes: Counter[str] = Counter()
    for _ in range(n_times):
        classifier = make_classifier(parameters, is_fitted)
        moment = None
        if by == "Ctrl+C":
            moment = rng.uniform(0, 1.1 * took)
        else:
            n_calls = int(rng.integers(1, counter.n_called + 1))
            classifier.set_params(callbacks=[Faulty(n_calls)])
        outcomes[disturb(classifier, work, moment)] += 1
    return outcomes


def check_that_it_can_fail() -> None:
    """Raise AssertionError if a classifier without one of its attributes would pass."""
    for name in sorted(FITTED | {"classes_"}):
        classifier = make_classifier({}, is_fitted=True)
        del classifier.__dict__[name]
        try:
            check_whole(classifier)
        except AssertionError as error:
            assert name in str(error), error
        else:
            raise AssertionError(f"nobody notices that {name} is missing")


def main() -> None:
    """Print the table."""
    quick = is_quick(__doc__)
    check_that_it_can_fail()
    print_machine()
    rng = np.random.default_rng(0)
    print_header("disturbed", "by", "times", *OUTCOMES)
    n_half_set = 0
    for by in ("Ctrl+C", "a callback's exception"):
        for kind in KINDS:
            n_times = 2 if quick else 50
            outcomes = count_outcomes(kind, by, n_times, rng)
            print_row(kind, by, n_times, *(outcomes[name] for name in OUTCOMES))
            n_half_set += outcomes["half-set"]
    sys.exit(bool(n_half_set))


if __name__ == "__main__":
    main()
