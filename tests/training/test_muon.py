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
