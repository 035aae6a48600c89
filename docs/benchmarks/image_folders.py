"""Accuracy on image folders: pretrained filters, random filters and the peers.

Run it with one or more folders, each with a subfolder for each class::

    python docs/benchmarks/image_folders.py cifar=CIFAR-10-images/train,CIFAR-10-images/test

The name before ``=`` stands in the table. ``TRAIN,TEST`` are two folders; with a single one, all
images that are not drawn for training are test images (at most 5,000). ``--quick`` draws its own
folder and checks that the script works.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from functools import cache, partial
from pathlib import Path

import numpy as np
from common import Split, mean_and_error, print_header, print_machine, print_row
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from transfer import OURS, PEERS, UNTOUCHED, in_two_epochs, measure

from sklearn_shapecnn import load_image_folder, make_shapes

N_TEST = 5000  # images, at most, if there is no test folder


@cache
def read(folder: str, image_shape: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Read a folder: bytes of shape (n, h, w, 3), and the names of the classes."""
    bunch = load_image_folder(folder, image_shape=image_shape, as_gray=False, dtype="uint8")
    return bunch.images, np.array(bunch.target_names)[bunch.target]


@cache
def is_gray(folder: str, image_shape: tuple[int, int] | None) -> bool:
    """Whether no image of a folder has any color."""
    images, _ = read(folder, image_shape)
    return bool((images == images[..., :1]).all())


def draw(where: str, n: int, seed: int, image_shape: tuple[int, int] | None) -> Split:
    """Draw n training images, stratified; -1 takes all of the training folder."""
    folder, _, test_folder = where.partition(",")
    X, y = read(folder, image_shape)
    if n > len(y) or (n in (-1, len(y)) and not test_folder):
        raise SystemExit(f"{folder} has {len(y)} images: not enough to draw {n} and test on others")
    split = X, y, X[:0], y[:0]
    if n not in (-1, len(y)):
        parts = train_test_split(X, y, train_size=n, stratify=y, random_state=seed)
        split = parts[0], parts[2], parts[1][:N_TEST], parts[3][:N_TEST]
    if test_folder:
        split = *split[:2], *read(test_folder, image_shape)
    if all(is_gray(each, image_shape) for each in where.split(",")):
        split = split[0][..., 0], split[1], split[2][..., 0], split[3]
    return split


def own_folder(parent: str) -> str:
    """Write a few shapes as image files, and return their folder."""
    X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    for i, (row, label) in enumerate(zip(X, y, strict=True)):
        path = Path(parent, str(label))
        path.mkdir(exist_ok=True)
        Image.fromarray((255 * row.reshape(24, 24)).astype(np.uint8)).save(path / f"{i}.png")
    return parent


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", metavar="NAME=FOLDER[,TEST_FOLDER]")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000], help="-1 is all images")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--side", type=int, help="resize all images to a square of this side")
    parser.add_argument("--no-peers", action="store_true", help="only this package")
    parser.add_argument("--quick", action="store_true", help="only check that the script works")
    options = parser.parse_args()
    models = OURS | ({} if options.no_peers else PEERS)
    models.pop(UNTOUCHED, None)  # transfer.py has it
    with tempfile.TemporaryDirectory() as temporary:
        if options.quick:
            options.folders = [f"shapes={own_folder(temporary)}"]
            options.sizes, options.draws = [30], 1
            models |= {name: partial(in_two_epochs, models[name]) for name in OURS}
        if not options.folders:
            parser.error("give at least one folder, as NAME=FOLDER")
        warnings.simplefilter("ignore", ConvergenceWarning)  # of MLPClassifier
        print_machine()
        print_header("data", "images", "classifier", "accuracy", "seconds", "calibration error")
        image_shape = (options.side, options.side) if options.side else None
        for folder in options.folders:
            name, _, where = folder.partition("=")
            for n in options.sizes:
                splits = [draw(where, n, seed, image_shape) for seed in range(options.draws)]
                for model_name, make in models.items():
                    results = [measure(make, split, seed) for seed, split in enumerate(splits)]
                    accuracy, seconds, error = zip(*results, strict=True)
                    print_row(
                        *(name, len(splits[0][1]), model_name, mean_and_error(accuracy)),
                        *(f"{np.median(seconds):.1f}", f"{np.mean(error):.4f}"),
                    )


if __name__ == "__main__":
    main()
