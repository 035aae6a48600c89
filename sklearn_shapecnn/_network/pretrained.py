"""Filters to start from: those that the package ships, or those of a fitted network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import torch

from sklearn_shapecnn._network.modules import ShapeCNN, Stage

SHIPPED = "shapes.npz"  # beside this file


@dataclass(frozen=True)
class PretrainedStage:
    """The filters of one stage of a source.

    Attributes
    ----------
    filters : dict of int to ndarray of shape (n_filters, n_channels, size, size)
        By their size. The sizes share what their maps mean, so that any of them goes with any of
        the next stage.
    norm_weight, norm_bias : ndarray of shape (n_filters,) or None
        Of batch normalization; None if the source has another or none.
    """

    filters: Mapping[int, np.ndarray]
    norm_weight: np.ndarray | None = None
    norm_bias: np.ndarray | None = None


Pretrained = tuple[PretrainedStage, ...]


@cache
def shipped_filters() -> Pretrained:
    """The filters learned from drawn formulas, which the package ships."""
    path = files(__package__).joinpath(SHIPPED)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name].astype(np.float32) for name in archive.files}
    stages: list[PretrainedStage] = []
    while f"{(i := len(stages))}_norm_weight" in arrays:
        sizes = {
            int(name.split("_")[1]): array
            for name, array in arrays.items()
            if name.startswith(f"{i}_") and name.split("_")[1].isdigit()
        }
        stages.append(PretrainedStage(sizes, arrays[f"{i}_norm_weight"], arrays[f"{i}_norm_bias"]))
    return tuple(stages)


def filters_of(network: ShapeCNN) -> Pretrained:
    """The filters of a fitted network."""
    stages = []
    for stage, size in zip(network.stages, network.config.kernel_size, strict=True):
        assert isinstance(stage, Stage)
        weight = stage.conv.weight.detach().cpu().numpy()
        norm_weight = norm_bias = None
        if isinstance(stage.norm, torch.nn.BatchNorm2d):
            norm_weight = stage.norm.weight.detach().cpu().numpy()
            norm_bias = stage.norm.bias.detach().cpu().numpy()
        whole = _embed(weight, (size, size))  # filters cut down to small maps get their size back
        stages.append(PretrainedStage({size: whole}, norm_weight, norm_bias))
    return tuple(stages)


@torch.no_grad()
def start_from(network: ShapeCNN, pretrained: Pretrained) -> tuple[int, ...]:
    """Replace the first filters of each stage by pretrained ones, as far as they fit.

    Small filters fit into larger ones, in a frame of zeros. Of many filters the first ones are
    taken. If there are fewer than the stage has, the rest stays random, and the pretrained filters
    of the next stage begin with zeros where they look at it. The first stage is adapted to the
    number of channels. From the first stage on that has no filters small enough, all stay random.

    Parameters
    ----------
    network : ShapeCNN
        Changed in place.
    pretrained : tuple of PretrainedStage

    Returns
    -------
    n_pretrained : tuple of int of length n_stages
        How many filters of each stage now are pretrained ones.
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
        filters = _embed(_embed(filters[:n_out, :n_in], (asked, asked)), stage.plan.kernel_size)
        weight[:n_out] = 0
        weight[:n_out, :n_in] = torch.from_numpy(filters)
        has_norm = source.norm_weight is not None and source.norm_bias is not None
        if has_norm and isinstance(stage.norm, torch.nn.BatchNorm2d):
            stage.norm.weight[:n_out] = torch.from_numpy(source.norm_weight[:n_out])
            stage.norm.bias[:n_out] = torch.from_numpy(source.norm_bias[:n_out])
        counts[i] = n_out
    return tuple(counts)


def _for_channels(filters: np.ndarray, n_channels: int) -> np.ndarray:
    """Adapt filters to images of another number of channels, so that they find the same in gray."""
    n = filters.shape[1]
    if n_channels == n:
        return filters
    if n_channels == 1:
        return filters.sum(axis=1, keepdims=True)
    return filters[:, np.arange(n_channels) % n] * (n / n_channels)


def _embed(filters: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Put a frame of zeros around filters, or cut them down, so that their middle stays."""
    whole = np.zeros((*filters.shape[:2], *size), dtype=np.float32)
    # The middle of a filter is where torch's padding puts it.
    ranges = []
    for ours, theirs in zip(size, filters.shape[2:], strict=True):
        offset = (ours - 1) // 2 - (theirs - 1) // 2
        ranges.append(
            (max(0, offset), max(0, -offset), min(ours - max(0, offset), theirs - max(0, -offset)))
        )
    (top, from_top, height), (left, from_left, width) = ranges
    whole[:, :, top : top + height, left : left + width] = filters[
        :, :, from_top : from_top + height, from_left : from_left + width
    ]
    return whole
