"""Bad images, labels, weights and parameters are refused in words that name them."""

import numpy as np
import pytest
from helpers import small_classifier
from scipy import sparse
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_shapecnn import ShapeCNNClassifier


@pytest.fixture(scope="module")
def fitted(few):
    return small_classifier(max_iter=20).fit(*few)


def test_bad_X():
    y = [0, 1, 0, 1]
    good = np.random.default_rng(0).uniform(size=(4, 16))
    for X, error, message in [
        (np.where(good > 0.9, np.nan, good), ValueError, "Input X contains NaN"),
        (np.where(good > 0.9, np.inf, good), ValueError, "Input X contains infinity"),
        (good * 1e300, ValueError, r"too large for dtype\('float32'\)"),
        (good[:, 0], ValueError, "Expected 2D array, got 1D array instead"),
        (good.reshape(4, 1, 2, 4, 2), ValueError, r"dim 5.*\(n, h, w, c\).*\(4, 1, 2, 4, 2\)"),
        (good[:0], ValueError, "0 sample"),
        (good[:, :0], ValueError, "0 feature"),
        (np.zeros((4, 0, 3)), ValueError, r"without pixels.*\(4, 0, 3\)"),
        (good * 1j, ValueError, "Complex data not supported"),
        (good.astype(str), ValueError, "not compatible with arrays of bytes/strings"),
        (np.array([[object()]] * 4), TypeError, "must be a string or a real number"),
        (sparse.csr_array(good), TypeError, "Sparse data was passed"),
        (np.zeros((4, 3, 8, 8)), ValueError, "channels first"),
    ]:
        with pytest.raises(error, match=message):
            small_classifier().fit(X, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 0], "inconsistent numbers of samples"),
        ([0.5, 1.2, 3.4, 0.1], "Unknown label type: continuous"),
        ([0, 1, np.nan, 1], "Input y contains NaN"),
        ([1, 1, 1, 1], "y has only one class, .*1.*; at least 2 classes"),
        ([[0, 1], [1, 2], [0, 1], [1, 0]], r"y should be a 1d array .* holds 2\. .*Binarizer"),
        ([[0, 1], [1], [0, 1], [1, 0]], "^y holds lists of unequal lengths.*MultiLabelBinarizer"),
        (np.array([0, "a", 1, "b"], dtype=object), "y"),
        (np.array(["a", None, "b", "a"], dtype=object), "y must hold labels of one kind"),
        (None, "y to be passed"),
    ],
)
def test_bad_y(y, message):
    X = np.random.default_rng(0).uniform(size=(4, 16))
    with pytest.raises(ValueError, match=message):
        small_classifier().fit(X, y)


def test_a_column_of_labels_is_flattened_with_a_warning(few):
    X, y = few
    with pytest.warns(DataConversionWarning, match="column-vector"):
        clf = small_classifier().fit(X, y[:, None])
    np.testing.assert_array_equal(
        clf.predict_proba(X), small_classifier().fit(X, y).predict_proba(X)
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1, 1], r"sample_weight.shape == \(3,\), expected \(4,\)"),
        ([1, 1, 1, -1], "Negative values in data passed to `sample_weight`"),
        ([1, 1, 1, np.nan], "Input sample_weight contains NaN"),
        ([0, 0, 0, 0], "zero"),
        ([1, 0, 1, 0], "non-zero sample weight have the class .*0"),
    ],
)
def test_bad_weights(weights, message):
    X = np.random.default_rng(0).uniform(size=(4, 16))
    with pytest.raises(ValueError, match=message):
        small_classifier().fit(X, [0, 1, 0, 1], sample_weight=weights)


