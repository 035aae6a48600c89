import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.exceptions import DataConversionWarning

from sklearn_shapecnn._input.labels import check_labels, check_some_labels

PIXELS = np.zeros((4, 9))


NAME = "Somebody"


@pytest.mark.parametrize(
    ("y", "classes", "targets"),
    [
        ([3, 1, 3, 2], [1, 2, 3], [2, 0, 2, 1]),
        (["b", "a", "b", "b"], ["a", "b"], [1, 0, 1, 1]),
        ([True, False, False, True], [False, True], [1, 0, 0, 1]),
        ([0.0, 1.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1, 2, 2, 0]),
        ([2**62, -(2**62), 0, 0], [-(2**62), 0, 2**62], [2, 0, 1, 1]),
        (np.array(["b", "a", "b", "b"], dtype=object), ["a", "b"], [1, 0, 1, 1]),
        (np.array([1, 0, 1, 0], dtype=">i2"), [0, 1], [1, 0, 1, 0]),
        (pd.Series([1, 0, 1, 0]), [0, 1], [1, 0, 1, 0]),
        (pd.Series(["b", "a", "b", "b"], dtype="category"), ["a", "b"], [1, 0, 1, 1]),
        (pl.Series(["b", "a", "b", "b"]), ["a", "b"], [1, 0, 1, 1]),
    ],
)
def test_classes_are_sorted_and_targets_point_to_them(y, classes, targets):
    found, indices = check_labels(y, PIXELS, NAME)
    assert found.tolist() == classes
    assert indices.dtype == np.int64
    assert indices.tolist() == targets


@pytest.mark.parametrize(("dtype", "kind"), [("Int64", "i"), ("UInt8", "u"), ("boolean", "b")])
def test_nullable_labels_keep_their_kind(dtype, kind):
    classes, targets = check_labels(pd.Series([1, 0, 1, 0], dtype=dtype), PIXELS, NAME)
    assert classes.dtype.kind == kind
    assert targets.tolist() == [1, 0, 1, 0]


def test_a_column_of_labels_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        classes, targets = check_labels([[1], [0], [1], [0]], PIXELS, NAME)
    assert classes.tolist() == [0, 1]
    assert targets.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "Somebody requires y to be passed, but the target y is None"),
        (3, r"y must be a list or an array of labels, but is 3"),
        (np.eye(4), r"y should be a 1d array of labels.*shape \(4, 4\).*y\.argmax\(axis=1\)"),
        ([[1, 0]] * 4, r"y should be a 1d array of labels.*shape \(4, 2\)"),
        ([[1, 0], [1], [0], [1]], r"^y: setting an array element with a sequence"),
        ([0, 1, 0], r"^y: .* inconsistent numbers of samples: \[4, 3\]"),
        ([0, 1, np.nan, 1], r"Input y contains NaN"),
        ([0, 1, np.inf, 1], r"Input y contains infinity"),
        ([0.5, 1, 2, 3], r"Unknown label type: continuous"),
        ([0, None, 1, 1], r"y must hold .* has dtype object and holds NoneType and int\."),
        (
            np.array([0, 1, 1, 0], object),
            r"holds int\. Convert it, for example by y\.astype\(int\) or",
        ),
        (
            ["a", np.nan, "b", "b"],
            r"y must hold labels of one kind.* but mixes strings with other types",
        ),
        ([0, "a", 1, "b"], r"y must hold labels of one kind.* but mixes strings with other types"),
        (np.ma.masked_equal([0, 1, 1, 2], 2), r"Input y contains masked values"),
        ([[0, 1, 1, 0]], r"of shape \(1, 4\) instead\. Give y\.ravel\(\)\.$"),
        (np.array(["a", None, "b", "b"], object), r"y must hold labels of one kind.*without None"),
        (np.array(["a", 1, "b", 2], object), r"y must hold labels of one kind, all numbers or"),
        (pd.Series([0, None, 1, None], dtype="Int64"), r"Input y contains NaN: 2 of 4 labels"),
        (pl.Series([0, None, 1, 1]), r"Input y contains NaN: 1 of 4 labels"),
        (np.array([1, 2, "NaT", 2], "M8[D]"), r"Input y contains NaN: 1 of 4 labels"),
        (np.array([1, "NaT", "NaT", 2], "m8[s]"), r"Input y contains NaN: 2 of 4 labels"),
        ([1, 1, 1, 1], r"y has only one class, 1; at least 2"),
        (["a"] * 4, r"y has only one class, 'a'"),
    ],
)
def test_what_are_no_labels(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y, PIXELS, NAME)


