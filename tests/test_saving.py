"""Files: what they hold, who can read them, and what they refuse."""

import contextlib
import copy
import io
import json
import os
import pickle
import random
import subprocess
import sys
import warnings
import zipfile

import cloudpickle  # comes with joblib
import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import skops.io
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skops.io.exceptions import UntrustedTypesFoundException
from skorch.callbacks import Callback

import sklearn_shapecnn
from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn.saving import FITTED

OURS = "sklearn_shapecnn.classifier.ShapeCNNClassifier"


def quick(**parameters):
    return ShapeCNNClassifier(
        **({"n_filters": (8, 8), "max_iter": 3, "random_state": 0} | parameters)
    )


@pytest.fixture(scope="module")
def fitted(few):
    X, y = few
    return quick(hidden_layer_sizes=(6,), dropout=0.3, early_stopping=True, warm_start=True).fit(
        X, np.array(["dark", "light"])[y]
    )


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


def set_state(state):
    """What comes of a state that was changed."""
    model = ShapeCNNClassifier.__new__(ShapeCNNClassifier)
    model.__setstate__(state)
    return model


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
    clf = quick(hidden_layer_sizes=(6,), dropout=0.3).partial_fit(X[:30], y[:30], classes=[0, 1])
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


@pytest.mark.parametrize(
    "parameters",
    [{}, {"hidden_layer_sizes": (6,), "dropout": 0.5}, {"normalization": "layer"}],
    ids=["plain", "hidden", "layer"],
)
def test_the_optimizer_and_dropout_go_on_where_they_stood(few, parameters):
    X, y = few
    first = quick(**parameters).fit(X, y)
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
    clf = quick(alpha=0.5, class_weight={0: 1.0, 1: 2.0})
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
    clf = quick(max_iter=1).fit(*few)
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
    clf = quick(max_iter=2, callbacks=[Counting()]).fit(*few)
    if hasattr(clf, "set_callbacks"):  # scikit-learn 1.9 has them
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
    """An unpickler that notes the modules it imports from."""

    def find_class(self, module, name):
        self.modules.add(module)
        return super().find_class(module, name)


def test_a_pickle_needs_no_class_of_torch_or_skorch(fitted):
    unpickler = Noting(io.BytesIO(pickle.dumps(fitted)))
    unpickler.modules = set()
    unpickler.load()
    ours = {name for name in unpickler.modules if not name.startswith("numpy")}
    assert ours <= {"sklearn_shapecnn.classifier", "_codecs"}  # NumPy's bytes are by codec


@pytest.mark.parametrize("dump", [pickle.dumps, skops.io.dumps], ids=["pickle", "skops"])
def test_no_image_is_in_the_file(few, dump):
    X, y = few
    images = X.astype(np.float64)
    held = dump(quick(early_stopping=True).fit(images, y))
    for dtype in (np.float64, np.float32):
        for image in images.astype(dtype):
            assert image[:8].tobytes() not in held


def test_a_file_is_three_times_as_large_as_the_weights_at_most():
    X = np.random.default_rng(0).uniform(size=(40, 8, 8))
    clf = quick(n_filters=(32, 64), hidden_layer_sizes=(64,), max_iter=1).fit(X, np.arange(40) % 2)
    weights = sum(values.nbytes for values in clf.net_.module_.state_dict().values())
    # Twice as much for the optimizer, and the state of dropout.
    assert 2 * weights < len(pickle.dumps(clf)) < 3 * weights + 12_000


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
    model = quick(**parameters)
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
    search = GridSearchCV(make_pipeline(MinMaxScaler(), quick(max_iter=1)), {}, cv=2).fit(*few)
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
    dumped = skops.io.dumps(make_pipeline(Foreign(), quick(max_iter=1)).fit(*few))
    with pytest.raises(UntrustedTypesFoundException, match=r"\.Foreign"):
        skops.io.loads(dumped, trusted=[OURS])
    assert not Foreign.loaded
    foreign = f"{Foreign.__module__}.Foreign"
    assert skops.io.get_untrusted_types(data=dumped) == sorted([OURS, foreign])


def plant(dumped, call, argument, path):
    """Put a call into a file of skops, at a place of the classifier's state."""
    module, name = call.rsplit(".", 1)
    planted = {
        "__class__": name,
        "__module__": module,
        "__loader__": "ConstructorFromReduceNode",
        "content": {
            "__class__": "tuple",
            "__module__": "builtins",
            "__loader__": "TupleNode",
            "content": [
                {
                    "__class__": "str",
                    "__module__": "builtins",
                    "__loader__": "JsonNode",
                    "content": json.dumps(argument),
                    "is_json": True,
                }
            ],
        },
    }
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(dumped)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                place = schema["content"]
                for key in path[:-1]:
                    place = place["content"][key]
                assert path[-1] in place["content"]
                place["content"][path[-1]] = planted
                content = json.dumps(schema).encode()
            new.writestr(name, content)
    return result.getvalue()


