"""How often `predict` warns about another pixel scale or inverted images, rightly and wrongly.

Run ``python docs/benchmarks/scale_warnings.py`` with the extra ``[bench]`` installed. Each data set
of ``transfer.py`` is split as there. The pixel range of the training images is found as in `fit`.
Then batches of test images are checked as in `predict`: unchanged, brighter, darker, noisy, of low
contrast, and single ones, none of which should cause a warning; and on another scale or inverted,
which should. No network is trained. Prints a table in Markdown.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from common import is_quick, print_machine, print_row
from transfer import TASKS

from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.image_shape import find_image_shape
from sklearn_shapecnn._input.pixel_range import PixelRange

BATCH = 20
Change = Callable[[np.ndarray, float, float, np.random.Generator], np.ndarray]
HARMLESS: dict[str, Change] = {
    "unchanged": lambda X, low, high, rng: X,
    "single image": lambda X, low, high, rng: X[:1],
    "single dark image": lambda X, low, high, rng: low + (X[:1] - low) / 100,
    "brighter by half": lambda X, low, high, rng: X + (high - low) / 2,
    "darker by half": lambda X, low, high, rng: X - (high - low) / 2,
    "half the contrast": lambda X, low, high, rng: low + (X - low) / 2,
    "noise": lambda X, low, high, rng: X + rng.normal(0, (high - low) / 5, X.shape),
}
HARMFUL: dict[str, Change] = {
    "times 255": lambda X, low, high, rng: X * 255,
    "divided by 255": lambda X, low, high, rng: X / 255,
    "inverted": lambda X, low, high, rng: low + high - X,
}


def warns(pixel_range: PixelRange, X: np.ndarray, shape: tuple[int, int, int]) -> bool:
    """Return whether `predict` would warn."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pixel_range.warn_if_unlike(ImageSet(X, shape))
    return bool(caught)


def main() -> None:
    """Check all data sets, and print the share of batches with a warning."""
    quick = is_quick(__doc__)
    print_machine()
    print_row("data", "batches", *HARMLESS, *HARMFUL)
    print_row(*["---"] * (2 + len(HARMLESS) + len(HARMFUL)))
    for name, (make_split, sizes) in TASKS.items():
        counts: dict[str, int] = dict.fromkeys([*HARMLESS, *HARMFUL], 0)
        n_batches = 0
        n_train = sizes[0] if quick else sizes[-1]
        for seed in range(1 if quick else 3):
            split = make_split(n_train, seed)
            if split is None:
                continue
            X, _, X_test, _ = split
            shape = find_image_shape(X.shape, None)
            pixel_range = PixelRange.of(ImageSet(X, shape).fingerprints(), np.arange(len(X)))
            rng = np.random.default_rng(seed)
            X_test = X_test.astype(np.float64)
            for start in range(0, len(X_test) - BATCH + 1, BATCH):
                batch = X_test[start : start + BATCH]
                n_batches += 1
                for change, make in {**HARMLESS, **HARMFUL}.items():
                    changed = make(batch, pixel_range.low, pixel_range.high, rng)
                    counts[change] += warns(pixel_range, changed, shape)
        cells = [f"{100 * counts[c] / n_batches:.1f} %" if n_batches else "" for c in counts]
        print_row(name, n_batches, *cells)


if __name__ == "__main__":
    main()
