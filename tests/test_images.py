import errno
import itertools
import os

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse

from sklearn_shapecnn.images import ImageSet, check_pixels, check_same_images, find_image_shape


@pytest.mark.parametrize(
    ("shape", "image_shape", "expected"),
    [
        ((5, 64), None, (8, 8, 1)),
        ((5, 1), None, (1, 1, 1)),
        ((5, 12), None, (1, 12, 1)),
        ((5, 12), (3, 4), (3, 4, 1)),
        ((5, 12), (2, 2, 3), (2, 2, 3)),
        ((5, 3, 4), None, (3, 4, 1)),
        ((5, 3, 4), (3, 4, 1), (3, 4, 1)),
        ((5, 3, 4, 1), (3, 4), (3, 4, 1)),
        ((5, 3, 4, 2), None, (3, 4, 2)),
        ((5, 1, 9, 4), None, (1, 9, 4)),
        ((5, 1, 9, 6), (1, 9, 6), (1, 9, 6)),
        ((5, 3, 9, 9), (3, 9, 9), (3, 9, 9)),
        ((5, 5, 24, 24), None, (5, 24, 24)),
        ((5, 3, 4, 24), None, (3, 4, 24)),
    ],
)
def test_find_image_shape(shape, image_shape, expected):
    assert find_image_shape(shape, image_shape) == expected


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((5, 64), (7, 9), r"image_shape=\(7, 9\) stands for 63 values .* has 64 values an image"),
        ((5, 8, 8), (4, 16), r"image_shape=\(4, 16\) .* has images of shape \(8, 8\)"),
        ((5, 3, 32, 32), None, r"channels first.*np.moveaxis\(X, 1, -1\)"),
        (
            (5, 3, 24, 32),
            None,
            r"X of shape \(5, 3, 24, 32\) seems to hold its channels first.*np\.moveaxis"
            r".* really are 3 pixels high with 32 channels, set image_shape=\(3, 24, 32\)\.",
        ),
        ((5, 4, 24, 24), None, r"channels first.*np.moveaxis\(X, 1, -1\)"),
    ],
)
def test_find_image_shape_refuses_contradictions(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        find_image_shape(shape, image_shape)


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [
        ((5, 12), (3, 4, 1)),
        ((5, 3, 4), (3, 4, 1)),
        ((5, 3, 4, 1), (3, 4, 1)),
        ((5, 36), (3, 4, 3)),
        ((5, 3, 4, 3), (3, 4, 3)),
    ],
)
def test_the_same_images_in_any_layout(shape, image_shape):
    check_same_images(shape, image_shape, "Somebody")


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        (
            (5, 35),
            (3, 4, 3),
            r"X has 35 features, but Somebody is expecting 36 features as input: images of shape "
            r"\(3, 4, 3\), one a row\. Each row must be a whole image\.",
        ),
        ((3, 4), (3, 4, 1), r"X has 4 features.*expecting 12.*\(3, 4\).* give X\[np\.newaxis\]"),
        (
            (3, 4, 3),
            (3, 4, 3),
            r"X holds images of shape \(4, 3\), but Somebody was fitted on images of shape "
            r"\(3, 4, 3\)\. This seems to be a single image",
        ),
        ((3, 4, 1), (3, 4, 1), r"images of shape \(3, 4\)\. This seems to be a single image"),
        ((5, 3, 8, 9), (8, 9, 3), r"\. The channels belong last: use np\.moveaxis\(X, 1, -1\)\.$"),
        ((5, 8, 9, 4), (8, 9, 3), r"^X holds.*\. The channels differ: convert the images"),
        ((5, 8, 9), (8, 9, 3), r"\. The channels differ: convert the images"),
        (
            (5, 9, 8),
            (8, 9, 1),
            r"\. Resize the images, e\.g\. with sklearn_shapecnn\.ImageReader\.",
        ),
        ((5, 8, 7), (8, 9, 1), r"\. Resize the images"),
    ],
)
def test_other_images_are_refused_with_advice(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        check_same_images(shape, image_shape, "Somebody")


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "f2", "f4", ">f8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_batch_is_float32_with_the_same_pixels(dtype, order):
    pixels = np.asarray(np.arange(2 * 3 * 4 * 2).reshape(2, 3, 4, 2) % 7, dtype=dtype, order=order)
    batch = ImageSet(pixels, (3, 4, 2)).batch(np.array([1]))
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    np.testing.assert_array_equal(batch, pixels[1:])


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "f8", "?"])
def test_pixels_are_not_copied_as_a_whole(dtype):
    X = np.ones((4, 2, 3), dtype=dtype)
    X.flags.writeable = False
    assert np.shares_memory(check_pixels(X, None), X)
    assert np.shares_memory(ImageSet(X, (2, 3, 1)).pixels, X)


