"""Time and accuracy of one fit: on one thread, on two threads, and split over two processes.

Run ``python docs/benchmarks/accelerate_fit.py`` with the extra ``[distributed]`` installed. It
prints a table in Markdown. ``--quick`` runs a small task once, to check that the script works.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import is_quick, print_header, print_machine, print_row

SCRIPT = """
import json, os, sys, time
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

side, n, n_epochs, seed = map(int, sys.argv[1:5])
X, y = make_shapes(n, image_shape=(side, side), random_state=2 * seed)
X_test, y_test = make_shapes(2000, image_shape=(side, side), random_state=2 * seed + 1)
clf = ShapeCNNClassifier(distributed=True, batch_size=64, max_iter=1, random_state=seed)
clf.fit(X[:200], y[:200])  # do not time what happens only once per process
start = time.perf_counter()
clf.set_params(max_iter=n_epochs).fit(X, y)
seconds = time.perf_counter() - start
if os.environ.get("RANK", "0") == "0":
    with open(sys.argv[5], "w") as file:
        json.dump([seconds, clf.score(X_test, y_test)], file)
"""
WAYS = {"one process, one thread": (1, 1), "one process, two threads": (1, 2)}
WAYS["two processes, one thread each"] = (2, 1)


def fit(n_processes: int, n_threads: int, *task: int) -> tuple[float, float]:
    """Return the seconds of a fit in fresh processes, and its accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        script, result = Path(folder, "script.py"), Path(folder, "result.json")
        script.write_text(SCRIPT)
        command = [sys.executable]
        if n_processes > 1:
            command += ["-m", "torch.distributed.run", f"--nproc-per-node={n_processes}"]
            command += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
        subprocess.run(
            [*command, script, *map(str, task), result],
            env={**os.environ, "OMP_NUM_THREADS": str(n_threads)},
            check=True,
        )
        return tuple(json.loads(result.read_text()))


def main() -> None:
    """Print the table."""
    quick = is_quick(__doc__)
    print_machine()
    print_header("images", "how", "seconds, median (minimum to maximum)", "accuracy by seed")
    for side, n, n_epochs in [(24, 200, 1)] if quick else [(24, 1000, 8), (72, 640, 8)]:
        seeds = range(1 if quick else 3)
        results = {way: [] for way in WAYS}
        for seed in seeds:  # alternate, so that all ways meet the same noise
            for way, (n_processes, n_threads) in WAYS.items():
                results[way].append(fit(n_processes, n_threads, side, n, n_epochs, seed))
        for way, runs in results.items():
            seconds, accuracies = zip(*runs, strict=True)
            print_row(
                f"{n} of {side} x {side}, {n_epochs} epochs",
                way,
                f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})",
                ", ".join(f"{accuracy:.4f}" for accuracy in accuracies),
            )


if __name__ == "__main__":
    main()
