"""How much ONNX Runtime differs from predict_proba, and how often its labels differ from predict.

Run ``OMP_NUM_THREADS=1 python docs/benchmarks/onnx_agreement.py`` with the extras ``[bench]`` and
``[onnx]`` installed. It prints tables in Markdown. ``--quick`` uses one network in two hundred, to
check that the script works.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
import skl2onnx
from common import digits, is_quick, print_header, print_machine, print_row, shapes
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from sklearn_shapecnn import ShapeCNNClassifier, to_onnx
from sklearn_shapecnn._network.modules import ACTIVATIONS

N = 100  # images that each network of the grid predicts
GRID = {
    "pooling": ("max", "avg", "sum"),
    "normalization": ("batch", "layer", None),
    "activation": tuple(ACTIVATIONS),
    "hidden_layer_sizes": ((), (7,), (9, 6)),
    "kernel_size": (3, 4, (5, 2)),
    "pool_size": (1, 2, (4, 3)),
}
IMAGE_SHAPES = ((8, 8, 1), (9, 6, 1), (1, 20, 1), (11, 7, 3), (13, 13, 2), (2, 3, 4))
N_CLASSES = (2, 3, 10)
DROPOUT = (0.0, 0.5)
SCALES = ((0, 1), (0, 255), (1e4, 1), (0, 1e4), (-3, 1e-4))  # the lowest pixel and the range


def compare(estimator: object, X: np.ndarray) -> tuple[float, int]:
    """Return the largest difference of probabilities, and the number of labels that differ."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(to_onnx(estimator).SerializeToString(), options)
    label, probabilities = session.run(None, {"X": X})
    n_other = int((label != estimator.predict(X)).sum())
    if not hasattr(estimator, "predict_proba"):
        return float("nan"), n_other
    return float(np.abs(probabilities - estimator.predict_proba(X)).max()), n_other


def networks(quick: bool) -> Iterator[tuple[ShapeCNNClassifier, np.ndarray]]:
    """Yield every network of the grid for every image shape, fitted for one epoch, and its images.

    Classes, dropout and the scale of the pixels are random for each.
    """
    rng = np.random.default_rng(0)
    combinations = list(itertools.product(IMAGE_SHAPES, *GRID.values()))
    for image_shape, *values in combinations[:: 200 if quick else 1]:
        low, span = SCALES[rng.integers(len(SCALES))]
        n_classes = rng.choice(N_CLASSES)
        X = rng.uniform(size=(N, np.prod(image_shape))) * span + low
        y = np.arange(N) % n_classes
        X += 0.3 * span * np.sin(y[:, np.newaxis] + np.arange(X.shape[1]))
        X = X.astype(np.float32)
        clf = ShapeCNNClassifier(
            image_shape=image_shape,
            n_filters=(5, 6),
            max_iter=1,
            batch_size=25,
            dropout=rng.choice(DROPOUT),
            random_state=0,
            **dict(zip(GRID, values, strict=True)),
        )
        yield clf.fit(X[: N // 2], y[: N // 2]), X


def grid_rows(quick: bool) -> Iterator[tuple]:
    """Yield a summary of the grid for each kind of pooling and normalization."""
    found: dict[tuple, list[tuple[float, int]]] = {}
    for clf, X in networks(quick):
        found.setdefault((clf.pooling, clf.normalization), []).append(compare(clf, X))
    for (pooling, normalization), results in sorted(found.items(), key=str):
        differences, others = zip(*results, strict=True)
        yield (
            f"`{pooling}`, `{normalization}`",
            len(results),
            f"{N * len(results):,}",
            f"{max(differences):.1e}",
            sum(others),
        )


def trained_rows(quick: bool) -> Iterator[tuple]:
    """Yield results of networks with automatic sizes, fully trained, and pipelines around one."""

    def row(name: str, estimator: object, X: np.ndarray) -> tuple:
        difference, n_other = compare(estimator, X)
        shown = "no probabilities" if np.isnan(difference) else f"{difference:.1e}"
        return name, f"{len(X):,}", shown, n_other

    n = 100 if quick else 1000
    max_iter = 1 if quick else "auto"
    X, y, X_test, _ = next(shapes(0, n, n))
    clf = ShapeCNNClassifier(max_iter=max_iter, random_state=0)
    yield row("shapes, 72 x 72", clf.fit(X, y), X_test)
    X, y, X_test, _ = next(digits(0))
    X_test = X_test.astype(np.float32)
    yield row("digits, 8 x 8", clf.fit(X, y), X_test)
    for steps in (
        (StandardScaler(), clf),
        (MinMaxScaler(), clf),
        (PCA(49), clf),
        (clf, SVC()),
        (clf, KNeighborsClassifier()),
    ):
        name = ", ".join("CNN" if step is clf else type(step).__name__ for step in steps)
        pipeline = make_pipeline(*steps).fit(X.astype(np.float32), y)
        yield row(f"digits, pipeline of {name}", pipeline, X_test)


def main() -> None:
    """Measure and print."""
    quick = is_quick(__doc__)
    print_machine()
    print(
        f"onnx {onnx.__version__}, skl2onnx {skl2onnx.__version__}, ONNX Runtime "
        f"{onnxruntime.__version__}.\n"
    )
    print_header(
        "`pooling`, `normalization`", "networks", "images", "difference", "different labels"
    )
    for row in grid_rows(quick):
        print_row(*row)
    print()
    print_header("trained on", "images", "difference", "different labels")
    for row in trained_rows(quick):
        print_row(*row)


if __name__ == "__main__":
    main()
