import io
import pickle
import re
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import make_net, small_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_shapecnn import make_shapes
from sklearn_shapecnn._training import progress
from sklearn_shapecnn._training.progress import ShowProgress

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    ProgressBar = None


needs_sklearn_callbacks = pytest.mark.skipif(
    ProgressBar is None, reason="scikit-learn has callbacks since 1.9"
)


X, y = make_shapes(60, image_shape=(12, 12), random_state=0)


N_BATCHES = 6  # 60 images, 10 a batch


make_classifier = partial(small_classifier, batch_size=10)


@pytest.fixture(scope="module")
def plain():
    """The classifier that no callback has watched."""
    return make_classifier().fit(X, y)


def assert_same(one, other):
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


class Recorder:
    """A callback by scikit-learn's protocol that writes down what it is told."""

    def __init__(self, stop_at=()):
        self.stop_at = stop_at
        self.told = []
        self.copies = []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.told.append(("end", context.task_name, context.task_id))
        self.given = X, y, metadata
        if context.task_name == "epoch":
            self.copies.append(fitted_estimator)
        return (context.task_name, context.task_id) in self.stop_at


@needs_sklearn_callbacks
def test_epochs_and_batches_are_tasks(plain):
    recorder = Recorder()
    clf = make_classifier(max_iter=2).set_callbacks(recorder).fit(X, y, sample_weight=np.ones(60))
    epoch = [(e, "batch", i) for i in range(N_BATCHES) for e in ("begin", "end")]
    assert recorder.told == [
        "setup",
        ("begin", "fit", 0),
        *(task for i in range(2) for task in (("begin", "epoch", i), *epoch, ("end", "epoch", i))),
        ("end", "fit", 0),
        "teardown",
    ]
    assert recorder.given[0] is X
    assert recorder.given[1] is y
    assert list(recorder.given[2]) == ["sample_weight"]
    assert clf.n_iter_ == 2


@needs_sklearn_callbacks
def test_callbacks_do_not_change_what_is_learned(plain):
    assert_same(make_classifier().set_callbacks(Recorder()).fit(X, y), plain)


@needs_sklearn_callbacks
def test_a_callback_gets_the_classifier_as_if_fit_had_stopped_then(plain):
    recorder = Recorder(stop_at=[("epoch", 1)])
    clf = make_classifier().set_callbacks(recorder).fit(X, y)
    assert clf.n_iter_ == 2
    assert len(recorder.copies) == 2
    assert recorder.copies[0].n_iter_ == 1
    assert_same(recorder.copies[1], clf)
    assert (recorder.copies[0].predict_proba(X) != clf.predict_proba(X)).any()
    recorder.copies[0].set_callbacks().partial_fit(X, y)  # it can be trained on


@needs_sklearn_callbacks
def test_with_early_stopping_that_is_the_best_one_so_far():
    recorder = Recorder()
    clf = make_classifier(early_stopping=True, max_iter=6).set_callbacks(recorder).fit(X, y)
    assert_same(recorder.copies[-1], clf)
    scores = [copy.best_validation_score_ for copy in recorder.copies]
    assert scores == list(np.maximum.accumulate(clf.validation_scores_))


@needs_sklearn_callbacks
def test_copies_do_not_have_the_column_names_of_an_earlier_fit():
    recorder = Recorder()
    clf = make_classifier().fit(pd.DataFrame(X).add_prefix("pixel"), y)
    clf.set_callbacks(recorder).fit(X, y)
    assert_same(recorder.copies[-1], clf)  # without a warning


@needs_sklearn_callbacks
def test_a_callback_can_end_an_epoch():
    recorder = Recorder(stop_at=[("batch", 1)])
    clf = make_classifier(max_iter=2).set_callbacks(recorder).fit(X, y)
    assert recorder.told.count(("end", "batch", 1)) == 2
    assert ("end", "batch", 2) not in recorder.told
    assert clf.n_iter_ == 2
    assert np.isfinite(clf.loss_curve_).all()


@needs_sklearn_callbacks
def test_a_failed_fit_tears_callbacks_down_and_changes_nothing(plain):
    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no more")

    recorder = Failing()
    clf = pickle.loads(pickle.dumps(plain)).set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="no more"):
        clf.fit(X, 2 - y)
    assert recorder.told[-1] == "teardown"
    assert_same(clf, plain)


@pytest.mark.slow
@needs_sklearn_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_monitor_and_bar_from_inside_a_search_over_a_pipeline(n_jobs, capsys):
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    pipeline = make_pipeline(StandardScaler(), make_classifier(max_iter=2).set_callbacks(monitor))
    search = GridSearchCV(
        pipeline, {"shapecnnclassifier__kernel_size": [1, 3]}, cv=2, n_jobs=n_jobs
    )
    search.set_callbacks(ProgressBar()).fit(X, y)
    assert "GridSearchCV" in capsys.readouterr().out
    log = monitor.get_logs().data_as_pandas
    assert log["task_name"].value_counts().to_dict() == {"epoch": 10, "fit": 5}  # 2 x 2 and 1
    last = log[(log["parent_task_id_path"].map(len) == 2) & (log["task_name"] == "fit")]
    assert last["accuracy"].tolist() == [search.score(X, y)]


