"""NetworkConfig: the settings of the network, what 'auto' means, and the plan of its stages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from numbers import Integral
from typing import Any

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn._input.errors import check_positive_ints

N_STAGES = 4  # by default: the last ones see whole shapes
LARGE_KERNEL = 10  # pixels; such filters are warned about on images that are smaller
GRID = 3  # the head sees the mean of each feature map in the cells of a GRID x GRID grid
MAX_WEIGHTS = 2**36  # each takes 16 bytes in training: a TiB
_LARGE = 48 * 48  # pixels; larger images are pooled differently

ImageShape = tuple[int, int, int]  # height, width, channels
Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class StagePlan:
    """Sizes of one stage of the network, cut down to fit its input.

    Attributes
    ----------
    in_channels, out_channels : int
        Number of feature maps before and after.
    kernel_size : tuple of int (height, width)
        Size of the filters; less than twice the map, since the rest would only see padding.
    pool_size : tuple of int (height, width)
        Size of the pooling windows; never larger than the map.
    in_size, map_size : tuple of int (height, width)
        Size of the feature maps before the stage and after it.
    """

    in_channels: int
    out_channels: int
    kernel_size: Size
    pool_size: Size
    in_size: Size
    map_size: Size

    @property
    def n_weights(self) -> int:
        """Number of weights of the filters."""
        return self.in_channels * self.out_channels * math.prod(self.kernel_size)


@dataclass(frozen=True)
class NetworkConfig:
    """Settings of a network.

    Attributes
    ----------
    image_shape : tuple of int (height, width, channels)
    n_outputs : int
        Number of scores per image: one per class, label or number.
    n_filters, kernel_size, pool_size : tuple of int of length n_stages
    pooling : {'max', 'avg', 'sum'}
    hidden_layer_sizes : tuple of int
    activation : str
    normalization : {'batch', 'layer'} or None
    dropout : float
        As in :class:`~sklearn_shapecnn.ShapeCNNClassifier`, with 'auto' resolved.
    has_places : bool
        Whether the head receives the positions at which the feature maps are active.
    """

    image_shape: ImageShape
    n_outputs: int
    n_filters: tuple[int, ...]
    kernel_size: tuple[int, ...]
    pool_size: tuple[int, ...]
    pooling: str = "max"
    hidden_layer_sizes: tuple[int, ...] = ()
    activation: str = "relu"
    normalization: str | None = "batch"
    dropout: float = 0.0
    has_places: bool = False

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, Any],
        image_shape: ImageShape,
        n_outputs: int,
        has_places: bool = False,
    ) -> NetworkConfig:
        """Resolve the parameters of an estimator for an image shape.

        Raises
        ------
        ValueError
            If sizes are not positive ints or disagree on the number of stages, or if the network
            would be too large to train.
        """
        config = cls(
            image_shape=image_shape,
            n_outputs=n_outputs,
            **_resolve_stages(parameters, image_shape),
            pooling=parameters["pooling"],
            hidden_layer_sizes=check_positive_ints(
                "hidden_layer_sizes", parameters["hidden_layer_sizes"]
            ),
            activation=parameters["activation"],
            normalization=parameters["normalization"],
            dropout=float(parameters["dropout"]),
            has_places=has_places,
        )
        if config.n_weights > MAX_WEIGHTS:
            raise ValueError(
                f"n_filters={parameters['n_filters']!r} and hidden_layer_sizes="
                f"{parameters['hidden_layer_sizes']!r} make a network of {config.n_weights} "
                f"weights, which is too large to train. Make it smaller."
            )
        return config

    @cached_property
    def stages(self) -> tuple[StagePlan, ...]:
        """Plan the stages for the size of the image.

        Images may have any size from one pixel up: filters and pooling windows that are too large
        for their input are cut down to fit.
        """
        height, width, channels = self.image_shape
        stages = []
        for out_channels, kernel, pool in zip(
            self.n_filters, self.kernel_size, self.pool_size, strict=True
        ):
            kernel_size = (min(kernel, 2 * height - 1), min(kernel, 2 * width - 1))
            pool_size = (min(pool, height), min(pool, width))
            map_size = (-(-height // pool_size[0]), -(-width // pool_size[1]))
            stages.append(
                StagePlan(channels, out_channels, kernel_size, pool_size, (height, width), map_size)
            )
            (height, width), channels = map_size, out_channels
        return tuple(stages)

    @property
    def n_weights(self) -> int:
        """Approximate number of weights of the network."""
        n_features = self.stages[-1].out_channels * (2 + GRID**2 + 2 * self.has_places)
        widths = [n_features, *self.hidden_layer_sizes, self.n_outputs]
        return sum(stage.n_weights for stage in self.stages) + sum(
            n * m for n, m in pairwise(widths)
        )


def auto_n_filters(n_stages: int) -> tuple[int, ...]:
    """Choose the number of filters per stage: more if maps are smaller and more meaningful."""
    return tuple(min(24 * 2**i, 96) for i in range(n_stages))


def auto_kernel_size(n_stages: int) -> tuple[int, ...]:
    """Choose the width of the filters: the smallest that sees a pixel's neighbors."""
    return (3,) * n_stages


