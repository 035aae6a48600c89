"""Folders with a subfolder for each class."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
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
    assert "each resized to 9 x 7 pixels" in bunch.DESCR
    assert "dark: 4\nlight: 4" in bunch.DESCR
    assert "groups" not in bunch
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
    assert len(bunch.filenames) == len(bunch.target) == 8  # of different sizes
    assert "were not read" in bunch.DESCR
    assert "resized" not in bunch.DESCR
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


@pytest.mark.parametrize(
    "parameters",
    [
        {"on_error": "nan"},
        {"categories": 5},
        {"path": 5},
        {"load_content": "yes"},
        {"image_shape": 24},
        {"image_shape": (24,)},
        {"groups": "suffix"},
        {"verbose": "much"},
    ],
)
def test_folder_parameters_out_of_range(folder, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        load_image_folder(**({"path": folder} | parameters))


@pytest.mark.parametrize("memmap", [True, False])
def test_broken_files_are_left_out_with_their_labels(folder, tmp_path_factory, memmap):
    options = {"memmap_folder": tmp_path_factory.mktemp("maps")} if memmap else {}
    options["image_shape"] = (9, 7)
    whole = load_image_folder(folder, groups="prefix", **options)
    (folder / "dark" / "0.png").write_text("no image")
    (folder / "light" / "2.bmp").write_text("no image")
    with pytest.raises(ValueError, match=r"0.png is not a supported image"):
        load_image_folder(folder, **options)
    with pytest.warns(UserWarning, match="2 of 8 files cannot be read and are left out") as told:
        bunch = load_image_folder(folder, on_error="skip", groups="prefix", **options)
    for name in ("0.png", "2.bmp"):
        assert name in str(told[0].message)
    assert told[0].filename == __file__
    good = np.setdiff1d(np.arange(8), [0, 6])
    np.testing.assert_array_equal(bunch.images, whole.images[good])
    np.testing.assert_array_equal(bunch.target, whole.target[good])
    np.testing.assert_array_equal(bunch.filenames, whole.filenames[good])
    assert bunch.groups.tolist() == ["1", "2", "3", "0", "1", "3"]
    assert "dark: 3\nlight: 3" in bunch.DESCR
    if memmap:
        np.testing.assert_array_equal(np.load(bunch.images.filename), bunch.images)


def test_a_class_without_a_good_image(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    for path in (folder / "light").iterdir():
        path.write_text("no image")
    with pytest.raises(ValueError, match=r"None of the images in .*light can be read"):
        load_image_folder(folder, image_shape=(9, 7), on_error="skip", memmap_folder=place)
    assert not list(place.iterdir())


def test_what_is_not_read_cannot_be_skipped(tmp_path):
    with pytest.raises(ValueError, match="on_error='skip' needs load_content=True"):
        load_image_folder(tmp_path, on_error="skip", load_content=False)


@pytest.mark.parametrize("load_content", [True, False])
def test_groups(folder, load_content):
    options = {"image_shape": (9, 7), "load_content": load_content}
    for path in list(folder.glob("*/*")):
        path.rename(path.with_name(f"{path.stem}_{path.parent.name}{path.suffix}"))
    bunch = load_image_folder(folder, groups="prefix", **options)
    assert bunch.groups.tolist() == ["0", "1", "2", "3"] * 2
    bunch = load_image_folder(folder, groups=lambda path: path.parent.name, **options)
    assert bunch.groups.tolist() == ["dark"] * 4 + ["light"] * 4


def test_groups_are_the_third_of_X_and_y(folder):
    X, y, groups = load_image_folder(
        folder, image_shape=(9, 7), groups=lambda path: int(path.stem) // 2, return_X_y=True
    )
    assert len(X) == len(y) == 8
    assert groups.tolist() == [0, 0, 1, 1] * 2
    folds = list(StratifiedGroupKFold(2).split(X, y, groups))
    assert len(folds) == 2
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])


def test_progress(folder, capsys):
    load_image_folder(folder, image_shape=(9, 7))
    assert capsys.readouterr() == ("", "")
    for path in folder.glob("*/[123]*"):
        path.unlink()
    load_image_folder(folder, white_level="collection", verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(",")[0] for line in err.splitlines()] == [
        "sizes: 2 of 2 files",
        "white level: 2 of 2 files",
        "images: 2 of 2 files",
    ]
