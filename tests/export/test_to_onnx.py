import os

import numpy as np
import pytest
from agreement import CLOSE, assert_agrees, noisy_images, run, tiny
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_shapecnn import ShapeCNNClassifier, __version__
from sklearn_shapecnn.export import to_onnx


@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_takes_any_number_of_images(fitted, n):
    X = np.random.default_rng(0).uniform(size=(n, 64)).astype(np.float32)
    found = run(to_onnx(fitted), X)
    assert found["label"].shape == (n,)
    assert found["probabilities"].shape == (n, 3)
    if n:
        assert_agrees(fitted, X)


@pytest.mark.parametrize("image_shape", [(8, 6, 1), (8, 6, 3)])
def test_takes_images_on_request(image_shape):
    X, y = noisy_images(image_shape)
    X = X[..., 0] if image_shape[2] == 1 else X
    clf = tiny().fit(X, y)
    model = to_onnx(clf, as_images=True)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert tuple(dim.dim_value for dim in dims[1:]) == X.shape[1:]
    found = run(model, X)
    np.testing.assert_allclose(found["probabilities"], clf.predict_proba(X), rtol=0, atol=CLOSE)
    scaled = make_pipeline(StandardScaler(), tiny(image_shape=image_shape))
    rows = X.reshape(len(X), -1)
    found = run(to_onnx(scaled.fit(rows, y), as_images=True), X)
    np.testing.assert_array_equal(found["label"], scaled.predict(rows))


def test_as_images_where_the_classifier_gets_something_else(data):
    pipeline = make_pipeline(PCA(25), tiny()).fit(*data)
    with pytest.raises(ValueError, match="this Pipeline takes 64 values that are not the pixels"):
        to_onnx(pipeline, as_images=True)


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


def test_the_file_is_hardly_larger_than_the_weights(few):
    clf = ShapeCNNClassifier(n_filters=(64, 128), max_iter=1).fit(*few)
    n_weights = sum(weights.numel() for weights in clf.net_.module_.parameters())
    assert 4 * n_weights < len(to_onnx(clf).SerializeToString()) < 4 * n_weights + 10_000


@pytest.mark.parametrize("dtype", ["M8[D]", "m8[s]"])
def test_dates_and_durations_as_labels(few, dtype):
    X, y = few
    pipeline = make_pipeline(tiny()).fit(X, y.astype(dtype))
    with pytest.raises(ValueError, match=r"^Labels in ONNX .* dates or durations\. Fit it with y"):
        to_onnx(pipeline)


@pytest.mark.parametrize("estimator", [5, "model", None, ShapeCNNClassifier, np.zeros(3)])
def test_something_else(estimator):
    with pytest.raises(TypeError, match="to_onnx takes a fitted ShapeCNNClassifier or"):
        to_onnx(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        tiny(),
        make_pipeline(StandardScaler(), tiny()),
        GridSearchCV(tiny(), {"kernel_size": [3]}),
        CalibratedClassifierCV(tiny()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_not_fitted(estimator, tmp_path):
    with pytest.raises(NotFittedError):
        to_onnx(estimator, tmp_path / "model.onnx")
    assert os.listdir(tmp_path) == []
