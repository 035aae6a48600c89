"""Time and traffic of searches on Dask and Ray, and memory of chunked arrays.

Run ``OMP_NUM_THREADS=1 python docs/benchmarks/scaling.py``. It prints tables in Markdown and needs
the extra ``[distributed]``, Zarr and Linux. ``--quick`` uses little data.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import joblib
import numpy as np
import ray
import zarr
from common import PEAK, alternate, is_quick, print_header, print_machine, print_row, ratio
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

# Runs in its own process, because the peak memory of a process never falls.
FROM_CHUNKS = """
import numpy as np
import dask.array as da
import zarr
from sklearn_shapecnn import ShapeCNNClassifier
small = dict(n_filters=4, pool_size=16, augment=None, batch_size=16, max_iter=1, random_state=0)
stored = zarr.open_array({path!r}, mode="r")
X = {form}
y = np.arange(stored.shape[0]) % 2
rng = np.random.default_rng(0)
warm = rng.integers(0, 255, (64, *stored.shape[1:]), dtype=np.uint8)
clf = ShapeCNNClassifier(**small).fit(warm, y[:64])
clf.predict(warm)
before = peak_from_now()
clf.fit(X, y)
clf.predict(X)
print(before, peak())
"""


def search(
    X: Any, y: np.ndarray, n_fits: int, parameters: dict[str, Any], **settings: Any
) -> np.ndarray:
    """Return the scores of n_fits fits, with the settings of `joblib.parallel_config`, if any."""
    classifier = ShapeCNNClassifier(**parameters, random_state=0)
    splits = ShuffleSplit(1, random_state=0)
    grid = {"alpha": np.linspace(0.01, 0.1, n_fits)}
    with joblib.parallel_config(**settings) if settings else nullcontext():
        found = GridSearchCV(classifier, grid, cv=splits, refit=False).fit(X, y)
    return found.cv_results_["mean_test_score"]


def share(X: np.ndarray) -> np.ndarray:
    """Return an array that goes to Ray's store only once, as on the page about scaling out."""

    class Shared(np.ndarray):
        def __reduce_ex__(self, protocol: Any) -> Any:
            return ray.get, (self.reference,)

    shared = X.view(Shared)
    shared.reference = ray.put(X)
    return shared


def sent_by_dask() -> int:
    """Count the bytes that this process sends to others, and return the number so far."""
    from distributed.comm.tcp import TCP

    if not hasattr(TCP, "sent"):
        TCP.sent, TCP.write_uncounted = 0, TCP.write

        async def write(self: Any, *args: Any, **kwargs: Any) -> int:
            n = await TCP.write_uncounted(self, *args, **kwargs)
            TCP.sent += n
            return n

        TCP.write = write
    return TCP.sent


def sent_by_ray() -> int:
    """Count the bytes that this process passes to Ray, and return the number so far."""
    from ray._private.serialization import SerializationContext  # there is no public way

    if not hasattr(SerializationContext, "sent"):
        SerializationContext.sent = 0
        serialize = SerializationContext.serialize

        def counting(self: Any, value: Any) -> Any:
            done = serialize(self, value)
            SerializationContext.sent += done.total_bytes
            return done

        SerializationContext.serialize = counting
    return SerializationContext.sent


@contextmanager
def clusters() -> Iterator[Client]:
    """Start two worker processes of Dask and two of Ray."""
    from ray.util.joblib import register_ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with ExitStack() as stack:
        cluster = LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        )
        client = stack.enter_context(Client(stack.enter_context(cluster)))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        stack.callback(ray.shutdown)
        register_ray()
        yield client


def time_table(quick: bool) -> None:
    """Twelve fits on two workers, compared with the same fits in sequence; three rounds."""
    n, n_times = (100, 1) if quick else (1500, 3)
    X, y = make_shapes(n, image_shape=(32, 32), random_state=0)
    fits = partial(search, X, y, 12, {"n_filters": (8, 16), "max_iter": 1 if quick else 10})
    works = {
        "one after another": partial(fits, n_jobs=1),
        "`n_jobs=2`": partial(fits, n_jobs=2),
        "Dask": partial(fits, backend="dask", scatter=[X, y]),
        "Ray": partial(fits, backend="ray", n_jobs=-1),
    }
    scores: dict[str, np.ndarray] = {}

    def keep(name: str, work: Callable[[], np.ndarray]) -> None:
        scores[name] = work()

    seconds = alternate({name: partial(keep, name, work) for name, work in works.items()}, n_times)
    serial = "one after another"
    print_header(
        "how", "seconds, minimum", "times as fast, median (minimum to maximum)", "same scores"
    )
    for name, samples in seconds.items():
        same = (scores[name] == scores[serial]).all()
        cells = ratio(samples, seconds[serial]), "yes" if same else "no"
        print_row(name, f"{min(samples):.1f}", *cells)


