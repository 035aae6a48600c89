"""ShapeNet: a skorch net with a weighted loss, and how to build it and compute with it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring

from sklearn_shapecnn._compat import declare_optimizer
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.pixel_range import PixelRange
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.inference import InferencePlan, PlainNetwork, can_plan
from sklearn_shapecnn._network.inputs import images_at_once, to_tensor
from sklearn_shapecnn._network.modules import ShapeCNN
from sklearn_shapecnn._threads import map_in_threads, thread_pool
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn._training.callbacks import CheckLoss, KeepBest, StopEpoch
from sklearn_shapecnn._training.losses import Loss
from sklearn_shapecnn._training.muon import Muon
from sklearn_shapecnn._training.parts import add_gradients, count_parts
from sklearn_shapecnn._training.sample import Batch, Batches, Labels, Sample
from sklearn_shapecnn._training.target_scale import TargetScale


@dataclass
class OptimizerMemory:
    """State of an optimizer from its earlier steps, as plain arrays.

    Attributes
    ----------
    moments : dict of str to dict of str to ndarray
        State of each weight, by its name.
    learning_rate : float
        Learning rate of the last step.
    """

    moments: dict[str, dict[str, np.ndarray]]
    learning_rate: float


class ShapeNet(NeuralNet):
    """A skorch net with a weighted loss and a plain training step.

    Its module returns scores, and its criterion one loss per image.
    """

    callbacks_: list[tuple[str, Callback]]
    criterion_: Loss
    module_: ShapeCNN
    memory_: OptimizerMemory | None = None  # of a net from a file, until it has an optimizer
    knows_scale_: bool = True  # False while all its images have been of one color
    has_doubted_scale_: bool = False  # whether it has seen images that seem to be on another scale
    usual_epochs_: int = 0  # of the training that runs; max_epochs is the most there can be
    pixel_range_: PixelRange | None = None  # of all images so far
    target_scale_: TargetScale | None = None  # of targets that are numbers
    _plan: InferencePlan | None = None  # made on first use, and again when the network changes

    def get_default_callbacks(self) -> list[tuple[str, Callback]]:
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
            ("check_loss", CheckLoss()),
        ]

    def get_params(self, deep: bool = True, **kwargs: Any) -> dict[str, Any]:
        """Get parameters by name, with those of the net's own callbacks, not skorch's defaults."""
        names = {f"callbacks__{name}" for name, _ in getattr(self, "callbacks_", [])}
        return {
            name: value
            for name, value in super().get_params(deep=deep, **kwargs).items()
            if not name.startswith("callbacks__") or "__".join(name.split("__")[:2]) in names
        }

    @cached_property
    def optimizer_(self) -> Muon:
        """The optimizer, made on first use because a net that only predicts needs none."""
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
        """Discard the optimizer and its state; the next use makes a new one."""
        if "optimizer" not in self.prefixes_:
            declare_optimizer(self)
        self.__dict__.pop("optimizer_", None)
        self.memory_ = None
        return self

    def optimizer_memory(self) -> OptimizerMemory:
        """Return the state of the optimizer; the arrays may share memory with it."""
        if "optimizer_" not in vars(self) and self.memory_ is not None:
            return self.memory_
        states = self.optimizer_.state
        moments = {
            # Copied, so that they have the same strides as in a copy of the estimator.
            name: {k: array.copy(order="K") for k, array in to_arrays(states[weight]).items()}
            for name, weight in self.module_.named_parameters()
            if weight in states
        }
        return OptimizerMemory(moments, float(self.optimizer_.param_groups[0]["lr"]))

    def get_loss(
        self, y_pred: torch.Tensor, y_true: Labels, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Compute the mean of the losses of a batch, each times its weight."""
        targets, weights = y_true
        return (self.criterion_(y_pred, targets) * weights).mean()

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, torch.Tensor]:
        """Make one step, without skorch's closure, which only optimizers like LBFGS need."""
        # Leave out what changes nothing but is slow compared to the step of a small network.
        if not self.module_.training:
            self.module_.train()
        self.optimizer_.zero_grad()
        loss, y_pred = self.compute_gradients(batch)
        callbacks = [type(callback) for _, callback in self.callbacks_]
        if any(each.on_grad_computed is not Callback.on_grad_computed for each in callbacks):
            named_parameters = list(self.module_.named_parameters())
            self.notify("on_grad_computed", named_parameters=named_parameters, batch=batch)
        groups = self.optimizer_.param_groups
        weights = [weight for group in groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, self.criterion_.max_gradient_norm)
        self.optimizer_.step()
        return {"loss": loss, "y_pred": y_pred}

    def compute_gradients(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the gradients of a batch; return its loss and its scores."""
        pixels, (targets, weights) = batch

        def compute(rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
            y_pred = self.module_(pixels[rows])
            return self.get_loss(y_pred, (targets[rows], weights[rows])), y_pred

        n_parts = count_parts(pixels)
        if n_parts > 1:
            return add_gradients(self.module_, compute, len(pixels), n_parts)
        loss, y_pred = compute(slice(None))
        loss.backward()
        return loss.detach(), y_pred

    def run_single_epoch(self, iterator: Batches, *args: Any, **kwargs: Any) -> None:
        """Make one pass over the batches, or over as many of them as the callbacks want."""
        try:
            super().run_single_epoch(iterator, *args, **kwargs)
        except StopEpoch:
            self.history.record("train_batch_count", len(self.history[-1, "batches"]))

    @property
    def n_steps_done(self) -> int:
        """Number of steps since the optimizer was last initialized."""
        states = self.optimizer_.state.values()
        return max((int(state["step"]) for state in states if "step" in state), default=0)

    def set_hyperparameters(self, learning_rate_init: float, alpha: float, loss: Loss) -> None:
        """Set what to train with from now on; the weights stay as they are."""
        self.lr = learning_rate_init
        self.optimizer__weight_decay = alpha
        if "optimizer_" in vars(self):
            for group in self.optimizer_.param_groups:
                group["weight_decay"] = alpha
        self.criterion = loss
        self.initialize_criterion()
        self.criterion_.to(self.device)

    def snapshot(self) -> ShapeNet:
        """Copy the net as if training had ended now: with the best weights, if these are kept."""
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
        """End training, with the best weights if these were kept."""
        self.memory_ = None  # the optimizer has a newer state
        self.module_.eval()
        if keep_best is not None:
            self.module_.load_state_dict(keep_best.best_weights)

    def fail(self, what: str) -> NoReturn:
        """Raise ValueError because training has diverged."""
        raise ValueError(
            f"Training diverged: {what}. Lower learning_rate_init (it is {self.lr:g}) or alpha, or "
            f"look for extreme values in X{' and y' * self.criterion_.is_of_numbers}."
        )

    def evaluate(self, sample: Sample) -> tuple[float, float]:
        """Compute the weighted score and loss on a sample."""
        sums, loss = self.evaluation_sums(sample)
        return self.criterion_.score(sums), float(loss / sums[-1])

    @torch.no_grad()
    def evaluation_sums(self, sample: Sample) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the sums for the score of a sample, and the sum of its losses, in float64."""
        found = self._compute("scores", sample.images, self.module_.config.n_outputs, sample.rows)
        arrays = found, sample.targets, sample.weights
        # On the CPU, since some devices have no float64.
        scores, targets, weights = (torch.from_numpy(each) for each in arrays)
        losses = self.criterion_.plain(scores.to(self.device), targets.to(self.device)).cpu()
        sums = self.criterion_.sums(scores, targets, weights)
        return sums, (losses.double() * weights).sum()

    @torch.no_grad()
    def loss_of_zeros(self, sample: Sample) -> float:
        """Compute the mean loss of a network that gives scores of zero."""
        targets = torch.from_numpy(sample.targets).to(self.device)
        zeros = torch.zeros((len(sample), self.module_.config.n_outputs), device=self.device)
        losses = self.criterion_.plain(zeros, targets).numpy(force=True)
        return float(np.average(losses, weights=sample.weights))

    def scores(self, images: ImageSet) -> np.ndarray:
        """Compute scores (logits) of images, in float32 and of shape (n, n_outputs)."""
        return self._compute("scores", images, self.module_.config.n_outputs)

    def last_features(self, images: ImageSet) -> np.ndarray:
        """Compute the last features of images, in float32 and of shape (n, n_last_features)."""
        return self._compute("last_features", images, self.module_.n_last_features)

    @torch_as_usual()
    def _compute(
        self, what: str, images: ImageSet, width: int, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Compute scores or last features of some or all rows of an image set."""
        if self.module_.training:  # checked first, since eval takes as long as a small image
            self.module_.eval()
        network = self._fastest()
        function = getattr(network, what)
        step = network.images_at_once or images_at_once(images.image_shape)
        n = len(images) if rows is None else len(rows)
        # All at once: small arrays that stay between large temporary ones would waste memory.
        values = np.empty((n, width), dtype=np.float32)

        def work(start: int) -> None:
            some = slice(start, start + step)
            pixels = to_tensor(images.batch(some if rows is None else rows[some]), self.device)
            values[some] = function(pixels).numpy(force=True)

        if n <= step or network.keeps_to_one_thread or self.device != "cpu":
            for start in range(0, n, step):
                work(start)
        else:
            with thread_pool(-(-n // step)):
                map_in_threads(torch_as_usual()(work), range(0, n, step))
        return values

    def _fastest(self) -> InferencePlan | PlainNetwork:
        """Return what computes the same as the network: a plan, if one can be made."""
        # Two threads may both make a plan; either will do.
        plan, network = self._plan, self.module_
        if plan is None or not plan.is_current(network):
            plan = self._plan = InferencePlan(network) if can_plan(network) else None
        return plan or PlainNetwork(network)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_plan"}


class ClassifierNet(ShapeNet, NeuralNetClassifier):
    """The net of a classifier."""


class RegressorNet(ShapeNet, NeuralNetRegressor):
    """The net of a regressor."""


@torch_as_usual(gradients=True)
def build_net(
    config: NetworkConfig,
    device: str,
    loss: Loss,
    center: float = 0.0,
    scale: float = 1.0,
    seed: int = 0,
) -> ShapeNet:
    """Make an untrained net.

    Parameters
    ----------
    config : NetworkConfig
    device : str
    loss : Loss
    center, scale, seed
        See :class:`~sklearn_shapecnn._network.modules.ShapeCNN`.
    """
    of_kind: dict[str, Any] = {"classes": list(range(config.n_outputs))}
    net_class: type[ShapeNet] = ClassifierNet
    if loss.is_of_numbers:
        net_class, of_kind = RegressorNet, {}
    net = net_class(
        ShapeCNN,
        module__config=config,
        module__center=center,
        module__scale=scale,
        module__seed=seed,
        criterion=loss,
        predict_nonlinearity=loss.probabilities,
        optimizer=Muon,
        optimizer__param_groups=[("stages.*.conv.weight", {"use_muon": True})],
        optimizer__fused=not device.startswith("mps"),
        iterator_train=Batches,
        iterator_train__device=device,
        train_split=None,
        device=device,
        verbose=0,
        **of_kind,
    )
    net.initialize()
    net.module_.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # of 4-D
    return net


def to_arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Turn tensors into arrays, which share their memory if that is on the CPU."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
