"""X, y, sample_weight and classes of all kinds, under all switches of the libraries around.

The same pixels and labels give the same classifier to the bit, whatever holds them and whatever
else the program has switched on; what is refused is refused in the same words.
"""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from accepted_input import (
    ARGUMENTS,
    CASES,
    CLASSES,
    ROWS,
    TARGETS,
    WEIGHTS,
    Refused,
    table_of_kinds,
)
from helpers import small_classifier

from sklearn_shapecnn import ImagesDisplay, inspection

ROOT = Path(__file__).parents[2]


def given(argument, value):
    """A classifier that was given one of its arguments in another form, and that form of X."""
    arguments = {"X": ROWS, "y": TARGETS, argument: value}
    clf = small_classifier(n_filters=2, max_iter=1)
    if argument == "classes":
        return clf.partial_fit(**arguments), ROWS
    return clf.fit(**arguments), arguments["X"]


def as_arrays(argument):
    """What the classifier is compared with: the probabilities of one that got NumPy's arrays."""
    plain = {"X": ROWS, "y": TARGETS, "sample_weight": WEIGHTS, "classes": CLASSES}
    return given(argument, plain[argument])[0].predict_proba(ROWS)


@pytest.fixture(scope="module")
def expected():
    return {argument: as_arrays(argument) for argument in ARGUMENTS}


def find_fault(kind, argument, made, expected):
    """What is wrong with the outcome of a case; None if nothing is."""
    make = getattr(kind, argument)
    if isinstance(make, Refused):
        try:
            given(argument, made)
        except (ValueError, TypeError) as error:
            text = str(error)
            is_right = re.search(make.words, text, re.DOTALL) and re.search(
                rf"\b{argument}\b", text
            )
            return None if is_right else f"other words: {text}"
        return "not refused"
    try:
        clf, X = given(argument, made)
        probabilities = clf.predict_proba(X)
        score = clf.score(X, made if argument == "y" else TARGETS)
    except Exception as error:  # of whatever kind
        return f"{type(error).__name__}: {error}"
    if argument == "y":
        if clf.classes_.tolist() != kind.labels:
            return f"other classes: {clf.classes_.tolist()}"
        if score != np.mean(
            clf.classes_[probabilities.argmax(1)] == clf.classes_[targets_of(kind)]
        ):
            return "another score"
    is_comparable = argument != "y" or len(kind.labels) == 3
    if argument == "sample_weight" and "one number" in kind.name:
        expected = expected | {"sample_weight": expected["X"]}
    if is_comparable and not np.array_equal(probabilities, expected[argument]):
        return "other probabilities"
    return None


def targets_of(kind):
    """The index of each label of y."""
    if len(kind.labels) == 12:
        return np.arange(12)
    return TARGETS if len(kind.labels) == 3 else (TARGETS > 0).astype(int)


def find_faults(expected, make_before=True, around=contextlib.nullcontext):
    """What is wrong with all cases, each in a context."""
    faults = {}
    for kind, argument in CASES:
        make = getattr(kind, argument)
        make = make.make if isinstance(make, Refused) else make
        made = make() if make_before else None
        with around():
            made = made if make_before else make()
            fault = find_fault(kind, argument, made, expected)
        if fault is not None:
            faults[kind.name, argument] = fault
    return faults


@pytest.mark.parametrize(
    ("kind", "argument"), CASES, ids=[f"{argument}-{kind.name}" for kind, argument in CASES]
)
def test_each_kind_is_as_good_as_an_array_or_refused_in_words(kind, argument, expected):
    make = getattr(kind, argument)
    made = make.make() if isinstance(make, Refused) else make()
    assert find_fault(kind, argument, made, expected) is None


@contextlib.contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def default_device(device):
    before = torch.get_default_device()
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(before if before.type != "cpu" else None)


SWITCHES = {
    "assume_finite": lambda: sklearn.config_context(assume_finite=True),
    "transform_output": lambda: sklearn.config_context(transform_output="pandas"),
    "metadata routing": lambda: sklearn.config_context(enable_metadata_routing=True),
    "NumPy raises": lambda: np.errstate(all="raise"),
    "set_default_device meta": lambda: default_device("meta"),
    "set_default_device cpu": lambda: default_device("cpu"),
    "with device meta": lambda: torch.device("meta"),
    "dtype float64": lambda: default_dtype(torch.float64),
    "dtype bfloat16": lambda: default_dtype(torch.bfloat16),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
}
PANDAS_SWITCHES = {
    "strings of Python": lambda: pd.option_context("mode.string_storage", "python"),
    "strings of pyarrow": lambda: pd.option_context("mode.string_storage", "pyarrow"),
}
if pd.__version__.startswith("2"):  # later versions have nothing else
    PANDAS_SWITCHES["strings are a dtype"] = lambda: pd.option_context("future.infer_string", True)
    PANDAS_SWITCHES["copy on write"] = lambda: pd.option_context("mode.copy_on_write", True)


