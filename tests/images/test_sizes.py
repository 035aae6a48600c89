"""The sizes of files: as the reader gives their images, and without reading the pixels."""

import warnings

import numpy as np
import pytest
import tifffile
from image_file_helpers import GRAY, SMOOTH, H, W, broken_files
from PIL import Image
from test_metadata import XMP, make_seeds, mutate

from sklearn_shapecnn.images import _sizes
from sklearn_shapecnn.images._decoding import decode_file
from sklearn_shapecnn.images._sizes import read_sizes

MAX_PIXELS = 100_000


def sizes(*paths, max_pixels=MAX_PIXELS, n_jobs=None):
    return list(read_sizes(paths, max_pixels=max_pixels, n_jobs=n_jobs))


def decoded_size(path):
    with open(path, "rb") as file:
        band = decode_file(file, str(path), 1.0, MAX_PIXELS, None).bands[0]
    return band.height, band.width


@pytest.fixture
def no_decoding(monkeypatch):
    def fail(*args):
        raise AssertionError("a file was decoded")

    monkeypatch.setattr(_sizes, "decode_file", fail)


def turned(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_photos_have_the_size_that_they_have_upright(tmp_path, no_decoding, ending, orientation):
    path = tmp_path / f"image{ending}"
    Image.fromarray(SMOOTH).save(path, exif=turned(orientation))
    height, width = SMOOTH.shape[:2]
    assert sizes(path) == [(height, width) if orientation < 5 else (width, height)]


@pytest.mark.parametrize("ending", [".gif", ".bmp", ".png"])
def test_files_without_orientation(tmp_path, no_decoding, ending):
    Image.fromarray(SMOOTH).save(tmp_path / f"image{ending}")
    assert sizes(str(tmp_path / f"image{ending}")) == [SMOOTH.shape[:2]]


@pytest.mark.parametrize("dtype", [np.uint32, np.float64])
def test_tiffs_that_pillow_cannot_read(tmp_path, dtype):
    pixels = np.ones((H, W), dtype)
    tags = [(274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "turned.tif", pixels, extratags=tags)
    xmp = XMP.replace(b'"3"', b'"6"')  # which tifffile passes over
    tifffile.imwrite(tmp_path / "flat.tif", pixels, extratags=[(700, "B", len(xmp), xmp, True)])
    paths = tmp_path / "turned.tif", tmp_path / "flat.tif"
    assert sizes(*paths) == [(W, H), (H, W)] == [decoded_size(path) for path in paths]


def test_an_orientation_in_xmp(tmp_path, no_decoding):
    xmp = XMP.replace(b'"3"', b'"8"')
    Image.fromarray(SMOOTH).save(tmp_path / "image.jpg", xmp=xmp)
    Image.fromarray(SMOOTH).save(tmp_path / "image.tif", tiffinfo={700: xmp})
    height, width = SMOOTH.shape[:2]
    assert sizes(tmp_path / "image.jpg", tmp_path / "image.tif") == [(width, height)] * 2


def test_an_orientation_behind_the_pixels_of_a_png(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(GRAY).save(path, exif=turned(6))
    data = path.read_bytes()
    start, pixels = data.index(b"eXIf") - 4, data.index(b"IDAT") - 4
    end = data.index(b"IEND") - 4
    path.write_bytes(data[:start] + data[pixels:end] + data[start:pixels] + data[end:])
    assert sizes(path) == [(W, H)] == [decoded_size(path)]


def test_order_and_jobs(tmp_path, monkeypatch):
    monkeypatch.setattr(_sizes, "FILES_AT_ONCE", 3)
    paths = [tmp_path / f"{i}.png" for i in range(10)]
    for i, path in enumerate(paths):
        Image.fromarray(GRAY[: i % 4 + 1]).save(path)
    expected = [(i % 4 + 1, W) for i in range(10)]
    assert sizes(*paths) == sizes(*paths, n_jobs=2) == expected


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "folder").mkdir()
    assert sizes(tmp_path / "folder", tmp_path / "missing.png") == [None, None]
    for path, _ in broken_files(tmp_path):
        if path.name.startswith(("empty", "text", "head")) and path.suffix != ".bmp":
            assert sizes(path) == [None], path.name
    Image.fromarray(GRAY).save(tmp_path / "large.png")
    assert sizes(tmp_path / "large.png", max_pixels=H * W - 1) == [None]
    assert sizes(tmp_path / "large.png", max_pixels=H * W) == [(H, W)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP"])
def test_sizes_are_those_of_the_decoded_images(tmp_path, kind):
    rng = np.random.default_rng(7)
    seeds = make_seeds()[kind]
    n_readable = 0
    for i in range(200):
        data = seeds[i % len(seeds)]
        path = tmp_path / f"{i}"
        path.write_bytes(data if i < len(seeds) else mutate(data, rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken metadata
            try:
                expected = decoded_size(path)
            except Exception:  # Pillow raises almost anything for files like these
                continue  # some still have a size in their header
            n_readable += 1
            assert sizes(path) == [expected]
    assert n_readable > 30
