"""The parameter `weights`: shipped filters, random ones, or those of a fitted classifier."""

import copy
import pickle
import threading
from functools import partial

import numpy as np
import pytest
import skops.io
import torch
from helpers import small_classifier
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from skorch.callbacks import Callback

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn._network.pretrained import shipped_filters

OURS = "sklearn_shapecnn.classifier.ShapeCNNClassifier"
TINY = 1e-9  # a learning rate with which filters stay where they start


@pytest.fixture(scope="module")
def source(few):
    """A fitted classifier of four and eight filters, which no test may change."""
    clf = small_classifier(random_state=5).fit(*few)
    before = pickle.dumps(clf)
    yield clf
    assert pickle.dumps(clf) == before


@pytest.fixture(params=["fitted", "frozen"])
def given(request, source):
    """The source, as it is or frozen."""
    return source if request.param == "fitted" else FrozenEstimator(source)


def make_images(shape=(8, 8), n_classes=2, n=40):
    """Images of noise, whose classes differ in brightness."""
    y = np.arange(n) % n_classes
    X = np.random.default_rng(0).uniform(size=(n, *shape)).astype(np.float32)
    return X + 2 * y.reshape(-1, *[1] * len(shape)).astype(np.float32), y


def filters_of(clf, i=0):
    return clf.net_.module_.stages[i].conv.weight.detach().numpy()


def likeness(filters, others):
    """The cosine between two banks of filters."""
    return np.sum(filters * others) / np.linalg.norm(filters) / np.linalg.norm(others)


def assert_same(one, other, X):
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.loss_curve_ == other.loss_curve_


def differ(one, other, X):
    return not np.array_equal(one.predict_proba(X), other.predict_proba(X))


# What a fit starts from


def test_shapes_is_the_default(few):
    assert ShapeCNNClassifier().weights == "shapes"
    assert_same(small_classifier().fit(*few), small_classifier(weights="shapes").fit(*few), few[0])


def test_a_network_of_1_x_1_filters_alone_takes_those_of_the_first_stage(few):
    # Those of all stages cost it seven points on MNIST and on letters.
    clf = ShapeCNNClassifier(n_filters=(4, 8), kernel_size=1, random_state=0)
    random = clone(clf).set_params(weights=None).fit(*few)
    assert clf.fit(*few).n_pretrained_filters_ == (4, 0)
    assert clf.n_iter_ == random.n_iter_
    starts = [clone(each).set_params(max_iter=1, learning_rate_init=TINY) for each in (clf, random)]
    first, unlike = (filters_of(each.fit(*few)) for each in starts)
    shipped = shipped_filters()[0].filters[1][:4].sum(axis=1, keepdims=True)
    assert likeness(first, shipped) > 0.999
    assert abs(likeness(unlike, shipped)) < 0.999
    later, others = (filters_of(each, 1) for each in starts)
    np.testing.assert_allclose(later, others, rtol=1e-5)


@pytest.mark.parametrize("kernel_size", [(1, 2), (3, 1), 2, 3, 5])
def test_all_other_networks_start_from_pretrained_filters(few, kernel_size):
    clf = small_classifier(kernel_size=kernel_size, max_iter=1).fit(*few)
    assert clf.n_pretrained_filters_ == clf.net_.module_.config.n_filters


@pytest.mark.parametrize("weights", ["shapes", None])
def test_the_same_random_state_gives_the_same_bits(few, weights):
    one, same, other = (
        small_classifier(weights=weights, random_state=seed).fit(*few) for seed in (1, 1, 2)
    )
    assert_same(one, same, few[0])
    assert differ(one, other, few[0])


def test_a_source_gives_the_same_bits_frozen_or_not(few, source):
    one, same, frozen = (
        small_classifier(weights=weights).fit(*few)
        for weights in (source, source, FrozenEstimator(source))
    )
    assert_same(one, same, few[0])
    assert_same(one, frozen, few[0])


def test_each_kind_of_weights_gives_another_network(few, source):
    fitted = [small_classifier(weights=weights).fit(*few) for weights in ("shapes", None, source)]
    for i, one in enumerate(fitted):
        for other in fitted[:i]:
            assert differ(one, other, few[0])


