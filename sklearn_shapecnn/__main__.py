"""Show the estimators at work on small data sets: ``python -m sklearn_shapecnn --help``."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Whatever else is needed is imported on use: --help should not wait for torch.

Array = NDArray[Any]
Problem = tuple[Array, Array, Array | None]  # images, targets, and groups to split by, if any

MIN_SAMPLES = 30
TEST_SHARE = 0.25
SHEET_ROWS, SHEET_COLUMNS = 4, 8

DESCRIPTION = f"""\
Train a ShapeCNNClassifier on small sets of images, and compare its accuracy on the held-out
{TEST_SHARE:.0%} of them to a random forest and to an SVC on HOG features. Or train a
ShapeCNNRegressor that counts. Nothing is downloaded.
"""
EXAMPLES = """\
data sets:
  digits   1797 handwritten digits, 8x8 pixels, from scikit-learn
  letters  A to J anywhere in 28x28 pixels, tested on fonts that training has not seen; drawn by
           make_letters from the fonts of matplotlib
  shapes   circles, rectangles and triangles, 24x24 pixels, drawn by make_shapes
  faces    100 faces and 100 other things, 25x25 pixels, from scikit-image; an easy task, since many
           of the other images have black bars
  counts   0 to 5 disks to count, 48x48 pixels, drawn by make_multilabel_shapes

examples:
  python -m sklearn_shapecnn
      learn the digits, then the letters
  python -m sklearn_shapecnn --data letters --output pictures
      learn the letters and write pictures/letters.png
  python -m sklearn_shapecnn --data shapes --n-samples 10000 --random-state 1
      learn from more shapes, drawn differently
"""
NEXT = """\
Next, try your own images, in a folder that has one subfolder for each class:

    from sklearn_shapecnn import ShapeCNNClassifier, load_image_folder
    images, y = load_image_folder("photos", image_shape=(64, 64), return_X_y=True)
    classifier = ShapeCNNClassifier().fit(images, y)

