"""Memory of training and prediction, and how time grows with images and pixels.

Run ``OMP_NUM_THREADS=1 python docs/benchmarks/memory.py``. It prints tables in Markdown and draws
``growth.png`` next to the script. It needs Linux. ``--quick`` uses little data and draws nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import PEAK, is_quick, print_header, print_machine, print_row
from matplotlib.figure import Figure

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

# Each runs in its own process, because the peak memory of a process never falls.
FROM_FILE = """
import numpy as np
from sklearn_shapecnn import ShapeCNNClassifier
X = np.lib.format.open_memmap({path!r}, mode="r")
y = np.arange(len(X)) % 3
clf = ShapeCNNClassifier(max_iter=1, random_state=0).fit(X, y)
clf.predict(X)
print(peak())
"""
FROM_MEMORY = """
import numpy as np
from sklearn_shapecnn import ShapeCNNClassifier
rng = np.random.default_rng(0)
y = np.arange({n}) % 3
warm = rng.integers(0, 255, (96, {side} ** 2)).astype({dtype!r})
small = dict(n_filters=(8, 8), pool_size=4, batch_size=64, max_iter=1)  # to save time
clf = ShapeCNNClassifier(**small, random_state=0).fit(warm, y[:96])
clf.predict(warm)
X = np.empty(({n}, {side} ** 2), {dtype!r})
for start in range(0, {n}, 1000):
    part = X[start : start + 1000]
    part[:] = rng.integers(0, 2 if X.dtype == bool else 255, part.shape)
before = peak_from_now()
clf.fit(X, y)
clf.predict(X)
print(peak() - before)
"""


def run(code: str, n_threads: int = 1) -> float:
    """Run code in a separate process, and return the number that it prints."""
    env = os.environ | {"OMP_NUM_THREADS": str(n_threads)}
    command = [sys.executable, "-c", PEAK + code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return float(done.stdout)


def file_table(quick: bool) -> None:
    """Peak resident memory of one epoch of `fit` and of `predict` from a sparse file of uint8."""
    gigabytes = 0.1 if quick else 4
    side = 128
    print_header("file", "threads", "peak resident memory, MiB", "target")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "X.npy"))
        shape = (int(gigabytes * 1e9) // (3 * side**2), side, side, 3)
        X = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        # Sparse, but all images differ: the first bytes of each hold its number.
        X.reshape(len(X), -1)[:, :4] = np.arange(len(X), dtype="<u4").view("u1").reshape(-1, 4)
        X.flush()
        del X
        size = f"{gigabytes:g} GB, {shape[0]} images of {side} x {side} x 3"
        for n_threads in (1, 2):
            peak = run(FROM_FILE.format(path=path), n_threads)
            print_row(size, n_threads, f"{peak:.0f}", "600")


def array_table(quick: bool) -> None:
    """Memory of `fit` and `predict` in addition to X, which is in memory, after a small `fit`."""
    side = 32
    sizes = (4000,) if quick else (50_000, 100_000)
    names = [f"{n} images: {what}" for n in sizes for what in ("X, MiB", "beyond it, MiB", "share")]
    print_header("dtype", *names)
    for dtype in ("bool", "uint8", "float32", "float64"):
        cells = []
        for n in sizes:
            extra = run(FROM_MEMORY.format(n=n, side=side, dtype=dtype))
            size = n * side**2 * np.dtype(dtype).itemsize / 2**20
            cells += [f"{size:.0f}", f"{extra:.0f}", f"{extra / size:.0%}"]
        print_row(dtype, *cells)


def seconds_per_image(works: dict[int, tuple[Callable[[], object], int]], n_times: int) -> dict:
    """Return microseconds per image of each task, alternating; each comes with its image count."""
    times: dict[int, list[float]] = {key: [] for key in works}
    for _ in range(n_times):
        for key, (work, n) in works.items():
            start = time.perf_counter()
            work()
            times[key].append(1e6 * (time.perf_counter() - start) / n)
    return times


def growth_table(quick: bool) -> None:
    """Time of one epoch of `fit`, and of `predict`, by the number of images and their pixels."""
    n_times = 1 if quick else 3
    counts = (500, 1000) if quick else (1000, 4000, 16_000, 64_000)
    sides = (32, 64) if quick else (32, 48, 64, 96, 128)
    X, y = make_shapes(max(counts), image_shape=(24, 24), random_state=0)
    # The same network for all, because the default depends on the size of the images.
    fixed = {"n_filters": (16, 32, 64), "kernel_size": 3, "pool_size": 2, "batch_size": 64}
    clf = ShapeCNNClassifier(**fixed, max_iter=1, random_state=0)
    clf.fit(X[:200], y[:200])

    curves = {}
    by_count = {n: (lambda n=n: clf.fit(X[:n], y[:n]), n) for n in counts}
    curves["images", "fit"] = seconds_per_image(by_count, n_times)
    by_count = {n: (lambda n=n: clf.predict(X[:n]), n) for n in counts}
    curves["images", "predict"] = seconds_per_image(by_count, n_times)
    pictures = {s: make_shapes(640, image_shape=(s, s), random_state=0) for s in sides}
    fitted = {s: ShapeCNNClassifier(**fixed, max_iter=1, random_state=0) for s in sides}
    by_side = {s: (lambda s=s: fitted[s].fit(*pictures[s]), 640) for s in sides}
    curves["pixels", "fit"] = seconds_per_image(by_side, n_times)
    by_side = {s: (lambda s=s: fitted[s].predict(pictures[s][0]), 640) for s in sides}
    curves["pixels", "predict"] = seconds_per_image(by_side, n_times)

    print_header("of", "at", "µs per image", "ns per pixel", "over the first")
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = dict(zip(("images", "pixels"), figure.subplots(1, 2), strict=True))
    for (axis, name), times in curves.items():
        medians = {}
        for key, samples in times.items():
            pixels = 24**2 if axis == "images" else key**2
            middle = statistics.median(samples)
            medians[key] = 1e3 * middle / pixels
            at = f"{key} images" if axis == "images" else f"{key} x {key} pixels"
            share = medians[key] / next(iter(medians.values()))
            print_row(f"`{name}`", at, f"{middle:.0f}", f"{medians[key]:.1f}", f"{share:.2f}")
        axes[axis].plot(list(medians), list(medians.values()), "o-", label=name)
    for axis, label in (("images", "images of 24 x 24 pixels"), ("pixels", "side, pixels")):
        axes[axis].set(xscale="log", yscale="log", xlabel=label, ylabel="nanoseconds a pixel")
        keys = counts if axis == "images" else sides
        axes[axis].set_xticks(keys, [f"{key:,}" for key in keys])
        axes[axis].minorticks_off()
        axes[axis].set_ylim(10, 3000)
        axes[axis].legend()
    if not quick:
        figure.savefig(Path(__file__).with_name("growth.png"), dpi=120)


def main() -> None:
    """Measure and print."""
    quick = is_quick(__doc__)
    print_machine()
    for table in (file_table, array_table, growth_table):
        print(f"\n{table.__doc__}\n")
        table(quick)


if __name__ == "__main__":
    main()
