import math
import pickle
import re
import warnings

import numpy as np
import pytest
from helpers import small_classifier, small_regressor
from skimage.data import lfw_subset
from sklearn.datasets import load_digits

from sklearn_shapecnn import make_shapes
from sklearn_shapecnn._input.image_set import ImageSet, border_means
from sklearn_shapecnn._input.pixel_range import PixelRange


def range_of(images):
    """The range of images of shape (n, h, w) or (n, h, w, c)."""
    shape = (*images.shape[1:], 1)[:3]
    found = ImageSet(images, shape).fingerprints()
    return PixelRange.of(found, np.arange(len(images))), shape


def warnings_about(seen, images):
    pixel_range, shape = range_of(seen)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pixel_range.warn_if_unlike(ImageSet(images, shape))
    return [str(warning.message) for warning in caught]


SETS = {
    "shapes": make_shapes(200, image_shape=(32, 32), as_images=True, random_state=0)[0],
    "hard shapes": make_shapes(
        200,
        image_shape=(32, 32),
        filled=0.5,
        foreground=(0.0, 1.0),
        background=(0.0, 1.0),
        min_contrast=0.2,
        noise=0.1,
        as_images=True,
        random_state=0,
    )[0],
    "digits": load_digits().images[:400],
    "faces": lfw_subset(),
}


@pytest.mark.parametrize("name", SETS)
def test_other_images_of_the_same_kind_are_no_reason_to_warn(name):
    images = SETS[name]
    width = images.max() - images.min()
    rng = np.random.default_rng(0)
    seen, others = images[::2], images[1::2]
    for changed in (
        others,
        others + width / 2,
        others - width / 2,
        others / 2,
        others * 1.5,
        others + rng.normal(0, width / 4, others.shape),
        others[:1],
        others[:1] / 100,  # one dark image
        np.zeros_like(others[:3]),  # nothing on them
        np.round(others),
    ):
        assert warnings_about(seen, changed) == []


@pytest.mark.parametrize("name", SETS)
def test_parts_of_what_was_seen_are_no_reason_to_warn(name):
    images = np.concatenate([SETS[name], SETS[name][:5] / 1000, np.zeros_like(SETS[name][:2])])
    rng = np.random.default_rng(0)
    parts = [rng.choice(len(images), 3) for _ in range(100)]
    for part in [*parts, np.arange(-7, -2), np.arange(-2, 0), np.arange(-5, 0)]:
        assert warnings_about(images, images[part]) == []


@pytest.mark.parametrize(
    ("seen", "given", "advice"),
    [
        (1, 255, "pass X / 255."),
        (255, 1, "pass X * 255."),
        (16, 255, "pass X / 15.94."),
        (1, 65535, "pass X / 6.554e+04."),
        (1, 1 / 255, "pass X * 25"),  # the ratio of what came, which need not have any white
    ],
)
def test_another_scale(seen, given, advice):
    images = SETS["shapes"] / SETS["shapes"].max()
    (message,) = warnings_about(images * seen, images[:20] * given)
    low, high = given * images[:20].min(), given * images[:20].max()
    assert f"range from {low:.4g} to {high:.4g}," in message
    assert f"seen in fit range from {seen * images.min():.4g} to {seen:.4g}." in message
    assert advice in message


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_dark_images_of_whole_numbers_are_on_the_scale_of_their_dtype(dtype):
    dark = np.random.default_rng(0).integers(0, 20, (5, 8, 8)).astype(dtype)
    (message,) = warnings_about(SETS["shapes"][:, :8, :8], dark)
    assert message.endswith(f"pass X / {np.iinfo(dtype).max:.4g}.")


def test_standardized_pixels_have_no_usual_scale():
    images = SETS["digits"] - SETS["digits"].mean()
    (message,) = warnings_about(images, images * 100)
    assert message.endswith("Bring X to the scale of the images that the network was fitted to.")


def test_inverted_images():
    digits = SETS["digits"]
    frame = np.pad(digits, ((0, 0), (2, 2), (2, 2)))
    (message,) = warnings_about(frame, 16 - frame[:10])
    assert "look inverted: their borders have a mean of 16" in message
    assert message.endswith("pass 16 - X.")
    assert warnings_about(frame, 16 - frame[:1]) == []  # a single image may be special
    hard = SETS["hard shapes"]  # both dark and light borders
    assert warnings_about(hard, hard.max() + hard.min() - hard[:10]) == []


