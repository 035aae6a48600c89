"""ShapeCNNRegressor: numbers from images."""

import pickle
import warnings

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Checkpoint, EarlyStopping

from sklearn_shapecnn import (
    ImagesDisplay,
    SaliencyDisplay,
    ShapeCNNClassifier,
    ShapeCNNRegressor,
    TrainingDisplay,
    make_shapes,
    to_onnx,
)
from sklearn_shapecnn.inspection import architecture, saliency, shift_probabilities


def small_regressor(**parameters):
    """A regressor that is fitted in no time."""
    usual = {"n_filters": (4, 8), "max_iter": 3, "learning_rate_init": 0.01, "random_state": 0}
    return ShapeCNNRegressor(**usual | parameters)


@pytest.fixture(scope="module")
def data():
    """Forty images of 8 x 8 pixels with a bright spot: X, its row and column."""
    rng = np.random.default_rng(0)
    places = rng.uniform(1, 6, (40, 2))
    rows, columns = np.mgrid[:8, :8]
    distances = (rows - places[:, :1, None]) ** 2 + (columns - places[:, 1:, None]) ** 2
    return np.exp(-distances / 2).reshape(40, 64).astype(np.float32), places


@pytest.fixture(scope="module")
def fitted(data):
    return small_regressor(max_iter=60).fit(*data)


@pytest.mark.slow
def test_defaults_tell_where_a_shape_is_and_how_large():
    shapes = make_shapes(400, image_shape=(24, 24), return_X_y=False, random_state=0)
    y = np.column_stack((shapes.centers, shapes.sizes))
    reg = ShapeCNNRegressor(random_state=0).fit(shapes.data[:300], y[:300])
    errors = np.abs(reg.predict(shapes.data[300:]) - y[300:]).mean(axis=0)
    assert (errors < 0.8).all()  # in pixels; 0.32 to 0.51 were seen


def test_what_fit_leaves_behind(data, fitted):
    X, y = data
    assert fitted.predict(X).shape == (40, 2)
    assert fitted.predict(X).dtype == np.float64
    assert fitted.n_outputs_ == 2
    assert not hasattr(fitted, "classes_")
    assert not hasattr(fitted, "predict_proba")
    assert fitted.score(X, y) == r2_score(y, fitted.predict(X)) > 0.8
    one = small_regressor().fit(X, y[:, 0])
    assert one.predict(X).shape == (40,)
    assert one.n_outputs_ == 1


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
@pytest.mark.parametrize(("factor", "shift"), [(2.0**100, 0), (2.0**-100, 0), (1, 2.0**10)])
def test_the_scale_of_the_targets_does_not_matter(data, loss, factor, shift):
    X, y = data
    usual = small_regressor(loss=loss).fit(X, y).predict(X)
    other = small_regressor(loss=loss).fit(X, y * factor + shift).predict(X)
    np.testing.assert_allclose((other - shift) / factor, usual, rtol=1e-4)


def test_targets_near_the_limits_of_floats(data):
    X, y = data
    y = y * [1e300, 1e-300]
    predictions = small_regressor(max_iter=60).fit(X, y).predict(X)
    assert (np.abs(predictions / y - 1) < 0.6).mean() > 0.9


def test_whole_numbers_are_numbers(data):
    X, y = data
    y = y[:, 0].round().astype(int)
    predictions = small_regressor().fit(X, y).predict(X)
    assert predictions.dtype == np.float64
    assert not np.array_equal(predictions, predictions.round())


@pytest.mark.parametrize("value", [0.1, 0.0, -1e30, 7])
def test_the_same_target_everywhere(data, value):
    X, _ = data
    with pytest.warns(UserWarning, match="same number for all images"):
        reg = small_regressor().fit(X, np.full(40, value))
    assert (reg.predict(X) == value).all()


