"""Losses compared with torch's and scikit-learn's own, their bounds and their scores."""

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    hamming_loss,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
)
from torch import nn

from sklearn_shapecnn._training.losses import (
    ClassLoss,
    LabelLoss,
    NumberLoss,
    loss_from_plain,
    weighted_quantile,
)

RNG = np.random.default_rng(0)
SCORES = torch.from_numpy(RNG.normal(size=(50, 3)))
CLASSES = RNG.integers(0, 3, 50)
LABELS = RNG.integers(0, 2, (50, 3)).astype(np.float32)
NUMBERS = RNG.normal(size=(50, 3))
WEIGHTS = RNG.uniform(0.1, 2, 50)


def score(loss, targets, scores=SCORES):
    return loss.score(loss.sums(scores, torch.from_numpy(targets), torch.from_numpy(WEIGHTS)))


def test_of_classes_it_is_torchs_own():
    targets = torch.from_numpy(CLASSES)
    theirs = nn.CrossEntropyLoss(reduction="none", label_smoothing=0.1)
    torch.testing.assert_close(ClassLoss(0.1, 3)(SCORES, targets), theirs(SCORES, targets))
    assert ClassLoss(0.1, 3).plain(SCORES, targets).mean() == pytest.approx(
        log_loss(CLASSES, SCORES.softmax(1).numpy())
    )


def test_of_labels_it_is_the_mean_of_binary_ones():
    ours = LabelLoss()(SCORES, torch.from_numpy(LABELS)).mean()
    columns = zip(LABELS.T, SCORES.sigmoid().numpy().T, strict=True)
    assert ours == pytest.approx(np.mean([log_loss(*column) for column in columns]))


def test_weights_of_labels_multiply_their_losses():
    targets = torch.from_numpy(LABELS)
    weights = np.array([[1.0, 1.0, 0.0], [3.0, 1.0, 0.0]])
    each = torch.stack([LabelLoss()(SCORES[:, i : i + 1], targets[:, i : i + 1]) for i in range(3)])
    by_hand = (each[0] * (1 + 2 * targets[:, 0]) + each[1]) / 3
    torch.testing.assert_close(LabelLoss(0.0, weights)(SCORES, targets), by_hand)


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [("squared_error", mean_squared_error), ("absolute_error", mean_absolute_error)],
)
def test_of_numbers_it_is_scikit_learns_own(kind, theirs):
    ours = NumberLoss(kind)(SCORES, torch.from_numpy(NUMBERS)).mean()
    assert ours == pytest.approx(theirs(NUMBERS, SCORES.numpy()))


def test_huber_is_half_a_square_near_and_linear_far():
    targets = torch.zeros(2, 1)
    losses = NumberLoss("huber")(torch.tensor([[0.5], [10.0]]), targets)
    torch.testing.assert_close(losses, torch.tensor([0.125, 9.5]))


def test_scores_are_scikit_learns_own():
    assert score(ClassLoss(n_outputs=3), CLASSES) == pytest.approx(
        accuracy_score(CLASSES, SCORES.argmax(1), sample_weight=WEIGHTS)
    )
    assert score(LabelLoss(), LABELS) == pytest.approx(
        accuracy_score(LABELS, SCORES.numpy() > 0, sample_weight=WEIGHTS)
    )
    assert score(LabelLoss(), LABELS) < 1 - hamming_loss(LABELS, SCORES.numpy() > 0)
    assert score(NumberLoss(), NUMBERS) == pytest.approx(
        r2_score(NUMBERS, SCORES.numpy(), sample_weight=WEIGHTS)
    )


def test_r2_of_targets_that_are_all_the_same_is_zero_or_one():
    same = np.zeros((50, 3))
    assert score(NumberLoss(), same) == 0
    assert score(NumberLoss(), same, torch.zeros(50, 3)) == 1


def constant_answers(loss, targets):
    """The loss of the best answer that is the same for all images, found by descent."""
    n_outputs = 1 if targets.ndim == 1 else targets.shape[1]
    answer = torch.zeros(1, max(3, n_outputs), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([answer], max_iter=500, line_search_fn="strong_wolfe")
    weights = torch.from_numpy(WEIGHTS / WEIGHTS.sum())

    def closure():
        optimizer.zero_grad()
        losses = loss(answer.expand(len(targets), -1), torch.from_numpy(targets))
        total = (losses * weights).sum()
        total.backward()
        return total

    optimizer.step(closure)
    return closure().item()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(
    ("make", "targets"),
    [
        (lambda smoothing: ClassLoss(smoothing, 3), CLASSES),
        (LabelLoss, LABELS),
        (lambda smoothing: LabelLoss(smoothing, [[1, 2, 1], [3, 1, 1]]), LABELS),
    ],
    ids=["classes", "labels", "weighted labels"],
)
def test_bounds_are_what_guessing_and_knowing_cost(make, targets, smoothing):
    loss = make(smoothing)
    least, guessing = loss.bounds(targets, WEIGHTS)
    assert guessing == pytest.approx(constant_answers(loss, targets), abs=1e-4)
    knowing = 30.0 if smoothing == 0 else np.log(1 / (smoothing / 2) - 1)
    if targets.ndim == 2:
        sure = torch.from_numpy(np.where(targets > 0.5, knowing, -knowing))
    else:
        sure = torch.eye(3, dtype=torch.float64)[targets]
        sure = torch.log(sure * (1 - smoothing) + max(smoothing, 1e-9) / 3)
    losses = loss(sure, torch.from_numpy(targets)).numpy()
    assert least == pytest.approx(np.average(losses, weights=WEIGHTS), abs=1e-4)
    assert least < loss.learned(targets, WEIGHTS) < guessing


@pytest.mark.parametrize("kind", ["squared_error", "absolute_error"])
def test_guessing_numbers_costs_what_the_best_constant_costs(kind):
    loss = NumberLoss(kind)
    least, guessing = loss.bounds(NUMBERS, WEIGHTS)
    assert least == 0
    assert guessing == pytest.approx(constant_answers(loss, NUMBERS), abs=1e-3)


def test_numbers_are_never_learned_to_the_end():
    assert NumberLoss().learned(NUMBERS, WEIGHTS) == 0


@pytest.mark.parametrize("loss", [ClassLoss(0.1, 3), LabelLoss(0.1), NumberLoss("huber")])
def test_files_bring_a_loss_back(loss):
    twin = loss_from_plain(loss.to_plain(), 3)
    assert type(twin) is type(loss)
    assert twin.to_plain() == loss.to_plain()


def test_files_with_an_unknown_loss_are_refused():
    with pytest.raises(ValueError, match="hinge"):
        loss_from_plain({"of": "hinge"}, 3)


def test_weighted_quantiles():
    values = np.array([3.0, 1.0, 2.0])
    assert weighted_quantile(values, np.ones(3), 0.5) == 2
    assert weighted_quantile(values, np.array([5.0, 1.0, 1.0]), 0.5) == 3
    assert weighted_quantile(values, np.ones(3), 1.0) == 3
