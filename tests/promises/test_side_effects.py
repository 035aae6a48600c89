"""No call changes the process around it, however it ends; threads and forks can call as well."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import sklearn
import torch
from helpers import small_classifier
from sklearn.base import clone
from skorch.callbacks import Callback

from sklearn_shapecnn import ImagesDisplay, inspection, make_shapes

HERE = Path(__file__).parent
PYTHONPATH = f"{HERE}{os.pathsep}{HERE.parent}"  # of new processes that import this file


def surroundings():
    """What a library could change without its user's knowledge."""
    return {
        "NumPy's random state": pickle.dumps(np.random.get_state()),
        "torch's random state": torch.get_rng_state().tolist(),
        "NumPy's errors": (np.geterr(), np.geterrcall(), np.get_printoptions()),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "dtype": (torch.get_default_dtype(), torch.get_float32_matmul_precision()),
        "device": torch.get_default_device(),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
        ),
        "cudnn": (
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.allow_tf32,
        ),
        "mkldnn": (torch.backends.mkldnn.enabled, torch.backends.mkldnn.deterministic),
        "gradients": (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_anomaly_enabled(),
        ),
        "warnings filters": [str(known) for known in warnings.filters],
        "warnings": warnings.showwarning,
        "rcParams": dict(matplotlib.rcParams),
        "scikit-learn": sklearn.get_config(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "signals": signal.getsignal(signal.SIGINT),
        "hooks": (sys.excepthook, threading.excepthook, sys.gettrace()),
    }


class Fault(Exception):
    pass


def raise_(error):
    raise error


class Faulty(Callback):
    def __init__(self, error):
        self.error = error

    def on_batch_end(self, net, **kwargs):
        if net.history[-1]["epoch"] == 2:
            raise_(self.error)


def stop_early(X, y, weights):
    small_classifier(early_stopping=True, dropout=0.2, n_iter_no_change=1).fit(
        X, y, sample_weight=weights
    )


def continue_and_predict(X, y, weights):
    clf = small_classifier(warm_start=True).fit(X, y).fit(X, y)
    clf.partial_fit(X, y, sample_weight=weights)
    for method in ("predict", "predict_proba", "predict_log_proba", "transform"):
        getattr(clf, method)(X)
    clf.score(X, y, weights)
    pickle.loads(pickle.dumps(clf)).predict(X[:1])


def look_inside(X, y, weights):
    clf = small_classifier().fit(X, y)
    inspection.saliency(clf, X[:2])
    ImagesDisplay.from_estimator(clf, X[:4], y[:4]).figure_.clf()


def draw(X, y, weights):
    make_shapes(5, noise=0.1, filled=0.5, image_shape=(12, 12))
    make_shapes(5, return_X_y=False, return_masks=True, min_visible=0.5, random_state=1)


def show_progress(X, y, weights):
    small_classifier(verbose=1).fit(X, y)


def diverge(X, y, weights):
    small_classifier(learning_rate_init=1e38, normalization=None).fit(X, y)


def fail_in_a_callback(X, y, weights):
    small_classifier(callbacks=[Faulty(Fault())], early_stopping=True).fit(X, y)


def fail_in_partial_fit(X, y, weights):
    small_classifier().fit(X, y).partial_fit(X, y + 1)


def press_ctrl_c(X, y, weights):
    small_classifier(callbacks=[Faulty(KeyboardInterrupt())], dropout=0.1).fit(X, y)


def predict_infinity(X, y, weights):
    small_classifier().fit(X, y).predict(np.where(X.max() == X, np.inf, X))


def predict_another_shape(X, y, weights):
    small_classifier().fit(X, y).predict_proba(X[:, :9])


def draw_nonsense(X, y, weights):
    make_shapes(5, min_contrast=1, foreground=0.5, background=0.4)


SUCCEED = [stop_early, continue_and_predict, look_inside, draw, show_progress]
FAIL = [
    diverge,
    fail_in_a_callback,
    fail_in_partial_fit,
    press_ctrl_c,
    predict_infinity,
    predict_another_shape,
    draw_nonsense,
]
ERRORS = (ValueError, Fault, KeyboardInterrupt)


@pytest.fixture
def given(few):
    """Read-only X, y and weights."""
    arrays = (few[0].copy(), few[1].copy(), np.linspace(0.5, 2, len(few[1])))
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.fixture
def unusual_settings():
    """Settings of torch and NumPy that are not the default of anything."""
    before = np.geterr()
    np.seterr(all="raise")
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = True
    torch.set_grad_enabled(False)
    with (
        matplotlib.rc_context({"image.cmap": "magma"}),
        np.printoptions(precision=2),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "nothing says this")
        yield
    torch.set_grad_enabled(True)
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(False)
    torch.set_default_dtype(torch.float32)
    np.seterr(**before)


