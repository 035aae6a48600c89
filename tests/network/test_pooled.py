import pytest
import torch

from sklearn_shapecnn._network import pooled
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.modules import ShapeCNN


@pytest.fixture(autouse=True)
def _three_images_at_a_time(monkeypatch):
    monkeypatch.setattr(pooled, "MAX_VALUES", 3 * 4 * 7 * 9)


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("needs_input", [False, True])
@pytest.mark.parametrize("n", [2, 6, 8])
@pytest.mark.parametrize("size", [(2, 2), (3, 4), (7, 9), (1, 2)])
def test_maps_and_gradients_are_those_of_one_call_each(has_bias, needs_input, n, size):
    generator = torch.Generator().manual_seed(0)
    conv = torch.nn.Conv2d(2, 4, 3, padding=1, bias=has_bias).to(memory_format=torch.channels_last)
    for weight in conv.parameters():
        weight.data.normal_(generator=generator)
    pool = torch.nn.MaxPool2d(size, ceil_mode=True)
    x = torch.randn(n, 2, 7, 9, generator=generator).requires_grad_(needs_input)
    wanted = [*conv.parameters(), *([x] if needs_input else [])]
    found = {}
    for name, maps in {
        "ours": pooled.convolve_and_pool(x, conv, pool),
        "plain": pool(conv(x)),
    }.items():
        loss = (maps * torch.arange(maps.numel()).reshape(maps.shape).cos()).sum()
        found[name] = [maps, *torch.autograd.grad(loss, wanted)]
    for ours, plain in zip(found["ours"], found["plain"], strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


def test_frozen_filters_get_no_gradient():
    conv = torch.nn.Conv2d(2, 4, 3, padding=1).requires_grad_(False)
    x = torch.ones(8, 2, 7, 9, requires_grad=True)
    pooled.convolve_and_pool(x, conv, torch.nn.MaxPool2d(2)).sum().backward()
    assert conv.weight.grad is None and x.grad.shape == x.shape


@pytest.mark.parametrize("kernel", [2, 3])
def test_a_network_learns_the_same_from_a_few_images_at_a_time(kernel, monkeypatch):
    config = NetworkConfig((7, 9, 1), 3, (4, 4), (kernel, kernel), (2, 2))
    x = torch.rand(8, 1, 7, 9, generator=torch.Generator().manual_seed(0))
    gradients = []
    for max_values in (pooled.MAX_VALUES, 10**9):
        monkeypatch.setattr(pooled, "MAX_VALUES", max_values)
        network = ShapeCNN(config).train()
        network(x)[:, 0].square().sum().backward()
        gradients.append([weight.grad for weight in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
