import copy
import subprocess
import sys

import pytest
import torch
from helpers import make_net

from sklearn_shapecnn._training.muon import Muon

generator = torch.Generator().manual_seed(0)


def filters_and_bias():
    weight = torch.nn.Parameter(torch.randn(6, 4, 3, 3, generator=generator))
    bias = torch.nn.Parameter(torch.ones(6))
    return weight, bias


def make_muon(weight, bias, **parameters):
    groups = [{"params": [weight], "use_muon": True}, {"params": [bias]}]
    return Muon(groups, lr=0.01, weight_decay=0.5, **parameters)


def test_filters_turn_but_keep_their_length():
    weight, bias = filters_and_bias()
    optimizer = make_muon(weight, bias)
    gradient = torch.randn(6, 4, 3, 3, generator=generator)
    weight.grad, bias.grad = gradient.clone(), torch.zeros(6)
    before = weight.detach() * (6**0.5 / weight.detach().norm())
    optimizer.step()
    # All directions of the gradient count alike: its singular values became about one.
    step = ((before - weight.detach()) / 0.1).flatten(1)
    singular = torch.linalg.svdvals(step)
    assert singular.min() > 0.6 and singular.max() < 1.3
    u, _, v = torch.linalg.svd(gradient.flatten(1), full_matrices=False)
    assert torch.sum(step * (u @ v)) / step.norm() / 6**0.5 > 0.95
    assert (bias.detach() == 1 - 0.01 * 0.5).all()  # by AdamW: no gradient, but weight decay


def plain_direction(matrix):
    """The iteration as its authors write it, in float64."""
    x = matrix.double().flatten(1)
    x = x / x.norm()
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.reshape(matrix.shape)


def spread(shape, decades):
    """A filter bank whose singular values fall over so many decades."""
    matrix = torch.randn(shape, generator=generator, dtype=torch.float64).flatten(1)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    return (u * torch.logspace(0, -decades, len(s), dtype=torch.float64) @ v).reshape(shape).float()


@pytest.mark.parametrize(
    "shape", [(6, 4, 3, 3), (24, 1, 3, 3), (9, 1, 3, 3), (5, 3, 1, 1)], ids=str
)
@pytest.mark.parametrize(("decades", "tolerance"), [(0.1, 1e-5), (3, 5e-4), (9, 5e-3)])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("length", [1e-6, 1, 1e6])
def test_directions_are_those_of_the_plain_iteration(
    shape, decades, tolerance, memory_format, length
):
    start = torch.randn(shape, generator=generator).to(memory_format=memory_format)
    weight = torch.nn.Parameter(start.clone())
    optimizer = Muon([{"params": [weight], "use_muon": True}], lr=0.1)
    momentum = torch.zeros(shape)
    for _ in range(3):
        before = weight.detach() * (shape[0] ** 0.5 / weight.detach().norm())
        gradient = length * spread(shape, decades)
        weight.grad = gradient.to(memory_format=memory_format, copy=True)
        optimizer.step()
        momentum = 0.6 * momentum + gradient
        expected = plain_direction(gradient + 0.6 * momentum)
        step = before - weight.detach()
        assert (step - expected).norm() < tolerance * expected.norm()
        kept = optimizer.state[weight]["momentum"]
        torch.testing.assert_close(kept, momentum, rtol=1e-5, atol=1e-5 * length)
        assert torch.equal(weight.grad, gradient)


def test_a_gradient_of_zero_and_one_of_low_rank():
    weight = torch.nn.Parameter(torch.randn(6, 4, 3, 3, generator=generator))
    optimizer = Muon([{"params": [weight], "use_muon": True}], lr=0.1)
    before = weight.detach() * (6**0.5 / weight.detach().norm())
    weight.grad = torch.zeros(6, 4, 3, 3)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), before)
    weight.grad[0] = 1.0  # all other filters are dead
    before = weight.detach() * (6**0.5 / weight.detach().norm())
    optimizer.step()
    step = before - weight.detach()
    assert 0.6 < step[0].norm() < 1.3
    assert step[1:].abs().max() < 1e-5


@pytest.mark.parametrize("fused", [False, True])
def test_all_other_weights_move_as_by_adamw(fused):
    ours, theirs = torch.nn.Parameter(torch.ones(5)), torch.nn.Parameter(torch.ones(5))
    parameters = {"lr": 0.1, "weight_decay": 0.2, "fused": fused}
    optimizers = [Muon([ours], **parameters), torch.optim.AdamW([theirs], **parameters)]
    for _ in range(5):
        gradient = torch.randn(5, generator=generator)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert torch.equal(ours, theirs)


def test_weights_without_a_gradient_stay():
    weight, bias = filters_and_bias()
    before = weight.detach().clone(), bias.detach().clone()
    make_muon(weight, bias).step()
    assert torch.equal(weight, before[0])
    assert torch.equal(bias, before[1])


@pytest.mark.parametrize("how", ["copy", "state"])
def test_a_copy_goes_on_as_the_original(how):
    weight, bias = filters_and_bias()
    optimizer = make_muon(weight, bias)
    gradients = [
        (torch.randn(6, 4, 3, 3, generator=generator), torch.randn(6, generator=generator))
        for _ in range(4)
    ]

    def step(optimizer, weight, bias, gradient):
        weight.grad, bias.grad = gradient[0].clone(), gradient[1].clone()
        optimizer.step()

    for gradient in gradients[:2]:
        step(optimizer, weight, bias, gradient)
    if how == "copy":
        other_weight, other_bias, other = copy.deepcopy((weight, bias, optimizer))
    else:
        other_weight, other_bias = copy.deepcopy((weight, bias))
        other = make_muon(other_weight, other_bias)
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for gradient in gradients[2:]:
        step(optimizer, weight, bias, gradient)
        step(other, other_weight, other_bias, gradient)
    assert torch.equal(weight, other_weight)
    assert torch.equal(bias, other_bias)


def test_the_filters_of_a_network_turn_and_nothing_else():
    net = make_net(hidden_layer_sizes=(3,))
    turned, others = net.optimizer_.param_groups
    assert turned["use_muon"] and not others["use_muon"]
    assert [weight.ndim for weight in turned["params"]] == [4]
    n_weights = len(list(net.module_.parameters()))
    assert len(others["params"]) == n_weights - 1
    assert all(weight.ndim < 4 for weight in others["params"])


@pytest.mark.slow
def test_training_does_not_import_the_compiler_of_torch(tmp_path):
    code = f"""
import os, sys, warnings
from skorch.callbacks import Checkpoint
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
X, y = make_shapes(30, image_shape=(8, 8), random_state=0)
import torch
before = dict(os.environ), list(warnings.filters)
clf = ShapeCNNClassifier(n_filters=2, max_iter=1, early_stopping=True, dropout=0.1).fit(X, y)
clf.set_params(early_stopping=False, warm_start=True).fit(X, y).partial_fit(X, y)
clf.set_params(callbacks=[Checkpoint(monitor=None, dirname={str(tmp_path)!r})]).fit(X, y)
clf.net_.load_params(checkpoint=clf.callbacks[0])
assert (dict(os.environ), list(warnings.filters)) == before
print("torch._dynamo" in sys.modules)
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
