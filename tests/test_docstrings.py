"""The docstrings of all that is public: numpydoc finds nothing wrong with them."""

import importlib
import inspect
import pkgutil
import re

import pytest
from numpydoc.validate import validate

import sklearn_shapecnn

# What numpydoc asks for and this project does not.
NOT_ASKED = {
    "GL01": "the summary starts right after the opening quotes",
    "ES01": "a summary of one line may be all there is to say",
    "SA01": "not everything has a relative",
    "EX01": "a method may be shown in the example of its class",
    "PR07": "some parameters are clear from their names and types",
    "RT02": "results have names here",
    "RT03": "some are clear from these",
    "SS05": "a noun often says it best: 'The sum over each window.'",
}


def public_modules():
    names = [sklearn_shapecnn.__name__]
    for module in pkgutil.walk_packages(sklearn_shapecnn.__path__, "sklearn_shapecnn."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            names.append(module.name)
    return names


def is_ours(thing):
    return (getattr(thing, "__module__", None) or "").startswith("sklearn_shapecnn.")


def public_members(cls):
    """The names of the public methods and properties that the package itself defines."""
    for name, _ in inspect.getmembers(cls):
        owner = next((base for base in cls.__mro__ if name in vars(base)), None)
        member = vars(owner)[name] if owner else None
        if not name.startswith("_") and is_ours(owner):
            if isinstance(member, property | classmethod | staticmethod) or callable(member):
                yield name
            elif hasattr(member, "__get__") and inspect.isfunction(getattr(member, "fn", None)):
                yield name  # available_if


def public_names():
    """The dotted names of all that is public, each thing once."""
    names = {}
    for module in map(importlib.import_module, public_modules()):
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if is_ours(thing) and thing not in names:
                names[thing] = f"{module.__name__}.{name}"
    methods = [
        f"{name}.{method}"
        for thing, name in names.items()
        if inspect.isclass(thing)
        for method in public_members(thing)
    ]
    return sorted([*names.values(), *methods])


def has_type_elsewhere(docstring, code, message):
    """Whether an error is about parameters whose types are documented in another function."""
    if code != "PR04":
        return False
    name = re.search('"(.*)"', message)[1]
    return re.search(rf"^.*\b{name}\b.*\n +As in :func:", docstring, re.MULTILINE) is not None


def find_errors(name):
    """The errors of a docstring, as (code, message)."""
    found = validate(name)
    return [
        (code, message)
        for code, message in found["errors"]
        if code not in NOT_ASKED and not has_type_elsewhere(found["docstring"], code, message)
    ]


@pytest.mark.parametrize("name", public_names())
def test_docstring(name):
    assert not find_errors(name)


def test_all_names_are_found():
    names = {name.removeprefix("sklearn_shapecnn.") for name in public_names()}
    assert {
        "ShapeCNNClassifier",
        "ShapeCNNClassifier.fit",
        "ShapeCNNClassifier.partial_fit",
        "ShapeCNNClassifier.search_space",
        "ShapeCNNClassifier.get_params",
        "ImageReader.transform",
        "ImagesDisplay.from_estimator",
        "export.register_converter",
        "inspection.saliency",
        "make_shapes",
        "show_versions",
    } <= names
    assert "ShapeCNNClassifier.set_fit_request" not in names  # scikit-learn writes it


def good(X, y=None):
    """Say how good it is.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        Images.
    y : array-like of shape (n,), default=None
        Labels.

    Returns
    -------
    share : float
    """


def lacks_a_parameter(X, y=None):
    """Say how good it is.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        Images.

    Returns
    -------
    share : float
    """
    return X, y


def has_a_parameter_without_a_type(X):
    """Say how good it is.

    Parameters
    ----------
    X
        Images.

    Returns
    -------
    share : float
    """
    return X


def has_those_of_another_function(X, step, y):
    """Say how good it is.

    Parameters
    ----------
    X, step
        As in :func:`good`.
    y
        Labels.

    Returns
    -------
    share : float
    """
    return X, step, y


def has_none(X):
    return X


def has_no_period(X):
    """Say how good it is

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        Images.

    Returns
    -------
    share : float
    """
    return X


def has_no_returns(X):
    """Say how good it is.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        Images.
    """
    return X


@pytest.mark.parametrize(
    ("function", "codes"),
    [
        (good, set()),
        (lacks_a_parameter, {"PR01"}),
        (has_a_parameter_without_a_type, {"PR04"}),
        (has_those_of_another_function, {"PR04"}),  # for y alone
        (has_none, {"GL08"}),
        (has_no_period, {"SS03"}),
        (has_no_returns, {"RT01"}),
    ],
)
def test_a_bad_docstring_is_noticed(function, codes):
    assert {code for code, _ in find_errors(f"{__name__}.{function.__name__}")} == codes
