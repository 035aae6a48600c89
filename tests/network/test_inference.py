import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils import parametrize

from sklearn_shapecnn._network import inference
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.inference import InferencePlan, PlainNetwork, can_plan
from sklearn_shapecnn._network.modules import ACTIVATIONS, ShapeCNN

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="needs a torch with oneDNN"
)


def make_network(
    image_shape=(12, 12, 1),
    n_filters=(8, 16),
    kernel_size=(3, 3),
    pool_size=(2, 1),
    n_outputs=3,
    center=0.5,
    scale=4.0,
    **parameters,
):
    """A network as if it were trained: none of its weights and statistics is special."""
    config = NetworkConfig(image_shape, n_outputs, n_filters, kernel_size, pool_size, **parameters)
    network = ShapeCNN(config, center=center, scale=scale).eval()
    network.to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if tensor.ndim == 1:
                tensor.copy_(torch.randn(len(tensor), generator=generator))
                if name.endswith("running_var"):
                    tensor.abs_().add_(0.1)
    return network


def make_images(n, image_shape):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, *image_shape, generator=generator).permute(0, 3, 1, 2)


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@torch.no_grad()
def assert_computes_the_same(network, images):
    assert can_plan(network)
    plan = InferencePlan(network)
    assert_close(plan.scores(images), network(images))
    assert_close(plan.last_features(images), network.last_features(images))


PARAMETERS = [
    *(
        {"normalization": norm, "pooling": pool}
        for norm in ("batch", "layer", None)
        for pool in ("max", "avg", "sum")
    ),
    *({"activation": name, "pooling": "max"} for name in ACTIVATIONS),
    *({"kernel_size": size} for size in ((2, 4), (5, 1), (7, 50))),
    *({"pool_size": size} for size in ((1, 1), (3, 2), (5, 50))),
    *({"hidden_layer_sizes": sizes, "dropout": 0.5} for sizes in ((7,), (16, 8))),
    *({"hidden_layer_sizes": (7,), "activation": name} for name in ("gelu", "silu", "logistic")),
    *(
        {"image_shape": shape}
        for shape in ((1, 1, 1), (1, 9, 2), (5, 1, 1), (7, 3, 3), (16, 16, 4))
    ),
    *({"center": 1e6 * scale, "scale": 1 / scale} for scale in (1e-30, 1e-3, 1.0, 1e4)),
    {"n_filters": (3, 5), "n_outputs": 400},
    {"n_filters": (33,), "kernel_size": (3,), "pool_size": (4,), "normalization": None},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@torch.no_grad()
def test_a_plan_computes_what_the_network_does(parameters):
    network = make_network(**parameters)
    images = make_images(20, network.config.image_shape)
    images = images / network.scale + network.center
    assert_computes_the_same(network, images)
    expected = network(images).argmax(1)
    assert torch.equal(InferencePlan(network).scores(images).argmax(1), expected)


@pytest.mark.parametrize(
    "parameters",
    PARAMETERS + [{"activation": name, "image_shape": (5, 9, 1)} for name in ACTIVATIONS],
    ids=str,
)
@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.usefixtures("three_threads")  # restores the number of threads
@torch.no_grad()
def test_an_image_alone_gets_the_very_scores_that_it_gets_among_others(n_threads, parameters):
    torch.set_num_threads(n_threads)
    network = make_network(**parameters)
    plan = InferencePlan(network)
    images = make_images(257, network.config.image_shape)
    scores, features = plan.scores(images), plan.last_features(images)
    for n in (1, 2, 3, 64):
        for start in (0, 100):
            part = slice(start, start + n)
            assert torch.equal(plan.scores(images[part]), scores[part])
            assert torch.equal(plan.last_features(images[part]), features[part])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e38])
@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
@torch.no_grad()
def test_what_is_not_finite_stays_so(value, pooling):
    network = make_network(pooling=pooling, pool_size=(2, 1))
    images = make_images(3, (12, 12, 1))
    images[1] = value
    with torch.inference_mode():
        found = InferencePlan(network).scores(images).isfinite()
    assert torch.equal(found, network(images).isfinite())
    assert not found[1].any()
    assert found[::2].all()


@torch.no_grad()
def test_a_plain_network_gives_an_image_alone_what_it_gives_it_in_a_pair():
    network = make_network()
    images = make_images(2, (12, 12, 1))
    plain = PlainNetwork(network)
    assert torch.equal(plain.scores(images), network(images))
    assert torch.equal(plain.scores(images[:1]), network(images)[:1])
    assert torch.equal(plain.last_features(images[1:]), network.last_features(images)[1:])