def test_reading_writes_nothing():
    pixels = np.full((3, 4), -0.0, dtype=np.float32)
    images = ImageSet(pixels, (2, 2, 1))
    images.fingerprints()
    images.batch(slice(None))[:] = 7
    assert np.signbit(pixels).all()
    assert (pixels == 0).all()


def test_boxes_of_images_become_one_array():
    images = [np.full((2, 3), i) for i in range(4)]
    box = np.empty(4, dtype=object)
    box[:] = images
    for X in (images, tuple(images), box, pd.Series(images), pl.Series(np.stack(images))):
        np.testing.assert_array_equal(check_pixels(X, None), np.stack(images))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.zeros((2, 3)), np.zeros((4, 3))], r"unequal sizes, such as \(2, 3\) and \(4, 3\)"),
        (pd.Series([np.zeros((2, 3)), np.zeros((2, 3, 3))]), "unequal sizes"),
        ([[[1, 2], [3]], [[1, 2], [3]]], "holds something that is no image"),
        (np.array(["a.png", "b.png"]), r"holds strings, such as 'a\.png'.*ImageReader"),
        ("a.png", r"holds strings, such as 'a\.png'.*ImageReader"),
        (["a.png", "b.png"], r"holds strings, such as 'a\.png'.*ImageReader"),
    ],
)
def test_boxes_of_something_else_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        check_pixels(X, None)


def test_batch_of_a_slice_can_be_written_without_changing_the_images():
    pixels = np.ones((3, 4), dtype=np.float32)
    pixels.flags.writeable = False
    batch = ImageSet(pixels, (2, 2, 1)).batch(slice(0, 2))
    batch[:] = 7
    assert (pixels == 1).all()


def test_fingerprints_are_those_of_the_pixels_whatever_the_dtype_or_the_block(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, size=(50, 6), dtype=np.uint8)
    pixels[7] = pixels[30]
    digests, means, mean_squares = ImageSet(pixels, (2, 3, 1)).fingerprints()
    assert len(np.unique(digests, axis=0)) == 49
    np.testing.assert_allclose(means, pixels.mean(axis=1))
    np.testing.assert_allclose(mean_squares, (pixels.astype(float) ** 2).mean(axis=1))
    monkeypatch.setattr("sklearn_shapecnn.images.BLOCK_BYTES", 100)
    for dtype in ("f4", "f8", "i8"):
        others = ImageSet(np.asfortranarray(pixels, dtype=dtype), (2, 3, 1)).fingerprints()
        for a, b in zip(others, (digests, means, mean_squares), strict=True):
            np.testing.assert_array_equal(a, b)


def test_zero_has_no_sign_in_fingerprints():
    digests, *_ = ImageSet(np.array([[0.0, 1.0], [-0.0, 1.0]]), (1, 2, 1)).fingerprints()
    assert digests.dtype == np.uint64
    np.testing.assert_array_equal(*digests)


@pytest.mark.parametrize("other", [1.0, -1e39])
def test_fingerprints_refuse_what_float32_cannot_hold(other):
    message = (
        r"^Input X contains infinity or a value too large for dtype\('float32'\), in which the "
        r"network computes; divide X by its largest value\.$"
    )
    with pytest.raises(ValueError, match=message):
        ImageSet(np.array([[1e39, other]]), (1, 2, 1)).fingerprints()


