import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import skl2onnx
from agreement import CLOSE, run, tiny
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sklearn_shapecnn.export import register_converter, to_onnx


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


def test_features_are_those_of_transform(data):
    X, y = data
    for hidden_layer_sizes in [(), (9,)]:
        features = make_pipeline(tiny(hidden_layer_sizes=hidden_layer_sizes), "passthrough")
        model = to_onnx(features.fit(X, y))
        found = run(model, X)
        assert list(found) == ["features"]
        np.testing.assert_allclose(found["features"], features.transform(X), rtol=CLOSE, atol=CLOSE)
        (output,) = model.graph.output
        n_features = features.transform(X[:1]).shape[1]
        assert [d.dim_value for d in output.type.tensor_type.shape.dim] == [0, n_features]


def test_a_regressor_on_features(data):
    X, y = data
    pipeline = make_pipeline(tiny(), Ridge()).fit(X, np.unique(y, return_inverse=True)[1])
    found = run(to_onnx(pipeline), X)["variable"].ravel()
    np.testing.assert_allclose(found, pipeline.predict(X), rtol=0, atol=1e-4)  # up to about 2


def test_weights_that_no_file_holds(fitted, monkeypatch):
    monkeypatch.setattr("sklearn_shapecnn.export._converter.MOST_BYTES", 100)
    with pytest.raises(ValueError, match=r"cannot be exported to ONNX: The weights .* 2 GiB at mo"):
        to_onnx(fitted)


@pytest.mark.parametrize("missing", ["onnx", "skl2onnx"])
def test_the_extra_is_missing(fitted, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match="pip install onnx skl2onnx onnxruntime"):
        to_onnx(fitted)


@pytest.mark.slow
def test_nothing_of_the_extra_is_imported_before_it_is_used():
    code = (
        "import sys, sklearn_shapecnn.export;"
        "assert not {'onnx', 'skl2onnx', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
