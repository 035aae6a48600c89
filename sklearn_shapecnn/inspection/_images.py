"""Images as passed to an estimator, and as the network in it sees them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn._finder import find_image_estimator, has_image_estimator, unwrap
from sklearn_shapecnn._input.image_shape import check_same_images
from sklearn_shapecnn._input.pixels import check_pixels


def given_images(estimator: Any, X: Any) -> tuple[np.ndarray, tuple[int, int, int] | None]:
    """Check the images passed to an estimator of any kind.

    Returns
    -------
    pixels : ndarray of shape (n, n_features), (n, h, w) or (n, h, w, c)
    image_shape : tuple of int (height, width, channels) or None
        Shape of one image. None if the estimator does not know it, because it contains no
        ShapeCNNClassifier or ShapeCNNRegressor, or resizes the images first.

    Raises
    ------
    ValueError
        If X does not hold images, such as a single one, or if they are not of the same shape as in
        `fit`.
    """
    pixels = check_pixels(X, estimator)
    if not has_image_estimator(estimator):
        return pixels, None
    found, _ = find_image_estimator(estimator)
    if unwrap(estimator) is found:  # no step before it changes the images
        check_same_images(pixels.shape, found.image_shape_, type(found).__name__)
    is_resized = math.prod(pixels.shape[1:]) != math.prod(found.image_shape_)
    return pixels, None if is_resized else found.image_shape_


def seen_images(estimator: Any, X: Any) -> tuple[ImageEstimator, np.ndarray]:
    """Find our fitted estimator, and the images of shape (n, h, w, c) that reach it."""
    found, X = find_image_estimator(estimator, X)
    images = found._images(X)
    return found, images.pixels.reshape(-1, *images.image_shape)
