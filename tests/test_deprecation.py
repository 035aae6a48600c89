"""Deprecated names work, warn at the user's line, and are gone after two minor versions."""

import ast
import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.utils
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV

import sklearn_shapecnn
from sklearn_shapecnn._deprecation import (
    deprecated,
    describe,
    removed_in,
    renamed_parameter,
    renamed_value,
)

PACKAGE = Path(sklearn_shapecnn.__file__).parent
WHEN = r"deprecated since version 0\.2 and will be removed in version 0\.4"


@pytest.mark.parametrize(
    ("since", "expected"), [("0.1", "0.3"), ("0.9", "0.11"), ("1.0", "1.2"), ("2.10", "2.12")]
)
def test_two_minor_versions(since, expected):
    assert removed_in(since) == expected


# Functions and methods


@deprecated(since="0.2", instead="Use new instead.")
def old(a, *, b=1):
    """Add."""
    return a + b


class Thing:
    @deprecated(since="0.2", instead="Use new instead.")
    def old(self, a):
        return self, a


def test_a_deprecated_function_works_and_warns():
    with pytest.warns(FutureWarning, match=rf"^old\(\) is {WHEN}\. Use new instead\.$") as told:
        assert old(2, b=3) == 5
    assert len(told) == 1
    assert told[0].filename == __file__
    assert (old.__name__, old.__doc__) == ("old", "Add.")
    assert [*inspect.signature(old).parameters] == ["a", "b"]


def test_a_deprecated_method_works_and_warns():
    thing = Thing()
    with pytest.warns(FutureWarning, match=rf"^Thing\.old\(\) is {WHEN}"):
        assert thing.old(2) == (thing, 2)


def test_scikit_learns_decorator_takes_the_same_text():
    @sklearn.utils.deprecated(describe("It", "0.2", "Use New instead."))
    class Old:
        pass

    with pytest.warns(FutureWarning, match=rf"It is {WHEN}\. Use New instead"):
        Old()


# Renamed parameters of functions


@renamed_parameter("hue", "color", since="0.2")
def paint(thing, color="red", **others):
    return thing, color, others


def test_a_function_takes_the_new_name_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paint("house") == ("house", "red", {})
        assert paint("house", "blue") == ("house", "blue", {})
        assert paint("house", color="blue", coat=2) == ("house", "blue", {"coat": 2})
    assert [*inspect.signature(paint).parameters] == ["thing", "color", "others"]


def test_a_function_takes_the_old_name_and_warns():
    message = rf"^The parameter 'hue' of paint\(\) is {WHEN}\. Use 'color' instead\.$"
    with pytest.warns(FutureWarning, match=message) as told:
        assert paint("house", hue="blue", coat=2) == ("house", "blue", {"coat": 2})
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    ("args", "kwargs"), [(("house", "blue"), {}), (("house",), {"color": "blue"})]
)
def test_a_function_refuses_both_names(args, kwargs):
    with pytest.raises(TypeError, match=r"paint\(\) got both 'color' and 'hue', its old name"):
        paint(*args, hue="green", **kwargs)


# Renamed parameters of estimators


class Painter(BaseEstimator):
    def __init__(self, color="red", hue="deprecated"):
        self.color = color
        self.hue = hue

    def fit(self, X, y=None):
        self.color_ = renamed_value(self, "hue", "color", since="0.2")
        return self

    def score(self, X, y=None):
        return float(np.size(self.color_))


def test_an_estimator_takes_the_new_name_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Painter().fit(None).color_ == "red"
        assert Painter(color="blue").fit(None).color_ == "blue"


@pytest.mark.parametrize("value", ["blue", None, np.arange(3), (1, 2)], ids=repr)
def test_an_estimator_takes_the_old_name_and_warns_in_fit(value):
    painter = Painter(hue=value)
    message = rf"^The parameter 'hue' of Painter is {WHEN}\. Use 'color' instead\.$"
    with pytest.warns(FutureWarning, match=message) as told:
        painter.fit(None)
    assert told[0].filename == __file__
    assert painter.color_ is value
    assert painter.get_params() == {"color": "red", "hue": value}  # as they were given


def test_a_clone_with_the_old_name_warns_too():
    with pytest.warns(FutureWarning, match="'hue' of Painter"):
        assert clone(Painter(hue="blue")).fit(None).color_ == "blue"


def test_an_estimator_refuses_both_names():
    message = "color='green' and hue='blue' of Painter are both set.* Set 'color' alone"
    with pytest.raises(ValueError, match=message):
        Painter(color="green", hue="blue").fit(None)


def test_a_search_may_try_the_old_name():
    X = np.zeros((6, 1))
    with pytest.warns(FutureWarning, match="'hue' of Painter"):
        search = GridSearchCV(Painter(), {"hue": ["blue", (1, 2, 3)]}, cv=2).fit(X)
    assert search.best_params_ == {"hue": (1, 2, 3)}


# The end of the support


def find_deprecations(code):
    """The line and the version of each ``since="..."`` in a module."""
    return [
        (node.value.lineno, node.value.value)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.keyword) and node.arg == "since"
        if isinstance(node.value, ast.Constant)
    ]


def as_numbers(version):
    return [int(part) for part in version.split(".")[:2]]


def overdue(code, version):
    """The deprecations in a module whose time is over in a version."""
    return [
        (line, since)
        for line, since in find_deprecations(code)
        if as_numbers(version) >= as_numbers(removed_in(since))
    ]


def test_nothing_stays_longer_than_it_says():
    for path in PACKAGE.rglob("*.py"):
        assert not overdue(path.read_text(encoding="utf-8"), sklearn_shapecnn.__version__), path


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.3.0", []),
        ("0.4.0.dev0", [(1, "0.2")]),
        ("0.11.0", [(1, "0.2")]),
        ("1.0.0", [(1, "0.2")]),
    ],
)
def test_what_is_overdue_is_found(version, expected):
    assert overdue('@deprecated(since="0.2", instead="")\ndef f(): pass', version) == expected
