"""Read many images, a block at a time, in threads or processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import joblib
import numpy as np
from PIL import Image

from sklearn_shapecnn._input.image_set import BLOCK_BYTES
from sklearn_shapecnn.images._borrowing import borrow
from sklearn_shapecnn.images._decoding import NotReadable, decode_file, decode_image
from sklearn_shapecnn.images._items import PATH
from sklearn_shapecnn.images._progress import show_progress
from sklearn_shapecnn.images._resizing import ImageFormat, convert
from sklearn_shapecnn.images._white import Peak


@dataclass(frozen=True)
class ReadImage:
    """One image that was read.

    Parameters
    ----------
    name : str
        Its path, or its position in X.
    pixels : ndarray
        Its pixels; empty if they were not requested.
    peak : Peak or None
        Its largest value; see `Decoded`.
    trouble : str
        What is wrong with its metadata.
    """

    name: str
    pixels: np.ndarray
    peak: Peak | None
    trouble: str


def read_images(
    items: Sequence[Any],
    image_format: ImageFormat,
    *,
    white: float | None,
    max_pixels: int,
    n_jobs: int | None,
    only_peaks: bool = False,
    verbose: bool | int = 0,
) -> Generator[ReadImage | Exception, None, None]:
    """Yield each image, or an error about it, in order, and show the progress."""
    title = "white level" if only_peaks else "images"
    n_workers = joblib.effective_n_jobs(n_jobs)
    step = max(BLOCK_BYTES // (4 * int(np.prod(image_format.shape))), 2 * n_workers)
    if verbose:  # the bar moves with each block
        step = min(step, 32 * n_workers)
    read = partial(
        joblib.delayed(_read_image),
        image_format=image_format,
        white=white,
        max_pixels=max_pixels,
        only_peaks=only_peaks,
    )
    return show_progress(_read_blocks(items, read, step, n_jobs), len(items), title, verbose)


def _read_blocks(
    items: Sequence[Any], read: Callable[[Any, int], Any], step: int, n_jobs: int | None
) -> Iterator[ReadImage | Exception]:
    """Read a block of images at a time."""
    with joblib.Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        for start in range(0, len(items), step):
            rows = range(start, min(start + step, len(items)))
            yield from parallel(
                # Borrow Pillow images here: their files belong to the caller, and sending an
                # image to another process would load it.
                read(borrow(items[row]) if isinstance(items[row], Image.Image) else items[row], row)
                for row in rows
            )


def _read_image(
    item: Any,
    row: int,
    image_format: ImageFormat,
    white: float | None,
    max_pixels: int,
    only_peaks: bool,
) -> ReadImage | Exception:
    """Read one image in a worker. Return its pixels, or an error about it.

    Workers return errors instead of raising them, so that the caller can raise the error that comes
    first in X rather than first in time.
    """
    name = os.fspath(item) if isinstance(item, PATH) else f"Image {row} in X"
    background = image_format.background
    try:
        if isinstance(item, PATH):
            try:
                file = open(item, "rb")  # noqa: SIM115 - later errors are not from opening
            except IsADirectoryError:
                return ValueError(
                    f"{name} is a folder, not an image. Read it with load_image_folder, or list "
                    f"its files."
                )
            except OSError as error:  # its message names the file
                return error.with_traceback(None)
            with file:
                decoded = decode_file(file, name, background, max_pixels, white)
        else:
            decoded = decode_image(item, background, white)
        pixels = np.empty(0) if only_peaks else convert(decoded.bands, image_format)
        return ReadImage(name, pixels, decoded.peak, decoded.trouble)
    except NotReadable as error:
        return ValueError(f"{name} {error}")
    except MemoryError:
        raise
    except Exception as error:  # for broken files, Pillow raises almost anything: IndexError, ...
        return ValueError(
            f"{name} cannot be read as an image; it may be broken or cut off "
            f"({type(error).__name__}: {error})."
        )