def bytes_table(client: Client, quick: bool) -> None:
    """MiB that a search sends to, from and between the workers, where `X` has 23.4 MiB."""
    X, y = make_shapes(6000, image_shape=(32, 32), random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        stored = zarr.create_array(
            store=str(Path(folder, "X.zarr")), shape=X.shape, chunks=(500, 1024), dtype=X.dtype
        )
        stored[:] = X
        lazy = da.from_zarr(stored)

        def dask_sent() -> int:
            return sent_by_dask() + sum(client.run(sent_by_dask).values())

        parameters = {"n_filters": 4, "max_iter": 1, "batch_size": 512}

        def moved(sent: Callable[[], int], images: Any, n: int, **settings: Any) -> str:
            before = sent()
            search(images, y, n, parameters, **settings)
            return f"{(sent() - before) / 2**20:.1f}"

        on_dask = partial(moved, dask_sent, backend="dask")
        on_ray = partial(moved, sent_by_ray, backend="ray", n_jobs=-1)
        rows: dict[str, Callable[[int], str]] = {
            "Dask": partial(on_dask, X),
            "Dask, `scatter=[X, y]`": partial(on_dask, X, scatter=[X, y]),
            "Dask, `X` a Dask array on disk": partial(on_dask, lazy),
            "Ray": partial(on_ray, X),
            "Ray, `X` a `Shared`": partial(on_ray, share(X)),
            "Ray, `X` a Dask array on disk": partial(on_ray, lazy),
        }
        counts = (1, 2) if quick else (1, 12)
        print_header("how", *(f"{n} fit{'s' * (n > 1)}" for n in counts))
        for name, work in rows.items():
            print_row(name, *map(work, counts))
        print()
        print_header("two searches in one `with` block", "the first", "the second")
        for name, settings in {"Dask": {}, "Dask, `scatter=[X, y]`": {"scatter": [X, y]}}.items():
            before = dask_sent()
            with joblib.parallel_config(backend="dask", **settings):
                search(X, y, 2, parameters)
                between = dask_sent()
                search(X, y, 2, parameters)
            cells = between - before, dask_sent() - between
            print_row(name, *(f"{n / 2**20:.1f}" for n in cells))


def memory_table(quick: bool) -> None:
    """Peak resident memory, in MiB, of one epoch of `fit` and of `predict`, after a small fit."""
    n, side = (500, 256) if quick else (16_384, 256)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "X.zarr"))
        stored = zarr.create_array(
            store=path, shape=(n, side, side), chunks=(100, side, side), dtype=np.uint8
        )
        for start in range(0, n, 100):  # mostly zeros, but all images differ
            part = np.zeros((min(100, n - start), side * side), dtype=np.uint8)
            part[:, :4] = np.arange(start, start + len(part), dtype="<u4").view("u1").reshape(-1, 4)
            stored[start : start + len(part)] = part.reshape(-1, side, side)
        print_header("`X`", "its size", "before", "peak", "increase")
        forms = {"Zarr array": "stored", "Dask array": "da.from_zarr(stored)"}
        for name, form in forms.items():
            code = PEAK + FROM_CHUNKS.format(path=path, form=form)
            told = subprocess.check_output([sys.executable, "-c", code], text=True)
            before, peak = map(float, told.split())
            size = n * side**2 / 2**20
            print_row(name, f"{size:.0f}", f"{before:.0f}", f"{peak:.0f}", f"{peak - before:.0f}")


def main() -> None:
    """Measure and print."""
    quick = is_quick(__doc__)
    print_machine()
    print(f"Dask {dask.__version__}, Ray {ray.__version__}, Zarr {zarr.__version__}.")
    print(f"\n{memory_table.__doc__}\n")
    memory_table(quick)
    with clusters() as client:
        print(f"\n{time_table.__doc__}\n")
        time_table(quick)
        print(f"\n{bytes_table.__doc__}\n")
        bytes_table(client, quick)


if __name__ == "__main__":
    main()