def test_images_of_one_color_teach_no_range():
    assert warnings_about(np.ones((3, 4, 4)), 255 * SETS["shapes"][:3, :4, :4]) == []


def test_merged_ranges():
    one, _ = range_of(np.array([[[0.0, 1.0]], [[5.0, 5.0]]]))
    other, _ = range_of(np.array([[[-1.0, 2.0]]]))
    both = one.merged(other)
    assert (both.low, both.high, both.least_contrast) == (-1, 5, 1)
    assert (both.border_low, both.border_high) == (0.5, 5)
    assert range_of(np.ones((2, 3, 3)))[0].least_contrast == math.inf


def test_border_means():
    rng = np.random.default_rng(0)
    for shape in ((5, 7, 1), (5, 7, 3), (1, 4, 1), (4, 1, 2), (2, 2, 1), (1, 1, 1)):
        images = rng.uniform(size=(6, *shape))
        inner = np.zeros(shape[:2], dtype=bool)
        inner[1:-1, 1:-1] = True
        rows, columns = np.nonzero(~inner)
        expected = images[:, rows, columns].reshape(6, -1).mean(axis=1)
        if min(shape[:2]) > 1:
            np.testing.assert_allclose(border_means(images, shape), expected)
        assert border_means(images.reshape(6, -1), shape).shape == (6,)


# The estimators --------------------------------------------------------------------------------

X, y = make_shapes(60, image_shape=(12, 12), random_state=0)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "transform"])
def test_a_classifier_warns_once_a_call(method):
    clf = small_classifier().fit(X, y)
    for fitted in (clf, pickle.loads(pickle.dumps(clf))):
        with pytest.warns(UserWarning, match=r"pass X / 255\.") as caught:
            getattr(fitted, method)((255 * X).astype(np.uint8))
        assert len(caught) == 1


def test_a_regressor_warns_too():
    reg = small_regressor().fit(X, y)
    with pytest.warns(UserWarning, match=r"pass X / 255\."):
        reg.predict((255 * X).astype(np.uint8))


@pytest.mark.parametrize("call", ["partial_fit", "warm_start"])
def test_all_images_so_far_count(call):
    clf = small_classifier(warm_start=True, max_iter=1)
    clf.fit(X, y)
    more = 100 * X[:30]
    with pytest.warns(UserWarning, match="another scale"):
        clf.partial_fit(more, y[:30]) if call == "partial_fit" else clf.fit(more, y[:30])
    clf.predict(more)
    clf.predict(X)


def test_images_without_weight_have_no_effect():
    weights = np.ones(60)
    weights[:5] = 0
    wide = X.copy()
    wide[:5] *= 1000
    clf = small_classifier().fit(wide, y, sample_weight=weights)
    with pytest.warns(UserWarning, match="range from"):
        clf.predict(wide[:5])


def test_a_network_without_a_known_range_gets_none_from_some_of_its_images():
    clf = small_classifier().fit(100 * X, y)
    clf.net_.pixel_range_ = None  # as of a file of an older version
    with pytest.warns(UserWarning, match="another scale"):
        clf.partial_fit(X[:30], y[:30])
    clf.predict(100 * X)


def test_black_images_after_light_ones():
    rng = np.random.default_rng(0)
    paper = rng.integers(230, 256, (20, 8, 8)).astype(np.uint8)
    black = np.zeros((1, 8, 8), np.uint8)
    assert not warnings_about(paper, black)
    spotted = paper.copy()
    spotted[:, 3, 3] = 0
    assert not warnings_about(paper, spotted)
    (message,) = warnings_about(paper, np.zeros((3, 8, 8), np.uint8))
    assert message.endswith("Bring X to the scale of the images that the network was fitted to.")
    (message,) = warnings_about(paper, paper / 255)
    assert message.endswith("pass X * 255.")


def test_the_advice_leads_to_the_range_seen_in_fit():
    rng = np.random.default_rng(0)
    seen = rng.integers(0, 4096, (200, 8, 8)).astype(np.uint16)  # 12 bits
    (message,) = warnings_about(seen, (seen // 100)[:100])
    assert re.search(r"pass X \* 1\d\d(\.\d+)?\.$", message)
