"""Generate input, good and bad, and check what calls do with it.

Each generated case is one call of a public method. A quick run tries a few hundred cases per
property; ``SHAPECNN_CASES=10 python -m pytest tests/promises/test_properties.py`` tries ten times
as many.
"""

import os
import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import scipy.sparse
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

TINY = {"n_filters": (2,), "max_iter": 1}  # the quickest to fit
# The only warnings that a call may give. Any other one, of NumPy, scikit-learn, skorch or torch,
# is a bug of ours.
OURS = {
    ConvergenceWarning: "all pixels of X are the same|may therefore never be predicted",
    DataConversionWarning: "A column-vector y was passed",
    UserWarning: "The pixels of X seem to be on another scale|class_weight has weights for|In y, "
    "|The pixels of X range from|The images in X look inverted|is larger than the images",
}
HUGE = 10**400  # an int that no float holds


def cases(n):
    """Settings for n cases: the same ones each time, with nothing written to disk."""
    return settings(
        max_examples=n * int(os.environ.get("SHAPECNN_CASES", "1")),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),  # they depend on the speed of the machine
    )


def works_or_is_refused(call, *names):
    """The result of a call, or None if it raises an error of the right kind that holds a name."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except (ValueError, TypeError) as error:  # NotFittedError is the former
            result = None
            assert re.search(rf"\b({'|'.join(names)})\b", str(error)), error
    for warning in caught:
        assert re.search(OURS.get(warning.category, "^$"), str(warning.message)), warning.message
    return result


def assert_probabilities(probabilities, shape, of_labels=False):
    """Check probabilities; without labels, the rows must sum to one."""
    assert probabilities.shape == shape
    assert np.isfinite(probabilities).all()
    assert (probabilities >= 0).all()
    assert (probabilities <= 1).all()
    if not of_labels:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-9)


def from_list(values):
    """One of some values that need not be hashable or comparable."""
    return st.sampled_from(range(len(values))).map(lambda i: values[i])


NUMBERS = ["?", "u1", "i1", "i8", "u8", "f2", "f4", "f8", "g", ">i4", ">u2", ">f4", ">f8", "O"]
OTHERS = ["c8", "c16", "M8[D]", "m8[s]", "U3", "S2", "V4", "strings", "bytes", "none", "boxes"]
CONTENTS = ["noise", "0 and 1", "constant", "all equal", "one pixel", "one value", "wide"]
EXTREMES = [
    0.0, -0.0, 1.0, -1.0, 255.0, 1e6, 65504.0, 2.0**24 + 1, 1e19, 1e30, 1e38, 3.4e38, 3.5e38, 1e300,
    1e-6, 1e-30, 1e-38, 1e-45, 1e-300, 5e-324, np.nan, np.inf, -np.inf,
]  # fmt: skip
LAYOUTS = [
    "C", "F", "strided", "reversed", "read-only", "broadcast", "swapped", "list", "frame", "sparse",
]  # fmt: skip


@st.composite
def pixel_arrays(draw, shapes, dtypes=(*NUMBERS, *OTHERS)):
    shape = draw(from_list(shapes))
    dtype = draw(st.sampled_from(dtypes))
    content = draw(st.sampled_from(CONTENTS))
    value, other = draw(st.sampled_from(EXTREMES)), draw(st.sampled_from(EXTREMES))
    layout = draw(st.sampled_from(LAYOUTS))
    rng = np.random.default_rng(draw(st.sampled_from(range(20))))
    X = rng.normal(size=shape)
    if content == "0 and 1":
        X = (X > 0).astype(float)
    elif content == "constant":
        X = np.full(shape, value)
    elif content == "all equal" and X.ndim:
        X[:] = X[:1]
    elif content == "one pixel":
        X = np.full(shape, value)
        X.flat[:1] = other
    elif content == "one value":
        X.flat[:1] = value
    elif content == "wide":
        with np.errstate(all="ignore"):
            X = X * value
    return laid_out(np.asarray(with_dtype(X, dtype)), layout)


def with_dtype(X, dtype):
    X = np.asarray(X)
    if dtype == "strings":
        return X.astype("U8").astype(object)
    if dtype == "bytes":
        return X.astype("S8").astype(object)
    if dtype == "none":
        X = np.array(X, dtype=object)
        X.flat[-1:] = [None]
        return X
    if dtype == "boxes":  # a one-dimensional array that holds images
        boxes = np.empty(len(X) if X.ndim else 1, dtype=object)
        boxes[:] = list(X) if X.ndim > 1 else [None] * len(boxes)
        return boxes
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of casting NaN to int and complex to real
        if dtype.startswith("V"):
            return np.zeros(X.shape, dtype)
        if dtype[0] in "mM":
            return np.nan_to_num(X).astype("i4").astype(dtype)
        return X.astype(dtype)


def laid_out(X, layout):
    if X.ndim == 0:
        return X.tolist() if layout == "list" else X
    if layout == "F":
        return np.asfortranarray(X)
    if layout == "strided":
        wide = np.repeat(X, 2, axis=-1)
        return wide[..., ::2]
    if layout == "reversed":
        return np.flip(np.flip(X).copy())
    if layout == "read-only":
        X.flags.writeable = False
        return X
    if layout == "broadcast":  # all images share their memory
        return np.broadcast_to(X[:1], X.shape) if len(X) else X
    if layout == "list":
        return X.tolist()
    if layout == "swapped":
        return X.astype(X.dtype.newbyteorder())
    if layout == "frame" and X.ndim == 2 and X.dtype.kind != "V":
        return pd.DataFrame(native(X))
    if layout == "sparse" and X.ndim == 2 and X.dtype.name in ("float64", "bool"):
        return scipy.sparse.csr_array(native(X))
    return X


def native(X):
    return X.astype(X.dtype.newbyteorder("="))


SHAPES = [
    (), (0,), (1,), (4,), (0, 4), (4, 0), (1, 1), (2, 1), (4, 4), (5, 9), (6, 3), (3, 2, 2),
    (4, 1, 3), (4, 0, 2), (4, 2, 2, 1), (6, 2, 3, 3), (4, 1, 1, 1), (3, 2, 0, 3), (2, 3, 8, 8),
    (2, 1, 1, 1, 1), (2, 3, 1, 1, 2),
]  # fmt: skip
GOOD_SHAPES = [(4, 4), (5, 9), (6, 3), (3, 2, 2), (4, 1, 3), (6, 2, 3, 3), (2, 1), (4, 9, 2)]


def count(X):
    try:
        return X.shape[0] if hasattr(X, "shape") else len(X)
    except (TypeError, IndexError):
        return 0


LABELS = [
    0, 1, -1, 2, 10**18, -(2**63), 2**63, 2**64, 10**30, HUGE, True, False, np.True_, np.int8(1),
    np.uint64(2**64 - 1), 0.0, 1.0, -0.0, 0.5, 1e300, 1e-300, 1e19, np.float16(1), np.nan, np.inf,
    "a", "b", "", "0", "\0", "é", b"a", b"b", None, 1j, (0, 1), (0,), [1], [], {}, {"a": 1},
    Fraction(1, 2), np.datetime64("2020-01-01"), np.timedelta64(1, "D"), object(), [[0]], int,
]  # fmt: skip
KINDS = [
    [0, 1], [0, 1, 2], [-1, 1], [True, False], ["a", "b"], ["yes", "no", ""], [0.0, 1.0],
    [2**63, 0], [2**64, 10**30], [-(2**63), 2**63 - 1], ["a", 1], [1, 0.5], [None, "a"],
    [np.nan, 1.0], [1e300, 0.0], [b"a", b"b"], [np.datetime64(1, "D"), np.datetime64(2, "D")], [0],
    [np.int8(-1), np.int8(5)], ["circle", "ring", "star"], [np.True_, np.False_], [10**30, -1],
]  # fmt: skip
LABEL_FORMS = ["list", "tuple", "array", "object", "column", "one-hot", "swapped", "series", "set"]
USUAL_FORMS = ["list", "array", "object", "series"]


@st.composite
def label_lists(draw, n=6):
    kinds = draw(from_list(KINDS))
    if draw(st.sampled_from(["usual", "usual", "usual", "odd"])) == "odd":
        kinds = draw(st.lists(from_list(LABELS), min_size=1, max_size=3))
    length = draw(st.sampled_from([*[n] * 12, 0, 1, n + 1]))
    labels = [kinds[i % len(kinds)] for i in range(length)]
    order = draw(st.permutations(range(length)))
    form = draw(st.sampled_from(USUAL_FORMS) | st.sampled_from(LABEL_FORMS))
    return in_form([labels[i] for i in order], form)


def in_form(values, form):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, about what cannot be an array
        try:
            if form == "tuple":
                return tuple(values)
            if form == "set":
                return set(values)
            if form == "object":
                array = np.empty(len(values), dtype=object)
                array[:] = values
                return array
            if form == "array":
                return np.asarray(values)
            if form == "column":
                return np.asarray(values)[:, None]
            if form == "one-hot":
                return np.stack([np.asarray(values)] * 2, axis=1)
            if form == "swapped":
                array = np.asarray(values)
                return array.astype(array.dtype.newbyteorder())
            if form == "series":
                return pd.Series(values)
        except (ValueError, TypeError, OverflowError):  # these values have no such form
            pass
    return values


WEIGHTS = [
    0, 1, 1.0, 2, 0.5, 1e-300, 5e-324, 1e-40, 1e-30, 1e-10, 1e10, 1e38, 1e300, 1.7e308, -1, -1e-300,
    np.nan, np.inf, True, None, "1", "heavy", 1j, HUGE, 2**64, np.float32(3), np.longdouble(1),
]  # fmt: skip
