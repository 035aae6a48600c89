"""Time of training, prediction, drawing, grid search and import, compared with the peers.

Run ``OMP_NUM_THREADS=1 python docs/benchmarks/speed.py`` with the extra ``[bench]`` installed. It
prints tables in Markdown. Each row times two tasks, alternating between them so that both meet the
same noise, and shows the median of the ratios. ``--quick`` runs everything once on little data, to
check that the script works. ``--only`` selects rows. ``--busy`` instead measures the cost of other
programs on the same cores, which it starts itself, and compares numbers of threads. It needs Linux;
do not set OMP_NUM_THREADS for it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import cv2
import joblib
import keras
import numpy as np
import onnxruntime
import tensorflow
import torch
from busy import allowed_table, busy_table, demo_table, threads_table
from common import alternate, print_header, print_machine, print_row, ratio
from skimage.draw import random_shapes
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
from sklearn_shapecnn._network.modules import ShapeCNN

SIDES = (72, 8)
BATCH = 64


def images(side: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shapes, or digits of 8 x 8 pixels, repeated if there are too few."""
    if side > 8:
        return make_shapes(n, image_shape=(side, side), random_state=0)
    X, y = load_digits(return_X_y=True)
    X = X + np.random.default_rng(0).normal(0, 0.01, (-(-n // len(X)), 1, 1))  # all images differ
    return X.reshape(-1, 64)[:n].astype(np.float32), np.tile(y, len(X))[:n]


def repeat(n_times: int, work: Callable, *args: object) -> None:
    """Run a task several times."""
    for _ in range(n_times):
        work(*args)


def untrained(clf: ShapeCNNClassifier) -> ShapeCNN:
    """Return the network of a fitted classifier, with fresh weights."""
    return ShapeCNN(**clf.net_.get_params_for("module"))


def bare_loop(
    clf: ShapeCNNClassifier, X: np.ndarray, y: np.ndarray, n_epochs: int, side: int
) -> None:
    """Run the minimum of a fit: the same network and batches, AdamW, and nothing else."""
    network = untrained(clf).to(memory_format=torch.channels_last).train()
    pixels = torch.from_numpy(X.reshape(-1, side, side, 1))
    targets = torch.from_numpy(y)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(X)).tensor_split(round(len(X) / BATCH)):
            batch = pixels[rows].permute(0, 3, 1, 2)
            loss = torch.nn.functional.cross_entropy(network(batch), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def tutorial_loop(
    clf: ShapeCNNClassifier, X: np.ndarray, y: np.ndarray, n_epochs: int, side: int
) -> None:
    """Run the loop of PyTorch's tutorials, without augmentation or a learning rate schedule."""
    data = TensorDataset(torch.from_numpy(X).reshape(-1, 1, side, side), torch.from_numpy(y))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    loss_fn = torch.nn.CrossEntropyLoss()
    network = untrained(clf).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(n_epochs):
        for batch, targets in loader:
            loss = loss_fn(network(batch), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()


def fit_flops(clf: ShapeCNNClassifier, side: int) -> float:
    """Return the floating-point operations of a forward and backward pass of one image."""
    with FlopCounterMode(display=False) as counter:
        clf.net_.module_(torch.zeros(BATCH, 1, side, side)).sum().backward()
    return counter.get_total_flops() / BATCH


def fit_rows(n_times: int, quick: bool) -> Iterator[tuple]:
    """Training on 72 x 72, 28 x 28 and 8 x 8 pixels."""
    for side in (72, 28, 8):
        n = 640 if quick else 1920
        n_epochs = 1 if quick else {72: 1, 28: 4, 8: 10}[side]
        X, y = images(side, n)
        clf = ShapeCNNClassifier(batch_size=BATCH, max_iter=n_epochs, random_state=0)
        plain = ShapeCNNClassifier(**{**clf.get_params(), "augment": None})
        clf.fit(X[:200], y[:200])
        matrix = np.random.default_rng(0).random((1536, 1536), dtype=np.float32)
        works = {
            "plain": partial(plain.fit, X, y),
            "bare": partial(bare_loop, clf, X, y, n_epochs, side),
            "fit": partial(clf.fit, X, y),
            "tutorial": partial(tutorial_loop, clf, X, y, n_epochs, side),
            "matrix": partial(repeat, 5, np.matmul, matrix, matrix),
        }
        seconds = alternate(works, n_times)
        size = f"{side} x {side}"
        yield (
            f"`fit` with `augment=None`, {size}: bare loop with AdamW",
            ratio(seconds["plain"], seconds["bare"]),
            {72: "1/0.79", 28: "1/1.10", 8: "1/1.15"}[side],
        )
        yield f"`fit`, {size}: tutorial loop", ratio(seconds["fit"], seconds["tutorial"]), ""
        # Both in seconds per operation, so that the ratio is the share of the peak rate.
        flops = n * n_epochs * fit_flops(clf, side)
        rates = [s / (5 * 2 * 1536**3) for s in seconds["matrix"]]
        yield (
            f"`fit`, {size}: arithmetic over the rate of matrix products",
            ratio([s / flops for s in seconds["fit"]], rates),
            "0.5",
        )


def article_network() -> keras.Model:
    """Build a network of two convolutions with 5 x 5 filters and pooling, and two dense layers."""
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((72, 72, 1)),
            *(layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D()),
            *(layers.Conv2D(32, 5, activation="relu"), layers.MaxPooling2D()),
            *(layers.Flatten(), layers.Dense(512, "relu"), layers.Dense(128, "relu")),
            layers.Dense(3, "softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def article_rows(n_times: int, quick: bool) -> Iterator[tuple]:
    """The time to 99.5% on 3,000 shapes, compared with 10 epochs of the article's Keras network.

    Five of its epochs are timed, alternating with whole fits of ours; ten take ten times as long.
    """
    n = 300 if quick else 3000
    X, y = make_shapes(2 * n, random_state=0)
    frames = X.reshape(-1, 72, 72, 1)
    keras.utils.set_random_seed(0)
    network = article_network()
    network.fit(frames[:32], y[:32], batch_size=32, verbose=0)  # builds its graph
    clf = ShapeCNNClassifier(random_state=0)
    seconds: dict[str, list[float]] = {"ours": [], "keras": []}
    for _ in range(1 if quick else 5):
        start = time.perf_counter()
        clf.fit(X[:n], y[:n])
        seconds["ours"].append(time.perf_counter() - start)
        start = time.perf_counter()
        network.fit(frames[:n], y[:n], batch_size=32, verbose=0)
        seconds["keras"].append(10 * (time.perf_counter() - start))
    theirs = network.evaluate(frames[n:], y[n:], verbose=0)[1]
    yield (
        f"`fit` to {clf.score(X[n:], y[n:]):.4f} in {statistics.median(seconds['ours']):.1f} s: "
        f"Keras, 10 epochs ({theirs:.4f} after 5) in {statistics.median(seconds['keras']):.0f} s",
        ratio(seconds["ours"], seconds["keras"]),
        "60",
    )


def predict_rows(n_times: int, quick: bool) -> Iterator[tuple]:
    """Prediction, compared with ONNX Runtime with the same weights on as many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    for side in SIDES:
        X, y = images(side, 1024)
        clf = ShapeCNNClassifier(max_iter=1, random_state=0).fit(X[:200], y[:200])
        frames = X.reshape(-1, 1, side, side)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "network.onnx")
            torch.onnx.export(
                clf.net_.module_,
                (torch.zeros(2, 1, side, side),),
                path,
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("n")},),
                external_data=False,
                verbose=False,
            )
            session = onnxruntime.InferenceSession(path, options)
        name = session.get_inputs()[0].name
        for n in (1, 256, 1024):
            n_calls = 1024 // n if not quick else 1
            works = {
                "ours": partial(repeat, n_calls, clf.predict, X[:n]),
                "theirs": partial(repeat, n_calls, session.run, None, {name: frames[:n]}),
            }
            seconds = alternate(works, n_times)
            each = {key: 1e6 * statistics.median(s) / n_calls for key, s in seconds.items()}
            yield (
                f"`predict`, {side} x {side}, {n} a call ({each['ours']:.0f} µs): "
                f"ONNX Runtime ({each['theirs']:.0f} µs)",
                ratio(seconds["ours"], seconds["theirs"]),
                ("1/2" if side == 72 else "1/3") if n == 1 else "1/1.1",
            )


def opencv_shapes(n: int) -> np.ndarray:
    """Draw filled triangles, circles and rectangles with OpenCV, with smooth edges."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(3, size=n)
    radii = rng.uniform(9, 21, n)
    centers = rng.uniform(radii, 72 - radii, (2, n)).T
    turns = rng.uniform(0, 2 * np.pi, n)
    aspects = rng.uniform(0.5, 1, n)
    intensities = rng.integers(0, 256, (n, 2)).tolist()
    canvas = np.empty((n, 72, 72), np.uint8)
    for i, (kind, radius, center, turn, aspect) in enumerate(
        zip(kinds, radii, centers, turns, aspects, strict=True)
    ):
        background, foreground = intensities[i]
        canvas[i] = background
        if kind == 0:
            angles = turn + 2 * np.pi / 48 * np.arange(48)
        elif kind == 1:
            angles = turn + 2 * np.pi / 3 * np.arange(3)
        else:
            half = np.arctan(aspect)
            angles = turn + np.array([half, np.pi - half, np.pi + half, -half])
        points = center + radius * np.column_stack((np.cos(angles), np.sin(angles)))
        corners = (points * 16).astype(np.int32)
        cv2.fillPoly(canvas[i], [corners], foreground, cv2.LINE_AA, 4)
    return canvas.reshape(n, -1) / np.float32(255)


def skimage_shapes(n: int) -> None:
    """Draw one shape per image with scikit-image, without smooth edges."""
    for i in range(n):
        random_shapes((72, 72), 1, min_size=18, max_size=42, channel_axis=None, rng=i)


def noise_alone(n: int) -> np.ndarray:
    """Return normal noise in an array with the size and dtype of the images."""
    return 0.1 * np.random.default_rng(0).standard_normal((n, 72 * 72), dtype=np.float32)


def drawing_rows(n_times: int, quick: bool) -> Iterator[tuple]:
    """Drawing shapes."""
    n = 100 if quick else 3000
    works = {
        "plain": lambda: make_shapes(n, random_state=0),
        "skimage": lambda: skimage_shapes(n),
        "opencv": lambda: opencv_shapes(n),
        "noisy": lambda: make_shapes(n, noise=0.1, random_state=0),
        "noise": lambda: noise_alone(n),
    }
    seconds = alternate(works, n_times)
    plain = seconds["plain"]
    yield "`make_shapes`: `skimage.draw.random_shapes`", ratio(plain, seconds["skimage"]), "15"
    yield "`make_shapes`: OpenCV's `fillPoly`", ratio(plain, seconds["opencv"]), "0.8"
    yield (
        "`make_shapes(noise=0.1)`: the noise alone",
        ratio(seconds["noisy"], seconds["noise"]),
        "0.8",
    )


def search_rows(n_times: int, quick: bool) -> Iterator[tuple]:
    """A grid search over kernel sizes in two processes, and two bare processes for comparison.

    Two processes that share a machine may not be twice as fast as one, whatever they do. The second
    row shows the speed of two processes that only multiply matrices.
    """
    X, y = make_shapes(200 if quick else 600, image_shape=(32, 32), random_state=0)
    grid = {"kernel_size": [3, 5]}
    base = ShapeCNNClassifier(max_iter=1 if quick else 20, random_state=0)

    def search(n_jobs: int) -> Callable[[], object]:
        return lambda: GridSearchCV(base, grid, cv=2, n_jobs=n_jobs, refit=False).fit(X, y)

    def products(n_processes: int) -> Callable[[], object]:
        code = "import numpy as np; a = np.ones((1500, 1500)); [a @ a for _ in range({})]"
        n = 4 if quick else 60
        commands = [[sys.executable, "-c", code.format(n // n_processes)]] * n_processes

        def work() -> None:
            env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            for process in [subprocess.Popen(command, env=env) for command in commands]:
                if process.wait():
                    raise RuntimeError(f"{process.args} failed")

        return work

    works = {"two": search(2), "one": search(1), "two bare": products(2), "one bare": products(1)}
    seconds = alternate(works, n_times)
    yield "`GridSearchCV(n_jobs=2)`: `n_jobs=1`", ratio(seconds["two"], seconds["one"]), "1.8"
    yield (
        "two processes that multiply matrices: one that does both",
        ratio(seconds["two bare"], seconds["one bare"]),
        "",
    )


def import_rows(n_times: int, quick: bool) -> Iterator[tuple]:
    """The startup of a program."""

    def run(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    seconds = alternate(
        {
            "ours": run("import sklearn_shapecnn; sklearn_shapecnn.make_shapes"),
            "sklearn": run("import sklearn.utils"),
        },
        n_times if quick else 4 * n_times,
    )
    yield "import and `make_shapes`: `import sklearn.utils`", ratio(*seconds.values()), "1/1.15"


def load_rows(n_times: int, quick: bool) -> Iterator[tuple]:
    """The cold start of a program that loads a model and predicts for ten images."""
    X, y = make_shapes(60, image_shape=(16, 16), random_state=0)
    code = "import joblib, numpy; joblib.load({!r}).predict(numpy.load({!r}))"
    with tempfile.TemporaryDirectory() as folder:
        images = f"{folder}/X.npy"
        np.save(images, X[:10])
        programs = {"torch": "import torch", "both": "import torch, sklearn.base"}
        for model in (ShapeCNNClassifier(max_iter=8), MLPClassifier()):
            name = type(model).__name__
            joblib.dump(model.fit(X, y), f"{folder}/{name}")
            programs[name] = code.format(f"{folder}/{name}", images)
        works = {
            name: partial(subprocess.run, [sys.executable, "-c", program], check=True)
            for name, program in programs.items()
        }
        seconds = alternate(works, n_times if quick else 4 * n_times)
    for name, words, least in (
        ("MLPClassifier", "the same with `MLPClassifier`", ""),
        ("torch", "`import torch` alone", ""),
        ("both", "`import torch, sklearn.base`", ""),
    ):
        took = [statistics.median(seconds[key]) for key in ("ShapeCNNClassifier", name)]
        yield (
            f"import, load and `predict` ({took[0]:.2f} s): {words} ({took[1]:.2f} s)",
            ratio(seconds["ShapeCNNClassifier"], seconds[name]),
            least,
        )


ROWS = {
    "import": import_rows,
    "load": load_rows,
    "drawing": drawing_rows,
    "predict": predict_rows,
    "fit": fit_rows,
    "search": search_rows,
    "article": article_rows,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only check that the script works")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--times", type=int, default=5, help="how often each task is run")
    parser.add_argument("--busy", action="store_true", help="with competing programs")
    options = parser.parse_args()
    quick = options.quick
    n_times = 1 if quick else options.times
    if options.busy or quick:
        print_machine()
        for table in (busy_table, allowed_table, demo_table, threads_table):
            print(f"\n{table.__doc__.splitlines()[0]}\n")
            table(n_times, quick)
    if options.busy:
        return
    tensorflow.config.threading.set_intra_op_parallelism_threads(torch.get_num_threads())
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    cv2.setNumThreads(torch.get_num_threads())
    print_machine()
    print(
        f"Keras {keras.__version__} on TensorFlow {tensorflow.__version__}, ONNX Runtime "
        f"{onnxruntime.__version__}, OpenCV {cv2.__version__}.\n"
    )
    print_header("ours: theirs", "times as fast, median (minimum to maximum)", "target")
    for name in options.only:
        for row in ROWS[name](n_times, quick):
            print_row(*row)


if __name__ == "__main__":
    main()
