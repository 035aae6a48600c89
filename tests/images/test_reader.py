"""ImageReader as a transformer of scikit-learn: parameters, broken files, jobs and pipelines."""

import json
import pickle
import subprocess
import sys
from contextlib import nullcontext

import joblib
import numpy as np
import pandas as pd
import pytest
from image_file_helpers import COLOR, GRAY, H, W, broken_files
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.utils import estimator_checks as checks
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn.images import ImageReader


def test_parameters():
    reader = ImageReader((5, 4), as_gray=False, aspect="pad", n_jobs=2)
    assert clone(reader).get_params() == reader.get_params()
    again = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(again.transform([COLOR]), reader.transform([COLOR]))
    assert reader.set_params(as_gray=True).transform([COLOR]).shape == (1, 5, 4)
    assert "ImageReader" in repr(reader)
    check_is_fitted(reader)
    assert vars(reader.fit([COLOR])) == vars(clone(reader))  # learns nothing


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": (5, 4, 3)}, r"image_shape .*\(5, 4, 3\).*as_gray=False"),
        ({"image_shape": (5, 0)}, "image_shape must be two positive integers"),
        ({"image_shape": (5.5, 4)}, "image_shape must be two positive integers"),
        ({"image_shape": 5}, "image_shape"),
        ({"aspect": "zoom"}, "aspect"),
        ({"background": 255}, "background"),
        ({"dtype": "int8"}, "dtype"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"on_error": "skip"}, "on_error"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"on_error": "nan", "dtype": "uint8"}, "on_error='nan' needs dtype='float32'"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_parameters_out_of_range(parameters, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(ImageReader(**parameters), method)([GRAY])


@pytest.mark.parametrize("name", ["uint8", "float32"])
def test_dtype_may_be_a_type_of_numpy(name):
    pixels = ImageReader((5, 4), dtype=getattr(np, name)).fit_transform([COLOR])
    assert pixels.dtype == name
    np.testing.assert_array_equal(pixels, ImageReader((5, 4), dtype=name).transform([COLOR]))
    needs_floats = pytest.raises(ValueError, match="on_error='nan' needs dtype='float32'")
    with needs_floats if name == "uint8" else nullcontext():
        ImageReader((5, 4), dtype=getattr(np, name), on_error="nan").transform([COLOR])


def test_bools_are_no_sizes():
    with pytest.raises(ValueError, match="image_shape must be two positive integers"):
        ImageReader((True, 12)).transform([GRAY])


def test_check_estimator_does_not_test_what_reads_paths():
    # As for CountVectorizer: the checks make tables of numbers, and by its tags X is no table.
    with pytest.warns(SkipTestWarning, match="Can't test estimator ImageReader"):
        results = checks.check_estimator(ImageReader())
    assert {result["status"] for result in results} == {"passed"}
    tags = get_tags(ImageReader())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.requires_fit


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_cloneable",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_mixin_order",
        "check_get_params_invariance",
        "check_set_params",
        "check_param_validation",
        "check_parameters_default_constructible",
    ],
)
def test_the_checks_that_need_no_table(name):
    getattr(checks, name)("ImageReader", ImageReader())


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("as_gray", [True, False])
def test_broken_files_become_blank_images(tmp_path, as_gray, n_jobs):
    broken = [path for path, _ in broken_files(tmp_path)]
    X = [GRAY, *broken, tmp_path / "nowhere.png", GRAY]
    for on_error, expected in (("blank", 0.25), ("nan", np.nan)):
        reader = ImageReader(
            (H, W), as_gray=as_gray, on_error=on_error, background=0.25, n_jobs=n_jobs
        )
        with pytest.warns(UserWarning) as warned:
            found = reader.transform(X)
        # Pillow itself warns about the TIFF that is cut off.
        told = [warning for warning in warned if "files cannot be read" in str(warning.message)]
        assert len(told) == 1
        message = str(told[0].message)
        assert f"{len(X) - 2} of {len(X)} files cannot be read and became {on_error}" in message
        assert str(broken[0]) in message
        assert f"and {len(X) - 2 - 5} more" in message
        assert told[0].filename == __file__
        assert len(found) == len(X)  # each image keeps its place beside its label
        np.testing.assert_array_equal(found[1:-1], np.full_like(found[1:-1], expected))
        for good in (found[0], found[-1]):
            np.testing.assert_allclose(good if as_gray else good[..., 0], GRAY / 255, atol=1e-6)


def test_no_warning_where_all_is_well(folder):
    reader = ImageReader(on_error="nan")  # in the tests, warnings are errors
    assert np.isfinite(reader.transform(list(folder.glob("*/*")))).all()


@pytest.mark.parametrize("n_jobs", [None, 2, -1])
@pytest.mark.parametrize("backend", [None, "loky", "threading"])
def test_the_same_for_any_number_of_jobs(folder, backend, n_jobs):
    paths = sorted(folder.glob("*/*")) * 3
    expected = ImageReader((9, 7)).transform(paths)
    reader = ImageReader((9, 7), n_jobs=n_jobs)
    with joblib.parallel_config(**({"backend": backend} if backend else {"n_jobs": 2})):
        np.testing.assert_array_equal(reader.transform(paths), expected)


