"""What ImageReader accepts as X: paths, images, or both."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from io import IOBase
from typing import Any

import numpy as np
from PIL import Image

PATH = str | os.PathLike


def as_items(X: Any) -> Sequence[Any]:
    """Check the form of X, and return its paths and images as a list, a tuple or an array.

    Raises
    ------
    TypeError
        If X can be read only once, or a row of X is neither a path nor an image.
    ValueError
        If X is a single image, is empty or has an unusable shape.
    """
    if isinstance(X, PATH | bytes | Image.Image):
        raise ValueError(
            f"X is one image, {X!s}, but must be a list of images: put it into []. "
            "To list paths, use glob.glob; to read a folder, use load_image_folder."
        )
    if isinstance(X, Iterator) and not isinstance(X, IOBase):  # a file is an iterator too
        raise TypeError(
            f"X must be a list of paths or images, but is a {type(X).__name__}, which can be read "
            f"only once. Make a list of it, such as list(folder.glob('*.png'))."
        )
    items: Any = X if isinstance(X, list | tuple) else np.asarray(X)
    if isinstance(items, np.ndarray):
        is_box = items.dtype.kind in "OUT"
        if is_box and items.ndim == 2 and items.shape[1] == 1:  # a data frame with one column
            items = items[:, 0]
        if items.ndim != 1 if is_box else items.ndim not in (3, 4):
            raise ValueError(
                f"X must be a list of paths, a list of images or an array of shape (n, h, w) or "
                f"(n, h, w, c), but is of type {type(X).__name__}, dtype {items.dtype} and shape "
                f"{items.shape}. If X has an image in each row, reshape it: X.reshape(-1, h, w)."
            )
    if len(items) == 0:
        raise ValueError("X is empty: found 0 images, while a minimum of 1 is required.")
    if isinstance(items, list | tuple) or items.dtype.kind == "O":
        for row, item in enumerate(items):
            is_image = isinstance(item, Image.Image) or hasattr(item, "__len__")
            if not isinstance(item, PATH) and (isinstance(item, bytes) or not is_image):
                raise TypeError(
                    f"Row {row} of X is {item!r} of type {type(item).__name__}, but must be the "
                    f"path of an image, or an image."
                )
    checked: Sequence[Any] = items
    return checked


def list_some(things: Sequence[Any], separator: str = ", ", count: int = 5) -> str:
    """List the first few things in a message, and count the others."""
    named = separator.join(str(thing) for thing in things[:count])
    return named + (f"{separator}and {len(things) - count} more" if len(things) > count else "")
