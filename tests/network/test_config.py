import itertools

import pytest

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn._network.config import (
    NetworkConfig,
    auto_kernel_size,
    auto_n_filters,
    auto_pool_size,
)


def resolve(image_shape=(32, 32, 1), n_classes=3, **parameters):
    parameters = ShapeCNNClassifier(**parameters).get_params()
    return NetworkConfig.from_parameters(parameters, image_shape, n_classes)


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8, 16, 25, 28, 32, 48, 72, 96, 128, 256])
@pytest.mark.parametrize("n_stages", [1, 2, 3, 4])
def test_automatic_sizes_leave_small_maps(side, n_stages):
    shape = (side, side, 1)
    config = NetworkConfig(
        shape,
        3,
        auto_n_filters(n_stages),
        auto_kernel_size(n_stages),
        auto_pool_size(shape, n_stages),
    )
    stages = config.stages
    assert len(stages) == n_stages
    assert stages[0].in_channels == 1
    assert all(a.out_channels == b.in_channels for a, b in itertools.pairwise(stages))
    assert all(a.map_size == b.in_size for a, b in itertools.pairwise(stages))
    assert min(side, 3) <= stages[-1].map_size[0] <= (12 if side > 48 else 8)


def test_plan_cuts_kernels_and_windows_down_to_the_map():
    (stage,) = resolve((1, 5, 1), n_filters=4, kernel_size=99, pool_size=3).stages
    assert stage.kernel_size == (1, 9)
    assert stage.pool_size == (1, 3)
    assert stage.in_size == (1, 5)
    assert stage.map_size == (1, 2)


def test_auto_is_one_network_for_all_sizes_that_pools_more_in_large_images():
    small, large = resolve((48, 48, 1)), resolve((72, 72, 1))
    for config in (small, large):
        assert config.n_filters == (24, 48, 96, 96)
        assert config.kernel_size == (3, 3, 3, 3)
    assert small.pool_size == (2, 2, 2, 1)
    assert large.pool_size == (4, 2, 1, 1)


def test_one_number_serves_all_stages_but_is_a_single_stage_of_filters():
    config = resolve(n_filters=(4, 8), kernel_size=5, pool_size=2)
    assert config.kernel_size == (5, 5)
    assert config.pool_size == (2, 2)
    assert resolve(n_filters=4).n_filters == (4,)
    assert resolve(kernel_size=(3, 5)).n_filters == (24, 48)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"n_filters": (4, 8), "pool_size": (2, 2, 2)},
            "one value per stage, but n_filters has 2 and pool_size has 3",
        ),
        ({"kernel_size": ()}, "kernel_size is empty; the network needs at least one stage"),
        ({"n_filters": (4, 0)}, r"n_filters must hold positive ints only, but got \(4, 0\)"),
        ({"hidden_layer_sizes": (4, True)}, "hidden_layer_sizes must hold positive ints only"),
        ({"n_filters": (10**6, 10**6)}, "too large to train. Make it smaller"),
    ],
)
def test_sizes_that_make_no_network(parameters, message):
    with pytest.raises(ValueError, match=message):
        resolve(**parameters)


def test_number_of_weights():
    config = resolve((8, 8, 3), 5, n_filters=(4, 6), kernel_size=3, hidden_layer_sizes=7)
    features = 6 * (2 + 9)
    assert config.n_weights == 3 * 4 * 9 + 4 * 6 * 9 + features * 7 + 7 * 5


def test_configurations_are_compared_by_value_and_cannot_be_changed():
    assert resolve(n_filters=[4, 8]) == resolve(n_filters=(4, 8))
    assert resolve(activation="tanh") != resolve()
    with pytest.raises(AttributeError):
        resolve().dropout = 0.5
