"""Groups of image files: which of them show the same person or object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from sklearn_shapecnn._input.errors import is_int


def find_groups(filenames: Sequence[str], groups: str | Callable[[Path], str | int]) -> np.ndarray:
    """Find the group of each file, by the start of its name or by a function of its path.

    Raises
    ------
    TypeError
        If the function returns something that is neither a str nor an int, or both kinds.
    """
    find = _prefix if isinstance(groups, str) else groups
    found = []
    for filename in filenames:
        group = find(Path(filename))
        if not (isinstance(group, str) or is_int(group, least=-np.inf)):
            raise TypeError(
                f"groups returned {group!r} of type {type(group).__name__} for {filename}, but "
                f"must return a str or an int for each file."
            )
        found.append(group)
    n_strings = sum(isinstance(group, str) for group in found)
    if n_strings not in (0, len(found)):
        raise TypeError(
            f"groups returned a str for {n_strings} of {len(found)} files and an int for the "
            f"others, but must return the same type for all: use str(...) or int(...) in it."
        )
    return np.array(found)


def _prefix(path: Path) -> str:
    """Return the part of a file name before the first underscore, without its extension."""
    return path.stem.partition("_")[0]
