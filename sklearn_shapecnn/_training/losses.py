"""The losses for classes, labels and numbers, and how predictions of each are scored."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from scipy.special import entr, xlogy
from torch import nn
from torch.nn import functional as F

from sklearn_shapecnn._input.targets import label_shares

LEARNED_LOSS = 0.02  # mean loss above the minimum at which nothing is left to learn
NUMBER_LOSSES = ("squared_error", "absolute_error", "huber")


class Loss(nn.Module):
    """The loss of each image, and the score of the predictions for many images.

    Attributes
    ----------
    score_name : str
        Name of the score on held-out images in the history of a net.
    is_of_numbers : bool
        Whether the targets are numbers instead of classes or labels.
    epoch_factor : int
        How many times as many epochs training takes as for classes. Measured: after the same
        number, labels and numbers still improve a lot with more epochs.
    max_gradient_norm : float
        Gradients of a batch are clipped to this norm.
    """

    epoch_factor: ClassVar[int] = 2
    max_gradient_norm: ClassVar[float] = 1.0
    score_name: ClassVar[str] = "valid_acc"
    is_of_numbers: ClassVar[bool] = False

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Compute losses of shape (n,) from scores of shape (n, n_outputs)."""
        raise NotImplementedError

    def plain(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Compute the losses without label smoothing."""
        return self(scores, targets)

    def probabilities(self, scores: torch.Tensor) -> torch.Tensor:
        """Turn scores into probabilities; numbers stay as they are."""
        return scores

    def sums(
        self, scores: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Compute the sums over images for `score`, in float64; the last is that of the weights."""
        right = self._are_right(scores, targets).double()
        return torch.stack(((right * weights).sum(), weights.double().sum()))

    def score(self, sums: torch.Tensor) -> float:
        """Compute the weighted accuracy, or R2 if the targets are numbers."""
        return float(sums[0] / sums[1])

    def bounds(
        self, targets: np.ndarray, weights: np.ndarray, smoothed: bool = True
    ) -> tuple[float, float]:
        """Compute the loss of perfect predictions, and that of the best constant prediction.

        `smoothed` says whether there is label smoothing.
        """
        raise NotImplementedError

    def learned(self, targets: np.ndarray, weights: np.ndarray) -> float:
        """Compute the training loss below which nothing is left to learn."""
        least, guessing = self.bounds(targets, weights)
        # A rare class is a small part of the loss, so it may still have to be learned.
        return least + min(LEARNED_LOSS, 0.1 * (guessing - least))

    def to_plain(self) -> dict[str, Any]:
        """Return the input for `loss_from_plain`, except for the weights of labels."""
        raise NotImplementedError

    def _are_right(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class ClassLoss(Loss):
    """Cross-entropy of one class per image, after a softmax.

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
    """Mean binary cross-entropy of labels that are independent of each other.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of each 0 and 1 that is spread evenly over both.
    label_weights : array-like of shape (2, n_labels), default=None
        Weights of the absence and of the presence of each label; None weights all equally.
    """

    label_weights: torch.Tensor | None

    def __init__(self, label_smoothing: float = 0.0, label_weights: Any = None) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        weights = None
        if label_weights is not None:  # not on the device that the user has set as default
            weights = torch.tensor(label_weights, dtype=torch.float32, device="cpu")
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
        # For smoothed labels, some of the 1s count as 0, and vice versa.
        smooth = shares * (1 - smoothing / 2) + shares[::-1] * smoothing / 2
        best = np.divide(smooth, total, out=np.zeros_like(smooth), where=total > 0)
        known = entr(smoothing / 2) + entr(1 - smoothing / 2)
        return float((known * total).mean()), float(-xlogy(smooth, best).sum(axis=0).mean())

    def to_plain(self) -> dict[str, Any]:
        return {"of": "labels", "label_smoothing": self.label_smoothing}

    def _are_right(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return ((scores > 0) == (targets > 0.5)).all(1)


class NumberLoss(Loss):
    """Distance of predictions from numbers, as the mean over the targets of an image.

    Parameters
    ----------
    kind : {'squared_error', 'absolute_error', 'huber'}, default='squared_error'
        'huber' is half the squared error up to one, and grows linearly beyond.
    """

    # With less, batches with large errors would count too little: the mean would become the median.
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
        # Constant targets are left out. If all targets are constant, they count as in r2_score.
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
        return 0.0  # numbers can always be predicted more closely

    def to_plain(self) -> dict[str, Any]:
        return {"of": self.kind}


def loss_from_plain(plain: dict[str, Any], n_outputs: int) -> Loss:
    """Make the loss of a net from the content of a file.

    Raises
    ------
    ValueError
        If this version does not know the loss.
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
    """Find the smallest value such that values up to it have this share of the weight."""
    order = np.argsort(values, kind="stable")
    totals = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(totals, share * totals[-1])]])
