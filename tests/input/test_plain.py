"""Objects of other libraries become arrays of NumPy, or are refused in words."""

import array
import collections
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image
from scipy import sparse
from sklearn.datasets import load_digits

from sklearn_shapecnn._input.plain import as_numpy, has_column_names
from sklearn_shapecnn._network import pretrained

NUMBERS = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "values",
    [
        None, "a.png", b"a", Path("a.png"), 3, 2.5, [1, 2], (1, 2), np.float32(1), np.ma.ones(2),
        pd.DataFrame({"a": [1]}), pd.Series([1]), pd.Index([1]), pd.array([1], dtype="Int64"),
        pl.DataFrame({"a": [1]}), pl.Series([1]), pl.LazyFrame({"a": [1]}), sparse.eye_array(2),
    ],
    ids=lambda values: type(values).__name__,
)  # fmt: skip
def test_what_is_left_as_it_is(values):
    assert as_numpy(values, "X") is values


def test_arrays_are_not_copied():
    for values in (NUMBERS, torch.from_numpy(NUMBERS), memoryview(NUMBERS)):
        assert np.shares_memory(as_numpy(values, "X"), NUMBERS)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.from_numpy(NUMBERS),
        torch.from_numpy(NUMBERS).requires_grad_(),
        torch.from_numpy(NUMBERS).bfloat16(),
        torch.from_numpy(NUMBERS).half(),
        torch.from_numpy(-NUMBERS)._neg_view(),
        torch.from_numpy(NUMBERS.T.copy()).T,
    ],
)
def test_tensors_of_any_kind(tensor):
    np.testing.assert_array_equal(as_numpy(tensor, "X"), NUMBERS)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_tensors_on_a_gpu():
    tensor = torch.from_numpy(NUMBERS).cuda()
    np.testing.assert_array_equal(as_numpy(tensor, "X"), NUMBERS)
    np.testing.assert_array_equal(as_numpy(tensor.bfloat16(), "X"), NUMBERS)


def test_strings_of_new_style_become_strings_or_objects():
    strings = np.array(["a", "bc"], dtype=np.dtypes.StringDType())
    assert as_numpy(strings, "y").dtype == "<U2"
    missing = np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None))
    assert as_numpy(missing, "y").tolist() == ["a", None]


def test_floats_that_numpy_knows_by_another_library_only():
    dtypes = pytest.importorskip("ml_dtypes")
    found = as_numpy(NUMBERS.astype(dtypes.bfloat16), "X")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, NUMBERS)
    records = np.zeros(2, dtype=[("a", "f4")])
    assert as_numpy(records, "X") is records


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(3), [0, 1, 2]),
        (collections.deque([0, 1, 2]), [0, 1, 2]),
        (array.array("i", [0, 1, 2]), [0, 1, 2]),
        (collections.deque([(0, 1), (2, 3)]), [[0, 1], [2, 3]]),
        (Image.fromarray(np.eye(2, dtype=np.uint8)), [[1, 0], [0, 1]]),
    ],
)
def test_sequences_and_buffers(values, expected):
    assert np.asarray(as_numpy(values, "X")).tolist() == expected


class Broken:
    """Has a length, and fails when it comes to items."""

    def __len__(self):
        return 2

    def __getitem__(self, i):
        raise RuntimeError("no such file in the archive")


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (iter([1]), TypeError, r"^X must be .* is a list_iterator, which gives .*list\(X\)\.$"),
        ({1: 2}.values(), TypeError, r"is a dict_values, which gives its items one at a time"),
        ({1: 2}, TypeError, r"is a dict\. Give its values as a list, such as list\(X\.values"),
        (
            np.lib.npyio.NpzFile(Path(pretrained.__file__).with_name(pretrained.SHIPPED)),
            TypeError,
            r"is a NpzFile\. Give an array of the file, such as X\['0_1'\]\.$",
        ),
        (frozenset([1]), TypeError, "is a frozenset, which has no order"),
        (torch.eye(2).to_sparse(), TypeError, r"^X is a sparse tensor.*X\.to_dense\(\)\.$"),
        (torch.eye(2, device="meta"), TypeError, "^X is a tensor on the device 'meta'"),
        (Broken(), ValueError, "^X: no such file in the archive$"),
        (collections.deque([{"a": 1}]), TypeError, r"have the keys \['a'\]: .*\[item\['a'\] for"),
        (collections.deque([(NUMBERS, 1)]), TypeError, "items are tuples of 2, .*SliceDataset"),
    ],
)
def test_what_is_refused(values, error, message):
    with pytest.raises(error, match=message):
        as_numpy(values, "X")


class WithoutCopies:
    """Like CuPy in an old version: no way leads to the CPU but one of its own."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion is not allowed")

    def __dlpack__(self, **settings):
        raise BufferError("the array is on the GPU")

    def __dlpack_device__(self):
        return (2, 0)


def test_arrays_that_cannot_leave_the_gpu_are_refused_with_advice():
    with pytest.raises(TypeError, match=r"^X is of type WithoutCopies, .* use X\.get\(\)\.$"):
        as_numpy(WithoutCopies(), "X")


def test_an_open_file_is_not_read(tmp_path):
    (tmp_path / "names.txt").write_text("a\nb\n")
    with open(tmp_path / "names.txt") as file:
        with pytest.raises(TypeError, match="is a TextIOWrapper, which gives its items one at"):
            as_numpy(file, "y")
        assert file.tell() == 0


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (pd.DataFrame({"a": [1]}), True),
        (pl.DataFrame({"a": [1]}), True),
        (NUMBERS, False),
        ([], False),
    ],
)
def test_only_frames_have_names_of_columns(X, expected):
    assert has_column_names(X) == expected


def test_the_bunch_of_a_data_set_is_named_by_what_is_in_it():
    with pytest.raises(TypeError, match=r"is a Bunch\. Give the array in it: X\.images, or"):
        as_numpy(load_digits(), "X")