@pytest.mark.parametrize(
    ("n_bytes", "ends"),
    [(48, [2, 4, 5]), (47, [1, 2, 3, 4, 5]), (1, [1, 2, 3, 4, 5]), (10**6, [5])],
)
def test_blocks_are_as_large_as_they_may_be_in_float32(n_bytes, ends, monkeypatch):
    monkeypatch.setattr("sklearn_shapecnn.images.BLOCK_BYTES", n_bytes)
    blocks = list(ImageSet(np.zeros((5, 6), dtype=np.uint8), (2, 3, 1)).blocks())
    assert [block.start for block in blocks] == [0, *ends[:-1]]
    assert [block.stop for block in blocks] == ends


def test_pixels_in_the_memory_of_something_else():
    pixels = np.frombuffer(bytes(range(12)), dtype=np.uint8).reshape(2, 6)
    assert ImageSet(pixels, (2, 3, 1)).batch(slice(1, 2)).ravel().tolist() == list(range(6, 12))


def mapped(tmp_path, mode):
    path = tmp_path / "X.npy"
    np.save(path, np.arange(8_000_000, dtype=np.uint8).reshape(2000, 4000))
    return path, np.load(path, mmap_mode=mode)


@pytest.mark.skipif(
    not os.path.exists("/proc/self/smaps"), reason="only Linux tells how much of a file is resident"
)
def test_a_file_that_was_read_does_not_stay_in_memory(tmp_path):
    path, X = mapped(tmp_path, "r")
    images = ImageSet(np.asarray(X)[100:], (1, 4000, 1))

    def resident():
        with open("/proc/self/smaps") as lines:
            after = itertools.dropwhile(lambda line: str(path) not in line, lines)
            return next(int(line.split()[1]) for line in after if line.startswith("Rss:"))

    assert np.asarray(X).sum() > 0
    assert resident() > 7000  # kibibytes: this is how it would be
    images.fingerprints()
    images.batch(slice(0, 1900))
    assert resident() < 100


@pytest.mark.parametrize("mode", ["r+", "c"])
def test_reading_keeps_what_was_written_to_a_mapped_file(tmp_path, mode):
    _, X = mapped(tmp_path, mode)
    X[7] = 200
    images = ImageSet(X, (1, 4000, 1))
    images.batch(slice(0, 100))
    assert (images.batch(slice(7, 8)) == 200).all()


class Unwilling:
    """Says that it is an array, and is none when it comes to that."""

    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("no"), AttributeError("no"), ArithmeticError("no")])
def test_what_an_array_of_another_library_raises_is_told_of_x(error):
    with pytest.raises(ValueError, match=r"^X: no$"):
        check_pixels(Unwilling(error), None)


@pytest.mark.parametrize("error", [MemoryError("full"), OSError("gone")])
def test_what_is_not_wrong_with_x_is_not_told_of_it(error):
    with pytest.raises(type(error), match=r"^(full|gone)$"):
        check_pixels(Unwilling(error), None)


def test_tensors_are_taken_unless_they_have_gradients():
    tensor = torch.ones((2, 4))
    assert check_pixels(tensor, None).tolist() == [[1] * 4] * 2
    with pytest.raises(ValueError, match=r"^X: Can't call numpy"):
        check_pixels(tensor.requires_grad_(), None)


def test_errors_name_the_estimator():
    with pytest.raises(ValueError, match=r"0 sample\(s\).* is required by Somebody\."):
        check_pixels(np.zeros((0, 4)), "Somebody")


