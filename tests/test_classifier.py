import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError

import sklearn_shapecnn
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes


def quick(**parameters):
    return ShapeCNNClassifier(**({"max_iter": 1, "random_state": 0} | parameters))


@pytest.fixture(scope="module")
def fitted(few):
    return quick(max_iter=20).fit(*few)


# What it learns


def test_defaults_learn_shapes(shapes):
    X, y = shapes
    X_test, y_test = make_shapes(300, image_shape=(16, 16), size=(0.6, 0.9), random_state=1)
    assert ShapeCNNClassifier(random_state=0).fit(X, y).score(X_test, y_test) > 0.95


@pytest.mark.parametrize("factor", [1, 255, 1e-6, 1e6])
def test_the_pixel_scale_does_not_matter(shapes, factor):
    X, y = shapes
    X = X.astype(np.float64) * factor
    clf = quick(max_iter=12).fit(X[:180], y[:180])
    assert clf.score(X[180:], y[180:]) > 0.75


@pytest.mark.parametrize(
    "labels",
    [[3, 7], ["no", "yes"], [False, True], [-1.0, 2.0], np.array(["a", "b"], dtype=object)],
)
def test_labels_of_any_kind(few, labels):
    X, y = few
    y = np.asarray(labels)[y]
    clf = quick(max_iter=20).fit(X, y)
    np.testing.assert_array_equal(clf.classes_, np.unique(y))
    predicted = clf.predict(X)
    assert predicted.dtype == clf.classes_.dtype
    assert np.mean(predicted == y) > 0.9


def test_three_classes_have_three_scores(shapes):
    X, y = shapes
    clf = quick().fit(X, y)
    scores = clf.decision_function(X)
    assert scores.shape == (240, 3)
    np.testing.assert_array_equal(clf.predict(X), scores.argmax(axis=1))


def test_probabilities_log_probabilities_and_decisions_agree(fitted, few):
    X, _ = few
    probabilities = fitted.predict_proba(X)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), probabilities)
    odds = probabilities[:, 1] / probabilities[:, 0]
    np.testing.assert_allclose(fitted.decision_function(X), np.log(odds), atol=1e-6)
    np.testing.assert_array_equal(fitted.predict(X), probabilities.argmax(axis=1))


def test_what_fit_leaves_behind(few):
    clf = quick(max_iter=3).fit(*few)
    assert clf.n_features_in_ == 64
    assert clf.image_shape_ == (8, 8, 1)
    assert clf.n_iter_ == len(clf.loss_curve_) == 3
    assert clf.device_ in ("cpu", "cuda", "mps")
    assert clf.validation_scores_ is None
    assert clf.best_validation_score_ is None
    assert not hasattr(clf, "feature_names_in_")
    assert "ShapeCNN(" in repr(clf.net_.module_)


def test_early_stopping_remembers_scores_and_keeps_the_best(shapes):
    clf = quick(max_iter=30, early_stopping=True, n_iter_no_change=3).fit(*shapes)
    assert len(clf.validation_scores_) == clf.n_iter_ <= 30
    assert clf.best_validation_score_ == max(clf.validation_scores_)


def test_early_stopping_stops_early(few):
    clf = quick(max_iter=50, early_stopping=True, n_iter_no_change=2, tol=1.0).fit(*few)
    assert clf.n_iter_ == 3


def test_random_state_decides_everything_and_none_is_random(few):
    X, y = few

    def probabilities(random_state):
        parameters = {"dropout": 0.3, "augment": "flips", "early_stopping": True}
        return quick(random_state=random_state, **parameters).fit(X, y).predict_proba(X)

    np.testing.assert_array_equal(probabilities(0), probabilities(0))
    assert not np.array_equal(probabilities(0), probabilities(1))
    assert not np.array_equal(probabilities(None), probabilities(None))
    rng = np.random.RandomState(0)
    first, second = probabilities(rng), probabilities(rng)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, probabilities(np.random.RandomState(0)))


