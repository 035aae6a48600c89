"""Filters and feature maps: what each stage looks for, and what it finds in images."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_shapecnn._finder import find_image_estimator
from sklearn_shapecnn._input.errors import check_finite
from sklearn_shapecnn._network.inputs import tensor_batches
from sklearn_shapecnn._network.modules import Stage
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn.inspection._fitted_network import check_stage, network_of

STEPS = ("convolution", "output")


def filters(estimator: Any, stage: int = 0) -> np.ndarray:
    """Return the learned kernels of a stage's convolution.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
        :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
    stage : int, default=0
        Index of the stage, counted from 0; -1 is the last one.

    Returns
    -------
    kernels : ndarray of shape (n_filters, height, width, n_channels), dtype float32
        The channels of the first stage are those of the images. The channels of every other stage
        are the feature maps of the previous stage.

    Raises
    ------
    ValueError
        If there is no such stage.
    TypeError
        If the estimator neither is nor contains a ShapeCNNClassifier or ShapeCNNRegressor.
    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import filters
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> filters(clf).shape
    (8, 3, 3, 1)
    >>> filters(clf, stage=-1).shape
    (16, 3, 3, 8)
    """
    fitted, _ = find_image_estimator(estimator)
    stages = network_of(fitted).stages
    chosen = stages[check_stage(stage, len(stages))]
    assert isinstance(chosen, Stage)
    return chosen.conv.weight.detach().permute(0, 2, 3, 1).cpu().numpy().copy()


def feature_maps(estimator: Any, X: Any, *, step: str = "output") -> list[np.ndarray]:
    """Compute the feature maps of each stage for images.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
        :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
    X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
        Images in any form that `predict` accepts.
    step : {'output', 'convolution'}, default='output'
        'output' is what the next stage sees. 'convolution' is the result of the filters alone,
        before pooling, normalization and activation.

    Returns
    -------
    maps : list of ndarray of shape (n, map_height, map_width, n_filters), dtype float32
        One array per stage. All of them are kept in memory, so pass few images.

    Raises
    ------
    ValueError
        If X does not hold images of the same shape as in `fit`, or if `step` is unknown.
    TypeError
        If the estimator neither is nor contains a ShapeCNNClassifier or ShapeCNNRegressor.
    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import feature_maps
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> [maps.shape for maps in feature_maps(clf, X[:5])]
    [(5, 12, 12, 8), (5, 6, 6, 16)]
    """
    if step not in STEPS:
        raise ValueError(f"step must be 'output' or 'convolution', but got {step!r}.")
    fitted, X = find_image_estimator(estimator, X)
    network = network_of(fitted)
    images = fitted._images(X)
    with torch_as_usual():
        batches = [
            [
                maps.permute(0, 2, 3, 1).cpu().numpy()
                for maps in network.forward_intermediates(batch, step=step)
            ]
            for batch in tensor_batches(images, network.center.device)
        ]
    return [check_finite(np.concatenate(parts)) for parts in zip(*batches, strict=True)]
