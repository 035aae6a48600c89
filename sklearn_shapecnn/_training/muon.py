"""Muon: an optimizer that turns filters by orthogonalized momentum and moves the rest by AdamW."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch.optim.adamw import adamw

from sklearn_shapecnn._compat import without_compiler

MOMENTUM = 0.6
RATE_FACTOR = 10.0  # filters move by this times the learning rate, relative to their norm


class Muon(torch.optim.Optimizer):
    """Turn some weights by orthogonalized momentum, move the others by AdamW.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Weights, or groups of weights. A group with ``use_muon=True`` holds filter banks, which turn
        and keep their norm. AdamW updates all other groups.
    lr : float, default=0.01
        Learning rate. Filters move by ten times the rate, relative to their norm.
    weight_decay : float, default=0.01
        Weight decay of AdamW. It would not change the filters.
    betas : tuple of float, default=(0.9, 0.999)
        Parameter of AdamW.
    eps : float, default=1e-8
        Parameter of AdamW.
    fused : bool, default=False
        Whether AdamW updates all weights of a group in one call, if the device supports it.

    Notes
    -----
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon. Keeping the length is from the authors' CIFAR-10
    program, https://github.com/KellerJordan/cifar10-airbench. AdamW: Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.01,
        *,
        weight_decay: float = 0.01,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        fused: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "betas": betas,
            "eps": eps,
            "fused": fused,
            "use_muon": False,
        }
        super().__init__(params, defaults)

    add_param_group = without_compiler(torch.optim.Optimizer.add_param_group)
    load_state_dict = without_compiler(torch.optim.Optimizer.load_state_dict)
    state_dict = without_compiler(torch.optim.Optimizer.state_dict)
    zero_grad = without_compiler(torch.optim.Optimizer.zero_grad)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update all weights that have a gradient by one step."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if group["use_muon"]:
                for weight in weights:
                    self._turn(weight, group["lr"])
            elif weights:
                self._move_by_adamw(weights, group)
        return loss

    def load_state(self, weight: torch.Tensor, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore the state that a weight has from earlier steps."""
        for name, array in arrays.items():
            device = self._step_device(weight) if name == "step" else weight.device
            self.state[weight][name] = torch.tensor(array, device=device)

    def _step_device(self, weight: torch.Tensor) -> torch.device:
        """Device of the step count of a weight: a fused step needs both on the same one."""
        return weight.device if self.defaults["fused"] else torch.device("cpu")

    def _turn(self, weight: torch.Tensor, learning_rate: float) -> None:
        gradient, state = weight.grad, self.state[weight]
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"]
        torch.add(gradient, momentum, alpha=MOMENTUM, out=momentum)
        # One row per filter, in memory order, so that the filters change in place.
        is_last = not weight.is_contiguous()
        filters = _channels(weight, is_last).view(len(weight), -1)
        matrix = _channels(gradient.add(momentum, alpha=MOMENTUM), is_last).flatten(1)
        filters.mul_(math.sqrt(len(weight)) / filters.norm().clamp(min=1e-12))
        turn = _orthogonalizer(matrix)
        factors = (matrix, turn) if _is_tall(matrix) else (turn, matrix)
        filters.addmm_(*factors, alpha=-min(RATE_FACTOR * learning_rate, 1e37))

    def _move_by_adamw(self, weights: list[torch.Tensor], group: dict[str, Any]) -> None:
        for weight in weights:
            state = self.state[weight]
            if not state:
                device = self._step_device(weight)
                state["step"] = torch.zeros((), dtype=torch.float32, device=device)
                state["exp_avg"] = torch.zeros_like(weight)
                state["exp_avg_sq"] = torch.zeros_like(weight)
        states = [self.state[weight] for weight in weights]
        beta1, beta2 = group["betas"]
        adamw(
            weights,
            [weight.grad for weight in weights if weight.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            foreach=False,
            fused=group["fused"],
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )


def _channels(bank: torch.Tensor, is_last: bool) -> torch.Tensor:
    """Return a filter bank with its channels on the second or the last axis."""
    return bank.movedim(1, -1) if is_last else bank


def _is_tall(matrix: torch.Tensor) -> bool:
    return matrix.shape[0] > matrix.shape[1]


def _orthogonalizer(matrix: torch.Tensor) -> torch.Tensor:
    """Compute the symmetric matrix that sets all singular values of a matrix X to about one.

    It is as large as the shorter side of X, and multiplies X from that side.

    The coefficients of this Newton-Schulz iteration are those of Jordan et al. (see `Muon`). It
    replaces X by P X, where P is a polynomial of X X'. All these polynomials commute, so X X'
    becomes P X X' P, and X itself is not needed before the end.
    """
    square = matrix.T @ matrix if _is_tall(matrix) else matrix @ matrix.T
    scale = square.trace().clamp(min=1e-24).rsqrt()  # scales X to a length of one
    square *= scale * scale
    product = _polynomial(square)
    factor = product
    for _ in range(4):
        square = factor @ square @ factor
        factor = _polynomial(square)
        product = product @ factor
    return product * scale


def _polynomial(square: torch.Tensor) -> torch.Tensor:
    factor = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
    factor.diagonal().add_(3.4445)
    return factor
