import numpy as np
import pytest

from sklearn_shapecnn._input.errors import (
    check_mask,
    check_positive_int,
    check_positive_ints,
    is_int,
    prefix_errors,
)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("too large"), ValueError, "^size: too large$"),
        (ValueError("size is too large"), ValueError, "^size is too large$"),
        (TypeError("no number"), TypeError, "^size: no number$"),
        (RuntimeError("size is gone"), ValueError, "^size: size is gone$"),
        (MemoryError("full"), MemoryError, "^full$"),
        (OSError("gone"), OSError, "^gone$"),
        (UserWarning("beware"), UserWarning, "^beware$"),
    ],
)
def test_errors_get_the_name_that_they_lack(error, kind, message):
    with pytest.raises(kind, match=message), prefix_errors("size"):
        raise error


def test_a_mask_is_refused_only_if_it_masks_something():
    check_mask(np.ma.masked_equal([1, 2], 3), "X")
    with pytest.raises(ValueError, match="Input X contains masked values"):
        check_mask(np.ma.masked_equal([1, 2], 2), "X")


@pytest.mark.parametrize("value", [1, 7, np.uint8(3), np.int64(5)])
def test_ints(value):
    assert is_int(value)
    assert check_positive_int("n", value) == value
    assert type(check_positive_int("n", value)) is int


@pytest.mark.parametrize("value", [0, -1, 2.0, True, np.True_, "2", None, [1]])
def test_what_are_no_positive_ints(value):
    assert not is_int(value)
    with pytest.raises(ValueError, match="n must be a positive int, but got"):
        check_positive_int("n", value)


@pytest.mark.parametrize("value", [(3, 4), [3, 4], np.array([3, 4])])
def test_sequences_of_ints(value):
    assert check_positive_ints("n", value) == (3, 4)
    assert check_positive_ints("n", 3) == (3,)
    assert check_positive_ints("n", ()) == ()


@pytest.mark.parametrize("value", [(3, 0), (3, True), [3, 2.5], np.array([3.0]), "ab", -1])
def test_sequences_of_something_else(value):
    with pytest.raises(ValueError, match="n must hold positive ints only, but got"):
        check_positive_ints("n", value)
