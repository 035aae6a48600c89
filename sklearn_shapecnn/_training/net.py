"""ShapeNet: skorch's classifier with a weighted loss, and how to build and to compute with it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring
from torch.nn import functional as F

from sklearn_shapecnn._compat import declare_optimizer
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.inputs import images_at_once, tensor_batches
from sklearn_shapecnn._network.modules import ShapeCNN
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn._training.callbacks import CheckLoss, KeepBest, StopEpoch
from sklearn_shapecnn._training.muon import Muon
from sklearn_shapecnn._training.sample import Batch, Batches, Labels, Sample, count_batches

MAX_GRADIENT_NORM = 1.0


@dataclass
class OptimizerMemory:
    """What an optimizer knows of the steps that it has made, as plain arrays.

    Attributes
    ----------
    moments : dict of str to dict of str to ndarray
        By the name of each weight.
    learning_rate : float
        That of the last step.
    """

    moments: dict[str, dict[str, np.ndarray]]
    learning_rate: float


class ShapeNet(NeuralNetClassifier):
    """skorch's classifier with a weighted loss and a plain training step.

    Its module gives scores, its criterion one loss an image.
    """

    callbacks_: list[tuple[str, Callback]]
    module_: ShapeCNN
    memory_: OptimizerMemory | None = None  # of a net from a file, until it has an optimizer
    knows_scale_: bool = True  # False as long as all its images were of one color
    has_doubted_scale_: bool = False  # whether it has met images that seem to be on another scale

    def get_default_callbacks(self) -> list[tuple[str, Callback]]:
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
            ("check_loss", CheckLoss()),
        ]

    def get_params(self, deep: bool = True, **kwargs: Any) -> dict[str, Any]:
        """Parameters by name, those of the net's own callbacks and not of skorch's default ones."""
        names = {f"callbacks__{name}" for name, _ in getattr(self, "callbacks_", [])}
        return {
            name: value
            for name, value in super().get_params(deep=deep, **kwargs).items()
            if not name.startswith("callbacks__") or "__".join(name.split("__")[:2]) in names
        }

    @cached_property
    def optimizer_(self) -> Muon:
        """The optimizer, which is made on first use: a net that only predicts needs none."""
        args, kwargs = self.get_params_for_optimizer("optimizer", self.get_all_learnable_params())
        optimizer = self.optimizer(*args, **kwargs)
        if self.memory_ is not None:
            for name, weight in self.module_.named_parameters():
                if name in self.memory_.moments:
                    optimizer.load_state(weight, self.memory_.moments[name])
            for group in optimizer.param_groups:
                group["lr"] = self.memory_.learning_rate
        return optimizer

    def initialize_optimizer(self, triggered_directly: None = None) -> ShapeNet:
        """Forget the optimizer and all that it knows; the next use makes a new one."""
        if "optimizer" not in self.prefixes_:
            declare_optimizer(self)
        self.__dict__.pop("optimizer_", None)
        self.memory_ = None
        return self

    def optimizer_memory(self) -> OptimizerMemory:
        """What the optimizer knows; the arrays may share memory with it."""
        if "optimizer_" not in vars(self) and self.memory_ is not None:
            return self.memory_
        states = self.optimizer_.state
        moments = {
            # Copied, so that their strides are those that a copy of the estimator has.
            name: {k: array.copy(order="K") for k, array in to_arrays(states[weight]).items()}
            for name, weight in self.module_.named_parameters()
            if weight in states
        }
        return OptimizerMemory(moments, float(self.optimizer_.param_groups[0]["lr"]))

    def get_loss(
        self, y_pred: torch.Tensor, y_true: Labels, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Mean of the losses of a batch, each times its weight."""
        targets, weights = y_true
        return (self.criterion_(y_pred, targets) * weights).mean()

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, torch.Tensor]:
        """One step; without skorch's closure, which only optimizers like LBFGS need."""
        pixels, labels = batch
        self.module_.train()
        y_pred = self.module_(pixels)
        loss = self.get_loss(y_pred, labels)
        self.optimizer_.zero_grad()
        self.backward(loss)
        self.notify(
            "on_grad_computed", named_parameters=list(self.module_.named_parameters()), batch=batch
        )
        torch.nn.utils.clip_grad_norm_(self.module_.parameters(), MAX_GRADIENT_NORM)
        self.optimizer_.step()
        return {"loss": loss.detach(), "y_pred": y_pred}

    def backward(self, loss: torch.Tensor) -> None:
        """Compute the gradients of a batch."""
        loss.backward()

    def run_single_epoch(self, iterator: Batches, *args: Any, **kwargs: Any) -> None:
        """One pass over the batches, or over as many of them as the callbacks want."""
        try:
            super().run_single_epoch(iterator, *args, **kwargs)
        except StopEpoch:
            self.history.record("train_batch_count", len(self.history[-1, "batches"]))

    @property
    def n_steps_done(self) -> int:
        """Number of steps since the optimizer was last initialized."""
        states = self.optimizer_.state.values()
        return max((int(state["step"]) for state in states if "step" in state), default=0)

    def set_hyperparameters(
        self, learning_rate_init: float, alpha: float, label_smoothing: float
    ) -> None:
        """Train with these from now on, with the weights as they are."""
        self.lr = learning_rate_init
        self.optimizer__weight_decay = alpha
        if "optimizer_" in vars(self):
            for group in self.optimizer_.param_groups:
                group["weight_decay"] = alpha
        self.criterion__label_smoothing = label_smoothing
        self.initialize_criterion()

    def snapshot(self) -> ShapeNet:
        """A copy as if the training had ended now: with the best weights, if these are kept."""
        callbacks, self.callbacks_ = self.callbacks_, []
        try:
            twin = copy.deepcopy(self)
        finally:
            self.callbacks_ = callbacks
        twin.initialize_callbacks()
        for _, callback in callbacks:
            if isinstance(callback, KeepBest):
                twin.module_.load_state_dict(callback.best_weights)
        return twin

    def settle(self, keep_best: KeepBest | None) -> None:
        """End the training, with the best weights if these were kept."""
        self.memory_ = None  # the optimizer knows more by now
        self.module_.eval()
        if keep_best is not None:
            self.module_.load_state_dict(keep_best.best_weights)

    def fail(self, what: str) -> NoReturn:
        """Raise ValueError for a training that led nowhere."""
        raise ValueError(
            f"Training diverged: {what}. Lower learning_rate_init (it is {self.lr:g}) or alpha, or "
            f"look for extreme values in X."
        )

    @torch.no_grad()
    def evaluate(self, sample: Sample) -> tuple[float, float]:
        """Weighted accuracy and loss on a sample."""
        self.module_.eval()
        right = loss = total = 0.0
        n_batches = count_batches(len(sample), images_at_once(sample.images.image_shape))
        for pixels, (targets, weights) in Batches(sample, n_batches=n_batches, device=self.device):
            scores = self.module_(pixels)
            right += float(((scores.argmax(1) == targets) * weights).sum())
            loss += float((F.cross_entropy(scores, targets, reduction="none") * weights).sum())
            total += float(weights.sum())
        return right / total, loss / total

    def scores(self, images: ImageSet) -> np.ndarray:
        """Scores (logits) of images, in float32 and of shape (n, n_classes)."""
        return self._compute(self.module_, images, len(self.classes))

    def last_features(self, images: ImageSet) -> np.ndarray:
        """Last features of images, in float32 and of shape (n, n_last_features)."""
        network = self.module_
        return self._compute(network.last_features, images, network.n_last_features)

    @torch_as_usual()
    def _compute(
        self, function: Callable[[torch.Tensor], torch.Tensor], images: ImageSet, width: int
    ) -> np.ndarray:
        if self.module_.training:  # asked first, since eval takes as long as a small image
            self.module_.eval()
        # Not a part at a time: small arrays kept among large ones that come and go waste memory.
        values = np.empty((len(images), width), dtype=np.float32)
        start = 0
        for pixels in tensor_batches(images, self.device):
            n = len(pixels)
            if n == 1:
                # torch computes a batch of one by another routine, which rounds differently. The
                # page on reliability promises the same answer for an image alone and among others,
                # and check_methods_subset_invariance asks for it: predict a pair of the image.
                pixels = pixels.expand(2, -1, -1, -1)
            values[start : start + n] = function(pixels)[:n].cpu().numpy()
            start += n
        return values


@torch_as_usual(gradients=True)
def build_net(
    config: NetworkConfig, device: str, center: float = 0.0, scale: float = 1.0, seed: int = 0
) -> ShapeNet:
    """Make an untrained net.

    Parameters
    ----------
    config : NetworkConfig
    device : str
    center, scale, seed
        See :class:`~sklearn_shapecnn._network.modules.ShapeCNN`.
    """
    net = ShapeNet(
        ShapeCNN,
        module__config=config,
        module__center=center,
        module__scale=scale,
        module__seed=seed,
        classes=list(range(config.n_classes)),
        criterion=torch.nn.CrossEntropyLoss,
        criterion__reduction="none",
        optimizer=Muon,
        optimizer__param_groups=[("stages.*.conv.weight", {"use_muon": True})],
        optimizer__fused=not device.startswith("mps"),
        iterator_train=Batches,
        iterator_train__device=device,
        train_split=None,
        device=device,
        verbose=0,
    )
    net.initialize()
    net.module_.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # of 4-D
    return net


def to_arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Arrays of the same values, in the same memory if that is the computer's own."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
