"""The network of a fitted estimator, and the check of the index of a stage."""

from __future__ import annotations

from typing import Any

from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn._input.errors import is_int
from sklearn_shapecnn._network.modules import ShapeCNN


def network_of(estimator: ImageEstimator) -> ShapeCNN:
    """Return the network of a fitted estimator, in evaluation mode."""
    network = estimator.net_.module_
    if network.training:
        network.eval()
    return network


def check_stage(stage: Any, n_stages: int) -> int:
    """Return the index of a stage, counted from 0, or raise ValueError if there is none."""
    if not (is_int(stage, least=-n_stages) and stage < n_stages):
        raise ValueError(
            f"stage must be an int from 0 to {n_stages - 1}, or from -{n_stages} to -1 to count "
            f"from the last one, but got {stage!r}."
        )
    return int(stage) % n_stages
