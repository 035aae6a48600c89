"""Deprecation: old names keep working for two minor versions, with a FutureWarning.

`sklearn.utils.deprecated` handles classes and properties. This module adds renamed parameters, and
warnings that point to the user's line and name the version that removes the old name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from sklearn_shapecnn._compat import warn

P = ParamSpec("P")
T = TypeVar("T")

MINOR_VERSIONS = 2  # an old name keeps working for this many
UNSET = "deprecated"  # the default of an estimator's old parameter, as in scikit-learn


def removed_in(since: str) -> str:
    """Return the first version without what was deprecated in another one.

    Parameters
    ----------
    since : str
        Major and minor version, such as '0.2'.

    Returns
    -------
    version : str
        Such as '0.4'.
    """
    major, minor = map(int, since.split("."))
    return f"{major}.{minor + MINOR_VERSIONS}"


def describe(what: str, since: str, instead: str) -> str:
    """Return the text of a warning, also for `sklearn.utils.deprecated`."""
    return (
        f"{what} is deprecated since version {since} and will be removed in version "
        f"{removed_in(since)}. {instead}"
    )


def deprecated(*, since: str, instead: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function or method so that it still works, but warns.

    Parameters
    ----------
    since : str
        The first version that warns, such as '0.2'.
    instead : str
        A sentence that says what to do, such as 'Use saliency instead.'

    Returns
    -------
    decorator : callable
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        message = describe(f"{function.__qualname__}()", since, instead)

        @wraps(function)
        def warning(*args: P.args, **kwargs: P.kwargs) -> T:
            warn(message, FutureWarning)
            return function(*args, **kwargs)

        return warning

    return decorate


def renamed_parameter(
    old: str, new: str, *, since: str
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Decorate a function or method so that it also accepts the old name of a keyword argument.

    The signature shows only the new name. For parameters of an estimator, use ``renamed_value``.

    Parameters
    ----------
    old, new : str
        The names of the parameter.
    since : str
        The first version that warns, such as '0.2'.

    Returns
    -------
    decorator : callable
    """

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        name = f"{function.__qualname__}()"
        message = describe(f"The parameter {old!r} of {name}", since, f"Use {new!r} instead.")

        @wraps(function)
        def renaming(*args: Any, **kwargs: Any) -> T:
            if old in kwargs:
                if new in signature(function).bind_partial(*args).arguments or new in kwargs:
                    raise TypeError(f"{name} got both {new!r} and {old!r}, its old name.")
                warn(message, FutureWarning)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return renaming

    return decorate


def renamed_value(estimator: Any, old: str, new: str, *, since: str) -> Any:
    """Return the value of a renamed parameter of an estimator, set under either name.

    ``__init__`` keeps the old parameter, with 'deprecated' as its default. `fit` calls this
    function and changes neither parameter, so that clones and searches work with both.

    Parameters
    ----------
    estimator : estimator
    old, new : str
        The names of the parameter.
    since : str
        The first version that warns, such as '0.2'.

    Returns
    -------
    value : object

    Raises
    ------
    ValueError
        If both are set.
    """
    value = getattr(estimator, old)
    if isinstance(value, str) and value == UNSET:
        return getattr(estimator, new)
    # Compare reprs, as the estimator's own repr does: == on arrays gives no single answer.
    default = signature(type(estimator)).parameters[new].default
    name = type(estimator).__name__
    if repr(getattr(estimator, new)) != repr(default):
        raise ValueError(
            f"{new}={getattr(estimator, new)!r} and {old}={value!r} of {name} are both set, and "
            f"{old!r} is the old name of {new!r}. Set {new!r} alone."
        )
    what = f"The parameter {old!r} of {name}"
    warn(describe(what, since, f"Use {new!r} instead."), FutureWarning)
    return value