def test_global_random_states_and_data_are_left_alone(few):
    X, y = (a.copy() for a in few)
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    n_threads = torch.get_num_threads()
    clf = quick(random_state=None, dropout=0.2, early_stopping=True).fit(X, y)
    clf.predict(X)
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(numpy_state, after, strict=True))
    assert torch.equal(torch_state, torch.get_rng_state())
    assert n_threads == torch.get_num_threads()
    np.testing.assert_array_equal(X, few[0])
    np.testing.assert_array_equal(y, few[1])


def test_warm_start_goes_on_where_it_stopped(shapes):
    X, y = shapes
    clf = quick(max_iter=2, warm_start=True).fit(X, y)
    losses = clf.loss_curve_
    net = clf.net_
    clf.fit(X, y)
    assert clf.n_iter_ == 2
    assert len(clf.loss_curve_) == 4
    assert clf.loss_curve_[:2] == losses
    assert clf.loss_curve_[2] < losses[0]
    assert clf.net_ is not net


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel_size": 1}, r"kernel_size changed from \[3, 3, 3\] to \[1, 1, 1\]"),
        ({"y": np.arange(40) % 4}, r"classes changed from \[0, 1\] to \[0, 1, 2, 3\]"),
        ({"X": np.random.default_rng(0).uniform(size=(40, 9))}, r"image_shape changed"),
    ],
)
def test_warm_start_refuses_another_network(few, change, message):
    X, y = few
    clf = quick(warm_start=True).fit(X, y)
    data = {"X": change.pop("X", X), "y": change.pop("y", y)}
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        clf.set_params(**change).fit(**data)
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_class_weight_moves_decisions(few):
    X, y = np.random.default_rng(0).normal(size=(60, 16)), np.arange(60) % 2
    new = np.random.default_rng(1).normal(size=(500, 16))
    shares = [
        quick(max_iter=5, class_weight=weights).fit(X, y).predict_proba(new)[:, 1].mean()
        for weights in ({0: 100, 1: 1}, None, {0: 1, 1: 100})
    ]
    assert shares[0] < 0.35 < shares[1] < 0.65 < shares[2]


def test_balanced_class_weight_equals_the_weights_by_hand():
    X, y = np.random.default_rng(0).normal(size=(30, 16)), np.array([0] * 20 + [1] * 10)
    balanced = quick(class_weight="balanced").fit(X, y).predict_proba(X)
    by_hand = quick(class_weight={0: 0.75, 1: 1.5}).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(balanced, by_hand)


def test_balanced_class_weight_counts_an_image_of_weight_two_twice():
    X, y = np.random.default_rng(0).normal(size=(30, 16)), np.array([0] * 20 + [1] * 10)
    weights = np.random.default_rng(1).integers(0, 3, 30)
    rows = np.repeat(np.arange(30), weights)
    weighted = quick(class_weight="balanced").fit(X, y, sample_weight=weights)
    repeated = quick(class_weight="balanced").fit(X[rows], y[rows])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_only_the_ratio_of_weights_matters(few, factor):
    X, y = few
    weights = np.random.default_rng(1).integers(1, 4, 40) * factor
    expected = quick().fit(X, y, sample_weight=weights / factor).predict_proba(X)
    found = quick().fit(X, y, sample_weight=weights).predict_proba(X)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("change", [{"alpha": 50.0}, {"label_smoothing": 0.5}])
def test_warm_start_takes_up_changed_training_parameters(few, change):
    X, y = few
    one, other = (quick(warm_start=True).fit(X, y) for _ in range(2))
    one.fit(X, y)
    other.set_params(**change).fit(X, y)
    assert not np.array_equal(one.predict_proba(X), other.predict_proba(X))


def test_alpha_shrinks_the_weights(few):
    norms = [
        float(quick(alpha=alpha).fit(*few).net_.module_.head[-1].weight.detach().norm())
        for alpha in (0.0, 20.0)
    ]
    assert norms[1] < 0.9 * norms[0]


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_what_torch_is_set_to_does_not_matter(few, around):
    X, y = few
    expected = quick(dropout=0.1).fit(X, y).predict_proba(X)
    torch.set_default_dtype(torch.float64)
    try:
        with around():
            found = quick(dropout=0.1).fit(X, y).predict_proba(X)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(found, expected)


