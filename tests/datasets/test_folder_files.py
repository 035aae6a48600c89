"""Which files of a folder are images, and of which class."""

import os

import pytest
from image_file_helpers import GRAY
from PIL import Image

from sklearn_shapecnn.datasets import load_image_folder


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


def test_categories(folder):
    (folder / "another").mkdir()
    Image.fromarray(GRAY).save(folder / "another" / "0.png")
    bunch = load_image_folder(folder, categories=["light", "another"], load_content=False)
    assert bunch.target_names.tolist() == ["another", "light"]
    assert bunch.target.tolist() == [0, 1, 1, 1, 1]
    light = load_image_folder(folder, categories=["light"], load_content=False)
    assert light.target_names == "light"
    with pytest.raises(ValueError, match=r"no folder 'lihgt'.*Its folders: another, dark, light"):
        load_image_folder(folder, categories=["lihgt"])


def test_hidden_files_are_passed_over_and_others_told_of(folder):
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "0.png").write_text("no image")
    (folder / "dark" / "._0.png").write_text("no image")
    (folder / "dark" / ".DS_Store").write_text("no image")
    (folder / "nothing").mkdir()
    (folder / "labels.csv").write_text("beside the folders there may be anything")
    assert len(load_image_folder(folder, load_content=False).target) == 8  # and no warning
    (folder / "dark" / "notes.txt").write_text("no image")
    Image.fromarray(GRAY).save(folder / "loose.png")
    (folder / "light" / "deeper").mkdir()
    Image.fromarray(GRAY).save(folder / "light" / "deeper" / "0.png")
    with pytest.warns(UserWarning, match="3 files or folders are ignored") as told:
        bunch = load_image_folder(folder, load_content=False)
    message = str(told[0].message)
    for name in ("loose.png", os.path.join("light", "deeper"), os.path.join("dark", "notes.txt")):
        assert name in message
    assert told[0].filename == __file__
    assert len(bunch.target) == 8


def test_extensions(folder):
    (folder / "dark" / "notes.txt").write_text("no image")
    # and no warning
    bunch = load_image_folder(folder, extensions=[".png", ".jpg"], load_content=False)
    assert len(bunch.target) == 4
