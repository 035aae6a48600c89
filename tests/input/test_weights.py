import warnings

import numpy as np
import pytest
import sklearn
import torch
from sklearn.exceptions import ConvergenceWarning

from sklearn_shapecnn._input.weights import check_weights, warn_about_light_classes

PIXELS = np.zeros((4, 9))


CLASSES, TARGETS = np.array(["a", "b"]), np.array([0, 0, 0, 1])


def weights_of(sample_weight=None, class_weight=None, classes=CLASSES, targets=TARGETS):
    return check_weights(sample_weight, class_weight, PIXELS, classes, targets)


def test_all_weigh_the_same_without_weights():
    assert weights_of().tolist() == [0.5] * 4


@pytest.mark.parametrize("factor", [1, 3e-300, 1e300, 0.1])
def test_the_largest_weight_is_between_a_half_and_one_and_the_ratios_are_kept(factor):
    given = np.array([1, 2, 3, 5]) * factor
    found = weights_of(given)
    assert 0.5 <= found.max() < 1
    np.testing.assert_array_equal(found / found[0], given / given[0])


def test_weights_are_of_double_precision_whatever_they_came_as():
    for dtype in ("f2", "f4", "i1"):
        assert weights_of(np.array([1, 2, 3, 5], dtype=dtype)).dtype == np.float64


def test_weights_lost_beside_the_others_are_zero():
    found = weights_of([1, 1e-29, 1e-31, 0])
    assert found[0] > 0
    assert found[1] > 0
    assert found[2:].tolist() == [0, 0]


@pytest.mark.parametrize("sample_weight", [2, 0.25, np.float32(3), np.array(2), torch.tensor(2)])
def test_one_weight_for_all(sample_weight):
    assert len(set(weights_of(sample_weight).tolist())) == 1


def test_class_weights_multiply_those_of_the_images():
    found = weights_of([1, 2, 1, 1], {"a": 1, "b": 4})
    assert (found / found[0]).tolist() == [1, 2, 1, 4]


def test_classes_that_the_dict_leaves_out_weigh_one():
    found = weights_of(class_weight={"b": 2})
    assert (found / found[0]).tolist() == [1, 1, 1, 2]


@pytest.mark.parametrize("kind", [str, int])
def test_classes_named_by_numerals_have_strings_or_numbers_as_keys(kind):
    names = np.array(["-1", "10"])
    found = weights_of(class_weight={kind(10): 4}, classes=names)
    assert (found / found[0]).tolist() == [1, 1, 1, 4]
    found = weights_of(class_weight={kind(-1): 2, kind(10): 4}, classes=names)
    assert (found / found[0]).tolist() == [1, 1, 1, 2]


KINDS = [[0, 1], [0.5, 1.5], [False, True], ["1.5", "x"], ["1", "x"]]


@pytest.mark.parametrize("classes", KINDS)
def test_a_class_of_any_kind_can_have_a_weight(classes):
    classes = np.array(classes)
    found = weights_of(class_weight={classes[1]: 4}, classes=classes)
    assert (found / found[0]).tolist() == [1, 1, 1, 4]
    found = weights_of(class_weight={classes.tolist()[0]: 4}, classes=classes)
    assert (found / found[3]).tolist() == [4, 4, 4, 1]


@pytest.mark.parametrize("dtype", ["M8[D]", "M8[ns]", "m8[s]"])
def test_a_class_named_by_a_date_can_have_a_weight(dtype):
    classes = np.array([18000, 18001]).astype(dtype)
    found = weights_of(class_weight={classes[1]: 4}, classes=classes)
    assert (found / found[0]).tolist() == [1, 1, 1, 4]
    found = weights_of(class_weight={classes[0]: 2, classes[1]: 8}, classes=classes)
    assert (found / found[0]).tolist() == [1, 1, 1, 4]
    with pytest.raises(ValueError, match=r"which is not among the labels"):
        weights_of(class_weight={"2020-01-01": 4}, classes=classes)


def test_a_dict_may_have_more_classes_than_are_here_if_it_has_all_that_are():
    found = weights_of(class_weight={"a": 1, "b": 2, "c": 3})
    assert (found / found[0]).tolist() == [1, 1, 1, 2]


