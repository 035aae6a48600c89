"""Which image files belong together."""

from pathlib import Path

import numpy as np
import pytest

from sklearn_shapecnn.datasets._groups import find_groups


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("anna_1.jpg", "anna"),
        ("anna_1_left.jpg", "anna"),
        ("anna.jpg", "anna"),
        ("anna.b.jpg", "anna.b"),
        ("anna.b_2.c.jpg", "anna.b"),
        ("007_a.png", "007"),
        ("_1.jpg", ""),
    ],
)
def test_prefix(name, group):
    assert find_groups([f"some_folder/a_class/{name}"], "prefix").tolist() == [group]


def test_a_function_of_the_path():
    seen = []

    def find(path):
        seen.append(path)
        return int(path.stem)

    found = find_groups(["a/7.png", "b/12.png"], find)
    assert found.tolist() == [7, 12]
    assert found.dtype.kind == "i"
    assert seen == [Path("a/7.png"), Path("b/12.png")]
    assert find_groups(["a/7.png", "b/12.png"], lambda path: np.int64(-1)).tolist() == [-1, -1]


@pytest.mark.parametrize("value", [None, 1.5, True, b"a", ("a",)])
def test_groups_that_are_none(value):
    with pytest.raises(TypeError, match=r"groups returned .* for a/7.png, but must return a str"):
        find_groups(["a/7.png"], lambda path: value)


def test_groups_of_two_kinds():
    # NumPy would make strings of all of them.
    with pytest.raises(TypeError, match="a str for 1 of 3 files and an int for the others"):
        find_groups(["1", "2", "b"], lambda path: path.name if path.name == "b" else 1)
