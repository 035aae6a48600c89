"""Watch: whether a network has changed."""

from __future__ import annotations

from itertools import chain
from operator import is_
from typing import Any

import torch
from torch import nn

from sklearn_shapecnn._compat import forward_hooks, held_by_module, tensor_stamps


class Watch:
    """Remember what a network consists of, to see whether it changes.

    Parameters
    ----------
    network : Module
        In evaluation mode and without hooks.

    Notes
    -----
    In-place operations of torch are detected. Values written to ``tensor.data``, or to a NumPy
    array that shares the memory, are not.
    """

    def __init__(self, network: nn.Module) -> None:
        self._modules = list(network.modules())
        self._attributes = [vars(module) for module in self._modules]
        self._n_attributes = [len(attributes) for attributes in self._attributes]
        self._hooks = forward_hooks(self._modules)
        self._holders = [
            held for module in self._modules for held in held_by_module(module) if held
        ]
        self._held = self._look()
        self._tensors = [each for each in self._held if isinstance(each, torch.Tensor)]
        self._stamps = tensor_stamps(self._tensors)

    def _look(self) -> list[Any]:
        """Return the submodules, weights and buffers."""
        return list(chain.from_iterable(holder.values() for holder in self._holders))

    def is_unchanged(self) -> bool:
        """Whether nothing has changed; this takes about 15 µs for the usual network."""
        held = self._look()
        return (
            len(held) == len(self._held)
            and all(map(is_, held, self._held))
            and tensor_stamps(self._tensors) == self._stamps
            and not any(self._hooks)
            and not any([module.training for module in self._modules])
            # Otherwise the user has replaced a method.
            and list(map(len, self._attributes)) == self._n_attributes
        )
