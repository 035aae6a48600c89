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

SHAPES = ("circle", "rectangle", "triangle")
MIN_SAMPLES = 30
TEST_SHARE = 0.25
SHEET_ROWS, SHEET_COLUMNS = 4, 8

DESCRIPTION = f"""\
Train a ShapeCNNClassifier on small sets of images and report how well it names the
{TEST_SHARE:.0%} of them that it has not seen; or a ShapeCNNRegressor that counts. Nothing is
downloaded.
"""
EXAMPLES = """\
data sets:
  shapes  circles, rectangles and triangles, drawn by make_shapes, 72x72 pixels
  digits  1797 handwritten digits, 8x8 pixels, from scikit-learn
  faces   100 faces and 100 other things, 25x25 pixels, from scikit-image
  counts  0 to 5 disks to count, drawn by make_multilabel_shapes, 48x48 pixels

examples:
  python -m sklearn_shapecnn
      learn the shapes, the digits and the faces, one after the other
  python -m sklearn_shapecnn --data digits --output pictures
      learn the digits and write pictures/digits.png
  python -m sklearn_shapecnn --data shapes --n-samples 10000 --random-state 1
      learn from more shapes, drawn differently
"""


def _load_shapes(args: argparse.Namespace) -> tuple[Array, Array]:
    from sklearn_shapecnn.datasets import make_shapes

    images, target = make_shapes(
        args.n_samples, shapes=SHAPES, as_images=True, random_state=args.random_state
    )
    return images, np.array(SHAPES)[target]


def _load_digits(args: argparse.Namespace) -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images, digits.target


def _load_faces(args: argparse.Namespace) -> tuple[Array, Array]:
    from skimage.data import lfw_subset

    return lfw_subset(), np.repeat(["face", "no face"], 100)


def _load_counts(args: argparse.Namespace) -> tuple[Array, Array]:
    from sklearn_shapecnn.datasets import make_multilabel_shapes

    disks = make_multilabel_shapes(
        args.n_samples,
        n_shapes=(0, 5),
        shapes=["circle"],
        size=(0.12, 0.25),
        image_shape=(48, 48),
        return_X_y=False,
        random_state=args.random_state,
    )
    return disks.images, disks.n_shapes


LOADERS: dict[str, Callable[[argparse.Namespace], tuple[Array, Array]]] = {
    "shapes": _load_shapes,
    "digits": _load_digits,
    "faces": _load_faces,
    "counts": _load_counts,
}
ALL = ("shapes", "digits", "faces")


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
        help="what to learn (default: all but counts)",
    )
    add(
        "--n-samples",
        type=int,
        default=4000,
        metavar="N",
        help="number of shapes, for training and test together (default: %(default)s)",
    )
    add(
        "--random-state",
        type=int,
        default=0,
        metavar="SEED",
        help="seed of the shapes, the split and the training (default: %(default)s)",
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
    if args.n_samples < MIN_SAMPLES:
        raise ValueError(f"--n-samples must be at least {MIN_SAMPLES}, got {args.n_samples}")
    if not 0 <= args.random_state < 2**32:
        raise ValueError(f"--random-state must be from 0 to 2**32 - 1, got {args.random_state}")
    if args.output is None:
        return
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError('--output needs matplotlib: pip install "sklearn-shapecnn[plot]"')
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{args.output}: {error.strerror}"
        raise ValueError(f"--output: cannot make the directory {reason}") from None
    if not os.access(args.output, os.W_OK):
        raise ValueError(f"--output: may not write to the directory {args.output}")


def _demonstrate(name: str, args: argparse.Namespace) -> None:
    """Train on one data set; report, and draw, how the test went."""
    from sklearn.metrics import accuracy_score, classification_report
    from sklearn.model_selection import train_test_split

    from sklearn_shapecnn import ShapeCNNClassifier, ShapeCNNRegressor

    X, y = LOADERS[name](args)
    _, height, width = X.shape
    is_counting = name == "counts"
    classes = ", ".join(map(str, np.unique(y)))
    what = "Numbers of disks" if is_counting else "Classes"
    print(f"{name}: {len(X)} images of {height}x{width} pixels. {what}: {classes}.", flush=True)

    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=TEST_SHARE, stratify=y, random_state=args.random_state
    )
    make = ShapeCNNRegressor if is_counting else ShapeCNNClassifier
    model = make(random_state=args.random_state, verbose=1)
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    answers = model.predict(X_test)
    predicted = np.rint(answers).astype(int) if is_counting else answers

    share = accuracy_score(y_test, predicted)
    result = f"{'exact counts' if is_counting else 'accuracy'} {share:.3f}"
    result += f" on {len(X_test)} held-out images"
    print(f"Learned from {len(X_train)} images in {seconds:.1f} seconds, ", end="")
    print(f"{model.n_iter_} epochs on {model.device_}: {result}.\n")
    if is_counting:
        error = np.abs(answers - y_test).mean()
        print(f"Before they are rounded, the counts are off by {error:.2f} on average.\n")
    else:
        print(classification_report(y_test, predicted, digits=3, zero_division=0), flush=True)
    if args.output:
        path = args.output / f"{name}.png"
        _draw_sheet(X_test, y_test, predicted, f"{name}: {result}", path)
        print(f"Test images, wrong ones first: {path}\n")


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
    names = ALL if args.data == "all" else [args.data]
    try:
        for name in names:
            _demonstrate(name, args)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