@pytest.mark.parametrize(
    "parameters",
    [
        {"image_shape": "8x8"}, {"image_shape": 8}, {"n_filters": 0}, {"n_filters": "many"},
        {"kernel_size": 2.5}, {"kernel_size": -1}, {"pool_size": 0}, {"pooling": "median"},
        {"hidden_layer_sizes": -3}, {"activation": "swish"}, {"normalization": "group"},
        {"dropout": 1.0}, {"dropout": -0.1}, {"learning_rate_init": 0},
        {"learning_rate_init": "high"}, {"alpha": -1}, {"batch_size": 0}, {"batch_size": "big"},
        {"max_iter": 0}, {"max_iter": 1.5}, {"label_smoothing": 1}, {"augment": "zoom"},
        {"class_weight": "even"}, {"early_stopping": "yes"}, {"validation_fraction": 0.0},
        {"validation_fraction": 1.0}, {"n_iter_no_change": 0}, {"tol": -1}, {"warm_start": 2},
        {"device": None}, {"random_state": "seed"}, {"random_state": -1}, {"verbose": "loud"},
    ],
    ids=str,
)  # fmt: skip
def test_bad_parameters_are_named(few, parameters):
    (name,) = parameters
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter"):
        small_classifier(**parameters).fit(*few)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": (7, 9)}, "means 63 values per image, but X .* has 64 values"),
        ({"image_shape": (64,)}, r"image_shape must be \(height, width\)"),
        ({"image_shape": (8, 8.0)}, "image_shape must hold positive ints only"),
        ({"image_shape": (8, -8)}, "image_shape must hold positive ints only"),
        ({"n_filters": ()}, "n_filters is empty"),
        ({"n_filters": (8, 0)}, "n_filters must hold positive ints only"),
        ({"n_filters": (8, True)}, "n_filters must hold positive ints only"),
        (
            {"n_filters": (8, 16), "kernel_size": (3, 3, 3)},
            "one value per stage, but n_filters has 2 and kernel_size has 3",
        ),
        ({"kernel_size": (3,), "pool_size": (2, 2)}, "kernel_size has 1 and pool_size has 2"),
        ({"hidden_layer_sizes": (10, "a")}, "hidden_layer_sizes must hold positive ints only"),
        (
            {"augment": ["shift", "zoom"]},
            "augment holds 'zoom', which is none of auto, jitter, shift",
        ),
        ({"device": "cuda:99"}, r"device='cuda:99' is not available here\. Use 'auto'.* or 'cpu'"),
        ({"kernel_size": True}, "kernel_size must hold positive ints only"),
        ({"augment": np.array(["zoom"])}, "augment holds 'zoom'"),
        ({"class_weight": {5: 2.0}}, "class"),
        ({"class_weight": {0: -5}}, "class_weight must hold finite numbers"),
        ({"class_weight": {0: np.inf}}, "class_weight must hold finite numbers"),
        ({"class_weight": {0: np.nan}}, "class_weight must hold finite numbers"),
        ({"class_weight": {0: 0, 1: 1}}, "non-zero sample weight have the class 1"),
    ],
    ids=str,
)
def test_parameters_that_do_not_fit_together(few, parameters, message):
    with pytest.raises(ValueError, match=message):
        small_classifier(**parameters).fit(*few)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": 32}, r"Got 32 instead\. .* set image_shape=\(32, 32\)\.$"),
        ({"image_shape": "8x8"}, r"set image_shape=\(32, 32\)\.$"),
        ({"augment": "rotate"}, "Got 'rotate' instead. 'jitter' turns, .* 'quarter_turns' turns"),
        ({"augment": ["rotate"]}, "which is none of .* 'jitter' turns, .* 'quarter_turns' turns"),
        ({"device": "gpu"}, "not available here. Use 'auto', which takes a GPU if .* Torch says: "),
    ],
    ids=str,
)
def test_common_mistakes_get_advice(few, parameters, message):
    with pytest.raises(ValueError, match=message):
        small_classifier(**parameters).fit(*few)


def test_filters_larger_than_the_images_cause_a_warning(few):
    with pytest.warns(UserWarning, match=r"kernel_size=99 is larger than .* 8 x 8 pixels"):
        small_classifier(n_filters=2, kernel_size=99, max_iter=1).fit(*few)
    small_classifier(n_filters=2, kernel_size=9, max_iter=1).fit(*few)  # some try that on purpose


def test_quarter_turns_need_squares():
    with pytest.raises(ValueError, match=r"quarter_turns' needs square images, .* 2 x 8 pixels"):
        small_classifier(augment="quarter_turns").fit(np.zeros((4, 2, 8)), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 63)), "X has 63 features, but ShapeCNNClassifier is expecting 64 features"),
        (np.zeros((2, 9, 8)), r"images of shape \(9, 8\), .* fitted on images of shape \(8, 8\)"),
        (np.zeros((2, 8, 8, 3)), r"images of shape \(8, 8, 3\), .* shape \(8, 8\).*convert"),
        (np.zeros((2, 1, 8, 8)), r"np.moveaxis\(X, 1, -1\)"),
        (np.zeros((8, 8)), r"X has 8 features, .*single image: give X\[np.newaxis\]"),
        (np.zeros(64), "Expected 2D array"),
        (np.full((2, 64), np.nan), "Input X contains NaN"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_predicting_for_other_images(fitted, X, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_pixels_far_outside_cause_a_warning_and_an_error(fitted, method):
    with (
        pytest.warns(UserWarning, match=r"range from 1e\+300 to 1e\+300, but"),
        pytest.raises(ValueError, match="not finite: X holds values far outside"),
    ):
        getattr(fitted, method)(np.full((2, 64), 1e300))


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_predicting_before_fit(few, method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(ShapeCNNClassifier(), method)(few[0])
