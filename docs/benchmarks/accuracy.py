"""Held-out accuracy without any parameter set, beside scikit-learn's classifiers.

Run ``python docs/benchmarks/accuracy.py``; it prints a table in Markdown. ``--quick`` uses few
images and one seed, to see that the script works.
"""

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from skimage.data import lfw_subset
from skimage.feature import hog
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes


def hog_features(X: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients, in cells of about a ninth of the image's side."""
    side = round(X.shape[1] ** 0.5)
    cell = max(2, side // 9)
    return np.array(
        [
            hog(image, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
            for image in X.reshape(-1, side, side)
        ]
    )


CLASSIFIERS: dict[str, Callable] = {
    "ShapeCNNClassifier": lambda seed: ShapeCNNClassifier(random_state=seed),
    "HOG + SVC(C=10)": lambda seed: make_pipeline(FunctionTransformer(hog_features), SVC(C=10)),
    "SVC": lambda seed: SVC(),
    "MLPClassifier": lambda seed: MLPClassifier(random_state=seed),
    "RandomForestClassifier": lambda seed: RandomForestClassifier(random_state=seed),
}


def shapes(seed: int, n: int) -> list:
    """As many training and test images of the default shapes."""
    X, y = make_shapes(2 * n, random_state=seed)
    return [(X[:n], y[:n], X[n:], y[n:])]


def folds(X: np.ndarray, y: np.ndarray, seed: int) -> list:
    """Stratified 5-fold, shuffled."""
    X = X.reshape(len(X), -1)
    splits = StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
    return [(X[train], y[train], X[test], y[test]) for train, test in splits]


def digits(seed: int, n: int) -> list:
    """scikit-learn's 8 x 8 digits."""
    X, y = load_digits(return_X_y=True)
    return folds(X[: 3 * n], y[: 3 * n], seed)


def faces(seed: int, n: int) -> list:
    """scikit-image's 25 x 25 faces and other patches."""
    return folds(lfw_subset(), np.arange(200) < 100, seed)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    n, seeds = (150, [0]) if quick else (3000, [0, 1, 2])
    # The network of MLPClassifier takes longer to converge than its default number of epochs.
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| data | classifier | accuracy, mean of the seeds | of each seed | seconds a fit |")
    print("|---|---|---|---|---|")
    for data in (shapes, digits, faces):
        for name, make in CLASSIFIERS.items():
            scores, seconds = [], []
            for seed in seeds:
                of_seed = []
                for X_train, y_train, X_test, y_test in data(seed, n):
                    start = time.perf_counter()
                    model = make(seed).fit(X_train, y_train)
                    seconds.append(time.perf_counter() - start)
                    of_seed.append(model.score(X_test, y_test))
                scores.append(np.mean(of_seed))
            each = ", ".join(f"{score:.4f}" for score in scores)
            print(
                f"| {data.__name__} | {name} | {np.mean(scores):.4f} | {each} | "
                f"{np.median(seconds):.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
