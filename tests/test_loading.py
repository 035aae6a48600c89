"""Loading files that are dangerous, damaged, or from another machine or version."""

import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest
import sklearn
import skops.io
import torch
from helpers import small_classifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skops.io.exceptions import UntrustedTypesFoundException

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn._saving import FITTED

OURS = "sklearn_shapecnn.classifier.ShapeCNNClassifier"


@pytest.fixture(scope="module")
def fitted(few):
    X, y = few
    return small_classifier(hidden_layer_sizes=(6,), early_stopping=True).fit(
        X, np.array(["dark", "light"])[y]
    )


def set_state(state):
    """Load a classifier from its state."""
    model = ShapeCNNClassifier.__new__(ShapeCNNClassifier)
    model.__setstate__(state)
    return model


# Dangerous files


def plant(dumped, call, argument, path):
    """Put a call into a skops file, at some place in the state of the classifier."""
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
    # If the call is trusted, it is made, so the file really is dangerous. Whether the classifier
    # then loads does not matter.
    with contextlib.suppress(TypeError, ValueError):
        skops.io.loads(dumped, trusted=[OURS, call])
    assert os.path.exists(folder)


# Damaged files


def changed(state, path, value):
    """Copy a state with another value at one place."""
    key, *rest = path
    return state | {key: changed(state[key], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["config", "n_outputs"], 10**12),
        (["config", "n_filters"], [10**6, 10**6]),
        (["config", "hidden_layer_sizes"], [10**12]),
        (["config", "kernel_size"], [10**6, 10**6]),
    ],
    ids=str,
)
def test_a_file_that_asks_for_a_huge_network_is_refused(path, value):
    X = np.random.default_rng(0).uniform(size=(4, 1500, 1500))  # with room for a huge kernel
    state = small_classifier(max_iter=1).fit(X, [0, 1, 0, 1]).__getstate__()
    with pytest.raises(ValueError, match=r"may be damaged .*needs about \d+ weights"):
        set_state(changed(state, ["net_", *path], value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["weights"], {}),
        (["weights", "center"], np.zeros(7)),
        (["weights", "center"], "nothing"),
        (["config", "activation"], "none such"),
        (["config", "image_shape"], None),
        (["config", "n_outputs"], 3),
        (["config", "n_outputs"], 2.5),
        (["config", "n_filters"], [-1]),
        (["config", "hidden_layer_sizes"], [20000, 20000, -30000]),
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
    with pytest.raises(ValueError, match="its network is for other classes, targets or images"):
        set_state(state)


def test_what_the_optimizer_knows_must_fit_the_weights(fitted):
    state = fitted.__getstate__()
    name, values = next(iter(state["net_"]["moments"].items()))
    values = {key: value[:1] if np.ndim(value) else value for key, value in values.items()}
    with pytest.raises(ValueError, match=rf"may be damaged .*the optimizer does not fit {name}"):
        set_state(changed(state, ["net_", "moments", name], values))


# Where nothing can be written


def test_a_net_from_a_file_has_no_optimizer_until_training_goes_on(few):
    clf = small_classifier(max_iter=2, warm_start=True).fit(*few)
    state = clf.__getstate__()
    loaded = pickle.loads(pickle.dumps(clf))
    loaded.predict(few[0])
    moments = loaded.__getstate__()["net_"]["moments"]
    assert "optimizer_" not in vars(loaded.net_)
    assert moments.keys() == state["net_"]["moments"].keys() != set()
    for name, arrays in state["net_"]["moments"].items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(moments[name][key], array)
            assert moments[name][key].dtype == array.dtype
    assert loaded.__getstate__()["net_"]["learning_rate"] == state["net_"]["learning_rate"]
    again = pickle.loads(pickle.dumps(loaded))  # never trained in between
    assert len(again.net_.optimizer_.state) == len(clf.net_.optimizer_.state) > 0
    for loss in (again.partial_fit(*few).loss_curve_, loaded.partial_fit(*few).loss_curve_):
        assert loss == clf.partial_fit(*few).loss_curve_[: len(loss)]


def test_an_optimizer_made_late_is_set_as_any_other(few):
    net = pickle.loads(pickle.dumps(small_classifier().fit(*few))).net_
    net.set_hyperparameters(0.5, 0.25, net.criterion_)
    assert {group["weight_decay"] for group in net.optimizer_.param_groups} == {0.25}
    net.set_params(lr=0.125, optimizer__weight_decay=0.75)
    assert {group["weight_decay"] for group in net.optimizer_.param_groups} == {0.75}
    assert {group["lr"] for group in net.optimizer_.param_groups} == {0.125}


LOAD_AND_PREDICT = """
import pickle, sys
import numpy as np

with open(sys.argv[1] + "/model.pickle", "rb") as file:
    clf = pickle.load(file)
X, expected = (np.load(f"{sys.argv[1]}/{name}.npy") for name in ("X", "expected"))
np.testing.assert_array_equal(clf.predict_proba(X), expected)
clf.transform(X)
imported = {name.partition(".")[2] for name in sys.modules if name.startswith("torch.")}
print("compiler:", sorted(imported & {"_dynamo", "_inductor"}))
"""

# Refuse every write, so that code that depends on writing fails.
REFUSE = """
import builtins, io, os, tempfile

def refuse(*args, **kwargs):
    raise OSError(30, "Read-only file system", *map(repr, args))

def read_only(open_, is_writing):
    def guarded(path, how="r", *args, **kwargs):
        if is_writing(how) and path not in ("/dev/null", os.devnull):
            refuse(path)
        return open_(path, how, *args, **kwargs)
    return guarded

FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
builtins.open = io.open = read_only(open, lambda mode: set(mode) & set("wax+"))
os.open = read_only(os.open, lambda flags: isinstance(flags, int) and flags & FLAGS)
for name in ("mkdir", "makedirs", "unlink", "remove", "rename", "replace", "symlink", "link"):
    setattr(os, name, refuse)
tempfile.gettempdir = tempfile.gettempdirb = tempfile._get_default_tempdir = refuse
tempfile.tempdir = None
"""


@pytest.fixture
def saved(few, fitted, tmp_path):
    """A folder with a model, images, and the probabilities of their classes."""
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    np.save(tmp_path / "X.npy", few[0])
    np.save(tmp_path / "expected.npy", fitted.predict_proba(few[0]))
    return tmp_path


WARNINGS = ["-W", "error", "-W", "ignore:[Errno 30] Read-only file system.  joblib:UserWarning"]


def run_python(code, folder, *before):
    """Load the model of a folder in a new process; return what it prints."""
    ran = subprocess.run(
        # joblib says that it can start no processes without /dev/shm, which is true and enough.
        [*before, sys.executable, *WARNINGS, "-B", "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_loading_and_predicting_write_nothing(saved):
    assert run_python(REFUSE + LOAD_AND_PREDICT, saved) == "compiler: []\n"


def test_the_python_that_refuses_to_write_does(saved):
    code = REFUSE + (
        "import pathlib, pytest, sys\n"
        "path = sys.argv[1] + '/new'\n"
        "for write in (lambda: open(path, 'w'), lambda: os.open(path, os.O_CREAT),\n"
        "              tempfile.TemporaryFile, pathlib.Path(path).mkdir):\n"
        "    with pytest.raises(OSError):\n"
        "        write()\n"
    )
    run_python(code, saved)
    assert not (saved / "new").exists()


@pytest.mark.slow
def test_loading_and_predicting_on_a_read_only_file_system(saved):
    mount = "mount --make-rprivate / && mount -o remount,bind,ro / && cd / && "
    # Other mounts too, such as /tmp and /dev/shm, from the innermost one outward.
    mount += (
        "for folder in $(awk '{print $5}' /proc/self/mountinfo | sort -r); do "
        "case $folder in /proc*|/sys*) ;; "
        "*) mount -o remount,bind,ro $folder 2>/dev/null || true ;; esac; done; "
    )
    shell = ["unshare", "--mount", "sh", "-c"]
    probe = mount + 'for f in / /tmp /dev/shm "$HOME" "$1"; do ! touch "$f/x" || exit 9; done'
    try:
        tried = subprocess.run([*shell, probe, "sh", str(saved)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if tried.returncode:
        pytest.skip(f"no read-only mounts can be made here: {tried.stderr.decode()[-200:]}")
    out = run_python(LOAD_AND_PREDICT, saved, *shell, mount + 'exec "$@"', "sh")
    assert out == "compiler: []\n"


# Devices


@pytest.mark.parametrize("device", ["cuda:99", "xpu:99", "meta", "none such"])
def test_what_a_missing_device_computed_is_loaded_where_one_is(few, fitted, device):
    state = fitted.__getstate__() | {"device_": device, "device": "cuda:99"}
    loaded = set_state(state)
    there = small_classifier().fit(*few).device_  # what device="auto" takes
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
    clf = small_classifier(device="cuda", dropout=0.1).fit(*few)
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
    """Save a model as other versions would."""
    with monkeypatch.context() as patch:
        if ours:
            patch.setattr("sklearn_shapecnn._saving.__version__", ours)
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
    pickle.loads(pickle.dumps(loaded))  # once saved again, it no longer warns


def test_skops_and_a_pipeline_warn_too(few, monkeypatch):
    model = make_pipeline(MinMaxScaler(), small_classifier()).fit(*few)
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
    clf = small_classifier()
    state = dict(vars(clf.fit(*few) if fit else clf))  # as versions without a format pickled it
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
