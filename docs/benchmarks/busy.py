"""Time fits and predictions while other programs compete for the cores; for `speed.py --busy`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from common import print_header, print_row, ratio
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

COMPETITOR = "import numpy as np; a = np.ones((400, 400))\nwhile True: a @ a"
Seconds = dict[str, list[tuple[float, float]]]  # wall and CPU, by the name of the task


@contextmanager
def competitors(n: int) -> Iterator[None]:
    """Run programs that multiply matrices on one thread each, until the block ends."""
    env = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started = [subprocess.Popen([sys.executable, "-c", COMPETITOR], env=env) for _ in range(n)]
    time.sleep(2 if n else 0)  # until they have imported NumPy
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def in_turn(works: dict[str, Callable[[], object]], n_times: int) -> Seconds:
    """Return the wall-clock and CPU seconds of each task, alternating between them n times."""
    seconds: Seconds = {name: [] for name in works}
    for _ in range(n_times):
        for name, work in works.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return seconds


def over(ours: list[tuple[float, float]], theirs: list[tuple[float, float]], which: int) -> str:
    """Format our time over theirs: the median of the pairs, the smallest and the largest."""
    return ratio([each[which] for each in theirs], [each[which] for each in ours])


def on_threads(n: int, work: Callable[[], object]) -> Callable[[], object]:
    """Allow a task n threads."""

    def limited() -> object:
        with threadpool_limits(n):
            return work()

    return limited


on_one_thread = partial(on_threads, 1)


@contextmanager
def cores(n: int) -> Iterator[None]:
    """Keep this thread, and the threads and processes that it starts, to the first n cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:n])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def torch_loop(network: torch.nn.Module, X: np.ndarray, y: np.ndarray, n_epochs: int) -> None:
    """Run a plain PyTorch training loop, on torch's own threads."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    images = torch.from_numpy(X).reshape(len(X), 1, *X.shape[1:])
    targets = torch.from_numpy(y)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(y)).split(64):
            loss = torch.nn.functional.cross_entropy(network(images[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def calls(predict: Callable, images: np.ndarray, n: int) -> None:
    """Predict the same images n times."""
    for _ in range(n):
        predict(images)


def tasks(quick: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray, ShapeCNNClassifier]]:
    """Yield the name, the images and labels, and a fitted classifier of both tasks."""
    digits = load_digits()
    X, y = make_shapes(128 if quick else 640, random_state=0)
    for name, images, labels, n_epochs in (
        ("digits", digits.images.astype(np.float32), digits.target, 1 if quick else 4),
        ("640 of 72 x 72", X.reshape(-1, 72, 72), y, 1),
    ):
        clf = ShapeCNNClassifier(max_iter=n_epochs, batch_size=64, random_state=0)
        yield name, images, labels, clf.fit(images[:100], labels[:100])


def busy_table(n_times: int, quick: bool) -> None:
    """The cost of competing programs, with the default number of threads and with one."""
    print_header(
        *("work", "competitors", "seconds", "wall: default over one thread", "CPU"),
        "wall: torch's threads over one",
    )
    for n_competitors in (0, 1) if quick else (0, 1, 2):
        with competitors(n_competitors):
            for name, X, y, clf in tasks(quick):
                network = clf.net_.module_.train()
                loop = partial(torch_loop, network, X, y, clf.max_iter)
                fit = partial(clf.fit, X, y)
                seconds = in_turn(
                    {
                        "ours": fit,
                        "one": on_one_thread(fit),
                        "torch": loop,
                        "torch on one": on_one_thread(loop),
                    },
                    n_times,
                )
                _print(f"fit, {name}", n_competitors, seconds)
                n_calls = 20 if quick else 2000  # fewer take so little time that chance decides
                predict = partial(calls, clf.predict, X[:1], n_calls)
                image = torch.from_numpy(X[:1, None])
                forward = partial(calls, network.eval(), image, n_calls // 5)
                seconds = in_turn(
                    {
                        "ours": predict,
                        "one": on_one_thread(predict),
                        "torch": torch.inference_mode()(forward),
                        "torch on one": on_one_thread(torch.inference_mode()(forward)),
                    },
                    n_times,
                )
                _print(f"predict, {name}, one a call", n_competitors, seconds)


def _print(name: str, n_competitors: int, seconds: Seconds) -> None:
    ours, one = seconds["ours"], seconds["one"]
    median = statistics.median(wall for wall, _ in ours)
    print_row(
        *(name, n_competitors, f"{median:.2f}", over(ours, one, 0), over(ours, one, 1)),
        over(seconds["torch"], seconds["torch on one"], 0),
    )


def allowed_table(n_times: int, quick: bool) -> None:
    """The wall-clock time with several numbers of threads allowed, relative to one.

    "Default over best": with the default number of threads, relative to the best of these numbers.
    """
    numbers = (1, 2, 4, 8)
    print_header("work", "cores", "competitors", *map(str, numbers), "default over best")
    for n_cores, n_competitors in ((2, 0),) if quick else ((2, 0), (2, 1), (2, 2), (1, 0)):
        with cores(n_cores), competitors(n_competitors):
            for name, X, y, clf in tasks(quick):
                for work, function in (
                    ("fit", partial(clf.fit, X, y)),
                    ("predict", partial(calls, clf.predict, X, 1 if quick else 4)),
                ):
                    works = {str(n): on_threads(n, function) for n in numbers}
                    seconds = in_turn({"default": function, **works}, n_times)
                    best = min(works, key=lambda n: statistics.median(s for s, _ in seconds[n]))
                    cells = [over(seconds[n], seconds["1"], 0) for n in works if n != "1"]
                    last = over(seconds["default"], seconds[best], 0)
                    print_row(f"{work}, {name}", n_cores, n_competitors, "1", *cells, last)


def demo_table(n_times: int, quick: bool) -> None:
    """The README's first command, in wall-clock seconds: median (minimum to maximum)."""
    command = [sys.executable, "-m", "sklearn_shapecnn"]
    command += ["--data", "shapes", "--n-samples", "60"] if quick else []
    print_header("competitors", "seconds")
    for n_competitors in (0, 1, 2):
        with competitors(n_competitors):
            run = partial(subprocess.run, command, check=True, capture_output=True)
            seconds = [wall for wall, _ in in_turn({"demo": run}, n_times)["demo"]]
        median = statistics.median(seconds)
        print_row(n_competitors, f"{median:.1f} ({min(seconds):.1f} to {max(seconds):.1f})")


def threads_table(n_times: int, quick: bool) -> None:
    """The throughput of eight threads that predict with one classifier, relative to one thread.

    The same ratio for matrix products is for comparison.
    """
    n_calls = 20 if quick else 400
    matrix = np.ones((250, 250))
    print_header("work", "eight threads over one", "the same number of matrix products")
    for side, n in ((8, 1), (8, 256), (72, 1), (72, 32)):
        X, y = make_shapes(256, image_shape=(side, side), size=0.6, random_state=0)
        clf = ShapeCNNClassifier(max_iter=2, random_state=0).fit(X[:60], y[:60])
        cells = []
        for work in (partial(clf.predict, X[:n]), partial(np.matmul, matrix, matrix)):

            def in_threads(n_threads: int, work: Callable[[], object] = work) -> None:
                with ThreadPoolExecutor(n_threads) as pool:
                    list(pool.map(lambda _: [work() for _ in range(n_calls // 8)], range(8)))

            with threadpool_limits(1):  # each product uses one thread
                seconds = in_turn(
                    {"one": partial(in_threads, 1), "eight": partial(in_threads, 8)}, n_times
                )
            cells.append(over(seconds["one"], seconds["eight"], 0))
        print_row(f"predict, {side} x {side}, {n} a call", *cells)
