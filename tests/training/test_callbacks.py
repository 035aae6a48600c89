import pickle
import signal
from contextlib import suppress
from functools import partial
from typing import ClassVar

import joblib
import numpy as np
import pytest
import skorch
from helpers import make_net, make_sample, small_classifier, train_net
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve
from sklearn.multiclass import OneVsRestClassifier
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

from sklearn_shapecnn import make_shapes
from sklearn_shapecnn._training.callbacks import KeepBest
from sklearn_shapecnn._training.net import ShapeNet

X, y = make_shapes(60, image_shape=(12, 12), random_state=0)


make_classifier = partial(small_classifier, batch_size=10)


@pytest.fixture(scope="module")
def plain():
    """The classifier that no callback has watched."""
    return make_classifier().fit(X, y)


def assert_same(one, other):
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


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


@pytest.fixture(autouse=True)
def sigint_interrupts():
    """Ctrl-C raises KeyboardInterrupt, even in a background job, which ignores it by default."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupt(Callback):
    """Presses Ctrl-C in a batch of an epoch."""

    def __init__(self, epoch, batch=3):
        self.epoch = epoch
        self.batch = batch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch and len(net.history[-1, "batches"]) == self.batch:
            signal.raise_signal(signal.SIGINT)


class InterruptOnce(Callback):
    """Presses Ctrl-C once per process and test.

    After one thread has pressed it, another still runs, and would press it during the next test.
    """

    to_press: ClassVar[set] = {"threading", "loky", "multiprocessing"}

    def __init__(self, epoch, test):
        self.epoch = epoch
        self.test = test

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            with suppress(KeyError):
                self.to_press.remove(self.test)  # one thread alone succeeds
                signal.raise_signal(signal.SIGINT)


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


@pytest.mark.slow
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


def test_the_interrupt_of_another_callback_goes_on_too():
    class Impatient(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    clf = make_classifier(callbacks=[Impatient()])
    with pytest.raises(KeyboardInterrupt, match="interrupted after epoch 1"):
        clf.fit(X, y)
    assert clf.n_iter_ == 1


def test_ctrl_c_goes_on_even_if_early_stopping_watches():
    stop = EarlyStopping(monitor="train_loss", patience=5, threshold=0, sink=lambda text: None)
    with pytest.raises(KeyboardInterrupt, match="interrupted after epoch 1"):
        make_classifier(callbacks=[stop, Interrupt(epoch=2)]).fit(X, y)


def test_early_stopping_of_skorch_ends_the_training_quietly():
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10, sink=lambda text: None)
    clf = make_classifier(callbacks=[stop], max_iter=20).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 3


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_keeps_what_was_learned_and_training_can_go_on(early_stopping):
    clf = make_classifier(
        callbacks=[Interrupt(epoch=3)], early_stopping=early_stopping, max_iter=10
    )
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after epoch 2\. .*warm_start=True"):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    if early_stopping:
        assert len(clf.validation_scores_) == 2
        assert clf.best_validation_score_ == max(clf.validation_scores_)
    before = clf.predict_proba(X)
    clf.set_params(callbacks=None, warm_start=True, max_iter=8).fit(X, y)
    assert len(clf.loss_curve_) == 10
    assert (clf.predict_proba(X) != before).any()


METHODS = {
    "search": lambda clf: GridSearchCV(clf, {"alpha": [0, 0.1]}, cv=2).fit(X, y),
    "pipeline": lambda clf: make_pipeline(StandardScaler(), clf).fit(X, y),
    "cross-validation": lambda clf: cross_val_score(clf, X, y, cv=2),
    "learning curve": lambda clf: learning_curve(clf, X, y, cv=2, train_sizes=[0.5, 1.0]),
    "bagging": lambda clf: BaggingClassifier(clf, n_estimators=2).fit(X, y),
    "voting": lambda clf: VotingClassifier([("one", clf), ("other", clf)]).fit(X, y),
    "stacking": lambda clf: StackingClassifier([("one", clf), ("other", clf)], cv=2).fit(X, y),
    "calibration": lambda clf: CalibratedClassifierCV(clf, cv=2).fit(X, y),
    "one against the rest": lambda clf: OneVsRestClassifier(clf).fit(X, y),
}


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_ends_whatever_has_called_fit(method):
    with pytest.raises(KeyboardInterrupt):
        METHODS[method](make_classifier(callbacks=[Interrupt(epoch=2)]))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_ctrl_c_in_a_worker_ends_a_search(backend):
    with joblib.parallel_config(backend, n_jobs=2), pytest.raises(KeyboardInterrupt):
        METHODS["search"](make_classifier(callbacks=[InterruptOnce(epoch=2, test=backend)]))


def test_ctrl_c_while_the_first_epoch_is_scored(monkeypatch):
    def stop(net, sample):
        raise KeyboardInterrupt

    clf = make_classifier(early_stopping=True)
    monkeypatch.setattr(ShapeNet, "evaluate", stop)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")


def test_ctrl_c_while_the_best_weights_are_copied():
    class Unwilling(dict):
        def __deepcopy__(self, memo):
            raise KeyboardInterrupt

    net = make_net()
    keep_best = KeepBest(make_sample(), n_iter_no_change=10, tol=0)
    train_net(net, make_sample(), rounds=(1,))
    net.module_.state_dict = Unwilling
    with pytest.raises(KeyboardInterrupt):
        keep_best.on_epoch_end(net)
    assert keep_best.scores == []  # this epoch left no trace


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


@pytest.mark.parametrize("callbacks", [[Notes], ["bar"], [object()], [None], [("notes", Notes())]])
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


def test_a_stopped_fit_of_skorch_versions_has_what_checkpoints_need():
    clf = make_classifier(early_stopping=True).fit(X, y)
    assert isinstance(clf.net_, skorch.NeuralNetClassifier)
    assert any(clf.net_.history[:, "valid_loss_best"])
