"""Convolution and pooling in training, a few images at a time.

The maps before pooling are by far the largest ones. Made, pooled and forgotten a few at a time,
they stay in the processor's cache, and the system need not hand out new memory for them in each
step. What pooling has left and where it was found is enough for the gradients.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

MAX_VALUES = 2**19  # of the maps before pooling, at a time: two megabytes


def convolve_and_pool(x: torch.Tensor, conv: nn.Conv2d, pool: nn.MaxPool2d) -> torch.Tensor:
    """The same as ``pool(conv(x))``, in less memory; for the CPU, and windows that do not overlap.

    Parameters
    ----------
    x : Tensor of shape (n, channels, h, w)
    conv : Conv2d
    pool : MaxPool2d
    """
    n_values = conv.out_channels * x.shape[2] * x.shape[3]
    n_at_once = max(1, MAX_VALUES // n_values)
    if n_at_once >= len(x):
        return cast(torch.Tensor, pool(conv(x)))
    return _ConvolveAndPool.apply(x, conv.weight, conv.bias, conv, pool, n_at_once)


class _ConvolveAndPool(torch.autograd.Function):
    """Its gradients, too, are computed a few images at a time."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        conv: nn.Conv2d,
        pool: nn.MaxPool2d,
        n_at_once: int,
    ) -> torch.Tensor:
        parts, places = [], []
        for some in x.split(n_at_once):
            maps = F.conv2d(some, weight, bias, padding=conv.padding)
            part, place = F.max_pool2d(
                maps, pool.kernel_size, ceil_mode=pool.ceil_mode, return_indices=True
            )
            parts.append(part)
            places.append(place)
        ctx.save_for_backward(x, weight, *places)
        ctx.padding, ctx.window = conv.padding, pool.kernel_size
        ctx.n_at_once, ctx.map_size = n_at_once, maps.shape[2:]
        return torch.cat(parts)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, *places = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        of_x, of_weight = [], torch.zeros_like(weight)
        for some, part, place in zip(
            x.split(ctx.n_at_once), gradient.split(ctx.n_at_once), places, strict=True
        ):
            maps = F.max_unpool2d(part, place, ctx.window, output_size=ctx.map_size)
            if needs_weight:
                of_weight += conv2d_weight(some, weight.shape, maps, padding=ctx.padding)
            if needs_x:
                of_x.append(conv2d_input(some.shape, weight, maps, padding=ctx.padding))
        return (
            torch.cat(of_x) if needs_x else None,
            of_weight if needs_weight else None,
            gradient.sum((0, 2, 3)) if needs_bias else None,
            *(None, None, None),
        )
