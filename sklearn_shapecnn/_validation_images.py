"""X_val, y_val and sample_weight_val: the images that the user wants each epoch to be scored on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_shapecnn._input.errors import rename_errors
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.image_shape import check_same_images
from sklearn_shapecnn._input.pixel_range import PixelRange
from sklearn_shapecnn._input.pixels import check_pixels
from sklearn_shapecnn._input.plain import column_names
from sklearn_shapecnn._input.targets import Targets
from sklearn_shapecnn._network.config import ImageShape
from sklearn_shapecnn._training.sample import Sample, distinct_sample
from sklearn_shapecnn._training.target_scale import TargetScale


def validation_sample(
    estimator: Any,
    validation: tuple[Any, Any, Any],
    known: Targets,
    image_shape: ImageShape,
    names: np.ndarray | None,
    pixel_range: PixelRange,
    target_scale: TargetScale | None,
) -> Sample | None:
    """Check images to validate on, and make a sample of them if they are given.

    Parameters
    ----------
    estimator : ImageEstimator
    validation : tuple
        What the user passed as X_val, y_val and sample_weight_val.
    known : Targets
        The targets to train on.
    image_shape : tuple of int (height, width, channels)
        Shape of the images to train on.
    names : ndarray of str or None
        Their column names.
    pixel_range : PixelRange
        Their range.
    target_scale : TargetScale or None
        The scale of the targets, if they are numbers.

    Returns
    -------
    sample : Sample or None
        None if there are no such images.

    Raises
    ------
    ValueError
        If something is missing, or does not match the images to train on.
    """
    if all(each is None for each in validation):
        return None
    X, y, sample_weight = validation
    if X is None or y is None:
        raise ValueError(
            f"{'X_val' if X is None else 'y_val'} is missing: pass X_val and y_val together, "
            f"or none of X_val, y_val and sample_weight_val."
        )
    if not estimator.early_stopping:
        raise ValueError(
            "X_val and y_val are given, but early_stopping is False, so nothing would be "
            "scored on them. Set early_stopping=True, or leave them out."
        )
    with rename_errors("X_val, y_val"):
        pixels = check_pixels(X, estimator)
        check_same_images(pixels.shape, image_shape, type(estimator).__name__)
        _check_same_names(X, names)
        images = ImageSet(pixels, image_shape)
        pixel_range.warn_if_unlike(images, name="X_val")
        found = estimator._check_validation_targets(y, sample_weight, pixels, known)
        sample, *_ = distinct_sample(images, found.values, found.weights)
        if target_scale is None:
            return sample
        if (sample.targets == sample.targets[0]).all():
            raise ValueError(
                "R2 is not defined if only one image has a positive weight, or if all targets are "
                "the same. Give at least two images with different targets."
            )
    return replace(sample, targets=target_scale.standardize(sample.targets))


def _check_same_names(X: Any, names: np.ndarray | None) -> None:
    """Raise ValueError if columns have other names, or another order, than those to train on."""
    found = column_names(X)
    if found is not None and names is not None and not np.array_equal(found, names):
        raise ValueError(
            "the columns have other names or another order than those of X. Give X_val[X.columns]."
        )
