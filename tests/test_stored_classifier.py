"""A classifier that this package saved at an earlier time loads, and predicts as it did then."""

import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.exceptions import InconsistentVersionWarning

DATA = Path(__file__).parent / "data"
NAMES = ["classifier.skops", "classifier.joblib"]
OURS = "sklearn_shapecnn.classifier.ShapeCNNClassifier"
# Other processors and other versions of torch round otherwise; another network differs by far more.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def load(name):
    """Load a stored file; the warning that another version wrote it is expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        if name.endswith(".skops"):
            return skops.io.load(DATA / name, trusted=[OURS])
        return joblib.load(DATA / name)


@pytest.fixture(scope="module")
def reference():
    with np.load(DATA / "reference.npz") as file:
        return dict(file)


@pytest.fixture(scope="module", params=NAMES)
def stored(request):
    return load(request.param)


def test_it_predicts_the_same_labels(stored, reference):
    np.testing.assert_array_equal(stored.predict(reference["X"]), reference["predict"])
    assert stored.classes_.tolist() == ["circle", "rectangle", "triangle"]


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "transform"])
def test_it_computes_the_same_numbers(stored, reference, method):
    computed = getattr(stored, method)(reference["X"])
    np.testing.assert_allclose(computed, reference[method], **CLOSE)
    assert computed.dtype == reference[method].dtype


def test_one_image_after_the_other_gives_the_same(stored, reference):
    alone = np.concatenate([stored.predict_proba(image[None]) for image in reference["X"]])
    np.testing.assert_allclose(alone, reference["predict_proba"], **CLOSE)


def test_it_is_a_classifier_that_has_learned(reference):
    # Otherwise all predictions might be alike, and the tests above would notice very little.
    assert (reference["predict"] == reference["y"]).mean() > 0.8
    assert {*reference["predict"]} == {"circle", "rectangle", "triangle"}
    assert np.ptp(reference["predict_proba"], axis=0).min() > 0.5


def test_it_knows_its_parameters_and_how_it_was_trained(stored):
    assert stored.n_filters == (4, 8)
    assert stored.image_shape_ == (16, 16, 1)
    assert stored.n_iter_ == len(stored.loss_curve_) == 40
    assert stored.loss_curve_[-1] < stored.loss_curve_[0]


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_on(reference, name):
    stored = load(name)  # a fresh copy, because the other tests share theirs
    before = stored.score(reference["X"], reference["y"])
    stored.partial_fit(reference["X"], reference["y"])
    assert len(stored.loss_curve_) == 41
    assert stored.score(reference["X"], reference["y"]) > before - 0.2


def test_the_files_are_small():
    sizes = {path.name: path.stat().st_size for path in DATA.iterdir() if path.is_file()}
    assert {*NAMES, "reference.npz"} <= {*sizes}
    assert sum(sizes.values()) < 300_000
