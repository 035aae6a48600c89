"""An interrupt or error at any moment leaves a classifier unchanged, or complete and usable."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import small_classifier
from skorch.callbacks import Callback

import sklearn_shapecnn
from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn._saving import FITTED
from sklearn_shapecnn._training import loop

PACKAGE = Path(sklearn_shapecnn.__file__).parent
FILES = {str(path) for path in PACKAGE.rglob("*.py")}


def fitted_state(classifier):
    """All that the classifier has learned, as plain Python and NumPy."""
    return {name: value for name, value in classifier.__getstate__().items() if name.endswith("_")}


def are_same(one, other):
    """Compare states to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(are_same(one[key], other[key]) for key in one)
    return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else one == other


@pytest.mark.slow
def test_random_moments():
    script = Path(__file__).parents[2] / "docs" / "benchmarks" / "interrupts.py"
    ran = subprocess.run(
        [sys.executable, str(script), "--quick"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    rows = [line.split("|") for line in ran.stdout.splitlines() if "fit`" in line]
    assert len(rows) == 10
    assert {int(row[-2]) for row in rows} == {0}  # no classifier was left half updated


class Tracer:
    """Counts the lines of the package that some code runs, and interrupts at one of them."""

    def __init__(self, stop_at=None):
        self.lines = []
        self.stop_at = stop_at

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def enter(self, frame, event, argument):
        return self.see if frame.f_code.co_filename in FILES else None

    def see(self, frame, event, argument):
        if event == "line":
            self.lines.append((frame.f_code.co_filename, frame.f_lineno))
            if len(self.lines) == self.stop_at:
                raise KeyboardInterrupt
        return self.see


def moments_of(work):
    """The first and the last time that each line is run through."""
    work()  # so that nothing is left that is computed only once in a process
    with Tracer() as tracer:
        work()
    first = {line: i for i, line in reversed(list(enumerate(tracer.lines, start=1)))}
    last = {line: i for i, line in enumerate(tracer.lines, start=1)}
    return sorted({*first.values(), *last.values()})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["early stopping, without column names", "warm start"])
def test_every_line(few, kind, monkeypatch):
    X, y = few
    X = X[:, :16]
    parameters = {"n_filters": 2, "max_iter": 3, "batch_size": 20, "random_state": 0}
    if kind == "warm start":
        parameters |= {"warm_start": True, "dropout": 0.1}
        X_new, y_new = X, y
    else:
        parameters |= {"early_stopping": True, "validation_fraction": 0.3, "augment": "flips"}
        X_new, y_new = X[:, :9], y + 5
    named = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(16)])
    X_new = X_new if kind != "warm start" else named
    dumped = pickle.dumps(ShapeCNNClassifier(**parameters).fit(named, y))
    before = fitted_state(pickle.loads(dumped))

    held_out = []

    class Seen(loop.KeepBest):
        def __init__(self, sample, *others):
            held_out[:] = [sample]
            super().__init__(sample, *others)

    monkeypatch.setattr(loop, "KeepBest", Seen)
    outcomes = Counter()
    for moment in moments_of(lambda: pickle.loads(dumped).fit(X_new, y_new)):
        clf = interrupt = None
        try:
            with Tracer(stop_at=moment):
                clf = pickle.loads(dumped)
                clf.fit(X_new, y_new)
        except KeyboardInterrupt as error:
            interrupt = error
        assert interrupt is not None  # nothing on the way has kept it for itself
        if clf is None:
            outcomes["not loaded"] += 1
            continue
        after = fitted_state(clf)
        if are_same(before, after):
            outcomes["as it was"] += 1
            continue
        is_cut = "interrupted after epoch" in str(interrupt)
        outcomes["learned until then" if is_cut else "done"] += 1
        assert ("feature_names_in_" in after) == (kind == "warm start")
        assert set(after) - {"feature_names_in_"} == FITTED | {"classes_"}
        probabilities = clf.predict_proba(X_new)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert len(clf.loss_curve_) == clf.n_iter_ + 3 * (kind == "warm start")
        if kind != "warm start":
            assert clf.classes_.tolist() == [5, 6]
            assert clf.n_features_in_ == 9
            # The weights are those of the epoch that had this score, and not of a later one.
            assert len(clf.validation_scores_) == clf.n_iter_
            assert clf.best_validation_score_ == max(clf.validation_scores_)
            best = [row for row in clf.net_.history if row["valid_acc_best"]][-1]
            assert clf.net_.evaluate(held_out[0]) == (best["valid_acc"], best["valid_loss"])
    assert outcomes["not loaded"] > 20
    assert outcomes["as it was"] > 50
    assert outcomes["learned until then"] > 20


