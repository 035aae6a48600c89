"""Searches on clusters of two worker processes, and arrays that are fed block by block.

The processes of both clusters compute on one thread, and this one on as many as there are cores.
"""

import os
import signal

import joblib
import numpy as np
import pytest
import torch
from helpers import small_classifier
from sklearn.model_selection import GridSearchCV

from sklearn_shapecnn import make_shapes

pytestmark = pytest.mark.slow

RETRIES = {"max_restarts": 3, "max_task_retries": 3}


@pytest.fixture(scope="module")
def images():
    return make_shapes(90, image_shape=(32, 32), size=(0.6, 0.9), random_state=0)


@pytest.fixture(scope="module")
def dask_client():
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def ray_cluster():
    import ray
    from ray.util.joblib import register_ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        bases = joblib.pool.PicklingPool.__bases__
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        register_ray()
        yield ray
        ray.shutdown()
        joblib.pool.PicklingPool.__bases__ = bases  # which Ray's backend replaces


def grid_search(n_alphas=2, **parameters):
    grid = {"kernel_size": [3, 5], "alpha": np.linspace(0.01, 0.1, n_alphas)}
    classifier = small_classifier(batch_size=60)  # of two parts, computed on two threads or on one
    return GridSearchCV(classifier, grid, cv=3, **parameters)


@pytest.fixture(scope="module")
def serial(images):
    return grid_search().fit(*images)


def assert_same(search, serial, X):
    assert search.best_params_ == serial.best_params_
    for name, values in serial.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(search.cv_results_[name], values)
    np.testing.assert_array_equal(search.predict_proba(X), serial.predict_proba(X))


# Workers of Ray cannot import this file, but they can unpickle a function that was made in another
# one, with all its variables.


def noting(folder):
    """A scorer that records its process and number of threads as a file."""

    def score(estimator, X, y):
        (folder / f"{os.getpid()} {torch.get_num_threads()}").touch()
        return estimator.score(X, y)

    return score


def assert_spread(folder):
    notes = [path.name.split() for path in folder.iterdir()]
    assert len(notes) == 2  # processes
    assert str(os.getpid()) not in [process for process, _ in notes]
    assert {int(threads) for _, threads in notes} == {1}


def killer(folder):
    """A function that kills its process when it is first called outside of this one."""
    home = os.getpid()

    def kill():
        if os.getpid() != home and not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def killing(folder):
    """A scorer that kills its process in the same way."""
    kill = killer(folder)

    def score(estimator, X, y):
        kill()
        return estimator.score(X, y)

    return score


def shared_array(X):
    """An array that Ray holds once for all workers, as on the page about scaling out."""
    import ray

    class Shared(np.ndarray):
        def __reduce_ex__(self, protocol):
            return ray.get, (self.reference,)

    shared = X.view(Shared)
    shared.reference = ray.put(X)
    return shared


@pytest.fixture
def stored(images, tmp_path):
    """The images in a Zarr array."""
    import zarr

    X = images[0]
    array = zarr.create_array(
        store=str(tmp_path / "X.zarr"), shape=X.shape, chunks=(20, 256), dtype=X.dtype
    )
    array[:] = X
    return array


def test_a_search_on_dask_finds_what_the_serial_one_finds(dask_client, images, serial, tmp_path):
    X, y = images
    with joblib.parallel_config(backend="dask", scatter=[X, y]):
        search = grid_search(scoring=noting(tmp_path)).fit(X, y)
    assert_spread(tmp_path)
    assert_same(search, serial, X)


def test_dask_does_the_fits_of_a_killed_worker_again(dask_client, images, serial, tmp_path):
    X, y = images
    with joblib.parallel_config(backend="dask", scatter=[X, y]):
        search = grid_search(scoring=killing(tmp_path)).fit(X, y)
    assert (tmp_path / "killed").exists()
    assert_same(search, serial, X)
    dask_client.wait_for_workers(2, timeout=60)


def count_bytes():
    """Count the bytes that this process sends to others; return how many it has sent so far."""
    from distributed.comm.tcp import TCP

    if not hasattr(TCP, "sent"):
        TCP.sent, TCP.write_uncounted = 0, TCP.write

        async def write(self, *args, **kwargs):
            n = await TCP.write_uncounted(self, *args, **kwargs)
            TCP.sent += n
            return n

        TCP.write = write
    return TCP.sent