@pytest.mark.parametrize(
    ("call", "argument"),
    [("os.mkdir", "{}"), ("builtins.eval", "__import__('os').mkdir({!r})")],
    ids=["mkdir", "eval"],
)
@pytest.mark.parametrize(
    "path",
    [["alpha"], ["classes_"], ["net_", "history"], ["net_", "weights", "center"]],
    ids=lambda path: path[-1],
)
def test_a_planted_call_is_refused_and_not_made(fitted, call, argument, path, tmp_path):
    folder = str(tmp_path / "made")
    dumped = plant(skops.io.dumps(fitted), call, argument.format(folder), path)
    assert skops.io.get_untrusted_types(data=dumped) == sorted([OURS, call])
    with pytest.raises(UntrustedTypesFoundException, match=call):
        skops.io.loads(dumped, trusted=[OURS])
    assert not os.path.exists(folder)
    # That it would have been made shows that the file is a dangerous one. What comes of the
    # classifier without its value is not the point.
    with contextlib.suppress(TypeError, ValueError):
        skops.io.loads(dumped, trusted=[OURS, call])
    assert os.path.exists(folder)


def changed(state, path, value):
    """A state with another value at one place."""
    key, *rest = path
    return state | {key: changed(state[key], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["n_classes"], 10**12),
        (["network", "n_filters"], [10**6, 10**6]),
        (["network", "hidden_layer_sizes"], [10**12]),
        (["network", "kernel_size"], [10**6, 10**6]),
    ],
    ids=str,
)
def test_a_file_that_asks_for_a_huge_network_is_refused(path, value):
    X = np.random.default_rng(0).uniform(size=(4, 1500, 1500))  # with room for a huge kernel
    state = quick(max_iter=1).fit(X, [0, 1, 0, 1]).__getstate__()
    with pytest.raises(ValueError, match=r"may be damaged .*needs about \d+ weights"):
        set_state(changed(state, ["net_", *path], value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["weights"], {}),
        (["weights", "center"], np.zeros(7)),
        (["weights", "center"], "nothing"),
        (["network", "activation"], "none such"),
        (["network", "image_shape"], None),
        (["n_classes"], 3),
        (["n_classes"], 2.5),
        (["network", "n_filters"], [-1]),
        (["network", "hidden_layer_sizes"], [20000, 20000, -30000]),
        (["moments"], None),
        (["dropout_state"], np.zeros(3, np.uint8)),
        (["history"], "[{"),
    ],
    ids=str,
)
def test_damaged_files_are_refused(fitted, path, value):
    state = fitted.__getstate__()
    with pytest.raises(ValueError, match="cannot be loaded; its file may be damaged"):
        set_state(changed(state, ["net_", *path], value))


def test_a_file_without_weights_is_refused(fitted):
    state = fitted.__getstate__()
    del state["net_"]["weights"]
    with pytest.raises(
        ValueError, match=r"may be damaged or have been changed: KeyError: 'weights'"
    ):
        set_state(state)


@pytest.mark.parametrize("name", sorted(FITTED))
def test_a_file_that_lacks_an_attribute_is_refused(fitted, name):
    state = fitted.__getstate__()
    del state[name]
    with pytest.raises(ValueError, match=f"may be damaged .*it lacks {name}$"):
        set_state(state)


@pytest.mark.parametrize(
    ("name", "value"), [("classes_", np.arange(5)), ("image_shape_", (9, 9, 1))]
)
def test_a_file_of_which_parts_do_not_fit_is_refused(fitted, name, value):
    state = fitted.__getstate__() | {name: value}
    with pytest.raises(ValueError, match="its network is for other classes or images"):
        set_state(state)


def test_what_the_optimizer_knows_must_fit_the_weights(fitted):
    state = fitted.__getstate__()
    name, values = next(iter(state["net_"]["moments"].items()))
    values = {key: value[:1] if np.ndim(value) else value for key, value in values.items()}
    with pytest.raises(ValueError, match=rf"may be damaged .*optimizer knows does not fit {name}"):
        set_state(changed(state, ["net_", "moments", name], values))


# Devices


@pytest.mark.parametrize("device", ["cuda:99", "xpu:99", "meta", "none such"])
def test_what_a_missing_device_computed_is_loaded_where_one_is(few, fitted, device):
    state = fitted.__getstate__() | {"device_": device, "device": "cuda:99"}
    loaded = set_state(state)
    there = quick(max_iter=1).fit(*few).device_  # what device="auto" takes
    assert loaded.device_ == there
    assert loaded.device == "cuda:99"
    np.testing.assert_allclose(
        loaded.predict_proba(few[0]), fitted.predict_proba(few[0]), atol=1e-5
    )
    y = np.array(["dark", "light"])[few[1]]
    with pytest.raises(ValueError, match="device='cuda:99' is not available here"):
        loaded.fit(few[0], y)
    loaded.set_params(device="auto").fit(few[0], y)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
