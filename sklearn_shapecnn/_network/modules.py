"""The modules of the network: stages of named parts, features of the whole image, and a head.

A stage is convolution, pooling, normalization and activation. Pooling comes *before* the last two
because it leaves them a fraction of the pixels. For max pooling with an increasing activation, the
order changes nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_shapecnn._network.config import GRID, NetworkConfig, Size, StagePlan
from sklearn_shapecnn._network.part import BatchNorm, Dropout

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
}
LEAST_MEAN = 0.002  # added to the mean of a map, so that the position in an empty one is its center
BATCH_NORM_MOMENTUM = 0.1  # weight of the newest batch in the running statistics


class ShapeCNN(nn.Module):
    """A small convolutional network for images of one shape.

    Parameters
    ----------
    config : NetworkConfig
    center, scale : float
        Pixels enter the network as ``(pixel - center) * scale``.
    seed : int, default=0
        Seed of the initial weights and of dropout. torch's global generator is not used.
    """

    center: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self, config: NetworkConfig, *, center: float = 0.0, scale: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("center", torch.tensor(center, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        generator = torch.Generator().manual_seed(seed)
        self.stages = nn.Sequential(*(Stage(plan, config) for plan in config.stages))
        last = config.stages[-1]
        self.global_features = GlobalFeatures(last.map_size, config.has_places)
        n_features = self.global_features.per_map * last.out_channels
        self.head = Head(n_features, config, generator)
        self.to(torch.float32)  # whatever torch's default dtype is
        _initialize_weights(self, generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute scores of shape (n, n_outputs) from images of shape (n, channels, h, w)."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the maps of the last stage, of shape (n, n_filters, map_height, map_width)."""
        return self.stages(self._scale_pixels(x))

    def forward_head(self, maps: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """Compute scores from the maps of the last stage, or the features before the last layer."""
        return self.head(self.global_features(maps), pre_logits=pre_logits)

    def forward_intermediates(self, x: torch.Tensor, step: str = "output") -> list[torch.Tensor]:
        """Compute the maps of every stage: its 'output', or those of its 'convolution' alone.

        timm's method of this name also returns the maps of the last stage by themselves.
        """
        x = self._scale_pixels(x)
        maps = []
        for stage in cast(Iterable[Stage], self.stages):
            if step == "output":
                x = stage(x)
                maps.append(x)
            else:
                maps.append(stage.convolve(x))
                x = stage.finish(maps[-1])
        return maps

    def last_features(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the inputs of the last layer, of shape (n, n_last_features)."""
        return self.forward_head(self.forward_features(x), pre_logits=True)

    @property
    def n_last_features(self) -> int:
        """Number of the last features."""
        return self.head.output.in_features

    def _scale_pixels(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.center) * self.scale


class Stage(nn.Module):
    """Convolution, pooling, normalization and activation; unused steps are an Identity."""

    def __init__(self, plan: StagePlan, config: NetworkConfig) -> None:
        super().__init__()
        height, width = plan.kernel_size
        self.plan = plan
        self.pad = _padding_of_even_kernels(height, width)
        self.conv = SeededConv2d(
            plan.in_channels,
            plan.out_channels,
            plan.kernel_size,
            padding=((height - 1) // 2, (width - 1) // 2),
            bias=config.normalization is None,
        )
        self.pool = _pooling(config.pooling, plan.pool_size)
        self.norm = _normalization(config.normalization, plan.out_channels)
        self.act = ACTIVATIONS[config.activation]()

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the filters; the maps are as large as the input."""
        return self.conv(self.pad(x))

    def finish(self, maps: torch.Tensor) -> torch.Tensor:
        """Pool, normalize and activate the maps of the filters."""
        return self.act(self.norm(self.pool(maps)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.finish(self.convolve(x))


class GlobalFeatures(nn.Module):
    """Describe each feature map by its maximum, its mean, and the mean in each cell of a grid.

    The maximum and the mean ignore the position of a feature; the coarse grid does not. A map no
    larger than the grid is passed on whole.

    Parameters
    ----------
    map_size : tuple of int (height, width)
    has_places : bool, default=False
        Whether to add the position of what each map shows: the mean row and column of its pixels,
        from -1 to 1, each weighted by the positive part of its value. The idea is that of a spatial
        softmax (Finn et al., "Deep Spatial Autoencoders for Visuomotor Learning", ICRA 2016,
        section IV.B), but weights proportional to the values give more exact positions.
    """

    def __init__(self, map_size: Size, has_places: bool = False) -> None:
        super().__init__()
        self.map_size = map_size
        self.has_places = has_places and map_size != (1, 1)
        self.grid = (min(GRID, map_size[0]), min(GRID, map_size[1]))
        n_cells = self.grid[0] * self.grid[1]
        self.per_map = 1 if map_size == (1, 1) else 2 + n_cells + 2 * self.has_places
        # All cells together weigh as much as the mean, so that a few images do not teach that
        # objects are always where they happen to be.
        self.cell_scale = 1 / math.sqrt(n_cells)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if self.map_size == (1, 1):
            return maps.flatten(1)
        if self.training or maps.device.type != "cpu":
            return self._forward_by_products(maps)
        cells = maps if self.grid == self.map_size else F.adaptive_avg_pool2d(maps, self.grid)
        cells = cells.flatten(1) * self.cell_scale
        features = [maps.amax((2, 3)), maps.mean((2, 3)), cells]
        if self.has_places:
            maps = maps.relu()
            total = maps.mean((2, 3)) + LEAST_MEAN
            moments = [(maps * each.to(maps)).mean((2, 3)) for each in self.pixel_places()]
            features += [moment / total for moment in moments]
        return torch.cat(features, dim=1)

    def _forward_by_products(self, maps: torch.Tensor) -> torch.Tensor:
        """Compute the same with one matrix product for all means, which has a faster gradient.

        It also works on Apple's GPUs, where adaptive average pooling needs sizes that are multiples
        of the grid. But its last bits depend on the number of images, so predictions on the CPU do
        not use it. Of equal maxima, one gets the gradient.
        """
        shares = cell_shares(self.map_size, self.grid)
        equal = np.full_like(shares[0], 1 / shares.shape[1])
        mean, *cells = _weighted_sums(maps, [equal, *(self.cell_scale * shares)])
        highest = F.adaptive_max_pool2d(maps, 1).flatten(1)
        features = [highest, mean, torch.stack(cells, dim=2).flatten(1)]
        if self.has_places:
            places = [equal * each.numpy().ravel() for each in self.pixel_places()]
            mean, *moments = _weighted_sums(maps.relu(), [equal, *places])
            features += [moment / (mean + LEAST_MEAN) for moment in moments]
        return torch.cat(features, dim=1)

    def pixel_places(self) -> tuple[torch.Tensor, ...]:
        """Return the row and column of each pixel of a map, from -1 to 1; 0 if there is one."""
        # Whatever device and dtype the user has set as default.
        kind: dict[str, Any] = {"device": "cpu", "dtype": torch.float32}
        sides = [
            torch.linspace(-1, 1, n, **kind) if n > 1 else torch.zeros(1, **kind)
            for n in self.map_size
        ]
        return torch.meshgrid(*sides, indexing="ij")


@lru_cache(maxsize=8)
def cell_shares(map_size: Size, grid: Size) -> np.ndarray:
    """Return the share of each pixel in the mean of each cell, of shape (n_cells, n_pixels).

    Cells overlap if the size of the maps is not a multiple of that of the grid.
    """
    sides = []
    for n, size in zip(grid, map_size, strict=True):
        pixels, cells = np.arange(size), np.arange(n)[:, None]
        sides.append((cells * size // n <= pixels) & (pixels < -(-(cells + 1) * size // n)))
    inside = np.kron(*sides)
    shares = inside / inside.sum(axis=1, keepdims=True)
    shares.setflags(write=False)  # all networks of the process share them
    return shares


def _weighted_sums(maps: torch.Tensor, weights: list[np.ndarray]) -> tuple[torch.Tensor, ...]:
    """Return one sum over the pixels of each map for each array of weights."""
    rows = torch.from_numpy(np.stack(weights).astype(np.float32)).to(maps)
    return (rows @ maps.permute(0, 2, 3, 1).flatten(1, 2)).unbind(1)


class Head(nn.Module):
    """Fully connected layers from the features of an image to its scores."""

    def __init__(self, n_features: int, config: NetworkConfig, generator: torch.Generator) -> None:
        super().__init__()
        widths = [n_features, *config.hidden_layer_sizes]
        linear = Float64Linear if config.hidden_layer_sizes else SeededLinear
        self.hidden = nn.Sequential(
            *(
                nn.Sequential(
                    Dropout(config.dropout, generator),
                    linear(n_in, n_out),
                    ACTIVATIONS[config.activation](),
                )
                for n_in, n_out in zip(widths, config.hidden_layer_sizes, strict=False)
            )
        )
        self.dropout = Dropout(config.dropout, generator)
        self.output = linear(widths[-1], config.n_outputs)

    def forward(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        x = self.hidden(x)
        return (x if pre_logits else self.output(self.dropout(x))).float()


class SeededConv2d(nn.Conv2d):
    """A convolution that leaves its weights to `_initialize_weights`, which has a seed.

    torch's own initialization draws from its global generator, and its `skip_init` spends half a
    second on importing a computer algebra system.
    """

    def reset_parameters(self) -> None:
        pass


class SeededLinear(nn.Linear):
    """A linear layer that leaves its weights to `_initialize_weights`, as `SeededConv2d` does."""

    def reset_parameters(self) -> None:
        pass


class Float64Linear(SeededLinear):
    """A linear layer that predicts in float64 on the CPU.

    In float32, several linear layers add up rounding errors that depend on the number of images.
    The sum exceeds what `check_estimator` allows (``check_methods_subset_invariance``).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training or x.device.type != "cpu":
            return super().forward(x)
        return F.linear(x.double(), self.weight.double(), self.bias.double())


class SumPool2d(nn.Module):
    """The sum over each window, as in the article that this package grew from."""

    def __init__(self, kernel_size: Size) -> None:
        super().__init__()
        self.kernel_size = kernel_size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(x, self.kernel_size, ceil_mode=True) * math.prod(self.kernel_size)


class LayerNorm2d(nn.GroupNorm):
    """Layer normalization of a stage: over all maps of one image."""

    def __init__(self, n_maps: int) -> None:
        super().__init__(1, n_maps)


def _padding_of_even_kernels(height: int, width: int) -> nn.Module:
    """Pad one more row below and column to the right; Conv2d pads odd kernels equally."""
    extra_height, extra_width = 1 - height % 2, 1 - width % 2
    if extra_height or extra_width:
        return nn.ZeroPad2d((0, extra_width, 0, extra_height))
    return nn.Identity()


def _pooling(pooling: str, size: Size) -> nn.Module:
    if math.prod(size) == 1:
        return nn.Identity()
    # Keep windows that extend over the border (ceil_mode), so that no border pixel is lost.
    if pooling == "max":
        return nn.MaxPool2d(size, ceil_mode=True)
    if pooling == "avg":
        return nn.AvgPool2d(size, ceil_mode=True)
    return SumPool2d(size)


def _normalization(normalization: str | None, n_maps: int) -> nn.Module:
    if normalization == "batch":
        return BatchNorm(n_maps, momentum=BATCH_NORM_MOMENTUM)
    return nn.Identity() if normalization is None else LayerNorm2d(n_maps)


def dropout_layers(network: nn.Module) -> Sequence[Dropout]:
    """Return all dropout layers of a network; they share one generator."""
    return [module for module in network.modules() if isinstance(module, Dropout)]


def _initialize_weights(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights uniformly with variance one over the number of inputs; set biases to zero.

    Notes
    -----
    LeCun et al., "Efficient BackProp", 1998, section 4.6. Normalization restores the variance that
    activations take away.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="linear", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
