"""Fits that two processes share, started as users start them: by torchrun, on the CPU."""

import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

pytestmark = pytest.mark.slow

X, y = make_shapes(301, image_shape=(24, 24), random_state=0)
X_test, y_test = make_shapes(200, image_shape=(24, 24), random_state=1)
WEIGHTS = np.random.default_rng(0).uniform(0.5, 2, len(y))
GOOD = {"n_filters": (16, 32), "max_iter": 10, "random_state": 0}
QUICK = {"n_filters": (2, 4), "max_iter": 2, "dropout": 0.1}
# Nothing whose result depends on how a batch is split among processes.
EXACT = {"normalization": None, "augment": None, "dropout": 0}
EXACT |= {"batch_size": 50, "early_stopping": True, "random_state": 0}

SCRIPT = """
import os, pickle, signal, sys, warnings
import numpy as np
import torch
from skorch.callbacks import Callback, Checkpoint, EarlyStopping
from sklearn.model_selection import GridSearchCV
from sklearn_shapecnn import ShapeCNNClassifier, ShapeCNNRegressor

inputs, out = sys.argv[1:]
rank = int(os.environ["RANK"])
X, y, weights, good, quick, exact = pickle.load(open(inputs, "rb"))
results = {}

def make(**params):
    return ShapeCNNClassifier(distributed=True, **{**quick, **params})

def message(work):
    try:
        work()
    except (ValueError, KeyboardInterrupt) as error:
        return str(error)

class AskToStop(Callback):
    "Only the second process has enough."
    stop_training = False

    def on_epoch_end(self, net, **kwargs):
        self.stop_training = rank == 1

    def on_grad_computed(self, net, named_parameters, **kwargs):
        results["gradients"] = {name for name, _ in named_parameters}

class PressCtrlC(Callback):
    def on_batch_end(self, net, **kwargs):
        signal.raise_signal(signal.SIGINT)

def state():
    randomness = torch.get_rng_state().tolist(), np.random.get_state()
    return dict(os.environ), torch.get_num_threads(), randomness

warnings.simplefilter("error")
signal.signal(signal.SIGINT, signal.default_int_handler)  # also in a background job
before = str(state())
results["good"] = make(**good).fit(X, y)
results["unchanged"] = str(state()) == before
labels = np.column_stack((y == 0, y != 1))
results["labels"] = make(**good).fit(X, labels)
numbers = np.column_stack((y, -1000.0 * y))
regressor = ShapeCNNRegressor(distributed=True, early_stopping=True, **good)
results["numbers"] = regressor.fit(X, numbers)
results["early"] = make(early_stopping=True, n_iter_no_change=1, max_iter=9).fit(X, y)
results["exact"] = make(**exact).fit(X, y, weights)
results["small batches"] = make(batch_size=1, max_iter=1, random_state=0).fit(X[:30], y[:30])
results["warm"] = make(warm_start=True, max_iter=1).fit(X, y).fit(X, y)
results["pieces"] = make().partial_fit(X[:150], y[:150], [0, 1, 2]).partial_fit(X[150:], y[150:])
results["asked to stop"] = make(callbacks=[AskToStop()]).fit(X, y).set_params(callbacks=None)
results["interrupted"] = make(
    callbacks=[EarlyStopping(monitor="train_loss", patience=1, threshold=100)], max_iter=9
).fit(X, y)
checkpoint = Checkpoint(monitor=None, dirname=out, f_params="weights.pt", f_optimizer=None,
                        f_criterion=None, f_history=None)
clf = make(max_iter=2, callbacks=[checkpoint]).fit(X, y).set_params(callbacks=None)
results["checkpoint"] = clf, torch.load(f"{out}/weights.pt", weights_only=True)
results["search"] = GridSearchCV(make(max_iter=1), {"n_filters": [2, 4]}, cv=2).fit(X, y)
results["errors"] = [
    message(lambda: make().fit(X + rank, y)),
    message(lambda: make(alpha=0.01 * (1 + rank)).fit(X, y)),
    message(lambda: make(dropout=0.1 * rank).fit(X, y)),
    message(lambda: make(label_smoothing=0.1 * rank).fit(X, y)),
    message(lambda: make(activation=["relu", "tanh"][rank]).fit(X, y)),
    message(lambda: make(pooling=["max", "avg"][rank]).fit(X, y)),
    message(lambda: make(augment=[None, "shift"][rank]).fit(X, y)),
    message(lambda: make(hidden_layer_sizes=[(), 3][rank]).fit(X, y)),
    message(lambda: make(random_state=rank, alpha=0.02).fit(X[:3], y[:3])),
    message(lambda: make(learning_rate_init=1e30).fit(X, y)),
    message(lambda: make(callbacks=[PressCtrlC()]).fit(X, y)),
]
results["after errors"] = make().fit(X, y)
try:
    from sklearn.callback import ScoringMonitor
    monitor = ScoringMonitor(scoring="accuracy")
    watched = make(max_iter=2).set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data_as_pandas
    results["monitor"] = log["accuracy"].tolist()[-1], watched.score(X, y)
except ImportError:  # scikit-learn < 1.9
    pass
pickle.dump(results, open(f"{out}/{rank}.pkl", "wb"))
"""

