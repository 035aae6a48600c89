"""Saving: each way gives back what was saved, no file holds more than it needs."""

import copy
import io
import pickle
import random
import subprocess
import sys

import cloudpickle  # comes with joblib
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from helpers import small_classifier
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skops.io.exceptions import UntrustedTypesFoundException
from skorch.callbacks import Callback

from sklearn_shapecnn import ShapeCNNClassifier

OURS = "sklearn_shapecnn.classifier.ShapeCNNClassifier"


@pytest.fixture(scope="module")
def fitted(few):
    X, y = few
    return small_classifier(
        hidden_layer_sizes=(6,), dropout=0.3, early_stopping=True, warm_start=True
    ).fit(X, np.array(["dark", "light"])[y])


def through_joblib(estimator, folder, mmap_mode=None, **how):
    joblib.dump(estimator, folder / "model.joblib", **how)
    return joblib.load(folder / "model.joblib", mmap_mode=mmap_mode)


WAYS = {
    **{
        f"pickle {protocol}": lambda model, folder, protocol=protocol: pickle.loads(
            pickle.dumps(model, protocol)
        )
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "joblib": through_joblib,
    "joblib, zlib": lambda model, folder: through_joblib(model, folder, compress=3),
    "joblib, xz": lambda model, folder: through_joblib(model, folder, compress=("xz", 1)),
    "joblib, mmap": lambda model, folder: through_joblib(model, folder, mmap_mode="r"),
    "cloudpickle": lambda model, folder: pickle.loads(cloudpickle.dumps(model)),
    "copy": lambda model, folder: copy.copy(model),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "skops": lambda model, folder: skops.io.loads(skops.io.dumps(model), trusted=[OURS]),
}

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


# There and back


@every_way
def test_what_is_loaded_is_what_was_saved(few, fitted, way, tmp_path):
    X, _ = few
    loaded = way(fitted, tmp_path)
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(fitted, method)(X))
    assert loaded.get_params() == fitted.get_params()
    assert vars(loaded).keys() == vars(fitted).keys()
    for name in ("n_iter_", "loss_curve_", "validation_scores_", "device_", "image_shape_"):
        assert getattr(loaded, name) == getattr(fitted, name)
    assert loaded.net_.history == fitted.net_.history
    assert loaded.classes_.tolist() == ["dark", "light"]


@every_way
def test_training_goes_on_from_there_to_the_bit(few, fitted, way, tmp_path):
    X, y = few
    y = np.array(["dark", "light"])[y]
    loaded = way(fitted, tmp_path).fit(X, y)
    expected = copy.deepcopy(fitted).fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), expected.predict_proba(X))
    assert loaded.loss_curve_ == expected.loss_curve_


@every_way
def test_partial_fit_goes_on_from_there_to_the_bit(few, way, tmp_path):
    X, y = few
    clf = small_classifier(hidden_layer_sizes=(6,), dropout=0.3).partial_fit(
        X[:30], y[:30], classes=[0, 1]
    )
    loaded = way(clf, tmp_path)
    for half in (X[:20], y[:20]), (X[20:], y[20:]):
        loaded.partial_fit(*half)
        clf.partial_fit(*half)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.loss_curve_ == clf.loss_curve_


def test_the_original_is_left_alone(few, fitted, tmp_path):
    X, y = few
    before = fitted.predict_proba(X)
    loaded = WAYS["joblib, mmap"](fitted, tmp_path)
    content = (tmp_path / "model.joblib").read_bytes()
    for other in (loaded, copy.copy(fitted), copy.deepcopy(fitted)):
        other.fit(X, np.array(["dark", "light"])[1 - y])
        assert (other.predict_proba(X) != before).any()
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert (tmp_path / "model.joblib").read_bytes() == content


def test_predictions_change_nothing_in_a_file(few):
    clf = small_classifier().fit(*few)
    before, size = pickle.dumps(clf), len(skops.io.dumps(clf))
    clf.predict(few[0])
    clf.transform(few[0][:1])
    assert pickle.dumps(clf) == before
    assert pickle.dumps(copy.deepcopy(clf)) == before
    assert len(skops.io.dumps(clf)) == size