# What X may look like


def forms_of(images):
    """The same gray images in all their forms."""
    rows = images.reshape(len(images), -1)
    read_only = rows.copy()
    read_only.flags.writeable = False
    return {
        "rows": rows,
        "images": images,
        "channels": images[..., None],
        "list": rows.tolist(),
        "frame": pd.DataFrame(rows),
        "float64": rows.astype(np.float64),
        "int16": rows.astype(np.int16),
        "big-endian": rows.astype(">i4"),
        "Fortran": np.asfortranarray(images),
        "strided": np.repeat(rows, 2, axis=1)[:, ::2],
        "read-only": read_only,
    }


@pytest.fixture(scope="module")
def bytes_images():
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    return (rng.integers(0, 128, size=(30, 6, 6)) + 120 * y[:, None, None]).astype(np.uint8), y


@pytest.mark.parametrize("form", forms_of(np.zeros((1, 2, 2), dtype=np.uint8)))
def test_all_forms_of_the_same_pixels_are_the_same(bytes_images, form):
    images, y = bytes_images
    X = forms_of(images)[form]
    expected = quick().fit(images, y).predict_proba(images)
    fitted_on_form = quick().fit(X, y)
    np.testing.assert_array_equal(fitted_on_form.predict_proba(images), expected)
    np.testing.assert_array_equal(quick().fit(images, y).predict_proba(np.asarray(X)), expected)


def test_colour_images_and_their_rows_are_the_same():
    images = np.random.default_rng(0).uniform(size=(20, 5, 4, 3))
    y = np.arange(20) % 2
    by_images = quick().fit(images, y)
    by_rows = quick(image_shape=(5, 4, 3)).fit(images.reshape(20, -1), y)
    assert by_images.image_shape_ == by_rows.image_shape_ == (5, 4, 3)
    expected = by_images.predict_proba(images)
    np.testing.assert_array_equal(by_rows.predict_proba(images), expected)
    np.testing.assert_array_equal(by_images.predict_proba(images.reshape(20, -1)), expected)


def test_a_memory_map_is_read_in_place(tmp_path, bytes_images):
    images, y = bytes_images
    path = tmp_path / "images.npy"
    np.save(path, images)
    mapped = np.load(path, mmap_mode="r")
    expected = quick().fit(images, y).predict_proba(images)
    np.testing.assert_array_equal(quick().fit(mapped, y).predict_proba(mapped), expected)


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 1), (1, 7), (3, 5), (13, 13), (1, 2, 3)])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 30])
def test_any_kernel_trains_on_any_image(shape, kernel_size):
    X = np.random.default_rng(0).normal(size=(12, *shape))
    y = np.arange(12) % 3
    clf = quick(kernel_size=kernel_size, image_shape=shape).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_filters": 4},
        {"n_filters": (4, 8, 8, 16, 16)},
        {"kernel_size": (5, 3)},
        {"pool_size": [3, 1]},
        {"n_filters": np.array([4, 8]), "kernel_size": 7, "pool_size": 5},
        {"pooling": "avg"},
        {"pooling": "sum"},
        {"pooling": "sum", "normalization": None},
        {"normalization": "layer"},
        {"normalization": None},
        {"hidden_layer_sizes": 10},
        {"hidden_layer_sizes": (20, 10), "dropout": 0.2},
        {"activation": "tanh"},
        {"activation": "gelu"},
        {"activation": "logistic"},
        {"augment": None},
        {"augment": ["shift", "flips", "quarter_turns"]},
        {"augment": np.array(["shift", "flips"])},
        {"label_smoothing": 0.0, "alpha": 0.0},
        {"batch_size": 1},
        {"batch_size": 10_000},
    ],
    ids=str,
)
def test_every_parameter_trains(shapes, parameters):
    X, y = shapes
    clf = quick(max_iter=12, **parameters).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.loss_curve_[-1] < clf.loss_curve_[0]


