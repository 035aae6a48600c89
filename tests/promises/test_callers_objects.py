"""What the caller owns stays as it is: pixels in memory of any kind, and other arguments.

If a library tells the system to drop pages of memory that are no file's, the pixels in them become
zeros.
"""

import copy
import ctypes
import mmap
import multiprocessing
import os
import pickle
import threading
import warnings
from multiprocessing.shared_memory import SharedMemory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from helpers import small_classifier

from sklearn_shapecnn import ImageReader, ImagesDisplay, inspection, make_shapes, to_onnx

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MAP_ANONYMOUS"), reason="needs such maps")

PIXELS, LABELS = make_shapes(24, image_shape=(16, 16), random_state=0)  # six pages


def filled(buffer):
    """An array in a buffer, with the pixels written into it."""
    pixels = np.ndarray(PIXELS.shape, PIXELS.dtype, buffer=buffer)
    pixels[:] = PIXELS
    return pixels


def read_only(pixels):
    pixels.flags.writeable = False
    return pixels


def anonymous(flags, n_pages_before=0):
    return mmap.mmap(-1, PIXELS.nbytes + n_pages_before * mmap.PAGESIZE, flags=flags)


def private(n_pages_before=0):
    return anonymous(mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, n_pages_before)


def saved(folder, pixels=PIXELS):
    """The path of a file with pixels, and with nothing else."""
    path = folder / "pixels.raw"
    pixels.tofile(path)
    return path


def file_map(folder, pixels=PIXELS, **settings):
    """A map of a file with pixels."""
    with open(saved(folder, pixels), "r+b") as file:
        return mmap.mmap(file.fileno(), 0, **settings)


def memmap(folder, mode, pixels=PIXELS):
    return np.memmap(saved(folder, pixels), PIXELS.dtype, mode, shape=PIXELS.shape)


def memory_file():
    """A map of a file that is in memory alone."""
    handle = os.memfd_create("pixels")
    os.ftruncate(handle, PIXELS.nbytes)
    try:
        return mmap.mmap(handle, PIXELS.nbytes)
    finally:
        os.close(handle)


@pytest.fixture
def shared_memory():
    memory = SharedMemory(create=True, size=PIXELS.nbytes)
    yield memory
    memory.unlink()
    # It cannot be closed as long as there is an array in it.


NOTHING = np.zeros_like(PIXELS)  # what is in a file before the pixels are written to its map
BUFFERS = {
    "array": lambda folder: PIXELS.copy(),
    "Fortran order": lambda folder: np.asfortranarray(PIXELS),
    "read-only array": lambda folder: read_only(PIXELS.copy()),
    "bytes": lambda folder: np.frombuffer(PIXELS.tobytes(), "f4").reshape(PIXELS.shape),
    "bytearray": lambda folder: filled(bytearray(PIXELS.nbytes)),
    "private anonymous map": lambda folder: filled(private()),
    "shared anonymous map": lambda folder: filled(anonymous(mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)),
    "read-only view of a private map": lambda folder: read_only(filled(private())[:]),
    "part of a private map": lambda folder: filled(memoryview(private(1))[mmap.PAGESIZE :]),
    "Fortran order in a private map": lambda folder: filled(private()).T.copy("A").T,
    "every second row of a map": lambda folder: np.repeat(filled(private()), 2, axis=0)[::2],
    "memmap of a private map": lambda folder: filled(private()).view(np.memmap),
    "shared memory": lambda folder, memory: filled(memory.buf),
    "array of multiprocessing": lambda folder: filled(
        multiprocessing.RawArray(ctypes.c_byte, PIXELS.nbytes)
    ),
    "file in memory": lambda folder: filled(memory_file()),
    "map of a file": lambda folder: filled(file_map(folder, NOTHING)),
    "map of a file to read": lambda folder: np.frombuffer(
        file_map(folder, access=mmap.ACCESS_READ), "f4"
    ).reshape(PIXELS.shape),
    "map of a file, changed by itself": lambda folder: filled(
        file_map(folder, NOTHING, access=mmap.ACCESS_COPY)
    ),
    "private map of a file": lambda folder: filled(
        file_map(folder, NOTHING, flags=mmap.MAP_PRIVATE)
    ),
    "memmap r": lambda folder: memmap(folder, "r"),
    "memmap r+": lambda folder: filled(memmap(folder, "r+", NOTHING)),
    "memmap w+": lambda folder: filled(memmap(folder, "w+")),
    "memmap c": lambda folder: filled(memmap(folder, "c", NOTHING)),
    "slice of memmap r": lambda folder: memmap(folder, "r")[:],
    "reversed memmap r": lambda folder: memmap(folder, "r", PIXELS[::-1])[::-1],
    "array of memmap r": lambda folder: np.asarray(memmap(folder, "r")),
    "array of memmap c": lambda folder: np.asarray(filled(memmap(folder, "c", NOTHING)))[:],
    "masked array in a private map": lambda folder: np.ma.array(filled(private()), mask=False),
    "data frame in a private map": lambda folder: pd.DataFrame(filled(private()), copy=False),
    "tensor in a private map": lambda folder: torch.from_numpy(filled(private())),
    "tensor in shared memory": lambda folder: torch.from_numpy(PIXELS.copy()).share_memory_(),
}