@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_the_first_step_is_made_from_the_filters_given(few, source, fit):
    def start(weights):
        clf = small_classifier(weights=weights, learning_rate_init=TINY, max_iter=1)
        return clf.fit(*few) if fit == "fit" else clf.partial_fit(*few, classes=[0, 1])

    first, second = (stage.filters[3] for stage in shipped_filters()[:2])
    shipped = [first[:4].sum(axis=1, keepdims=True), second[:8, :4]]
    given = [filters_of(source, i) for i in (0, 1)]
    for i in (0, 1):
        assert likeness(filters_of(start("shapes"), i), shipped[i]) > 0.9999
        assert likeness(filters_of(start(source), i), given[i]) > 0.9999
        for other in (shipped[i], given[i]):
            assert abs(likeness(filters_of(start(None), i), other)) < 0.9


def test_random_filters_are_of_the_random_state(few):
    one, other = (
        small_classifier(weights=None, random_state=seed, learning_rate_init=TINY).fit(*few)
        for seed in (1, 2)
    )
    assert likeness(filters_of(one), filters_of(other)) < 0.9


# Sources for other images, classes and networks

SETTINGS = {
    "classes": ({}, {"n_classes": 5}, (4, 8)),
    "larger images": ({}, {"shape": (20, 20)}, (4, 8)),
    "smaller images": ({}, {"shape": (3, 2)}, (4, 8)),
    "lines": ({"image_shape": (1, 9)}, {"shape": (1, 9)}, (4, 8)),
    "color": ({}, {"shape": (8, 8, 3)}, (4, 8)),
    "two channels": ({}, {"shape": (8, 8, 2)}, (4, 8)),
    "more filters": ({"n_filters": (6, 12)}, {}, (4, 8)),
    "fewer filters": ({"n_filters": (3, 5)}, {}, (3, 5)),
    "more and fewer": ({"n_filters": (6, 5)}, {}, (4, 5)),
    "more stages": ({"n_filters": (4, 8, 8)}, {}, (4, 8, 0)),
    "fewer stages": ({"n_filters": 3}, {}, (3,)),
    "larger filters": ({"kernel_size": (4, 5)}, {}, (4, 8)),
    "smaller filters later": ({"kernel_size": (3, 2)}, {}, (4, 0)),
    "hidden layers": ({"hidden_layer_sizes": (6,), "dropout": 0.2}, {}, (4, 8)),
    "layer normalization": ({"normalization": "layer"}, {}, (4, 8)),
    "no normalization": ({"normalization": None}, {}, (4, 8)),
    "other stages": ({"pooling": "avg", "pool_size": 3, "activation": "tanh"}, {}, (4, 8)),
    "early stopping": ({"early_stopping": True, "validation_fraction": 0.2}, {}, (4, 8)),
}
every_setting = pytest.mark.parametrize(
    ("parameters", "data", "expected"), SETTINGS.values(), ids=SETTINGS
)


