"""Labels and weights in Series of pandas and polars."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from data_frames import frame_of, series_of
from helpers import small_classifier


@pytest.mark.parametrize(
    ("library", "settings"),
    [
        ("pandas", {"dtype": "object"}),
        ("pandas", {"dtype": "str"}),
        ("pandas", {"dtype": "string"}),
        ("pandas", {"dtype": "category"}),
        ("pandas", {"dtype": pd.CategoricalDtype(["light", "dim", "dark"], ordered=True)}),
        ("polars", {"dtype": pl.String}),
        ("polars", {"dtype": pl.Categorical}),
        ("polars", {"dtype": pl.Enum(["light", "dim", "dark"])}),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value["dtype"])[:18],
)
def test_names_as_labels_come_back(few, of_arrays, library, settings):
    X, y = few
    names = np.where(y, "light", "dark")
    clf = small_classifier().fit(X, series_of(library, names, **settings))
    # Sorted, and without categories that no label has.
    assert clf.classes_.tolist() == ["dark", "light"]
    np.testing.assert_array_equal(clf.predict(X), np.array(["dark", "light"])[of_arrays.predict(X)])
    assert clf.score(X, series_of(library, names)) == of_arrays.score(X, y)


@pytest.mark.parametrize(
    ("library", "settings"),
    [
        ("pandas", {"dtype": "int64"}),
        ("pandas", {"dtype": "Int64"}),
        ("pandas", {"dtype": "category"}),
        ("polars", {"dtype": pl.UInt8}),
        ("polars", {"dtype": pl.Int64}),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value["dtype"]),
)
def test_numbers_as_labels_come_back(few, of_arrays, library, settings):
    X, y = few
    clf = small_classifier().fit(X, series_of(library, (3 * y + 2).tolist(), **settings))
    np.testing.assert_array_equal(clf.predict(X), 3 * of_arrays.predict(X) + 2)


def test_bools_as_labels_come_back(library, few, of_arrays):
    X, y = few
    predicted = small_classifier().fit(X, series_of(library, (y == 1).tolist())).predict(X)
    assert predicted.dtype == bool
    np.testing.assert_array_equal(predicted, of_arrays.predict(X) == 1)


def test_rows_and_labels_belong_together_by_place(few):
    X, y = few
    labels = pd.Series(y, index=np.arange(40)[::-1])
    assert (
        small_classifier().fit(frame_of("pandas", X), labels).score(X[:, ::1].reshape(-1, 8, 8), y)
        > 0.9
    )


@pytest.mark.parametrize("values", [[None, 1, 0, 1] * 10, [None, "b", "a", "b"] * 10])
def test_missing_labels_are_refused(library, few, values):
    with pytest.raises(ValueError, match=r"NaN|[Ll]abel"):
        small_classifier().fit(few[0], series_of(library, values))


def test_weights_in_a_series(library, few):
    X, y = few
    weights = np.linspace(0.1, 2, 40)
    expected = small_classifier().fit(X, y, sample_weight=weights).predict_proba(X)
    clf = small_classifier().fit(frame_of(library, X), y, sample_weight=series_of(library, weights))
    np.testing.assert_array_equal(clf.predict_proba(frame_of(library, X)), expected)


def test_missing_weights_are_refused(library, few):
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        small_classifier().fit(*few, sample_weight=series_of(library, [None] + 39 * [1.0]))


@pytest.mark.parametrize(
    ("values", "dtype", "kind"), [([3, 5] * 20, "Int64", "i"), ([False, True] * 20, "boolean", "b")]
)
def test_nullable_labels_stay_ints_and_bools(few, values, dtype, kind):
    clf = small_classifier().fit(few[0], series_of("pandas", values, dtype=dtype))
    assert clf.classes_.dtype.kind == kind
    assert clf.classes_.tolist() == values[:2]


@pytest.mark.parametrize("dtype", ["Int64", "string", "category", "object"])
def test_the_number_of_missing_labels_is_told_for_pandas(few, dtype):
    values = [None, 1, 0, 1] * 10 if dtype == "Int64" else [None, "b", "a", "b"] * 10
    with pytest.raises(ValueError, match="y contains NaN: 10 of 40 labels"):
        small_classifier().fit(few[0], series_of("pandas", values, dtype=dtype))


@pytest.mark.parametrize("values", [[None, 1, 0, 1] * 10, [None, "b", "a", "b"] * 10])
def test_the_number_of_missing_labels_is_told_for_polars(few, values):
    with pytest.raises(ValueError, match="y contains NaN: 10 of 40 labels"):
        small_classifier().fit(few[0], series_of("polars", values))