@pytest.fixture
def make(request, tmp_path):
    """Make pixels in a kind of buffer."""

    def of(name):
        if name == "shared memory":
            return BUFFERS[name](tmp_path, request.getfixturevalue("shared_memory"))
        return BUFFERS[name](tmp_path)

    return of


def as_images(X):
    return (X.to_numpy() if isinstance(X, pd.DataFrame) else np.asarray(X)).reshape(-1, 16, 16)


def draw(clf, X, y):
    ImagesDisplay.from_estimator(clf, X[:4], y[:4])
    plt.close("all")


CALLS = {
    "fit": lambda clf, X, y: clf.fit(X, y),
    "partial_fit": lambda clf, X, y: clf.partial_fit(X, y),
    "predict": lambda clf, X, y: clf.predict(X),
    "predict_proba": lambda clf, X, y: clf.predict_proba(X),
    "decision_function": lambda clf, X, y: clf.decision_function(X),
    "transform": lambda clf, X, y: clf.transform(X),
    "score": lambda clf, X, y: clf.score(X, y),
    "pickle": lambda clf, X, y: pickle.loads(pickle.dumps(clf)).predict(X),
    "saliency": lambda clf, X, y: inspection.saliency(clf, X),
    "feature_maps": lambda clf, X, y: inspection.feature_maps(clf, X),
    "shift_probabilities": lambda clf, X, y: inspection.shift_probabilities(clf, X, max_shift=1),
    "ImagesDisplay": draw,
    "to_onnx": lambda clf, X, y: to_onnx(clf),
    "ImageReader": lambda clf, X, y: ImageReader((8, 8)).transform(as_images(X)),
}


def state_of(X):
    """What a call must leave as it is: the pixels, and what the array says of itself."""
    array = as_images(X)
    flags = str(X.flags) if isinstance(X, np.ndarray) else ""
    return array.tobytes(), array.shape, array.strides, flags


def faults_of_calls(X, without=()):
    """The calls after which X is not as it was before."""
    before = state_of(X)
    assert before[0] == PIXELS.tobytes()
    clf = small_classifier(n_filters=2, max_iter=1)
    faults = []
    for name, call in CALLS.items():
        if name in without:
            continue
        call(clf, X, LABELS)
        if state_of(X) != before:
            faults.append(name)
    return faults


@pytest.mark.parametrize("name", BUFFERS)
def test_no_call_changes_pixels_in_memory_of_any_kind(name, make):
    assert faults_of_calls(make(name)) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
@pytest.mark.parametrize("name", BUFFERS)
def test_nor_while_a_forked_process_holds_them_and_a_thread_reads_them(name, make):
    X = make(name)
    array = as_images(X)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Newer versions of Python warn about forking with threads; this child uses none.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)  # until the calls are over
        os._exit(array.tobytes() != PIXELS.tobytes())
    os.close(reading)
    is_over, wrong = threading.Event(), []

    def read():
        while not is_over.wait(0.001):
            if array.tobytes() != PIXELS.tobytes():
                wrong.append(name)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        faults = faults_of_calls(X, without=("ImagesDisplay", "to_onnx"))  # which take longest
    finally:
        is_over.set()
        thread.join()
        os.close(writing)
        _, status = os.waitpid(child, 0)
    assert faults == wrong == []
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_file_that_is_mapped_to_read_is_as_it_was(tmp_path):
    X = memmap(tmp_path, "r")
    faults_of_calls(X)
    assert (tmp_path / "pixels.raw").read_bytes() == PIXELS.tobytes()


def test_other_arguments_are_as_they_were(few):
    X, y = few
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    labels = pd.Series(["dark", "light"], dtype="category").take(y).reset_index(drop=True)
    weights = pd.Series(np.linspace(1, 2, 40), index=range(40, 0, -1))
    parameters = {
        "class_weight": {"dark": 1.0, "light": 2.0},
        "n_filters": [4, 8],
        "hidden_layer_sizes": np.array([4]),
        "augment": ["shift", "flips"],
        "callbacks": [],
    }
    before = copy.deepcopy((frame, labels, weights, parameters))
    clf = small_classifier(**parameters).fit(frame, labels, weights)
    clf.score(frame, labels, weights)
    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_series_equal(labels, before[1])
    pd.testing.assert_series_equal(weights, before[2])
    assert str(parameters) == str(before[3])


def test_a_tensor_keeps_its_gradients_and_its_device(few):
    X, y = few
    pixels = torch.from_numpy(X.copy()).requires_grad_()
    clf = small_classifier().fit(pixels, torch.from_numpy(y))
    inspection.saliency(clf, pixels)
    assert pixels.requires_grad
    assert pixels.grad is None
    assert pixels.is_leaf