@every_setting
def test_a_source_starts_other_networks(source, parameters, data, expected):
    X, y = make_images(**data)
    clf = small_classifier(weights=source, max_iter=10, **parameters).fit(X, y)
    probabilities = clf.predict_proba(X)
    assert probabilities.shape == (40, len(np.unique(y)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert clf.score(X, y) > 0.7
    assert clf.n_pretrained_filters_ == expected
    assert pickle.loads(pickle.dumps(clf)).n_pretrained_filters_ == expected


@every_setting
@pytest.mark.parametrize("weights", ["shapes", None])
def test_the_shipped_and_random_filters_start_all_networks(weights, parameters, data, expected):
    X, y = make_images(**data)
    clf = small_classifier(weights=weights, max_iter=10, **parameters).fit(X, y)
    assert clf.score(X, y) > 0.7
    n_filters = np.ravel(parameters.get("n_filters", (4, 8))).tolist()
    assert clf.n_pretrained_filters_ == tuple(n_filters if weights else [0] * len(n_filters))


def test_the_filters_of_a_color_source_start_a_gray_network():
    color = small_classifier().fit(*make_images((8, 8, 3)))
    X, y = make_images()
    clf = small_classifier(weights=color, learning_rate_init=TINY).fit(X, y)
    assert clf.n_pretrained_filters_ == (4, 8)
    expected = filters_of(color).sum(axis=1, keepdims=True)
    assert likeness(filters_of(clf), expected) > 0.9999


def test_a_source_may_have_a_source_itself(few, source):
    second = small_classifier(weights=source).fit(*few)
    third = clone(small_classifier(weights=second)).fit(*few)
    assert third.weights is second
    assert third.weights.weights is source
    assert third.n_pretrained_filters_ == (4, 8)
    assert differ(third, second, few[0])


def test_the_source_is_left_as_it_is_and_can_be_fitted_again(few):
    source = small_classifier(dropout=0.2, hidden_layer_sizes=(6,)).fit(*few)
    alone = copy.deepcopy(source)
    before = pickle.dumps(source)
    clf = small_classifier(weights=source).fit(*few)
    clf.partial_fit(*few)
    clf.set_params(warm_start=True).fit(*few)
    assert pickle.dumps(source) == before
    trained = clf.predict_proba(few[0])
    for model in (source, alone):
        model.set_params(warm_start=True).fit(*few).partial_fit(*few)
    assert_same(source, alone, few[0])
    np.testing.assert_array_equal(clf.predict_proba(few[0]), trained)


def test_a_search_compares_like_with_like():
    X, y = make_images((6, 6))
    widths = [len(stage.norm[0]) for stage in shipped_filters()]
    for kernel_size in range(1, 10):
        for n_filters in [5, (8, 16), (40, 80, 8), (8, 8, 8, 136)]:
            clf = ShapeCNNClassifier(
                kernel_size=kernel_size, n_filters=n_filters, max_iter=1, random_state=0
            ).fit(X, y)
            n_asked = np.ravel(n_filters).tolist()
            expected = tuple(min(pair) for pair in zip(n_asked, widths, strict=False))
            if kernel_size == 1:
                expected = (expected[0], *(0 for _ in expected[1:]))
            assert clf.n_pretrained_filters_ == expected


def test_default_networks_are_pretrained_as_a_whole():
    for shape in [(8, 8), (16, 16), (60, 60)]:
        clf = ShapeCNNClassifier(max_iter=1, random_state=0).fit(*make_images(shape, n=8))
        n_filters = tuple(len(stage.conv.weight) for stage in clf.net_.module_.stages)
        assert clf.n_pretrained_filters_ == n_filters


# What cannot be a source


def test_an_unfitted_source_is_an_error(few):
    for weights in (small_classifier(), FrozenEstimator(small_classifier())):
        clf = small_classifier(weights=weights)
        with pytest.raises(ValueError, match=r"weights is a ShapeCNNClassifier that is not fitted"):
            clf.fit(*few)
        with pytest.raises(ValueError, match=r"Fit it first"):
            clf.partial_fit(*few, classes=[0, 1])
        with pytest.raises(NotFittedError):
            clf.predict(few[0])


def test_a_search_whose_grid_unfits_a_source_says_what_to_do(few, source):
    search = GridSearchCV(small_classifier(), {"weights": [source]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=r"not fitted.*FrozenEstimator"):
        search.fit(*few)


@pytest.mark.parametrize("kind", ["regression", "pipeline", "search", "clusters", "frozen"])
def test_a_source_of_another_kind_is_an_error_that_says_where_the_classifier_is(few, source, kind):
    X, y = few
    wrong = {
        "regression": lambda: LogisticRegression().fit(X, y),
        "pipeline": lambda: make_pipeline(MinMaxScaler(), small_classifier()).fit(X, y),
        "search": lambda: GridSearchCV(small_classifier(), {"max_iter": [1]}, cv=2).fit(X, y),
        "clusters": lambda: KMeans(2, n_init=1, random_state=0).fit(X),
        "frozen": lambda: FrozenEstimator(LogisticRegression().fit(X, y)),
    }[kind]()
    name = "LogisticRegression" if kind == "frozen" else type(wrong).__name__
    message = rf"weights must be 'shapes', None or a fitted ShapeCNNClassifier.*{name}.*pipeline"
    with pytest.raises(TypeError, match=message):
        small_classifier(weights=wrong).fit(X, y)


@pytest.mark.parametrize("weights", ["imagenet", "Shapes", 5, True, StandardScaler(), [], {}])
def test_other_values_are_refused_as_those_of_any_parameter(few, weights):
    with pytest.raises(ValueError, match=r"weights.*shapes"):
        small_classifier(weights=weights).fit(*few)


def test_a_class_is_no_source(few):
    with pytest.raises(TypeError, match="weights must be 'shapes', None or a fitted"):
        small_classifier(weights=ShapeCNNClassifier).fit(*few)


def test_a_source_with_larger_filters_is_an_error(few):
    source = small_classifier(kernel_size=(5, 3)).fit(*few)
    for kernel_size in (1, 2, 3, 4, "auto"):
        with pytest.raises(ValueError, match=r"weights has filters.*\(5, 3\).*kernel_size to 5"):
            small_classifier(weights=source, kernel_size=kernel_size).fit(*few)
    clf = small_classifier(weights=source, kernel_size=5).fit(*few)
    assert clf.n_pretrained_filters_ == (4, 8)


def test_what_is_refused_changes_nothing(few, source):
    rng = np.random.default_rng(0)
    clf = small_classifier(random_state=rng).fit(*few)
    before, state = clf.predict_proba(few[0]), rng.bit_generator.state
    for weights in (small_classifier(), LogisticRegression().fit(*few), "none"):
        with pytest.raises((ValueError, TypeError)):
            clf.set_params(weights=weights).fit(*few)
    np.testing.assert_array_equal(clf.predict_proba(few[0]), before)
    assert rng.bit_generator.state == state


# Clones, searches and parameters


def test_a_clone_keeps_the_source_and_is_itself_not_fitted(few, given):
    clf = small_classifier(weights=given).fit(*few)
    for twin in (clone(clf), clone(clone(small_classifier(weights=given)))):
        assert twin.weights is given
        assert not [name for name in vars(twin) if name.endswith("_")]
        assert_same(twin.fit(*few), clf, few[0])


def test_the_clone_of_a_source_is_not_fitted(source):
    twin = clone(source)
    assert not hasattr(twin, "net_")
    assert hasattr(source, "net_")


class Holding(Callback):
    """A callback that cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()


def test_clones_do_not_need_a_copy_of_what_a_source_holds(few):
    source = small_classifier(callbacks=[Holding()]).fit(*few)
    clf = small_classifier(weights=source)
    assert clone(clf).weights is source
    with pytest.raises(TypeError, match="callbacks holds Holding"):
        clone(source)
    with pytest.raises(TypeError, match="callbacks holds Holding"):
        clone(clf.set_params(callbacks=[Holding()]))


def test_parameters_are_those_of_any_estimator(source):
    clf = small_classifier(weights=source)
    assert clf.get_params(deep=False)["weights"] is source
    assert clf.get_params()["weights"] is source
    assert clf.set_params(weights=None).weights is None
    assert clf.set_params(weights="shapes").get_params() == small_classifier().get_params()
    assert "weights=None" in repr(small_classifier(weights=None))
    assert "weights" not in repr(small_classifier())


def test_a_classifier_with_a_source_can_be_shown(few, given):
    clf = small_classifier(weights=given)
    for model in (clf, clone(clf).fit(*few), make_pipeline(MinMaxScaler(), clf)):
        assert "weights=" in repr(model)
        assert "ShapeCNNClassifier" in model._repr_html_()


def test_searches_on_two_processes_start_from_a_source(few, given):
    grid = [{"max_iter": [1, 2]}, {"weights": [FrozenEstimator(given), "shapes", None]}]
    alone, shared = (
        GridSearchCV(
            small_classifier(weights=given), grid, cv=2, n_jobs=n_jobs, error_score="raise"
        ).fit(*few)
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(
        alone.cv_results_["mean_test_score"], shared.cv_results_["mean_test_score"]
    )
    assert alone.best_params_.keys() == shared.best_params_.keys()
    assert_same(alone.best_estimator_, shared.best_estimator_, few[0])


def test_a_search_refits_from_the_source(few, source):
    search = GridSearchCV(small_classifier(weights=source), {"max_iter": [2]}, cv=2).fit(*few)
    assert search.best_estimator_.weights is source
    assert_same(
        search.best_estimator_, small_classifier(weights=source, max_iter=2).fit(*few), few[0]
    )


def test_cross_validation_of_a_pipeline(few, given):
    pipeline = make_pipeline(MinMaxScaler(), small_classifier(weights=given, max_iter=10))
    assert cross_val_score(pipeline, *few, cv=2, error_score="raise").min() > 0.9
    results = cross_validate(pipeline, *few, cv=2, return_estimator=True, error_score="raise")
    for fitted in results["estimator"]:
        assert fitted[-1].weights is given
        assert fitted[-1].n_pretrained_filters_ == (4, 8)


# scikit-learn's checks of parameters and copies. tests/promises runs all other checks.
CHECKS = {
    "check_dict_unchanged",
    "check_dont_overwrite_attributes",
    "check_estimator_cloneable",
    "check_estimator_get_tags_default_keys",
    "check_estimator_repr",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_fit2d_1sample",
    "check_fit_idempotent",
    "check_get_params_invariance",
    "check_set_params",
}


@pytest.mark.parametrize("kind", ["fitted", "frozen", "color", "none"])
def test_the_checks_of_scikit_learn_about_parameters_pass(source, kind):
    weights = {
        "fitted": lambda: source,
        "frozen": lambda: FrozenEstimator(source),
        "color": lambda: small_classifier().fit(*make_images((8, 8, 3))),
        "none": lambda: None,
    }[kind]()
    done = set()
    for estimator, check in estimator_checks_generator(small_classifier(weights=weights)):
        name = getattr(check, "func", check).__name__
        if name in CHECKS:
            check(estimator)
            done.add(name)
    assert len(done) >= 9


# Saving

WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "skops": lambda model: skops.io.loads(skops.io.dumps(model), trusted=[OURS]),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@every_way
def test_a_saved_classifier_keeps_its_source_fitted(few, given, way):
    fitted = small_classifier(weights=given).fit(*few)
    for model in (fitted, clone(fitted)):
        loaded = way(model)
        assert type(loaded.weights) is type(given)
        assert loaded.weights is not given
        np.testing.assert_array_equal(
            loaded.weights.predict_proba(few[0]), given.predict_proba(few[0])
        )
        assert vars(loaded).keys() == vars(model).keys()
        assert_same(clone(loaded).fit(*few), fitted, few[0])


@every_way
def test_a_saved_classifier_keeps_its_count(few, source, way):
    for weights, expected in [("shapes", (4, 8, 2)), (None, (0, 0, 0)), (source, (4, 8, 0))]:
        clf = small_classifier(weights=weights, n_filters=(4, 8, 2)).fit(*few)
        loaded = way(clf)
        assert clf.n_pretrained_filters_ == loaded.n_pretrained_filters_ == expected
        assert isinstance(loaded.n_pretrained_filters_, tuple)
        assert all(type(n) is int for n in loaded.n_pretrained_filters_)
        assert_same(loaded, clf, few[0])


def test_a_source_is_to_be_trusted_as_the_classifier_alone(few, given):
    model = make_pipeline(MinMaxScaler(), small_classifier(weights=given)).fit(*few)
    dumped = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=dumped) == [OURS]
    loaded = skops.io.loads(dumped, trusted=[OURS])
    np.testing.assert_array_equal(loaded.predict_proba(few[0]), model.predict_proba(few[0]))


def test_a_loaded_source_starts_the_same_fit(few, source):
    expected = small_classifier(weights=source).fit(*few)
    for way in WAYS.values():
        assert_same(small_classifier(weights=way(source)).fit(*few), expected, few[0])


# warm_start and partial_fit


def go_on(how, clf, X, y):
    if how == "partial_fit":
        return clf.partial_fit(X, y)
    return clf.set_params(warm_start=True).fit(X, y)


@pytest.mark.parametrize("how", ["warm_start", "partial_fit"])
@pytest.mark.parametrize("changed", ["shapes", None, "source", "unfitted"])
def test_going_on_does_not_start_anew(few, source, how, changed):
    X, y = few
    clf = small_classifier(weights=source, n_filters=(6, 8)).fit(X, y)
    expected = go_on(how, copy.deepcopy(clf), X, y)
    n_epochs = len(clf.loss_curve_)
    named = {"source": source, "unfitted": small_classifier()}
    go_on(how, clf.set_params(weights=named.get(changed, changed)), X, y)
    assert len(clf.loss_curve_) > n_epochs
    assert_same(clf, expected, X)
    assert clf.n_pretrained_filters_ == (4, 8)


@pytest.mark.parametrize("how", ["warm_start", "partial_fit"])
def test_the_count_is_that_of_the_start(few, source, how):
    for weights, expected in [("shapes", (6, 8)), (None, (0, 0)), (source, (4, 8))]:
        clf = small_classifier(weights=weights, n_filters=(6, 8), warm_start=True)
        for _ in range(3):
            fit = partial(clf.partial_fit, classes=[0, 1]) if how == "partial_fit" else clf.fit
            assert fit(*few).n_pretrained_filters_ == expected


def test_a_new_fit_counts_anew(few, source):
    clf = small_classifier(weights=source, n_filters=(6, 8)).fit(*few)
    assert clf.n_pretrained_filters_ == (4, 8)
    assert clf.set_params(weights=None).fit(*few).n_pretrained_filters_ == (0, 0)
    assert_same(clf, small_classifier(weights=None, n_filters=(6, 8)).fit(*few), few[0])


def test_a_stream_starts_from_a_source_of_other_classes(few, source):
    X, y = few
    clf = small_classifier(weights=source)
    for rows in (y == 0, y == 1):
        clf.partial_fit(X[rows], y[rows], classes=[0, 1, 2, 3])
    assert clf.n_pretrained_filters_ == (4, 8)
    assert clf.predict_proba(X).shape == (40, 4)
    for _ in range(30):
        clf.partial_fit(X, y)
    assert clf.score(X, y) > 0.9


def test_early_stopping_keeps_the_best_network_of_any_start(few, source):
    for weights in ("shapes", None, source):
        clf = small_classifier(
            weights=weights, early_stopping=True, n_iter_no_change=2, max_iter=20
        ).fit(*few)
        assert clf.best_validation_score_ == max(clf.validation_scores_)
        assert clf.n_pretrained_filters_ == ((0, 0) if weights is None else (4, 8))


# Randomness


def test_no_global_random_numbers_are_drawn(few, source):
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    for weights in ("shapes", None, source):
        small_classifier(weights=weights).fit(*few)
    assert torch.equal(states[0], torch.get_rng_state())
    np.testing.assert_array_equal(states[1], np.random.get_state()[1])


def test_a_classifier_does_not_start_from_itself(few):
    clf = small_classifier()
    clf.weights = clf
    with pytest.raises(TypeError, match="and warm_start=True"):
        clf.fit(*few)


def test_only_the_filters_of_a_source_are_read(few):
    source = small_classifier().fit(*few)
    clf = small_classifier(weights=source)
    assert not any(name.startswith("weights__") for name in clf.get_params())
    BaggingClassifier(clf, n_estimators=2, random_state=3).fit(*few)
    assert source.random_state == 0
    with pytest.raises(ValueError, match="Invalid parameter 'weights__alpha'"):
        clone(clf).set_params(weights__alpha=1)
    assert source.alpha == 0.01


def test_a_search_tries_frozen_sources(few):
    source = FrozenEstimator(small_classifier().fit(*few))
    search = GridSearchCV(small_classifier(), {"weights": [source, "shapes", None]}, cv=2)
    search.fit(*few)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
