import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import skl2onnx
import sklearn
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline
from packaging.version import Version
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

from sklearn_shapecnn import ShapeCNNClassifier, __version__
from sklearn_shapecnn.network import ACTIVATIONS
from sklearn_shapecnn.onnx_export import register_converter, to_onnx

CLOSE = 1e-5
IMAGE_SHAPES = [(8, 8, 1), (9, 6, 1), (1, 20, 1), (11, 7, 3), (13, 13, 2), (1, 1, 4)]


def cnn(**parameters):
    return ShapeCNNClassifier(
        **{"n_filters": (4,), "max_iter": 1, "batch_size": 30, "random_state": 0, **parameters}
    )


def run(model, X):
    """What ONNX Runtime answers: a dict with an array for each output."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # skl2onnx leaves constants behind that nothing uses
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    X = X.astype(np.float32).reshape(len(X), *session.get_inputs()[0].shape[1:])
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def assert_agrees(estimator, X):
    """ONNX Runtime gives the labels of predict and the probabilities of predict_proba."""
    found = run(to_onnx(estimator), X)
    np.testing.assert_array_equal(found["label"], estimator.predict(X))
    if hasattr(estimator, "predict_proba"):
        assert found["probabilities"].dtype == np.float32
        np.testing.assert_allclose(
            found["probabilities"], estimator.predict_proba(X), rtol=0, atol=CLOSE
        )
    return found


def images(image_shape, n_classes=3, low=0.0, span=1.0, n=60):
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    X = rng.uniform(size=(n, *image_shape)) + 0.3 * y[:, np.newaxis, np.newaxis, np.newaxis]
    return (low + span * X).astype(np.float32), y


@pytest.fixture(scope="module")
def data():
    """Sixty images of 8 x 8 pixels as rows, of three named classes: X, y."""
    X, y = images((8, 8, 1))
    return X.reshape(len(X), -1), np.array(["cat", "dog", "Ä"])[y]


@pytest.fixture(scope="module")
def fitted(data):
    return cnn().fit(*data)


# The network in all its forms


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalization", ["batch", "layer", None])
@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
def test_agrees_for_every_kind_of_layer(pooling, normalization, activation):
    X, y = images((9, 7, 1))
    for hidden_layer_sizes in [(), (6, 5)]:
        clf = cnn(
            n_filters=(5, 6),
            pooling=pooling,
            normalization=normalization,
            activation=activation,
            hidden_layer_sizes=hidden_layer_sizes,
            dropout=0.5,
        )
        assert_agrees(clf.fit(X, y), X)


@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
@pytest.mark.parametrize("image_shape", IMAGE_SHAPES)
def test_agrees_for_every_size(image_shape, pooling):
    X, y = images(image_shape)
    rows = X.reshape(len(X), -1)
    for kernel_size, pool_size in [(3, 1), (3, 2), (4, 2), (4, (4, 3)), ((5, 2), (2, 3))]:
        clf = cnn(
            image_shape=image_shape,
            n_filters=(4, 5),
            kernel_size=kernel_size,
            pool_size=pool_size,
            pooling=pooling,
        )
        assert_agrees(clf.fit(rows, y), rows)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_agrees_for_any_number_of_classes(n_classes):
    X, y = images((8, 8, 1), n_classes)
    assert_agrees(cnn().fit(X[..., 0].reshape(len(X), -1), y), X.reshape(len(X), -1))


@pytest.mark.parametrize(
    ("low", "span"), [(0, 255), (0, 1e4), (1e4, 1), (-1e4, 3), (5, 1e-4), (0, 1e-6)]
)
@pytest.mark.parametrize("normalization", ["batch", None])
def test_pixels_of_any_scale_are_scaled_in_the_graph(low, span, normalization):
    X, y = images((8, 8, 1), low=low, span=span)
    X = X.reshape(len(X), -1)
    clf = cnn(max_iter=5, normalization=normalization).fit(X, y)
    beyond = X + 3 * span * np.random.default_rng(1).normal(size=X.shape).astype(np.float32)
    assert_agrees(clf, X)
    assert_agrees(clf, beyond.astype(np.float32))


def test_agrees_for_the_automatic_network_trained_on_shapes(shapes):
    X, y = shapes
    assert_agrees(ShapeCNNClassifier(max_iter=3, random_state=0).fit(X, y), X)


def test_flat_images_give_the_class_that_predict_gives(data):
    X, y = data
    flat = np.repeat(np.linspace(-2, 2, 50, dtype=np.float32)[:, np.newaxis], 64, axis=1)
    for normalization in ("batch", "layer", None):
        assert_agrees(cnn(normalization=normalization).fit(X, y), flat)


# Inputs and outputs


@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_takes_any_number_of_images(fitted, n):
    X = np.random.default_rng(0).uniform(size=(n, 64)).astype(np.float32)
    found = run(to_onnx(fitted), X)
    assert found["label"].shape == (n,)
    assert found["probabilities"].shape == (n, 3)
    if n:
        assert_agrees(fitted, X)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([0, 1, 2], np.int64),
        ([-5, 0, 2**40], np.int64),
        (np.array([3, 1, 2], np.uint8), np.int64),
        ([1.0, 2.0, -7.0], np.int64),
        ([False, True, True], np.int64),
        (["a", "bc", "ü"], np.object_),
        (np.array(["a", "bc", "ü"], object), np.object_),
    ],
)
def test_labels_are_ints_or_strings(labels, kind):
    X, y = images((8, 8, 1))
    clf = cnn().fit(X, np.asarray(labels)[y])
    model = to_onnx(clf)
    assert assert_agrees(clf, X.reshape(len(X), -1))["label"].dtype == kind
    properties = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert properties == {"classes": clf.classes_.tolist(), "image_shape": [8, 8, 1]}


@pytest.mark.parametrize("image_shape", [(8, 6, 1), (8, 6, 3)])
def test_takes_images_on_request(image_shape):
    X, y = images(image_shape)
    X = X[..., 0] if image_shape[2] == 1 else X
    clf = cnn().fit(X, y)
    model = to_onnx(clf, as_images=True)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert tuple(dim.dim_value for dim in dims[1:]) == X.shape[1:]
    found = run(model, X)
    np.testing.assert_allclose(found["probabilities"], clf.predict_proba(X), rtol=0, atol=CLOSE)
    scaled = make_pipeline(StandardScaler(), cnn(image_shape=image_shape))
    rows = X.reshape(len(X), -1)
    found = run(to_onnx(scaled.fit(rows, y), as_images=True), X)
    np.testing.assert_array_equal(found["label"], scaled.predict(rows))


def test_says_what_it_is(fitted):
    model = to_onnx(fitted)
    assert (model.producer_name, model.producer_version) == ("sklearn-shapecnn", __version__)
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == 17
    assert model.ir_version == 8
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"X": ["n", 64], "label": ["n"], "probabilities": ["n", 3]}
    assert {node.domain for node in model.graph.node} == {""}  # any runtime will do


def test_the_same_classifier_gives_the_same_bytes(fitted, tmp_path):
    for name in ("one", "two"):
        to_onnx(fitted, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


# Files


def test_writes_a_file_that_can_be_read_again(fitted, data, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"the old one")
    model = to_onnx(fitted, str(path))
    assert onnx.load(path) == model
    np.testing.assert_array_equal(run(onnx.load(path), data[0])["label"], fitted.predict(data[0]))
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_a_write_that_fails_leaves_the_old_file(fitted, tmp_path, monkeypatch):
    def full(_):
        raise OSError("No space left on device")

    (tmp_path / "model.onnx").write_bytes(b"the old one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        to_onnx(fitted, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == b"the old one"
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_the_file_is_hardly_larger_than_the_weights(few):
    clf = ShapeCNNClassifier(n_filters=(64, 128), max_iter=1).fit(*few)
    n_weights = sum(weights.numel() for weights in clf.net_.module_.parameters())
    assert 4 * n_weights < len(to_onnx(clf).SerializeToString()) < 4 * n_weights + 10_000


def test_weights_that_no_file_holds(fitted, monkeypatch):
    monkeypatch.setattr("sklearn_shapecnn.onnx_export.MOST_BYTES", 100)
    with pytest.raises(ValueError, match=r"cannot be exported to ONNX: The weights .* 2 GiB at mo"):
        to_onnx(fitted)


def test_a_folder_that_is_not_there(fitted, tmp_path):
    with pytest.raises(FileNotFoundError):
        to_onnx(fitted, tmp_path / "nowhere" / "model.onnx")


# Pipelines and searches


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), cnn()),
        make_pipeline(MinMaxScaler(), PCA(25), cnn()),
        make_pipeline(cnn(), SVC()),
        make_pipeline(cnn(), LinearSVC()),
        make_pipeline(cnn(), KNeighborsClassifier()),
        make_pipeline(StandardScaler(), cnn(), StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), make_pipeline(cnn(), LogisticRegression())),
        make_pipeline(make_union(cnn(), PCA(3)), LogisticRegression()),
        make_pipeline(
            ColumnTransformer(
                [
                    ("pixels", cnn(image_shape=(7, 8)), slice(0, 56)),
                    ("numbers", StandardScaler(), slice(56, 64)),
                ]
            ),
            LogisticRegression(),
        ),
        Pipeline([("a", "passthrough"), ("b", None), ("c", FunctionTransformer()), ("cnn", cnn())]),
        GridSearchCV(cnn(), {"kernel_size": [1, 3]}, cv=2),
        GridSearchCV(
            make_pipeline(StandardScaler(), cnn()), {"shapecnnclassifier__kernel_size": [3]}, cv=2
        ),
        make_pipeline(
            StandardScaler(), RandomizedSearchCV(cnn(), {"kernel_size": [3]}, n_iter=1, cv=2)
        ),
        CalibratedClassifierCV(cnn(), cv=2),
        make_pipeline(StandardScaler(), CalibratedClassifierCV(cnn(), cv=2)),
        VotingClassifier(
            [("cnn", cnn()), ("linear", LogisticRegression())],
            voting="soft",
            flatten_transform=False,
        ),
        StackingClassifier([("cnn", cnn()), ("linear", LogisticRegression())], cv=2),
    ],
    ids=lambda estimator: re.sub(r"\s+", " ", str(estimator))[:60],
)
def test_pipelines_and_searches_agree(estimator, data):
    assert_agrees(estimator.fit(*data), data[0])


def test_two_classes_are_calibrated_by_the_decision_function(few):
    X, y = few
    assert_agrees(CalibratedClassifierCV(cnn(), cv=2).fit(X, y), X)


def test_a_sampler_of_imbalanced_learn_is_left_out(data):
    X, y = data
    pipeline = make_imbalanced_pipeline(StandardScaler(), RandomOverSampler(random_state=0), cnn())
    assert_agrees(pipeline.fit(X[:50], y[:50]), X)


def test_features_are_those_of_transform(data):
    X, y = data
    for hidden_layer_sizes in [(), (9,)]:
        features = make_pipeline(cnn(hidden_layer_sizes=hidden_layer_sizes), "passthrough")
        found = run(to_onnx(features.fit(X, y)), X)
        assert list(found) == ["features"]
        np.testing.assert_allclose(found["features"], features.transform(X), rtol=CLOSE, atol=CLOSE)


def test_a_regressor_on_features(data):
    X, y = data
    pipeline = make_pipeline(cnn(), Ridge()).fit(X, np.unique(y, return_inverse=True)[1])
    found = run(to_onnx(pipeline), X)["variable"].ravel()
    np.testing.assert_allclose(found, pipeline.predict(X), rtol=0, atol=1e-4)  # up to about 2


def test_skl2onnx_knows_the_classifier_once_it_is_registered(fitted, data):
    X, _ = data
    register_converter()
    model = skl2onnx.to_onnx(fitted, X[:1], target_opset=18, options={"zipmap": False})
    np.testing.assert_array_equal(run(model, X)["label"], fitted.predict(X))
    frames = X.reshape(-1, 8, 8).astype(np.float64)
    options = {"zipmap": False, "raw_scores": True, "nocl": True}
    model = skl2onnx.to_onnx(fitted, frames[:1], target_opset=15, options=options)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    label, scores = session.run(None, {"X": frames})
    np.testing.assert_array_equal(fitted.classes_[label], fitted.predict(X))
    np.testing.assert_allclose(scores, fitted.decision_function(X), rtol=0, atol=CLOSE)
    model = skl2onnx.to_onnx(fitted, X[:1])  # its own default: a list of dicts
    session = onnxruntime.InferenceSession(model.SerializeToString())
    _, dicts = session.run(None, {"X": X})
    assert dicts[0]["dog"] == pytest.approx(fitted.predict_proba(X[:1])[0, 1], abs=CLOSE)


# Bad input


@pytest.mark.parametrize("estimator", [5, "model", None, ShapeCNNClassifier, np.zeros(3)])
def test_something_else(estimator):
    with pytest.raises(TypeError, match="to_onnx takes a fitted ShapeCNNClassifier, or a pipeline"):
        to_onnx(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        cnn(),
        make_pipeline(StandardScaler(), cnn()),
        GridSearchCV(cnn(), {"kernel_size": [3]}),
        CalibratedClassifierCV(cnn()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_not_fitted(estimator, tmp_path):
    with pytest.raises(NotFittedError):
        to_onnx(estimator, tmp_path / "model.onnx")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("missing", ["onnx", "skl2onnx"])
def test_the_extra_is_missing(fitted, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-shapecnn\[onnx\]"'):
        to_onnx(fitted)


def test_nothing_of_the_extra_is_imported_before_it_is_used():
    code = (
        "import sys, sklearn_shapecnn.onnx_export;"
        "assert not {'onnx', 'skl2onnx', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def brighten(X):
    return X + 1


def test_a_step_without_a_converter_is_named(data):
    X, y = data
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("lamp", FunctionTransformer(brighten)), ("cnn", cnn())]
    ).fit(X, y)
    message = r"step 'lamp' \(FunctionTransformer\) .* export the steps after it: .*pipeline\[2:\]"
    with pytest.raises(ValueError, match=message):
        to_onnx(pipeline)
    assert_agrees(pipeline[2:], brighten(pipeline[0].transform(X)))


class Reader(FunctionTransformer):
    """Like one that reads files: skl2onnx has never heard of it."""


def test_a_step_that_skl2onnx_does_not_know_is_named(data):
    X, y = data
    pipeline = Pipeline([("read", Reader(brighten)), ("cnn", cnn())]).fit(X, y)
    message = r"step 'read' \(Reader\) .*has no converter for it.*to_onnx\(pipeline\[1:\]\)"
    with pytest.raises(ValueError, match=message):
        to_onnx(pipeline)


def test_frozen_classifiers(fitted, data):
    X, y = data
    frozen = FrozenEstimator(fitted)
    found = run(to_onnx(frozen), X)
    np.testing.assert_array_equal(found["label"], fitted.predict(X))
    assert_agrees(make_pipeline(frozen, LogisticRegression()).fit(X, y), X)


def test_a_search_without_a_best_estimator(data):
    search = GridSearchCV(cnn(), {"kernel_size": [3]}, cv=2, refit=False).fit(*data)
    with pytest.raises(ValueError, match="kept no fitted estimator to export: set refit=True"):
        to_onnx(search)


def test_as_images_where_the_classifier_gets_something_else(data):
    pipeline = make_pipeline(PCA(25), cnn()).fit(*data)
    with pytest.raises(ValueError, match="this Pipeline takes 64 values that are not the pixels"):
        to_onnx(pipeline, as_images=True)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (CalibratedClassifierCV(cnn(), cv=2, method="isotonic"), "use method='sigmoid'"),
        (CalibratedClassifierCV(make_pipeline(cnn()), cv=2), "the last step of the pipeline"),
        pytest.param(
            CalibratedClassifierCV(cnn(), cv=2, method="temperature"),
            "use method='sigmoid'",
            marks=pytest.mark.skipif(
                Version(sklearn.__version__) < Version("1.8"),
                reason="scikit-learn has it since 1.8",
            ),
        ),
        (TunedThresholdClassifierCV(cnn(), cv=2), "leaves out its threshold"),
        (
            OneVsRestClassifier(CalibratedClassifierCV(cnn(), cv=2, method="isotonic")),
            "use method='sigmoid'",
        ),
        (
            VotingClassifier(
                [
                    ("cnn", cnn()),
                    ("calibrated", CalibratedClassifierCV(make_pipeline(cnn()), cv=2)),
                ],
                flatten_transform=False,
            ),
            "the last step of the pipeline",
        ),
    ],
)
def test_what_would_answer_something_else_is_refused(estimator, message, few):
    with pytest.raises(ValueError, match=message):
        to_onnx(estimator.fit(*few))


def test_a_folder_that_is_not_there_is_named(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such folder.*nowhere'"):
        to_onnx(fitted, tmp_path / "nowhere" / "model.onnx")