More data to learn, such as shapes: python -m sklearn_shapecnn --help
"""


def _load_shapes(args: argparse.Namespace) -> Problem:
    from sklearn_shapecnn.datasets import make_shapes

    names = ("circle", "rectangle", "triangle")
    images, target = make_shapes(
        args.n_samples or 400,
        image_shape=(24, 24),
        shapes=names,
        as_images=True,
        random_state=args.random_state,
    )
    return images, np.array(names)[target], None


def _load_letters(args: argparse.Namespace) -> Problem:
    from sklearn_shapecnn.datasets import make_letters

    letters = make_letters(args.n_samples or 1000, return_X_y=False, random_state=args.random_state)
    return letters.images, letters.target, letters.groups


def _load_digits(args: argparse.Namespace) -> Problem:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images, digits.target, None


def _load_faces(args: argparse.Namespace) -> Problem:
    from skimage.data import lfw_subset

    return lfw_subset(), np.repeat(["face", "no face"], 100), None


def _load_counts(args: argparse.Namespace) -> Problem:
    from sklearn_shapecnn.datasets import make_multilabel_shapes

    disks = make_multilabel_shapes(
        args.n_samples or 1000,
        n_shapes=(0, 5),
        shapes=["circle"],
        size=(0.12, 0.25),
        image_shape=(48, 48),
        return_X_y=False,
        random_state=args.random_state,
    )
    return disks.images, disks.n_shapes, None


LOADERS: dict[str, Callable[[argparse.Namespace], Problem]] = {
    "digits": _load_digits,
    "letters": _load_letters,
    "shapes": _load_shapes,
    "faces": _load_faces,
    "counts": _load_counts,
}
ALL = ("digits", "letters")
NOT_DRAWN = ("digits", "faces")


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_shapecnn",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--data",
        choices=[*LOADERS, "all"],
        default="all",
        help="what to learn (default: digits, then letters)",
    )
    add(
        "--n-samples",
        type=int,
        metavar="N",
        help="number of drawn images, for training and test together (default: 400 shapes, 1000 "
        "letters, 1000 images of disks)",
    )
    add(
        "--random-state",
        type=int,
        default=0,
        metavar="SEED",
        help="seed of the drawn images, the split and the training (default: %(default)s)",
    )
    add(
        "--output",
        type=Path,
        metavar="DIR",
        help="write test images with their predicted and true labels, wrong ones first, to "
        "DIR/<data>.png; makes DIR if need be; needs matplotlib",
    )
    return parser


def _check(args: argparse.Namespace) -> None:
    """Raise ValueError for what would otherwise come to light only after training."""
    if args.n_samples is not None and args.n_samples < MIN_SAMPLES:
        raise ValueError(f"--n-samples must be at least {MIN_SAMPLES}, got {args.n_samples}")
    if args.n_samples is not None and args.data in NOT_DRAWN:
        raise ValueError(
            f"--n-samples is the number of drawn images, but --data {args.data} draws none"
        )
    if not 0 <= args.random_state < 2**32:
        raise ValueError(f"--random-state must be from 0 to 2**32 - 1, got {args.random_state}")
    if not _has_matplotlib() and (args.output is not None or args.data == "letters"):
        what = "--output" if args.output is not None else "--data letters"
        raise ValueError(f"{what} needs matplotlib: pip install matplotlib")
    if args.output is None:
        return
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{args.output}: {error.strerror}"
        raise ValueError(f"--output: cannot make the directory {reason}") from None
    if not os.access(args.output, os.W_OK):
        raise ValueError(f"--output: may not write to the directory {args.output}")


def _has_matplotlib() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


def _split(X: Array, y: Array, groups: Array | None, seed: int) -> tuple[Array, Array]:
    """Rows to train on and rows to test on, which share no group."""
    from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

    if groups is None:
        splitter: Any = StratifiedShuffleSplit(1, test_size=TEST_SHARE, random_state=seed)
    else:
        splitter = GroupShuffleSplit(1, test_size=TEST_SHARE, random_state=seed)
    train, test = next(splitter.split(X, y, groups))
    return train, test


def _hog_features(X: Array) -> Array:
    """Histograms of oriented gradients, in cells of about a ninth of the image's side."""
    from skimage.feature import hog

    cell = max(2, X.shape[1] // 9)
    return np.array(
        [hog(image, pixels_per_cell=(cell, cell), cells_per_block=(2, 2)) for image in X]
    )


def _rows(X: Array) -> Array:
    return X.reshape(len(X), -1)


def _peers(seed: int) -> dict[str, tuple[Callable[[Array], Array], Any]]:
    """Classical classifiers, each with the features it works on."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC

    return {
        "HOG features + SVC": (_hog_features, SVC(C=10)),
        "random forest": (_rows, RandomForestClassifier(random_state=seed)),
    }


def _print_row(name: str, share: float, seconds: float) -> None:
    print(f"  {name:<20} {share:.3f}   fit in {seconds:4.1f} s", flush=True)


def _demonstrate(name: str, args: argparse.Namespace) -> None:
    """Train on one data set; report, and draw, how the test went."""
    from sklearn.metrics import accuracy_score

    from sklearn_shapecnn import ShapeCNNClassifier, ShapeCNNRegressor

    X, y, groups = LOADERS[name](args)
    _, height, width = X.shape
    is_counting = name == "counts"
    classes = ", ".join(map(str, np.unique(y)))
    what = "Numbers of disks" if is_counting else "Classes"
    print(f"{name}: {len(X)} images of {height}x{width} pixels. {what}: {classes}.", flush=True)

    train, test = _split(X, y, groups, args.random_state)
    make = ShapeCNNRegressor if is_counting else ShapeCNNClassifier
    model = make(random_state=args.random_state, verbose=1)
    expected = model.estimate_fit_time(X[train], y[train])
    print(f"Training on {len(train)} images takes about {math.ceil(expected)} s:", flush=True)
    start = time.perf_counter()
    model.fit(X[train], y[train])
    seconds = time.perf_counter() - start
    answers = model.predict(X[test])
    predicted = np.rint(answers).astype(int) if is_counting else answers

    share = accuracy_score(y[test], predicted)
    score = "Exact counts" if is_counting else "Accuracy"
    where = f"{len(test)} held-out images"
    if groups is not None:
        where += f" of {len(np.unique(groups[test]))} other fonts"
    print(f"{score} on {where}:")
    _print_row(type(model).__name__, share, seconds)
    for peer, (features, estimator) in _peers(args.random_state).items():
        start = time.perf_counter()
        estimator.fit(features(X[train]), y[train])
        seconds = time.perf_counter() - start
        _print_row(peer, accuracy_score(y[test], estimator.predict(features(X[test]))), seconds)
    if is_counting:
        error = np.abs(answers - y[test]).mean()
        print(f"Before rounding, the counts are off by {error:.2f} on average.")
    if args.output:
        path = args.output / f"{name}.png"
        title = f"{name}: {score.lower()} {share:.3f} on {where}"
        _draw_sheet(X[test], y[test], predicted, title, path)
        print(f"Test images, wrong ones first: {path}")
    print(flush=True)


def _draw_sheet(images: Array, true: Array, predicted: Array, title: str, path: Path) -> None:
    """Write a picture of the first images with their labels, wrong ones before right ones."""
    from matplotlib.figure import Figure

    from sklearn_shapecnn import ImagesDisplay

    order = np.argsort(predicted == true, kind="stable")[: SHEET_ROWS * SHEET_COLUMNS]
    n_rows = math.ceil(len(order) / SHEET_COLUMNS)
    figure = Figure(figsize=(1.5 * SHEET_COLUMNS, 1.85 * n_rows + 0.4), layout="constrained")
    figure.suptitle(title)
    display = ImagesDisplay(images[order], true[order], predicted[order])
    display.plot(figure.subplots(), n_columns=SHEET_COLUMNS)
    figure.savefig(path, dpi=100)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit status."""
    parser = _make_parser()
    args = parser.parse_args(argv)
    try:
        _check(args)
    except ValueError as error:
        parser.error(str(error))
    names: tuple[str, ...] = ALL if args.data == "all" else (args.data,)
    if not _has_matplotlib() and args.data == "all":
        names = ("digits", "shapes")
        print("Shapes take the place of letters, which need matplotlib: pip install matplotlib\n")
    try:
        for name in names:
            _demonstrate(name, args)
        print(NEXT, end="")
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
