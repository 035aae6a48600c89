import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
import xarray as xr
from scipy import sparse

from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.pixels import check_pixels, is_ready


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "f8", "?"])
def test_pixels_are_not_copied_as_a_whole(dtype):
    X = np.ones((4, 2, 3), dtype=dtype)
    X.flags.writeable = False
    assert np.shares_memory(check_pixels(X, None), X)
    assert np.shares_memory(ImageSet(X, (2, 3, 1)).pixels, X)


@pytest.mark.parametrize("shape", [(4, 6), (4, 2, 3), (1, 2, 3, 1)])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_most_arrays_are_ready(dtype, shape):
    X = np.ones(shape, dtype=dtype)
    assert is_ready(X)
    assert is_ready(X.T)
    assert check_pixels(X, None) is X


@pytest.mark.parametrize(
    "X",
    [
        np.ones((0, 6)),
        np.ones((4, 0)),
        np.ones(6),
        np.ones((1, 2, 3, 1, 1)),
        np.ones((4, 6), dtype=bool),
        np.ones((4, 6), dtype=np.float16),
        np.ones((4, 6), dtype=">f4"),
        np.ones((4, 6), dtype=complex),
        np.ones((4, 6), dtype=object),
        np.full((4, 6), "1"),
        np.ma.ones((4, 6)),
        np.ones((4, 6)).tolist(),
        torch.ones(4, 6),
        pd.DataFrame(np.ones((4, 6))),
        np.array([[1.0, np.nan]]),
        np.array([[1.0, np.inf]], dtype=np.float32),
        np.array([[-np.inf, np.inf]]),
        np.full((4, 6), 3e38, dtype=np.float32),  # the sum is infinite
    ],
)
def test_all_else_is_looked_at_more_closely(X):
    assert not is_ready(X)


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
        ([b"a.png", b"b.png"], r"holds strings, such as \"b'a\.png'\".*ImageReader"),
        ("a.png", r"holds strings, such as 'a\.png'.*ImageReader"),
        (["a.png", "b.png"], r"holds strings, such as 'a\.png'.*ImageReader"),
    ],
)
def test_boxes_of_something_else_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        check_pixels(X, None)


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


def test_tensors_are_taken_and_so_are_lists_of_them():
    tensor = torch.ones((2, 3, 3))
    for X in (tensor, tensor.clone().requires_grad_(), list(tensor.bfloat16())):
        assert check_pixels(X, None).tolist() == tensor.tolist()


def test_a_mask_on_one_image_of_a_list_is_not_lost():
    images = [np.ma.masked_equal([[0, 1]], value) for value in (7, 1)]
    with pytest.raises(ValueError, match=r"^Input X contains masked values"):
        check_pixels(images, None)
    assert check_pixels(images[:1], None).tolist() == [[[0, 1]]]


def test_an_array_of_xarray_in_memory_is_not_copied():
    images = np.ones((4, 2, 3))
    assert np.shares_memory(check_pixels(xr.DataArray(images), None), images)


def test_errors_name_the_estimator():
    with pytest.raises(ValueError, match=r"0 sample\(s\).* is required by Somebody\."):
        check_pixels(np.zeros((0, 4)), "Somebody")


@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            ["x", "y"],
            r"'b' of X holds str values, not numbers, .*\(X: could not convert string to float",
        ),
        (np.array([1j, 2]), r"'b' of X holds complex values, not numbers, .*\(X: "),
        (
            np.array(["2020", "2021"], "M8[ns]"),
            r"'b' of X holds .{,20} values, not numbers.{,400}$",
        ),
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


IMAGES = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "X",
    [
        pl.Series(IMAGES.tolist()),
        pl.Series(list(IMAGES), dtype=pl.Object),
        pa.array(IMAGES.tolist()),
        pa.chunked_array([IMAGES.tolist()]),
        pd.Series(IMAGES.tolist()),
    ],
    ids=["polars lists", "polars objects", "Arrow", "Arrow chunks", "pandas lists"],
)
def test_nested_columns_become_images(X):
    pixels = check_pixels(X, None)
    assert pixels.dtype.kind == "f"
    np.testing.assert_array_equal(pixels, IMAGES)


@pytest.mark.parametrize("library", [pl, pa])
def test_nested_columns_of_unequal_sizes_are_refused_in_a_line(library):
    make = library.Series if library is pl else library.array
    for X in ([[1.0, 2.0], [3.0]], [[[1.0, 2.0], [3.0]]], [[[1.0], [2.0]], [[1.0]]]):
        with pytest.raises(ValueError, match=r"^X") as caught:
            check_pixels(make(X), None)
        assert len(str(caught.value)) < 300


def test_an_arrow_table_of_images_is_told_its_column():
    with pytest.raises(ValueError, match=r"column 'image' of X holds whole images.*X\['image'\]"):
        check_pixels(pa.table({"image": IMAGES.reshape(2, 12).tolist()}), None)


@pytest.mark.parametrize("kind", [np.ndarray, np.recarray])
def test_a_structured_array_is_told_its_fields(kind):
    X = np.zeros(3, dtype=[("label", "i4"), ("image", "f4", (4,))]).view(kind)
    with pytest.raises(ValueError, match=r"fields label, image\. .* such as X\['image'\]\.$"):
        check_pixels(X, None)
    assert check_pixels(X["image"], None).shape == (3, 4)
    X = np.zeros(3, dtype=[("a", "i4"), ("b", "f4")]).view(kind)
    with pytest.raises(ValueError, match=r"such as np\.column_stack") as caught:
        check_pixels(X, None)
    pixels = eval(str(caught.value).split("such as ")[1].rstrip("."), {"np": np, "X": X})
    assert check_pixels(pixels, None).shape == (3, 2)


def test_a_frame_may_have_a_column_of_any_name():
    X = pd.DataFrame({"column_names": ["x", "y"], "a": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"^The column 'column_names' of X holds str values"):
        check_pixels(X, None)


def test_a_list_of_dicts_is_told_the_key():
    with pytest.raises(TypeError, match=r"^X is a list whose items have the keys \['image'\]: "):
        check_pixels([{"image": image} for image in IMAGES], None)


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
        (list(range(9)), ValueError, r"^X: .*1D.*\(9,\)\. Reshape"),
        (sparse.eye_array(2), TypeError, "^Sparse data was passed for X"),
        ([], ValueError, "^X: Expected 2D array, got 1D array instead"),
        (pd.Series([], dtype=object), ValueError, "^X: "),
        (pd.DataFrame({"a": []}), ValueError, r"^X: Found array with 0 sample\(s\)"),
    ],
)
def test_what_are_no_pixels(X, error, message):
    with pytest.raises(error, match=message):
        check_pixels(X, None)