@pytest.mark.parametrize(
    "parameters",
    [{}, {"hidden_layer_sizes": (6,), "dropout": 0.5}, {"normalization": "layer"}],
    ids=["plain", "hidden", "layer"],
)
def test_the_optimizer_and_dropout_go_on_where_they_stood(few, parameters):
    X, y = few
    first = small_classifier(**parameters).fit(X, y)
    second = pickle.loads(pickle.dumps(first))
    pixels = torch.from_numpy(X.reshape(-1, 1, 8, 8)).to(memory_format=torch.channels_last)
    labels = torch.from_numpy(y), torch.ones(len(y))
    for _ in range(3):
        losses = [clf.net_.train_step((pixels, labels))["loss"] for clf in (first, second)]
        assert losses[0] == losses[1]
    states = [clf.net_.module_.state_dict() for clf in (first, second)]
    for name, values in states[0].items():
        assert torch.equal(values, states[1][name]), name
        assert values.stride() == states[1][name].stride()


def test_an_unfitted_one_has_its_parameters():
    clf = small_classifier(alpha=0.5, class_weight={0: 1.0, 1: 2.0})
    for way in (WAYS["pickle 5"], WAYS["skops"], WAYS["deepcopy"]):
        loaded = way(clf, None)
        assert loaded.get_params() == clf.get_params()
        assert vars(loaded).keys() == vars(clf).keys()


def test_loading_within_no_grad_and_inference_mode(few, fitted):
    X, y = few
    dumped = pickle.dumps(fitted)
    with torch.no_grad():
        first = pickle.loads(dumped)
    with torch.inference_mode():
        second = pickle.loads(dumped)
    for loaded in (first, second):
        loaded.fit(X, np.array(["dark", "light"])[y])


def test_loading_draws_no_random_numbers(fitted):
    dumped = pickle.dumps(fitted)
    states = [
        (torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate())
        for _ in [None, pickle.loads(dumped), copy.deepcopy(fitted)]
    ]
    assert states[0] == states[1] == states[2]


def test_notes_of_the_users_callbacks_become_plain(few):
    clf = small_classifier().fit(*few)
    clf.net_.history.record("array", np.arange(3))
    clf.net_.history.record("number", np.float32(0.5))
    clf.net_.history.record("thing", ZeroDivisionError)
    row = pickle.loads(pickle.dumps(clf)).net_.history[-1]
    assert (row["array"], row["number"]) == ([0, 1, 2], 0.5)
    assert row["thing"] == str(ZeroDivisionError)


class Counting(Callback):
    count = 0

    def on_epoch_end(self, net, **kwargs):
        self.count += 1


def test_callbacks_are_kept(few, tmp_path):
    clf = small_classifier(max_iter=2, callbacks=[Counting()]).fit(*few)
    if hasattr(clf, "set_callbacks"):  # from scikit-learn 1.9 on
        from sklearn.callback import ScoringMonitor

        clf.set_callbacks(ScoringMonitor(scoring="accuracy")).fit(*few)
    for name in ("pickle 5", "deepcopy", "joblib"):
        loaded = WAYS[name](clf, tmp_path)
        assert loaded.callbacks[0].count == clf.callbacks[0].count > 0
        assert loaded.callbacks[0] is not clf.callbacks[0]
        loaded.fit(*few)
        assert loaded.callbacks[0].count == clf.callbacks[0].count + 2
        assert len(getattr(loaded, "_skl_callbacks", [])) == hasattr(clf, "set_callbacks")


class WithName(ShapeCNNClassifier):
    def __init__(self, name, max_iter=1):
        super().__init__(max_iter=max_iter, n_filters=4, random_state=0)
        self.name = name


