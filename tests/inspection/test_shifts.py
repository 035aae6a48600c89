import numpy as np
import pandas as pd
import pytest
from helpers import small_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_shapecnn.inspection import shift_probabilities


def test_shifted_images_are_what_the_classifier_is_asked(shapes):
    X, y = shapes
    seen = []

    def look(images):
        seen.append(images.copy())
        return images

    pipe = make_pipeline(FunctionTransformer(look), small_classifier(max_iter=1)).fit(X, y)
    image = np.zeros((16, 16))
    image[5, 4] = 1
    seen.clear()
    result = shift_probabilities(pipe, image.reshape(1, -1), max_shift=5, step=2)
    np.testing.assert_array_equal(result.shifts, [-4, -2, 0, 2, 4])
    assert result.probabilities.shape == (1, 5, 5, 3)
    np.testing.assert_allclose(result.probabilities.sum(-1), 1)
    stood = [divmod(int(pixels.argmax()), 16) for pixels in seen]
    assert stood[0] == (1, 0)
    assert stood[-1] == (9, 8)
    np.testing.assert_array_equal(
        result.probabilities[0, 2, 3], pipe.predict_proba(np.roll(image, 2, 1).reshape(1, -1))[0]
    )


def test_share_of_the_same_label(colored):
    clf, X, _ = colored
    still = np.full((2, 11, 14, 3), 40, dtype=np.uint8)  # nothing in it to be moved
    assert shift_probabilities(clf, still, max_shift=2).same_label == 1
    result = shift_probabilities(clf, X[:4], max_shift=9, step=3)
    labels = result.probabilities.argmax(-1)
    assert result.same_label == np.mean(labels == labels[:, 3:4, 3:4])


def test_shifted_frames_keep_their_columns(few):
    X, y = few
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    clf = small_classifier(max_iter=1).fit(frame, y)
    result = shift_probabilities(clf, frame[:2], max_shift=1)  # a warning would be an error
    np.testing.assert_allclose(result.probabilities[:, 1, 1], clf.predict_proba(frame[:2]))


def test_shifts_of_another_classifier(few):
    X, y = few
    mlp = MLPClassifier(max_iter=500, random_state=0).fit(X, y)
    assert shift_probabilities(mlp, X[:3], max_shift=1).probabilities.shape == (3, 3, 3, 2)


def test_another_classifier_of_single_pixels(few):
    X, y = few
    logistic = LogisticRegression().fit(X[:, :1], y)
    assert shift_probabilities(logistic, X[:3, :1], max_shift=1).same_label == 1


def test_shapes_that_must_be_told(few):
    X, y = few
    mlp = MLPClassifier(max_iter=500, random_state=0).fit(X[:, :48], y)
    with pytest.raises(ValueError, match=r"rows of 48 values, .* Set image_shape"):
        shift_probabilities(mlp, X[:3, :48], max_shift=1)
    result = shift_probabilities(mlp, X[:3, :48], max_shift=1, image_shape=(4, 4, 3))
    down = X[:3, :48].reshape(3, 4, 12)[:, [0, 0, 1, 2]].reshape(3, -1)
    np.testing.assert_allclose(result.probabilities[:, 2, 1], mlp.predict_proba(down))
    with pytest.raises(ValueError, match="step=3 must not be larger than max_shift=2"):
        shift_probabilities(mlp, X[:3, :48], max_shift=2, step=3)


@pytest.mark.parametrize("parameters", [{"max_shift": 0}, {"step": -1}, {"max_shift": 1.5}])
def test_unusable_shifts(fitted, parameters):
    with pytest.raises(ValueError, match=f"{next(iter(parameters))} must be a positive int"):
        shift_probabilities(fitted, np.zeros((1, 256)), **parameters)