@pytest.mark.parametrize("dump", [pickle.dumps, skops.io.dumps], ids=["pickle", "skops"])
def test_a_model_of_a_gpu_is_loaded_where_there_is_none(few, dump, tmp_path):
    clf = quick(device="cuda", dropout=0.1).fit(*few)
    (tmp_path / "model").write_bytes(dump(clf))
    np.save(tmp_path / "X.npy", few[0])
    code = (
        "import numpy as np, pathlib, pickle, skops.io, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "held = (folder / 'model').read_bytes()\n"
        "if held[:2] == b'PK':\n"
        "    clf = skops.io.loads(held, trusted=skops.io.get_untrusted_types(data=held))\n"
        "else:\n"
        "    clf = pickle.loads(held)\n"
        "assert clf.device_ == 'cpu' and clf.device == 'cuda'\n"
        "np.save(folder / 'out.npy', clf.predict_proba(np.load(folder / 'X.npy')))\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )
    # Not to the bit: a GPU rounds its sums in another order.
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), clf.predict_proba(few[0]), atol=1e-3)


# Versions


def saved_by(monkeypatch, model, dump=pickle.dumps, ours=None, sk=None, pytorch=None):
    """Save a model in the name of other versions."""
    with monkeypatch.context() as patch:
        if ours:
            patch.setattr(sklearn_shapecnn.saving, "__version__", ours)
        if sk:
            patch.setattr(sklearn, "__version__", sk)
        if pytorch:
            patch.setattr(torch, "__version__", pytorch)
        return dump(model)


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"ours": "0.0.1"}, ["sklearn-shapecnn 0.0.1 (here "]),
        ({"sk": "1.0.2"}, ["scikit-learn 1.0.2 (here "]),
        ({"pytorch": "2.0.1+cu118"}, ["torch 2.0.1 (here "]),
        (
            {"ours": "99.0", "sk": "98.0", "pytorch": "97.0"},
            ["sklearn-shapecnn 99.0 (here ", "scikit-learn 98.0 (here ", "torch 97.0 (here "],
        ),
    ],
    ids=["ours", "scikit-learn", "torch", "all"],
)
def test_a_model_of_other_versions_warns_once_and_works(few, fitted, monkeypatch, others, told):
    dumped = saved_by(monkeypatch, fitted, **others)
    with pytest.warns(InconsistentVersionWarning) as warned:
        loaded = pickle.loads(dumped)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    for part in told:
        assert part in str(warned[0].message)
    assert str(warned[0].message).count("(here ") == len(told)
    assert warned[0].message.current_sklearn_version == sklearn.__version__
    assert warned[0].message.original_sklearn_version == others.get("sk", sklearn.__version__)
    np.testing.assert_array_equal(loaded.predict_proba(few[0]), fitted.predict_proba(few[0]))
    pickle.loads(pickle.dumps(loaded))  # saved anew, it warns no longer


def test_skops_and_a_pipeline_warn_too(few, monkeypatch):
    model = make_pipeline(MinMaxScaler(), quick(max_iter=1)).fit(*few)
    dumped = saved_by(monkeypatch, model, skops.io.dumps, ours="0.0.1")
    with pytest.warns(InconsistentVersionWarning, match=r"saved with sklearn-shapecnn 0\.0\.1 "):
        skops.io.loads(dumped, trusted=[OURS])


def test_torch_for_another_kind_of_device_is_no_other_version(fitted, monkeypatch):
    version = torch.__version__.split("+")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for build in (version, f"{version}+cpu", f"{version}+cu126"):
            pickle.loads(saved_by(monkeypatch, fitted, pytorch=build))


@pytest.mark.parametrize("fit", [True, False], ids=["fitted", "unfitted"])
def test_files_without_a_format_number_are_refused(few, fit):
    clf = quick(max_iter=1)
    state = dict(vars(clf.fit(*few) if fit else clf))  # as it was once pickled
    with pytest.raises(
        ValueError, match=r"cannot be loaded: .* Load it with the version that saved it, or fit it"
    ):
        set_state(state)


def test_files_of_another_format_are_refused(fitted):
    state = fitted.__getstate__()
    state["_saved_by"] |= {"format": 99, "sklearn-shapecnn": "7.0"}
    with pytest.raises(
        ValueError, match=r"format 99, from sklearn-shapecnn 7\.0, .* Install the version"
    ):
        set_state(state)


def test_a_parameter_that_the_file_does_not_know_has_its_default(fitted):
    state = fitted.__getstate__()
    del state["label_smoothing"]
    assert set_state(state).label_smoothing == 0.0
