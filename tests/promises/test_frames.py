"""Data frames of pandas and polars with pixels in columns."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from data_frames import LIBRARIES, NAMES, frame_of, series_of
from helpers import small_classifier
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

# Pixels


def test_a_frame_is_the_array_of_its_columns(few, frame, of_arrays):
    X, y = few
    clf = small_classifier().fit(frame, y)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        answer = getattr(clf, method)(frame)
        assert type(answer) is np.ndarray
        np.testing.assert_array_equal(answer, getattr(of_arrays, method)(X))
    assert clf.score(frame, y) == of_arrays.score(X, y)


def test_the_frame_is_left_as_it_was(frame, few):
    before = frame.clone() if isinstance(frame, pl.DataFrame) else frame.copy()
    small_classifier().fit(frame, few[1]).predict(frame)
    assert before.equals(frame)


def test_column_names_are_remembered(frame, few):
    clf = small_classifier().fit(frame, few[1])
    assert clf.feature_names_in_.tolist() == NAMES
    assert clf.n_features_in_ == 64


def test_frames_of_the_other_library_will_do(library, frame, few):
    clf = small_classifier().fit(frame, few[1])
    other = frame_of({"pandas": "polars", "polars": "pandas"}[library], few[0])
    np.testing.assert_array_equal(clf.predict_proba(other), clf.predict_proba(frame))


def test_color_images_in_columns(library):
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    X = rng.uniform(size=(20, 6 * 8 * 3)) + y[:, None]
    frame = frame_of(library, X, [f"pixel{i}" for i in range(X.shape[1])])
    clf = small_classifier(image_shape=(6, 8, 3)).fit(frame, y)
    assert clf.image_shape_ == (6, 8, 3)
    np.testing.assert_array_equal(
        clf.predict_proba(frame), small_classifier().fit(X.reshape(-1, 6, 8, 3), y).predict_proba(X)
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
        small_classifier().fit(frame, y).predict_proba(frame),
        small_classifier().fit(pixels, y).predict_proba(pixels),
    )


def test_columns_of_several_dtypes(library, few):
    pixels = (50 * few[0]).astype(np.uint8)
    frame = frame_of(library, pixels)
    kinds = {"pandas": ("int16", "float64"), "polars": (pl.Int16, pl.Float64)}[library]
    change = dict(zip(NAMES, kinds, strict=False))
    mixed = frame.astype(change) if library == "pandas" else frame.cast(change)
    np.testing.assert_array_equal(
        small_classifier().fit(mixed, few[1]).predict_proba(mixed),
        small_classifier().fit(pixels, few[1]).predict_proba(pixels),
    )


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.Float64, pl.Boolean])
def test_a_null_of_polars_is_a_missing_value(few, dtype):
    X, y = few
    frame = frame_of("polars", X > 1).cast(dtype)
    holed = frame.with_columns(pixel3=pl.when(pl.col("pixel0") == 0).then(pl.col("pixel3")))
    assert holed["pixel3"].null_count()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        small_classifier().fit(holed, y)
    clf = small_classifier().fit(frame, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        clf.predict(holed)


@pytest.mark.parametrize("dtype", ["float32", "Float64", "Int64", "boolean", "object"])
def test_a_missing_value_of_pandas(few, dtype):
    X, y = few
    frame = frame_of("pandas", X > 1).astype(dtype)
    holed = frame.copy()
    holed.loc[5, "pixel3"] = np.nan if dtype == "float32" else None
    with pytest.raises(ValueError, match="Input X contains NaN"):
        small_classifier().fit(holed, y)
    clf = small_classifier().fit(frame, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        clf.predict(holed)


def test_columns_that_hold_no_numbers_are_refused(library, few, frame):
    y = few[1]
    told = series_of(library, np.where(y, "light", "dark"))
    frame = frame.assign(pixel9=told) if library == "pandas" else frame.with_columns(pixel9=told)
    with pytest.raises(ValueError, match="dark"):
        small_classifier().fit(frame, y)


def test_a_frame_without_rows(frame, few):
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        small_classifier().fit(frame[:0], few[1][:0])


def test_a_column_that_is_no_pixel_is_named(library, few, frame):
    told = series_of(library, np.where(few[1], "light", "dark"))
    frame = frame.assign(name=told) if library == "pandas" else frame.with_columns(name=told)
    with pytest.raises(ValueError, match="column 'name' of X holds str values, not numbers"):
        small_classifier().fit(frame, few[1])


def test_a_column_of_whole_images_is_pointed_to(few):
    X, y = few
    images = list(X.reshape(-1, 8, 8))
    for frame in (pd.DataFrame({"image": images}), pl.DataFrame({"image": np.array(images)})):
        with pytest.raises(ValueError, match=r"give X\['image'\]"):
            small_classifier().fit(frame, y)
        assert small_classifier().fit(frame["image"], y).image_shape_ == (8, 8, 1)


def test_a_lazy_frame_is_refused(few):
    with pytest.raises(TypeError, match=r"give X.collect\(\)"):
        small_classifier().fit(frame_of("polars", few[0]).lazy(), few[1])


def test_none_in_a_list_is_a_missing_value():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        small_classifier().fit([[1.0, None, 2.0, 3.0]] * 4, [0, 1, 0, 1])


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
    clf = small_classifier().fit(frame, few[1])
    with pytest.raises(ValueError, match="feature names should match") as error:
        getattr(clf, method)(change(frame))
    assert message in str(error.value)


def test_columns_can_be_put_in_order_by_what_is_remembered(frame, few):
    clf = small_classifier().fit(frame, few[1])
    mixed = frame[NAMES[::-1]]
    np.testing.assert_array_equal(
        clf.predict_proba(mixed[list(clf.feature_names_in_)]), clf.predict_proba(frame)
    )


def test_names_on_one_side_only_warn(frame, few, of_arrays):
    clf = small_classifier().fit(frame, few[1])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(few[0])
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        of_arrays.predict(frame)


def test_names_are_those_of_the_last_fit(frame, few):
    X, y = few
    clf = small_classifier().fit(frame, y)
    assert clf.fit(renamed(frame), y).feature_names_in_[3] == "other"
    assert not hasattr(clf.fit(X.reshape(-1, 8, 8), y), "feature_names_in_")


def test_a_fit_that_fails_leaves_the_names_as_they_were(frame, few):
    clf = small_classifier().fit(frame, few[1])
    with pytest.raises(ValueError, match="only one class"):
        clf.fit(renamed(frame), np.zeros(40))
    assert clf.feature_names_in_.tolist() == NAMES


def test_numbers_as_names_are_none(few):
    assert not hasattr(small_classifier().fit(pd.DataFrame(few[0]), few[1]), "feature_names_in_")


def test_names_of_two_kinds_are_an_error(few):
    frame = pd.DataFrame(few[0]).rename(columns={0: "pixel0"})
    with pytest.raises(TypeError, match="only supported if all input features have string names"):
        small_classifier().fit(frame, few[1])


# Data that arrive in pieces


def test_frames_in_pieces(library, few):
    X, y = few
    frame = frame_of(library, X)
    names = series_of(library, np.where(y, "light", "dark"))
    expected, clf = small_classifier(), small_classifier()
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
    clf = small_classifier().partial_fit(frame, few[1], classes=[0, 1])
    before = clf.predict_proba(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        clf.partial_fit(change(frame), few[1])
    np.testing.assert_array_equal(clf.predict_proba(frame), before)


# What comes out


@pytest.mark.parametrize("out", LIBRARIES)
def test_features_as_a_frame(library, frame, few, of_arrays, out):
    clf = small_classifier().set_output(transform=out)
    features = clf.fit(frame, few[1]).transform(frame)
    assert isinstance(features, LIBRARIES[out].DataFrame)
    assert list(features.columns) == clf.get_feature_names_out().tolist()
    np.testing.assert_array_equal(np.asarray(features), of_arrays.transform(few[0]))
    if out == library == "pandas":  # polars has no index
        moved = frame.set_index(np.arange(40) + 100)
        assert clf.transform(moved).index.equals(moved.index)


def test_only_features_become_frames(frame, few):
    clf = small_classifier().set_output(transform="polars").fit(frame, few[1])
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
    pipeline = make_pipeline(select, small_classifier()).fit(frame, y)
    assert pipeline[-1].feature_names_in_.tolist() == NAMES
    np.testing.assert_array_equal(
        pipeline.predict_proba(frame), small_classifier().fit(X, y).predict_proba(X)
    )
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
    pipeline = make_pipeline(SimpleImputer().set_output(transform=library), small_classifier())
    assert pipeline.fit(frame, y).score(frame, y) > 0.9


def test_searches_and_cross_validation_cut_frames_into_parts(library, few):
    X, y = few
    frame, labels = frame_of(library, X), series_of(library, np.where(y, "light", "dark"))
    expected = cross_val_score(small_classifier(), X, y, cv=2)
    np.testing.assert_array_equal(
        cross_val_score(small_classifier(), frame, labels, cv=2), expected
    )
    search = GridSearchCV(small_classifier(), {"kernel_size": [1, 3]}, cv=2).fit(frame, labels)
    assert search.feature_names_in_.tolist() == NAMES
    assert set(search.predict(frame)) <= {"light", "dark"}