def assert_nothing_changes(work, given, error=None):
    bytes_before = [array.tobytes() for array in given]
    before = surroundings()
    if error is None:
        work(*given)
    else:
        with pytest.raises(error):
            work(*given)
    after = surroundings()
    assert {name for name in before if before[name] != after[name]} == set()
    assert [array.tobytes() for array in given] == bytes_before


def name_of(work):
    return work.__name__


@pytest.mark.parametrize("work", SUCCEED, ids=name_of)
def test_after_success(work, given):
    assert_nothing_changes(work, given)


@pytest.mark.parametrize("work", FAIL, ids=name_of)
def test_after_an_error(work, given):
    assert_nothing_changes(work, given, ERRORS)


@pytest.mark.parametrize("work", [*SUCCEED, *FAIL], ids=name_of)
def test_unusual_settings_stay(work, given, unusual_settings):
    assert_nothing_changes(work, given, ERRORS if work in FAIL else None)


def run_fresh(code, **environment):
    """Run code in a new process, with the names of this file; return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{FRESH}{code}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": PYTHONPATH} | environment,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


FRESH = """
from test_side_effects import *
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
X, y = make_shapes(60, image_shape=(16, 16), random_state=0)
clf = small_classifier(n_filters=(16, 32), max_iter=1, dropout=0.1)
"""


@pytest.mark.slow
def test_the_first_fits_of_a_process_two_at_once():
    # Both fits trigger imports that torch delays until first use.
    out = run_fresh("""
before = surroundings()
with ThreadPoolExecutor(2) as pool:
    together = list(pool.map(lambda _: clone(clf).fit(X, y).predict_proba(X), range(2)))
after = surroundings()
print({name for name in before if before[name] != after[name]})
alone = clone(clf).fit(X, y).predict_proba(X)
print([bool((alone == found).all()) for found in together])
""")
    assert out.split("\n")[:2] == ["set()", "[True, True]"]


@pytest.mark.slow
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs a system that can fork"
)
def test_a_forked_process_can_fit_and_predict():
    # The parent has computed on two threads; the new process does not have them.
    out = run_fresh(
        """
clf.fit(X, y)
dumped = pickle.dumps(clf)
print(torch.get_num_threads(), flush=True)

def work():
    clf.predict(X)
    pickle.loads(dumped).transform(X)
    clone(clf).fit(X, y).partial_fit(X, y)
    inspection.feature_maps(clf, X)
    inspection.saliency(clf, X)
    inspection.architecture(clf)
    print(torch.get_num_threads(), flush=True)

child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join(60)
child.kill()
""",
        OMP_NUM_THREADS="2",
        OMP_WAIT_POLICY="PASSIVE",
    )
    assert out.split() == ["2", "2"]


# Several threads of one program


def test_fits_in_threads_at_once_are_those_alone(shapes):
    X, y = shapes
    classifiers = [
        small_classifier(max_iter=4, dropout=0.3, random_state=0),
        small_classifier(max_iter=4, early_stopping=True, augment="flips", random_state=1),
        small_classifier(max_iter=4, hidden_layer_sizes=8, dropout=0.1, random_state=2),
    ]
    alone = [clone(clf).fit(X, y).predict_proba(X) for clf in classifiers]
    with ThreadPoolExecutor(6) as pool:
        fits = [pool.submit(clone(clf).fit, X, y) for clf in classifiers * 4]
        for i, fit in enumerate(fits):
            np.testing.assert_array_equal(fit.result().predict_proba(X), alone[i % 3])


def test_images_drawn_in_threads_at_once_are_those_alone():
    def draw_some(seed):
        return make_shapes(20, image_shape=(24, 24), noise=0.1, random_state=seed)[0]

    alone = [draw_some(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(draw_some, range(8)), alone, strict=True):
            np.testing.assert_array_equal(one, other)


def test_eight_threads_predict_with_one_classifier(shapes):
    X, y = shapes
    clf = small_classifier(random_state=0).fit(X, y)
    clf = pickle.loads(pickle.dumps(clf))  # a copy that has not predicted so far
    parts = [slice(start, start + 1 + start % 5) for start in range(0, 240, 3)] * 3
    with ThreadPoolExecutor(8) as pool:
        probabilities = list(pool.map(lambda part: clf.predict_proba(X[part]), parts))
        features = list(pool.map(lambda part: clf.transform(X[part]), parts))
        copies = list(pool.map(lambda _: pickle.loads(pickle.dumps(clf)).predict(X[:9]), range(8)))
    for part, found, described in zip(parts, probabilities, features, strict=True):
        np.testing.assert_array_equal(found, clf.predict_proba(X[part]))
        np.testing.assert_array_equal(described, clf.transform(X[part]))
    assert (np.array(copies) == clf.predict(X[:9])).all()
