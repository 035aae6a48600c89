"""The value of the default search space: which parameters matter, and what a search finds.

Run ``python docs/benchmarks/search_space.py``. It prints tables in Markdown. ``--quick`` uses very
few images and one task, to check that the script works.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import skimage.data
from common import Split, is_quick, print_header, print_machine, print_row
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - imported for its effect
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

SEED = 1  # the space was chosen on other splits and shapes, those of seed 0
HARDER = {  # cut by the border, filled or outlined, with noise
    "size": (0.6, 0.9),
    "min_visible": 0.6,
    "filled": 0.5,
    "noise": 0.1,
}
FOLDS = StratifiedKFold(3, shuffle=True, random_state=SEED)
ALTERNATIVES = [
    {"augment": None},
    {"augment": "jitter"},
    {"augment": ["auto", "flips"]},
    {"augment": ["jitter", "flips"]},
    {"learning_rate_init": 0.003},
    {"learning_rate_init": 0.03},
    {"alpha": 0.1},
    {"label_smoothing": 0.1},
    {"dropout": 0.3},
    {"kernel_size": 5},
    {"n_filters": (16, 32, 64)},
    {"max_iter": 30},
]


def tasks(is_quick: bool) -> Iterator[tuple[str, Split]]:
    """Yield tasks with few training images and many test images."""
    n = 30 if is_quick else 100
    X, y = load_digits(return_X_y=True)
    yield f"{n} digits", split(X, y, n)
    if is_quick:
        return
    X, y = make_shapes(2120, image_shape=(16, 16), random_state=SEED, **HARDER)
    yield "120 hard shapes", split(X, y, 120)
    X = skimage.data.lfw_subset()
    yield "16 faces and others", split(X.reshape(len(X), -1), np.arange(200) < 100, 16)


def split(X: np.ndarray, y: np.ndarray, n: int) -> Split:
    """Split off n training images."""
    X, X_test, y, y_test = train_test_split(X, y, train_size=n, stratify=y, random_state=SEED)
    return X, y, X_test, y_test


def measure(classifier: ShapeCNNClassifier, data: Split) -> tuple[str, str]:
    """Return accuracy and log loss on the test images: mean and range of three networks."""
    X, y, X_test, y_test = data
    results = []
    for seed in range(3):
        fitted = clone(classifier).set_params(random_state=seed).fit(X, y)
        probabilities = fitted.predict_proba(X_test)
        predicted = fitted.classes_[probabilities.argmax(axis=1)]
        results.append([accuracy_score(y_test, predicted), log_loss(y_test, probabilities)])
    return tuple(
        f"{np.mean(column):.3f} ({min(column):.3f} to {max(column):.3f})"
        for column in zip(*results, strict=True)
    )


def one_at_a_time(name: str, data: Split, alternatives: list[dict]) -> None:
    """Print how each parameter alone changes the cross-validated accuracy."""
    X, y = data[:2]
    default = cross_val_score(ShapeCNNClassifier(random_state=SEED), X, y, cv=FOLDS)
    print_row(name, "the defaults", f"{default.mean():.3f}", "", "")
    for parameters in alternatives:
        classifier = ShapeCNNClassifier(random_state=SEED, **parameters)
        scores = cross_val_score(classifier, X, y, cv=FOLDS)
        change = scores - default
        told = ", ".join(f"`{key}={value!r}`" for key, value in parameters.items())
        spread = ", ".join(f"{value:+.3f}" for value in change)
        print_row(name, told, f"{scores.mean():.3f}", f"{change.mean():+.3f}", spread)


def search(name: str, data: Split, space: dict[str, list]) -> None:
    """Print the result of successive halving over the space, and that of the defaults."""
    X, y = data[:2]
    default = ShapeCNNClassifier(random_state=SEED)
    n_epochs = clone(default).fit(X, y).n_iter_
    start = time.process_time()
    found = HalvingGridSearchCV(
        default,
        space,
        resource="max_iter",
        max_resources=n_epochs,
        cv=FOLDS,
        random_state=SEED,
        refit=False,
    ).fit(X, y)
    seconds = time.process_time() - start
    best = {key: value for key, value in found.best_params_.items() if key != "max_iter"}
    told = ", ".join(f"`{key}={value!r}`" for key, value in best.items())
    print_row(name, "the defaults", *measure(default, data), "")
    print_row(name, told, *measure(clone(default).set_params(**best), data), f"{seconds:.0f}")


def main() -> None:
    """Print both tables."""
    quick = is_quick(__doc__)
    print_machine()
    data = dict(tasks(quick))
    print_header("images", "tried", "accuracy", "change", "by fold")
    for name, parts in data.items():
        one_at_a_time(name, parts, ALTERNATIVES[:1] if quick else ALTERNATIVES)
    print()
    print_header("images", "parameters", "accuracy", "log loss", "CPU seconds of the search")
    space = ShapeCNNClassifier.search_space()
    for name, parts in data.items():
        search(name, parts, {"augment": space["augment"][:2]} if quick else space)


if __name__ == "__main__":
    main()
