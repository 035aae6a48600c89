"""Folders with a subfolder for each class."""

import os

import numpy as np
import pytest
from image_file_helpers import GRAY
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn.datasets import load_image_folder
from sklearn_shapecnn.images import ImageReader


def test_folder(folder):
    bunch = load_image_folder(folder, image_shape=(9, 7))
    assert isinstance(bunch, Bunch)
    assert bunch.target_names.tolist() == ["dark", "light"]
    np.testing.assert_array_equal(bunch.target, np.repeat([0, 1], 4))
    assert bunch.target.dtype == np.int64
    expected = [
        folder / name / f"{i}{end}"
        for name in ("dark", "light")
        for i, end in enumerate((".png", ".JPG", ".bmp", ".tif"))
    ]
    assert bunch.filenames.tolist() == [str(path) for path in expected]
    assert bunch.images.shape == (8, 9, 7)
    assert bunch.data.shape == (8, 63)
    assert np.shares_memory(bunch.data, bunch.images)
    np.testing.assert_array_equal(bunch.images, ImageReader((9, 7)).transform(expected))
    assert "8 images" in bunch.DESCR
    assert "dark: 4\nlight: 4" in bunch.DESCR
    X, y = load_image_folder(str(folder), image_shape=(9, 7), return_X_y=True, n_jobs=2)
    np.testing.assert_array_equal(X, bunch.images)
    np.testing.assert_array_equal(y, bunch.target)


def test_folder_passes_parameters_on(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    bunch = load_image_folder(
        folder, image_shape=(9, 7), as_gray=False, dtype="uint8", aspect="pad", memmap_folder=place
    )
    assert isinstance(bunch.images, np.memmap)
    assert bunch.images.shape == (8, 9, 7, 3)
    assert bunch.data.shape == (8, 189)
    assert bunch.images.dtype == np.uint8
    assert bunch.images[0, 0, 0].tolist() == [255] * 3  # the padding
    with pytest.raises(TypeError, match="color"):
        load_image_folder(folder, color=True)
    with pytest.raises(ValueError, match="aspect"):
        load_image_folder(folder, aspect="zoom")


def test_folder_without_content(folder):
    bunch = load_image_folder(folder, load_content=False)
    assert "images" not in bunch
    assert "data" not in bunch
    assert len(bunch.filenames) == len(bunch.target) == 8
    with pytest.raises(ValueError, match="load_content=True"):
        load_image_folder(folder, load_content=False, return_X_y=True)


def test_folder_leads_to_a_classifier(drawn):
    folder, paths, labels = drawn
    shapes = load_image_folder(folder, load_content=False)
    np.testing.assert_array_equal(shapes.filenames, paths)
    np.testing.assert_array_equal(shapes.target_names[shapes.target], labels)
    pipeline = make_pipeline(
        ImageReader((12, 12)), ShapeCNNClassifier(n_filters=(8,), max_iter=1, random_state=0)
    )
    pipeline.fit(shapes.filenames, shapes.target)
    read = load_image_folder(folder, image_shape=(12, 12))
    direct = clone(pipeline[-1]).fit(read.images, read.target)
    np.testing.assert_array_equal(
        direct.predict_proba(read.images), pipeline.predict_proba(shapes.filenames)
    )


def test_folders_that_are_none(folder, tmp_path_factory):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        load_image_folder(folder / "nowhere")
    with pytest.raises(ValueError, match=r"0.png cannot be read as a folder"):
        load_image_folder(folder / "dark" / "0.png")
    with pytest.raises(ValueError, match="cannot be read as a folder: File name too long"):
        load_image_folder(folder / ("a" * 1000))
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ValueError, match=r"has no subfolders with images.*one subfolder for each"):
        load_image_folder(empty)
    with pytest.raises(ValueError, match=r"holds 4 images, but in no subfolders.*ImageReader"):
        load_image_folder(folder / "dark")


def test_folder_with_one_class(folder):
    for path in (folder / "light").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"one subfolder only, 'dark'.*categories=\['dark'\]"):
        load_image_folder(folder)
    with pytest.raises(ValueError, match=r"light holds no images, but categories asks for it"):
        load_image_folder(folder, categories=["dark", "light"])