def test_a_subclass_with_parameters_of_its_own(few):
    clf = WithName("mine").fit(*few)
    loaded = pickle.loads(pickle.dumps(clf))
    assert loaded.name == "mine"
    np.testing.assert_array_equal(loaded.predict_proba(few[0]), clf.predict_proba(few[0]))


# What is in a file


class Noting(pickle.Unpickler):
    """An unpickler that records the modules it imports from."""

    def find_class(self, module, name):
        self.modules.add(module)
        return super().find_class(module, name)


def test_a_pickle_needs_no_class_of_torch_or_skorch(fitted):
    unpickler = Noting(io.BytesIO(pickle.dumps(fitted)))
    unpickler.modules = set()
    unpickler.load()
    ours = {name for name in unpickler.modules if not name.startswith("numpy")}
    assert ours <= {
        "sklearn_shapecnn.classifier",
        "_codecs",
    }  # NumPy decodes its bytes with a codec


@pytest.mark.parametrize("dump", [pickle.dumps, skops.io.dumps], ids=["pickle", "skops"])
def test_no_image_is_in_the_file(few, dump):
    X, y = few
    images = X.astype(np.float64)
    held = dump(small_classifier(early_stopping=True).fit(images, y))
    for dtype in (np.float64, np.float32):
        for image in images.astype(dtype):
            assert image[:8].tobytes() not in held


def test_a_file_is_three_times_as_large_as_the_weights_at_most():
    X = np.random.default_rng(0).uniform(size=(40, 8, 8))
    clf = small_classifier(n_filters=(32, 64), hidden_layer_sizes=(64,), max_iter=1).fit(
        X, np.arange(40) % 2
    )
    weights = sum(values.nbytes for values in clf.net_.module_.state_dict().values())
    # The optimizer keeps up to twice as much, and dropout has a state.
    assert 2 * weights < len(pickle.dumps(clf)) < 3 * weights + 12_000


