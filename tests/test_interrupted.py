"""An interrupt or an error at any moment leaves a classifier as it was, or whole and of use."""

import importlib
import os
import pickle
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sklearn_shapecnn
from sklearn_shapecnn import ShapeCNNClassifier, training

PACKAGE = Path(sklearn_shapecnn.__file__).parent
ROOMS = {str(PACKAGE / f"{name}.py") for name in ("classifier", "training", "callbacks", "saving")}


@pytest.fixture(scope="module")
def interrupts():
    """The script that does this with many fits."""
    folder = str(PACKAGE.parent / "docs" / "benchmarks")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("interrupts")
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize("by", ["Ctrl+C", "a callback's exception"])
def test_random_moments(interrupts, by):
    seed = int(np.random.default_rng().integers(2**32))  # other moments each time
    print("seed:", seed)
    rng = np.random.default_rng(seed)
    for kind in interrupts.KINDS:
        outcomes = interrupts.count_outcomes(kind, by, 3, rng)
        assert outcomes.total() == 3
        assert not outcomes["half-set"], kind


def test_the_script_sees_what_is_half_set(interrupts, few):
    def lose(name):
        clf = ShapeCNNClassifier(n_filters=2, max_iter=1).fit(*few)
        del clf.__dict__[name]
        return clf

    for name in ("n_iter_", "classes_", "net_"):
        with pytest.raises(AssertionError, match=name):
            interrupts.check_whole(lose(name))


class Tracer:
    """Counts the lines of the package that a work runs through, and interrupts at one of them."""

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
        return self.see if frame.f_code.co_filename in ROOMS else None

    def see(self, frame, event, argument):
        if event == "line":
            self.lines.append((frame.f_code.co_filename, frame.f_lineno))
            if len(self.lines) == self.stop_at:
                raise KeyboardInterrupt
        return self.see


def moments_of(work):
    """The first and the last time that each line is run through."""
    with Tracer() as tracer:
        work()
    first = {line: i for i, line in reversed(list(enumerate(tracer.lines, start=1)))}
    last = {line: i for i, line in enumerate(tracer.lines, start=1)}
    return sorted({*first.values(), *last.values()})


@pytest.mark.parametrize("kind", ["early stopping, without column names", "warm start"])
def test_every_line(few, kind, monkeypatch, interrupts):
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
    before = interrupts.fitted_state(pickle.loads(dumped))

    held_out = []

    class Seen(training.KeepBest):
        def __init__(self, sample, *others):
            held_out[:] = [sample]
            super().__init__(sample, *others)

    monkeypatch.setattr(training, "KeepBest", Seen)
    outcomes = Counter()
    for moment in moments_of(lambda: pickle.loads(dumped).fit(X_new, y_new)):
        clf = None
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                with Tracer(stop_at=moment):
                    clf = pickle.loads(dumped)
                    clf.fit(X_new, y_new)
            except KeyboardInterrupt:
                told.clear()
        if clf is None:
            outcomes["not loaded"] += 1
            continue
        after = interrupts.fitted_state(clf)
        if interrupts.are_same(before, after):
            outcomes["as it was"] += 1
            continue
        outcomes["learnt until then" if told else "done"] += 1
        assert ("feature_names_in_" in after) == (kind == "warm start")
        assert set(after) - {"feature_names_in_"} == interrupts.FITTED
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
    assert outcomes["learnt until then"] > 20


def test_predicting_and_saving_change_nothing(few, interrupts):
    clf = ShapeCNNClassifier(n_filters=2, max_iter=1, random_state=0).fit(*few)
    before = interrupts.fitted_state(clf)

    def work():
        clf.predict_proba(few[0])
        clf.transform(few[0])
        pickle.loads(pickle.dumps(clf))

    for moment in moments_of(work):
        with pytest.raises(KeyboardInterrupt), Tracer(stop_at=moment):
            work()
        assert interrupts.are_same(before, interrupts.fitted_state(clf))


def test_the_first_fit_while_it_loads_torch():
    code = """
import signal, sys, threading, time
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

signal.signal(signal.SIGINT, signal.default_int_handler)
X, y = make_shapes(30, image_shape=(8, 8), random_state=0)
clf = ShapeCNNClassifier(n_filters=2, max_iter=1)

def interrupt():
    while "torch._inductor" not in sys.modules:
        time.sleep(0.0005)
    time.sleep(0.02)
    signal.raise_signal(signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
try:
    clf.fit(X, y)
except KeyboardInterrupt:
    print("interrupted", hasattr(clf, "net_"))
print(clf.fit(X, y).n_iter_)
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.stdout.split() == ["interrupted", "False", "1"], ran.stderr


def test_an_error_of_a_callback_comes_out_as_it_is(few, interrupts):
    clf = ShapeCNNClassifier(n_filters=2, max_iter=2, random_state=0).fit(*few)
    counter = interrupts.Faulty()
    clf.set_params(callbacks=[counter]).fit(*few)
    before = interrupts.fitted_state(clf)
    for n_calls in range(1, counter.n_called + 1):
        clf.set_params(callbacks=[interrupts.Faulty(n_calls)])
        with pytest.raises(interrupts.Fault):
            clf.fit(few[0], few[1] + 1)
        assert interrupts.are_same(before, interrupts.fitted_state(clf))


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