def test_balanced_gives_all_classes_the_same_total():
    found = weights_of(class_weight="balanced")
    assert found[:3].sum() == pytest.approx(found[3])
    found = weights_of([1, 5, 2, 3], "balanced")
    assert found[:3].sum() == pytest.approx(found[3])
    assert found[1] / found[0] == pytest.approx(5)


def test_balanced_leaves_out_classes_without_weight():
    classes, targets = np.array([0, 1, 2]), np.array([0, 0, 1, 2])
    found = weights_of([1, 1, 2, 0], "balanced", classes, targets)
    assert found[3] == 0
    assert found[:2].sum() == pytest.approx(found[2])


def test_balanced_leaves_out_classes_without_images():
    found = weights_of([1, 1, 2, 4], "balanced", np.arange(3), np.array([0, 0, 1, 1]))
    assert found[:2].sum() == pytest.approx(found[2:].sum())


@pytest.mark.parametrize("tiny", [1e-300, 1e-260])
def test_balanced_leaves_out_classes_of_next_to_no_weight(tiny):
    found = weights_of([1, 1, 1, tiny], "balanced")
    assert np.isfinite(found).all()
    assert found[3] == 0
    assert len(set(found[:3].tolist())) == 1


@pytest.mark.parametrize(
    ("sample_weight", "class_weight", "message"),
    [
        ([1, 1, 1], None, r"sample_weight.shape == \(3,\), expected \(4,\)"),
        ([1, 1, 1, -1], None, "Negative values in data passed to `sample_weight`"),
        (-1.0, None, "Negative values in data passed to `sample_weight`"),
        ([1, 1, 1, np.nan], None, "Input sample_weight contains NaN"),
        ([1, 1, 1, np.inf], None, "Input sample_weight contains infinity"),
        (np.ma.masked_equal([1, 1, 1, 2], 2), None, "Input sample_weight contains masked values"),
        (np.nan, None, "Input sample_weight contains NaN"),
        (np.arange(4).astype("m8[D]"), None, "^sample_weight holds durations, not numbers"),
        ([0, 0, 0, 0], None, "weights are zero|sample_weight: .* at least one non-zero number"),
        (
            None,
            {"a": 0, "b": 0},
            r"^All sample weights are zero: there is no image to learn from\. Check "
            r"sample_weight and class_weight\.$",
        ),
        (None, {"a": -1}, "class_weight must hold finite numbers that are not negative"),
        (None, {"a": np.inf}, "class_weight must hold finite numbers that are not negative"),
        (None, {"a": np.nan}, "class_weight must hold finite numbers that are not negative"),
        (None, {"c": 2}, r"class_weight holds 'c', which is not among the labels \['a', 'b'\]"),
        (None, {"a": 1, "c": 2}, "class_weight holds 'c', which is not among the labels"),
        (None, {"a": "heavy"}, "^class_weight: could not convert string to float: 'heavy'"),
    ],
)
def test_what_are_no_weights(sample_weight, class_weight, message):
    with pytest.raises(ValueError, match=message):
        weights_of(sample_weight, class_weight)


def test_missing_weights_are_refused_with_assume_finite_too():
    with sklearn.config_context(assume_finite=True):
        for weight in (np.nan, np.inf):
            with pytest.raises(ValueError, match="Input sample_weight contains"):
                weights_of([1, 1, 1, weight])


def test_a_class_of_little_weight_is_told_of():
    targets = np.array([0] + [1] * 1000)
    with pytest.warns(ConvergenceWarning, match=r"The class 'b' of y has 1e\+03 times.*class 'a'"):
        warn_about_light_classes(CLASSES, targets, np.ones(1001))


def test_what_counts_is_the_weight_of_a_class_and_not_the_number_of_its_images():
    targets, weights = np.array([0, 0, 0, 1]), np.array([0.5, 0.5, 0.25, 5000])
    with pytest.warns(ConvergenceWarning, match=r"'b' of y has 4e\+03 times.*class 'a'"):
        warn_about_light_classes(CLASSES, targets, weights)


@pytest.mark.parametrize("n", [2, 999])
def test_nothing_is_told_of_others(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_about_light_classes(CLASSES, np.array([0] + [1] * n), np.ones(1 + n))


def test_weights_of_zero_are_on_purpose():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_about_light_classes(CLASSES, np.array([0, 1, 1]), np.array([0.0, 1.0, 1.0]))
        warn_about_light_classes(np.arange(3), np.array([0, 2]), np.ones(2))