@pytest.mark.slow
def test_predicting_and_saving_change_nothing(few):
    clf = ShapeCNNClassifier(n_filters=2, max_iter=1, random_state=0).fit(*few)
    before = fitted_state(clf)

    def work():
        clf.net_._plan = None  # made again each time, so that an interrupt finds every moment of it
        clf.predict_proba(few[0])
        clf.transform(few[0])
        pickle.loads(pickle.dumps(clf))

    work()  # loads what is loaded on first use
    for moment in moments_of(work):
        with pytest.raises(KeyboardInterrupt), Tracer(stop_at=moment):
            work()
        assert are_same(before, fitted_state(clf))


SEARCH = """
import os, signal, sys
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

class TellThatItTrains(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            os.write(1, b"it trains\\n")

signal.signal(signal.SIGINT, signal.default_int_handler)  # also in a background job
X, y = make_shapes(60, image_shape=(12, 12), random_state=0)
clf = ShapeCNNClassifier(n_filters=4, max_iter=100_000, callbacks=[TellThatItTrains()])
search = GridSearchCV(clf, {"alpha": [0, 0.1, 1]}, cv=2, n_jobs=int(sys.argv[1]))
try:
    search.fit(X, y)
finally:
    os.write(1, f"results: {hasattr(search, 'cv_results_')}\\n".encode())
print("it goes on")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
@pytest.mark.parametrize("n_times", [1, 2])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_a_search(n_jobs, n_times):
    process = subprocess.Popen(
        [sys.executable, "-c", SEARCH, str(n_jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # with its workers, as in a terminal
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout.readline() == "it trains\n"
        for _ in range(n_times):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.2)
        out, err = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert out.replace("it trains\n", "") in ("results: False\n", "")  # the second may be faster
    assert "KeyboardInterrupt" in err
    assert process.returncode == -signal.SIGINT


class Fault(Exception):
    pass


class Faulty(Callback):
    """Raises an error at the nth of all its calls."""

    def __init__(self, n_calls=np.inf):
        self.n_calls = n_calls
        self.n_called = 0

    def count(self, net, *args, **kwargs):
        self.n_called += 1
        if self.n_called == self.n_calls:
            raise Fault

    on_train_begin = on_epoch_begin = on_batch_begin = on_grad_computed = count
    on_batch_end = on_epoch_end = on_train_end = count


def test_an_error_of_a_callback_comes_out_as_it_is(few):
    clf = small_classifier(n_filters=2, max_iter=2).fit(*few)
    counter = Faulty()
    clf.set_params(callbacks=[counter]).fit(*few)
    before = fitted_state(clf)
    for n_calls in range(1, counter.n_called + 1):
        clf.set_params(callbacks=[Faulty(n_calls)])
        with pytest.raises(Fault):
            clf.fit(few[0], few[1] + 1)
        assert are_same(before, fitted_state(clf))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
def test_a_process_that_is_killed_while_it_writes_leaves_a_whole_file(tmp_path):
    code = """
import os, random, signal, time
import joblib, numpy as np, onnx
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes, to_onnx

def write(clf):
    to_onnx(clf, "model.onnx")
    joblib.dump(clf, "model.joblib.new")  # as the page on saving says
    os.replace("model.joblib.new", "model.joblib")

X, y = make_shapes(30, image_shape=(8, 8), random_state=0)
models = [ShapeCNNClassifier(n_filters=4, max_iter=1, random_state=i).fit(X, y) for i in range(2)]
bytes_of_each = [to_onnx(clf).SerializeToString(deterministic=True) for clf in models]
write(models[0])
n_killed = 0
for i in range(20):
    pid = os.fork()
    if pid == 0:
        while True:
            for clf in models:
                write(clf)
    time.sleep(random.uniform(0.01, 0.1))
    os.kill(pid, signal.SIGKILL)
    n_killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    assert open("model.onnx", "rb").read() in bytes_of_each
    found = joblib.load("model.joblib").predict_proba(X)
    assert any((found == clf.predict_proba(X)).all() for clf in models)
print(n_killed)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.stdout.split() == ["20"], ran.stderr
