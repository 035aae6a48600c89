"""Architecture: the layers of the fitted network, their sizes and costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from sklearn_shapecnn._finder import find_image_estimator
from sklearn_shapecnn._network.modules import (
    ACTIVATIONS,
    Dropout,
    GlobalFeatures,
    LayerNorm2d,
    ShapeCNN,
    SumPool2d,
)
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn.inspection._fitted_network import network_of

_NAMES: dict[type[nn.Module], str] = {
    nn.ZeroPad2d: "zero padding",
    nn.Conv2d: "convolution",
    nn.MaxPool2d: "max pooling",
    nn.AvgPool2d: "average pooling",
    SumPool2d: "sum pooling",
    nn.BatchNorm2d: "batch normalization",
    LayerNorm2d: "layer normalization",
    GlobalFeatures: "maximum, mean and grid of means",
    Dropout: "dropout",
    nn.Linear: "linear",
    **{activation: name.replace("_", " ") for name, activation in ACTIVATIONS.items()},
}


def architecture(estimator: Any) -> list[dict[str, Any]]:
    """List the layers of the fitted network with their sizes and costs.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
        :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.

    Returns
    -------
    layers : list of dict
        One dict per layer, in order. ``pandas.DataFrame(layers)`` makes a table of them. The keys:

        - 'stage' : 'input', 'stage 1', 'stage 2', ..., 'head';
        - 'layer' : what it does;
        - 'output_shape' : tuple of int (height, width, channels) or (n_features,);
        - 'n_weights' : int, number of learned weights;
        - 'n_multiply_adds' : int, number of multiply-adds per image, in convolutions and linear
          layers; the other layers do none or few;
        - 'n_pretrained' : int, number of filters of a convolution that started from those of
          `weights` instead of at random; 0 for the other layers.

    Raises
    ------
    TypeError
        If the estimator neither is nor contains a ShapeCNNClassifier or ShapeCNNRegressor.
    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import architecture
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> layers = architecture(clf)
    >>> layers[1]["layer"], layers[1]["output_shape"], layers[1]["n_weights"]
    ('convolution 3 x 3', (24, 24, 8), 72)
    >>> layers[1]["n_pretrained"]
    8
    """
    fitted, _ = find_image_estimator(estimator)
    network = network_of(fitted)
    height, width, channels = fitted.image_shape_
    x = network.center.new_zeros((1, channels, height, width))
    counts = iter(fitted.n_pretrained_filters_)  # one for each convolution
    rows = [_row("input", "scaling of pixels", x)]
    with torch_as_usual():
        for stage, layer in _layers(network):
            x = layer(x)
            n_pretrained = next(counts) if isinstance(layer, nn.Conv2d) else 0
            rows.append(_row(stage, _name(layer), x, layer, n_pretrained))
    return rows


def _layers(network: ShapeCNN) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers that do anything, each with the name of its stage."""
    head = network.head
    hidden = (layer for block in head.hidden for layer in block.children())
    parts = {f"stage {i}": tuple(stage.children()) for i, stage in enumerate(network.stages, 1)}
    parts["head"] = (network.global_features, *hidden, head.dropout, head.output)
    for stage, layers in parts.items():
        for layer in layers:
            is_off = isinstance(layer, Dropout) and layer.p == 0
            if not (is_off or isinstance(layer, nn.Identity)):
                yield stage, layer


def _name(layer: nn.Module) -> str:
    """Return the usual name of a layer, with its size."""
    if isinstance(layer, GlobalFeatures) and layer.per_map == 1:
        return "flattening"
    name = next(name for kind, name in _NAMES.items() if isinstance(layer, kind))
    size = getattr(layer, "kernel_size", ())
    return f"{name} {' x '.join(map(str, size))}" if size else name


def _row(
    stage: str, name: str, x: torch.Tensor, layer: nn.Module | None = None, n_pretrained: int = 0
) -> dict[str, Any]:
    """Describe a layer and its output."""
    shape = tuple(x.shape[1:])
    weights = [] if layer is None else [weight.numel() for weight in layer.parameters()]
    n_multiply_adds = 0
    if isinstance(layer, nn.Conv2d):
        n_multiply_adds = layer.weight.numel() * math.prod(x.shape[2:])
    elif isinstance(layer, nn.Linear):
        n_multiply_adds = layer.weight.numel()
    return {
        "stage": stage,
        "layer": name,
        "output_shape": (*shape[1:], shape[0]) if len(shape) == 3 else shape,
        "n_weights": sum(weights),
        "n_multiply_adds": n_multiply_adds,
        "n_pretrained": n_pretrained,
    }
