"""Progress over many files: bars, lines, and nothing by default."""

import io
import subprocess
import sys

import numpy as np
import pytest

from sklearn_shapecnn.images import ImageReader, _progress
from sklearn_shapecnn.images._progress import show_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_nothing_is_shown_by_default(capsys):
    assert list(show_progress("abc", 3, "images", 0)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_bar_in_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert list(show_progress("abc", 3, "images", 1)) == ["a", "b", "c"]
    assert "images: 100%" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


def test_a_bar_ends_where_the_files_do(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    shown = show_progress("abc", 3, "images", True)
    next(shown)
    shown.close()  # as after an error
    assert terminal.getvalue().endswith("\n")


def test_lines_elsewhere(monkeypatch, capsys):
    clock = iter([0.0, 9.0, 10.0, 15.0, 20.0, 21.0])  # the first is the start
    monkeypatch.setattr(_progress.time, "perf_counter", lambda: next(clock))
    assert list(show_progress("abcde", 5, "images", 1)) == list("abcde")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "images: 2 of 5 files, 10 s, 15 s left",
        "images: 4 of 5 files, 20 s, 5 s left",
        "images: 5 of 5 files, 21 s, 0 s left",
    ]


def test_without_a_console(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert list(show_progress("abc", 3, "images", 1)) == ["a", "b", "c"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_reader_shows_what_it_reads_only_if_asked(n_jobs, capsys):
    images = np.random.default_rng(0).random((70, 3, 4))
    reader = ImageReader((3, 4), n_jobs=n_jobs)
    plain = list(reader._read(images, None))
    assert capsys.readouterr().err == ""
    shown = list(reader._read(images, None, verbose=1))
    assert "images: 70 of 70 files" in capsys.readouterr().err
    for one, other in zip(plain, shown, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_no_torch_is_imported():
    code = """
import sys
from sklearn_shapecnn.images._progress import show_progress
list(show_progress("abc", 3, "images", 1))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
