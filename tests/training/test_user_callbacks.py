"""Each callback of skorch works, in a fit, a clone, a search and two processes, or is refused."""

import inspect
import os
import pickle
import re
import subprocess
import sys
import types
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import skorch.callbacks
import torch
from helpers import small_classifier
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch import callbacks as sc

from sklearn_shapecnn import make_shapes
from sklearn_shapecnn._training.user_callbacks import check_callbacks
from sklearn_shapecnn.inspection import saliency

X, y = make_shapes(60, image_shape=(12, 12), random_state=0)
make_classifier = partial(small_classifier, batch_size=10, max_iter=2)
PAGE = Path(__file__).parents[2] / "docs" / "user_guide" / "watching.md"


class Service:
    """Stands in for the services of loggers: takes whatever it is given, and remembers it."""

    def __init__(self):
        self.given = []

    def __getitem__(self, name):
        return self

    def __setitem__(self, name, value):
        self.given.append((name, value))

    def log(self, *values, **named):
        self.given.append((values, named))

    append = log_scalar = log_metric = log_artifact = set_terminated = watch = stop = log
    dir = "."

    @property
    def info(self):
        return types.SimpleNamespace(run_id="1")


class LateTensorBoard(sc.TensorBoard):
    """As on the page "Watching"."""

    def __init__(self, folder):
        super().__init__(writer=None)
        self.folder = folder

    def get_params(self, deep=True):
        return {"folder": self.folder}

    def on_train_begin(self, net, **kwargs):
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(os.path.join(self.folder, os.urandom(4).hex()))


SCHEDULE = "refused: the classifier sets the learning rate; see `max_iter` and `learning_rate_init`"
SCORES = "refused: skorch holds out no data here; use `early_stopping=True` or `ScoringMonitor`"
STOPPED = 'works with `early_stopping=True` or `monitor="train_loss"`'
WORKS, BY_NAME = "works", 'works; weights have names such as `"stages.0.conv.weight"`'
LIVE = "works in a fit; a search needs a run that can be copied"
ONCE = f"{LIVE}, and a new logger: one that was in a fit cannot be copied"

# For each callback: what the page says of it, and how to make one that works with and without early
# stopping, given a folder. None means that the callback is refused.
TABLE = {
    "BatchScoring": (SCORES, None),
    "Callback": ("works: derive your own from it", lambda folder: sc.Callback()),
    "Checkpoint": (
        'works with `early_stopping=True`, or with `monitor="train_loss_best"` or `None`',
        lambda folder: sc.Checkpoint("train_loss_best", dirname=folder),
    ),
    "EarlyStopping": (STOPPED, lambda folder: sc.EarlyStopping("train_loss")),
    "EpochScoring": (SCORES, None),
    "EpochTimer": (WORKS, lambda folder: sc.EpochTimer()),
    "Freezer": (BY_NAME, lambda folder: sc.Freezer("stages.0.*")),
    "GradientNormClipping": (
        "works, before the classifier itself clips the norm to 1",
        lambda folder: sc.GradientNormClipping(0.1),
    ),
    "Initializer": (
        BY_NAME,
        lambda folder: sc.Initializer("head.*", fn=torch.nn.init.zeros_),
    ),
    "InputShapeSetter": ("refused: the classifier finds the size of the images by itself", None),
    "LRScheduler": (SCHEDULE, None),
    "LoadInitState": (
        "works for files of the same network; the history stays that of the fit",
        lambda folder: sc.LoadInitState(sc.Checkpoint(dirname=folder)),
    ),
    "MlflowLogger": (ONCE, lambda folder: sc.MlflowLogger(Service(), Service())),
    "NeptuneLogger": (ONCE, lambda folder: sc.NeptuneLogger(Service(), close_after_train=False)),
    "ParamMapper": (BY_NAME, lambda folder: sc.ParamMapper("head.*", torch.nn.init.zeros_)),
    "PassthroughScoring": (
        "works with `on_train=True`",
        lambda folder: sc.PassthroughScoring("train_loss", on_train=True),
    ),
    "PrintLog": (WORKS, lambda folder: sc.PrintLog()),
    "ProgressBar": (WORKS, lambda folder: sc.ProgressBar()),
    "SacredLogger": (LIVE, lambda folder: sc.SacredLogger(Service())),
    "TensorBoard": (
        "works in a fit; for a search, create its writer in `on_train_begin`, as below",
        lambda folder: LateTensorBoard(folder),
    ),
    "TrainEndCheckpoint": (WORKS, lambda folder: sc.TrainEndCheckpoint(dirname=folder)),
    "Unfreezer": (BY_NAME, lambda folder: sc.Unfreezer("stages.*")),
    "WandbLogger": (
        f"{LIVE}; needs `early_stopping=True` or `save_model=False`",
        lambda folder: sc.WandbLogger(Service(), save_model=False),
    ),
    "WarmRestartLR": (SCHEDULE, None),
}
WORKING = {name: make for name, (_, make) in TABLE.items() if make is not None}
HELD_OUT = {  # with their defaults, these need held-out images
    "Checkpoint": lambda folder: sc.Checkpoint(dirname=folder),
    "EarlyStopping": lambda folder: sc.EarlyStopping(),
    "WandbLogger": lambda folder: sc.WandbLogger(Service()),
}


