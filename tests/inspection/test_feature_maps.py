import numpy as np
import pytest
import torch

from sklearn_shapecnn.inspection import feature_maps, filters, saliency


def test_filters_have_channels_last(colored):
    clf, _, _ = colored
    assert filters(clf).shape == (24, 3, 3, 3)
    assert filters(clf, stage=1).shape == (48, 3, 3, 24)
    np.testing.assert_array_equal(filters(clf, stage=-1), filters(clf, stage=3))
    weight = clf.net_.module_.stages[0].conv.weight
    np.testing.assert_array_equal(filters(clf)[5, 0, 2], weight[5, :, 0, 2].detach())


def test_filters_are_a_copy(fitted):
    before = filters(fitted)
    filters(fitted)[:] = 0
    np.testing.assert_array_equal(filters(fitted), before)


def test_convolution_is_the_sum_over_the_window(colored):
    clf, X, _ = colored
    convolved = feature_maps(clf, X[:2], step="convolution")[0]
    assert convolved.shape == (2, 11, 14, 24)
    network = clf.net_.module_
    pixels = (X[1] - float(network.center)) * float(network.scale)
    window = pixels[4:7, 6:9]  # around (5, 7)
    expected = np.einsum("hwc,fhwc->f", window, filters(clf))
    np.testing.assert_allclose(convolved[1, 5, 7], expected, rtol=1e-4, atol=1e-5)


def test_head_turns_the_last_maps_into_the_scores(colored):
    clf, X, _ = colored
    maps = feature_maps(clf, X[:7])
    assert [maps_of_stage.shape[0] for maps_of_stage in maps] == [7, 7, 7, 7]
    with torch.no_grad():
        last = torch.from_numpy(maps[-1]).permute(0, 3, 1, 2)
        scores = clf.net_.module_.forward_head(last).numpy()
    np.testing.assert_allclose(
        scores[:, 1] - scores[:, 0], clf.decision_function(X[:7]), rtol=1e-4, atol=1e-4
    )


def test_all_forms_of_an_image_are_the_same(colored):
    clf, X, _ = colored
    expected = feature_maps(clf, X[:1])[0]
    for one in (X[:1].reshape(1, -1), X[:1].tolist(), list(X[:1])):
        np.testing.assert_array_equal(feature_maps(clf, one)[0], expected)


def test_more_images_than_fit_in_a_batch(fitted, shapes):
    X = np.tile(shapes[0][:3], (100, 1))
    maps = feature_maps(fitted, X)[0]
    assert maps.shape[0] == 300
    np.testing.assert_allclose(maps[297:], maps[:3], rtol=1e-4, atol=1e-5)
    assert saliency(fitted, X).shape == (300, 16, 16)


def test_each_batch_has_its_own_maps_and_targets(fitted, shapes, monkeypatch):
    X, targets = shapes[0][:7], np.arange(7) % 3
    whole = [*feature_maps(fitted, X), saliency(fitted, X, target=targets)]
    monkeypatch.setattr("sklearn_shapecnn._network.inputs.MAX_PIXELS", 3 * 256)
    parts = [*feature_maps(fitted, X), saliency(fitted, X, target=targets)]
    for part, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-4, atol=1e-4)


def test_unknown_step(fitted):
    with pytest.raises(ValueError, match="step must be 'output' or 'convolution', but got 'x'"):
        feature_maps(fitted, np.zeros((1, 256)), step="x")


def test_values_far_off_are_refused_as_in_predict(fitted, shapes):
    is_told = pytest.warns(UserWarning, match="pixels of X range")
    with is_told, pytest.raises(ValueError, match="not finite"):
        feature_maps(fitted, shapes[0][:2].astype(np.float64) * 1e300)