def test_images_at_once_bound_the_memory_of_the_largest_maps(monkeypatch):
    plan = InferencePlan(make_network())
    assert plan.images_at_once == 2**24 // (4 * 8 * 12 * 12)
    monkeypatch.setattr(inference, "MAX_MAP_BYTES", 1)
    assert InferencePlan(make_network()).images_at_once == 1


def change_weights(network):
    with torch.no_grad():
        network.stages[0].conv.weight *= 2


def change_weights_in_inference_mode(network):
    with torch.inference_mode():
        network.head.output.bias += 1


def change_statistics(network):
    network.stages[1].norm.running_mean += 1


def load_weights(network):
    network.load_state_dict(make_network(center=0.1).state_dict())


def put_other_data_into_a_weight(network):
    network.stages[0].norm.weight.data = torch.ones(8)


def put_another_weight(network):
    network.head.output.weight = nn.Parameter(torch.ones_like(network.head.output.weight))


def put_another_activation(network):
    network.stages[1].act = nn.Tanh()


def leave_out_a_stage(network):
    network.stages[1] = nn.Identity()


@pytest.mark.parametrize(
    "change",
    [
        change_weights,
        change_weights_in_inference_mode,
        change_statistics,
        load_weights,
        put_other_data_into_a_weight,
        put_another_weight,
        put_another_activation,
        leave_out_a_stage,
    ],
)
def test_a_plan_sees_that_the_network_was_changed(change):
    network = make_network()
    plan = InferencePlan(network)
    assert plan.is_current(network)
    assert not plan.is_current(make_network())
    change(network)
    assert not plan.is_current(network)
    if change in (put_another_activation, leave_out_a_stage):
        assert not can_plan(network)
    else:
        assert_computes_the_same(network, make_images(5, (12, 12, 1)))


def add_a_hook(network):
    network.stages[0].conv.register_forward_hook(lambda *args: None)


def add_a_hook_before(network):
    network.head.register_forward_pre_hook(lambda *args: None)


def train_dropout(network):
    network.head.dropout.train()


def replace_a_method(network):
    network.stages[0].forward = lambda x: x


def replace_another_method(network):
    network.stages[0].convolve = lambda x: x


def compile_a_module(network):
    network.head._compiled_call_impl = network.head.forward  # as `compile` does


def parametrize_a_weight(network):
    parametrize.register_parametrization(network.head.output, "weight", nn.Identity())


def put_a_module_of_another_class(network):
    network.stages[1].act = nn.Softplus()


def compute_in_float64(network):
    network.double()


@pytest.mark.parametrize(
    "change",
    [
        add_a_hook,
        add_a_hook_before,
        train_dropout,
        replace_a_method,
        replace_another_method,
        compile_a_module,
        parametrize_a_weight,
        put_a_module_of_another_class,
        compute_in_float64,
    ],
)
def test_there_is_no_plan_for_a_network_that_may_do_something_else(change):
    network = make_network()
    plan = InferencePlan(network)
    assert can_plan(network)
    change(network)
    assert not can_plan(network)
    assert not plan.is_current(network)


@pytest.mark.parametrize("hidden", [(), (7,)], ids=str)
def test_there_is_no_plan_for_layers_with_other_settings(hidden):
    network = make_network(hidden_layer_sizes=hidden)
    assert can_plan(network)
    network.stages[0].conv.stride = (2, 2)
    assert not can_plan(network)


def test_a_hook_on_all_modules_is_seen():
    network = make_network()
    plan = InferencePlan(network)
    hook = register_module_forward_hook(lambda *args: None)
    try:
        assert not plan.is_current(network)
        assert not can_plan(network)
    finally:
        hook.remove()
    assert plan.is_current(network)
    assert can_plan(network)


def test_there_is_no_plan_for_tensors_that_do_not_count_their_changes():
    with torch.inference_mode():
        network = make_network()
    assert not can_plan(network)


def test_there_is_no_plan_without_onednn(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not can_plan(make_network())


def test_threads_may_share_a_plan():
    network = make_network()
    plan = InferencePlan(network)
    images = make_images(64, (12, 12, 1))
    expected = plan.scores(images)
    barrier = threading.Barrier(8)

    def work(i):
        barrier.wait()
        return all(
            torch.equal(plan.scores(images[i : i + n]), expected[i : i + n])
            for n in (1, 2, 17)
            for _ in range(10)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
