import io
import pickle
import signal
import sys

import numpy as np
import pandas as pd
import pytest
import skorch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LoadInitState,
    TensorBoard,
)

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    ProgressBar = None

needs_sklearn_callbacks = pytest.mark.skipif(
    ProgressBar is None, reason="scikit-learn has callbacks since 1.9"
)

X, y = make_shapes(60, image_shape=(12, 12), random_state=0)
N_BATCHES = 6  # 60 images, 10 a batch


def make_classifier(**params):
    return ShapeCNNClassifier(
        **{"n_filters": (4, 8), "batch_size": 10, "max_iter": 3, "random_state": 0, **params}
    )


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


class Notes(Callback):
    """A callback of skorch that writes down what it is told."""

    def initialize(self):
        self.told_ = []
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.told_.append("train begins")

    def on_epoch_end(self, net, **kwargs):
        self.told_.append(net.history[-1, "train_loss"])

    def on_grad_computed(self, net, named_parameters=None, **kwargs):
        self.gradients_ = {name: value.grad for name, value in named_parameters}

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.told_.append("train ends")


class Interrupt(Callback):
    """Presses Ctrl-C in a batch of an epoch."""

    def __init__(self, epoch, batch=3):
        self.epoch = epoch
        self.batch = batch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch and len(net.history[-1, "batches"]) == self.batch:
            signal.raise_signal(signal.SIGINT)


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
def test_callbacks_do_not_change_what_is_learnt(plain):
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


def test_skorch_callbacks_are_told_of_the_training(plain):
    notes = Notes()
    clf = make_classifier(callbacks=[notes]).fit(X, y)
    assert notes.told_ == ["train begins", *clf.loss_curve_, "train ends"]
    assert set(notes.gradients_) == {name for name, _ in clf.net_.module_.named_parameters()}
    assert_same(clf, plain)
    assert notes not in [callback for _, callback in clf.net_.callbacks_]


def test_skorch_callbacks_in_a_search():
    notes = Notes()
    search = GridSearchCV(
        make_classifier(callbacks=[notes], max_iter=1), {"alpha": [0, 0.1]}, cv=2
    ).fit(X, y)
    assert not hasattr(notes, "told_")  # each fit has its own
    assert search.best_estimator_.callbacks[0].told_[-1] == "train ends"


def test_checkpoints_hold_the_weights(tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, monitor="valid_acc_best")
    clf = make_classifier(callbacks=[checkpoint], early_stopping=True).fit(X, y)
    other = make_classifier(random_state=1, early_stopping=True).fit(X, y)
    assert (other.predict_proba(X) != clf.predict_proba(X)).any()
    other.net_.load_params(checkpoint=checkpoint)
    assert_same(other, clf)


def test_tensorboard(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        make_classifier(callbacks=[TensorBoard(writer)]).fit(X, y)
    assert [path.stat().st_size > 0 for path in tmp_path.iterdir()] == [True]


def test_callbacks_with_the_signature_of_skorch_itself():
    class Plain(Callback):
        def on_train_begin(self, net, X, y, **kwargs):
            self.n_labels_ = len(y)

        def on_train_end(self, net, X, y, **kwargs):
            self.ended_ = True

    plain = Plain()
    make_classifier(callbacks=[plain]).fit(X, y)
    assert plain.n_labels_ == 60
    assert plain.ended_


@pytest.mark.parametrize("callback", [EpochScoring("accuracy"), BatchScoring("accuracy")])
def test_scoring_of_skorch_is_refused(callback):
    with pytest.raises(TypeError, match=r"which scores on data .* early_stopping=True"):
        make_classifier(callbacks=[callback]).fit(X, y)


def test_weights_of_a_checkpoint_to_begin_with(tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, monitor=None)
    make_classifier(callbacks=[checkpoint]).fit(X, y)
    clf = make_classifier(callbacks=[LoadInitState(checkpoint)]).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 3


def test_early_stopping_of_skorch_ends_the_training_quietly():
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10, sink=lambda text: None)
    clf = make_classifier(callbacks=[stop], max_iter=20).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 3


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_keeps_what_was_learnt_and_training_can_go_on(early_stopping):
    clf = make_classifier(
        callbacks=[Interrupt(epoch=3)], early_stopping=early_stopping, max_iter=10
    )
    with pytest.warns(UserWarning, match="interrupted after epoch 2;.*warm_start=True") as caught:
        clf.fit(X, y)
    assert caught[0].filename == __file__
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    if early_stopping:
        assert len(clf.validation_scores_) == 2
        assert clf.best_validation_score_ == max(clf.validation_scores_)
    before = clf.predict_proba(X)
    clf.set_params(callbacks=None, warm_start=True, max_iter=8).fit(X, y)
    assert len(clf.loss_curve_) == 10
    assert (clf.predict_proba(X) != before).any()


def test_ctrl_c_while_the_first_epoch_is_judged(monkeypatch):
    def copy_and_stop(weights):
        raise KeyboardInterrupt

    clf = make_classifier(early_stopping=True)
    monkeypatch.setattr("sklearn_shapecnn.training.copy.deepcopy", copy_and_stop)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")


def test_ctrl_c_in_the_first_epoch_ends_the_program_and_leaves_all_as_it_was(plain):
    clf = make_classifier(callbacks=[Interrupt(epoch=1)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")
    fitted = pickle.loads(pickle.dumps(plain)).set_params(callbacks=[Interrupt(epoch=1)])
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, 2 - y)
    assert_same(fitted, plain)


def test_an_interrupted_partial_fit_leaves_all_as_it_was(plain):
    clf = pickle.loads(pickle.dumps(plain)).set_params(callbacks=[Interrupt(epoch=1, batch=1)])
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y)
    assert_same(clf, plain)


@pytest.mark.parametrize(
    "callbacks", [[Notes], ["bar"], [Recorder()], [None], [("notes", Notes())]]
)
def test_callbacks_that_are_none(callbacks):
    with pytest.raises(TypeError, match=r"callbacks must hold objects .* but got"):
        make_classifier(callbacks=callbacks).fit(X, y)


def test_callbacks_must_be_a_list():
    with pytest.raises(ValueError, match="'callbacks' parameter"):
        make_classifier(callbacks=Notes()).fit(X, y)


def test_clones_have_callbacks_of_their_own():
    notes = Notes()
    copied = clone(make_classifier(callbacks=[notes]))
    assert isinstance(copied.callbacks[0], Notes)
    assert copied.callbacks[0] is not notes


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


def test_verbose_draws_a_bar_in_a_notebook():
    import nbformat
    from nbclient import NotebookClient

    code = """
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
X, y = make_shapes(60, image_shape=(12, 12), random_state=0)
clf = ShapeCNNClassifier(n_filters=4, max_iter=2, batch_size=10, verbose=1).fit(X, y)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (bar,) = [o for o in notebook.cells[0].outputs if o.output_type == "display_data"]
    assert "application/vnd.jupyter.widget-view+json" in bar.data
    widgets = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    states = [widget["state"] for widget in widgets.values()]
    assert [(s["value"], s["max"]) for s in states if "max" in s] == [(2 * N_BATCHES, 12)]
    assert any("loss=" in str(state.get("value")) for state in states)


def test_a_stopped_fit_of_skorch_versions_has_what_checkpoints_need():
    clf = make_classifier(early_stopping=True).fit(X, y)
    assert isinstance(clf.net_, skorch.NeuralNetClassifier)
    assert any(clf.net_.history[:, "valid_loss_best"])