@pytest.fixture(autouse=True)
def neptune(monkeypatch):
    """Stand-ins for the two classes that skorch's Neptune logger imports."""
    module = types.ModuleType("neptune.types")
    module.File = types.SimpleNamespace(from_content=lambda text, extension: text)
    handler = types.ModuleType("neptune.handler")
    handler.Handler = type("Handler", (), {})
    monkeypatch.setitem(sys.modules, "neptune.types", module)
    monkeypatch.setitem(sys.modules, "neptune.handler", handler)


def test_the_table_has_all_callbacks_and_the_page_shows_it():
    assert set(TABLE) == set(sc.__all__) == set(skorch.callbacks.__all__)
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.M))
    assert {name: rows.get(name) for name in TABLE} == {n: row[0] for n, row in TABLE.items()}


def test_the_callback_of_the_page_is_the_one_tested_here():
    code = PAGE.read_text(encoding="utf-8").partition("class LateTensorBoard(")[2]
    page = [line.strip() for line in code.partition("```")[0].splitlines() if line.strip()]
    here = [line.strip() for line in inspect.getsource(LateTensorBoard).splitlines()]
    for line in page:
        if line.startswith(("def ", "super().", "self.", "return ")):
            assert line in here


@pytest.mark.parametrize("name", WORKING)
def test_a_callback_works_in_a_fit_a_clone_and_a_search(name, tmp_path):
    unfitted = make_classifier(callbacks=[WORKING[name](str(tmp_path))])
    clf = clone(unfitted).fit(X, y)
    assert clf.n_iter_ == len(clf.net_.history) == 2
    assert clf.callbacks[0] is not unfitted.callbacks[0]
    search = GridSearchCV(unfitted, {"alpha": [0, 0.1]}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if TABLE[name][0].startswith(ONCE):
        with pytest.raises(TypeError, match=f"callbacks holds {name}, which cannot be copied"):
            clone(clf)
    else:
        copied = clone(clf).fit(X, y)
        np.testing.assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WORKING.keys() - {"NeptuneLogger"}))
