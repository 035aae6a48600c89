"""The losses: of classes, of labels and of numbers, and how the answers of each are scored."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from scipy.special import entr, xlogy
from torch import nn
from torch.nn import functional as F

from sklearn_shapecnn._input.targets import label_shares

LEARNED_LOSS = 0.02  # mean loss above the least possible at which nothing is left to learn
NUMBER_LOSSES = ("squared_error", "absolute_error", "huber")


class Loss(nn.Module):
    """One loss for each image, and what the answers to many images are worth.

    Attributes
    ----------
    score_name : str
        What the history of a net calls the score on held-out images.
    is_of_numbers : bool
        Whether the targets are numbers instead of classes or labels.
    epoch_factor : int
        How many times as many epochs a training takes as one of classes. Measured: after as many,
        labels and numbers are still learned much better by going on.
    max_gradient_norm : float
        Gradients of a batch are cut down to this length.
    """

    epoch_factor: ClassVar[int] = 2
    max_gradient_norm: ClassVar[float] = 1.0
    score_name: ClassVar[str] = "valid_acc"
    is_of_numbers: ClassVar[bool] = False

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Losses of shape (n,) of scores of shape (n, n_outputs)."""
        raise NotImplementedError

    def plain(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The same without label smoothing."""
        return self(scores, targets)

    def probabilities(self, scores: torch.Tensor) -> torch.Tensor:
        """Probabilities from scores; numbers stay what they are."""
        return scores

    def sums(
        self, scores: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Sums over images, in float64, that `score` needs; the last is that of the weights."""
        right = self._are_right(scores, targets).double()
        return torch.stack(((right * weights).sum(), weights.double().sum()))

    def score(self, sums: torch.Tensor) -> float:
        """Weighted accuracy, or R2 where the targets are numbers."""
        return float(sums[0] / sums[1])

    def bounds(
        self, targets: np.ndarray, weights: np.ndarray, smoothed: bool = True
    ) -> tuple[float, float]:
        """The loss of a network that knows each target, and of one that looks at no image.

        The latter gives all images the answer that is the best one for the sample. `smoothed` says
        whether there is label smoothing.
        """
        raise NotImplementedError

    def learned(self, targets: np.ndarray, weights: np.ndarray) -> float:
        """The training loss below which nothing is left to learn."""
        least, guessing = self.bounds(targets, weights)
        # A rare class is a small part of the loss: all of it may be still to be learned.
        return least + min(LEARNED_LOSS, 0.1 * (guessing - least))

    def to_plain(self) -> dict[str, Any]:
        """What `loss_from_plain` makes the same loss of, but for the weights of labels."""
        raise NotImplementedError

    def _are_right(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class ClassLoss(Loss):
    """Cross-entropy of one class an image, after a softmax.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of each label that is spread evenly over all classes.
    n_outputs : int, default=2
        Number of classes.
    """

    epoch_factor: ClassVar[int] = 1

    def __init__(self, label_smoothing: float = 0.0, n_outputs: int = 2) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.n_outputs = n_outputs

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(
            scores, targets, reduction="none", label_smoothing=self.label_smoothing
        )

    def plain(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(scores, targets, reduction="none")

    def probabilities(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.softmax(1)

    def bounds(
        self, targets: np.ndarray, weights: np.ndarray, smoothed: bool = True
    ) -> tuple[float, float]:
        n, smoothing = self.n_outputs, self.label_smoothing if smoothed else 0.0
        shares = np.bincount(targets, weights=weights, minlength=n)
        shares = (1 - smoothing) * shares / shares.sum() + smoothing / n
        known = np.full(n, smoothing / n)
        known[0] += 1 - smoothing
        return float(entr(known).sum()), float(entr(shares).sum())

    def to_plain(self) -> dict[str, Any]:
        return {"of": "classes", "label_smoothing": self.label_smoothing}

    def _are_right(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return scores.argmax(1) == targets


class LabelLoss(Loss):
    """Binary cross-entropy of labels that are independent of each other, as their mean.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of each 0 and 1 that is spread evenly over both.
    label_weights : array-like of shape (2, n_labels), default=None
        Weights of the absence and of the presence of each label; None weighs all alike.
    """

    label_weights: torch.Tensor | None

    def __init__(self, label_smoothing: float = 0.0, label_weights: Any = None) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        weights = None if label_weights is None else torch.tensor(label_weights).float()
        self.register_buffer("label_weights", weights)

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        smoothing = self.label_smoothing
        return self._loss(scores, targets, targets * (1 - smoothing) + smoothing / 2)

    def plain(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self._loss(scores, targets, targets)

    def _loss(
        self, scores: torch.Tensor, targets: torch.Tensor, smoothed: torch.Tensor
    ) -> torch.Tensor:
        losses = F.binary_cross_entropy_with_logits(scores, smoothed, reduction="none")
        if self.label_weights is not None:
            absence, presence = self.label_weights
            losses = losses * torch.where(targets > 0.5, presence, absence)
        return losses.mean(1)

    def probabilities(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.sigmoid()

    def bounds(
        self, targets: np.ndarray, weights: np.ndarray, smoothed: bool = True
    ) -> tuple[float, float]:
        smoothing = self.label_smoothing if smoothed else 0.0
        shares = label_shares(targets, weights)
        if self.label_weights is not None:
            shares = shares * self.label_weights.numpy(force=True)
        total = shares.sum(axis=0)
        # Of the smoothed labels: some of the 1s count as 0, and the other way around.
        smooth = shares * (1 - smoothing / 2) + shares[::-1] * smoothing / 2
        best = np.divide(smooth, total, out=np.zeros_like(smooth), where=total > 0)
        known = entr(smoothing / 2) + entr(1 - smoothing / 2)
        return float((known * total).mean()), float(-xlogy(smooth, best).sum(axis=0).mean())

    def to_plain(self) -> dict[str, Any]:
        return {"of": "labels", "label_smoothing": self.label_smoothing}

    def _are_right(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return ((scores > 0) == (targets > 0.5)).all(1)


class NumberLoss(Loss):
    """How far numbers are from their targets, as the mean over the targets of an image.

    Parameters
    ----------
    kind : {'squared_error', 'absolute_error', 'huber'}, default='squared_error'
        'huber' is half the squared error up to one, and grows linearly beyond.
    """

    # Shorter, batches with large errors would count too little, and the mean become the median.
    max_gradient_norm: ClassVar[float] = 10.0
    score_name: ClassVar[str] = "valid_r2"
    is_of_numbers: ClassVar[bool] = True
    _FUNCTIONS: ClassVar[dict[str, Any]] = {
        "squared_error": F.mse_loss,
        "absolute_error": F.l1_loss,
        "huber": F.huber_loss,
    }

    def __init__(self, kind: str = "squared_error") -> None:
        super().__init__()
        self.kind = kind

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self._FUNCTIONS[self.kind](scores, targets, reduction="none").mean(1)

    def sums(
        self, scores: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        scores, targets, weights = scores.double(), targets.double(), weights.double()
        column = weights[:, None]
        rests = ((targets - scores) ** 2 * column).sum(0)
        firsts, squares = (targets * column).sum(0), (targets**2 * column).sum(0)
        return torch.cat((rests, firsts, squares, weights.sum()[None]))

    def score(self, sums: torch.Tensor) -> float:
        rests, firsts, squares = sums[:-1].unflatten(0, (3, -1))
        spreads = squares - firsts**2 / sums[-1]
        # Targets that are all the same tell nothing; alone they count as in r2_score.
        is_even = spreads <= 1e-12 * squares
        scores = torch.where(is_even, (rests == 0).double(), 1 - rests / spreads)
        return float(scores[~is_even].mean() if not is_even.all() else scores.mean())

    def bounds(
        self, targets: np.ndarray, weights: np.ndarray, smoothed: bool = True
    ) -> tuple[float, float]:
        columns = targets.astype(np.float64).T
        if self.kind == "squared_error":
            best = np.average(columns, axis=1, weights=weights)
        else:
            best = np.array([weighted_quantile(column, weights, 0.5) for column in columns])
        losses = self(
            torch.from_numpy(np.tile(best, (len(targets), 1))), torch.from_numpy(columns.T)
        )
        return 0.0, float(np.average(losses.numpy(), weights=weights))

    def learned(self, targets: np.ndarray, weights: np.ndarray) -> float:
        return 0.0  # numbers can always be met more closely

    def to_plain(self) -> dict[str, Any]:
        return {"of": self.kind}


def loss_from_plain(plain: dict[str, Any], n_outputs: int) -> Loss:
    """Make the loss of a net from what a file holds of it.

    Raises
    ------
    ValueError
        If it is none that this version knows.
    """
    kind = plain["of"]
    if kind == "classes":
        return ClassLoss(float(plain["label_smoothing"]), n_outputs)
    if kind == "labels":
        return LabelLoss(float(plain["label_smoothing"]))
    if kind in NUMBER_LOSSES:
        return NumberLoss(kind)
    raise ValueError(f"its loss is {kind!r}")


def weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The least value such that values up to it have this share of the weight."""
    order = np.argsort(values, kind="stable")
    totals = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(totals, share * totals[-1])]])