@pytest.mark.parametrize(("side", "chosen"), [(24, "shift"), (56, "jitter")])
def test_automatic_augmentation_depends_on_the_size_of_the_image(side, chosen):
    X, y = make_shapes(30, image_shape=(side, side), random_state=0)
    fits = [
        quick(max_iter=2, augment=augment).fit(X, y).loss_curve_
        for augment in ("auto", ["auto"], chosen, None)
    ]
    assert fits[0] == fits[1] == fits[2] != fits[3]


def test_the_network_is_built_as_told(few):
    clf = quick(
        n_filters=(4, 6), kernel_size=(5, 1), pool_size=(2, 1), hidden_layer_sizes=(7,)
    ).fit(*few)
    first, second = clf.net_.module_.stages
    assert (first.out_channels, first.kernel_size, first.map_size) == (4, (5, 5), (4, 4))
    assert (second.out_channels, second.kernel_size, second.map_size) == (6, (1, 1), (4, 4))
    shapes_of_linear = [
        tuple(p.shape) for name, p in clf.net_.module_.head.named_parameters() if "weight" in name
    ]
    assert shapes_of_linear == [(7, 6 * 11), (2, 7)]


def test_a_failed_fit_leaves_the_fitted_classifier_as_it_was(few):
    X, y = few
    clf = quick().fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(learning_rate_init=1e38, normalization=None).fit(X[:, :36], y + 5)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert clf.classes_.tolist() == [0, 1]


# Bad input


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
            quick().fit(X, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 0], "inconsistent numbers of samples"),
        ([0.5, 1.2, 3.4, 0.1], "Unknown label type: continuous"),
        ([0, 1, np.nan, 1], "Input y contains NaN"),
        ([1, 1, 1, 1], "y has only one class, .*1.*; at least 2 classes"),
        ([[0, 1], [1, 0], [0, 1], [1, 0]], r"y should be a 1d array .* y.argmax\(axis=1\)"),
        (np.array([0, "a", 1, "b"], dtype=object), "y"),
        (np.array(["a", None, "b", "a"], dtype=object), "y must hold labels of one kind"),
        (None, "y to be passed"),
    ],
)
def test_bad_y(y, message):
    X = np.random.default_rng(0).uniform(size=(4, 16))
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y)


def test_a_column_of_labels_is_flattened_with_a_warning(few):
    X, y = few
    with pytest.warns(DataConversionWarning, match="column-vector"):
        clf = quick().fit(X, y[:, None])
    np.testing.assert_array_equal(clf.predict_proba(X), quick().fit(X, y).predict_proba(X))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1, 1], r"sample_weight.shape == \(3,\), expected \(4,\)"),
        ([1, 1, 1, -1], "Negative values in data passed to `sample_weight`"),
        ([1, 1, 1, np.nan], "Input sample_weight contains NaN"),
        ([0, 0, 0, 0], "zero"),
        ([1, 0, 1, 0], "non-zero sample weight all have the class .*0"),
    ],
)
def test_bad_weights(weights, message):
    X = np.random.default_rng(0).uniform(size=(4, 16))
    with pytest.raises(ValueError, match=message):
        quick().fit(X, [0, 1, 0, 1], sample_weight=weights)


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
        quick(**parameters).fit(*few)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": (7, 9)}, "stands for 63 values an image, but X .* has 64 values"),
        ({"image_shape": (64,)}, r"image_shape must be \(height, width\)"),
        ({"image_shape": (8, 8.0)}, "image_shape must hold positive ints only"),
        ({"image_shape": (8, -8)}, "image_shape must hold positive ints only"),
        ({"n_filters": ()}, "n_filters is empty"),
        ({"n_filters": (8, 0)}, "n_filters must hold positive ints only"),
        ({"n_filters": (8, True)}, "n_filters must hold positive ints only"),
        (
            {"n_filters": (8, 16), "kernel_size": (3, 3, 3)},
            "one value per layer, but n_filters has 2 and kernel_size has 3",
        ),
        ({"kernel_size": (3,), "pool_size": (2, 2)}, "kernel_size has 1 and pool_size has 2"),
        ({"hidden_layer_sizes": (10, "a")}, "hidden_layer_sizes must hold positive ints only"),
        (
            {"augment": ["shift", "zoom"]},
            "augment holds 'zoom', which is none of auto, jitter, shift",
        ),
        ({"device": "cuda:99"}, r"device='cuda:99' is not available here .* 'auto' or 'cpu'"),
        ({"device": "toaster"}, "device='toaster' is not available here"),
        ({"device": "meta"}, "device='meta' is not available here"),
        ({"kernel_size": True}, "kernel_size must hold positive ints only"),
        ({"augment": np.array(["zoom"])}, "augment holds 'zoom'"),
        ({"class_weight": {5: 2.0}}, "class"),
        ({"class_weight": {0: -5}}, "class_weight must hold finite numbers"),
        ({"class_weight": {0: np.inf}}, "class_weight must hold finite numbers"),
        ({"class_weight": {0: np.nan}}, "class_weight must hold finite numbers"),
        ({"class_weight": {0: 0, 1: 1}}, "non-zero sample weight all have the class 1"),
    ],
    ids=str,
)
def test_parameters_that_do_not_fit_together(few, parameters, message):
    with pytest.raises(ValueError, match=message):
        quick(**parameters).fit(*few)


