"""Several labels per image, and regression: accuracy and seconds, compared with the peers.

Run ``python docs/benchmarks/several_and_numbers.py``. It prints tables in Markdown. ``--only``
selects tables, ``--seeds`` sets the number of seeds. ``--quick`` uses few images, few peers and one
seed, to check that the script works.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from common import hog_features, mean_and_error, print_header, print_machine, print_row
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC, SVR

from sklearn_shapecnn import (
    ShapeCNNClassifier,
    ShapeCNNRegressor,
    make_multilabel_shapes,
    make_shapes,
)

TEN = ("circle", "ellipse", "ring", "triangle", "square")
TEN += ("rectangle", "pentagon", "hexagon", "star", "cross")
N_TEST = 1000

CLASSIFIERS: dict[str, Callable] = {
    "ShapeCNNClassifier": lambda seed, **parameters: ShapeCNNClassifier(
        random_state=seed, **parameters
    ),
    "MLPClassifier": lambda seed: MLPClassifier(random_state=seed),
    "RandomForestClassifier": lambda seed: RandomForestClassifier(random_state=seed),
    "HOG + one-vs-rest SVC": lambda seed: make_pipeline(
        FunctionTransformer(hog_features), OneVsRestClassifier(SVC(C=10))
    ),
}
REGRESSORS: dict[str, Callable] = {
    "ShapeCNNRegressor": lambda seed, **parameters: ShapeCNNRegressor(
        random_state=seed, **parameters
    ),
    "MLPRegressor": lambda seed: MLPRegressor(random_state=seed),
    "RandomForestRegressor": lambda seed: RandomForestRegressor(
        max_features=0.1, random_state=seed
    ),
    "HOG + SVR": lambda seed: make_pipeline(
        FunctionTransformer(hog_features), MultiOutputRegressor(SVR(C=10))
    ),
}


def several(n: int, seed: int, shapes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return images of 48 x 48 pixels with 0 to 3 shapes, and the kinds in each."""
    parameters = {} if len(shapes) == 3 else {"shapes": shapes}
    return make_multilabel_shapes(n, image_shape=(48, 48), random_state=100 + seed, **parameters)


def centers(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return default shapes and their centers."""
    shapes = make_shapes(n, return_X_y=False, random_state=100 + seed)
    return shapes.data, shapes.centers


def diameters(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return default shapes and their diameters."""
    shapes = make_shapes(n, return_X_y=False, random_state=100 + seed)
    return shapes.data, shapes.sizes[:, None]


def angles(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rectangles, and the sine and cosine of twice their angle: half a turn is no change."""
    shapes = make_shapes(n, shapes=["rectangle"], return_X_y=False, random_state=100 + seed)
    doubled = np.deg2rad(2 * shapes.angles)
    return shapes.data, np.column_stack((np.sin(doubled), np.cos(doubled)))


def counts(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of 48 x 48 pixels with 0 to 5 disks, and the number in each."""
    disks = make_multilabel_shapes(
        n,
        n_shapes=(0, 5),
        shapes=["circle"],
        size=(0.12, 0.25),
        image_shape=(48, 48),
        return_X_y=False,
        random_state=100 + seed,
    )
    return disks.data, disks.n_shapes[:, None].astype(float)


def distance(y: np.ndarray, predicted: np.ndarray) -> float:
    """Mean distance between points."""
    return float(np.hypot(*(predicted - y).T).mean())


def difference(y: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute difference."""
    return float(np.abs(predicted.reshape(y.shape) - y).mean())


def degrees(y: np.ndarray, predicted: np.ndarray) -> float:
    """Mean difference of angles, modulo half a turn."""
    turned = np.rad2deg(np.arctan2(*predicted.T) - np.arctan2(*y.T)) / 2
    return float(np.abs((turned + 90) % 180 - 90).mean())


def exact(y: np.ndarray, predicted: np.ndarray) -> float:
    """Share of counts that are correct after rounding."""
    return float((np.round(predicted.reshape(y.shape)) == y).mean())


TASKS: dict[str, tuple[Callable, Callable, str]] = {
    "center": (centers, distance, "mean distance in pixels"),
    "diameter": (diameters, difference, "mean error in pixels"),
    "angle": (angles, degrees, "mean error in degrees"),
    "count": (counts, exact, "share of exact counts"),
}


def labels(options: argparse.Namespace) -> None:
    """Several labels per image: subset accuracy, macro F1, and CPU seconds of a fit."""
    print_header("kinds of shapes", "classifier", "subset accuracy", "macro F1", "seconds")
    n = 100 if options.quick else 3000
    for shapes in (("triangle", "circle", "rectangle"), TEN):
        for name, make in options.classifiers.items():
            results = []
            for seed in range(options.seeds):
                X, Y = several(n + N_TEST, seed, shapes)
                predicted, seconds = fit_and_predict(make(seed), X[:n], Y[:n], X[n:])
                f1 = f1_score(Y[n:], predicted, average="macro", zero_division=0)
                results.append((accuracy_score(Y[n:], predicted), f1, seconds))
            accuracies, scores, seconds = zip(*results, strict=True)
            cells = mean_and_error(accuracies), mean_and_error(scores)
            print_row(len(shapes), name, *cells, f"{np.median(seconds):.1f}")


def numbers(options: argparse.Namespace) -> None:
    """Regression: errors, and CPU seconds of a fit."""
    print_header("target", "regressor", "what", "value", "seconds")
    n = 100 if options.quick else 3000
    for task, (make_data, judge, what) in TASKS.items():
        for name, make in options.regressors.items():
            values, times = [], []
            for seed in range(options.seeds):
                X, y = make_data(n + N_TEST, seed)
                model = make(seed)
                is_single = y.shape[1] == 1 and "SVR" not in name
                target = y[:n, 0] if is_single else y[:n]
                predicted, seconds = fit_and_predict(model, X[:n], target, X[n:])
                values.append(judge(y[n:], predicted))
                times.append(seconds)
            print_row(task, name, what, mean_and_error(values), f"{np.median(times):.1f}")


def fit_and_predict(model, X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> tuple:
    """Return the predictions of a model, and the CPU seconds of its fit."""
    start = time.process_time()
    model.fit(X, y)
    seconds = time.process_time() - start
    return model.predict(X_test), seconds


TABLES = {"labels": labels, "numbers": numbers}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only check that the script works")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=3)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--no-peers", action="store_true", help="only this package")
    which.add_argument("--only-peers", action="store_true", help="all but this package")
    options = parser.parse_args()
    options.classifiers, options.regressors = dict(CLASSIFIERS), dict(REGRESSORS)
    for models in (options.classifiers, options.regressors):
        ours, *peers = models
        slow = peers[:-1] if options.quick else []
        left_out = peers if options.no_peers else [ours] if options.only_peers else slow
        for name in left_out:
            del models[name]
        if options.quick and ours in models:
            models[ours] = partial(models[ours], max_iter=2)
    if options.quick:
        options.seeds = 1
    warnings.simplefilter("ignore", ConvergenceWarning)  # of the peers' networks
    print_machine()
    for name in options.only:
        print(f"\n{TABLES[name].__doc__.splitlines()[0]}\n")
        TABLES[name](options)


if __name__ == "__main__":
    main()
