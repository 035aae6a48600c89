"""Images as an estimator is given them, and as the network in it sees them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn._finder import as_batch, find_image_estimator, has_image_estimator
from sklearn_shapecnn._input.pixels import check_pixels


def given_images(estimator: Any, X: Any) -> tuple[Any, np.ndarray, tuple[int, int, int] | None]:
    """Check images that an estimator of any kind is given.

    Returns
    -------
    X : array-like
        X as given, or an X of one image if it was a single image.
    pixels : ndarray of shape (n, n_features), (n, h, w) or (n, h, w, c)
    image_shape : tuple of int (height, width, channels) or None
        The shape of one image. None if the estimator does not know it: if it holds no
        ShapeCNNClassifier or ShapeCNNRegressor, or resizes the images before they get there.
    """
    if not has_image_estimator(estimator):
        return X, check_pixels(X, estimator), None
    image_shape = find_image_estimator(estimator)[0].image_shape_
    X = as_batch(X, image_shape)
    pixels = check_pixels(X, estimator)
    is_resized = math.prod(pixels.shape[1:]) != math.prod(image_shape)
    return X, pixels, None if is_resized else image_shape


def seen_images(estimator: Any, X: Any) -> tuple[ImageEstimator, np.ndarray]:
    """Find the fitted estimator of ours, and the images of shape (n, h, w, c) that reach it."""
    found, X = find_image_estimator(estimator, X)
    images = found._images(X)
    return found, images.pixels.reshape(-1, *images.image_shape)
