"""Many calls in one process leave nothing behind, and threads can share a classifier.

``docs/benchmarks/soak.py`` does the same a hundred times longer.
"""

import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import small_classifier

from sklearn_shapecnn._training.net import ShapeNet

pytestmark = pytest.mark.slow

ENOUGH = 120  # seconds; threads that take longer count as deadlocked

needs_proc = pytest.mark.skipif(
    not os.path.exists("/proc/self/task"), reason="asks Linux's /proc what the process holds"
)


def is_more(after, before):
    """Whether there is something new; what earlier tests left running may end meanwhile."""
    return any(new - old for new, old in zip(after, before, strict=True))


def held():
    """Resident memory in MiB, and the threads, open files and child processes there are."""
    gc.collect()
    tasks = list(Path("/proc/self/task").iterdir())
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    # The folder that listdir had opened is closed again.
    files = {os.path.realpath(link) for link in links if os.path.lexists(link)}
    children = {pid for task in tasks for pid in (task / "children").read_text().split()}
    return memory / 2**20, ({task.name for task in tasks}, files, children)


@pytest.fixture
def on_disk(few, tmp_path):
    X, _ = few
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


SETTINGS = [
    {},
    {"early_stopping": True, "validation_fraction": 0.2},
    {"normalization": "layer", "dropout": 0.2, "hidden_layer_sizes": (4,)},
    {"pooling": "sum", "normalization": None, "augment": ["jitter", "flips"]},
]


def count_nets():
    """How many nets are in memory; they are too small to show in the memory used."""
    gc.collect()
    return sum(type(thing) is ShapeNet for thing in gc.get_objects())


@needs_proc
def test_fits_leave_nothing_behind(few, on_disk):
    X, y = few

    def fit(i):
        clf = small_classifier(**SETTINGS[i % len(SETTINGS)]).fit(on_disk if i % 2 else X, y)
        clf.partial_fit(X[:4], y[:4]) if not clf.early_stopping else clf.predict(X)

    for i in range(8):
        fit(i)
    memory, rest = held()
    n_nets = count_nets()
    for i in range(40):
        fit(i)
    memory_after, rest_after = held()
    assert count_nets() == n_nets
    assert not is_more(rest_after, rest)
    assert memory_after - memory < 20


@needs_proc
def test_predicts_leave_nothing_behind(few):
    X, y = few
    clf = small_classifier().fit(X, y)
    expected = [clf.predict_proba(image[np.newaxis])[0] for image in X]
    memory, rest = held()
    for i in range(3000):
        np.testing.assert_array_equal(clf.predict_proba(X[i % 40][np.newaxis])[0], expected[i % 40])
    memory_after, rest_after = held()
    assert not is_more(rest_after, rest)
    assert memory_after - memory < 5


def test_a_fitted_classifier_is_let_go_of(few):
    clf = small_classifier().fit(*few)
    net, weight = weakref.ref(clf.net_), weakref.ref(next(clf.net_.module_.parameters()))
    clf.fit(*few)
    gc.collect()
    assert net() is None
    assert weight() is None


def test_images_are_let_go_of(few):
    # NumPy's arrays take no weak references, but those of a subclass do.
    class Pixels(np.ndarray):
        pass

    X, y = few
    pixels = X.copy().view(Pixels)
    gone = weakref.ref(pixels)
    clf = small_classifier(early_stopping=True, validation_fraction=0.2).fit(pixels, y)
    clf.predict(pixels)
    del pixels
    gc.collect()
    assert gone() is None


@needs_proc
def test_a_failed_fit_leaves_nothing_behind(few, on_disk):
    X, y = few
    bad = X.copy()
    bad[-1, -1] = np.nan

    def fail():
        with pytest.raises(ValueError, match="NaN"):
            small_classifier().fit(bad, y)
        with pytest.raises(ValueError, match="only one class"):
            small_classifier().fit(on_disk, np.zeros(40))
        with pytest.raises(ValueError, match="image_shape"):
            small_classifier(image_shape=(3, 3)).fit(on_disk, y)

    fail()
    memory, rest = held()
    n_nets = count_nets()
    for _ in range(50):
        fail()
    assert count_nets() == n_nets
    memory_after, rest_after = held()
    assert not is_more(rest_after, rest)
    assert memory_after - memory < 5


def in_eight_threads(work):
    """The results of the work in eight threads that begin at once."""
    start = threading.Barrier(8)

    def begin(i):
        start.wait(ENOUGH)
        return work(i)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(begin, range(8), timeout=ENOUGH))


def test_eight_threads_predict_with_one_classifier(few):
    X, y = few
    clf = small_classifier(dropout=0.5, max_iter=2).fit(X, y)
    sizes = (1, 2, 7, 40)
    proba, features = clf.predict_proba(X), clf.transform(X)

    def work(i):
        for j in range(60):
            n = sizes[(i + j) % 4]
            np.testing.assert_array_equal(clf.predict_proba(X[:n]), proba[:n])
            np.testing.assert_array_equal(clf.transform(X[:n]), features[:n])
        return True

    assert all(in_eight_threads(work))


@needs_proc
def test_no_thread_stays_after_threads_that_predicted(few):
    X, y = few
    clf = small_classifier().fit(X, y)
    in_eight_threads(lambda i: clf.predict(X))
    _, rest = held()
    in_eight_threads(lambda i: clf.predict(X))
    assert not is_more(held()[1], rest)


def test_threads_predict_while_another_is_fitted(few):
    X, y = few
    clf = small_classifier(max_iter=2).fit(X, y)
    alone = clf.predict_proba(X)

    def work(i):
        if i == 0:
            return small_classifier(max_iter=2).fit(X, y).predict_proba(X)
        for _ in range(20):
            np.testing.assert_array_equal(clf.predict_proba(X), alone)
        return alone

    for proba in in_eight_threads(work):
        np.testing.assert_array_equal(proba, alone)


def test_threads_that_predict_while_the_same_one_is_fitted_see_the_old_or_the_new(few):
    X, y = few
    clf = small_classifier(max_iter=2).fit(X, y)
    old = clf.predict_proba(X)
    new = small_classifier(max_iter=2, random_state=1).fit(X, y).predict_proba(X)
    clf.set_params(random_state=1)

    def work(i):
        if i == 0:
            clf.fit(X, y)
            return True
        answers = [clf.predict_proba(X) for _ in range(30)]
        return all(np.array_equal(a, old) or np.array_equal(a, new) for a in answers)

    assert all(in_eight_threads(work))
    np.testing.assert_array_equal(clf.predict_proba(X), new)
