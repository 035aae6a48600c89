"""Benefit of pretrained filters: accuracy and seconds on few and many images, compared with peers.

Run ``python docs/benchmarks/transfer.py``. It prints tables in Markdown. ``--only`` selects tables,
``--tasks`` selects tasks. The fonts are those of matplotlib and of the Debian packages named in
real_images.py. ``--quick`` uses few images, few tasks and one draw, to check that the script works.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import skimage.data
from common import (
    HARD,
    Split,
    folds,
    hog_features,
    mean_and_error,
    patches,
    print_header,
    print_machine,
    print_row,
)
from quality import calibration_error
from real_images import font_files, glyphs, mnist
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

N_TEST = 2000  # images, at most
BORDER = {"min_visible": 0.25, "noise": 0.05}
EMPTY = 0.003  # share of the border-cut images that are empty

UNTOUCHED = "logistic regression on untouched filters"
OURS: dict[str, Callable] = {
    "weights='shapes'": lambda seed: ShapeCNNClassifier(random_state=seed),
    "weights=None": lambda seed: ShapeCNNClassifier(weights=None, random_state=seed),
}
PEERS: dict[str, Callable] = {
    UNTOUCHED: lambda seed: make_pipeline(
        # Almost no learning: the filters stay, and the normalization adapts to the images.
        ShapeCNNClassifier(learning_rate_init=1e-12, max_iter=8, augment=None, random_state=seed),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=1000),
    ),
    "HOG + SVC(C=10)": lambda seed: make_pipeline(FunctionTransformer(_hog), SVC(C=10)),
    "SVC": lambda seed: make_pipeline(FunctionTransformer(_rows), SVC()),
    "MLPClassifier": lambda seed: make_pipeline(
        FunctionTransformer(_rows), MLPClassifier(random_state=seed)
    ),
    "RandomForestClassifier": lambda seed: make_pipeline(
        FunctionTransformer(_rows), RandomForestClassifier(random_state=seed)
    ),
}
SLOW = {"MLPClassifier", "RandomForestClassifier"}


def _rows(X: np.ndarray) -> np.ndarray:
    """Return rows of pixels from 0 to about 1, as the peers need."""
    X = X.reshape(len(X), -1).astype(np.float32)
    return X / 255 if X.max() > 20 else X


def _hog(X: np.ndarray) -> np.ndarray:
    """Compute histograms of oriented gradients, of the mean of the colors."""
    return hog_features(_rows(X.mean(axis=3) if X.ndim == 4 else X))


def _drawn(X: np.ndarray, y: np.ndarray, n: int, seed: int) -> Split | None:
    """Draw n training images, stratified; test on the others, or some of them."""
    if n >= len(y):
        return None
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=n, stratify=y, random_state=seed
    )
    return X_train, y_train, X_test[:N_TEST], y_test[:N_TEST]


def digits(n: int, seed: int) -> Split | None:
    """scikit-learn's digits, 8 x 8 pixels."""
    return _drawn(*load_digits(return_X_y=True), n, seed)


def faces(n: int, seed: int) -> Split | None:
    """scikit-image's faces and other patches, 25 x 25 pixels."""
    X = skimage.data.lfw_subset()
    return _drawn(X.reshape(len(X), -1), np.arange(200) < 100, n, seed)


def mnist_half(n: int, seed: int) -> Split | None:
    """The half of the handwritten digits that was not used for any choice, 28 x 28 pixels."""
    X, y = mnist()
    return _drawn(X[2500:], y[2500:], n, seed)


