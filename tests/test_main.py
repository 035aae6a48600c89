"""Tests of the demo, ``python -m sklearn_shapecnn``."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import sklearn_shapecnn
import sklearn_shapecnn.__main__ as demo
from sklearn_shapecnn.__main__ import main

ROOT = Path(__file__).parents[1]
BLUE, VERMILION = (0, 114, 178), (213, 94, 0)


@pytest.fixture
def few_epochs(monkeypatch):
    """Let the classifier learn for a few epochs only, to be quick."""
    few = partial(sklearn_shapecnn.ShapeCNNClassifier, max_iter=6)
    monkeypatch.setattr(sklearn_shapecnn, "ShapeCNNClassifier", few, raising=False)


@pytest.fixture
def runs(monkeypatch):
    """The names of the data sets that would have been learned."""
    names = []
    monkeypatch.setattr(demo, "_demonstrate", lambda name, args: names.append(name))
    return names


def fails(capsys, *argv):
    """The message of a run that ends with argparse's error."""
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: python -m sklearn_shapecnn")
    return captured.err.partition("error: ")[2]


def read_picture(path):
    """Pixels of a PNG as 8-bit RGB."""
    image = matplotlib.image.imread(path)
    return np.round(255 * image[..., :3]).astype(int)


def count(pixels, color):
    return int((pixels == color).all(axis=-1).sum())


PEERS = ["ShapeCNNClassifier", "HOG features + SVC", "random forest"]


def rows_of(report):
    """The accuracy of each classifier in a report."""
    found = re.findall(r"^  (\S.*?)  +([01]\.\d{3})   fit in +\d+\.\d s$", report, re.M)
    return {name: float(share) for name, share in found}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "first_line", "classes", "n_test", "least_accuracy"),
    [
        ("shapes", "240 images of 24x24 pixels", "circle, rectangle, triangle", "60", 0.6),
        ("digits", "1797 images of 8x8 pixels", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "450", 0.95),
        ("letters", "240 images of 28x28 pixels", "A, B, C, D, E, F, G, H, I, J", r"\d+", 0.4),
        ("faces", "200 images of 25x25 pixels", "face, no face", "50", 0.8),
    ],
)
def test_report(name, first_line, classes, n_test, least_accuracy, few_epochs, capsys):
    how_many = ["--n-samples", "240"] if name in ("shapes", "letters") else []
    assert main(["--data", name, *how_many]) == 0
    out, err = capsys.readouterr()

    assert out.startswith(f"{name}: {first_line}. Classes: {classes}.\n")
    assert re.search(r"^Training on \d+ images takes about \d+ s:$", out, re.M)
    assert re.search(rf"^Accuracy on {n_test} held-out images( of 6 other fonts)?:$", out, re.M)
    assert ("other fonts" in out) == (name == "letters")
    shares = rows_of(out)
    assert list(shares) == PEERS
    assert shares["ShapeCNNClassifier"] >= least_accuracy
    assert 'load_image_folder("photos"' in out
    assert err.startswith("fit: epoch 1, loss ")  # the progress, line by line


@pytest.mark.slow
def test_report_of_counts(capsys, tmp_path):
    assert main(["--data", "counts", "--n-samples", "600", "--output", str(tmp_path)]) == 0
    out, _ = capsys.readouterr()
    first_line = "600 images of 48x48 pixels. Numbers of disks: 0, 1, 2, 3, 4, 5."
    assert out.startswith(f"counts: {first_line}\n")
    assert "Exact counts on 150 held-out images:\n" in out
    shares = rows_of(out)
    assert shares["ShapeCNNRegressor"] >= 0.7
    assert len(shares) == 3
    assert re.search(r"^Before rounding, the counts are off by 0\.\d\d on average\.$", out, re.M)
    assert (tmp_path / "counts.png").exists()


def test_same_seed_same_report(few_epochs, capsys):
    reports = []
    for seed in ("3", "3", "6"):
        main(["--data", "shapes", "--n-samples", "60", "--random-state", seed])
        reports.append(re.sub(r"in +\S+ s$|about \S+ s", "", capsys.readouterr().out, flags=re.M))
    assert reports[0] == reports[1] != reports[2]


def test_digits_and_letters_by_default(runs):
    assert main([]) == 0
    assert runs == ["digits", "letters"]