def test_no_labels_at_all():
    with pytest.raises(ValueError, match="y is empty"):
        check_labels([], None, NAME)


def test_one_class_where_one_is_enough():
    classes, targets = check_labels([7, 7, 7, 7], PIXELS, NAME, least=1)
    assert classes.tolist() == [7]
    assert targets.tolist() == [0, 0, 0, 0]


def test_another_name_in_all_messages():
    with pytest.raises(ValueError, match="classes has only one class"):
        check_labels([1], None, NAME, name="classes")
    with pytest.raises(ValueError, match="Input classes contains NaN"):
        check_labels([1, np.nan], None, NAME, name="classes")
    with pytest.raises(ValueError, match=r"Input classes contains NaN: 1 of 2"):
        check_labels(pd.Series([1, None], dtype="Int64"), None, NAME, name="classes")


def test_some_labels_point_to_all_classes():
    classes, targets = check_some_labels(["c", "a", "c", "c"], PIXELS, list("cba"), None, NAME)
    assert classes.tolist() == ["a", "b", "c"]
    assert targets.tolist() == [2, 0, 2, 2]


@pytest.mark.parametrize("classes", [None, [3, 1, 2]])
def test_classes_from_before_hold(classes):
    fitted = np.array([1, 2, 3])
    known, targets = check_some_labels([2, 2, 2, 2], PIXELS, classes, fitted, NAME)
    assert known.tolist() == [1, 2, 3]
    assert targets.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("y", "classes", "fitted", "message"),
    [
        (None, [0, 1], None, "Somebody requires y to be passed, but the target y is None"),
        (
            [0, 1, 0, 1],
            None,
            None,
            r"^classes must be passed on the first call to partial_fit: all labels that will ever "
            r"occur, such as classes=np\.unique\(y_all\)\.$",
        ),
        ([0, 1, 0, 1], [0, 1, 2], np.array([0, 1]), r"`classes=\[0, 1, 2\]` is not the same"),
        ([0, 5, 0, 1], [0, 1], None, r"y holds 5, which is not among the classes \[0, 1\]"),
        ([0, 5, 0, 1], None, np.array([0, 1]), r"y holds 5, which is not among the classes"),
        (["a", "b", "a", "a"], [0, 1], None, r"y holds .* not among the classes \[0, 1\]"),
        (np.array(list("abaa"), object), [0, 1], None, "y holds 'a', which is not among the"),
        ([0, 1, 0, 1], [0], None, "classes has only one class"),
        ([0, 1, 0], [0, 1], None, "inconsistent numbers of samples"),
    ],
)
def test_labels_that_do_not_agree(y, classes, fitted, message):
    with pytest.raises(ValueError, match=message):
        check_some_labels(y, PIXELS, classes, fitted, NAME)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (8, 6, 3, 10),
            r"^y holds 10 labels, but X of shape \(8, 6, 3, 10\) holds 8 images, counted along "
            r"the first axis\. If the images are along the last axis, as in MATLAB, give "
            r"np\.moveaxis\(X, -1, 0\)\.$",
        ),
        ((8, 6, 10), r"give np\.moveaxis\(X, -1, 0\)\.$"),
        ((64, 10), r"X of shape \(64, 10\) holds 64 images, .* give X\.T\.$"),
        ((8, 10, 6), "inconsistent numbers of samples"),
        ((11, 64), "inconsistent numbers of samples"),
    ],
)
def test_images_that_lie_along_the_last_axis(shape, message):
    with pytest.raises(ValueError, match=message):
        check_labels([0, 1] * 5, np.zeros(shape), NAME)
    with pytest.raises(ValueError, match=message):
        check_some_labels([0, 1] * 5, np.zeros(shape), [0, 1], None, NAME)


def test_what_holds_with_assume_finite_too():
    with sklearn.config_context(assume_finite=True):
        for y in ([0, 1, np.nan, 1], np.array([0, 1, np.nan, 1])):
            with pytest.raises(ValueError, match="Input y contains NaN: 1 of 4 labels"):
                check_labels(y, PIXELS, NAME)
        with pytest.raises(ValueError, match="Input y contains infinity"):
            check_labels([0, 1, np.inf, 1], PIXELS, NAME)