def test_folders_of_folders_are_not_taken_for_classes(folder):
    # Otherwise a classifier would learn to tell training images from test images.
    for part in ("train", "test"):
        (folder / "parts" / part / "dark").mkdir(parents=True)
        Image.fromarray(GRAY).save(folder / "parts" / part / "dark" / "0.png")
    with pytest.raises(ValueError, match=r"test holds no images itself.*give '.*test' as the path"):
        load_image_folder(folder / "parts")


@pytest.mark.parametrize(
    "parameters", [{"on_error": "nan"}, {"categories": 5}, {"path": 5}, {"load_content": "yes"}]
)
def test_folder_parameters_out_of_range(folder, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        load_image_folder(**({"path": folder} | parameters))


def test_categories(folder):
    (folder / "another").mkdir()
    Image.fromarray(GRAY).save(folder / "another" / "0.png")
    bunch = load_image_folder(folder, categories=["light", "another"])
    assert bunch.target_names.tolist() == ["another", "light"]
    assert bunch.target.tolist() == [0, 1, 1, 1, 1]
    assert load_image_folder(folder, categories=["light"]).target_names == "light"
    with pytest.raises(ValueError, match=r"no folder 'lihgt'.*Its folders: another, dark, light"):
        load_image_folder(folder, categories=["lihgt"])


def test_hidden_files_are_passed_over_and_others_told_of(folder):
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "0.png").write_text("no image")
    (folder / "dark" / "._0.png").write_text("no image")
    (folder / "dark" / ".DS_Store").write_text("no image")
    (folder / "nothing").mkdir()
    (folder / "labels.csv").write_text("beside the folders there may be anything")
    assert len(load_image_folder(folder).images) == 8  # and no warning
    (folder / "dark" / "notes.txt").write_text("no image")
    Image.fromarray(GRAY).save(folder / "loose.png")
    (folder / "light" / "deeper").mkdir()
    Image.fromarray(GRAY).save(folder / "light" / "deeper" / "0.png")
    with pytest.warns(UserWarning, match="3 files or folders are ignored") as told:
        bunch = load_image_folder(folder)
    message = str(told[0].message)
    for name in ("loose.png", os.path.join("light", "deeper"), os.path.join("dark", "notes.txt")):
        assert name in message
    assert told[0].filename == __file__
    assert len(bunch.images) == 8


def test_extensions(folder):
    (folder / "dark" / "notes.txt").write_text("no image")
    bunch = load_image_folder(folder, extensions=[".png", ".jpg"])  # and no warning
    assert len(bunch.images) == 4


@pytest.mark.parametrize("memmap", [True, False])
def test_broken_files_are_left_out_with_their_labels(folder, tmp_path_factory, memmap):
    options = {"memmap_folder": tmp_path_factory.mktemp("maps")} if memmap else {}
    whole = load_image_folder(folder)
    (folder / "dark" / "0.png").write_text("no image")
    (folder / "light" / "2.bmp").write_text("no image")
    with pytest.raises(ValueError, match=r"0.png is no image"):
        load_image_folder(folder)
    with pytest.warns(UserWarning, match="2 of 8 files cannot be read and are left out") as told:
        bunch = load_image_folder(folder, on_error="skip", **options)
    for name in ("0.png", "2.bmp"):
        assert name in str(told[0].message)
    assert told[0].filename == __file__
    good = np.setdiff1d(np.arange(8), [0, 6])
    np.testing.assert_array_equal(bunch.images, whole.images[good])
    np.testing.assert_array_equal(bunch.target, whole.target[good])
    np.testing.assert_array_equal(bunch.filenames, whole.filenames[good])
    assert "dark: 3\nlight: 3" in bunch.DESCR
    if memmap:
        np.testing.assert_array_equal(np.load(bunch.images.filename), bunch.images)


def test_a_class_without_a_good_image(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    for path in (folder / "light").iterdir():
        path.write_text("no image")
    with pytest.raises(ValueError, match=r"None of the images in .*light can be read"):
        load_image_folder(folder, on_error="skip", memmap_folder=place)
    assert not list(place.iterdir())


def test_what_is_not_read_cannot_be_skipped(tmp_path):
    with pytest.raises(ValueError, match="on_error='skip' needs load_content=True"):
        load_image_folder(tmp_path, on_error="skip", load_content=False)