@pytest.mark.slow
def test_another_process_predicts_the_same_from_pickle_and_joblib(few, tmp_path):
    X, y = few
    clf = small_classifier(dropout=0.1).fit(X, np.array(["dark", "light"])[y])
    (tmp_path / "clf.pickle").write_bytes(pickle.dumps(clf))
    joblib.dump(clf, tmp_path / "clf.joblib")
    (tmp_path / "unfitted.pickle").write_bytes(pickle.dumps(clone(clf)))
    np.savez(tmp_path / "in.npz", X=X, y=np.array(["dark", "light"])[y])
    code = (
        "import joblib, numpy as np, pickle, sys\n"
        "folder = sys.argv[1] + '/'\n"
        "load = lambda name: pickle.load(open(folder + name, 'rb'))\n"
        "data = np.load(folder + 'in.npz')\n"
        "X, y = data['X'], data['y']\n"
        "clfs = {'pickle': load('clf.pickle'), 'joblib': joblib.load(folder + 'clf.joblib')}\n"
        "clfs['unfitted'] = load('unfitted.pickle').fit(X, y)\n"
        "out = {f'{name}_proba': clf.predict_proba(X) for name, clf in clfs.items()}\n"
        "out |= {f'{name}_label': clf.predict(X) for name, clf in clfs.items()}\n"
        "np.savez(folder + 'out.npz', **out)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    with np.load(tmp_path / "out.npz") as out:
        for name in ("pickle", "joblib", "unfitted"):
            np.testing.assert_array_equal(out[f"{name}_proba"], clf.predict_proba(X), name)
            np.testing.assert_array_equal(out[f"{name}_label"], clf.predict(X), name)


def test_a_loaded_classifier_can_be_trained_on(few):
    clf = small_classifier(warm_start=True, dropout=0.3).fit(*few)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(
        loaded.fit(*few).predict_proba(few[0]), clf.fit(*few).predict_proba(few[0])
    )


def test_an_unfitted_pickle_keeps_the_parameters_and_is_tiny():
    clf = small_classifier(n_filters=(8, 16), class_weight={0: 2.0, 1: 1.0})
    dumped = pickle.dumps(clf)
    assert pickle.loads(dumped).get_params() == clf.get_params()
    assert len(dumped) < 2000


def test_pickle_holds_the_network_but_no_images():
    X = np.random.default_rng(0).normal(size=(400, 64))
    y = np.arange(400) % 2
    parameters = {"max_iter": 1, "batch_size": 8}
    small, large = (small_classifier(**parameters).fit(X[:n], y[:n]) for n in (40, 400))
    n_small, n_large = (len(pickle.dumps(clf)) for clf in (small, large))
    assert abs(n_large - n_small) < 10_000  # 360 more images would take 180 kB
    weights = sum(tensor.nbytes for tensor in large.net_.module_.state_dict().values())
    assert n_large < 3 * weights + 50_000  # AdamW keeps two numbers beside each weight


# skops


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"random_state": np.random.RandomState(0), "device": "cpu"},
        {"class_weight": {0: 1.0, 1: 2.0}, "n_iter_no_change": np.inf, "early_stopping": True},
        {"hidden_layer_sizes": [5, 4], "dropout": 0.1, "augment": ["shift", "flips"]},
        {"n_filters": np.array([8]), "image_shape": np.array([8, 8]), "normalization": None},
    ],
    ids=["default", "generator", "weights", "hidden", "arrays"],
)
@pytest.mark.parametrize("form", ["array", "frame", "pipeline", "booleans"])
def test_one_type_is_to_be_trusted(few, parameters, form):
    X, y = few
    model = small_classifier(**parameters)
    if form == "frame":
        X = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    if form == "pipeline":
        model = make_pipeline(MinMaxScaler(), model)
    if form == "booleans":
        y = y == 1
    model.fit(X, y)
    dumped = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=dumped) == [OURS]
    for trusted in (OURS, ShapeCNNClassifier):
        loaded = skops.io.loads(dumped, trusted=[trusted])
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_a_search_adds_types_of_scikit_learn_alone(few):
    search = GridSearchCV(make_pipeline(MinMaxScaler(), small_classifier()), {}, cv=2).fit(*few)
    dumped = skops.io.dumps(search)
    untrusted = skops.io.get_untrusted_types(data=dumped)
    assert {name for name in untrusted if not name.startswith("sklearn.")} == {OURS}
    loaded = skops.io.loads(dumped, trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict_proba(few[0]), search.predict_proba(few[0]))


def test_nothing_is_loaded_without_trust(fitted):
    with pytest.raises(UntrustedTypesFoundException, match=OURS):
        skops.io.loads(skops.io.dumps(fitted))


class Foreign(TransformerMixin, BaseEstimator):
    loaded = False

    def __setstate__(self, state):
        Foreign.loaded = True
        super().__setstate__(state)

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


def test_a_step_of_a_foreign_type_is_refused(few):
    dumped = skops.io.dumps(make_pipeline(Foreign(), small_classifier()).fit(*few))
    with pytest.raises(UntrustedTypesFoundException, match=r"\.Foreign"):
        skops.io.loads(dumped, trusted=[OURS])
    assert not Foreign.loaded
    foreign = f"{Foreign.__module__}.Foreign"
    assert skops.io.get_untrusted_types(data=dumped) == sorted([OURS, foreign])


def test_the_net_has_its_parameters_after_loading_and_going_on(few):
    X, y = few
    clf = small_classifier(warm_start=True).fit(X, y)
    before = clf.net_.get_params_for("module")
    loaded = pickle.loads(pickle.dumps(clf))
    for net in (loaded.net_, loaded.fit(X, y).net_, loaded.partial_fit(X, y).net_):
        after = net.get_params_for("module")
        assert after["config"] == before["config"]
        assert after["seed"] == before["seed"]
        assert after["center"] == pytest.approx(before["center"])
        assert after["scale"] == pytest.approx(before["scale"])
    again = loaded.net_.set_params(module__seed=5)  # skorch makes a new network
    assert float(again.module_.scale) == pytest.approx(before["scale"])