def test_a_callback_works_in_a_search_of_two_processes(name, tmp_path):
    if name == "TensorBoard" and find_spec("tensorflow"):
        pytest.skip("TensorBoard imports TensorFlow, whose memory joblib takes for a leak")
    clf = make_classifier(callbacks=[WORKING[name](str(tmp_path))])
    search = GridSearchCV(clf, {"alpha": [0, 0.1]}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.slow
def test_callbacks_go_to_another_process_in_a_pickle(tmp_path):
    fitted = {}
    for name in sorted(WORKING.keys() - {"NeptuneLogger", "LoadInitState"}):
        (tmp_path / name).mkdir()
        make = WORKING[name]
        fitted[name] = make_classifier(callbacks=[make(str(tmp_path / name))]).fit(X, y)
    (tmp_path / "fitted.pickle").write_bytes(pickle.dumps(fitted))
    expected = {name: clf.predict_proba(X) for name, clf in fitted.items()}
    (tmp_path / "expected.pickle").write_bytes(pickle.dumps((X, y, expected)))
    code = (
        "import pickle, sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "load = lambda name: pickle.load(open(f'{sys.argv[1]}/{name}.pickle', 'rb'))\n"
        "X, y, expected = load('expected')\n"
        "for name, clf in load('fitted').items():\n"
        "    assert (clf.predict_proba(X) == expected[name]).all(), name\n"
        "    assert (clf.fit(X, y).predict_proba(X) == expected[name]).all(), name\n"
    )
    here = Path(__file__).parent
    paths = [str(tmp_path), str(here), str(here.parent)]
    ran = subprocess.run(
        [sys.executable, "-c", code, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", HELD_OUT)
def test_what_watches_held_out_images_needs_early_stopping(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the stand-in of a service has its files
    callback = HELD_OUT[name](str(tmp_path))
    clf = make_classifier(callbacks=[callback], random_state=np.random.RandomState(0))
    words = "save_model=False" if name == "WandbLogger" else r"monitor='train_loss"
    for fit in (clf.fit, partial(clf.partial_fit, classes=[0, 1, 2])):
        with pytest.raises(
            ValueError, match=rf"callbacks holds {name}, .*early_stopping=True, or {words}"
        ):
            fit(X, y)
    assert clf.random_state.randint(10**6) == np.random.RandomState(0).randint(10**6)
    clf.set_params(early_stopping=True, random_state=0).fit(X, y)
    assert {"valid_acc", "valid_loss", "valid_loss_best"} <= set(clf.net_.history[-1])
    assert np.isfinite(clone(clf).fit(X, y).loss_curve_).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sc.EpochScoring("accuracy"), "EpochScoring, .*Set early_stopping=True"),
        (lambda: sc.BatchScoring("accuracy"), "BatchScoring, .*ScoringMonitor to set_callbacks"),
        (lambda: sc.InputShapeSetter(), "InputShapeSetter, .*set image_shape"),
        (lambda: sc.LRScheduler(), "LRScheduler, .*max_iter .* learning_rate_init"),
        (lambda: sc.WarmRestartLR, "WarmRestartLR, .*max_iter .* learning_rate_init"),
        (
            lambda: sc.WarmRestartLR(torch.optim.SGD([torch.zeros(1)], lr=0.1)),
            "WarmRestartLR, .*max_iter .* learning_rate_init",
        ),
        (lambda: sc.PassthroughScoring("valid_loss"), "PassthroughScoring.*early_stopping=True"),
    ],
)
def test_what_cannot_work_is_refused_before_the_training(make, words):
    for early_stopping in (False, True):
        clf = make_classifier(callbacks=[make()], early_stopping=early_stopping)
        with pytest.raises((TypeError, ValueError), match=f"callbacks holds {words}"):
            clf.fit(X, y)
        assert not hasattr(clf, "net_")


def test_a_writer_that_is_open_works_in_a_fit_and_cannot_be_copied(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        clf = make_classifier(callbacks=[sc.EpochTimer(), sc.TensorBoard(writer)])
        words = r"callbacks holds TensorBoard, which cannot be copied .*pickle.*on_train_begin"
        with pytest.raises(TypeError, match=words):
            clone(clf)
        with pytest.raises(TypeError, match=words):
            GridSearchCV(clf, {"alpha": [0, 0.1]}).fit(X, y)
        assert clf.fit(X, y).n_iter_ == 2


def test_other_errors_of_a_clone_stay_what_they_are():
    class Uncopyable:
        def __deepcopy__(self, memo):
            raise RuntimeError("never")

    with pytest.raises(RuntimeError, match="never"):
        clone(make_classifier(class_weight=Uncopyable(), callbacks=[sc.EpochTimer()]))
    with pytest.raises(RuntimeError, match="never"):
        clone(make_classifier(callbacks=Uncopyable()))


def test_loggers_without_a_place_to_write_to(monkeypatch):
    clf = make_classifier(callbacks=[sc.MlflowLogger()])
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r"callbacks holds MlflowLogger, which needs .*mlflow"):
        clf.fit(X, y)
    mlflow = types.ModuleType("mlflow")
    mlflow.active_run = lambda: None
    mlflow.tracking = types.ModuleType("mlflow.tracking")
    mlflow.tracking.MlflowClient = Service
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setitem(sys.modules, "mlflow.tracking", mlflow.tracking)
    with pytest.raises(ValueError, match=r"callbacks holds MlflowLogger, .*mlflow\.start_run"):
        clf.fit(X, y)


def test_loggers_get_the_numbers_of_the_training():
    service = Service()
    clf = make_classifier(callbacks=[sc.NeptuneLogger(service, close_after_train=False)])
    clf.fit(X, y)
    told = dict(given for given in service.given if isinstance(given[0], str))
    assert told["config/epochs"] == 2
    assert told["config/lr"] == clf.net_.lr
    assert (clf.loss_curve_[0],) in [values for values, _ in service.given]


def test_print_log_prints_and_others_only_if_asked(capsys):
    make_classifier(callbacks=[sc.PrintLog()]).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert "train_loss" in lines[0]
    assert len(lines) == 4  # a head of two lines, two epochs
    stop = {"monitor": "train_loss", "patience": 1, "threshold": 10}
    make_classifier(callbacks=[sc.EarlyStopping(**stop)]).fit(X, y)
    assert capsys.readouterr().out == ""
    make_classifier(callbacks=[sc.EarlyStopping(**stop)], verbose=1).fit(X, y)
    assert "Stopping since train_loss has not improved" in capsys.readouterr().out


@pytest.mark.parametrize("n", [13, 60])
def test_the_progress_bar_counts_all_batches(n, monkeypatch):
    totals = []

    class Bar:
        def __init__(self, total, leave):
            totals.append(total)

        set_postfix = update = close = lambda self, *args, **kwargs: None

    monkeypatch.setattr("skorch.callbacks.logging.tqdm.tqdm", Bar)
    clf = make_classifier(callbacks=[sc.ProgressBar()], batch_size=2).fit(X[:n], y[:n])
    assert totals == [len(row["batches"]) for row in clf.net_.history]


def test_all_callbacks_see_the_gradients():
    class Names(sc.Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            self.names_ = [name for name, _ in named_parameters]

    both = [sc.GradientNormClipping(1.0), Names(), Names()]
    clf = make_classifier(callbacks=both).fit(X, y)
    names = [name for name, _ in clf.net_.module_.named_parameters()]
    assert both[1].names_ == both[2].names_ == names


def test_a_frozen_network_can_be_looked_into():
    clf = make_classifier(callbacks=[sc.Freezer("stages.*")]).fit(X, y)
    for method in ("grad_cam", "gradients"):
        assert np.isfinite(saliency(clf, X[:2], method=method)).all()


def test_the_best_checkpoint_is_loaded_and_all_epochs_stay_in_the_history(tmp_path):
    checkpoint = sc.Checkpoint(dirname=tmp_path, load_best=True)
    clf = make_classifier(callbacks=[checkpoint], early_stopping=True, max_iter=6).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == len(clf.validation_scores_) == 6
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    for name, weights in clf.net_.module_.state_dict().items():
        assert torch.equal(weights, saved[name])


def test_what_a_training_left_at_its_end_is_loaded_before_another(tmp_path):
    checkpoint = sc.TrainEndCheckpoint(dirname=tmp_path)
    clf = make_classifier(callbacks=[checkpoint], max_iter=5).fit(X, y)
    going_on = make_classifier(callbacks=[sc.LoadInitState(checkpoint)], max_iter=1)
    assert clone(going_on).fit(X, y).loss_curve_[0] < clf.loss_curve_[0]


@pytest.mark.parametrize(
    ("callback", "early_stopping", "names"),
    [
        (sc.EarlyStopping(monitor="val_loss"), False, "'train_loss'"),
        (sc.EarlyStopping(monitor="accuracy"), True, "'train_loss' or 'valid_acc' or 'valid_loss'"),
        (sc.Checkpoint(monitor="val_loss_best"), False, "'train_loss_best'"),
    ],
)
def test_a_monitor_that_nothing_records_is_refused_before_the_training(
    callback, early_stopping, names
):
    message = f"callbacks holds .* watches .* records no such value. Set monitor to {names}"
    with pytest.raises(ValueError, match=message):
        check_callbacks([callback], early_stopping)


def test_a_callback_of_the_users_may_record_what_another_watches():
    class Recorder(sc.Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("mine", 1.0)

    check_callbacks([Recorder(), sc.EarlyStopping(monitor="mine")], early_stopping=False)
