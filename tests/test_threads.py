import os
import pathlib
import subprocess
import sys
import threading

import pytest
import torch
from threadpoolctl import threadpool_limits

from sklearn_shapecnn._threads import map_in_threads, one_thread, thread_pool

DIGEST = """
import hashlib, os, sys, torch
if len(sys.argv) > 1:
    torch.set_num_threads(int(sys.argv[1]))
from sklearn_shapecnn import ShapeCNNClassifier, inspection, make_shapes

digest = hashlib.sha256()
for side, batch_size in ((8, 64), (32, 64)):
    X, y = make_shapes(64, image_shape=(side, side), size=0.6, random_state=0)
    clf = ShapeCNNClassifier(batch_size=batch_size, max_iter=2, dropout=0.1, random_state=0)
    digest.update(clf.fit(X, y).predict_proba(X).tobytes() + clf.transform(X).tobytes())
    digest.update(inspection.saliency(clf, X).tobytes())
print(digest.hexdigest())
"""


def run(code, *arguments, **environment):
    unset = {"OMP_NUM_THREADS", "OMP_WAIT_POLICY"}
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.check_output(command, text=True, env=clean | environment)


@pytest.mark.slow
def test_the_same_bits_on_any_number_of_threads():
    found = {
        "nothing set": run(DIGEST),
        "environment, 1": run(DIGEST, OMP_NUM_THREADS="1"),
        "torch, 3": run(DIGEST, "3"),
    }
    assert len(set(found.values())) == 1, found


@pytest.mark.skipif(not pathlib.Path("/proc/self/task").is_dir(), reason="counts them on Linux")
def test_small_images_start_no_thread():
    printed = run("""
import os, torch
torch.set_num_threads(4)
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

X, y = make_shapes(100, image_shape=(8, 8), size=0.6, random_state=0)
torch.zeros(1).sum()
before = set(os.listdir("/proc/self/task"))
ShapeCNNClassifier(n_filters=128, max_iter=2).fit(X, y).predict(X)
print(len(set(os.listdir("/proc/self/task")) - before))
""")
    assert printed.split() == ["0"]


def threads_of(n_tasks):
    """Name and torch thread count of each thread, for tasks that must all run at once."""
    barrier = threading.Barrier(n_tasks)

    def work(_):
        barrier.wait(30)
        return threading.current_thread().name, torch.get_num_threads()

    return map_in_threads(work, range(n_tasks))


def test_one_thread_is_for_the_calling_thread_and_a_while(three_threads):
    seen = []
    with pytest.raises(KeyboardInterrupt), one_thread():
        other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        other.start()
        other.join()
        with one_thread():
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())
        raise KeyboardInterrupt
    assert [*seen, torch.get_num_threads()] == [3, 1, 1, 3]


def test_a_pool_takes_as_many_threads_as_are_allowed_and_wanted(three_threads):
    with one_thread():
        with thread_pool(8):
            assert len({name for name, n in threads_of(3) if n == 1}) == 3
        with thread_pool(2):
            assert len({name for name, n in threads_of(2) if n == 1}) == 2
    with threadpool_limits(1), one_thread(), thread_pool(8):
        assert threads_of(1) == [(threading.current_thread().name, 1)]


def test_a_pool_within_a_pool_is_the_same_one(three_threads):
    with thread_pool(2):
        outer = {name for name, _ in threads_of(2)}
        with thread_pool(2):
            assert {name for name, _ in threads_of(2)} == outer
        # Each of its threads computes by itself.
        assert map_in_threads(lambda _: map_in_threads(str, [1, 2]), [0]) == [["1", "2"]]


def test_an_error_in_a_thread_reaches_the_caller_and_ends_the_pool(three_threads):
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), thread_pool(3):
        map_in_threads(lambda divisor: 1 / divisor, [2, 1, 0, 1])
    assert threading.active_count() == before
    assert map_in_threads(abs, [-1]) == [1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
def test_a_process_forked_within_a_pool_computes_without_it():
    printed = run("""
import os, torch
torch.set_num_threads(3)
from sklearn_shapecnn._threads import map_in_threads, thread_pool
with thread_pool(3):
    assert map_in_threads(abs, range(3)) == [0, 1, 2]
    child = os.fork()
    if child == 0:
        os._exit(map_in_threads(abs, [-7])[0])
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
    assert printed.split() == ["7"]
