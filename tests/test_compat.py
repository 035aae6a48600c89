"""Warnings point to the user's line, whatever library lies between it and this package."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from helpers import small_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_shapecnn import load_image_folder
from sklearn_shapecnn._saving import OtherVersionWarning


def assert_points_here(category, message, work):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        work()
    ours = [w for w in told if issubclass(w.category, category) and message in str(w.message)]
    assert ours
    for warning in ours:
        assert warning.filename == __file__
        with open(__file__) as file:
            assert "# here" in file.readlines()[warning.lineno - 1]


def pipeline_of(clf):
    return make_pipeline("passthrough", clf)


def search_of(clf):
    return GridSearchCV(clf, {"kernel_size": [3]}, cv=2)


def as_it_is(clf):
    return clf


@pytest.mark.parametrize("wrap", [as_it_is, pipeline_of, search_of])
def test_warnings_of_fit(wrap, few):
    X, y = few
    clf = wrap(small_classifier())
    message = "all pixels of X are the same"
    assert_points_here(ConvergenceWarning, message, lambda: clf.fit(np.ones_like(X), y))  # here
    idle = wrap(small_classifier(n_filters=2, max_iter=8, learning_rate_init=1e-8))
    message = "learned next to nothing"
    assert_points_here(ConvergenceWarning, message, lambda: idle.fit(X, y))  # here
    X, y = np.tile(X, (51, 1)) + np.arange(51 * 40)[:, None], np.arange(51 * 40) < 2
    message = "may therefore never be predicted"
    assert_points_here(ConvergenceWarning, message, lambda: clf.fit(X, y))  # here


def test_warnings_of_partial_fit(few):
    X, y = few
    clf = small_classifier()
    message = "all pixels of X are the same"
    assert_points_here(
        ConvergenceWarning,
        message,
        lambda: clf.partial_fit(np.ones_like(X), y, [0, 1]),  # here
    )
    clf.partial_fit(X, y)
    message = "another scale"
    assert_points_here(UserWarning, message, lambda: clf.partial_fit(X * 1e4, y))  # here


def test_warnings_of_loading(few, tmp_path, monkeypatch):
    clf = small_classifier().fit(*few)
    monkeypatch.setattr("sklearn_shapecnn._saving.__version__", "0.0.0")
    dumped = pickle.dumps(clf)
    joblib.dump(clf, tmp_path / "model")
    monkeypatch.undo()
    assert_points_here(OtherVersionWarning, "0.0.0", lambda: pickle.loads(dumped))  # here
    assert_points_here(
        OtherVersionWarning,
        "0.0.0",
        lambda: joblib.load(tmp_path / "model"),  # here
    )


def test_warnings_of_image_files(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").touch()
    (tmp_path / "loose.png").touch()
    message = "are ignored"
    assert_points_here(
        UserWarning,
        message,
        lambda: load_image_folder(tmp_path, load_content=False),  # here
    )
