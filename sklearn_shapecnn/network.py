"""The network: stages of convolution and pooling, then a head that turns features into scores.

A stage is convolution, pooling, normalization, activation. Pooling comes *before* the other two
because it leaves them a fraction of the pixels; for max-pooling under a rising activation the order
changes nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
}

GRID = 3  # the head sees each feature's mean in the cells of a GRID x GRID raster
BATCH_NORM_MEMORY = 0.1  # weight of the newest batch in the running statistics


@dataclass(frozen=True)
class Stage:
    """One stage of the network, with sizes that suit the map it is given.

    Attributes
    ----------
    in_channels, out_channels : int
        Number of feature maps before and after.
    kernel_size : tuple of int (height, width)
        Size of the filters; never more than twice the map, beyond which there is only padding.
    pool_size : tuple of int (height, width)
        Size of the pooling windows; never more than the map.
    map_size : tuple of int (height, width)
        Size of the feature maps after pooling.
    """

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, int]
    pool_size: tuple[int, int]
    map_size: tuple[int, int]


def auto_n_layers(image_shape: tuple[int, int, int]) -> int:
    """Layers for an image shape: one more where there are many pixels to look past."""
    return 4 if is_large(image_shape) else 3


def auto_n_filters(image_shape: tuple[int, int, int], n_layers: int) -> list[int]:
    """Filters per layer for an image shape: fewer where there are many pixels to slide over."""
    first, most = (16, 64) if is_large(image_shape) else (32, 256)
    return [min(first * 2**i, most) for i in range(n_layers)]


def auto_kernel_size(image_shape: tuple[int, int, int], n_layers: int) -> list[int]:
    """Width of the filters for an image shape: wider where a contour spans more pixels."""
    return [5 if is_large(image_shape) else 3] + [3] * (n_layers - 1)


def is_large(image_shape: tuple[int, int, int]) -> bool:
    """Whether an image has more than 48 x 48 pixels, which is where the automatic sizes change."""
    return image_shape[0] * image_shape[1] > 48 * 48


def auto_pool_size(image_shape: tuple[int, int, int], n_layers: int) -> list[int]:
    """Pooling per layer for an image shape, so that the last maps are a few pixels wide.

    That is about 5 pixels, and about 8 in large images. Early layers pool first, the very first one
    twice as much in large images: their maps are the largest. Only in images under 16 pixels the
    first layer is spared, for there every pixel counts.
    """
    side = max(image_shape[:2])
    order = list(range(n_layers))
    if is_large(image_shape):
        order = [0, *order]
    elif side < 16:
        order = order[1:] + order[:1]
    n_halvings = max(0, round(math.log2(side / (8 if is_large(image_shape) else 5))))
    sizes = [1] * n_layers
    for i in range(n_halvings):
        sizes[order[i % len(order)]] *= 2
    return sizes


def plan_stages(
    image_shape: tuple[int, int, int],
    n_filters: Sequence[int],
    kernel_size: Sequence[int],
    pool_size: Sequence[int],
) -> list[Stage]:
    """Fit the stages asked for to the size of the image.

    Every image from one pixel up can be planned: kernels and pooling windows that are larger than
    what they slide over are cut down to it.
    """
    height, width, channels = image_shape
    stages = []
    for out_channels, kernel, pool in zip(n_filters, kernel_size, pool_size, strict=True):
        kernel_hw = (min(kernel, 2 * height - 1), min(kernel, 2 * width - 1))
        pool_hw = (min(pool, height), min(pool, width))
        height, width = -(-height // pool_hw[0]), -(-width // pool_hw[1])
        stages.append(Stage(channels, out_channels, kernel_hw, pool_hw, (height, width)))
        channels = out_channels
    return stages


def count_weights(
    stages: Sequence[Stage], hidden_layer_sizes: Sequence[int], n_classes: int = 0
) -> int:
    """About how many weights a network has, before it is made."""
    widths = [stages[-1].out_channels * (2 + GRID**2), *hidden_layer_sizes, n_classes]
    return sum(
        stage.in_channels * stage.out_channels * math.prod(stage.kernel_size) for stage in stages
    ) + sum(n * m for n, m in pairwise(widths))


class ShapeCNN(nn.Module):
    """A small convolutional network for images of one shape.

    Parameters
    ----------
    image_shape : tuple of int (height, width, channels)
        Shape of one image.
    n_classes : int
        Number of scores per image.
    n_filters, kernel_size, pool_size : sequence of int, one per layer
        See :class:`~sklearn_shapecnn.ShapeCNNClassifier`.
    pooling : {'max', 'avg', 'sum'}, default='max'
        How a pooling window becomes one value.
    hidden_layer_sizes : sequence of int, default=()
        Widths of fully connected layers between the features and the scores.
    activation : str, default='relu'
        A key of ``ACTIVATIONS``.
    dropout : float, default=0.0
        Share of features that are set to zero at random in training, before each linear layer.
    normalization : {'batch', 'layer', None}, default='batch'
        What evens out the features of a stage.
    center, scale : float
        Pixels enter the network as ``(pixel - center) * scale``.
    seed : int, default=0
        Seed of the initial weights and of dropout; torch's global generator is left alone.
    """

    center: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        n_classes: int,
        *,
        n_filters: Sequence[int],
        kernel_size: Sequence[int],
        pool_size: Sequence[int],
        pooling: str = "max",
        hidden_layer_sizes: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        normalization: str | None = "batch",
        center: float = 0.0,
        scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.stages = plan_stages(image_shape, n_filters, kernel_size, pool_size)
        self.register_buffer("center", torch.tensor(center, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        generator = torch.Generator().manual_seed(seed)
        self.body = nn.Sequential(
            *(_stage(stage, pooling, normalization, activation) for stage in self.stages)
        )
        last = self.stages[-1]
        self.features = GlobalFeatures(last.map_size)
        widths = [self.features.per_map * last.out_channels, *hidden_layer_sizes]
        hidden = [
            nn.Sequential(Dropout(dropout, generator), _linear(n, m), ACTIVATIONS[activation]())
            for n, m in zip(widths, hidden_layer_sizes, strict=False)
        ]
        self.head = nn.Sequential(
            *hidden, Dropout(dropout, generator), _linear(widths[-1], n_classes)
        )
        self.to(torch.float32)  # whatever torch's default dtype is
        _initialize_weights(self, generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (logits) of shape (n, n_classes) of images of shape (n, channels, h, w)."""
        return self._through(self.head, self._described(x))

    def last_features(self, x: torch.Tensor) -> torch.Tensor:
        """What the scores are a linear function of, of shape (n, n_last_features)."""
        # Not a part of forward: cutting the head takes a notable share of a small image's time.
        return self._through(self.head[:-1], self._described(x))

    def _through(self, layers: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """What a part of the head makes of the features."""
        if self.training or len(self.head) == 2 or x.device.type != "cpu":
            return layers(x)
        # Hidden layers add up errors of rounding that depend on how many images there are: by more
        # than scikit-learn's checks allow, were it not in float64.
        x = x.double()
        for layer in layers.modules():
            if isinstance(layer, nn.Linear):
                x = F.linear(x, layer.weight.double(), layer.bias.double())
            elif not isinstance(layer, nn.Sequential | Dropout):
                x = layer(x)
        return x.float()

    def _described(self, x: torch.Tensor) -> torch.Tensor:
        """What the head is told of the images."""
        return self.features(self.body((x - self.center) * self.scale))

    @property
    def n_last_features(self) -> int:
        """How many they are."""
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        return last.in_features


class GlobalFeatures(nn.Module):
    """What the head is told of each feature map: its maximum, its mean, and the mean in each cell.

    The first two are blind to where a feature stands; the coarse grid of cells is not. A map no
    larger than the grid is handed over whole.
    """

    def __init__(self, map_size: tuple[int, int]) -> None:
        super().__init__()
        self.map_size = map_size
        self.grid = (min(GRID, map_size[0]), min(GRID, map_size[1]))
        n_cells = self.grid[0] * self.grid[1]
        self.per_map = 1 if map_size == (1, 1) else 2 + n_cells

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if self.map_size == (1, 1):
            return maps.flatten(1)
        cells = maps if self.grid == self.map_size else F.adaptive_avg_pool2d(maps, self.grid)
        return torch.cat((maps.amax((2, 3)), maps.mean((2, 3)), cells.flatten(1)), dim=1)


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own instead of torch's global one."""

    def __init__(self, p: float, generator: torch.Generator) -> None:
        super().__init__()
        self.p = p
        self.generator = generator

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return x
        kept = torch.empty(x.shape, dtype=x.dtype).bernoulli_(1 - self.p, generator=self.generator)
        return x * kept.to(x.device) / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class _SumPool2d(nn.Module):
    """The sum over each window, as in the article that this package grew from."""

    def __init__(self, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        self.kernel_size = kernel_size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(x, self.kernel_size, ceil_mode=True) * math.prod(self.kernel_size)


class _MapNorm(nn.GroupNorm):
    """Layer normalization of a stage: over all maps of one image."""

    def __init__(self, n_maps: int) -> None:
        super().__init__(1, n_maps)


def _pool(pooling: str, size: tuple[int, int]) -> nn.Module:
    # Windows that hang over the edge are kept (ceil_mode), so that no border pixel is lost.
    if pooling == "max":
        return nn.MaxPool2d(size, ceil_mode=True)
    if pooling == "avg":
        return nn.AvgPool2d(size, ceil_mode=True)
    return _SumPool2d(size)


def _stage(stage: Stage, pooling: str, normalization: str | None, activation: str) -> nn.Sequential:
    height, width = stage.kernel_size
    layers: list[nn.Module] = []
    if height % 2 == 0 or width % 2 == 0:  # only an odd kernel has the same padding on both sides
        even_h, even_w = 1 - height % 2, 1 - width % 2
        layers.append(nn.ZeroPad2d((0, even_w, 0, even_h)))
    padding = ((height - 1) // 2, (width - 1) // 2)
    layers.append(
        nn.utils.skip_init(
            nn.Conv2d,
            stage.in_channels,
            stage.out_channels,
            stage.kernel_size,
            padding=padding,
            bias=normalization is None,
        )
    )
    if math.prod(stage.pool_size) > 1:
        layers.append(_pool(pooling, stage.pool_size))
    if normalization == "batch":
        layers.append(nn.BatchNorm2d(stage.out_channels, momentum=BATCH_NORM_MEMORY))
    elif normalization == "layer":
        layers.append(_MapNorm(stage.out_channels))
    layers.append(ACTIVATIONS[activation]())
    return nn.Sequential(*layers)


def _linear(n_in: int, n_out: int) -> nn.Linear:
    return nn.utils.skip_init(nn.Linear, n_in, n_out)


def _initialize_weights(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights uniformly with variance one over the number of inputs, and biases of zero.

    Notes
    -----
    LeCun et al., "Efficient BackProp", 1998, section 4.6. What activations take from the variance
    the normalization gives back.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="linear", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
