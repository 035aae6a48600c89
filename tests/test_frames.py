"""Data frames of pandas and polars: pixels in columns, labels and weights in Series."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_shapecnn import ShapeCNNClassifier

NAMES = [f"pixel{i}" for i in range(64)]
LIBRARIES = {"pandas": pd, "polars": pl}


def quick(**parameters):
    return ShapeCNNClassifier(**({"n_filters": 8, "max_iter": 2, "random_state": 0} | parameters))


def frame_of(library, X, names=NAMES):
    if library == "pandas":
        return pd.DataFrame(X, columns=names)
    return pl.DataFrame(np.asarray(X), schema=list(names))


def series_of(library, values, **settings):
    values = list(values)
    if library == "pandas":
        return pd.Series(values, **settings)
    return pl.Series(values=values, **settings)


@pytest.fixture(params=LIBRARIES)
def library(request):
    return request.param


@pytest.fixture
def frame(library, few):
    return frame_of(library, few[0])


@pytest.fixture(scope="module")
def of_arrays(few):
    """A classifier that was fitted to plain arrays."""
    return quick().fit(*few)


# Pixels


def test_a_frame_is_the_array_of_its_columns(few, frame, of_arrays):
    X, y = few
    clf = quick().fit(frame, y)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        answer = getattr(clf, method)(frame)
        assert type(answer) is np.ndarray
        np.testing.assert_array_equal(answer, getattr(of_arrays, method)(X))
    assert clf.score(frame, y) == of_arrays.score(X, y)


def test_the_frame_is_left_as_it_was(frame, few):
    before = frame.clone() if isinstance(frame, pl.DataFrame) else frame.copy()
    quick().fit(frame, few[1]).predict(frame)
    assert before.equals(frame)


def test_column_names_are_remembered(frame, few):
    clf = quick().fit(frame, few[1])
    assert clf.feature_names_in_.tolist() == NAMES
    assert clf.n_features_in_ == 64


def test_frames_of_the_other_library_will_do(library, frame, few):
    clf = quick().fit(frame, few[1])
    other = frame_of({"pandas": "polars", "polars": "pandas"}[library], few[0])
    np.testing.assert_array_equal(clf.predict_proba(other), clf.predict_proba(frame))


def test_colour_images_in_columns(library):
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    X = rng.uniform(size=(20, 6 * 8 * 3)) + y[:, None]
    frame = frame_of(library, X, [f"pixel{i}" for i in range(X.shape[1])])
    clf = quick(image_shape=(6, 8, 3)).fit(frame, y)
    assert clf.image_shape_ == (6, 8, 3)
    np.testing.assert_array_equal(
        clf.predict_proba(frame), quick().fit(X.reshape(-1, 6, 8, 3), y).predict_proba(X)
    )


@pytest.mark.parametrize(
    ("library", "dtype"),
    [
        *(("pandas", name) for name in ("uint8", "Int64", "UInt8", "Float32", "boolean")),
        *(("polars", dtype) for dtype in (pl.UInt8, pl.Int64, pl.Float32, pl.Boolean)),
        ("polars", pl.Decimal(10, 3)),
    ],
)
def test_any_numeric_dtype(few, library, dtype):
    X, y = few
    is_bool = dtype in ("boolean", pl.Boolean)
    pixels = X > 1 if is_bool else (50 * X).astype(np.uint8)
    frame = frame_of(library, pixels)
    frame = frame.astype(dtype) if library == "pandas" else frame.cast(dtype)
    np.testing.assert_array_equal(
        quick().fit(frame, y).predict_proba(frame), quick().fit(pixels, y).predict_proba(pixels)
    )


def test_columns_of_several_dtypes(library, few):
    pixels = (50 * few[0]).astype(np.uint8)
    frame = frame_of(library, pixels)
    kinds = {"pandas": ("int16", "float64"), "polars": (pl.Int16, pl.Float64)}[library]
    change = dict(zip(NAMES, kinds, strict=False))
    mixed = frame.astype(change) if library == "pandas" else frame.cast(change)
    np.testing.assert_array_equal(
        quick().fit(mixed, few[1]).predict_proba(mixed),
        quick().fit(pixels, few[1]).predict_proba(pixels),
    )


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.Float64, pl.Boolean])
def test_a_null_of_polars_is_a_missing_value(few, dtype):
    X, y = few
    frame = frame_of("polars", X > 1).cast(dtype)
    holed = frame.with_columns(pixel3=pl.when(pl.col("pixel0") == 0).then(pl.col("pixel3")))
    assert holed["pixel3"].null_count()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        quick().fit(holed, y)
    clf = quick().fit(frame, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        clf.predict(holed)


@pytest.mark.parametrize("dtype", ["float32", "Float64", "Int64", "boolean", "object"])
def test_a_missing_value_of_pandas(few, dtype):
    X, y = few
    frame = frame_of("pandas", X > 1).astype(dtype)
    holed = frame.copy()
    holed.loc[5, "pixel3"] = np.nan if dtype == "float32" else None
    with pytest.raises(ValueError, match="Input X contains NaN"):
        quick().fit(holed, y)
    clf = quick().fit(frame, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        clf.predict(holed)


def test_columns_that_hold_no_numbers_are_refused(library, few, frame):
    y = few[1]
    told = series_of(library, np.where(y, "light", "dark"))
    frame = frame.assign(pixel9=told) if library == "pandas" else frame.with_columns(pixel9=told)
    with pytest.raises(ValueError, match="dark"):
        quick().fit(frame, y)


def test_a_frame_without_rows(frame, few):
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        quick().fit(frame[:0], few[1][:0])


# Column names


def renamed(frame):
    names = {"pixel3": "other"}
    return frame.rename(columns=names) if isinstance(frame, pd.DataFrame) else frame.rename(names)


def extended(frame):
    one = {"label": 1}
    return frame.assign(**one) if isinstance(frame, pd.DataFrame) else frame.with_columns(**one)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function", "transform"]
)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (renamed, "unseen at fit time:\n- other"),
        (lambda frame: frame[NAMES[:-1]], "yet now missing:\n- pixel63"),
        (extended, "unseen at fit time:\n- label"),
        (lambda frame: frame[NAMES[::-1]], "must be in the same order"),
    ],
    ids=["renamed", "missing", "one more", "reordered"],
)
def test_wrong_columns_are_an_error(frame, few, method, change, message):
    clf = quick(max_iter=1).fit(frame, few[1])
    with pytest.raises(ValueError, match="feature names should match") as error:
        getattr(clf, method)(change(frame))
    assert message in str(error.value)


def test_columns_can_be_put_in_order_by_what_is_remembered(frame, few):
    clf = quick().fit(frame, few[1])
    mixed = frame[NAMES[::-1]]
    np.testing.assert_array_equal(
        clf.predict_proba(mixed[list(clf.feature_names_in_)]), clf.predict_proba(frame)
    )


def test_names_on_one_side_only_warn(frame, few, of_arrays):
    clf = quick(max_iter=1).fit(frame, few[1])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(few[0])
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        of_arrays.predict(frame)


def test_names_are_those_of_the_last_fit(frame, few):
    X, y = few
    clf = quick(max_iter=1).fit(frame, y)
    assert clf.fit(renamed(frame), y).feature_names_in_[3] == "other"
    assert not hasattr(clf.fit(X.reshape(-1, 8, 8), y), "feature_names_in_")


def test_a_fit_that_fails_leaves_the_names_as_they_were(frame, few):
    clf = quick(max_iter=1).fit(frame, few[1])
    with pytest.raises(ValueError, match="only one class"):
        clf.fit(renamed(frame), np.zeros(40))
    assert clf.feature_names_in_.tolist() == NAMES


def test_numbers_as_names_are_none(few):
    assert not hasattr(quick(max_iter=1).fit(pd.DataFrame(few[0]), few[1]), "feature_names_in_")


def test_names_of_two_kinds_are_an_error(few):
    frame = pd.DataFrame(few[0]).rename(columns={0: "pixel0"})
    with pytest.raises(TypeError, match="only supported if all input features have string names"):
        quick().fit(frame, few[1])


# Data that arrive in pieces


def test_frames_in_pieces(library, few):
    X, y = few
    frame = frame_of(library, X)
    names = series_of(library, np.where(y, "light", "dark"))
    expected, clf = quick(), quick()
    for part in (slice(0, 20), slice(20, 40)):
        expected.partial_fit(X[part], y[part], classes=[0, 1])
        clf.partial_fit(frame[part], names[part], classes=names.unique())
    assert clf.feature_names_in_.tolist() == NAMES
    assert clf.classes_.tolist() == ["dark", "light"]
    np.testing.assert_array_equal(clf.predict_proba(frame), expected.predict_proba(X))


@pytest.mark.parametrize(
    "change",
    [renamed, extended, lambda frame: frame[NAMES[::-1]]],
    ids=["renamed", "more", "order"],
)
def test_wrong_columns_in_a_later_piece(frame, few, change):
    clf = quick().partial_fit(frame, few[1], classes=[0, 1])
    before = clf.predict_proba(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        clf.partial_fit(change(frame), few[1])
    np.testing.assert_array_equal(clf.predict_proba(frame), before)


# Labels and weights


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
    clf = quick().fit(X, series_of(library, names, **settings))
    # Sorted, and only those that are there, whatever order and categories the Series knows.
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
    clf = quick().fit(X, series_of(library, (3 * y + 2).tolist(), **settings))
    np.testing.assert_array_equal(clf.predict(X), 3 * of_arrays.predict(X) + 2)


def test_bools_as_labels_come_back(library, few, of_arrays):
    X, y = few
    predicted = quick().fit(X, series_of(library, (y == 1).tolist())).predict(X)
    assert predicted.dtype == bool
    np.testing.assert_array_equal(predicted, of_arrays.predict(X) == 1)


def test_rows_and_labels_belong_together_by_place(few):
    X, y = few
    labels = pd.Series(y, index=np.arange(40)[::-1])
    assert quick().fit(frame_of("pandas", X), labels).score(X[:, ::1].reshape(-1, 8, 8), y) > 0.9


@pytest.mark.parametrize("values", [[None, 1, 0, 1] * 10, [None, "b", "a", "b"] * 10])
def test_missing_labels_are_refused(library, few, values):
    with pytest.raises(ValueError, match=r"NaN|[Ll]abel"):
        quick().fit(few[0], series_of(library, values))


def test_weights_in_a_series(library, few):
    X, y = few
    weights = np.linspace(0.1, 2, 40)
    expected = quick().fit(X, y, sample_weight=weights).predict_proba(X)
    clf = quick().fit(frame_of(library, X), y, sample_weight=series_of(library, weights))
    np.testing.assert_array_equal(clf.predict_proba(frame_of(library, X)), expected)


def test_missing_weights_are_refused(library, few):
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        quick().fit(*few, sample_weight=series_of(library, [None] + 39 * [1.0]))


# What comes out


@pytest.mark.parametrize("out", LIBRARIES)
def test_features_as_a_frame(library, frame, few, of_arrays, out):
    clf = quick().set_output(transform=out)
    features = clf.fit(frame, few[1]).transform(frame)
    assert isinstance(features, LIBRARIES[out].DataFrame)
    assert list(features.columns) == clf.get_feature_names_out().tolist()
    np.testing.assert_array_equal(np.asarray(features), of_arrays.transform(few[0]))
    if out == library == "pandas":  # polars has no index
        moved = frame.set_index(np.arange(40) + 100)
        assert clf.transform(moved).index.equals(moved.index)


def test_only_features_become_frames(frame, few):
    clf = quick().set_output(transform="polars").fit(frame, few[1])
    assert type(clf.predict(frame)) is type(clf.predict_proba(frame)) is np.ndarray


# In company


def test_columns_are_chosen_by_a_column_transformer(library, few):
    X, y = few
    told = series_of(library, ["some text"] * 40)
    frame = frame_of(library, X)
    frame = frame.assign(name=told) if library == "pandas" else frame.with_columns(name=told)
    select = ColumnTransformer(
        [("pixels", "passthrough", make_column_selector("^pixel"))]
        if library == "pandas"  # make_column_selector knows pandas only
        else [("pixels", "passthrough", NAMES)],
        verbose_feature_names_out=False,
    ).set_output(transform=library)
    pipeline = make_pipeline(select, quick()).fit(frame, y)
    assert pipeline[-1].feature_names_in_.tolist() == NAMES
    np.testing.assert_array_equal(pipeline.predict_proba(frame), quick().fit(X, y).predict_proba(X))
    without = frame.drop(columns="pixel3") if library == "pandas" else frame.drop("pixel3")
    with pytest.raises(ValueError, match=r"columns are missing.*pixel3"):
        pipeline.predict(without)


def test_missing_pixels_are_filled_in_by_an_imputer(library, few):
    X, y = few
    holed = X.copy()
    holed[3, 5] = np.nan
    frame = frame_of(library, holed)
    if library == "polars":
        frame = frame.fill_nan(None)
    pipeline = make_pipeline(SimpleImputer().set_output(transform=library), quick())
    assert pipeline.fit(frame, y).score(frame, y) > 0.9


def test_searches_and_cross_validation_cut_frames_into_parts(library, few):
    X, y = few
    frame, labels = frame_of(library, X), series_of(library, np.where(y, "light", "dark"))
    expected = cross_val_score(quick(), X, y, cv=2)
    np.testing.assert_array_equal(cross_val_score(quick(), frame, labels, cv=2), expected)
    search = GridSearchCV(quick(), {"kernel_size": [1, 3]}, cv=2).fit(frame, labels)
    assert search.feature_names_in_.tolist() == NAMES
    assert set(search.predict(frame)) <= {"light", "dark"}


# To be added to tests/test_frames.py once frames.patch is in.


@pytest.mark.parametrize(
    ("values", "dtype", "kind"), [([3, 5] * 20, "Int64", "i"), ([False, True] * 20, "boolean", "b")]
)
def test_nullable_labels_stay_ints_and_bools(few, values, dtype, kind):
    clf = quick().fit(few[0], series_of("pandas", values, dtype=dtype))
    assert clf.classes_.dtype.kind == kind
    assert clf.classes_.tolist() == values[:2]


@pytest.mark.parametrize("dtype", ["Int64", "string", "category", "object"])
def test_the_number_of_missing_labels_is_told_for_pandas(few, dtype):
    values = [None, 1, 0, 1] * 10 if dtype == "Int64" else [None, "b", "a", "b"] * 10
    with pytest.raises(ValueError, match="y contains NaN: 10 of 40 labels"):
        quick().fit(few[0], series_of("pandas", values, dtype=dtype))


@pytest.mark.parametrize("values", [[None, 1, 0, 1] * 10, [None, "b", "a", "b"] * 10])
def test_the_number_of_missing_labels_is_told_for_polars(few, values):
    with pytest.raises(ValueError, match="y contains NaN: 10 of 40 labels"):
        quick().fit(few[0], series_of("polars", values))


def test_a_column_that_is_no_pixel_is_named(library, few, frame):
    told = series_of(library, np.where(few[1], "light", "dark"))
    frame = frame.assign(name=told) if library == "pandas" else frame.with_columns(name=told)
    with pytest.raises(ValueError, match="column 'name' of X holds no numbers but str"):
        quick().fit(frame, few[1])


def test_a_column_of_whole_images_is_pointed_to(few):
    X, y = few
    images = list(X.reshape(-1, 8, 8))
    for frame in (pd.DataFrame({"image": images}), pl.DataFrame({"image": np.array(images)})):
        with pytest.raises(ValueError, match=r"give X\['image'\]"):
            quick().fit(frame, y)
        assert quick().fit(frame["image"], y).image_shape_ == (8, 8, 1)


def test_a_lazy_frame_is_refused(few):
    with pytest.raises(TypeError, match=r"give X.collect\(\)"):
        quick().fit(frame_of("polars", few[0]).lazy(), few[1])


def test_none_in_a_list_is_a_missing_value():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        quick().fit([[1.0, None, 2.0, 3.0]] * 4, [0, 1, 0, 1])