@needs_sklearn_callbacks
def test_progress_bar_of_scikit_learn(capsys):
    make_classifier(max_iter=2).set_callbacks(ProgressBar()).fit(X, y)
    shown = capsys.readouterr().out
    assert "ShapeCNNClassifier - fit" in shown
    assert "ShapeCNNClassifier - epoch #1" in shown


@pytest.mark.parametrize(
    ("early_stopping", "score"), [(False, "training score"), (True, "validation score")]
)
def test_verbose_prints_a_line_an_epoch_where_there_is_no_terminal(early_stopping, score, capsys):
    clf = make_classifier(verbose=1, early_stopping=early_stopping).fit(X, y)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    for i, (line, loss) in enumerate(zip(lines, clf.loss_curve_, strict=True)):
        assert line.startswith(f"fit: epoch {i + 1}, loss {loss:.4f}, {score} ")
        assert line.endswith(" s left")
    if early_stopping:
        assert f"{score} {clf.validation_scores_[-1]:.4f}" in lines[-1]


def test_verbose_without_a_console(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    make_classifier(verbose=1).fit(X, y)
    assert capsys.readouterr().out == ""


def test_verbose_draws_a_bar_in_a_terminal(monkeypatch, plain):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    clf = make_classifier(verbose=1).fit(X, y)
    shown = terminal.getvalue().split("\r")[-1]
    assert f"{3 * N_BATCHES}/{3 * N_BATCHES}" in shown
    assert f"loss={clf.loss_curve_[-1]:.4f}" in shown
    assert "training score=" in shown
    assert_same(clf, plain)


@pytest.mark.slow
def test_verbose_draws_a_bar_in_a_notebook():
    import nbformat
    from nbclient import NotebookClient

    code = """
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
X, y = make_shapes(60, image_shape=(12, 12), random_state=0)
clf = ShapeCNNClassifier(n_filters=(8, 16), max_iter=2, batch_size=10, verbose=1, random_state=0)
clf.fit(X, y)
clf.set_params(max_iter="auto", batch_size="auto").fit(X % 0.1 + (y[:, None] > 0), y > 0)
assert clf.n_iter_ < 40
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    bars = [o for o in notebook.cells[0].outputs if o.output_type == "display_data"]
    assert all("application/vnd.jupyter.widget-view+json" in bar.data for bar in bars)
    widgets = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    states = [widget["state"] for widget in widgets.values()]
    filled = [(state["value"], state["max"]) for state in states if "max" in state]
    assert len(filled) == len(bars) == 2
    assert (2 * N_BATCHES, 12) in filled
    assert all(value == most for value, most in filled)  # also if training ended early
    assert any("loss=" in str(state.get("value")) for state in states)


# Seconds after the start at which each epoch of a recorded training ended: rounds of 2 and 4
# epochs, of which the fourth was slow.
EPOCH_ENDS = [8.0, 16.0, 24.5, 60.0, 68.0, 76.0]


def test_one_clock_over_all_rounds(monkeypatch, capsys):
    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

    net = make_net()
    net.max_epochs, net.iterator_train__n_batches = 6, 4
    shown = ShowProgress(may_stop_early=True)
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    shown.on_train_begin(net)
    for i, end in enumerate(EPOCH_ENDS):
        net.history.new_epoch()
        net.history.record("epoch", i + 1)
        net.history.record("train_loss", 1.0)
        shown.on_epoch_begin(net)
        for _ in range(4):
            targets, weights = torch.tensor([0, 1]), torch.ones(2)
            shown.on_batch_end(net, (None, (targets, weights)), torch.zeros(2, 2))
        clock.now = end
        shown.on_epoch_end(net)
    lines = capsys.readouterr().err.splitlines()
    seconds = [int(re.search(r", at most (\d+) s left$", line)[1]) for line in lines]
    assert seconds == [40, 32, 25, 30, 14, 0]  # the epochs to come, as long as those so far
    assert all(left > 0 for left in seconds[:-1])


def test_the_time_left_follows_when_training_turns_out_to_be_shorter(capsys):
    net = make_net()
    net.max_epochs, net.iterator_train__n_batches = 10, 4
    shown = ShowProgress(may_stop_early=True)
    shown.on_train_begin(net)
    for i in range(4):
        net.history.new_epoch()
        net.history.record("epoch", i + 1)
        net.history.record("train_loss", 1.0)
        shown.on_epoch_begin(net)
        for _ in range(4):
            shown.on_batch_end(
                net, (None, (torch.tensor([0, 1]), torch.ones(2))), torch.zeros(2, 2)
            )
        shown.on_epoch_end(net)
        if i == 1:
            net.max_epochs = 4
    lines = capsys.readouterr().err.splitlines()
    assert "at most 0 s left" not in lines[2]
    assert lines[3].endswith("at most 0 s left")


def test_rounds_share_a_clock_in_a_fit(capsys):
    many = np.tile(X, (6, 1)) + np.random.default_rng(0).normal(0, 0.5, (360, X.shape[1]))
    labels = np.random.default_rng(1).integers(0, 2, 360)  # which a short round does not learn
    clf = make_classifier(verbose=1, weights=None, max_iter="auto", batch_size=5)
    clf.fit(many, labels)
    lines = capsys.readouterr().err.splitlines()
    left = [int(re.search(r"(\d+) s left$", line)[1]) for line in lines]
    assert len(lines) == clf.n_iter_ > 8  # two rounds
    assert min(left[:-1]) > 0
