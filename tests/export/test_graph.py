import json

import numpy as np
import pytest
from agreement import assert_agrees, noisy_images, tiny

from sklearn_shapecnn.export import to_onnx


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
    X, y = noisy_images((8, 8, 1))
    clf = tiny().fit(X, np.asarray(labels)[y])
    model = to_onnx(clf)
    assert assert_agrees(clf, X.reshape(len(X), -1))["label"].dtype == kind
    properties = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert properties == {"classes": clf.classes_.tolist(), "image_shape": [8, 8, 1]}