def letters(n: int, seed: int, anywhere: bool) -> Split | None:
    """Letters, tested on fonts that are not in the training set, 28 x 28 pixels."""
    fonts = font_files()
    known, new = fonts[: len(fonts) * 3 // 5], fonts[len(fonts) * 3 // 5 :]
    n_fonts = n // 10
    if not 1 < n_fonts <= len(known):
        return None
    chosen = np.random.default_rng(seed).choice(len(known), n_fonts, replace=False)
    train = glyphs(tuple(known[i] for i in chosen), anywhere, seed)
    return *train, *glyphs(new, anywhere, 1000 + seed)


def photos(n: int, seed: int, is_color: bool) -> Split | None:
    """Patches of photos, tested on the other halves of the photos, 24 x 24 pixels."""
    return next(patches(seed, n, N_TEST, is_color)) if n <= 1000 else None


def drawn_shapes(n: int, seed: int, **parameters: object) -> Split | None:
    """Shapes of make_shapes, 72 x 72 pixels."""
    X, y = make_shapes(n + N_TEST, random_state=100 + seed, **parameters)
    return X[:n], y[:n], X[n:], y[n:]


def border_cut(n: int, seed: int) -> Split | None:
    """Shapes cut by the border, with light noise; a few images are empty."""
    X, y, X_test, y_test = drawn_shapes(n, seed, **BORDER)
    rng = np.random.default_rng(seed)
    for images in (X, X_test):
        empty = np.flatnonzero(rng.random(len(images)) < EMPTY)
        images[empty] = np.clip(rng.normal(0.15, 0.05, images[empty].shape), 0, 1)
    return X, y, X_test, y_test


def cluttered(n: int, seed: int) -> Split | None:
    """Shapes among three small stars and crosses."""
    X, y = make_shapes(n + N_TEST, random_state=100 + seed)
    for i in range(3):
        small, _ = make_shapes(
            n + N_TEST,
            shapes=("star", "cross"),
            size=(0.08, 0.15),
            background=0.0,
            random_state=1000 + 10 * seed + i,
        )
        np.maximum(X, small, out=X)
    return X[:n], y[:n], X[n:], y[n:]


TASKS: dict[str, tuple[Callable[[int, int], Split | None], Sequence[int]]] = {
    "digits": (digits, (20, 50, 100, 300, 1000, 1437)),
    "faces": (faces, (20, 50, 100, 160)),
    "MNIST": (mnist_half, (20, 50, 100, 300, 1000, 2000)),
    "letters, centered": (partial(letters, anywhere=False), (20, 50, 100, 300, 1000, 3000)),
    "letters anywhere": (partial(letters, anywhere=True), (20, 50, 100, 300, 1000, 3000)),
    "patches, gray": (partial(photos, is_color=False), (20, 50, 100, 300, 1000)),
    "patches, color": (partial(photos, is_color=True), (20, 50, 100, 300, 1000)),
    "shapes": (drawn_shapes, (20, 45, 60, 100, 300, 1000)),
    "shapes of 32 x 32": (partial(drawn_shapes, image_shape=(32, 32)), (50,)),
    "hard shapes": (partial(drawn_shapes, **HARD), (100, 300, 1000, 3000)),
    "border-cut shapes": (border_cut, (100, 300, 1000, 3000)),
    "cluttered shapes": (cluttered, (20, 50, 100, 300, 1000)),
}


def measure(make: Callable, split: Split, seed: int) -> tuple[float, float, float]:
    """Return accuracy, seconds of the fit, and calibration error (NaN without probabilities)."""
    X, y, X_test, y_test = split
    start = time.process_time()
    model = make(seed).fit(X, y)
    seconds = time.process_time() - start
    error = np.nan
    if hasattr(model, "predict_proba"):
        codes = np.searchsorted(model.classes_, y_test)
        error = calibration_error(model.predict_proba(X_test), codes)
    return model.score(X_test, y_test), seconds, error


def curves(options: argparse.Namespace) -> None:
    """Accuracy (standard error of the mean), CPU seconds of a fit, calibration error."""
    print_header("data", "images", "classifier", "accuracy", "seconds", "calibration error")
    models = PEERS if options.only_peers else OURS | ({} if options.no_peers else PEERS)
    if options.quick:
        short = {name: partial(in_two_epochs, models[name]) for name in OURS if name in models}
        models = {name: models[name] for name in models if name not in SLOW} | short
    for task in options.tasks:
        make_split, sizes = TASKS[task]
        for n in sizes[:1] if options.quick else sizes:
            if options.sizes and n not in options.sizes:
                continue
            results: dict[str, list] = {name: [] for name in models}
            for seed in range(options.draws):
                split = make_split(n, seed)
                if split is None:
                    continue
                if options.quick:
                    X, y, *test = split
                    split = (X, y, *(part[:200] for part in test))
                for name, make in models.items():
                    results[name].append(measure(make, split, seed))
            for name, values in results.items():
                if values:
                    accuracy, seconds, error = zip(*values, strict=True)
                    print_row(
                        *(task, n, name, mean_and_error(accuracy), f"{np.median(seconds):.2f}"),
                        f"{np.mean(error):.4f}",
                    )


def in_two_epochs(make: Callable, seed: int) -> ShapeCNNClassifier:
    """Make a classifier that trains for two epochs only."""
    return make(seed).set_params(max_iter=2)


def cost(options: argparse.Namespace) -> None:
    """Cross-validated accuracy and the cost of a fit, in epochs of the previous network.

    A reference epoch is one pass of a plain PyTorch loop with AdamW over the same images, with the
    previous default network, which has three stages of 32, 64 and 128 filters.
    """
    print_header("data", "classifier", "accuracy", "seconds per fit", "reference epochs")
    data = {"digits": load_digits(return_X_y=True), "MNIST": mnist()}
    models = OURS | {"weights='shapes', max_iter=15": partial(_with, max_iter=15)}
    for name, (X, y) in data.items():
        if options.quick:
            X, y, models = X[:60], y[:60], {"max_iter=2": partial(_with, max_iter=2)}
        reference = _reference_epoch(X[: len(X) * 4 // 5], y[: len(X) * 4 // 5])
        for model_name, make in models.items():
            scores, seconds = [], []
            for seed in range(options.draws):
                results = [measure(make, split, seed) for split in folds(X, y, seed)]
                scores.append(float(np.mean([accuracy for accuracy, _, _ in results])))
                seconds += [spent for _, spent, _ in results]
            print_row(
                *(name, model_name, mean_and_error(scores), f"{np.median(seconds):.2f}"),
                f"{np.median(seconds) / reference:.1f}",
            )


def _reference_epoch(X: np.ndarray, y: np.ndarray) -> float:
    """Return the CPU seconds of one pass over images, the median of five; see `cost`."""
    import torch
    from torch import nn

    side = round(X.shape[1] ** 0.5)
    pools = (1, 2, 1) if side < 16 else (2, 2, 1)
    layers: list[nn.Module] = []
    n_in = 1
    for n_out, pool in zip((32, 64, 128), pools, strict=True):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)]
        layers += [nn.MaxPool2d(pool, ceil_mode=True)] if pool > 1 else []
        layers += [nn.BatchNorm2d(n_out), nn.ReLU()]
        n_in = n_out
    layers += [nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(9 * 128, len(np.unique(y)))]
    net = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    images = torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32)).reshape(-1, 1, side, side)
    images = (images - images.mean()) / images.std()
    targets = torch.from_numpy(y)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        for rows in torch.randperm(len(y)).split(64):
            loss = nn.functional.cross_entropy(net(images[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def kernels(options: argparse.Namespace) -> None:
    """Kernel sizes after long training from random filters, and with the defaults."""
    sizes = (1, 3) if options.quick else (1, 2, 3, 5, 7)
    print_header("data", "start", *(f"kernel_size={size}" for size in sizes))
    tasks = {
        "digits": partial(digits, 30 if options.quick else 300),
        "MNIST": partial(mnist_half, 30 if options.quick else 300),
        "patches, gray": partial(photos, 30 if options.quick else 300, is_color=False),
    }
    for name, make_split in tasks.items():
        starts: dict[str, dict] = {
            "random, 100 epochs": {"weights": None, "max_iter": 2 if options.quick else 100},
            "weights='shapes'": {"max_iter": 2} if options.quick else {},
        }
        for start, parameters in starts.items():
            cells = []
            for size in sizes:
                scores = []
                for seed in range(1 if options.quick else min(3, options.draws)):
                    split = make_split(seed)
                    model = partial(_with, kernel_size=size, **parameters)
                    scores.append(measure(model, split, seed)[0])
                cells.append(mean_and_error(scores))
            print_row(name, start, *cells)


def long(options: argparse.Namespace) -> None:
    """Ten long trainings on one split, compared with the default: their best and their mean.

    Five start from random filters and five from the shipped filters.
    """
    X, y = mnist()
    data = {
        "MNIST, 4,000": (next(folds(X, y, 0)), 30),
        "border-cut shapes, 3,000": (border_cut(3000, 0), 12),
    }
    print_header("data", "default", "12 epochs", "best of ten", "their mean", "epochs of the ten")
    for name, (split, n_epochs) in data.items():
        scores = partial(_scores, split, range(5))
        if options.quick:
            X_train, y_train, *test = split
            n_epochs = 1
            scores = partial(_scores, (X_train[:60], y_train[:60], *test), range(1))
        short = [mean_and_error(scores()), mean_and_error(scores(max_iter=min(12, n_epochs)))]
        ten = scores(weights=None, max_iter=n_epochs) + scores(max_iter=n_epochs)
        print_row(name, *short, f"{max(ten):.4f}", mean_and_error(ten), n_epochs)


def _scores(split: Split, seeds: Sequence[int], **parameters: object) -> list[float]:
    """Return the accuracy with some parameters set, for each seed."""
    return [measure(partial(_with, **parameters), split, seed)[0] for seed in seeds]


def _with(seed: int, **parameters: object) -> ShapeCNNClassifier:
    """Return a classifier with some parameters set."""
    return ShapeCNNClassifier(random_state=seed, **parameters)


def search(options: argparse.Namespace) -> None:
    """A grid search over three kernel sizes and three weight decays, cv=3, n_jobs=2."""
    X, y = load_digits(return_X_y=True)
    if options.quick:
        X, y = X[:60], y[:60]
    print_header("start", "best score", "best parameters", "seconds (wall)")
    for name, make in OURS.items():
        grid = {"kernel_size": [3, 5, 7], "alpha": [0.001, 0.01, 0.1]}
        if options.quick:
            grid = {"kernel_size": [3], "max_iter": [2]}
        start = time.perf_counter()
        found = GridSearchCV(make(0), grid, cv=3, n_jobs=2, refit=False).fit(X, y)
        seconds = time.perf_counter() - start
        print_row(name, f"{found.best_score_:.4f}", found.best_params_, f"{seconds:.0f}")


TABLES = {"curves": curves, "cost": cost, "kernels": kernels, "search": search, "long": long}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only check that the script works")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--sizes", nargs="+", type=int, help="numbers of training images")
    parser.add_argument("--draws", type=int, default=5)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--no-peers", action="store_true", help="only this package")
    which.add_argument("--only-peers", action="store_true", help="all but this package")
    options = parser.parse_args()
    if options.quick:
        options.draws = 1
        options.tasks = ["digits", "letters anywhere", "patches, color", "border-cut shapes"]
    warnings.simplefilter("ignore", ConvergenceWarning)  # of MLPClassifier and LogisticRegression
    print_machine()
    for name in options.only:
        print(f"\n{TABLES[name].__doc__.splitlines()[0]}\n")
        TABLES[name](options)


if __name__ == "__main__":
    main()