@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            ["x", "y"],
            r"'b' of X holds no numbers but str, .*\(X: could not convert string to float",
        ),
        (np.array([1j, 2]), r"'b' of X holds no numbers but complex, .*\(X: "),
        (np.array(["2020", "2021"], "M8[ns]"), r"'b' of X holds no numbers but .{,400}$"),
        (np.ones((2, 2, 2)), r"'b' of X holds whole images, .*pixel: give X\['b'\]\."),
    ],
)
def test_the_column_that_is_no_pixel_is_named(library, column, message):
    if library is pd:
        column = list(column)
    elif np.iscomplexobj(column):
        column = pl.Series(column.tolist(), dtype=pl.Object)
    X = library.DataFrame({"a": [1.0, 2.0], "b": column, "c": ["x", "y"]})
    with pytest.raises(ValueError, match=message):
        check_pixels(X, None)


def test_arrays_with_a_mask_of_nothing_are_taken():
    assert check_pixels(np.ma.masked_equal([[0, 1]], 7), None).tolist() == [[0, 1]]


def test_what_is_wrong_with_a_frame_and_no_column_is_told_as_it_is():
    with pytest.raises(ValueError, match=r"^Input X contains NaN\."):
        check_pixels(pd.DataFrame({"a": [1.0, np.nan]}), None)


def test_frames_and_lists_of_numbers_in_objects_become_numbers():
    for X in (
        np.array([[1, 2], [3, 4]], dtype=object),
        pd.DataFrame({"a": [1, 3], "b": [2, 4]}, dtype="Int64"),
        pl.DataFrame({"a": [1, 3], "b": [2, 4]}),
    ):
        pixels = check_pixels(X, None)
        assert pixels.dtype.kind in "if"
        assert pixels.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([[1.0, None], [2.0, 3.0]], ValueError, r"^Input X contains NaN\."),
        ([[True, None], [True, False]], ValueError, r"^Input X contains NaN\."),
        (pl.DataFrame({"a": [True, None]}), ValueError, r"^Input X contains NaN\."),
        ([[10**400, 1]], ValueError, "^X: int too large to convert to float"),
        (
            np.array([[1]], "m8[D]"),
            ValueError,
            r"^X must hold numbers, but its dtype is timedelta64",
        ),
        (np.array([["2020-01-01"]], "M8[D]"), ValueError, "^X must hold numbers, but its dtype is"),
        ([[object()]], TypeError, r"^X: float\(\) argument must be"),
        (
            pl.LazyFrame({"a": [1]}),
            TypeError,
            r"^X is a LazyFrame, which has no pixels yet: give X\.collect\(\)\.$",
        ),
        (np.ma.masked_equal([[0, 1]], 1), ValueError, "^Input X contains masked values"),
        (
            np.ones(9),
            ValueError,
            r"^X: .*1D.*\(9,\)\. Reshape .* single image is X\[np\.",
        ),
        (sparse.eye_array(2), TypeError, "^Sparse data was passed for X"),
        ([], ValueError, "^X: Expected 2D array, got 1D array instead"),
        (pd.Series([], dtype=object), ValueError, "^X: "),
        (pd.DataFrame({"a": []}), ValueError, r"^X: Found array with 0 sample\(s\)"),
    ],
)
def test_what_are_no_pixels(X, error, message):
    with pytest.raises(error, match=message):
        check_pixels(X, None)


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
    monkeypatch.setattr("sklearn_shapecnn.images.PIECE_BYTES", 200)
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
    monkeypatch.setattr("sklearn_shapecnn.images.PIECE_BYTES", n_bytes)
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
    with pytest.raises(ValueError, match=r"\(8, 2, 2\) is not what it says.*\[0:8\].*\(6, 2, 2\)"):
        check_pixels(X, None)
    X = Chunked(np.zeros((6, 2, 2)), (6, 2, 2))
    X.shape = (6, 2, 3)
    with pytest.raises(ValueError, match=r"\(6, 2, 3\) is not what it says"):
        check_pixels(X, None)


def test_a_chunked_array_of_parts_that_its_first_dtype_cannot_hold_is_refused(monkeypatch):
    class Fickle(Chunked):
        def __getitem__(self, rows):
            return super().__getitem__(rows).astype("i8" if rows.start == 0 else "f8")

    monkeypatch.setattr("sklearn_shapecnn.images.PIECE_BYTES", 1)
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
