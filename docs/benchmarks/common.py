"""Shared by the benchmark scripts: data sets, features for the peers, timing and tables."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import skimage.data
import sklearn
import torch
from skimage.color import rgb2gray
from skimage.feature import hog
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from sklearn_shapecnn import make_shapes

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # X_train, y_train, X_test, y_test

HARD = {  # cut by the border, filled or outlined, thin, dark or light, low contrast, noise
    "min_visible": 0.3,
    "filled": 0.5,
    "aspect_ratio": (0.3, 0.8),
    "foreground": (0.0, 1.0),
    "background": (0.0, 1.0),
    "min_contrast": 0.2,
    "noise": 0.1,
}
# Code for a separate process: its peak memory in MiB. Not `ru_maxrss`, which starts at the peak of
# the process that has started this one. Only Linux has this file.
PEAK = """
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

def peak_from_now():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # sets the peak to what is in memory now
    return peak()
"""
PICTURES = ("astronaut", "chelsea", "coffee", "rocket", "immunohistochemistry", "retina")


def is_quick(description: str | None) -> bool:
    """Read the command line, whose only option is --quick."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only check that the script works")
    return parser.parse_args().quick


def print_machine() -> None:
    """Print the machine and the versions of the libraries."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            model = next((li.split(":")[1].strip() for li in lines if "model name" in li), model)
    print(
        f"{model}, {os.cpu_count()} cores, torch on {torch.get_num_threads()} threads; Python "
        f"{platform.python_version()}, torch {torch.__version__}, scikit-learn "
        f"{sklearn.__version__}, NumPy {np.__version__}, scikit-image {skimage.__version__}.\n"
    )


def print_row(*cells: object) -> None:
    """Print a row of a Markdown table."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def print_header(*cells: str) -> None:
    """Print the header of a Markdown table."""
    print_row(*cells)
    print("|" + "---|" * len(cells), flush=True)


def alternate(works: dict[str, Callable[[], object]], n_times: int) -> dict[str, list[float]]:
    """Return the seconds of each task, alternating between them n times after one warm-up."""
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(n_times):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(ours: list[float], theirs: list[float]) -> str:
    """Format their time over ours: the median of the pairs, the smallest and the largest."""
    pairs = [b / a for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"


def mean_and_error(values: Sequence[float]) -> str:
    """Format the mean of the values and its standard error, if there are several values."""
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.4f} ({np.std(values, ddof=1) / len(values) ** 0.5:.4f})"


def shapes(seed: int, n_train: int, n_test: int, **parameters: object) -> Iterator[Split]:
    """Training and test images from make_shapes, as rows of 72 x 72 pixels."""
    X, y = make_shapes(n_train + n_test, random_state=seed, **parameters)
    yield X[:n_train], y[:n_train], X[n_train:], y[n_train:]


def folds(X: np.ndarray, y: np.ndarray, seed: int) -> Iterator[Split]:
    """Yield the splits of shuffled, stratified 5-fold cross-validation."""
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y):
        yield X[train], y[train], X[test], y[test]


def digits(seed: int, n: int = 1797) -> Iterator[Split]:
    """scikit-learn's digits, 8 x 8 pixels."""
    X, y = load_digits(return_X_y=True)
    return folds(X[:n], y[:n], seed)


def faces(seed: int) -> Iterator[Split]:
    """scikit-image's faces and other patches, 25 x 25 pixels."""
    X = skimage.data.lfw_subset()
    return folds(X.reshape(len(X), -1), np.arange(200) < 100, seed)


def patches(seed: int, n_train: int, n_test: int, is_color: bool = False) -> Iterator[Split]:
    """Patches of 24 x 24 pixels, labeled by picture; test patches come from the lower halves."""
    rng = np.random.default_rng(seed)
    pictures = [getattr(skimage.data, name)() for name in PICTURES]
    if is_color:
        pictures = [picture[..., :3].astype(np.float32) / 255 for picture in pictures]
    else:
        pictures = [rgb2gray(picture).astype(np.float32) for picture in pictures]

    def cut(n: int, lower: bool) -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(len(pictures), size=n)
        X = np.empty((n, 24, 24, 3) if is_color else (n, 24 * 24), dtype=np.float32)
        for i, label in enumerate(y):
            half = np.array_split(pictures[label], 2)[int(lower)]
            row, column = (rng.integers(side - 24) for side in half.shape[:2])
            X[i] = half[row : row + 24, column : column + 24].reshape(X[i].shape)
        return X, y

    yield *cut(n_train, lower=False), *cut(n_test, lower=True)


def hog_features(X: np.ndarray) -> np.ndarray:
    """Compute histograms of oriented gradients, in cells of about a ninth of the image's side."""
    side = round(X.shape[1] ** 0.5)
    cell = max(2, side // 9)
    return np.array(
        [
            hog(image, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
            for image in X.reshape(-1, side, side)
        ]
    )
