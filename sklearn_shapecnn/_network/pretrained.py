"""Filters to start from: those that the package ships, or those of a fitted network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.modules import ShapeCNN, Stage

SHIPPED = "shapes.npz"  # next to this file


@dataclass(frozen=True)
class PretrainedStage:
    """Filters of one stage of a pretrained network.

    Attributes
    ----------
    filters : dict of int to ndarray of shape (n_filters, n_channels, size, size)
        Filters by size. Their maps mean the same for all sizes, so each size works with any size of
        the next stage.
    norm : tuple of ndarray of shape (n_filters,) (weight, bias) or None
        Those of batch normalization. None if the network has another normalization or none.
    """

    filters: Mapping[int, np.ndarray]
    norm: tuple[np.ndarray, np.ndarray] | None = None


Pretrained = tuple[PretrainedStage, ...]


def find_pretrained(estimator: Any, config: NetworkConfig, estimator_class: type) -> Pretrained:
    """Find the filters that the parameter `weights` asks for; none if all start at random.

    Parameters
    ----------
    estimator : estimator instance
        Estimator that has the parameter.
    config : NetworkConfig
        Configuration of the network that starts from the filters.
    estimator_class : type
        Class of which an estimator given as `weights` must be an instance.

    Raises
    ------
    TypeError
        If `weights` is something else, or the estimator itself.
    NotFittedError
        If the estimator given as `weights` is not fitted.
    ValueError
        If none of its filters fit into the network.
    """
    source = estimator.weights
    if source is None:
        return ()
    if isinstance(source, str):
        # If all filters are of 1 x 1 pixels, the later stages learn better from random ones.
        return shipped_filters() if max(config.kernel_size) > 1 else shipped_filters()[:1]
    if source is estimator:
        raise TypeError(
            "weights is the estimator itself. To continue from what it has learned, set "
            "weights='shapes' and warm_start=True."
        )
    while isinstance(source, FrozenEstimator):
        source = source.estimator
    name = type(source).__name__
    if not isinstance(source, estimator_class):
        raise TypeError(
            f"weights must be 'shapes', None or a fitted ShapeCNNClassifier or ShapeCNNRegressor, "
            f"but is a {name}. From a pipeline or a search, pass the fitted one in it, such as "
            f"pipeline[-1] or search.best_estimator_."
        )
    if not hasattr(source, "net_"):
        raise NotFittedError(
            f"weights is a {name} that is not fitted, so it has no filters to start from. Fit it "
            f"first. In a parameter search, wrap it in FrozenEstimator, because the search clones "
            f"it."
        )
    theirs = source.net_.module_.config.kernel_size
    if theirs[0] > config.kernel_size[0]:
        raise ValueError(
            f"weights has filters of kernel_size {theirs}, which do not fit into those of "
            f"kernel_size {config.kernel_size}. Set kernel_size to {theirs[0]} or more, or "
            f"weights='shapes'."
        )
    return filters_of(source.net_.module_)


@cache
def shipped_filters() -> Pretrained:
    """Load the filters that the package ships, which were learned from synthetic drawings."""
    path = files(__package__).joinpath(SHIPPED)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name].astype(np.float32) for name in archive.files}
    for array in arrays.values():
        array.setflags(write=False)  # all fits of the process share them
    stages: list[PretrainedStage] = []
    while f"{(i := len(stages))}_norm_weight" in arrays:
        sizes = {
            int(name.split("_")[1]): array
            for name, array in arrays.items()
            if name.startswith(f"{i}_") and name.split("_")[1].isdigit()
        }
        norm = arrays[f"{i}_norm_weight"], arrays[f"{i}_norm_bias"]
        stages.append(PretrainedStage(sizes, norm))
    return tuple(stages)


def filters_of(network: ShapeCNN) -> Pretrained:
    """Return the filters of a fitted network."""
    stages = []
    for stage, size in zip(network.stages, network.config.kernel_size, strict=True):
        assert isinstance(stage, Stage)
        weight = stage.conv.weight.detach().cpu().numpy()
        norm = None
        if isinstance(stage.norm, torch.nn.BatchNorm2d):
            norm = stage.norm.weight.detach().cpu().numpy(), stage.norm.bias.detach().cpu().numpy()
        whole = _embed(weight, (size, size))  # filters cut down for small maps get their size back
        stages.append(PretrainedStage({size: whole}, norm))
    return tuple(stages)


@torch.no_grad()
def start_from(network: ShapeCNN, pretrained: Pretrained) -> tuple[int, ...]:
    """Replace the first filters of each stage by pretrained ones, as far as they fit.

    Small filters are padded with zeros to fit larger ones. If there are more filters than needed,
    the first ones are used. If there are fewer, the rest stays random, and the pretrained filters
    of the next stage start with zero weights for them. The first stage is adapted to the number of
    channels. If no filters are small enough for a stage, this and all later stages stay random.

    Parameters
    ----------
    network : ShapeCNN
        Changed in place.
    pretrained : tuple of PretrainedStage

    Returns
    -------
    n_pretrained : tuple of int of length n_stages
        Number of pretrained filters in each stage.
    """
    config = network.config
    counts = [0] * len(config.stages)
    for i, (stage, source) in enumerate(zip(network.stages, pretrained, strict=False)):
        assert isinstance(stage, Stage)
        asked = config.kernel_size[i]
        fitting = [size for size in source.filters if size <= asked]
        if not fitting:
            break
        filters = source.filters[max(fitting)]
        weight = stage.conv.weight
        if i == 0:
            filters = _for_channels(filters, weight.shape[1])
        n_out, n_in = (int(n) for n in np.minimum(filters.shape, weight.shape)[:2])
        filters = _embed(filters[:n_out, :n_in], stage.plan.kernel_size)
        weight[:n_out] = 0
        weight[:n_out, :n_in] = torch.from_numpy(filters)
        if source.norm is not None and isinstance(stage.norm, torch.nn.BatchNorm2d):
            stage.norm.weight[:n_out], stage.norm.bias[:n_out] = (
                torch.from_numpy(values[:n_out].copy()) for values in source.norm
            )
        counts[i] = n_out
    return tuple(counts)


def _for_channels(filters: np.ndarray, n_channels: int) -> np.ndarray:
    """Adapt filters to another number of channels, with the same response to gray images."""
    n = filters.shape[1]
    if n_channels == n:
        return filters
    if n_channels == 1:
        return filters.sum(axis=1, keepdims=True)
    repeated = filters[:, np.arange(n_channels) % n] * (n / n_channels)
    # If some repeat more often than others, spread what the sum has lost evenly.
    lost = filters.sum(axis=1, keepdims=True) - repeated.sum(axis=1, keepdims=True)
    return repeated + lost / n_channels


def _embed(filters: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pad filters with zeros or cut them down, and keep their center."""
    whole = np.zeros((*filters.shape[:2], *size), dtype=np.float32)
    parts: list[tuple[slice, slice]] = []  # of the new filters and of the old ones, by axis
    for new, old in zip(size, filters.shape[2:], strict=True):
        offset = (new - 1) // 2 - (old - 1) // 2  # where torch's padding has the center
        into, out_of = max(0, offset), max(0, -offset)
        n = min(new - into, old - out_of)
        parts.append((slice(into, into + n), slice(out_of, out_of + n)))
    (rows, old_rows), (columns, old_columns) = parts
    whole[:, :, rows, columns] = filters[:, :, old_rows, old_columns]
    return whole
