import numpy as np
import pytest
import torch

from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.modules import Dropout, GlobalFeatures, ShapeCNN


def make_network(
    image_shape=(8, 8, 1),
    n_filters=(4, 8),
    kernel_size=(3, 3),
    pool_size=(2, 2),
    seed=0,
    center=0.0,
    scale=1.0,
    **parameters,
):
    config = NetworkConfig(image_shape, 3, n_filters, kernel_size, pool_size, **parameters)
    return ShapeCNN(config, center=center, scale=scale, seed=seed).eval()


def images(n=2, seed=0):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("image_shape", [(1, 2, 1), (5, 1, 1), (3, 7, 3), (9, 9, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 50])
@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
@pytest.mark.parametrize("pool", [1, 2, 3, 50])
def test_every_size_gives_scores_and_the_maps_that_were_planned(image_shape, kernel, pooling, pool):
    network = make_network(
        image_shape, kernel_size=(kernel, kernel), pool_size=(pool, pool), pooling=pooling
    )
    x = torch.zeros(2, image_shape[2], *image_shape[:2])
    for stage, plan in zip(network.stages, network.config.stages, strict=True):
        x = stage(x)
        assert x.shape == (2, plan.out_channels, *plan.map_size)
    assert network(torch.zeros(2, image_shape[2], *image_shape[:2])).shape == (2, 3)


@pytest.mark.parametrize(
    ("pooling", "expected"), [("max", 15), ("avg", (10 + 11 + 14 + 15) / 4), ("sum", 50)]
)
def test_pooling(pooling, expected):
    network = make_network((4, 4, 1), (1,), (1,), pooling=pooling, pool_size=(2,))
    pool = network.stages[0].pool
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert pool(image)[0, 0, 1, 1] == expected


def test_even_kernels_keep_the_size():
    network = make_network((6, 7, 1), (2,), (4,), pool_size=(1,))
    assert network.stages[0](torch.zeros(1, 1, 6, 7)).shape == (1, 2, 6, 7)


def test_scores_do_not_depend_on_the_pixel_scale():
    image = images()
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
    features = GlobalFeatures((6, 6)).eval()
    (row,) = features(maps)
    assert len(row) == features.per_map == 11
    assert row[0] == 35
    assert row[1] == 17.5
    assert row[2] == pytest.approx(np.mean([0, 1, 6, 7]) / 3)  # nine cells weigh as one


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("has_places", [False, True])
@pytest.mark.parametrize("map_size", [(1, 2), (2, 1), (3, 3), (4, 4), (5, 1), (7, 4), (8, 13)])
def test_global_features_are_the_same_in_training(map_size, has_places, memory_format):
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(3, 5, *map_size, generator=generator).contiguous(memory_format=memory_format)
    features = GlobalFeatures(map_size, has_places)
    weights = torch.randn(3, 5 * features.per_map, generator=generator)
    found = []
    for is_training in (True, False):
        leaf = maps.clone().requires_grad_()
        values = features.train(is_training)(leaf)
        values.backward(weights)
        found.append((values, leaf.grad))
    torch.testing.assert_close(*found)


def test_dropout_scales_what_it_keeps_and_does_nothing_outside_training():
    dropout = Dropout(0.25, torch.Generator().manual_seed(0))
    ones = torch.ones(10_000)
    assert sorted(set(dropout(ones).tolist())) == pytest.approx([0, 4 / 3])
    assert dropout(ones).mean() == pytest.approx(1, abs=0.03)
    assert torch.equal(dropout.eval()(ones), ones)


@pytest.mark.parametrize("normalization", ["batch", "layer", None])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (5,)])
def test_the_parts_of_the_forward_pass_make_up_the_whole(normalization, hidden_layer_sizes):
    network = make_network(
        normalization=normalization, hidden_layer_sizes=hidden_layer_sizes, center=0.4, scale=3.0
    )
    x = images()
    scores = network(x)
    maps = network.forward_features(x)
    assert torch.equal(network.forward_head(maps), scores)
    outputs = network.forward_intermediates(x)
    assert len(outputs) == 2
    assert torch.equal(outputs[-1], maps)
    convolved = network.forward_intermediates(x, step="convolution")
    assert [tuple(m.shape) for m in convolved] == [(2, 4, 8, 8), (2, 8, 4, 4)]
    for stage, before, after in zip(network.stages, convolved, outputs, strict=True):
        assert torch.equal(stage.finish(before), after)
    features = network.forward_head(maps, pre_logits=True)
    assert torch.equal(features, network.last_features(x))
    assert features.shape == (2, network.n_last_features)
    torch.testing.assert_close(
        features @ network.head.output.weight.T + network.head.output.bias, scores
    )


def test_stages_have_named_parts():
    (stage,) = make_network(n_filters=(4,), kernel_size=(3,), pool_size=(2,)).stages
    assert isinstance(stage.conv, torch.nn.Conv2d)
    assert isinstance(stage.pool, torch.nn.MaxPool2d)
    assert isinstance(stage.norm, torch.nn.BatchNorm2d)
    assert isinstance(stage.act, torch.nn.ReLU)
    (bare,) = make_network(
        n_filters=(4,), kernel_size=(3,), pool_size=(1,), normalization=None
    ).stages
    for part in (bare.pad, bare.pool, bare.norm):
        assert isinstance(part, torch.nn.Identity)


@pytest.mark.parametrize("hidden_layer_sizes", [(), (6,), (6, 5)])
def test_hooks_see_every_part_of_a_forward_pass(hidden_layer_sizes):
    network = make_network(hidden_layer_sizes=hidden_layer_sizes)
    seen = set()
    for name, module in network.named_modules():
        module.register_forward_hook(lambda *_, name=name: seen.add(name))
    network(images())
    assert seen == {name for name, _ in network.named_modules()}


def test_a_hook_can_replace_what_a_hidden_layer_gives():
    network = make_network(hidden_layer_sizes=(6,))
    (_, linear, _) = network.head.hidden[0]
    linear.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    bias = network.head.output.bias.detach()
    torch.testing.assert_close(network(images()), bias.expand(2, -1))


def test_hidden_layers_predict_in_float64_and_train_in_float32():
    network = make_network(hidden_layer_sizes=(6,))
    seen = []
    network.head.output.register_forward_hook(lambda module, inputs, output: seen.append(output))
    assert network(images()).dtype == torch.float32
    network.train()(images())
    assert [output.dtype for output in seen] == [torch.float64, torch.float32]