def test_picture_of_a_run(few_epochs, tmp_path, capsys):
    settings = dict.copy(matplotlib.rcParams)
    path = tmp_path / "not" / "there" / "shapes.png"
    assert main(["--data", "shapes", "--n-samples", "40", "--output", str(path.parent)]) == 0

    out = capsys.readouterr().out
    assert str(path) in out
    assert [file.name for file in path.parent.iterdir()] == ["shapes.png"]
    assert read_picture(path).shape == (410, 1200, 3)  # two rows for ten test images
    assert dict.__eq__(settings, dict.copy(matplotlib.rcParams))


@pytest.mark.parametrize(("n_images", "height"), [(1, 225), (8, 225), (9, 410), (99, 780)])
def test_sheet_has_as_many_rows_as_it_needs(n_images, height, tmp_path):
    images = np.random.default_rng(0).random((n_images, 8, 8))
    labels = np.arange(n_images)
    demo._draw_sheet(images, labels, labels, "title", tmp_path / "sheet.png")
    assert read_picture(tmp_path / "sheet.png").shape == (height, 1200, 3)


def test_sheet_shows_wrong_images_first(tmp_path):
    images = np.full((8, 6, 6), 0.5)
    images[5] = 0  # without black and white, gray would be drawn as one of them
    images[6] = 1
    true = np.array(["a"] * 8)
    predicted = true.copy()
    predicted[[5, 6]] = "b"
    demo._draw_sheet(images, true, predicted, "title", tmp_path / "sheet.png")

    cells = np.split(read_picture(tmp_path / "sheet.png"), 8, axis=1)
    assert all(count(cell, VERMILION) > 1500 for cell in cells[:2])
    assert all(count(cell, VERMILION) == 0 for cell in cells[2:])
    assert all(count(cell, BLUE) == 0 for cell in cells[:2])
    assert all(count(cell, BLUE) > 100 for cell in cells[2:])
    middles = [tuple(cell[130, 75]) for cell in cells]
    assert middles[0] == (0, 0, 0)
    assert middles[1] == (255, 255, 255)
    assert len(set(middles[2:])) == 1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--n-samples", "29"], "--n-samples must be at least 30, got 29"),
        (["--n-samples", "-5"], "--n-samples must be at least 30, got -5"),
        (
            ["--n-samples", "50", "--data", "faces"],
            "--n-samples is the number of drawn images, but --data faces draws none",
        ),
        (["--n-samples", "many"], "argument --n-samples: invalid int value: 'many'"),
        (["--n-samples", "1e3"], "argument --n-samples: invalid int value: '1e3'"),
        (["--random-state", "-1"], "--random-state must be from 0 to 2**32 - 1, got -1"),
        (["--random-state", str(2**32)], "--random-state must be from 0 to 2**32 - 1"),
        (["--random-state", "x"], "argument --random-state: invalid int value: 'x'"),
        (["--data", "numbers"], "argument --data: invalid choice: 'numbers'"),
        (["--color"], "unrecognized arguments: --color"),
    ],
)
def test_bad_arguments(argv, message, runs, capsys):
    assert fails(capsys, *argv).startswith(message)
    assert not runs


def test_output_that_is_no_directory(runs, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("text")
    for path in (file, file / "below"):
        message = fails(capsys, "--output", str(path))
        assert message.startswith(f"--output: cannot make the directory {path}: ")
    assert file.read_text() == "text"
    assert not runs


def test_output_that_may_not_be_written_to(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo.os, "access", lambda path, mode: False)
    message = fails(capsys, "--output", str(tmp_path))
    assert message == f"--output: may not write to the directory {tmp_path}\n"
    assert not runs


def test_without_matplotlib(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = fails(capsys, "--output", str(tmp_path / "new"))
    assert "pip install matplotlib" in message
    assert not runs
    assert not (tmp_path / "new").exists()
    assert "letters needs matplotlib" in fails(capsys, "--data", "letters")  # for its fonts
    assert main(["--data", "digits"]) == 0  # no pictures wanted, none needed
    assert main([]) == 0
    assert runs == ["digits", "digits", "shapes"]
    assert "pip install matplotlib" in capsys.readouterr().out


def test_interrupted(monkeypatch, capsys):
    def interrupt(name, args):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_demonstrate", interrupt)
    assert main([]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_help_is_quick_and_tells_all():
    command = [sys.executable, "-X", "importtime", "-m", "sklearn_shapecnn", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    imported = set(re.findall(r"\| +(\S+)$", done.stderr, re.M))
    assert {"sklearn_shapecnn", "argparse"} <= imported
    assert not imported & {"torch", "skorch", "matplotlib", "skimage"}
    for word in ("--data", "--n-samples", "--random-state", "--output", "examples:", "faces"):
        assert word in done.stdout
