"""Progress over many files: a bar on standard error, or lines if it is not a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterable
from typing import TypeVar

SECONDS_BETWEEN_LINES = 10

Result = TypeVar("Result")


def show_progress(
    results: Iterable[Result], n_files: int, title: str, verbose: bool | int
) -> Generator[Result, None, None]:
    """Pass results on, one for each file, and show how many there are so far.

    Parameters
    ----------
    results : iterable
        One result for each file.
    n_files : int
        Number of files.
    title : str
        What is done with the files.
    verbose : bool or int
        0 shows nothing.

    Yields
    ------
    result
        Each of the results.
    """
    if not verbose:
        yield from results
        return
    # Not at the top of the file: the import detects notebooks, which takes a while.
    from tqdm.asyncio import tqdm as text_bar
    from tqdm.auto import tqdm

    if tqdm is not text_bar or (sys.stderr is not None and sys.stderr.isatty()):
        yield from tqdm(results, total=n_files, desc=title, unit="file")
    else:
        yield from _tell_in_lines(results, n_files, title)


def _tell_in_lines(
    results: Iterable[Result], n_files: int, title: str
) -> Generator[Result, None, None]:
    """Print a line every few seconds, and one at the end."""
    began = told = time.perf_counter()
    for i, result in enumerate(results, 1):
        yield result
        now = time.perf_counter()
        if sys.stderr is not None and (i == n_files or now - told >= SECONDS_BETWEEN_LINES):
            told, took = now, now - began
            left = took / i * (n_files - i)
            print(
                f"{title}: {i} of {n_files} files, {took:.0f} s, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
