import itertools

import numpy as np
import pytest
import torch

from sklearn_shapecnn.network import (
    Dropout,
    GlobalFeatures,
    ShapeCNN,
    auto_kernel_size,
    auto_n_filters,
    auto_pool_size,
    plan_stages,
)


def make_network(image_shape=(8, 8, 1), n_filters=(4, 8), kernel_size=(3, 3), **parameters):
    parameters.setdefault("pool_size", (2,) * len(n_filters))
    return ShapeCNN(
        image_shape, 3, n_filters=n_filters, kernel_size=kernel_size, **parameters
    ).eval()


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8, 16, 25, 28, 32, 48, 72, 96, 128, 256])
@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
def test_automatic_sizes_leave_small_maps(side, n_layers):
    shape = (side, side, 1)
    stages = plan_stages(
        shape,
        auto_n_filters(shape, n_layers),
        auto_kernel_size(shape, n_layers),
        auto_pool_size(shape, n_layers),
    )
    assert len(stages) == n_layers
    assert stages[0].in_channels == 1
    assert all(a.out_channels == b.in_channels for a, b in itertools.pairwise(stages))
    assert min(side, 3) <= stages[-1].map_size[0] <= (12 if side > 48 else 8)


def test_plan_cuts_kernels_and_windows_down_to_the_map():
    (stage,) = plan_stages((1, 5, 1), [4], [99], [3])
    assert stage.kernel_size == (1, 9)
    assert stage.pool_size == (1, 3)
    assert stage.map_size == (1, 2)


@pytest.mark.parametrize("image_shape", [(1, 2, 1), (5, 1, 1), (3, 7, 3), (9, 9, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 50])
@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
@pytest.mark.parametrize("pool", [1, 2, 3, 50])
def test_every_size_gives_scores_and_the_maps_that_were_planned(image_shape, kernel, pooling, pool):
    network = make_network(
        image_shape, kernel_size=(kernel, kernel), pool_size=(pool, pool), pooling=pooling
    )
    x = torch.zeros(2, image_shape[2], *image_shape[:2])
    for stage, plan in zip(network.body, network.stages, strict=True):
        x = stage(x)
        assert x.shape == (2, plan.out_channels, *plan.map_size)
    assert network(torch.zeros(2, image_shape[2], *image_shape[:2])).shape == (2, 3)


@pytest.mark.parametrize(
    ("pooling", "expected"), [("max", 15), ("avg", (10 + 11 + 14 + 15) / 4), ("sum", 50)]
)
def test_pooling(pooling, expected):
    network = make_network((4, 4, 1), (1,), (1,), pooling=pooling, pool_size=(2,))
    pool = network.body[0][1]
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert pool(image)[0, 0, 1, 1] == expected


def test_even_kernels_keep_the_size():
    network = make_network((6, 7, 1), (2,), (4,), pool_size=(1,))
    assert network.body[0](torch.zeros(1, 1, 6, 7)).shape == (1, 2, 6, 7)


def test_scores_do_not_depend_on_the_pixel_scale():
    image = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    plain = make_network(center=0.5, scale=4.0)
    scaled = make_network(center=0.5 * 256, scale=4.0 / 256)
    torch.testing.assert_close(plain(image), scaled(image * 256))


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone():
    state = torch.get_rng_state()
    one, same, other = make_network(seed=1), make_network(seed=1), make_network(seed=2)
    assert torch.equal(state, torch.get_rng_state())
    for a, b, c in zip(one.parameters(), same.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        if a.ndim > 1:
            assert not torch.equal(a, c)


def test_global_features_are_maximum_mean_and_grid():
    maps = torch.arange(36.0).reshape(1, 1, 6, 6)
    features = GlobalFeatures((6, 6))
    (row,) = features(maps)
    assert len(row) == features.per_map == 11
    assert row[0] == 35
    assert row[1] == 17.5
    assert row[2] == np.mean([0, 1, 6, 7])


def test_dropout_scales_what_it_keeps_and_does_nothing_outside_training():
    dropout = Dropout(0.25, torch.Generator().manual_seed(0))
    ones = torch.ones(10_000)
    assert sorted(set(dropout(ones).tolist())) == pytest.approx([0, 4 / 3])
    assert dropout(ones).mean() == pytest.approx(1, abs=0.03)
    assert torch.equal(dropout.eval()(ones), ones)