@pytest.mark.slow
def test_huber_shrugs_at_a_wild_target(data):
    X, y = data
    wild = y[:, 0].copy()
    wild[0] = 1e6
    errors = {}
    for loss in ("squared_error", "absolute_error", "huber"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of the squared error, rightly
            reg = small_regressor(loss=loss, max_iter=60).fit(X, wild)
        errors[loss] = np.abs(reg.predict(X)[1:] - y[1:, 0]).mean()
    assert errors["huber"] < 0.5
    assert errors["absolute_error"] < 0.5
    assert errors["squared_error"] > 100


@pytest.mark.slow
def test_absolute_error_leads_to_the_median_and_squared_error_to_the_mean():
    X = np.zeros((30, 16), dtype=np.float32)
    X[0] = 1
    y = np.where(np.arange(30) % 3 == 0, 9.0, np.arange(30) / 100)
    common = {"n_filters": 2, "max_iter": 300, "normalization": None, "alpha": 0.0}
    means = small_regressor(**common).fit(X, y).predict(X[1:])
    medians = small_regressor(loss="absolute_error", **common).fit(X, y).predict(X[1:])
    assert abs(means[0] - y[1:].mean()) < 0.6
    assert abs(medians[0] - np.median(y[1:])) < 0.6


def test_two_images_are_enough():
    X = np.stack((np.zeros((6, 6)), np.eye(6)))
    reg = ShapeCNNRegressor(n_filters=4, random_state=0).fit(X, [1.0, 2.0])
    np.testing.assert_allclose(reg.predict(X), [1, 2], atol=0.3)


def test_a_column_is_taken_for_one_target(data):
    X, y = data
    with pytest.warns(DataConversionWarning):
        reg = small_regressor().fit(X, y[:, :1])
    np.testing.assert_array_equal(reg.predict(X), small_regressor().fit(X, y[:, 0]).predict(X))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([np.nan] * 40, "y contains NaN"),
        ([np.inf] * 40, "y contains infinity"),
        ([1.0] * 39, "inconsistent numbers of samples"),
        (None, "the target y is None"),
        (["a"] * 40, "y"),
        ([1j] * 40, "[Cc]omplex"),
        (np.zeros((40, 2, 2)), "shape"),
        (3.0, "list or an array"),
    ],
)
def test_targets_that_are_no_numbers(data, y, message):
    reg = small_regressor()
    with pytest.raises(ValueError, match=message):
        reg.fit(data[0], y)
    assert not hasattr(reg, "net_")


def test_any_form_of_y_is_the_same(data):
    X, y = data
    usual = small_regressor().fit(X, y).predict(X)
    for form in (y.tolist(), pd.DataFrame(y, columns=["row", "column"]), np.asfortranarray(y)):
        np.testing.assert_array_equal(small_regressor().fit(X, form).predict(X), usual)


def test_a_weight_of_two_is_the_image_given_twice(data):
    X, y = data
    weights = np.arange(40) % 3
    for loss in ("squared_error", "huber"):
        one = small_regressor(loss=loss).fit(X, y, weights)
        times = np.random.default_rng(0).permutation(np.repeat(np.arange(40), weights))
        other = small_regressor(loss=loss).fit(X[times], y[times])
        np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_partial_fit_goes_on_and_knows_its_scale(data):
    X, y = data
    reg = small_regressor()
    for start in range(0, 40, 10):
        reg.partial_fit(X[start : start + 10], y[start : start + 10])
    assert len(reg.loss_curve_) == 4
    with pytest.raises(ValueError, match="number of targets"):
        reg.partial_fit(X, y[:, 0])
    with pytest.warns(UserWarning, match="another scale"):
        reg.partial_fit(X, 50 * y)


def test_a_stream_may_begin_with_a_single_image(data):
    X, y = data
    reg = small_regressor().partial_fit(X[:1], y[:1, 0])
    assert reg.predict(X[:1]) == y[0, 0]
    for _ in range(30):
        reg.partial_fit(X, y[:, 0])
    assert reg.score(X, y[:, 0]) > 0.3


def test_warm_start_goes_on(data):
    X, y = data
    reg = small_regressor(warm_start=True).fit(X, y)
    before = reg.score(X, y)
    assert reg.set_params(max_iter=40).fit(X, y).score(X, y) > before
    assert len(reg.loss_curve_) == 43


def test_early_stopping_keeps_the_best_r2(data):
    X, y = data
    reg = small_regressor(early_stopping=True, validation_fraction=0.25, max_iter=15).fit(X, y)
    assert reg.best_validation_score_ == max(reg.validation_scores_) <= 1
    assert not hasattr(reg, "partial_fit")