def test_pipeline_learns_from_paths(drawn):
    _, paths, y = drawn
    order = np.random.default_rng(0).permutation(len(paths))
    train, test = order[:150], order[150:]
    pipeline = make_pipeline(
        ImageReader((16, 16)), ShapeCNNClassifier(n_filters=(8, 16), max_iter=30, random_state=0)
    )
    pipeline.fit(paths[train].tolist(), y[train].tolist())
    assert pipeline.score(paths[test], y[test]) > 0.8
    predicted = pipeline.predict([str(path) for path in paths[test][:3]])
    assert set(predicted) <= {"circle", "rectangle", "triangle"}
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict(paths[test]), pipeline.predict(paths[test]))
    with pytest.raises(FileNotFoundError, match=r"nowhere.png"):
        pipeline.predict([paths[0], "nowhere.png"])
    pipeline.set_params(imagereader__on_error="nan")
    with pytest.warns(UserWarning, match=r"nowhere.png"), pytest.raises(ValueError, match="NaN"):
        pipeline.predict([paths[0], "nowhere.png"])


def test_cross_validation_and_search_over_paths(drawn, tmp_path):
    _, paths, y = drawn
    quick = ShapeCNNClassifier(n_filters=(8,), max_iter=1, random_state=0)
    pipeline = make_pipeline(ImageReader((12, 12), memmap_folder=tmp_path), quick)
    scores = cross_val_score(pipeline, paths, y, cv=2)
    assert np.isfinite(scores).all()
    assert cross_val_score(pipeline, paths.tolist(), y, cv=2).tolist() == scores.tolist()
    assert cross_val_score(pipeline, pd.Series(paths), y, cv=2).tolist() == scores.tolist()
    grid = {"imagereader__image_shape": [(8, 8), (12, 12)], "imagereader__aspect": ["pad"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(paths, y)
    assert search.predict(paths[:2]).shape == (2,)


def test_images_are_no_data_frame():
    with config_context(transform_output="pandas"):
        assert isinstance(ImageReader((5, 4)).transform([GRAY]), np.ndarray)


def test_in_front_of_any_estimator():
    rows = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    assert make_pipeline(ImageReader((5, 4)), rows).fit_transform([GRAY]).shape == (1, 20)


@pytest.mark.parametrize("as_gray", [True, False])
def test_images_as_rows(tmp_path, as_gray):
    reader = ImageReader((H, W), as_gray=as_gray, memmap_folder=tmp_path)
    images = reader.transform([GRAY, COLOR])
    rows = clone(reader).set_params(as_rows=True).transform([GRAY, COLOR])
    np.testing.assert_array_equal(rows, images.reshape(2, -1))
    assert isinstance(rows, np.memmap)
    names = reader.get_feature_names_out()
    assert len(names) == rows.shape[1]
    assert names[:2].tolist() == ["pixel0", "pixel1"]


def test_another_classifier_behind_it():
    pipeline = make_pipeline(ImageReader((4, 4), as_rows=True), SVC())
    dark, light = np.zeros((5, 6)), np.ones((7, 8))
    pipeline.fit([dark, light] * 3, [0, 1] * 3)
    assert pipeline.predict([light, dark]).tolist() == [1, 0]


def test_a_pipeline_with_it_gives_data_frames():
    images, labels = [GRAY, COLOR, 255 - GRAY] * 4, [0, 1, 2] * 4
    network = ShapeCNNClassifier(n_filters=2, max_iter=1, random_state=0)
    pipeline = make_pipeline(ImageReader((8, 8)), network).set_output(transform="pandas")
    frame = pipeline.fit(images, labels).transform(images)
    assert list(frame.columns) == pipeline.get_feature_names_out().tolist()
    assert isinstance(pipeline[0].transform(images), np.ndarray)


def test_progress_bars_of_scikit_learn_pass_through(capsys):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has it since 1.9")
    pipeline = make_pipeline(ImageReader((8, 8)), ShapeCNNClassifier(n_filters=2, max_iter=1))
    pipeline.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    pipeline.fit([GRAY, COLOR, 255 - GRAY] * 4, [0, 1, 2] * 4)
    assert "ShapeCNNClassifier" in capsys.readouterr().out


def test_reading_does_not_import_torch_and_changes_nothing(tmp_path):
    Image.fromarray(COLOR).save(tmp_path / "image.png")
    code = f"""
import sys, json, warnings
from PIL import Image, ImageFile
import numpy as np
before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
from sklearn_shapecnn import ImageReader, load_image_folder
state = np.random.get_state()[1].tolist()
filters = list(warnings.filters)
ImageReader(n_jobs=2).transform([{str(tmp_path / "image.png")!r}])
after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
print(json.dumps(["torch" in sys.modules, after == before[:2], filters == list(warnings.filters),
    state == np.random.get_state()[1].tolist()]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout) == [False, True, True, True]
