"""The shape of one image: found from the shape of X, or compared with the one seen in `fit`."""

from __future__ import annotations

import math
from collections.abc import Sequence


def find_image_shape(
    shape: tuple[int, ...], image_shape: Sequence[int] | None = None
) -> tuple[int, int, int]:
    """Find the shape of one image from the shape of X.

    Parameters
    ----------
    shape : tuple of int
        The shape of X.
    image_shape : sequence of int (height, width) or (height, width, channels), default=None
        The shape that the user has set. By default, rows become square gray images if their length
        is a square number, and images one pixel high otherwise.

    Returns
    -------
    image_shape : tuple of int (height, width, channels)

    Raises
    ------
    ValueError
        If both shapes contradict each other, or if X seems to hold its channels first.
    """
    if image_shape is not None:
        height, width, channels = wanted = (*image_shape, 1)[:3]
        if shape[1:] not in [(height * width * channels,), _without_gray(wanted), wanted]:
            raise ValueError(
                f"image_shape={tuple(image_shape)} means {height * width * channels} values per "
                f"image, but X of shape {shape} has {_describe(shape)}. Give X as rows of that "
                f"many values or as images of that shape, or set image_shape to match X."
            )
        return int(height), int(width), int(channels)
    if len(shape) == 2:
        side = math.isqrt(shape[1])
        return (side, side, 1) if side * side == shape[1] else (1, shape[1], 1)
    if len(shape) == 3:
        return (shape[1], shape[2], 1)
    if shape[1] <= 4 < min(shape[2:]):
        raise ValueError(
            f"X of shape {shape} seems to hold its channels first; they belong last, as in "
            f"(n, h, w, c): use np.moveaxis(X, 1, -1). If its images really are {shape[1]} pixels "
            f"high with {shape[3]} channels, set image_shape={shape[1:]}."
        )
    return (shape[1], shape[2], shape[3])


def find_drawn_shape(
    shape: tuple[int, ...], image_shape: Sequence[int] | None = None
) -> tuple[int, int, int]:
    """Find the shape of one image as `find_image_shape`, but refuse rows that are not square.

    They may be a single image, and nobody wants to look at images one pixel high.
    """
    found = find_image_shape(shape, image_shape)
    if image_shape is None and len(shape) == 2 and found[0] != found[1]:
        raise ValueError(
            f"X of shape {shape} has rows of {shape[1]} values, which are not square gray images. "
            f"Set image_shape to the shape of one image. If X is a single image, give "
            f"X[np.newaxis]."
        )
    return found


def are_same_images(shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> bool:
    """Return whether X of this shape holds images of the shape seen in fit."""
    return shape[1:] in (image_shape, _without_gray(image_shape), (math.prod(image_shape),))


def check_same_images(
    shape: tuple[int, ...], image_shape: tuple[int, int, int], estimator_name: str
) -> None:
    """Raise ValueError unless X of this shape holds images of the shape seen in fit."""
    if are_same_images(shape, image_shape):
        return
    height, width, channels = image_shape
    n_features = height * width * channels
    known = _without_gray(image_shape)
    if shape in (image_shape, known):
        advice = "This seems to be a single image: give X[np.newaxis]."
    elif shape[1:] == (channels, height, width):
        advice = "The channels belong last: use np.moveaxis(X, 1, -1)."
    elif len(shape) > 2 and shape[1:3] == (height, width):
        advice = "The channels differ: convert the images, e.g. with skimage.color."
    elif len(shape) > 2:
        advice = "Resize the images, e.g. with sklearn_shapecnn.ImageReader."
    else:
        advice = "Each row must be a whole image."
    if len(shape) == 2:  # in scikit-learn's words, which its users search for
        raise ValueError(
            f"X has {shape[1]} features, but {estimator_name} is expecting {n_features} features "
            f"as input: images of shape {known}, one per row. {advice}"
        )
    raise ValueError(
        f"X holds {_describe(shape)}, but {estimator_name} was fitted on images of shape {known}. "
        f"{advice}"
    )


def _without_gray(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape as users write it: a gray image has no third dimension."""
    return image_shape[:2] if image_shape[2] == 1 else image_shape


def _describe(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return f"{shape[1]} values per image"
    return f"images of shape {shape[1:]}"