def test_progress_tells_r2(data, capsys):
    small_regressor(verbose=1).fit(*data)
    assert "training score" in capsys.readouterr().err


def test_copies_predict_the_same_and_go_on(data, fitted):
    X, y = data
    twin = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(twin.predict(X), fitted.predict(X))
    one, other = twin.partial_fit(X, y), pickle.loads(pickle.dumps(fitted)).partial_fit(X, y)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_skops_reads_it_with_one_type_to_trust(data, fitted):
    content = skops.io.dumps(fitted)
    types = skops.io.get_untrusted_types(data=content)
    assert types == ["sklearn_shapecnn.regressor.ShapeCNNRegressor"]
    twin = skops.io.loads(content, trusted=types)
    np.testing.assert_array_equal(twin.predict(data[0]), fitted.predict(data[0]))


def test_filters_of_a_classifier_start_a_regressor_and_the_other_way_around(data, few, fitted):
    clf = ShapeCNNClassifier(n_filters=(4, 8), max_iter=1, random_state=0).fit(*few)
    for weights in (clf, FrozenEstimator(clf)):
        reg = small_regressor(weights=weights).fit(*data)
        assert reg.n_pretrained_filters_ == (4, 8)
    clf = ShapeCNNClassifier(n_filters=(4, 8), max_iter=1, weights=fitted).fit(*few)
    assert clf.n_pretrained_filters_ == (4, 8)


def test_nothing_changes_the_images_unless_it_is_asked_for(data):
    X, y = data
    usual = small_regressor().fit(X, y).predict(X)
    np.testing.assert_array_equal(small_regressor(augment=None).fit(X, y).predict(X), usual)
    assert (small_regressor(augment="shift").fit(X, y).predict(X) != usual).any()


def test_displays_and_saliency(data, fitted):
    X, y = data
    shown = saliency(fitted, X[:3], target=0, method="integrated_gradients")
    assert shown.shape == (3, 8, 8)
    with pytest.raises(ValueError, match="predicts 2 numbers"):
        saliency(fitted, X[:3])
    with pytest.raises(ValueError, match="columns of targets"):
        saliency(fitted, X[:3], target=2)
    with pytest.raises(TypeError, match="predict_proba"):
        shift_probabilities(fitted, X[:3])
    assert architecture(fitted)[-1]["output_shape"] == (2,)
    SaliencyDisplay.from_estimator(fitted, X[:3], target=1)
    TrainingDisplay.from_estimator(fitted)
    display = ImagesDisplay.from_estimator(fitted, X[:3], y[:3])
    assert display.axes_[0].get_title().startswith(f"true {y[0, 0]:.3g}, {y[0, 1]:.3g}\npredicted ")
    plt.close("all")


def test_the_sum_of_integrated_gradients_is_what_the_number_changes_by(data):
    X, y = data
    reg = small_regressor(max_iter=20).fit(X, y[:, 0])
    values = saliency(reg, X[:5], method="integrated_gradients", baseline=0.0, n_steps=1000)
    deviation = y[:, 0].std()
    change = (reg.predict(X[:5]) - reg.predict(np.zeros((5, 64)))) / deviation
    # Near the empty image, the positions in nearly empty feature maps change fast.
    np.testing.assert_allclose(values.sum(axis=(1, 2)), change, atol=0.1)


