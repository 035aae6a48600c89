"""One network trained once: the skorch net, its batches, schedule, augmentation, early stopping.

Nothing here touches torch's global random state: whatever is random draws from a generator that is
seeded by the caller.
"""

from __future__ import annotations

import copy
import dis
import importlib
import itertools
import math
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch
from scipy.special import entr
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring
from torch.nn import functional as F
from torch.utils.data import Dataset

from sklearn_shapecnn.callbacks import ShowProgress
from sklearn_shapecnn.compat import warn
from sklearn_shapecnn.images import ImageSet
from sklearn_shapecnn.network import ShapeCNN, is_large

AUGMENTATIONS = ("jitter", "shift", "horizontal_flip", "vertical_flip", "flips", "quarter_turns")
JITTERED = 0.75  # share of the images that jitter moves: what interpolation blurs the others keep
TURN, ZOOM, MOVE = math.radians(10), 0.1, 0.1  # how far: an angle and shares of the side
WARM_UP = 0.3  # share of the steps in which the learning rate rises
STREAM_RATE, STREAM_WARM_UP = 0.3, 20  # share of the peak, and the steps that lead up to it
DIVERGED = 1e6  # mean loss, where that of a network that knows nothing is 0.7 to 7
LEARNT = 0.02  # mean loss at which there is nothing left to learn
IDLE = 0.008  # mean loss where 999 of 1,000 images are of one class, and none is looked at
LEAST_EPOCHS = 8  # of a full round, and before which nobody expects it to have learnt
ENOUGH = 1000  # images tell whether it has
MAX_GRADIENT_NORM = 1.0
HEAVY = 16  # times the mean weight: what weighs more is shown several times an epoch
PIXELS_AT_ONCE = 2**19  # no more go through the network at once, for their memory

_LOADING = threading.Lock()  # held while a part of torch is imported

Labels = tuple[torch.Tensor, torch.Tensor]  # targets, weights
Batch = tuple[torch.Tensor, Labels]  # pixels of shape (n, c, h, w), labels

_is_forked = False


def _note_fork() -> None:
    global _is_forked
    _is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


@contextmanager
def one_thread_if_forked() -> Iterator[None]:
    """Keep to one thread in a process that was forked off one with torch in it.

    GNU's OpenMP, which torch computes with, waits for ever there for threads that only the other
    process has.
    """
    n_threads = torch.get_num_threads() if _is_forked else 1
    if n_threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@dataclass
class Sample(Dataset):
    """The part of an image set that a network learns from, or is scored on.

    Attributes
    ----------
    images : ImageSet
    rows : ndarray of shape (n,)
        Which of the images.
    targets : ndarray of shape (n,), dtype int64
        Index of each image's class.
    weights : ndarray of shape (n,), dtype float32
        Weight of each image; they average to one.
    """

    images: ImageSet
    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: np.ndarray) -> Sample:
        """The sample made of these images alone."""
        weights = self.weights[indices]
        return Sample(
            self.images, self.rows[indices], self.targets[indices], weights / weights.mean()
        )

    def spread(self) -> Sample:
        """The same sample, in which heavy images stand several times and share their weight.

        Gradients are cut to a length, so that one step an epoch teaches little, whatever it weighs.
        The sample grows by a share of one over ``HEAVY`` at most.
        """
        times = np.maximum(1, np.ceil(self.weights / HEAVY)).astype(np.int64)
        if times.max() == 1:
            return self
        lighter = Sample(self.images, self.rows, self.targets, self.weights / times)
        return lighter.take(np.repeat(np.arange(len(self)), times))

    def batch(self, indices: np.ndarray, device: str) -> Batch:
        """Tensors of some of the images: pixels (n, c, h, w), targets and weights."""
        return to_tensor(self.images.batch(self.rows[indices]), device), (
            torch.from_numpy(self.targets[indices]).to(device),
            torch.from_numpy(self.weights[indices]).to(device),
        )

    def split(self, fraction: float, rng: np.random.Generator) -> tuple[Sample, Sample]:
        """Hold out a fraction of each class, but never the last image of a class.

        Raises
        ------
        ValueError
            Where nothing would be held out.
        """
        held_out = np.zeros(len(self), dtype=bool)
        for target in np.unique(self.targets):
            members = rng.permutation(np.flatnonzero(self.targets == target))
            n_held_out = min(max(1, round(fraction * len(members))), len(members) - 1)
            held_out[members[:n_held_out]] = True
        if not held_out.any():
            raise ValueError(
                "early_stopping=True holds out images to score each epoch on, but every class has "
                "only one distinct image. Give more images or set early_stopping=False."
            )
        return self.take(np.flatnonzero(~held_out)), self.take(np.flatnonzero(held_out))