@pytest.fixture
def sent(dask_client):
    """A function that returns how many bytes client, scheduler and workers have sent so far."""
    from distributed.comm.tcp import TCP

    yield lambda: count_bytes() + sum(dask_client.run(count_bytes).values())
    TCP.write = TCP.write_uncounted
    del TCP.sent, TCP.write_uncounted


@pytest.mark.parametrize("is_scattered", [True, False])
def test_dask_moves_the_images_once_and_not_once_per_fit(dask_client, sent, is_scattered):
    X, y = np.random.default_rng(0).uniform(size=(60, 96 * 96)), np.arange(60) % 2
    classifier = small_classifier(
        n_filters=1, kernel_size=1, pool_size=16, augment=None, max_iter=1
    )

    def moved(n_candidates):
        before = sent()
        grid = {"alpha": np.linspace(0.01, 0.1, n_candidates)}
        with joblib.parallel_config(
            backend="dask", **({"scatter": [X, y]} if is_scattered else {})
        ):
            GridSearchCV(classifier, grid, cv=3, refit=False).fit(X, y)
        return sent() - before

    few, many = moved(1), moved(4)
    # The images go to the scheduler, to one worker, and from there to the other if it gets any fit.
    # On a busy machine they go once more if a fit moves to another worker.
    for n_bytes in (few, many):  # for three fits and for twelve
        assert X.nbytes < n_bytes < 6 * X.nbytes


def test_a_search_on_ray_finds_what_the_serial_one_finds(ray_cluster, images, serial, tmp_path):
    X, y = images
    with joblib.parallel_config(backend="ray", n_jobs=-1):
        search = grid_search(scoring=noting(tmp_path)).fit(shared_array(X), y)
    assert_spread(tmp_path)
    assert_same(search, serial, X)


def test_ray_does_the_fits_of_a_killed_worker_again_if_told_so(
    ray_cluster, images, serial, stored, tmp_path
):
    import dask.array as da

    X, y = images
    with joblib.parallel_config(backend="ray", n_jobs=-1, ray_remote_args=RETRIES):
        search = grid_search(scoring=killing(tmp_path)).fit(da.from_zarr(stored), y)
    assert (tmp_path / "killed").exists()
    assert_same(search, serial, X)


def test_ray_gives_up_at_a_killed_worker_if_not_told_so(ray_cluster, tmp_path):
    with (
        joblib.parallel_config(backend="ray", n_jobs=-1),
        pytest.raises(ray_cluster.exceptions.ActorDiedError),
    ):
        joblib.Parallel()(joblib.delayed(killer(tmp_path))() for _ in range(4))


@pytest.mark.parametrize("settings", [{"backend": "dask"}, {"n_jobs": 1}])
def test_a_search_reads_a_dask_array_from_the_disk(dask_client, images, serial, stored, settings):
    import dask.array as da

    X, y = images
    with joblib.parallel_config(**settings):
        search = grid_search().fit(da.from_zarr(stored), y)
    assert_same(search, serial, X)


def test_all_methods_take_chunked_arrays(images, stored):
    import dask.array as da

    X, y = images
    expected = small_classifier().fit(X, y)
    for lazy, labels in ((da.from_zarr(stored), da.from_array(y, chunks=20)), (stored, y)):
        classifier = small_classifier()
        classifier.fit(lazy, labels)
        for name in ("predict", "predict_proba", "decision_function", "transform"):
            theirs = getattr(classifier, name)(lazy)
            np.testing.assert_array_equal(theirs, getattr(expected, name)(X))
        assert classifier.score(lazy, labels) == expected.score(X, y)


def test_pieces_for_partial_fit_may_be_chunked(images, stored):
    import dask.array as da

    X, y = images
    lazy = da.from_zarr(stored)
    by_pixels, by_chunks = (small_classifier() for _ in range(2))
    for rows in (slice(0, 50), slice(50, 90)):
        by_pixels.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        by_chunks.partial_fit(lazy[rows], y[rows], classes=[0, 1, 2])
    np.testing.assert_array_equal(by_chunks.predict_proba(lazy), by_pixels.predict_proba(X))
