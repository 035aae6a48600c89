"""Images on disk."""

import tracemalloc

import numpy as np
import pytest
from image_file_helpers import GRAY

from sklearn_shapecnn.images import ImageReader


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("as_gray", [True, False])
def test_memmap(folder, tmp_path_factory, dtype, as_gray):
    place = tmp_path_factory.mktemp("maps")
    paths = sorted(folder.glob("*/*"))
    reader = ImageReader((9, 7), dtype=dtype, as_gray=as_gray)
    expected = reader.transform(paths)
    reader.set_params(memmap_folder=place)
    first = reader.transform(paths)
    second = reader.transform(paths[::-1])
    assert isinstance(first, np.memmap)
    assert first.dtype == dtype
    assert first.mode == "r"
    np.testing.assert_array_equal(first, expected)  # the second is another file
    np.testing.assert_array_equal(second, expected[::-1])
    np.testing.assert_array_equal(np.load(first.filename), expected)
    assert len(list(place.iterdir())) == 2


def test_an_error_leaves_no_file(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    reader = ImageReader(memmap_folder=place)
    with pytest.raises(FileNotFoundError):
        reader.transform([*folder.glob("*/*"), "nowhere.png"])
    assert not list(place.iterdir())
    with pytest.raises(ValueError, match=r"memmap_folder must be a folder .*nowhere"):
        ImageReader(memmap_folder=place / "nowhere").transform([GRAY])


def test_images_on_disk_do_not_gather_in_memory(tmp_path):
    # In blocks: 600 images of 256 x 256 floats are 157 MB, a block of them is 4 MB.
    image = np.zeros((16, 16), dtype=np.uint8)
    reader = ImageReader((256, 256), memmap_folder=tmp_path)
    tracemalloc.start()
    try:
        X = reader.transform([image] * 600)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert X.nbytes > 150_000_000
    assert peak < 20_000_000