def distinct_sample(
    images: ImageSet, targets: np.ndarray, weights: np.ndarray
) -> tuple[Sample, float, float]:
    """Make the sample in which each pair of an image and a label stands once, with its weight.

    Images of weight zero are dropped, equal pairs are merged into one with the sum of their
    weights, and the rest is ordered by a hash of the pixels. So a weight of two *is* the image
    given twice and a weight of zero its absence, to the bit, whatever batches, batch normalization
    and augmentation do later; the order of the images given does not matter; and no image stands
    on both sides of a validation split with the same label.

    Returns
    -------
    sample : Sample
    center, scale : float
        ``(pixel - center) * scale`` has mean zero and standard deviation one over the sample.
    """
    digests, means, mean_squares = images.fingerprints()
    rows = np.flatnonzero(weights)
    keys = np.column_stack((digests[rows], targets[rows].astype(np.uint64)))
    order = np.lexsort(keys.T)
    rows, keys = rows[order], keys[order]
    starts = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    merged = np.add.reduceat(weights[rows], starts)
    rows = rows[starts]
    center = means[rows].mean()
    spread = math.sqrt(max(0.0, mean_squares[rows].mean() - center**2))
    scale = 1.0
    if spread > max(1e-7 * abs(center), 1e-36):
        scale = 1 / spread
    else:
        warn(
            f"In float32, in which the network computes, all pixels of X are the same or next to "
            f"it (about {center:g}): there is little to learn from. Subtract what they have in "
            f"common, or scale X.",
            ConvergenceWarning,
        )
    merged = (merged / merged.mean()).astype(np.float32)
    return Sample(images, rows, targets[rows], merged), float(center), scale


