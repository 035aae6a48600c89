"""Collect images while they are read, in memory or in a .npy file on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class InMemory:
    """Collect images in an array.

    Parameters
    ----------
    shape : tuple of int
        The shape of the array; its first number is the maximum number of images.
    dtype : str
        The dtype of the images.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.images = np.empty(shape, dtype=dtype)
        self.n_images = 0

    def append(self, image: np.ndarray) -> None:
        """Add an image."""
        self.images[self.n_images] = image
        self.n_images += 1

    def close(self) -> np.ndarray:
        """Return the images added so far."""
        return self.images[: self.n_images]

    def remove(self) -> None:
        """Do nothing: the array disappears with this object."""


class OnDisk:
    """Collect images in a new .npy file.

    The file is written as a stream and mapped only when it is complete, because a map that is being
    written counts as memory of the process.

    Parameters
    ----------
    shape : tuple of int
        The shape of the array; its first number is the maximum number of images.
    dtype : str
        The dtype of the images.
    folder : str or path-like
        Where to create the file.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, folder: str | os.PathLike[str]) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.n_images = 0
        try:
            handle, self.path = tempfile.mkstemp(".npy", "images-", os.fspath(folder))
        except OSError as error:
            raise ValueError(
                f"memmap_folder must be a folder that can be written to, but {folder} is not: "
                f"{error.strerror}. Create it first."
            ) from error
        self.file = os.fdopen(handle, "wb")
        self._write_header(shape[0])

    def _write_header(self, n_images: int) -> None:
        # NumPy leaves room for a longer first axis, so the header always has the same length.
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (n_images, *self.shape[1:]),
        }
        np.lib.format.write_array_header_1_0(self.file, header)

    def append(self, image: np.ndarray) -> None:
        """Write an image."""
        self.file.write(image.tobytes())
        self.n_images += 1

    def close(self) -> np.ndarray:
        """Complete the file, and return a read-only map of the images in it."""
        self.file.seek(0)
        self._write_header(self.n_images)
        self.file.close()
        images: np.ndarray = np.load(self.path, mmap_mode="r")
        return images

    def remove(self) -> None:
        """Delete the file."""
        self.file.close()
        os.unlink(self.path)


@contextmanager
def open_storage(
    shape: tuple[int, ...], dtype: str, folder: str | os.PathLike[str] | None
) -> Iterator[InMemory | OnDisk]:
    """Collect images in memory, or in a file if there is a folder. An error removes the file."""
    storage = InMemory(shape, dtype) if folder is None else OnDisk(shape, dtype, folder)
    try:
        yield storage
    except BaseException:  # an interrupt too: nobody else knows about the file
        storage.remove()
        raise
