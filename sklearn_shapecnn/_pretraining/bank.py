"""The bank of filters in training: one set of filters for networks of many sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_shapecnn._network.modules import GlobalFeatures

N_FILTERS = (32, 64, 128, 128)
KERNEL_SIZES = (1, 2, 3)
DEPTHS = (3, 4)  # numbers of stages that have a head


@dataclass(frozen=True)
class Cut:
    """The network that a batch passes through.

    Attributes
    ----------
    n_filters, kernel_size, pool_size : tuple of int of length n_stages
    """

    n_filters: tuple[int, ...]
    kernel_size: tuple[int, ...]
    pool_size: tuple[int, ...]


class Bank(nn.Module):
    """A bank of filters, of which the first filters of the first stages are a network too.

    Parameters
    ----------
    n_classes : int
    seed : int

    Notes
    -----
    Random prefixes are trained along with the whole, as in Yu et al., "Slimmable Neural Networks",
    ICLR 2019, section 3.
    """

    def __init__(self, n_classes: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def random_weight(*shape: int) -> nn.Parameter:
            weight = torch.empty(shape)
            nn.init.kaiming_uniform_(weight, nonlinearity="linear", generator=generator)
            return nn.Parameter(weight)

        self.filters = nn.ParameterDict()
        self.norms = nn.ParameterDict()
        n_in = 3
        for i, n_out in enumerate(N_FILTERS):
            for size in KERNEL_SIZES:
                self.filters[f"{i}_{size}"] = random_weight(n_out, n_in, size, size)
            self.norms[f"{i}_weight"] = nn.Parameter(torch.ones(n_out))
            self.norms[f"{i}_bias"] = nn.Parameter(torch.zeros(n_out))
            n_in = n_out
        self.heads = nn.ParameterDict()
        for depth in DEPTHS:
            n_features = 11 * N_FILTERS[depth - 1]
            weight = random_weight(n_classes, n_features)
            self.heads[f"{depth}_weight"] = nn.Parameter(weight.detach().view(n_classes, 11, -1))
            self.heads[f"{depth}_bias"] = nn.Parameter(torch.zeros(n_classes))

    def forward(self, images: torch.Tensor, cut: Cut) -> torch.Tensor:
        """Compute scores of images of shape (n, channels, h, w) with a part of the bank."""
        maps = images
        for i, (n_out, size, pool) in enumerate(
            zip(cut.n_filters, cut.kernel_size, cut.pool_size, strict=True)
        ):
            weight = self.filters[f"{i}_{size}"][:n_out]
            n_in = maps.shape[1]
            weight = weight.sum(1, keepdim=True) if i == 0 and n_in == 1 else weight[:, :n_in]
            if size % 2 == 0:
                maps = F.pad(maps, (0, 1, 0, 1))
            maps = F.conv2d(maps, weight, padding=(size - 1) // 2)
            if pool > 1:
                maps = F.max_pool2d(maps, pool, ceil_mode=True)
            maps = F.batch_norm(
                maps,
                None,
                None,
                self.norms[f"{i}_weight"][:n_out],
                self.norms[f"{i}_bias"][:n_out],
                training=True,
            )
            maps = F.relu(maps)
        features = GlobalFeatures((maps.shape[2], maps.shape[3]))(maps)
        n_maps = maps.shape[1]
        depth = len(cut.n_filters)
        weight = self.heads[f"{depth}_weight"][:, :, :n_maps]
        # The features are the maxima of all maps, then all means, then nine cells of each map.
        cells = weight[:, 2:].transpose(1, 2).flatten(1)
        weight = torch.cat((weight[:, 0], weight[:, 1], cells), dim=1)
        if features.shape[1] != weight.shape[1]:
            raise ValueError(f"maps of {tuple(maps.shape[2:])} pixels are too small for the head")
        scale = math.sqrt(N_FILTERS[depth - 1] / n_maps)
        return F.linear(features, weight * scale, self.heads[f"{depth}_bias"])


def narrow(n_filters: Sequence[int], shares: Sequence[float]) -> tuple[int, ...]:
    """Return the numbers of filters to keep in each stage, in multiples of four."""
    return tuple(
        max(4, 4 * round(n * share / 4)) for n, share in zip(n_filters, shares, strict=True)
    )