@pytest.mark.parametrize("shape", [(8, 8), (5, 7), (1, 9), (2, 1), (1, 1)])
def test_onnx_answers_the_same(shape):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(20, shape[0] * shape[1])).astype(np.float32)
    y = np.column_stack((X.sum(axis=1) * 1000, X[:, 0]))
    reg = small_regressor(image_shape=shape).fit(X, y)
    for estimator in (reg, make_pipeline(StandardScaler(), reg).fit(X, y)):
        session = onnxruntime.InferenceSession(to_onnx(estimator).SerializeToString())
        (numbers,) = session.run(None, {"X": X})
        np.testing.assert_allclose(numbers, estimator.predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_meta_estimators(data):
    X, y = data
    for meta in (
        TransformedTargetRegressor(small_regressor(), transformer=StandardScaler()),
        MultiOutputRegressor(small_regressor()),
        BaggingRegressor(small_regressor(image_shape=(8, 8)), n_estimators=2, random_state=0),
    ):
        assert meta.fit(X, y).predict(X).shape == y.shape
    stack = StackingRegressor([("cnn", small_regressor()), ("ridge", Ridge())], cv=2)
    assert stack.fit(X, y[:, 0]).predict(X).shape == (40,)
    scores = cross_val_score(small_regressor(), X, y, cv=2, scoring="neg_mean_absolute_error")
    assert np.isfinite(scores).all()
    search = GridSearchCV(small_regressor(), {"loss": ["squared_error", "huber"]}, cv=2, n_jobs=2)
    assert search.fit(X, y).best_params_["loss"] in ("squared_error", "huber")


def test_a_chain_gets_the_targets_before_beside_the_features(data):
    X, y = data
    # A chain puts numbers beside the pixels, so that a row is no square image any more.
    with pytest.warns(UserWarning, match="one pixel high"):
        chain = RegressorChain(small_regressor()).fit(X, y)
    assert chain.predict(X).shape == y.shape


def test_a_network_with_a_hidden_layer_on_single_pixels_survives_a_file(data):
    X, y = data
    reg = small_regressor(n_filters=32, kernel_size=1, pool_size=8, hidden_layer_sizes=(256,))
    reg.set_params(max_iter=1).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(X), reg.predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_one_target_far_out_is_no_divergence(data, loss):
    X, y = data
    wild = y[:, 0].copy()
    wild[3] = 1e12
    reg = small_regressor(loss=loss).fit(X, wild)
    assert np.isfinite(reg.predict(X)).all()


def test_later_targets_may_be_far_from_the_first_ones(data):
    X, _ = data
    reg = small_regressor()
    for image, target in zip(X[:4], [50, 50.01, 0, 100], strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of targets that are unlike the first ones
            reg.partial_fit(image[np.newaxis], [target])
    assert np.isfinite(reg.predict(X)).all()


@pytest.mark.parametrize("random_state", [0, 1, 2])
def test_rare_targets_are_among_those_held_out(data, random_state):
    X, _ = data
    rare = np.zeros(40)
    rare[[3, 17]] = 1, 2
    reg = small_regressor(early_stopping=True, random_state=random_state).fit(X, rare)
    # If all were 0, R2 would be 0 in each epoch.
    assert set(reg.validation_scores_) != {0.0}


def test_early_stopping_needs_three_images(data):
    X, y = data
    with pytest.raises(ValueError, match="R2 needs two of them, but there are only two distinct"):
        small_regressor(early_stopping=True).fit(X[:2], y[:2])
    assert len(small_regressor(early_stopping=True).fit(X[:3], y[:3]).validation_scores_) == 3


def test_callbacks_may_watch_r2(data, tmp_path):
    watching = Checkpoint(dirname=tmp_path, monitor="valid_r2_best")
    small_regressor(early_stopping=True, callbacks=[watching]).fit(*data)
    assert (tmp_path / "params.pt").exists()
    wrong = EarlyStopping(monitor="valid_acc", lower_is_better=False)
    with pytest.raises(ValueError, match="'train_loss' or 'valid_r2' or 'valid_loss'"):
        small_regressor(early_stopping=True, callbacks=[wrong]).fit(*data)


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**1000])
def test_the_score_of_tiny_and_huge_targets(data, factor):
    X, y = data
    one, other = (small_regressor().fit(X, y * f) for f in (1.0, factor))
    assert other.score(X, y * factor) == pytest.approx(one.score(X, y), rel=1e-6)


def test_what_the_user_has_set_in_torch_does_not_matter(data, fitted):
    X, _ = data
    expected = saliency(fitted, X[:2], target=1)
    with torch.inference_mode():
        np.testing.assert_array_equal(saliency(fitted, X[:2], target=1), expected)
    with torch.device("meta"):
        model = to_onnx(fitted)
    assert model.SerializeToString() == to_onnx(fitted).SerializeToString()


def test_true_numbers_in_a_frame_are_shown_as_numbers(data, fitted):
    X, y = data
    frame = pd.DataFrame(y).astype("Float64")
    titles = [
        [ax.get_title() for ax in ImagesDisplay.from_estimator(fitted, X[:3], each).axes_]
        for each in (frame[:3], y[:3])
    ]
    assert titles[0] == titles[1]
    plt.close("all")
