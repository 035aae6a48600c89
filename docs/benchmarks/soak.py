"""A long-lived process: many fits, many predicts, and threads that share a classifier.

Run ``OMP_NUM_THREADS=1 python docs/benchmarks/soak.py``. It takes minutes and prints tables in
Markdown. It fails if memory grows by 20 MiB or more after a tenth of the work, if a network, a
thread, a file or a process is left behind, or if a prediction differs from the first one.
``--quick`` does a hundredth of the work. It needs Linux, for memory and files in /proc.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import is_quick, print_header, print_machine, print_row

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
from sklearn_shapecnn._training.net import ShapeNet

MOST_GROWTH = 20.0  # MiB
N_THREADS = 8
PATIENCE = 600  # seconds after which eight threads count as deadlocked

SETTINGS: list[dict[str, Any]] = [  # every fit uses the next one
    {},
    {"early_stopping": True, "validation_fraction": 0.2},
    {"normalization": "layer", "dropout": 0.2, "hidden_layer_sizes": (16,)},
    {"pooling": "sum", "normalization": None, "class_weight": "balanced"},
    {"augment": ["jitter", "flips"], "label_smoothing": 0.1},
    {"pooling": "avg", "activation": "gelu", "batch_size": 16},
]


class State(NamedTuple):
    """The resources that a process holds."""

    memory: float  # MiB of resident memory
    nets: int
    threads: int  # of the operating system, not only of Python
    files: int  # open file descriptors
    children: int  # processes


def look() -> State:
    """Return the state of this process after garbage collection."""
    gc.collect()
    tasks = list(Path("/proc/self/task").iterdir())
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return State(
        memory=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        # Networks take a few KiB each, too little to show in the memory.
        nets=sum(type(thing) is ShapeNet for thing in gc.get_objects()),
        threads=len(tasks),
        files=len(os.listdir("/proc/self/fd")) - 1,  # except the one that lists them
        children=sum(len((task / "children").read_text().split()) for task in tasks),
    )


def soak(name: str, work: Callable[[int], object], n_times: int) -> list[str]:
    """Run a task n times, print the state after each tenth, and return what went wrong."""
    warm = None
    growth = 0.0
    for tenth in range(1, 11):
        for i in range((tenth - 1) * n_times // 10, tenth * n_times // 10):
            work(i)
        now = look()
        warm = warm or now
        growth = max(growth, now.memory - warm.memory)
        print_row(
            f"{tenth * n_times // 10:,} {name}",
            f"{now.memory:.1f}",
            f"{now.memory - warm.memory:+.1f}",
            *now[1:],
        )
    faults = [f"{name}: memory grew by {growth:.1f} MiB"] if growth >= MOST_GROWTH else []
    if now[1:] != warm[1:]:
        faults.append(f"{name}: {now[1:]} nets, threads, files and processes; before {warm[1:]}")
    return faults


def share(clf: ShapeCNNClassifier, X: np.ndarray, n_rounds: int) -> list[str]:
    """Let eight threads predict with one classifier, and compare with predictions of one thread."""
    sizes = (1, 2, 7, 32, len(X))
    alone = {n: (clf.predict_proba(X[:n]), clf.transform(X[:n])) for n in sizes}
    start = threading.Barrier(N_THREADS)

    def work(seed: int) -> int:
        order = np.random.default_rng(seed).choice(sizes, n_rounds)
        start.wait()
        return sum(
            not np.array_equal(clf.predict_proba(X[:n]), alone[n][0])
            or not np.array_equal(clf.transform(X[:n]), alone[n][1])
            for n in order
        )

    with ThreadPoolExecutor(N_THREADS) as pool:  # from now on, each thread has its own memory
        wrong = sum(pool.map(work, range(N_THREADS), timeout=PATIENCE))
    before = look()
    begun = time.perf_counter()
    with ThreadPoolExecutor(N_THREADS) as pool:
        wrong += sum(pool.map(work, range(N_THREADS, 2 * N_THREADS), timeout=PATIENCE))
    seconds = time.perf_counter() - begun
    calls = 2 * N_THREADS * n_rounds
    after = look()
    print_header("threads", "calls", "different results", "calls per second", "growth, MiB")
    growth = after.memory - before.memory
    print_row(N_THREADS, f"{calls:,}", wrong, f"{calls / seconds:.0f}", f"{growth:+.1f}")
    faults = [f"threads: {wrong} answers differ"] if wrong else []
    if growth >= MOST_GROWTH:
        faults.append(f"threads: memory grew by {growth:.1f} MiB")
    if after[1:] != before[1:]:
        faults.append(f"threads: {after[1:]} nets, threads, files, processes; before {before[1:]}")
    return faults


def main() -> None:
    """Measure and print."""
    share_of_all = 0.01 if is_quick(__doc__) else 1
    n_fits = max(10, int(300 * share_of_all))
    n_predicts, n_rounds = int(100_000 * share_of_all), int(1000 * share_of_all)
    print_machine()

    X, y = make_shapes(90, image_shape=(16, 16), random_state=0)
    names = np.array(["triangle", "circle", "rectangle"])[y]
    folder = tempfile.TemporaryDirectory()
    on_disk = np.lib.format.open_memmap(
        Path(folder.name, "X.npy"), mode="w+", dtype=X.dtype, shape=X.shape
    )
    on_disk[:] = X

    def fit(i: int) -> None:
        # A new classifier each time, alternating between an array in memory and a file.
        settings = {"n_filters": (8, 16), "max_iter": 3, **SETTINGS[i % len(SETTINGS)]}
        clf = ShapeCNNClassifier(**settings, random_state=i)
        clf.fit(on_disk if i % 2 else X, names)
        clf.predict(X)

    clf = ShapeCNNClassifier(n_filters=(8, 16), max_iter=10, random_state=0).fit(X, names)
    expected = [clf.predict_proba(image[np.newaxis])[0] for image in X]

    def predict(i: int) -> None:
        row = i % len(X)
        if not np.array_equal(clf.predict_proba(X[row : row + 1])[0], expected[row]):
            raise AssertionError(f"predict {i}: image {row} got other probabilities than before")

    faults = []
    for name, work, n_times in (("fits", fit, n_fits), ("predicts", predict, n_predicts)):
        print_header(
            "after",
            "resident, MiB",
            "growth since the start",
            "nets",
            "threads",
            "files",
            "children",
        )
        faults += soak(name, work, n_times)
        print()
    faults += share(clf, X, n_rounds)
    folder.cleanup()
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
