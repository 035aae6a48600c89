"""The chart and the picture on the front page: letters of unseen fonts, beside classical peers.

Ten letters are drawn from the fonts that come with matplotlib, and each split trains on 16 of the
22 fonts and tests on the other 6. The letters are centered, anywhere in any size, or anywhere with
only ten images of each for training. Prints a table, and writes the two figures in
``docs/images``. Set ``OMP_NUM_THREADS=1`` for steady seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import Split, hog_features, mean_and_error, print_machine, print_row
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sklearn_shapecnn import SaliencyDisplay, ShapeCNNClassifier, make_letters

FOLDER = Path(__file__).parents[1] / "images"


class Sizes(NamedTuple):
    """Numbers of images."""

    train: int = 1000
    few: int = 100
    test: int = 1000


TASKS = {
    "centered": {"centered": True, "size": 0.8},
    "anywhere, in any size": {},
    "anywhere, 10 images per letter": {},
}
MODELS: dict[str, Callable] = {
    "ShapeCNNClassifier": lambda seed: ShapeCNNClassifier(random_state=seed),
    "HOG features + SVC": lambda seed: make_pipeline(FunctionTransformer(hog_features), SVC(C=10)),
    "SVC": lambda seed: SVC(C=10),
    "MLPClassifier": lambda seed: make_pipeline(
        StandardScaler(), MLPClassifier(random_state=seed, max_iter=500)
    ),
    "RandomForestClassifier": lambda seed: RandomForestClassifier(random_state=seed),
}
COLORS = (
    "#0072B2",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#999999",
)  # from the palette of Okabe and Ito


def splits(task: str, n_splits: int, sizes: Sizes) -> Iterator[Split]:
    """Yield splits of letters, each with its own fonts for training and for the test."""
    n_train = sizes.few if task.endswith("per letter") else sizes.train
    for seed in range(n_splits):
        letters = make_letters(
            6 * (sizes.train + sizes.test), **TASKS[task], return_X_y=False, random_state=seed
        )
        splitter = GroupShuffleSplit(1, test_size=6, random_state=seed)
        train, test = next(splitter.split(letters.data, groups=letters.groups))
        train, test = _balanced(letters.target, train, n_train), test[: sizes.test]
        yield letters.data[train], letters.target[train], letters.data[test], letters.target[test]


def _balanced(y: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """The first rows of each class, as many of each."""
    names = np.unique(y)
    return np.concatenate([rows[y[rows] == name][: n // len(names)] for name in names])


def measure(n_splits: int, sizes: Sizes) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Measure the accuracy and the seconds of a fit of each model on each task."""
    results: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    print_row("letters", "classifier", "accuracy (standard error)", "seconds per fit (CPU)")
    print_row(*["---"] * 4)
    for task in TASKS:
        found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in MODELS}
        for seed, (X, y, X_test, y_test) in enumerate(splits(task, n_splits, sizes)):
            for name, make in MODELS.items():
                start = time.process_time()
                model = make(seed).fit(X, y)
                found[name][1].append(time.process_time() - start)
                found[name][0].append(model.score(X_test, y_test))
        for name, (scores, seconds) in found.items():
            print_row(task, name, mean_and_error(scores), f"{np.median(seconds):.1f}")
        results[task] = found
    return results


def draw_chart(results: dict[str, dict[str, tuple[list[float], list[float]]]], path: Path) -> None:
    """Draw the accuracies as bars, a group for each task."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    ax = figure.subplots()
    width = 0.8 / len(MODELS)
    for i, name in enumerate(MODELS):
        means = [np.mean(results[task][name][0]) for task in TASKS]
        places = np.arange(len(TASKS)) + (i - (len(MODELS) - 1) / 2) * width
        bars = ax.bar(places, means, 0.92 * width, color=COLORS[i], label=name)
        ax.bar_label(bars, [f"{100 * mean:.0f}" for mean in means], fontsize=8, padding=1)
    ax.set_xticks(range(len(TASKS)), TASKS)
    ax.set(ylim=(0, 1.08), ylabel="accuracy on unseen fonts")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(MODELS), fontsize=8, frameon=False)
    figure.savefig(path, dpi=150)


def draw_saliency(path: Path, sizes: Sizes) -> None:
    """Draw some letters of unseen fonts, and the pixels that decide."""
    task = list(TASKS)[1]
    X, y, X_test, y_test = next(splits(task, 1, sizes))
    clf = ShapeCNNClassifier(random_state=0).fit(X, y)
    some = [int(np.flatnonzero(y_test == letter)[0]) for letter in "ABDFGJ"]
    display = SaliencyDisplay.from_estimator(clf, X_test[some], method="occlusion")
    display.figure_.savefig(path, dpi=150)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only check that the script works")
    parser.add_argument("--output", type=Path, help="folder of the figures (default: docs/images)")
    options = parser.parse_args()
    sizes = Sizes(train=60, few=20, test=50) if options.quick else Sizes()
    folder = options.output or FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    print_machine()
    if options.quick:
        MODELS["ShapeCNNClassifier"] = lambda seed: ShapeCNNClassifier(
            max_iter=2, random_state=seed
        )
    results = measure(1 if options.quick else 3, sizes)
    draw_chart(results, folder / "letters_accuracy.png")
    draw_saliency(folder / "letters_seen.png", sizes)


if __name__ == "__main__":
    main()
