"""Convert the network to ONNX nodes, part by part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from sklearn_shapecnn._network.modules import (
    LEAST_MEAN,
    GlobalFeatures,
    LayerNorm2d,
    ShapeCNN,
    Stage,
    SumPool2d,
    cell_shares,
)
from sklearn_shapecnn.export._graph import Graph


def add_last_features(graph: Graph, x: str, network: ShapeCNN) -> str:
    """Add all of a network except the last linear layer, for rows or images of pixels."""
    height, width, channels = network.config.image_shape
    x = graph.add("Reshape", x, graph.constant([-1, height, width, channels], np.int64))
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.add("Sub", x, graph.constant(network.center))
    x = graph.add("Mul", x, graph.constant(network.scale))
    stages: Any = network.stages  # Any: the type of an nn.Sequential does not show its parts
    for stage in stages:
        x = _add_stage(graph, x, stage)
    n_maps = network.config.stages[-1].out_channels
    x = _add_global_features(graph, x, network.global_features, n_maps)
    hidden: Any = network.head.hidden
    for _, linear, activation in hidden:  # dropout does nothing after training
        x = _add_activation(graph, add_linear(graph, x, linear), activation)
    return x


def add_linear(graph: Graph, x: str, linear: nn.Linear) -> str:
    """Add a fully connected layer."""
    weight, bias = graph.constant(linear.weight), graph.constant(linear.bias)
    return graph.add("Gemm", x, weight, bias, transB=1)


def _add_stage(graph: Graph, x: str, stage: Stage) -> str:
    x = _add_convolution(graph, x, stage)
    if not isinstance(stage.pool, nn.Identity):
        x = _add_pooling(graph, x, stage.pool, stage.plan.in_size)
    if isinstance(stage.norm, nn.BatchNorm2d):
        x = _add_batch_norm(graph, x, stage.norm)
    elif isinstance(stage.norm, LayerNorm2d):
        x = _add_layer_norm(graph, x, stage.norm, stage.plan.map_size)
    return _add_activation(graph, x, stage.act)


def _add_convolution(graph: Graph, x: str, stage: Stage) -> str:
    inputs = [graph.constant(stage.conv.weight)]
    if stage.conv.bias is not None:
        inputs.append(graph.constant(stage.conv.bias))
    height, width = stage.plan.kernel_size
    # Top, left, bottom, right: what stage.pad and stage.conv add in two steps.
    pads = [(height - 1) // 2, (width - 1) // 2, height // 2, width // 2]
    return graph.add("Conv", x, *inputs, kernel_shape=[height, width], pads=pads)


def _add_pooling(graph: Graph, x: str, pool: Any, in_size: tuple[int, int]) -> str:
    # Neither a maximum nor a mean counts the padding, so this is exactly torch's ceil_mode. ONNX
    # has a ceil_mode too, but runtimes differ in the divisor of a mean.
    overhang = [-side % window for side, window in zip(in_size, pool.kernel_size, strict=True)]
    window: dict[str, Any] = {
        "kernel_shape": list(pool.kernel_size),
        "strides": list(pool.kernel_size),
        "pads": [0, 0, *overhang],
    }
    if isinstance(pool, nn.MaxPool2d):
        return graph.add("MaxPool", x, **window)
    x = graph.add("AveragePool", x, **window)
    if isinstance(pool, SumPool2d):
        x = graph.add("Mul", x, graph.constant(float(np.prod(pool.kernel_size))))
    return x


def _add_batch_norm(graph: Graph, x: str, norm: nn.BatchNorm2d) -> str:
    values = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    constants = [graph.constant(value) for value in values]
    return graph.add("BatchNormalization", x, *constants, epsilon=norm.eps)


def _add_layer_norm(graph: Graph, x: str, norm: LayerNorm2d, map_size: tuple[int, int]) -> str:
    """Normalize each image to mean zero and variance one over all maps, then scale and shift maps.

    ONNX has GroupNormalization only since opset 18, so an image becomes one long row for
    InstanceNormalization.
    """
    n_maps = norm.num_channels
    x = graph.add(
        "Reshape", x, graph.constant([-1, 1, n_maps * map_size[0] * map_size[1]], np.int64)
    )
    ones, zeros = graph.constant([1]), graph.constant([0])
    x = graph.add("InstanceNormalization", x, ones, zeros, epsilon=norm.eps)
    x = graph.add("Reshape", x, graph.constant([-1, n_maps, *map_size], np.int64))
    x = graph.add("Mul", x, graph.constant(norm.weight.reshape(1, -1, 1, 1)))
    return graph.add("Add", x, graph.constant(norm.bias.reshape(1, -1, 1, 1)))


def _add_global_features(graph: Graph, x: str, features: GlobalFeatures, n_maps: int) -> str:
    if features.map_size == (1, 1):
        return graph.add("Flatten", x)
    maps = x
    highest = graph.add("Flatten", graph.add("GlobalMaxPool", x))
    mean = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    if features.grid != features.map_size:
        n_pixels = features.map_size[0] * features.map_size[1]
        x = graph.add("Reshape", x, graph.constant([-1, n_maps, n_pixels], np.int64))
        x = graph.add("MatMul", x, graph.constant(cell_shares(features.map_size, features.grid).T))
    cells = graph.add("Mul", graph.add("Flatten", x), graph.constant(features.cell_scale))
    places = _add_places(graph, maps, features, n_maps) if features.has_places else []
    return graph.add("Concat", highest, mean, cells, *places, axis=1)


def _add_places(graph: Graph, maps: str, features: GlobalFeatures, n_maps: int) -> list[str]:
    """Add the mean row and the mean column of each map."""
    n_pixels = features.map_size[0] * features.map_size[1]
    pixels = graph.add("Relu", maps)
    pixels = graph.add("Reshape", pixels, graph.constant([-1, n_maps, n_pixels], np.int64))
    rows, columns = (places.numpy().ravel() for places in features.pixel_places())
    each = np.ones(n_pixels) / n_pixels
    total = graph.add("MatMul", pixels, graph.constant(each[:, None]))
    total = graph.add("Add", total, graph.constant(LEAST_MEAN))
    moments = (
        graph.add("MatMul", pixels, graph.constant((places * each)[:, None]))
        for places in (rows, columns)
    )
    return [graph.add("Flatten", graph.add("Div", moment, total)) for moment in moments]


def _add_activation(graph: Graph, x: str, activation: nn.Module) -> str:
    return _ACTIVATIONS[type(activation)](graph, x, activation)


def _add_gelu(graph: Graph, x: str, activation: nn.Module) -> str:
    erf = graph.add("Erf", graph.add("Mul", x, graph.constant(0.5**0.5)))
    return graph.add(
        "Mul", graph.add("Mul", x, graph.constant(0.5)), graph.add("Add", erf, graph.constant(1))
    )


_ACTIVATIONS: dict[type[nn.Module], Callable[[Graph, str, Any], str]] = {
    nn.ReLU: lambda graph, x, _: graph.add("Relu", x),
    nn.LeakyReLU: lambda graph, x, act: graph.add("LeakyRelu", x, alpha=act.negative_slope),
    nn.GELU: _add_gelu,
    nn.SiLU: lambda graph, x, _: graph.add("Mul", x, graph.add("Sigmoid", x)),
    nn.Tanh: lambda graph, x, _: graph.add("Tanh", x),
    nn.Sigmoid: lambda graph, x, _: graph.add("Sigmoid", x),
}
