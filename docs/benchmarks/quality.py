"""Accuracy, calibration and shift consistency with default parameters, compared with the peers.

Run ``python docs/benchmarks/quality.py``. It prints tables in Markdown. ``--quick`` uses few
images, few peers and one seed, to check that the script works.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from common import (
    HARD,
    digits,
    faces,
    hog_features,
    is_quick,
    patches,
    print_header,
    print_machine,
    print_row,
    shapes,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from torch import nn

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes


class StridedCNN:
    """An ordinary CNN: three strided convolutions and a dense layer; Adam, 10 epochs."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> StridedCNN:
        """Train on rows of square images."""
        side = round(X.shape[1] ** 0.5)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            last = -(-side // 8)
            self.net = nn.Sequential(
                nn.Unflatten(1, (1, side, side)),
                *(nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU()),
                *(nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()),
                *(nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU()),
                *(nn.Flatten(), nn.Linear(64 * last * last, len(np.unique(y)))),
            )
            optimizer = torch.optim.Adam(self.net.parameters())
            for _ in range(10):
                for rows in torch.randperm(len(X)).split(32):
                    scores = self.net(torch.from_numpy(X[rows.numpy()]).float())
                    loss = nn.functional.cross_entropy(scores, torch.from_numpy(y[rows.numpy()]))
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
        return self

    @torch.no_grad()
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes."""
        return self.net(torch.from_numpy(X).float()).softmax(1).numpy()


CLASSIFIERS: dict[str, Callable] = {
    "ShapeCNNClassifier": lambda seed: ShapeCNNClassifier(random_state=seed),
    "HOG + SVC(C=10)": lambda seed: make_pipeline(FunctionTransformer(hog_features), SVC(C=10)),
    "SVC": lambda seed: SVC(),
    "MLPClassifier": lambda seed: MLPClassifier(random_state=seed),
    "RandomForestClassifier": lambda seed: RandomForestClassifier(random_state=seed),
}
# An SVC gives scores instead of probabilities, so it has no calibration to measure.
WITH_PROBABILITIES: dict[str, Callable] = {
    "ShapeCNNClassifier": CLASSIFIERS["ShapeCNNClassifier"],
    "ordinary strided CNN": StridedCNN,
    "MLPClassifier": CLASSIFIERS["MLPClassifier"],
    "RandomForestClassifier": CLASSIFIERS["RandomForestClassifier"],
}


def calibration_error(probabilities: np.ndarray, y: np.ndarray, n_bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal width, by bin size.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(y))


def shifted_pairs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shapes, and the same shapes shifted by up to 8 pixels, still fully inside."""
    canvas = make_shapes(n, image_shape=(88, 88), size=(0.205, 0.49), random_state=seed)[0]
    canvas = canvas.reshape(-1, 88, 88)
    # Without noise, the corner pixel shows the background.
    is_shape = np.abs(canvas - canvas[:, :1, :1]) > 1e-6
    rng = np.random.default_rng(seed)
    pairs = []
    for image, mask in zip(canvas, is_shape, strict=True):
        lows, highs = [], []
        for axis in (1, 0):
            inside = np.flatnonzero(mask.any(axis=axis))
            lows.append(max(0, inside[-1] - 71))
            highs.append(min(16, inside[0]))
        if any(low > high for low, high in zip(lows, highs, strict=True)):
            continue  # no window of 72 pixels holds it
        corners = [rng.integers(lows, np.add(highs, 1)) for _ in range(2)]
        corners[1] = np.clip(corners[1], corners[0] - 8, corners[0] + 8)
        pairs.append([image[r : r + 72, c : c + 72].ravel() for r, c in corners])
    return tuple(np.array(pairs).transpose(1, 0, 2))


def accuracy_table(quick: bool, seeds: range) -> None:
    """Held-out accuracy."""
    n = 150 if quick else 3000
    data = {
        "shapes": partial(shapes, n_train=n, n_test=n),
        "hard shapes": partial(shapes, n_train=n, n_test=n, **HARD),
        "digits": partial(digits, n=300 if quick else 1797),
        "faces": faces,
        "patches of photos": partial(patches, n_train=n // 3, n_test=n),
    }
    print_header("data", "classifier", "mean accuracy", "by seed", "seconds per fit")
    for data_name, splits in data.items():
        for name, make in CLASSIFIERS.items():
            scores, seconds = [], []
            for seed in seeds:
                of_seed = []
                for X_train, y_train, X_test, y_test in splits(seed):
                    start = time.perf_counter()
                    model = make(seed).fit(X_train, y_train)
                    seconds.append(time.perf_counter() - start)
                    of_seed.append(model.score(X_test, y_test))
                scores.append(np.mean(of_seed))
            each = ", ".join(f"{score:.4f}" for score in scores)
            print_row(data_name, name, f"{np.mean(scores):.4f}", each, f"{np.median(seconds):.1f}")


def few_images_table(quick: bool, seeds: range) -> None:
    """Accuracy on 3,000 default shapes with few training images."""
    sizes = (30,) if quick else (45, 60, 75, 100, 150)
    print_header("training images", "mean accuracy", "by seed", "HOG + SVC(C=10)")
    for n in sizes:
        ours, theirs = [], []
        for seed in seeds:
            ((X, y, X_test, y_test),) = shapes(seed, n, 300 if quick else 3000)
            ours.append(CLASSIFIERS["ShapeCNNClassifier"](seed).fit(X, y).score(X_test, y_test))
            theirs.append(CLASSIFIERS["HOG + SVC(C=10)"](seed).fit(X, y).score(X_test, y_test))
        each = ", ".join(f"{score:.4f}" for score in ours)
        print_row(n, f"{np.mean(ours):.4f}", each, f"{np.mean(theirs):.4f}")


def trust_table(quick: bool, seeds: range) -> None:
    """Calibration on hard shapes, and shift consistency on default shapes."""
    n = 150 if quick else 3000
    print_header("classifier", "calibration error", "by seed", "same label after a shift", "")
    for name, make in WITH_PROBABILITIES.items():
        errors, same = [], []
        for seed in seeds:
            ((X, y, X_test, y_test),) = shapes(seed, n, n, **HARD)
            errors.append(calibration_error(make(seed).fit(X, y).predict_proba(X_test), y_test))
            ((X, y, _, _),) = shapes(seed, n, 1)
            model = make(seed).fit(X, y)
            here, there = (
                model.predict_proba(images).argmax(axis=1) for images in shifted_pairs(n, seed)
            )
            same.append(np.mean(here == there))
        print_row(
            name,
            f"{np.mean(errors):.4f}",
            ", ".join(f"{error:.4f}" for error in errors),
            f"{np.mean(same):.4f}",
            ", ".join(f"{share:.4f}" for share in same),
        )


def main() -> None:
    """Measure and print."""
    quick = is_quick(__doc__)
    seeds = range(1 if quick else 3)
    if quick:
        for peer in ("MLPClassifier", "RandomForestClassifier"):
            del CLASSIFIERS[peer], WITH_PROBABILITIES[peer]
        for group in (CLASSIFIERS, WITH_PROBABILITIES):
            group["ShapeCNNClassifier"] = lambda seed: ShapeCNNClassifier(
                max_iter=2, random_state=seed
            )
    # MLPClassifier needs more than its default number of epochs to converge.
    warnings.simplefilter("ignore", ConvergenceWarning)
    print_machine()
    for table in (few_images_table, trust_table, accuracy_table):
        print(f"\n{table.__doc__}\n")
        table(quick, seeds)


if __name__ == "__main__":
    main()