def auto_pool_size(image_shape: ImageShape, n_stages: int) -> tuple[int, ...]:
    """Choose the pooling of each stage, so that the last maps are a few pixels wide.

    That is about 4 pixels, or about 8 in large images. Early stages pool first, because their maps
    are the largest. In large images, the first stage pools twice as much. In images of less than 16
    pixels, it pools last, because every pixel counts there.
    """
    side = max(image_shape[:2])
    is_large = image_shape[0] * image_shape[1] > _LARGE
    order = list(range(n_stages))
    if is_large:
        order = [0, *order]
    elif side < 16:
        order = order[1:] + order[:1]
    n_halvings = max(0, round(math.log2(side / (8 if is_large else 4.4))))
    sizes = [1] * n_stages
    for i in range(n_halvings):
        sizes[order[i % len(order)]] *= 2
    return tuple(sizes)


def _resolve_stages(
    parameters: Mapping[str, Any], image_shape: ImageShape
) -> dict[str, tuple[int, ...]]:
    """Resolve n_filters, kernel_size and pool_size to one int per stage."""
    given = {
        name: check_positive_ints(name, parameters[name])
        for name in ("n_filters", "kernel_size", "pool_size")
        if not isinstance(parameters[name], str)
    }
    # An int as n_filters means one stage. As kernel_size or pool_size, it applies to all stages.
    lengths = {
        name: len(value)
        for name, value in given.items()
        if name == "n_filters" or not isinstance(parameters[name], Integral)
    }
    if len(set(lengths.values())) > 1:
        counts = " and ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ValueError(
            f"n_filters, kernel_size and pool_size need one value per stage, but {counts}. Give "
            f"them the same length; kernel_size and pool_size may be one int for all stages."
        )
    n_stages = next(iter(lengths.values()), N_STAGES)
    if n_stages == 0:
        raise ValueError(f"{next(iter(lengths))} is empty; the network needs at least one stage.")
    sizes = {name: value if name in lengths else value * n_stages for name, value in given.items()}
    auto = {
        "n_filters": auto_n_filters(n_stages),
        "kernel_size": auto_kernel_size(n_stages),
        "pool_size": auto_pool_size(image_shape, n_stages),
    }
    return auto | sizes


def warn_about_large_filters(config: NetworkConfig) -> None:
    """Warn if filters are larger than the images."""
    height, width, _ = config.image_shape
    largest = max(config.kernel_size)
    if largest >= LARGE_KERNEL and largest > max(height, width):
        warn(
            f"kernel_size={largest} is larger than the images, which have {height} x {width} "
            f"pixels. Filters are cut down to what an image can fill, and still take long. Most "
            f"images need 3 to 7."
        )
