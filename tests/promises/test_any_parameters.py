"""Any value of any parameter works or is refused with its name in the error."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from generated_input import (
    HUGE,
    TINY,
    assert_probabilities,
    cases,
    from_list,
    works_or_is_refused,
)
from helpers import small_classifier
from hypothesis import given
from hypothesis import strategies as st

from sklearn_shapecnn import make_shapes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": HUGE}, "alpha: int too large"),
        ({"learning_rate_init": HUGE}, "learning_rate_init: int too large"),
        ({"tol": HUGE, "early_stopping": True}, "tol: int too large"),
        ({"dropout": Fraction(1, 3)}, "dropout: "),
        ({"n_filters": 10**12}, r"n_filters=1000000000000 .* \d+ weights, which is too large"),
        ({"hidden_layer_sizes": (10**6, 10**6)}, r"hidden_layer_sizes=\(1000000, 1000000\) make"),
        ({"n_filters": [2, [2]]}, "n_filters must hold positive ints"),
        ({"augment": ["shift", ["flips"]]}, "augment: "),
        ({"device": "hpu"}, "device='hpu' is not available"),
        ({"device": "mkldnn"}, "device='mkldnn' is not available"),
        ({"class_weight": {0: HUGE}}, "class_weight: int too large"),
        ({"class_weight": {0: 0}}, "Check sample_weight and class_weight"),
    ],
)
def test_errors_name_the_parameter(six, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small_classifier(**(TINY | parameters)).fit(six, [0, 1] * 3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rotation": (-1.7e308, 1.7e308)}, r"rotation must be finite and in \[-1000000000"),
        ({"size": HUGE}, "size must be finite"),
        ({"filled": HUGE}, "filled must be finite"),
        ({"n_samples": 10**15}, "n_samples=10+ images of image_shape=.* do not fit into any"),
        ({"image_shape": (10**9, 10**9)}, "image_shape=.* do not fit into any memory"),
    ],
)
def test_errors_of_make_shapes_name_the_parameter(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_shapes(**parameters)


def test_noise_beyond_float32_leaves_black_and_white():
    X, _ = make_shapes(3, image_shape=(8, 8), noise=1e300, random_state=0)
    assert set(np.unique(X)) == {0, 1}


ODD = [
    None, True, False, 0, 1, -1, 2, 0.0, 0.5, 1.0, -0.5, 1e-320, 1e-8, 1e3, 1e38, 1e300, np.nan,
    np.inf, -np.inf, HUGE, -HUGE, "", "auto", "no such thing", b"auto", (), [], [1], (2, 2), (1, 4),
    [[2]], [2.0], [None], [True], [HUGE], ["a", 1], np.array(2), np.array([2, 2]), np.array([]),
    np.int8(2), np.uint64(3), np.float16(0.25), np.longdouble(0.5), Fraction(1, 3), 1j, {}, {0: 1},
    {0: -1}, {"a": 1}, {0: np.nan}, set(), object(), int, "balanced", "jitter", range(1, 3),
    [2, [2]], ["shift", ["flips"]], [[1, 2], [3]], "hpu", "mkldnn", "meta", torch.ones(2),
]  # fmt: skip
GOOD = {
    "image_shape": [None, (2, 2), (1, 4), [4, 1, 1], (2, 2, 1), np.array([2, 2])],
    "n_filters": [1, 3, (2,), (2, 1), [1, 2, 3], np.array([2])],
    "kernel_size": ["auto", 1, 2, 3, 7, (3,), 10**30],
    "pool_size": ["auto", 1, 2, 9, (2,), 10**30],
    "pooling": ["max", "avg", "sum"],
    "hidden_layer_sizes": [(), 1, 3, (2, 2), [1]],
    "activation": ["relu", "leaky_relu", "gelu", "silu", "tanh", "logistic"],
    "normalization": ["batch", "layer", None],
    "dropout": [0, 0.0, 0.5, 0.999999, 1 - 1e-16, 1e-320],
    "learning_rate_init": [1e-320, 1e-8, 0.01, 1, 1e3, 1e20, 1e38, 1e300, Fraction(1, 100)],
    "alpha": [0, 1e-320, 0.5, 1, 100, 1e10, 1e38, 1e300],
    "batch_size": ["auto", 1, 2, 7, 10**30],
    "max_iter": [1, 2, np.int64(3)],
    "label_smoothing": [0, 0.1, 0.999999, 1 - 1e-16, 1e-320],
    "augment": [
        None, "auto", "jitter", "shift", "flips", "horizontal_flip", "vertical_flip",
        "quarter_turns", ["flips", "jitter"], [], ("shift", "shift"),
    ],
    "class_weight": [None, "balanced", {0: 1, 1: 2}, {0: 1}, {0: 0, 1: 1e300}, {0: 1e-300}],
    "early_stopping": [True, False],
    "validation_fraction": [0.1, 0.5, 0.999999, 1e-300],
    "n_iter_no_change": [1, np.inf, 10**30],
    "tol": [0, 1e-4, 1e300],
    "warm_start": [True, False],
    "device": ["cpu"],
    "distributed": [False],
    "random_state": [0, None, np.random.RandomState(0), 2**32 - 1],
    "verbose": [0, False],
    "callbacks": [None, [], ()],
}  # fmt: skip


def any_parameters(good):
    """Up to four parameters with good values; in half the cases, one more with any value at all."""
    names = st.lists(st.sampled_from(sorted(good)), unique=True, max_size=4)
    usual = names.flatmap(lambda some: st.fixed_dictionaries({n: from_list(good[n]) for n in some}))
    name = st.sampled_from([name for name in sorted(good) if name != "max_iter"])
    odd = st.tuples(name, from_list(ODD)).map(lambda pair: dict([pair]))
    return usual | st.tuples(usual, odd).map(lambda both: both[0] | both[1])


def fit_with(X, parameters):
    clf = small_classifier(**(TINY | parameters))
    names = {*parameters, "X"}
    if names & {"alpha", "dropout", "label_smoothing"}:  # training may diverge with these
        names.add("learning_rate_init")
    if works_or_is_refused(lambda: clf.fit(X, [0, 1, 0, 1, 0, 1]), *names):
        result = works_or_is_refused(lambda: clf.predict_proba(X), "X")
        if result is not None:
            assert_probabilities(result, (6, 2))


@pytest.mark.parametrize("name", GOOD)
def test_each_parameter_with_any_value(six, name):
    for value in [*GOOD[name], *ODD]:
        for early_stopping in (False, True):
            parameters = {"early_stopping": early_stopping, name: value}
            if name == "max_iter":  # 'auto' trains long enough to warn if nothing was learned
                parameters |= {"augment": None, "n_filters": (32,)}
            fit_with(six, parameters)


@cases(600)
@given(any_parameters(GOOD))
def test_any_parameters_together(six, parameters):
    fit_with(six, parameters)


SHAPES_OF_EACH = {
    "n_samples": [1, 3, [1, 2, 0], (0, 0, 1), np.array([1, 1, 1]), np.int64(2)],
    "image_shape": [(8, 8), [3, 9], (8, 5, 3), np.array([6, 6]), (np.int8(7), 7)],
    "shapes": [("triangle", "circle", "rectangle"), ["star", "cross", "ring"], ["ellipse"]],
    "size": [1, 0.5, 0.999, (0.4, 1.0), (1e-300, 1), Fraction(1, 2)],
    "rotation": [0, (0, 360), -720, (-1e300, 1e300), 1e308, (-1.7e308, 1.7e308), 1e-320],
    "aspect_ratio": [0.01, 1, (0.01, 1), 0.5],
    "min_visible": [1, 1e-320, 1e-12, 0.5, 1 - 1e-16],
    "filled": [True, False, 0.5, 1, 0],
    "line_width": [1, 1e-320, 1e-12, (1e-300, 1), 0.2],
    "foreground": [0, 1, (0, 1), (0.5, 0.5), 1e-320],
    "background": [0, 1, (0, 1), (0.5, 0.5), 1e-320],
    "min_contrast": [0, 1, 0.2, 0.5, 1e-320],
    "noise": [0, 0.1, 1e30, 1e38, 1e39, 1e300, 1e-320],
    "shuffle": [True, False],
    "as_images": [True, False],
    "return_X_y": [True, False],
    "return_masks": [True, False],
    "random_state": [0, None, np.random.RandomState(0), np.random.default_rng(0), 2**32 - 1],
}


def make_with(parameters):
    parameters = {"n_samples": 3, "image_shape": (8, 8), "random_state": 0} | parameters
    data = works_or_is_refused(lambda: make_shapes(**parameters), *parameters)
    if data is not None:
        images, labels = (data.data, data.target) if hasattr(data, "data") else data
        assert len(images) == len(labels) > 0
        assert images.dtype == np.float32
        assert (images >= 0).all() and (images <= 1).all()


@pytest.mark.parametrize("name", SHAPES_OF_EACH)
def test_shapes_with_any_value_of_each_parameter(name):
    for value in [*SHAPES_OF_EACH[name], *ODD]:
        make_with({name: value})


@cases(500)
@given(any_parameters(SHAPES_OF_EACH))
def test_shapes_of_any_parameters_together(parameters):
    make_with(parameters)
