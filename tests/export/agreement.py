"""What the tests of the export share: ONNX Runtime, beside the classifier itself."""

from functools import partial

import numpy as np
import onnx
import onnxruntime
from helpers import small_classifier

from sklearn_shapecnn.export import to_onnx

CLOSE = 1e-5

tiny = partial(small_classifier, n_filters=(4,), max_iter=1, batch_size=30)


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


def noisy_images(image_shape, n_classes=3, low=0.0, span=1.0, n=60):
    """Noise that is lighter from class to class: images X, ints y."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    X = rng.uniform(size=(n, *image_shape)) + 0.3 * y[:, np.newaxis, np.newaxis, np.newaxis]
    return (low + span * X).astype(np.float32), y