FAILING = """
import os
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

X, y = make_shapes(40, image_shape=(8, 8), random_state=0)
if os.environ["RANK"] == "1":
    raise RuntimeError("no disk")
ShapeCNNClassifier(n_filters=2, max_iter=1, distributed=True).fit(X, y)
"""


def launch(script, *args):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    # A free port of its own, so that runs at the same time do not meet.
    command += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", str(script), *map(str, args)]
    return subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,  # that it does not hang is part of what is tested
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each of two processes has after it ran the script."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "inputs.pkl").write_bytes(pickle.dumps((X, y, WEIGHTS, GOOD, QUICK, EXACT)))
    done = launch(folder / "script.py", folder / "inputs.pkl", folder)
    assert done.returncode == 0, done.stderr
    return [pickle.loads((folder / f"{rank}.pkl").read_bytes()) for rank in range(2)]


FITTED = ["good", "early", "exact", "small batches", "warm", "pieces", "asked to stop"]


@pytest.mark.parametrize("name", [*FITTED, "interrupted", "after errors"])
def test_all_processes_have_the_same_classifier(results, name):
    first, second = (result[name] for result in results)
    weights, others = (clf.net_.module_.state_dict() for clf in (first, second))
    assert weights.keys() == others.keys()
    for key, value in weights.items():
        np.testing.assert_array_equal(value.numpy(), others[key].numpy())
    assert first.loss_curve_ == second.loss_curve_
    assert first.validation_scores_ == second.validation_scores_
    np.testing.assert_array_equal(first.classes_, second.classes_)
    np.testing.assert_array_equal(first.predict_proba(X_test), second.predict_proba(X_test))
    assert pickle.dumps(first) == pickle.dumps(second)


@pytest.mark.parametrize("name", ["labels", "numbers"])
def test_all_processes_learn_the_same_labels_and_numbers(results, name):
    first, second = (result[name] for result in results)
    np.testing.assert_array_equal(first.predict(X_test), second.predict(X_test))
    assert first.loss_curve_ == second.loss_curve_
    assert first.validation_scores_ == second.validation_scores_


def test_labels_and_numbers_are_learned_together(results):
    labels = np.column_stack((y_test == 0, y_test != 1))
    assert results[0]["labels"].score(X_test, labels) >= 0.9
    assert results[0]["numbers"].score(X_test, np.column_stack((y_test, -1000 * y_test))) > 0.6
    assert results[0]["numbers"].best_validation_score_ <= 1


def test_it_is_as_accurate_as_a_single_process(results):
    alone = ShapeCNNClassifier(device="cpu", **GOOD).fit(X, y)
    assert alone.score(X_test, y_test) >= 0.95
    assert results[0]["good"].score(X_test, y_test) >= 0.95


def test_without_a_seed_no_two_fits_are_the_same(results):
    assert results[0]["early"].loss_curve_[0] != results[0]["after errors"].loss_curve_[0]


def test_shares_of_unequal_size_and_weight_sum_up_to_the_steps_of_a_single_process(results):
    shared = results[0]["exact"]
    alone = ShapeCNNClassifier(device="cpu", **{**QUICK, **EXACT}).fit(X, y, WEIGHTS)
    assert shared.loss_curve_ == pytest.approx(alone.loss_curve_, rel=1e-4)
    assert shared.validation_scores_ == pytest.approx(alone.validation_scores_)
    np.testing.assert_allclose(shared.predict_proba(X_test), alone.predict_proba(X_test), atol=1e-3)


def test_early_stopping_ends_the_fit_in_all_processes(results):
    clf = results[0]["early"]
    assert clf.n_iter_ == len(clf.validation_scores_) < 9
    assert clf.best_validation_score_ == max(clf.validation_scores_)


def test_what_one_process_wants_to_end_ends_for_all(results):
    assert results[0]["asked to stop"].n_iter_ == 1
    assert results[0]["interrupted"].n_iter_ == 2


def test_batch_normalization_meets_two_images_of_each_batch_in_each_process(results):
    history = results[0]["small batches"].net_.history
    sizes = [batch["train_batch_size"] for batch in history[0]["batches"]]
    assert sum(sizes) == 30
    assert min(sizes) >= 4


def test_warm_start_and_partial_fit_go_on(results):
    assert len(results[0]["warm"].loss_curve_) == len(results[0]["pieces"].loss_curve_) == 2
    assert results[0]["warm"].loss_curve_[1] < results[0]["warm"].loss_curve_[0]


