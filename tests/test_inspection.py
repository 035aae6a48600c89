import copy

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn.inspection import (
    METHODS,
    architecture,
    feature_maps,
    filters,
    saliency,
    shift_probabilities,
)


@pytest.fixture(scope="module")
def fitted(shapes):
    X, y = shapes
    return ShapeCNNClassifier(max_iter=8, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def coloured():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.integers(0, 100, size=(60, 11, 14, 3), dtype=np.uint8)
    X[y == 1, 2:6, 8:12, 0] += 150  # the one class has a red square
    clf = ShapeCNNClassifier(max_iter=10, augment=None, random_state=0).fit(X, y)
    assert clf.score(X, y) == 1
    return clf, X, y


def log_odds(clf, X, label):
    p = clf.predict_log_proba(X)
    mine = p[:, label]
    return mine - np.logaddexp.reduce(np.delete(p, label, axis=1), axis=1)


# The estimators that are taken


def test_pipelines_and_searches_give_what_their_classifier_gives(few):
    X, y = few
    pipe = make_pipeline(MinMaxScaler(), ShapeCNNClassifier(max_iter=2, random_state=0))
    search = GridSearchCV(pipe, {"shapecnnclassifier__n_filters": [[4], [6]]}, cv=2).fit(X, y)
    best = search.best_estimator_
    inner = best[-1]
    scaled = best[0].transform(X[:3])
    for estimator in (search, best):
        np.testing.assert_array_equal(filters(estimator), filters(inner))
        np.testing.assert_array_equal(
            feature_maps(estimator, X[:3])[0], feature_maps(inner, scaled)[0]
        )
        np.testing.assert_array_equal(saliency(estimator, X[:3]), saliency(inner, scaled))
        assert architecture(estimator) == architecture(inner)


def test_a_single_image_through_a_pipeline_and_a_search(few):
    X, y = few
    pipe = make_pipeline(MinMaxScaler(), ShapeCNNClassifier(max_iter=1, random_state=0))
    search = GridSearchCV(pipe, {"shapecnnclassifier__alpha": [0.01]}, cv=2).fit(X, y)
    expected = saliency(search, X[:1])
    for estimator in (search, search.best_estimator_):
        np.testing.assert_array_equal(saliency(estimator, X[0]), expected)
        assert shift_probabilities(estimator, X[0], max_shift=1).probabilities.shape[0] == 1


def test_other_estimators_are_refused_by_name(few):
    X, y = few
    with pytest.raises(TypeError, match="but got MLPClassifier"):
        filters(MLPClassifier())
    with pytest.raises(TypeError, match="but got Pipeline"):
        filters(make_pipeline(MinMaxScaler()))
    clf = ShapeCNNClassifier(max_iter=1, random_state=0)
    with pytest.raises(NotFittedError):
        filters(clf)
    with pytest.raises(NotFittedError):
        filters(GridSearchCV(clf, {"max_iter": [1]}))
    search = GridSearchCV(clf, {"max_iter": [1]}, cv=2, refit=False).fit(X, y)
    for look in (filters, lambda estimator: shift_probabilities(estimator, X[:1])):
        with pytest.raises(ValueError, match="refit=True"):
            look(search)


# Filters and feature maps


def test_filters_have_channels_last(coloured):
    clf, _, _ = coloured
    assert filters(clf).shape == (32, 3, 3, 3)
    assert filters(clf, layer=1).shape == (64, 3, 3, 32)
    np.testing.assert_array_equal(filters(clf, layer=-1), filters(clf, layer=2))
    weight = clf.net_.module_.body[0][0].weight
    np.testing.assert_array_equal(filters(clf)[5, 0, 2], weight[5, :, 0, 2].detach())


def test_filters_are_a_copy(fitted):
    before = filters(fitted)
    filters(fitted)[:] = 0
    np.testing.assert_array_equal(filters(fitted), before)


@pytest.mark.parametrize("layer", [3, -4, 1.0, None, True])
def test_layers_that_are_not_there(fitted, layer):
    with pytest.raises(ValueError, match="layer must be an int from 0 to 2"):
        filters(fitted, layer=layer)
    with pytest.raises(ValueError, match="layer must be"):
        saliency(fitted, np.zeros((1, 256)), layer=layer)


def test_convolution_is_the_sum_over_the_window(coloured):
    clf, X, _ = coloured
    convolved = feature_maps(clf, X[:2], step="convolution")[0]
    assert convolved.shape == (2, 11, 14, 32)
    network = clf.net_.module_
    pixels = (X[1] - float(network.center)) * float(network.scale)
    window = pixels[4:7, 6:9]  # around (5, 7)
    expected = np.einsum("hwc,fhwc->f", window, filters(clf))
    np.testing.assert_allclose(convolved[1, 5, 7], expected, rtol=1e-4, atol=1e-5)


def test_head_turns_the_last_maps_into_the_scores(coloured):
    clf, X, _ = coloured
    maps = feature_maps(clf, X[:7])
    assert [layer.shape[0] for layer in maps] == [7, 7, 7]
    network = clf.net_.module_
    with torch.no_grad():
        last = torch.from_numpy(maps[-1]).permute(0, 3, 1, 2)
        scores = network.head(network.features(last)).numpy()
    np.testing.assert_allclose(
        scores[:, 1] - scores[:, 0], clf.decision_function(X[:7]), rtol=1e-4, atol=1e-4
    )


def test_all_forms_of_an_image_are_the_same(coloured):
    clf, X, _ = coloured
    expected = feature_maps(clf, X[:1])[0]
    for one in (X[0], X[0].ravel(), X[:1].reshape(1, -1), X[:1].tolist()):
        np.testing.assert_array_equal(feature_maps(clf, one)[0], expected)


def test_more_images_than_fit_in_a_batch(fitted, shapes):
    X = np.tile(shapes[0][:3], (100, 1))
    maps = feature_maps(fitted, X)[0]
    assert maps.shape[0] == 300
    np.testing.assert_allclose(maps[297:], maps[:3], rtol=1e-4, atol=1e-5)
    assert saliency(fitted, X).shape == (300, 16, 16)


def test_unknown_step(fitted):
    with pytest.raises(ValueError, match="step must be 'output' or 'convolution', but got 'x'"):
        feature_maps(fitted, np.zeros((1, 256)), step="x")


# The pixels that decide


@pytest.mark.parametrize("method", METHODS)
def test_the_square_decides(coloured, method):
    clf, X, y = coloured
    values = saliency(clf, X[y == 1], method=method, window=3, target=1)
    assert values.shape == (30, 11, 14)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    mean = values.mean(axis=0)
    inside = mean[2:6, 8:12].mean()
    assert inside > 2 * mean[:, :6].mean()


def test_integrated_gradients_sum_up_to_the_difference(coloured):
    clf, X, _ = coloured
    values = saliency(
        clf, X[:6], method="integrated_gradients", target=1, baseline=50.0, n_steps=200
    )
    empty = np.full_like(X[:1], 50)
    difference = log_odds(clf, X[:6], 1) - log_odds(clf, empty, 1)
    np.testing.assert_allclose(values.sum((1, 2)), difference, rtol=0.05, atol=0.05)


def test_gradients_are_slopes(coloured):
    clf, X, _ = coloured
    values = saliency(clf, X[:1], method="gradients", target=0)[0]
    row, column = np.unravel_index(values.argmax(), values.shape)
    slopes = []
    for channel in range(3):
        moved = X[:1].astype(np.float64)
        moved[0, row, column, channel] += 0.05
        slopes.append((log_odds(clf, moved, 0) - log_odds(clf, X[:1], 0))[0] / 0.05)
    assert values[row, column] == pytest.approx(np.abs(slopes).max(), rel=0.05)


def test_a_window_as_large_as_the_image_takes_all_away(coloured):
    clf, X, _ = coloured
    values = saliency(clf, X[:2], method="occlusion", target=1, baseline=7.0, window=28)
    fall = log_odds(clf, X[:2], 1) - log_odds(clf, np.full_like(X[:2], 7), 1)
    assert np.abs(fall).max() > 0.1
    np.testing.assert_allclose(
        values, np.broadcast_to(fall[:, None, None], values.shape), rtol=1e-3, atol=1e-3
    )


def test_targets(coloured):
    clf, X, _ = coloured
    predicted = clf.predict(X[:4])
    default = saliency(clf, X[:4], method="gradients")
    np.testing.assert_array_equal(
        saliency(clf, X[:4], target=predicted, method="gradients"), default
    )
    # Of two classes, what speaks for the one speaks against the other.
    one, other = (
        saliency(clf, X[:4], target=label, method="integrated_gradients") for label in (0, 1)
    )
    np.testing.assert_allclose(one, -other, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=r"target holds 5, which is none of the classes \[0, 1\]"):
        saliency(clf, X[:4], target=5)
    with pytest.raises(ValueError, match=r"one for each of 4 images, but its shape is \(2,\)"):
        saliency(clf, X[:4], target=[0, 1])


@pytest.mark.parametrize(
    "parameters",
    [
        {"method": "lime"},
        {"n_steps": 0},
        {"window": 0},
        {"window": 2.5},
        {"baseline": np.nan},
        {"baseline": "black"},
        {"baseline": True},
    ],
)
def test_unusable_parameters_of_saliency(fitted, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        saliency(fitted, np.zeros((1, 256)), **parameters)


@pytest.mark.parametrize("method", METHODS)
def test_saliency_leaves_the_network_as_it_was(fitted, shapes, method):
    X = shapes[0][:4]
    before = fitted.predict_proba(X)
    weights = list(fitted.net_.module_.parameters())
    for weight in weights:
        weight.grad = None  # what training left
    with torch.no_grad():  # as somebody may have around it
        saliency(fitted, X, method=method)
        assert not torch.is_grad_enabled()
    assert all(weight.grad is None for weight in weights)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


def test_grad_cam_is_in_place_where_pooling_hangs_over():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    X = rng.uniform(0, 0.2, size=(80, 9, 9))
    X[y == 1, :2, :2] += 1  # 9 -> 3 -> 2 pixels: the last cell covers the frame's outside
    clf = ShapeCNNClassifier(
        n_filters=[8, 8], pool_size=[3, 2], augment=None, max_iter=20, random_state=0
    ).fit(X, y)
    assert clf.score(X, y) == 1
    mean = saliency(clf, X[y == 1], target=1).mean(axis=0)
    assert mean.shape == (9, 9)
    assert np.unravel_index(mean.argmax(), mean.shape) <= (2, 2)
    assert mean[:3, :3].mean() > 2 * mean[6:, 6:].mean()


@pytest.mark.parametrize("method", METHODS)
def test_values_far_off_are_refused_as_in_predict(fitted, shapes, method):
    with pytest.raises(ValueError, match="not finite"):
        saliency(fitted, shapes[0][:2].astype(np.float64) * 1e300, method=method)
    with pytest.raises(ValueError, match="not finite"):
        feature_maps(fitted, shapes[0][:2].astype(np.float64) * 1e300)


def test_the_device_is_where_the_network_is(fitted, shapes):
    clf = copy.copy(fitted)
    clf.device_ = "cuda"  # as of a file from a machine that has a GPU
    np.testing.assert_array_equal(saliency(clf, shapes[0][:2]), saliency(fitted, shapes[0][:2]))
    assert architecture(clf) == architecture(fitted)


def test_a_box_of_as_many_images_as_pixels_is_no_image(few):
    X, y = few
    clf = ShapeCNNClassifier(max_iter=1, random_state=0).fit(X, y)
    box = np.empty(64, dtype=object)
    for i in range(64):
        box[i] = X[i % 40].reshape(8, 8)
    assert saliency(clf, box).shape == (64, 8, 8)


# Shifts


def test_shifted_images_are_what_the_classifier_is_asked(shapes):
    X, y = shapes
    seen = []

    def look(images):
        seen.append(images.copy())
        return images

    pipe = make_pipeline(
        FunctionTransformer(look), ShapeCNNClassifier(max_iter=1, random_state=0)
    ).fit(X, y)
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


def test_share_of_the_same_label(coloured):
    clf, X, _ = coloured
    still = np.full((2, 11, 14, 3), 40, dtype=np.uint8)  # nothing in it to be moved
    assert shift_probabilities(clf, still, max_shift=2).same_label == 1
    result = shift_probabilities(clf, X[:4], max_shift=9, step=3)
    labels = result.probabilities.argmax(-1)
    assert result.same_label == np.mean(labels == labels[:, 3:4, 3:4])


def test_shifted_frames_keep_their_columns(few):
    X, y = few
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    clf = ShapeCNNClassifier(max_iter=1, random_state=0).fit(frame, y)
    result = shift_probabilities(clf, frame[:2], max_shift=1)  # a warning would be an error
    np.testing.assert_allclose(result.probabilities[:, 1, 1], clf.predict_proba(frame[:2]))


def test_shifts_of_another_classifier(few):
    X, y = few
    mlp = MLPClassifier(max_iter=500, random_state=0).fit(X, y)
    assert shift_probabilities(mlp, X[:3], max_shift=1).probabilities.shape == (3, 3, 3, 2)


def test_shapes_that_must_be_told(few):
    X, y = few
    mlp = MLPClassifier(max_iter=500, random_state=0).fit(X[:, :48], y)
    with pytest.raises(ValueError, match=r"rows of 48 values, .* set image_shape"):
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


# Architecture


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"kernel_size": 4, "pooling": "sum", "normalization": "layer"},
        {"hidden_layer_sizes": [7], "dropout": 0.5, "normalization": None},
        {"pooling": "avg", "activation": "leaky_relu"},
    ],
)
def test_architecture_counts_every_weight(few, parameters):
    clf = ShapeCNNClassifier(max_iter=1, random_state=0, **parameters).fit(*few)
    layers = architecture(clf)
    weights = sum(weight.numel() for weight in clf.net_.module_.parameters())
    assert sum(layer["n_weights"] for layer in layers) == weights
    maps = feature_maps(clf, few[0][:1])
    for i, layer in enumerate(maps, 1):
        last = [row for row in layers if row["stage"] == f"stage {i}"][-1]
        assert last["output_shape"] == layer.shape[1:]
    assert layers[-1]["output_shape"] == (2,)
    assert layers[-1]["layer"] == "linear"


def test_multiply_adds_are_those_of_the_sums(few):
    clf = ShapeCNNClassifier(n_filters=[4], max_iter=1, random_state=0).fit(*few)
    convolution, linear = (row for row in architecture(clf) if row["n_multiply_adds"])
    assert convolution["n_multiply_adds"] == 8 * 8 * 4 * 3 * 3
    assert linear["n_multiply_adds"] == 2 * 4 * 11