class Batches:
    """The batches of a pass over a sample, drawn anew each time they are iterated over.

    Batches differ by one image at most in size and hold at least two, so that batch normalization
    never meets a lone image.

    Parameters
    ----------
    dataset : Sample
    batch_size : int
        About how many images a batch holds.
    device : str, default='cpu'
        Where the tensors are put.
    seed : int, default=None
        Seed of the order of the images and of their augmentation; in their own order if None.
    augment : Augment, default=None
        Applied to each batch.
    """

    def __init__(
        self,
        dataset: Sample,
        batch_size: int,
        device: str = "cpu",
        seed: int | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.sample = dataset
        self.n_batches = count_batches(len(dataset), batch_size)
        self.device = device
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)
        self.augment = augment

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Batch]:
        n = len(self.sample)
        order = (
            np.arange(n)
            if self.generator is None
            else torch.randperm(n, generator=self.generator).numpy()
        )
        for i in range(self.n_batches):
            chosen = order[i * n // self.n_batches : (i + 1) * n // self.n_batches]
            pixels, labels = self.sample.batch(chosen, self.device)
            if self.augment is not None and self.generator is not None:
                pixels = self.augment(pixels, self.generator)
            yield pixels, labels


def count_batches(n_samples: int, batch_size: int) -> int:
    """How many batches a pass over the images takes."""
    return max(1, min(round(n_samples / batch_size), n_samples // 2))


def auto_batch_size(n_samples: int, image_shape: tuple[int, int, int]) -> int:
    """64 images a batch; fewer where there are few, for a pass to take several steps, or large."""
    return max(8, min(64, n_samples // 10, PIXELS_AT_ONCE // math.prod(image_shape[:2])))


def auto_rounds(n_samples: int, batch_size: int) -> list[int]:
    """Epochs of each round of training.

    The last round takes some 600 steps in 8 to 100 epochs. Where those are few epochs of many
    images, a short round comes before it, which is enough for an easy task: images seen two to four
    times are learnt, not remembered.
    """
    steps = count_batches(n_samples, batch_size)
    full = min(100, max(LEAST_EPOCHS, math.ceil(600 / steps)))
    short = max(2, math.ceil(120 / steps))
    return [short, full] if short <= 4 else [full]


def auto_augment(image_shape: tuple[int, int, int]) -> str:
    """Jitter where a shape spans many pixels; where few, interpolation would blur what tells."""
    return "jitter" if is_large(image_shape) else "shift"


class Augment:
    """Move, flip and turn each image of a batch at random.

    What comes into view repeats the pixel at the border. Without jitter every pixel of the result
    is one of the image's own: all moves together are one look-up. Jitter turns, zooms and moves
    three images in four by fractions of a pixel, with linear interpolation.

    Parameters
    ----------
    names : sequence of str
        Some of ``AUGMENTATIONS``.
    image_shape : tuple of int (height, width, channels)
        Quarter turns need a square.
    """

    def __init__(self, names: Sequence[str], image_shape: tuple[int, int, int]) -> None:
        self.height, self.width, _ = image_shape
        self.jitter = "jitter" in names and min(self.height, self.width) >= 8
        self.walks = bool(set(names) - {"jitter"})
        shift = "shift" in names
        self.max_shift = (self._reach(self.height) * shift, self._reach(self.width) * shift)
        self.flip = (
            bool({"vertical_flip", "flips", "quarter_turns"} & set(names)),
            bool({"horizontal_flip", "flips", "quarter_turns"} & set(names)),
        )
        # A turn by 90 degrees is a reflection at the diagonal and a flip.
        self.transpose = "quarter_turns" in names
        self.half_turns_only = self.transpose and not {
            "vertical_flip",
            "horizontal_flip",
            "flips",
        } & set(names)

    @staticmethod
    def _reach(side: int) -> int:
        """Farthest shift in pixels: a sixteenth of a side, so none in the tiniest images."""
        return round(side / 16)

    def __call__(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if self.walks:
            pixels = self._look_up(pixels, generator)
        if self.jitter:
            luck = torch.rand(len(pixels), generator=generator, dtype=torch.float32)
            chosen = (luck < JITTERED).nonzero()[:, 0].to(pixels.device)
            if len(chosen):
                moved = self._interpolate(pixels[chosen], generator)
                pixels = pixels.index_copy(0, chosen, moved)
        return pixels

    def _interpolate(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        n, _, height, width = pixels.shape
        luck = torch.rand((4, n), generator=generator, dtype=pixels.dtype)
        turn, zoom, down, right = 2 * luck - 1
        zoom = torch.exp(ZOOM * zoom)
        cos, sin = torch.cos(TURN * turn) * zoom, torch.sin(TURN * turn) * zoom
        # From a place in the result to one in the image, both from -1 to 1 along each side.
        affine = torch.stack(
            (
                torch.stack((cos, sin * height / width, 2 * MOVE * right), dim=1),
                torch.stack((-sin * width / height, cos, 2 * MOVE * down), dim=1),
            ),
            dim=1,
        )
        grid = F.affine_grid(affine, [n, 1, height, width], align_corners=False)
        # Not by padding_mode="border", which not every device has.
        last = torch.tensor([1 - 1 / width, 1 - 1 / height], dtype=pixels.dtype)
        grid = torch.maximum(torch.minimum(grid, last), -last)
        return F.grid_sample(pixels, grid.to(pixels.device), align_corners=False)

    def _look_up(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        n, channels, height, width = pixels.shape
        flip_rows, flip_columns, transpose = torch.randint(
            2, (3, n), generator=generator, dtype=torch.bool
        )
        if self.half_turns_only:  # rotations alone, no mirror images
            flip_columns = flip_rows ^ transpose
        rows = self._walk(height, self.max_shift[0], self.flip[0], flip_rows, generator)
        columns = self._walk(width, self.max_shift[1], self.flip[1], flip_columns, generator)
        index = rows[:, :, None] * width + columns[:, None, :]
        if self.transpose:
            index = torch.where(transpose[:, None, None], index.transpose(1, 2), index)
        index = index.to(pixels.device).reshape(n, height * width, 1).expand(-1, -1, channels)
        flat = pixels.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        moved = torch.gather(flat, 1, index)
        return moved.reshape(n, height, width, channels).permute(0, 3, 1, 2)

    @staticmethod
    def _walk(
        side: int, reach: int, may_flip: bool, flip: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """For each image, which row (or column) of it each row (or column) of the result shows."""
        walk = torch.arange(side).expand(len(flip), side)
        if reach:
            shift = torch.randint(-reach, reach + 1, (len(flip), 1), generator=generator)
            walk = (walk + shift).clamp(0, side - 1)
        if may_flip:
            walk = torch.where(flip[:, None], walk.flip(1), walk)
        return walk


def one_cycle(progress: float) -> float:
    """Learning rate as a share of its peak: up along half a cosine, then down along another.

    Parameters
    ----------
    progress : float
        Share of the steps done, 0 to 1.

    Notes
    -----
    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2018, section 3.
    """
    if progress < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def warm_up_from(n_steps_done: int) -> Callable[[float], float]:
    """Learning rate of a training without an end, as a share of its peak.

    It rises over the first steps and then stays, low enough for the network to be good at any time.
    """
    steps = itertools.count(n_steps_done + 1)
    return lambda progress: STREAM_RATE * min(1, next(steps) / STREAM_WARM_UP)


class Muon(torch.optim.AdamW):
    """AdamW, but filters of convolutions turn by orthogonalized momentum and keep their length.

    Parameters
    ----------
    params, lr, **kwargs
        As of AdamW. Filters move by ten times the learning rate, as a share of their length; weight
        decay would not change them.

    Notes
    -----
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon. Keeping the length is from the authors' CIFAR-10
    program, https://github.com/KellerJordan/cifar10-airbench.
    """

    MOMENTUM = 0.6
    FACTOR = 10.0

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move all weights by one step; the gradients of the filters are spent by it."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.ndim == 4 and weight.grad is not None:
                    self._turn(weight, weight.grad, group["lr"])
                    weight.grad = None
        return super().step(closure)

    def _turn(self, weight: torch.Tensor, gradient: torch.Tensor, learning_rate: float) -> None:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
            state["step"] = torch.zeros(())  # AdamW asks each state for it when copied
        momentum = state["momentum"].mul_(self.MOMENTUM).add_(gradient)
        direction = _orthogonalize(gradient.add(momentum, alpha=self.MOMENTUM))
        length = math.sqrt(len(weight))
        weight.mul_(length / weight.norm().clamp(min=1e-12))
        weight.sub_(direction, alpha=min(self.FACTOR * learning_rate, 1e37))


def _orthogonalize(weight: torch.Tensor) -> torch.Tensor:
    """Set all singular values of a filter bank, as a matrix of one row a filter, to about one.

    The coefficients of this Newton-Schulz iteration are those of Jordan et al. (see ``Muon``).
    """
    matrix = weight.flatten(1)
    matrix = matrix / (matrix.norm() + 1e-12)
    tall = matrix.shape[0] > matrix.shape[1]
    if tall:
        matrix = matrix.T
    for _ in range(5):
        square = matrix @ matrix.T
        matrix = 3.4445 * matrix + (2.0315 * square @ square - 4.7750 * square) @ matrix
    return (matrix.T if tall else matrix).reshape(weight.shape)


class OneCycle(Callback):
    """Set the learning rate of each step of a round of training of known length.

    Parameters
    ----------
    schedule : callable, default=one_cycle
        The share of the peak from the share of the steps done.
    """

    def __init__(self, schedule: Callable[[float], float] = one_cycle) -> None:
        self.schedule = schedule

    def start(self, n_steps: int) -> None:
        """Begin a round of this many steps."""
        self.n_steps = n_steps
        self.step = 0

    def on_batch_begin(self, net: ShapeNet, training: bool = False, **kwargs: Any) -> None:
        """Move on by one step."""
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * self.schedule(self.step / self.n_steps)
        self.step += 1


class StopTraining(Exception):
    """Enough epochs."""


class StopEpoch(Exception):
    """Enough batches."""


class CheckLoss(Callback):
    """Refuse to go on with a network whose loss is no longer a number."""

    def on_epoch_end(self, net: ShapeNet, **kwargs: Any) -> None:
        """Look at the loss of the epoch."""
        loss = net.history[-1, "train_loss"]
        if not math.isfinite(loss):
            net.fail(f"the loss became {loss} in epoch {len(net.history)}")


class KeepBest(Callback):
    """Score each epoch on held-out images, keep the best weights, stop when nothing improves."""

    def __init__(self, sample: Sample, n_iter_no_change: float, tol: float) -> None:
        self.sample = sample
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scores: list[float] = []
        self.best = (-math.inf, -math.inf)
        self.best_weights: dict[str, torch.Tensor] = {}
        self.n_waited = 0
        self.stop_training = False

    def on_epoch_end(self, net: ShapeNet, **kwargs: Any) -> None:
        """Compare the epoch to the best one so far."""
        score, loss = net.evaluate(self.sample)
        net.history.record("valid_acc", score)
        net.history.record("valid_loss", loss)
        self.n_waited = 0 if score > self.best[0] + self.tol else self.n_waited + 1
        # Of two epochs with the same accuracy the one with the lower loss knows better.
        is_best = (score, -loss) > self.best
        best, weights = self.best, self.best_weights
        if is_best:
            best, weights = (score, -loss), copy.deepcopy(net.module_.state_dict())
        # By the names that skorch's callbacks look for.
        net.history.record("valid_acc_best", is_best)
        net.history.record("valid_loss_best", is_best)
        self.stop_training = self.n_waited >= self.n_iter_no_change
        # Last and at once: an interrupt finds an epoch that counts, or one that left no trace.
        self.scores, self.best, self.best_weights = [*self.scores, score], best, weights


class StopWhenAsked(Callback):
    """Ends an epoch or the training when a callback has asked for it, once all were told."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = callbacks

    def on_batch_end(self, net: ShapeNet, **kwargs: Any) -> None:
        """Ask for the epoch."""
        if any(getattr(callback, "stop_epoch", False) for callback in self.callbacks):
            raise StopEpoch

    def on_epoch_end(self, net: ShapeNet, **kwargs: Any) -> None:
        """Ask for the training."""
        if any(getattr(callback, "stop_training", False) for callback in self.callbacks):
            raise StopTraining


class ShapeNet(NeuralNetClassifier):
    """skorch's classifier with a weighted loss and a plain training step.

    Its module gives scores, its criterion one loss an image.
    """

    callbacks_: list[tuple[str, Callback]]

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
            ("check_loss", CheckLoss()),
        ]

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
        loss.backward()
        self.notify(
            "on_grad_computed", named_parameters=self.module_.named_parameters(), batch=batch
        )
        torch.nn.utils.clip_grad_norm_(self.module_.parameters(), MAX_GRADIENT_NORM)
        self.optimizer_.step()
        return {"loss": loss.detach(), "y_pred": y_pred}

    def run_single_epoch(self, iterator: Batches, *args: Any, **kwargs: Any) -> None:
        """One pass over the batches, or over as many of them as the callbacks want."""
        try:
            super().run_single_epoch(iterator, *args, **kwargs)
        except StopEpoch:
            self.history.record("train_batch_count", len(self.history[-1, "batches"]))

    @property
    def n_steps_done(self) -> int:
        """How many steps the optimizer has made since it was last initialized."""
        return max((int(state["step"]) for state in self.optimizer_.state.values()), default=0)

    def snapshot(self) -> ShapeNet:
        """A copy as if the training had ended now: with the best weights, where it knows them."""
        told, self.callbacks_ = (
            self.callbacks_,
            [(name, c) for name, c in self.callbacks_ if name in dict(self._default_callbacks)],
        )
        try:
            twin = copy.deepcopy(self)
        finally:
            self.callbacks_ = told
        for _, callback in told:
            if isinstance(callback, KeepBest):
                twin.module_.load_state_dict(callback.best_weights)
        return twin

    def settle(self, keep_best: KeepBest | None) -> None:
        """End the training, with the best weights where it was watched which they are."""
        self.module_.eval()
        if keep_best is not None:
            self.module_.load_state_dict(keep_best.best_weights)

    def has_learnt(self, sample: Sample) -> bool:
        """Whether the last epoch left the loss next to where label smoothing lets it go."""
        least, idle = self.loss_bounds(sample)
        # A rare class is a small part of the loss: all of it may be still to be learnt.
        return self.history[-1, "train_loss"] < least + min(LEARNT, 0.1 * (idle - least))

    def loss_bounds(self, sample: Sample, smoothing: float | None = None) -> tuple[float, float]:
        """The loss of a network that knows each label, and of one that looks at no image.

        The latter gives each class the probability that it has in the sample. With the label
        smoothing of the training, unless another one is given.
        """
        n_classes = len(self.classes)
        smoothing = self.criterion_.label_smoothing if smoothing is None else smoothing
        shares = np.bincount(sample.targets, weights=sample.weights, minlength=n_classes)
        shares = (1 - smoothing) * shares / shares.sum() + smoothing / n_classes
        known = np.full(n_classes, smoothing / n_classes)
        known[0] += 1 - smoothing
        return float(entr(known).sum()), float(entr(shares).sum())

    def warn_if_idle(self, sample: Sample, n_epochs: int) -> None:
        """Warn where a training of so many epochs taught next to nothing of what images tell."""
        # Not by the loss of the training, to which dropout, augmentation and the statistics of a
        # batch belong. One in so many images, for they are sorted by class.
        some = sample.take(np.arange(0, len(sample), math.ceil(len(sample) / ENOUGH)))
        _, idle = self.loss_bounds(some, smoothing=0)
        _, loss = self.evaluate(some)
        # A network may begin with some luck.
        first, last = (self.history[i, "train_loss"] for i in (-n_epochs, -1))
        stands_still = first - last < 0.01 * idle
        is_idle = idle > IDLE and not loss < (0.95 if stands_still else 0.99) * idle
        # Where all pixels are the same, a warning has said so.
        if is_idle and np.ptp(some.images.batch(some.rows[::10])) > 0:
            warn(
                f"The network has learnt next to nothing: what it predicts for the very images of "
                f"the training has a loss of {loss:.3g}, where the shares of the classes alone "
                f"make it {idle:.3g}, and while it was trained it was {last:.3g}. "
                + (
                    f"Change learning_rate_init (it is {self.lr:g}) or alpha, raise max_iter, or "
                    f"see whether the labels y belong to the images."
                    if last > 0.5 * idle
                    else "Look for extreme values in X: batches without them were learnt."
                ),
                ConvergenceWarning,
            )

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
        for pixels, (targets, weights) in Batches(
            sample, images_at_once(sample.images), self.device
        ):
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

    @one_thread_if_forked()
    @torch.inference_mode()
    def _compute(
        self, what: Callable[[torch.Tensor], torch.Tensor], images: ImageSet, width: int
    ) -> np.ndarray:
        network = self.module_
        if network.training:  # asked first, for it takes as long as a small image
            network.eval()
        step = images_at_once(images)
        # Not a part at a time: small arrays kept among large ones that come and go waste memory.
        values = np.empty((len(images), width), dtype=np.float32)
        for start in range(0, len(images), step):
            pixels = to_tensor(images.batch(slice(start, start + step)), self.device)
            n = len(pixels)
            if n == 1:
                # For a lone image torch takes another way, which rounds differently; beside a copy
                # of itself it gets the very values that it gets among others.
                pixels = pixels.expand(2, -1, -1, -1)
            values[start : start + n] = what(pixels)[:n].cpu().numpy()
        return values


@one_thread_if_forked()
@torch.inference_mode(False)
def build_net(
    network: dict[str, Any],
    *,
    n_classes: int,
    learning_rate_init: float,
    alpha: float,
    label_smoothing: float,
    device: str,
) -> ShapeNet:
    """Make an untrained net.

    Parameters
    ----------
    network : dict
        Parameters of :class:`~sklearn_shapecnn.network.ShapeCNN`.
    n_classes : int
    learning_rate_init, alpha, label_smoothing, device
        See :class:`~sklearn_shapecnn.ShapeCNNClassifier`.
    """
    _load_torch_fully()
    net = ShapeNet(
        ShapeCNN,
        **{f"module__{name}": value for name, value in network.items()},
        module__n_classes=n_classes,
        classes=list(range(n_classes)),
        criterion=torch.nn.CrossEntropyLoss,
        criterion__label_smoothing=label_smoothing,
        criterion__reduction="none",
        optimizer=Muon,
        optimizer__weight_decay=alpha,
        optimizer__fused=not device.startswith("mps"),
        lr=learning_rate_init,
        iterator_train=Batches,
        iterator_train__device=device,
        train_split=None,
        device=device,
        verbose=0,
    )
    net.initialize()
    net.module_.to(memory_format=torch.channels_last)
    return net


@one_thread_if_forked()
@torch.inference_mode(False)
@torch.enable_grad()
def train(
    net: ShapeNet,
    sample: Sample,
    held_out: Sample | None,
    *,
    batch_size: int,
    rounds: Sequence[int],
    n_iter_no_change: float,
    tol: float,
    augment: Augment | None,
    seed: int,
    schedule: Callable[[float], float] = one_cycle,
    callbacks: Sequence[Callback] = (),
) -> list[float]:
    """Train a net for some rounds of epochs, until a round leaves nothing to learn.

    Each round is a cycle of the learning rate.

    Parameters
    ----------
    callbacks : sequence of skorch.callbacks.Callback
        Told of each epoch and batch, after the net's own; not kept in the net.

    Returns
    -------
    validation_scores : list of float
        Accuracy on the held-out images after each epoch; empty without any.

    Raises
    ------
    ValueError
        Where training diverges.

    Warns
    -----
    UserWarning
        Where the user interrupts it after the first epoch; the net keeps what it has learnt.
    """
    steps_per_epoch = count_batches(len(sample), batch_size)
    cycle = OneCycle(schedule)
    keep_best = KeepBest(held_out, n_iter_no_change, tol) if held_out is not None else None
    ours = [cycle] if keep_best is None else [cycle, keep_best]
    n_epochs_before = len(net.history)
    standing = net.callbacks_
    told = [*ours, *callbacks, StopWhenAsked([*ours, *callbacks])]
    net.callbacks_ = standing + [(f"{type(c).__name__}_{i}", c) for i, c in enumerate(told)]
    # Not by set_params, which would initialize the network anew.
    net.iterator_train__batch_size = batch_size
    net.iterator_train__augment = augment
    try:
        for callback in callbacks:
            callback.initialize()
        history = net.history
        net.notify("on_train_begin", X=sample, y=sample.targets)
        net.history = history  # skorch's LoadInitState brings that of another fit
        with suppress(StopTraining):
            for n_epochs in rounds:
                # No round repeats the order of another one.
                net.iterator_train__seed = seed + len(net.history)
                for callback in (cycle, *callbacks):
                    if isinstance(callback, OneCycle | ShowProgress):
                        callback.start(n_epochs * steps_per_epoch)
                net.fit_loop(sample, epochs=n_epochs)
                if net.has_learnt(sample):
                    break
        net.settle(keep_best)
        n_epochs = len(net.history) - n_epochs_before
        loss = net.history[-1, "train_loss"]
        if loss > DIVERGED:
            net.fail(f"the loss is {loss:.3g} in the last epoch")
        if n_epochs >= LEAST_EPOCHS and schedule is one_cycle:
            net.warn_if_idle(sample, n_epochs)
    except KeyboardInterrupt as interrupt:
        rows = net.history.to_list()[n_epochs_before:]
        n_epochs = len(keep_best.scores) if keep_best else sum("train_loss" in row for row in rows)
        del net.history[n_epochs_before + n_epochs :]  # the epoch that was cut off
        if n_epochs == 0:
            raise
        net.settle(keep_best)
        if not _comes_from(callbacks, interrupt):
            warn(
                f"Training was interrupted after epoch {n_epochs}; what was learnt until then is "
                f"kept. To go on, set warm_start=True and max_iter to the epochs that you still "
                f"want, and call fit again."
            )
    finally:
        net.callbacks_ = standing
    for callback in callbacks:
        callback.on_train_end(net, X=sample, y=sample.targets)
    if not all(bool(value.isfinite().all()) for value in net.module_.state_dict().values()):
        net.fail("weights of the network are no longer finite")
    return keep_best.scores if keep_best is not None else []


def _load_torch_fully() -> None:
    """Import what torch imports once it makes an optimizer, which takes a second or so.

    An interrupt in the middle of it would leave torch broken. It reaches the main thread only.
    """
    if "torch._dynamo" not in sys.modules or _LOADING.locked():
        loading = threading.Thread(target=_load_without_a_trace, args=("torch._dynamo",))
        loading.start()
        loading.join()


def _load_without_a_trace(module: str) -> None:
    """Import it, but leave the warnings filters and the environment as they were."""
    with _LOADING, warnings.catch_warnings():
        before = set(os.environ)
        importlib.import_module(module)
        for name in set(os.environ) - before:
            if name.startswith("TORCHINDUCTOR_"):
                del os.environ[name]


def _comes_from(callbacks: Sequence[Callback], interrupt: KeyboardInterrupt) -> bool:
    """Whether a callback raised it to end the training, as skorch's EarlyStopping does."""
    trace = interrupt.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    raised_by = trace.tb_frame.f_locals.get("self")
    # A signal interrupts at any instruction; a callback raises.
    raised = dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
    return raised and any(raised_by is callback for callback in callbacks)


def images_at_once(images: ImageSet) -> int:
    """How many images go through the network together where nothing is learnt."""
    return max(2, PIXELS_AT_ONCE // (images.image_shape[0] * images.image_shape[1]))


def to_tensor(pixels: np.ndarray, device: str | torch.device) -> torch.Tensor:
    """Turn a batch of an image set into what the network takes."""
    # Channels last in memory, as the images came; first in shape, as torch wants it.
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)