def test_searches_go_on_in_step(results):
    first, second = (result["search"].cv_results_["mean_test_score"] for result in results)
    np.testing.assert_array_equal(first, second)


def test_callbacks_of_skorch_meet_the_network_itself(results):
    clf = results[0]["asked to stop"]
    names = {name for name, _ in clf.net_.module_.named_parameters()}
    assert results[0]["gradients"] == results[1]["gradients"] == names


def test_checkpoints_are_written_once_and_hold_the_weights(results):
    clf, saved = results[0]["checkpoint"]
    assert saved.keys() == clf.net_.module_.state_dict().keys()
    for key, value in clf.net_.module_.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), saved[key].numpy())


def test_callbacks_of_scikit_learn_get_copies_that_are_fitted(results):
    if "monitor" not in results[0]:
        pytest.skip("scikit-learn has callbacks since 1.9")
    assert results[0]["monitor"] == results[1]["monitor"]
    last, score = results[0]["monitor"]
    assert last == score


def test_errors_are_the_same_in_all_processes_and_leave_them_fit_for_more(results):
    first, second = (result["errors"] for result in results)
    assert first == second
    *disagreements, too_few, diverged, interrupted = first
    assert len(disagreements) == 8
    for message in disagreements:
        assert "different images, labels, weights or parameters" in message
    assert "3 distinct images to learn from cannot be shared by 2 processes" in too_few
    assert "Training diverged" in diverged
    assert "A fit shared by several processes was interrupted" in interrupted


def test_nothing_global_changes(results):
    assert results[0]["unchanged"]
    assert results[1]["unchanged"]


class Modules(pickle.Unpickler):
    """Remembers of which modules something was read."""

    def find_class(self, module, name):
        self.found = {*getattr(self, "found", ()), module}
        return super().find_class(module, name)


def test_a_saved_classifier_needs_no_accelerate(results, tmp_path):
    clf = results[0]["good"]
    joblib.dump(clf, tmp_path / "clf.joblib")
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "clf.joblib").predict_proba(X_test), clf.predict_proba(X_test)
    )
    with open(tmp_path / "clf.pkl", "wb") as file:
        pickle.dump(clf, file)
    with open(tmp_path / "clf.pkl", "rb") as file:
        unpickler = Modules(file)
        unpickler.load()
    foreign = (
        "accelerate",
        "sklearn_shapecnn._training.distributed",
        "skorch.hf",
        "torch.nn.parallel",
    )
    assert not [module for module in unpickler.found if module.startswith(foreign)]


def test_one_process_alone_fits_as_the_cpu_does():
    params = {**QUICK, "random_state": 0, "early_stopping": True}
    cpu = ShapeCNNClassifier(device="cpu", **params).fit(X, y)
    environment = dict(os.environ)
    clf = ShapeCNNClassifier(distributed=True, **params).fit(X, y)
    other = cpu if clf.device_ == "cpu" else cpu.set_params(device=clf.device_).fit(X, y)
    assert clf.loss_curve_ == other.loss_curve_
    np.testing.assert_array_equal(clf.predict_proba(X_test), other.predict_proba(X_test))
    assert dict(os.environ) == environment


def test_where_one_process_fails_the_others_do_not_wait_for_ever(tmp_path):
    (tmp_path / "script.py").write_text(FAILING)
    done = launch(tmp_path / "script.py")
    assert done.returncode != 0
    assert "no disk" in done.stderr


def test_without_accelerate_the_error_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ImportError, match="pip install accelerate"):
        ShapeCNNClassifier(distributed=True).fit(X, y)


def fit_in_worker():
    before = dict(os.environ)
    os.environ["WORLD_SIZE"] = "2"  # as in a worker of a process that torchrun has started
    try:
        ShapeCNNClassifier(distributed=True).fit(X, y)
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_a_worker_of_joblib_does_not_wait_for_processes_that_never_come():
    with pytest.raises(ValueError, match="Set n_jobs=1"):
        joblib.Parallel(n_jobs=2)([joblib.delayed(fit_in_worker)()])


def test_processes_that_were_launched_but_not_joined_are_an_error(monkeypatch):
    ShapeCNNClassifier(distributed=True, **QUICK).fit(X, y)  # it joins itself
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="2 processes were launched, but Accelerate joined 1"):
        ShapeCNNClassifier(distributed=True).fit(X, y)


@pytest.mark.parametrize("device", ["cuda:1", "mps", "meta"])
def test_each_process_has_a_device_of_its_own(device):
    with pytest.raises(ValueError, match=f"set device='auto' or 'cpu', but got '{device}'"):
        ShapeCNNClassifier(distributed=True, device=device).fit(X, y)


def test_there_is_no_device_called_accelerate():
    with pytest.raises(ValueError, match="device='accelerate' is not available"):
        ShapeCNNClassifier(device="accelerate").fit(X, y)
