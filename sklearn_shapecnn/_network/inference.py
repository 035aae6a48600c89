"""InferencePlan: what a trained network computes, with the fewest and fastest torch calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_shapecnn._compat import forward_hooks, onednn_convolution
from sklearn_shapecnn._network.modules import (
    ACTIVATIONS,
    Float64Linear,
    GlobalFeatures,
    Head,
    LayerNorm2d,
    SeededConv2d,
    SeededLinear,
    ShapeCNN,
    Stage,
    SumPool2d,
    cell_shares,
)
from sklearn_shapecnn._network.part import BatchNorm, Dropout
from sklearn_shapecnn._network.watch import Watch

MAX_MAP_BYTES = 2**24  # of the maps computed at once; the allocator keeps that much memory
MAX_FOLDED = 2**10  # pixels of the last map times classes

Step = Callable[[torch.Tensor], torch.Tensor]

# The modules that a plan supports. Modules of other classes may compute anything.
_KNOWN = {
    *(ShapeCNN, Stage, GlobalFeatures, Head, nn.Sequential, nn.Identity, Dropout),
    *(SeededConv2d, nn.ZeroPad2d, nn.MaxPool2d, nn.AvgPool2d, SumPool2d, BatchNorm, LayerNorm2d),
    *(SeededLinear, Float64Linear, *ACTIVATIONS.values()),
}


class InferencePlan:
    """Compute what a network computes, until its weights change.

    Batch normalization and the pixel scale are folded into the filters. All convolutions use
    oneDNN, which torch itself does not use for a batch of one. All linear layers compute in
    float64, and so do GELU, SiLU and logistic, which torch rounds differently at the end of each
    thread's part. The rounding of float64 does not show in float32, so an image gets the same
    scores, to the last bit, alone or in a batch. Any number of threads may use a plan at once.

    Parameters
    ----------
    network : ShapeCNN
        Network for which `can_plan` is True.
    """

    keeps_to_one_thread = False

    @torch.no_grad()
    def __init__(self, network: ShapeCNN) -> None:
        self.network = network
        self._watch = Watch(network)
        center, scale = float(network.center), float(network.scale)
        # Beyond these limits, the products with the filters would lose digits.
        self._factor = scale if not 1e-6 < scale < 1e6 else 1.0
        self._center = center
        factor = scale / self._factor
        self._stages: list[Step] = []
        for stage in cast(Iterable[Stage], network.stages):
            self._stages += _plan_stage(stage, factor)
            factor = 1.0
        self._features: list[Step] = [network.global_features]
        for _, linear, activation in cast(Iterable[tuple[nn.Module, ...]], network.head.hidden):
            self._features += [_in_float64(cast(nn.Linear, linear)), activation]
        output = network.head.output
        map_size = network.global_features.map_size
        is_short = math.prod(map_size) * output.out_features <= MAX_FOLDED
        has_places = network.global_features.has_places
        if is_short and map_size != (1, 1) and not (has_places or network.head.hidden):
            self._scores = [_fold_features(network.global_features, output)]
        else:
            self._scores = [*self._features, _in_float64(output)]
        sizes = [each.out_channels * math.prod(each.in_size) for each in network.config.stages]
        self.images_at_once = max(1, MAX_MAP_BYTES // (4 * max(sizes)))

    def is_current(self, network: ShapeCNN) -> bool:
        """Whether this plan computes what a network computes."""
        return network is self.network and self._watch.is_unchanged()

    def scores(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the scores of images of shape (n, channels, h, w)."""
        return self._compute(pixels, self._scores)

    def last_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the last features of images, as `ShapeCNN.last_features` does."""
        return self._compute(pixels, self._features)

    def _compute(self, pixels: torch.Tensor, last: list[Step]) -> torch.Tensor:
        x = pixels - self._center
        if self._factor != 1:
            x *= self._factor
        for step in self._stages:
            x = step(x)
        for step in last:
            x = step(x)
        return x.float()


class PlainNetwork:
    """A network whose modules are called directly, for example because a user has added hooks.

    Parameters
    ----------
    network : ShapeCNN
    """

    images_at_once = None  # as many as usual
    keeps_to_one_thread = True  # hooks are called in the order of the images

    def __init__(self, network: ShapeCNN) -> None:
        self.network = network

    def scores(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the scores of images of shape (n, channels, h, w)."""
        return self._among_others(self.network, pixels)

    def last_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the last features of images, as `ShapeCNN.last_features` does."""
        return self._among_others(self.network.last_features, pixels)

    def _among_others(self, function: Step, pixels: torch.Tensor) -> torch.Tensor:
        # torch computes a batch of one with another routine, which rounds differently: repeat the
        # image.
        return function(pixels.expand(max(2, len(pixels)), -1, -1, -1))[: len(pixels)]


def can_plan(network: ShapeCNN) -> bool:
    """Whether a network computes what its configuration says, on the CPU with oneDNN."""
    modules = list(network.modules())
    tensors = list(chain(network.parameters(), network.buffers()))
    return (
        torch.backends.mkldnn.is_available()
        and not any(forward_hooks(modules))
        and not any(module.training for module in modules)
        and all(type(module) in _KNOWN for module in modules)
        and not any(callable(each) for module in modules for each in vars(module).values())
        and all(tensor.device.type == "cpu" for tensor in tensors)
        and all(tensor.dtype in (torch.float32, torch.int64) for tensor in tensors)
        and not any(tensor.is_inference() for tensor in tensors)  # they do not count their changes
        and _is_as_configured(network)
    )


def _is_as_configured(network: ShapeCNN) -> bool:
    """Whether all layers still have their original classes and settings."""
    config, n_features = network.config, network.n_last_features
    if network.head.hidden:
        n_features = network.global_features.per_map * config.stages[-1].out_channels
    stages = nn.Sequential(*(Stage(plan, config) for plan in config.stages))
    head = Head(n_features, config, torch.Generator())
    return repr([network.stages, network.head]) == repr([stages, head])


def _plan_stage(stage: Stage, scale: float) -> list[Step]:
    """Plan the steps of one stage, whose input must still be multiplied by a scale."""
    conv, pool, norm, act = stage.conv, stage.pool, stage.norm, stage.act
    size: Any = getattr(pool, "kernel_size", 1)
    weight, bias = conv.weight.double() * scale, conv.bias
    shift = weight.new_zeros(len(weight)) if bias is None else bias.double()
    sign = None
    if isinstance(pool, SumPool2d):  # computed as the mean
        area = math.prod(size)
        weight, shift = weight * area, shift * area
    if isinstance(norm, BatchNorm):
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None and variance is not None
        factor = norm.weight.double() / torch.sqrt(variance.double() + norm.eps)
        shift = (shift - mean.double()) * factor + norm.bias.double()
        if isinstance(pool, nn.MaxPool2d) and (factor < 0).any():
            # A negative factor before the pooling would turn the maximum into the minimum.
            sign, factor = factor.sign(), factor.abs()
        weight = weight * factor.view(-1, 1, 1, 1)

    steps: list[Step] = [] if isinstance(stage.pad, nn.Identity) else [stage.pad]
    steps.append(
        onednn_convolution(
            weight.float(),
            shift.float() if sign is None else None,
            stage.plan.in_size,
            cast(tuple[int, int], conv.padding),
        )
    )
    if isinstance(pool, nn.MaxPool2d):
        steps.append(partial(torch.max_pool2d, kernel_size=size, stride=size, ceil_mode=True))
    elif not isinstance(pool, nn.Identity):
        steps.append(partial(F.avg_pool2d, kernel_size=size, ceil_mode=True))
    if sign is not None:
        columns = [vector.float().view(1, -1, 1, 1) for vector in (sign, shift)]
        steps.append(partial(_turn, *columns))
    if isinstance(norm, LayerNorm2d):
        steps.append(norm)
    # Not part of oneDNN's convolution, which would hide NaN from the check of the scores.
    steps.append(_plan_activation(act))
    return steps


def _plan_activation(act: nn.Module) -> Step:
    if isinstance(act, nn.ReLU):
        return torch.relu_
    if isinstance(act, nn.GELU | nn.SiLU | nn.Sigmoid):
        return lambda x: act(x.double()).float()
    return act


def _turn(sign: torch.Tensor, shift: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.addcmul(shift, x, sign)


def _fold_features(features: GlobalFeatures, output: nn.Linear) -> Step:
    """Merge the features and the output layer into one layer over all pixels of the last maps."""
    n_pixels = math.prod(features.map_size)
    weight, bias = output.weight.double(), output.bias.double()
    of_peak, of_mean, of_cells = weight.split(
        [weight.shape[1] // features.per_map * n for n in (1, 1, features.per_map - 2)], dim=1
    )
    shares = torch.from_numpy(features.cell_scale * cell_shares(features.map_size, features.grid))
    of_cells = of_cells.unflatten(1, (-1, len(shares)))
    of_pixels = torch.einsum("kcg,gp->kpc", of_cells, shares) + of_mean[:, None] / n_pixels
    of_pixels, of_peak = of_pixels.flatten(1), of_peak.T.contiguous()

    def compute(maps: torch.Tensor) -> torch.Tensor:
        rows = maps.permute(0, 2, 3, 1).flatten(1).double()
        return F.linear(rows, of_pixels, bias).addmm_(maps.amax((2, 3)).double(), of_peak)

    return compute


def _in_float64(layer: nn.Linear) -> Step:
    """Compute a linear layer in float64, so that rounding does not show in float32."""
    weight, bias = layer.weight.double(), layer.bias.double()
    return lambda x: F.linear(x.double(), weight, bias)
