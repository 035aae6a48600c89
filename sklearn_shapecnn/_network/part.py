"""What a network stores separately for each part of a batch, so that threads can share it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_shapecnn._threads import Change


@dataclass
class Part:
    """What one part of a batch changes during training.

    Attributes
    ----------
    generator : torch.Generator
        Generator of dropout.
    statistics : dict of BatchNorm to tuple of Tensor (mean, variance)
        Statistics of the maps that batch normalization has seen.
    """

    generator: torch.Generator
    statistics: dict[BatchNorm, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)


class _Current(threading.local):
    """The part that a thread is computing."""

    part: Part | None = None


_current = _Current()


class computing_part(Change):
    """Treat what this thread computes with a network as one part of a batch."""

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.part = part

    def change(self) -> None:
        """Set the part for this thread."""
        self.callback(setattr, _current, "part", None)
        _current.part = self.part


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization that keeps its running statistics unchanged in a part of a batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        part = _current.part
        if part is None or not self.training:
            return super().forward(x)
        mean, variance = torch.zeros_like(self.weight), torch.zeros_like(self.weight)
        # With a momentum of one they become those of this part.
        result = F.batch_norm(
            x, mean, variance, self.weight, self.bias, training=True, momentum=1.0, eps=self.eps
        )
        part.statistics[self] = mean, variance
        return result


class Dropout(nn.Module):
    """Dropout that draws from its own generator instead of torch's global one."""

    def __init__(self, p: float, generator: torch.Generator) -> None:
        super().__init__()
        self.p = p
        self.generator = generator

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return x
        part = _current.part
        generator = self.generator if part is None else part.generator
        kept = torch.empty(x.shape, dtype=x.dtype).bernoulli_(1 - self.p, generator=generator)
        return x * kept.to(x.device) / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def split_generator(generator: torch.Generator, n: int) -> list[torch.Generator]:
    """Make generators whose seeds are drawn from another one."""
    seeds = torch.randint(2**62, (n,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@torch.no_grad()
def update_running_statistics(parts: Sequence[Part]) -> None:
    """Move the running statistics toward the mean over the parts of a batch."""
    for norm in parts[0].statistics:
        assert norm.running_mean is not None and norm.running_var is not None
        assert norm.num_batches_tracked is not None and norm.momentum is not None
        means, variances = zip(*(part.statistics[norm] for part in parts), strict=True)
        norm.running_mean.lerp_(torch.stack(means).mean(0), norm.momentum)
        norm.running_var.lerp_(torch.stack(variances).mean(0), norm.momentum)
        norm.num_batches_tracked.add_(1)