@pytest.mark.slow
@pytest.mark.parametrize("switch", SWITCHES)
def test_no_switch_of_other_libraries_changes_anything(switch, expected):
    assert find_faults(expected, around=SWITCHES[switch]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("switch", PANDAS_SWITCHES)
def test_no_switch_of_pandas_changes_anything(switch, expected):
    assert find_faults(expected, make_before=False, around=PANDAS_SWITCHES[switch]) == {}


@pytest.mark.slow
def test_arrays_of_any_library_under_array_api_dispatch():
    # SciPy has to know of it before it is imported.
    code = """
import sklearn
from test_accepted_input import ARGUMENTS, as_arrays, find_faults
expected = {argument: as_arrays(argument) for argument in ARGUMENTS}
print(find_faults(expected, around=lambda: sklearn.config_context(array_api_dispatch=True)))
"""
    here = Path(__file__).parent
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ
        | {
            "SCIPY_ARRAY_API": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": f"{here}{os.pathsep}{here.parent}",
        },
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().splitlines()[-1] == "{}"


def predict_far_off(clf, X):
    """Predictions for pixels far out of range: the smallest probabilities are zero."""
    with pytest.warns(UserWarning, match="The pixels of X range"):
        return clf.predict_proba(255 * X)


def look_inside(clf, X):
    """The results of everything that computes with the network."""
    return [
        clf.predict_proba(X),
        predict_far_off(clf, X),
        clf.decision_function(X),
        np.asarray(clf.transform(X)),
        *(inspection.saliency(clf, X, method=m) for m in ("grad_cam", "gradients", "occlusion")),
        *inspection.feature_maps(clf, X),
        inspection.filters(clf),
        np.array([row["output_shape"][0] for row in inspection.architecture(clf)]),
    ]


@pytest.mark.parametrize("switch", SWITCHES)
def test_no_switch_changes_what_is_computed(few, switch):
    X, y = few

    def work():
        clf = small_classifier(max_iter=2, dropout=0.1, augment=["jitter", "flips"]).fit(X, y)
        clf.partial_fit(X, y)
        stopped = small_classifier(max_iter=2, early_stopping=True).fit(X, y, np.linspace(1, 2, 40))
        return [*look_inside(clf, X), *look_inside(stopped, X)]

    plain = work()
    with SWITCHES[switch]():
        switched = work()
    for one, other in zip(plain, switched, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "kind",
    [kind for kind, argument in CASES if argument == "y" and not isinstance(kind.y, Refused)],
    ids=lambda kind: kind.name,
)
def test_labels_of_all_kinds_can_be_shown_and_explained(kind):
    clf = small_classifier(n_filters=2, max_iter=1).fit(ROWS, kind.y())
    display = ImagesDisplay.from_predictions(ROWS, kind.y(), kind.y())
    assert np.asarray(display.y_true).tolist() == clf.classes_[targets_of(kind)].tolist()
    plt.close("all")
    maps = inspection.saliency(clf, ROWS, target=kind.y())
    expected = inspection.saliency(clf, ROWS, target=clf.classes_[targets_of(kind)])
    np.testing.assert_array_equal(maps, expected)


def test_images_of_another_library_can_be_explained(few):
    clf = small_classifier().fit(*few)
    images = torch.from_numpy(few[0][:2]).requires_grad_()
    expected = inspection.saliency(clf, few[0][:2])
    np.testing.assert_array_equal(inspection.saliency(clf, images), expected)


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1.0, 1e30])
def test_no_extreme_value_makes_numpy_raise(few, scale):
    X, y = few
    X = X.astype(np.float64) * scale
    weights = np.repeat(np.geomspace(1e-300, 1, 20), 2)  # the same for both classes

    def work():
        clf = small_classifier(max_iter=1).fit(X, y, weights)
        return [clf.predict_proba(X), clf.predict_log_proba(X)]

    with contextlib.ExitStack() as stack:
        if scale < 1e-35:
            stack.enter_context(pytest.warns(sklearn.exceptions.ConvergenceWarning))
        plain = work()
        stack.enter_context(np.errstate(all="raise"))
        np.testing.assert_array_equal(work(), plain)


def test_the_page_on_images_has_this_table():
    page = (ROOT / "docs" / "user_guide" / "images.md").read_text(encoding="utf-8")
    assert table_of_kinds() in page, "run: python tests/promises/accepted_input.py"