def test_quarter_turns_need_squares():
    with pytest.raises(ValueError, match=r"quarter_turns' needs square images, .* 2 x 8 pixels"):
        quick(augment="quarter_turns").fit(np.zeros((4, 2, 8)), [0, 1, 0, 1])


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
        (np.full((2, 64), 1e300), "far outside of those seen in fit"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_predicting_for_other_images(fitted, X, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_predicting_before_fit(few, method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(ShapeCNNClassifier(), method)(few[0])


def test_a_loss_that_turns_nan_raises(few):
    with pytest.raises(ValueError, match=r"Training diverged: .* Lower learning_rate_init"):
        quick(max_iter=20, learning_rate_init=1e38, normalization=None).fit(*few)


# The package


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_a_gpu_is_taken_where_there_is_one(few):
    clf = quick(max_iter=20).fit(*few)
    assert clf.device_ == "cuda"
    assert clf.score(*few) > 0.9


def test_auto_device_takes_what_torch_has(few, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert quick().fit(*few).device_ == "cpu"


def test_make_shapes_does_without_torch():
    code = (
        "import sys; from sklearn_shapecnn import make_shapes; make_shapes(3);"
        "assert 'torch' not in sys.modules and 'skorch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names():
    assert {"ShapeCNNClassifier", "make_shapes", "__version__"} <= set(dir(sklearn_shapecnn))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sklearn_shapecnn.nothing


# Features


def test_scores_are_a_linear_function_of_the_features(fitted, few):
    X, _ = few
    features = fitted.transform(X)
    assert features.dtype == np.float32
    last = fitted.net_.module_.head[-1]
    scores = features @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    np.testing.assert_allclose(
        scores[:, 1] - scores[:, 0], fitted.decision_function(X), rtol=1e-4, atol=1e-4
    )


def test_features_of_a_hidden_layer_have_names(few):
    X, y = few
    clf = quick(hidden_layer_sizes=[9, 5], dropout=0.5).fit(X, y)
    names = [f"shapecnnclassifier{i}" for i in range(5)]
    np.testing.assert_array_equal(clf.get_feature_names_out(), names)
    frame = clf.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == names
    np.testing.assert_array_equal(frame.iloc[7], clf.transform(X[7:8]).iloc[0])  # alone as well


def test_features_in_front_of_another_classifier(shapes):
    X, y = shapes
    neighbors = make_pipeline(quick(max_iter=12), KNeighborsClassifier(5))
    assert neighbors.fit(X[:180], y[:180]).score(X[180:], y[180:]) > 0.75


def test_features_of_an_unfitted_classifier():
    for ask in (quick().get_feature_names_out, lambda: quick().transform(np.zeros((1, 64)))):
        with pytest.raises(NotFittedError):
            ask()
