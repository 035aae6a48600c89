"""The layout of the package: modules as CONTRIBUTING.md lists them, short files, public names."""

import ast
import re
from pathlib import Path

import pytest

import sklearn_shapecnn

PACKAGE = Path(sklearn_shapecnn.__file__).parent
ROOT = Path(__file__).parents[1]
FILES = sorted(PACKAGE.rglob("*.py"))
OTHERS = {"sklearn", "skorch", "skl2onnx", "torch", "PIL", "accelerate"}
MOST_LINES = 400


def name_of(path):
    return path.relative_to(PACKAGE.parent).as_posix()


def first_line(path):
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_each_module_says_in_one_line_what_lives_there(path):
    line = first_line(path)
    assert line.endswith(".")
    assert len(line) <= 100


def test_the_table_of_rooms_has_a_row_for_each_and_says_what_they_say():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Where what lives\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(sklearn_shapecnn/[^`]+)` \| (.*) \|$", section, re.MULTILINE)
    rooms = {f"{name_of(path)}": first_line(path) for path in PACKAGE.glob("*.py")}
    rooms |= {f"{name_of(p.parent)}/": first_line(p) for p in PACKAGE.glob("*/__init__.py")}
    assert dict(rows) == rooms
    assert len(rows) == len(rooms)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short(path):
    # Half of these two are the descriptions of their parameters and methods.
    if path not in (PACKAGE / "classifier.py", PACKAGE / "regressor.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def find_private_names(code):
    """The private names of other libraries that a module imports or takes from what it imports."""
    imported, found = {}, []  # what each name in the module stands for
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                imported[alias.asname or whole] = whole
                found.append(alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                found.append(f"{node.module}.{alias.name}")
    for node in ast.walk(ast.parse(code)):
        names, part = [], node
        while isinstance(part, ast.Attribute):
            names.append(part.attr)
            part = part.value
        if names and isinstance(part, ast.Name) and part.id in imported:
            found.append(".".join([imported[part.id], *reversed(names)]))
    return {
        name
        for name in found
        if name.partition(".")[0] in OTHERS and any(is_private(part) for part in name.split("."))
    }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_compat_knows_private_names_of_other_libraries(path):
    found = find_private_names(path.read_text(encoding="utf-8"))
    assert bool(found) == (path.name == "_compat.py"), found


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from sklearn.base import _fit_context", {"sklearn.base._fit_context"}),
        ("from torch._dynamo import disable", {"torch._dynamo.disable"}),
        ("def f():\n    import skl2onnx._parse", {"skl2onnx._parse"}),
        ("import skl2onnx._parse as parse", {"skl2onnx._parse"}),
        ("import torch\ntorch._C._cuda_init()", {"torch._C", "torch._C._cuda_init"}),
        ("import torch.nn\ntorch.nn._reduction", {"torch.nn._reduction"}),
        ("from torch import nn as n\nn.modules._functions", {"torch.nn.modules._functions"}),
        ("from PIL import Image\nImage.core._x(Image.y)", {"PIL.Image.core._x"}),
        ("import torch, os\nos._exit(torch.__version__)", set()),
        ("from torch import nn\nself._x = nn.Linear(_y)", set()),
        ("from sklearn_shapecnn._torch import find_device", set()),
    ],
)
def test_private_names_are_found(code, expected):
    assert find_private_names(code) == expected
