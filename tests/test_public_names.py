"""The public names: all of them are there, and the API reference lists each of them once."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_shapecnn

PAGE = Path(__file__).parents[1] / "docs" / "api.rst"


def names_on_the_page():
    """Each name of the API reference with the module that it is listed for."""
    module, is_list, found = None, False, []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if directive := re.match(r"\.\. (\w+)::\s*(\S*)$", line):
            is_list = directive[1] == "autosummary"
            if directive[1] == "currentmodule":
                module = directive[2]
        elif line and not line.startswith(" "):
            is_list = False
        elif is_list and line.strip() and not line.strip().startswith(":"):
            found.append((module, line.strip()))
    return found


def public_modules():
    """The modules whose dotted names have no part that is private."""
    found = [sklearn_shapecnn.__name__]
    for module in pkgutil.walk_packages(sklearn_shapecnn.__path__, "sklearn_shapecnn."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            found.append(module.name)
    return found


def public_names(module):
    """The names in `__all__`; without that, the classes and functions defined in the module."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if name != "__version__"]
    return [
        name
        for name, thing in vars(module).items()
        if (inspect.isclass(thing) or inspect.isfunction(thing))
        and thing.__module__ == module.__name__
        and not name.startswith("_")
    ]


@pytest.mark.parametrize(("module", "name"), names_on_the_page(), ids=str)
def test_a_name_on_the_page_can_be_imported_from_there(module, name):
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("module", public_modules())
def test_the_page_lists_each_public_name_once(module):
    module = importlib.import_module(module)
    listed = [getattr(importlib.import_module(where), name) for where, name in names_on_the_page()]
    names = public_names(module)
    assert names
    times = {name: sum(thing is getattr(module, name) for thing in listed) for name in names}
    assert {name: n for name, n in times.items() if n != 1} == {}


def test_the_modules_are_found():
    assert {"sklearn_shapecnn", "sklearn_shapecnn.inspection", "sklearn_shapecnn.classifier"} <= {
        *public_modules()
    }


@pytest.mark.parametrize("module", public_modules())
def test_dir_has_all_public_names(module):
    module = importlib.import_module(module)
    assert {*public_names(module)} <= {*dir(module)}


def test_make_shapes_does_without_torch():
    code = (
        "import sys; from sklearn_shapecnn import make_shapes; make_shapes(3);"
        "assert 'torch' not in sys.modules and 'skorch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names():
    assert {"ShapeCNNClassifier", "make_shapes", "__version__"} <= set(dir(sklearn_shapecnn))
    with pytest.raises(AttributeError, match="nothing"):
        _ = sklearn_shapecnn.nothing
