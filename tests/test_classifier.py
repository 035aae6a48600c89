"""What a classifier learns, what its parameters do, and what its methods give."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from helpers import small_classifier
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes


@pytest.fixture(scope="module")
def fitted(few):
    return small_classifier(max_iter=20).fit(*few)


# What it learns


def test_defaults_learn_shapes(shapes):
    X, y = shapes
    X_test, y_test = make_shapes(300, image_shape=(16, 16), size=(0.6, 0.9), random_state=1)
    assert ShapeCNNClassifier(random_state=0).fit(X, y).score(X_test, y_test) > 0.95


@pytest.mark.parametrize("factor", [1, 255, 1e-6, 1e6])
def test_the_pixel_scale_does_not_matter(shapes, factor):
    X, y = shapes
    X = X.astype(np.float64) * factor
    clf = small_classifier(max_iter=12).fit(X[:180], y[:180])
    assert clf.score(X[180:], y[180:]) > 0.75


@pytest.mark.parametrize(
    "labels",
    [[3, 7], ["no", "yes"], [False, True], [-1.0, 2.0], np.array(["a", "b"], dtype=object)],
)
def test_labels_of_any_kind(few, labels):
    X, y = few
    y = np.asarray(labels)[y]
    clf = small_classifier(max_iter=20).fit(X, y)
    np.testing.assert_array_equal(clf.classes_, np.unique(y))
    predicted = clf.predict(X)
    assert predicted.dtype == clf.classes_.dtype
    assert np.mean(predicted == y) > 0.9


def test_three_classes_have_three_scores(shapes):
    X, y = shapes
    clf = small_classifier().fit(X, y)
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
    clf = small_classifier(max_iter=3).fit(*few)
    assert clf.n_features_in_ == 64
    assert clf.image_shape_ == (8, 8, 1)
    assert clf.n_iter_ == len(clf.loss_curve_) == 3
    assert clf.device_ in ("cpu", "cuda", "mps")
    assert clf.validation_scores_ is None
    assert clf.best_validation_score_ is None
    assert not hasattr(clf, "feature_names_in_")
    assert "ShapeCNN(" in repr(clf.net_.module_)


def test_early_stopping_remembers_scores_and_keeps_the_best(shapes):
    clf = small_classifier(max_iter=30, early_stopping=True, n_iter_no_change=3).fit(*shapes)
    assert len(clf.validation_scores_) == clf.n_iter_ <= 30
    assert clf.best_validation_score_ == max(clf.validation_scores_)


def test_early_stopping_stops_early(few):
    clf = small_classifier(max_iter=50, early_stopping=True, n_iter_no_change=2, tol=1.0).fit(*few)
    assert clf.n_iter_ == 3


def test_random_state_decides_everything_and_none_is_random(few):
    X, y = few

    def probabilities(random_state):
        parameters = {"dropout": 0.3, "augment": "flips", "early_stopping": True}
        return small_classifier(random_state=random_state, **parameters).fit(X, y).predict_proba(X)

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
    clf = small_classifier(random_state=None, dropout=0.2, early_stopping=True).fit(X, y)
    clf.predict(X)
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(numpy_state, after, strict=True))
    assert torch.equal(torch_state, torch.get_rng_state())
    assert n_threads == torch.get_num_threads()
    np.testing.assert_array_equal(X, few[0])
    np.testing.assert_array_equal(y, few[1])


def test_class_weight_moves_decisions(few):
    X, y = np.random.default_rng(0).normal(size=(60, 16)), np.arange(60) % 2
    new = np.random.default_rng(1).normal(size=(500, 16))
    shares = [
        small_classifier(max_iter=5, class_weight=weights).fit(X, y).predict_proba(new)[:, 1].mean()
        for weights in ({0: 100, 1: 1}, None, {0: 1, 1: 100})
    ]
    assert shares[0] < 0.35 < shares[1] < 0.65 < shares[2]


def test_balanced_class_weight_equals_the_weights_by_hand():
    X, y = np.random.default_rng(0).normal(size=(30, 16)), np.array([0] * 20 + [1] * 10)
    balanced = small_classifier(class_weight="balanced").fit(X, y).predict_proba(X)
    by_hand = small_classifier(class_weight={0: 0.75, 1: 1.5}).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(balanced, by_hand)


def test_balanced_class_weight_counts_an_image_of_weight_two_twice():
    X, y = np.random.default_rng(0).normal(size=(30, 16)), np.array([0] * 20 + [1] * 10)
    weights = np.random.default_rng(1).integers(0, 3, 30)
    rows = np.repeat(np.arange(30), weights)
    weighted = small_classifier(class_weight="balanced").fit(X, y, sample_weight=weights)
    repeated = small_classifier(class_weight="balanced").fit(X[rows], y[rows])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_only_the_ratio_of_weights_matters(few, factor):
    X, y = few
    weights = np.random.default_rng(1).integers(1, 4, 40) * factor
    expected = small_classifier().fit(X, y, sample_weight=weights / factor).predict_proba(X)
    found = small_classifier().fit(X, y, sample_weight=weights).predict_proba(X)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_alpha_shrinks_the_weights(few):
    norms = [
        float(
            small_classifier(alpha=alpha).fit(*few).net_.module_.head.output.weight.detach().norm()
        )
        for alpha in (0.0, 20.0)
    ]
    assert norms[1] < 0.9 * norms[0]


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_what_torch_is_set_to_does_not_matter(few, around):
    X, y = few
    expected = small_classifier(dropout=0.1).fit(X, y).predict_proba(X)
    torch.set_default_dtype(torch.float64)
    try:
        with around():
            found = small_classifier(dropout=0.1).fit(X, y).predict_proba(X)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(found, expected)


# Parameters


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
    clf = small_classifier(max_iter=12, **parameters).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.loss_curve_[-1] < clf.loss_curve_[0]


@pytest.mark.parametrize(("n", "chosen"), [(30, "jitter"), (1200, "shift")])
def test_automatic_augmentation_depends_on_the_number_of_images(n, chosen):
    X, y = make_shapes(n, image_shape=(16, 16), random_state=0)
    fits = [
        small_classifier(max_iter=2, augment=augment).fit(X, y).loss_curve_
        for augment in ("auto", ["auto"], chosen, None)
    ]
    assert fits[0] == fits[1] == fits[2] != fits[3]


def test_the_network_is_built_as_told(few):
    clf = small_classifier(
        n_filters=(4, 6), kernel_size=(5, 1), pool_size=(2, 1), hidden_layer_sizes=(7,)
    ).fit(*few)
    first, second = clf.net_.module_.stages
    assert (first.plan.out_channels, first.plan.kernel_size, first.plan.map_size) == (
        4,
        (5, 5),
        (4, 4),
    )
    assert (second.plan.out_channels, second.plan.kernel_size, second.plan.map_size) == (
        6,
        (1, 1),
        (4, 4),
    )
    shapes_of_linear = [
        tuple(p.shape) for name, p in clf.net_.module_.head.named_parameters() if "weight" in name
    ]
    assert shapes_of_linear == [(7, 6 * 11), (2, 7)]


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 1), (1, 7), (3, 5), (13, 13), (1, 2, 3)])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 30])
def test_any_kernel_trains_on_any_image(shape, kernel_size):
    X = np.random.default_rng(0).normal(size=(12, *shape))
    y = np.arange(12) % 3
    clf = small_classifier(kernel_size=kernel_size, image_shape=shape)
    is_large = kernel_size > max(9, *shape[:2])
    with pytest.warns(UserWarning, match="larger than the images") if is_large else nullcontext():
        clf.fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()


# Features


def test_scores_are_a_linear_function_of_the_features(fitted, few):
    X, _ = few
    features = fitted.transform(X)
    assert features.dtype == np.float32
    last = fitted.net_.module_.head.output
    scores = features @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    np.testing.assert_allclose(
        scores[:, 1] - scores[:, 0], fitted.decision_function(X), rtol=1e-4, atol=1e-4
    )


def test_features_of_a_hidden_layer_have_names(few):
    X, y = few
    clf = small_classifier(hidden_layer_sizes=[9, 5], dropout=0.5).fit(X, y)
    names = [f"shapecnnclassifier{i}" for i in range(5)]
    np.testing.assert_array_equal(clf.get_feature_names_out(), names)
    frame = clf.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == names
    np.testing.assert_array_equal(
        frame.iloc[7], clf.transform(X[7:8]).iloc[0]
    )  # the same if it comes alone


def test_features_in_front_of_another_classifier(shapes):
    X, y = shapes
    neighbors = make_pipeline(small_classifier(max_iter=12), KNeighborsClassifier(5))
    assert neighbors.fit(X[:180], y[:180]).score(X[180:], y[180:]) > 0.75


def test_features_of_an_unfitted_classifier():
    for ask in (
        small_classifier().get_feature_names_out,
        lambda: small_classifier().transform(np.zeros((1, 64))),
    ):
        with pytest.raises(NotFittedError):
            ask()
