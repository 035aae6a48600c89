"""Without image_shape, images keep the size that all of them have."""

import numpy as np
import pytest
from image_file_helpers import SMOOTH
from PIL import Image

from sklearn_shapecnn.datasets import _shared_size, load_image_folder
from sklearn_shapecnn.images import ImageReader, _sizes


@pytest.fixture
def same(tmp_path):
    """Two classes of three images each, all of 10 x 12 pixels."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            write(tmp_path / name / f"{i}.png", (10, 12), rng)
    return tmp_path


def write(path, shape, rng=None):
    rng = np.random.default_rng(0) if rng is None else rng
    Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def test_images_keep_their_pixels(same, monkeypatch):
    monkeypatch.setattr(_sizes, "decode_file", None)  # the headers tell the size
    bunch = load_image_folder(same)
    assert bunch.images.shape == (6, 10, 12)
    for image, path in zip(bunch.images, bunch.filenames, strict=True):
        with Image.open(path) as file:
            np.testing.assert_allclose(image, np.asarray(file) / 255, atol=1e-6)
    assert "each of 10 x 12 pixels as in its file: none was resized" in bunch.DESCR
    with pytest.raises(ValueError, match="image_shape must be two positive integers"):
        load_image_folder(same, image_shape=())


def test_photos_are_measured_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    height, width = SMOOTH.shape[:2]
    for name, pixels, options in (("a", SMOOTH, {"exif": exif}), ("b", np.rot90(SMOOTH, -1), {})):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "0.jpg", quality=100, **options)
    bunch = load_image_folder(tmp_path, as_gray=False)
    assert bunch.images.shape == (2, width, height, 3)
    np.testing.assert_allclose(bunch.images[0], bunch.images[1], atol=0.1)  # JPEG rounds


def test_different_sizes_are_told_with_a_size_to_set(same):
    write(same / "a" / "x.png", (20, 10))
    write(same / "b" / "x.png", (8, 8))
    with pytest.raises(ValueError) as raised:
        load_image_folder(same)
    message = str(raised.value)
    assert "3 sizes (height, width): (10, 12) in 6 files, (8, 8) in 1 file, (20, 10) in" in message
    assert "such as image_shape=(10, 12);" in message
    assert load_image_folder(same, image_shape=(10, 12)).images.shape == (8, 10, 12)
    load_image_folder(same, load_content=False)


def test_many_sizes_and_large_photos(same):
    for i in range(6):
        write(same / "a" / f"{i}.png", (300, 400 + i))
        write(same / "b" / f"{i}.png", (300, 400))
    with pytest.raises(
        ValueError, match=r"6 sizes .* \(300, 400\) in 7 files, .*, and 1 more."
    ) as e:
        load_image_folder(same)
    assert "such as image_shape=(54, 72);" in str(e.value)  # 300 x 400 learns slowly


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_broken_files_do_not_decide(same, n_jobs):
    for name in ("x", "y"):
        write(same / "a" / f"{name}.png", (20, 30))
        cut(same / "a" / f"{name}.png")  # its header is whole
    (same / "b" / "x.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"x.png cannot be read as an image"):
        load_image_folder(same, n_jobs=n_jobs)
    with pytest.warns(UserWarning, match="3 of 9 files cannot be read"):
        bunch = load_image_folder(same, on_error="skip", n_jobs=n_jobs)
    assert bunch.images.shape == (6, 10, 12)
    write(same / "a" / "z.png", (20, 30))
    with pytest.raises(ValueError, match="2 sizes"):
        load_image_folder(same, on_error="skip", n_jobs=n_jobs)


def test_most_files_may_be_broken(same):
    for name in "vwxyz":
        write(same / "a" / f"{name}.png", (20, 30))
        cut(same / "a" / f"{name}.png")
    for path in same.glob("*/[12].png"):
        path.unlink()
    with pytest.warns(UserWarning, match="5 of 7 files cannot be read"):
        bunch = load_image_folder(same, on_error="skip")
    assert bunch.images.shape == (2, 10, 12)


def test_a_folder_of_broken_files(same):
    for path in same.glob("*/*.png"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"0.png is empty"):
        load_image_folder(same)
    with pytest.raises(ValueError, match=r"None of the images in .*a can be read"):
        load_image_folder(same, on_error="skip")


def test_images_that_would_fill_the_memory(same, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(_shared_size, "MOST_BYTES", 4 * 6 * 10 * 12 - 1)
    with pytest.raises(
        ValueError, match=r"10 x 12 pixels, but 6 of them take .* image_shape=\(10,"
    ):
        load_image_folder(same)
    assert load_image_folder(same, dtype="uint8").images.shape == (6, 10, 12)
    assert load_image_folder(same, image_shape=(10, 12)).images.shape == (6, 10, 12)
    place = tmp_path_factory.mktemp("maps")
    assert load_image_folder(same, memmap_folder=place).images.shape == (6, 10, 12)


def test_the_reader_has_its_own_default(same):
    assert ImageReader().transform([same / "a" / "0.png"]).shape == (1, 72, 72)
