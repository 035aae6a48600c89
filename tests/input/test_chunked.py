import errno
import itertools
import os

import numpy as np
import pytest

from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.pixels import check_pixels


class Chunked:
    """An array in chunks that notes which rows it is asked for, and is never to be had whole."""

    def __init__(self, array, chunks):
        self.array, self.chunks = array, chunks
        self.shape, self.dtype = array.shape, array.dtype
        self.asked = []

    def __getitem__(self, rows):
        self.asked.append((rows.start, rows.stop))
        return self.array[rows]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("asked for as a whole")


@pytest.mark.parametrize(
    ("chunks", "asked"),
    [
        # 96 bytes an image, 200 bytes a piece
        ((1, 4, 6), [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]),  # small ones together
        ((4, 4, 6), [(0, 4), (4, 8), (8, 10)]),  # large ones each
        ((3, 2, 3), [(0, 2), (2, 3), (3, 5), (5, 6), (6, 8), (8, 9), (9, 10)]),  # too wide: a part
        (((1, 4, 3, 2), (4,), (6,)), [(0, 1), (1, 5), (5, 8), (8, 10)]),  # as Dask says it
        (((1, 1, 0, 5, 1, 1, 1), (2, 2), (6,)), [(0, 2), (2, 4), (4, 6), (6, 7), (7, 9), (9, 10)]),
        ((50, 4, 6), [(0, 10)]),  # Zarr's chunks may be larger than the array
        (None, [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]),  # h5py without chunks
    ],
)
def test_a_chunked_array_is_read_some_whole_chunks_at_a_time(chunks, asked, monkeypatch):
    monkeypatch.setattr("sklearn_shapecnn._input.chunked.PIECE_BYTES", 200)
    array = np.random.default_rng(0).uniform(size=(10, 4, 6)).astype(np.float32)
    X = Chunked(array, chunks)
    pixels = check_pixels(X, None)
    assert X.asked == asked
    assert pixels.dtype == array.dtype
    np.testing.assert_array_equal(pixels, array)
    assert ImageSet(pixels, (4, 6, 1))._file is not None  # what was read need not stay in memory


@pytest.mark.parametrize(
    ("n_bytes", "chunks", "ends"),
    [(50, (1, 2, 3), range(1, 11)), (50, None, range(1, 11)), (300, None, [3, 6, 9, 10])],
)
def test_a_chunked_array_of_large_images_or_without_chunks(n_bytes, chunks, ends, monkeypatch):
    monkeypatch.setattr("sklearn_shapecnn._input.chunked.PIECE_BYTES", n_bytes)
    X = Chunked(np.ones((10, 4, 6), dtype=np.float32), chunks)
    check_pixels(X, None)
    assert X.asked == list(itertools.pairwise([0, *ends]))


@pytest.mark.parametrize("dtype", ["u1", ">i4", "f2", "f8", "?"])
def test_a_chunked_array_keeps_its_dtype_and_its_order(dtype):
    array = np.asfortranarray(np.arange(60).reshape(5, 3, 4) % 7, dtype=dtype)
    pixels = check_pixels(Chunked(array, (2, 3, 4)), None)
    assert pixels.dtype == array.dtype
    np.testing.assert_array_equal(pixels, array)


def late_nan(value):
    array = np.zeros((6, 2, 2))
    array[5, 1, 1] = value
    return array


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (late_nan(np.nan), "Input X contains NaN"),
        (late_nan(np.inf), "Input X contains infinity"),
        (np.zeros(6), "Expected 2D array, got 1D array instead"),
        (np.zeros((6, 1, 1, 1, 1)), r"dim <= 4 is required.* \(6, 1, 1, 1, 1\)"),
        (np.zeros((0, 2, 2)), "0 sample"),
        (np.zeros((6, 0, 2)), r"images without pixels.* \(6, 0, 2\)"),
        (np.zeros((6, 2), dtype=complex), "Complex data not supported"),
        (np.full((6, 2), "a"), "dtype='numeric' is not compatible"),
    ],
)
def test_a_chunked_array_is_checked_as_any_other(array, message):
    with pytest.raises(ValueError, match=message):
        check_pixels(Chunked(array, (2, *array.shape[1:])), None)


def test_a_chunked_array_of_other_parts_than_it_says_is_refused():
    X = Chunked(np.zeros((6, 2, 2)), (2, 2, 2))
    X.shape = (8, 2, 2)
    with pytest.raises(ValueError, match=r"claims .* \(8, 2, 2\), but.*\[0:8\].*\(6, 2, 2\)"):
        check_pixels(X, None)
    X = Chunked(np.zeros((6, 2, 2)), (6, 2, 2))
    X.shape = (6, 2, 3)
    with pytest.raises(ValueError, match=r"claims .* \(6, 2, 3\)"):
        check_pixels(X, None)


def test_a_chunked_array_of_parts_that_its_first_dtype_cannot_hold_is_refused(monkeypatch):
    class Fickle(Chunked):
        def __getitem__(self, rows):
            return super().__getitem__(rows).astype("i8" if rows.start == 0 else "f8")

    monkeypatch.setattr("sklearn_shapecnn._input.chunked.PIECE_BYTES", 1)
    with pytest.raises(TypeError, match="Cannot cast"):
        check_pixels(Fickle(np.full((4, 2), 0.5), (1, 2)), None)


def test_a_chunked_array_larger_than_the_disk_is_refused_before_it_is_read():
    X = Chunked(np.zeros((6, 2, 2)), (2, 2, 2))
    X.shape = (10**12, 1000, 1000)
    message = r"X of 8e\+09 GB .* has only [\d.]+(e\+0\d)? GB left\. Set .*TMPDIR"
    with pytest.raises(OSError, match=message) as raised:
        check_pixels(X, None)
    assert raised.value.errno == errno.ENOSPC
    assert X.asked == []


def test_the_temporary_file_of_a_chunked_array_has_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pixels = check_pixels(Chunked(np.ones((6, 2, 2)), (2, 2, 2)), None)
    if os.name == "posix":  # elsewhere it goes when the map does
        assert list(tmp_path.iterdir()) == []
    assert (pixels == 1).all()
    assert not pixels.flags.writeable


def test_dask_and_zarr_arrays(tmp_path):
    import dask.array as da
    import zarr

    array = np.random.default_rng(0).integers(0, 256, size=(20, 4, 6, 3), dtype=np.uint8)
    stored = zarr.create_array(
        store=str(tmp_path / "X.zarr"), shape=array.shape, chunks=(3, 4, 2, 3), dtype=array.dtype
    )
    stored[:] = array
    for X in (
        stored,
        da.from_zarr(stored),
        da.from_array(array, chunks=(7, 2, 6, 3)),
        da.from_array(array[:30], chunks=5)[np.arange(20)],
    ):
        pixels = check_pixels(X, None)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, array)
    with pytest.raises(ValueError, match="got scalar array instead"):
        check_pixels(da.ones(()), None)


def test_a_dask_array_of_unknown_length_is_refused_with_advice():
    import dask.array as da

    X = da.ones((20, 4, 6), chunks=5)
    X = X[X[:, 0, 0] > 0]
    with pytest.raises(ValueError, match=r"chunks of unknown size.*X\.compute_chunk_sizes\(\)"):
        check_pixels(X, None)
    assert check_pixels(X.compute_chunk_sizes(), None).shape == (20, 4, 6)
