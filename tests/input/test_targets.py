"""y as a matrix: indicators of labels, and numbers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from helpers import small_classifier
from scipy.sparse import coo_array, csr_matrix

from sklearn_shapecnn._input.targets import check_indicators, check_numbers, is_matrix, label_shares


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.zeros((3, 2)), True),
        (np.zeros((3, 1)), False),
        (np.zeros(3), False),
        ([[0, 1], [1, 0]], True),
        ([[0], [1]], False),
        ([0, 1], False),
        (["ab", "cd"], False),
        ([np.array([0, 1])], True),
        (csr_matrix((3, 2)), True),
        (csr_matrix((3, 1)), False),
        ([], False),
    ],
)
def test_what_is_a_matrix(y, expected):
    assert is_matrix(y) == expected


@pytest.mark.parametrize(
    "y",
    [
        [[0, 1], [1, 1]],
        [[False, True], [True, True]],
        np.array([[0.0, 1.0], [1.0, 1.0]]),
        coo_array(np.array([[0, 1], [1, 1]])),
        torch.tensor([[0, 1], [1, 1]]).numpy(),
        np.array([[0, 1], [1, 1]], dtype=object),
    ],
)
def test_indicators_of_any_kind(y):
    indicators = check_indicators(y, 2)
    assert indicators.dtype == np.float32
    assert indicators.tolist() == [[0, 1], [1, 1]]


def test_minus_zero_is_the_same_target_as_zero():
    numbers = check_numbers([0.0, -0.0], 2, "Estimator")
    assert not np.signbit(numbers).any()


def test_numbers_get_a_column_for_each_target():
    assert check_numbers([1, 2], 2, "Estimator").shape == (2, 1)
    assert check_numbers([[1, 2], [3, 4]], 2, "Estimator").dtype == np.float64
    assert check_numbers([torch.tensor(1.0), torch.tensor(2.0)], 2, "Estimator").shape == (2, 1)


def test_shares_of_what_is_everywhere_are_exactly_one():
    indicators = np.ones((50, 3), dtype=np.float32)
    weights = np.random.default_rng(0).uniform(0.1, 2, 50).astype(np.float32)
    assert label_shares(indicators, weights).tolist() == [[0, 0, 0], [1, 1, 1]]


DAYS = np.arange(4).astype("M8[D]")


@pytest.mark.parametrize(
    "y",
    [
        DAYS,
        DAYS - DAYS[0],
        list(DAYS),
        [0.0, *(DAYS[1:] - DAYS[0])],
        pd.Series(DAYS),
        pl.Series(DAYS),
        np.stack([DAYS] * 2, 1),
    ],
)
def test_dates_and_durations_are_no_numbers(y):
    with pytest.raises(ValueError, match=r"^y holds (dates|durations), not numbers\.") as caught:
        check_numbers(y, 4, "Somebody")
    if np.asarray(y).dtype != object:
        days = eval(str(caught.value).split("such as days: ")[1].rstrip("."), {"np": np, "y": y})
        assert check_numbers(days, 4, "Somebody")[:, 0].tolist() == [0, 1, 2, 3]


def test_masked_targets_are_refused():
    with pytest.raises(ValueError, match="masked"):
        check_indicators(np.ma.masked_array([[0, 1]], mask=[[True, False]]), 1)
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    with pytest.raises(ValueError, match="masked"):
        check_numbers(masked, 2, "Estimator")


def test_lists_of_labels_are_told_how_to_become_a_matrix():
    message = r"unequal lengths\. .*MultiLabelBinarizer\(\)\.fit_transform\(y\) makes it"
    with pytest.raises(ValueError, match=message):
        small_classifier().fit(np.zeros((2, 16)), [["circle", "star"], ["circle"]])
