"""How much the number of threads and the kind of processor change, with the same random_state.

Run ``python docs/benchmarks/reproducible.py``. It prints a table in Markdown with the differences
between the probabilities in each place and those in the first place: the largest for one and the
same network, and the largest and the mean for networks fitted in each place. ``--quick`` learns
from few images, to check that the script works. Older processors are simulated by disabling the
widest instructions of this one.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from common import HARD, is_quick, print_header, print_machine, print_row
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

HERE = "1 thread"
PLACES: dict[str, tuple[int, dict[str, str]]] = {
    HERE: (1, {}),
    "1 thread again": (1, {}),
    "2 threads": (2, {}),
    "4 threads": (4, {}),
    "1 thread, no AVX-512": (1, {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
    "1 thread, no AVX": (1, {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}),
}


def tasks(is_quick: bool) -> dict[str, list[np.ndarray]]:
    """Return training images, and as many test images, for each task."""
    n = 30 if is_quick else 600
    made = {
        "shapes": make_shapes(2 * n, image_shape=(32, 32), random_state=0),
        "hard shapes": make_shapes(2 * n, image_shape=(32, 32), random_state=0, **HARD),
        "digits": [part[: 2 * n] for part in load_digits(return_X_y=True)],
    }
    return {
        name: train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
        for name, (X, y) in made.items()
    }


def work(n_threads: int, is_quick: bool, reference: Path, result: Path) -> None:
    """Fit on each task, and predict with that network and with networks fitted elsewhere."""
    torch.set_num_threads(n_threads)
    max_iter = 2 if is_quick else "auto"
    fitted, probabilities = {}, {}
    for name, (X, X_test, y, _) in tasks(is_quick).items():
        fitted[name] = ShapeCNNClassifier(max_iter=max_iter, random_state=0).fit(X, y)
        probabilities[name] = fitted[name].predict_proba(X_test)
    elsewhere = pickle.loads(reference.read_bytes())[0] if reference.exists() else fitted
    predicted = {
        name: elsewhere[name].predict_proba(X_test)
        for name, (_, X_test, _, _) in tasks(is_quick).items()
    }
    result.write_bytes(pickle.dumps((fitted, probabilities, predicted)))


def main() -> None:
    """Print the table."""
    quick = is_quick(__doc__)
    print_machine()
    print_header(
        "images",
        "where",
        "same network",
        "fitted there",
        "on average",
        "different labels",
        "accuracy",
    )
    with tempfile.TemporaryDirectory() as folder:
        reference, result = Path(folder, "reference"), Path(folder, "result")
        found = {}
        for place, (n_threads, environment) in list(PLACES.items())[: 2 if quick else None]:
            subprocess.run(
                [sys.executable, __file__, "work", str(n_threads), str(quick), reference, result],
                check=True,
                env=os.environ | {"OMP_NUM_THREADS": str(n_threads)} | environment,
            )
            found[place] = pickle.loads(result.read_bytes())[1:]
            if place == HERE:
                result.rename(reference)
    for name, (_, _, _, y_test) in tasks(quick).items():
        here = found[HERE][0][name]
        for place, (probabilities, predicted) in found.items():
            there = probabilities[name]
            other = np.mean(here.argmax(axis=1) != there.argmax(axis=1))
            print_row(
                name,
                place,
                f"{np.abs(predicted[name] - here).max():.1e}",
                f"{np.abs(there - here).max():.1e}",
                f"{np.abs(there - here).mean():.1e}",
                f"{other:.2%}",
                f"{np.mean(there.argmax(axis=1) == y_test):.4f}",
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(int(sys.argv[2]), sys.argv[3] == "True", Path(sys.argv[4]), Path(sys.argv[5]))
    else:
        main()
