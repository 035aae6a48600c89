"""Devices and threads of torch: which are taken, and which are refused."""

import contextlib

import pytest
import torch
from helpers import small_classifier

from sklearn_shapecnn._torch import find_device, is_available, torch_as_usual

GPUS = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.backends.mps}


def pretend(monkeypatch, there):
    """Let torch say that it has these kinds of GPU and no others."""
    for kind, backend in GPUS.items():
        monkeypatch.setattr(backend, "is_available", lambda kind=kind: kind in there)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["cuda", "xpu", "mps"], "cuda"),
        (["cuda", "mps"], "cuda"),
        (["xpu", "mps"], "xpu"),
        (["xpu"], "xpu"),
        (["mps"], "mps"),
        ([], "cpu"),
    ],
    ids=str,
)
def test_auto_takes_cuda_before_xpu_before_mps_before_the_cpu(monkeypatch, there, expected):
    pretend(monkeypatch, there)
    assert find_device("auto") == expected


def test_auto_device_takes_what_torch_has(few, monkeypatch):
    pretend(monkeypatch, [])
    assert small_classifier().fit(*few).device_ == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_a_gpu_is_taken_where_there_is_one(few):
    clf = small_classifier(max_iter=20).fit(*few)
    assert clf.device_ == "cuda"
    assert clf.score(*few) > 0.9


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_a_device_that_is_there_is_taken_as_it_is_named(device):
    assert find_device(device) == device
    assert is_available(device)


# hpu and mkldnn are names that torch knows; the last two it cannot even read.
@pytest.mark.parametrize("device", ["cuda:99", "xpu:99", "meta", "hpu", "mkldnn", "toaster", ""])
def test_a_device_that_is_not_there_is_refused_by_its_name(device):
    message = rf"device='{device}' is not available here\. Use 'auto', .* Torch says: .+\."
    with pytest.raises(ValueError, match=message):
        find_device(device)
    assert not is_available(device)


def state_of_torch():
    return (
        torch.is_autocast_enabled("cpu"),
        torch.empty(0).device.type,
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
    )


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize(
    "switch",
    [
        contextlib.nullcontext,
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.autocast("cpu"),
        lambda: torch.device("meta"),
    ],
)
def test_torch_is_as_usual_and_then_as_before(switch, gradients):
    @torch_as_usual(gradients=gradients)
    def work():
        assert state_of_torch() == (False, "cpu", not gradients, gradients, torch.float32)
        return torch.ones((2, 2)) @ torch.ones((2, 2))

    with switch():
        before = state_of_torch()
        for _ in range(2):
            assert work().dtype == torch.float32
            assert state_of_torch() == before
        with pytest.raises(KeyboardInterrupt), torch_as_usual(gradients=gradients):
            raise KeyboardInterrupt
        assert state_of_torch() == before


def test_torch_is_as_usual_within_itself():
    with torch.device("meta"), torch_as_usual(gradients=True):
        with torch_as_usual():
            assert state_of_torch()[1:3] == ("cpu", True)
        assert state_of_torch()[1:4] == ("cpu", False, True)
