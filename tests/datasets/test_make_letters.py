import os
import shutil
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from sklearn_shapecnn import make_letters

FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")


def boxes(images):
    """Top, left, bottom and right of the ink of each image."""
    found = []
    for image in images:
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        found.append((rows[0], columns[0], rows[-1] + 1, columns[-1] + 1))
    return np.array(found)


def test_the_arrays_are_as_described():
    letters = make_letters(50, letters="xyz", return_X_y=False, random_state=0)
    assert letters.images.shape == (50, 28, 28)
    assert letters.images.dtype == np.float32
    assert letters.images.min() == 0
    assert 0.9 < letters.images.max() <= 1
    np.testing.assert_array_equal(letters.data, letters.images.reshape(50, -1))
    assert np.unique(letters.target, return_counts=True)[1].tolist() == [17, 17, 16]
    assert letters.target_names.tolist() == ["x", "y", "z"]
    assert len(letters.font_names) == 22
    assert set(letters.groups) <= set(range(22))
    assert f"{len(letters.font_names)} fonts" in letters.DESCR
    X, y = make_letters(50, letters="xyz", random_state=0)
    np.testing.assert_array_equal(X, letters.data)
    np.testing.assert_array_equal(y, letters.target)
    images, _ = make_letters(50, letters="xyz", as_images=True, random_state=0)
    np.testing.assert_array_equal(images, letters.images)


def test_letters_are_anywhere_and_of_any_size_but_wholly_inside():
    images, _ = make_letters(400, size=(0.4, 0.8), as_images=True, random_state=0)
    top, left, bottom, right = boxes(images).T
    longest = np.maximum(bottom - top, right - left)
    assert longest.min() >= 0.4 * 28 - 2  # faint pixels at the rim count little
    assert longest.max() <= 0.8 * 28 + 1
    assert min(top.min(), left.min()) == 0
    assert max(bottom.max(), right.max()) == 28
    assert len(set(zip(top, left, strict=True))) > 100


def test_centered_letters_of_one_size():
    images, _ = make_letters(
        60, size=0.75, centered=True, image_shape=(40, 32), as_images=True, random_state=0
    )
    top, left, bottom, right = boxes(images).T
    assert np.abs(top + bottom - 40).max() <= 2
    assert np.abs(left + right - 32).max() <= 2
    assert np.abs(np.maximum(bottom - top, right - left) - 24).max() <= 1


def test_the_seed_decides_and_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    one, _ = make_letters(20, random_state=3)
    again, _ = make_letters(20, random_state=3)
    other, _ = make_letters(20, random_state=4)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_noise_stays_within_0_and_1():
    X, _ = make_letters(20, noise=0.5, random_state=0)
    assert (X.min(), X.max()) == (0, 1)
    assert np.std(X) > np.std(make_letters(20, random_state=0)[0])


def test_own_fonts():
    letters = make_letters(
        20, fonts=[FONTS / "cmr10.ttf", str(FONTS / "cmss10.ttf")], return_X_y=False, random_state=0
    )
    assert letters.font_names.tolist() == ["cmr10", "cmss10"]
    assert set(letters.groups) == {0, 1}


def test_the_letters_can_be_told_apart():
    X, y = make_letters(1200, letters="ABCDE", centered=True, size=0.8, random_state=0)
    forest = RandomForestClassifier(random_state=0).fit(X[:1000], y[:1000])
    assert forest.score(X[1000:], y[1000:]) > 0.95


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"letters": ""}, "letters must hold different characters"),
        ({"letters": "AA"}, "letters must hold different characters"),
        ({"letters": ["A", "BC"]}, "single characters, but holds 'BC'"),
        ({"letters": "A \n"}, "single characters, but holds ' '"),
        ({"letters": ["A", 1]}, "single characters, but holds 1"),
        ({"letters": "A\u4e00"}, r"The font '.*' has no letter '\u4e00'"),
        ({"letters": "é", "fonts": [FONTS / "cmr10.ttf"]}, r"cmr10\.ttf' has no letter 'é'"),
        ({"fonts": []}, "fonts is empty"),
        ({"fonts": [__file__]}, "test_make_letters.py' cannot be read as a font file"),
        ({"fonts": ["/nowhere.ttf"]}, "'/nowhere.ttf' cannot be read as a font file"),
        ({"size": 1.2}, "size must be"),
        ({"size": 0.01}, r"letters of at most 0\.28 pixels, .* 4 / 28 of the image's shorter side"),
        ({"image_shape": (28, 28, 3)}, r"must be \(height, width\), integers of pixels; got"),
        ({"image_shape": (28,)}, r"must be \(height, width\), integers of pixels; got"),
        ({"noise": -1}, "noise must be"),
        ({"n_samples": 0}, "n_samples must be at least 1"),
        ({"n_samples": [1, 2]}, "n_samples has 2 counts for 10 letters"),
    ],
)
def test_unusable_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_letters(**{"n_samples": 20, "random_state": 0} | parameters)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        make_letters(3)
    assert len(make_letters(3, fonts=[FONTS / "cmr10.ttf"])[0]) == 3


def test_symbols_and_accents_come_from_fonts_that_have_them():
    letters = make_letters(40, letters="<é", return_X_y=False, random_state=0)
    # TeX has a ¡ where the < should be, and no é.
    assert len(letters.font_names) == 16
    assert not [name for name in letters.font_names if name.startswith("cm")]


def test_another_font_of_the_same_name(tmp_path, monkeypatch):
    fonts = {"a": "DejaVuSans.ttf", "b": "cmr10.ttf"}
    drawn = {}
    for folder, name in fonts.items():
        (tmp_path / folder).mkdir()
        shutil.copy(FONTS / name, tmp_path / folder / "font.ttf")
        monkeypatch.chdir(tmp_path / folder)
        drawn[folder] = make_letters(10, fonts=["font.ttf"], random_state=0)[0]
    assert not np.array_equal(drawn["a"], drawn["b"])
    shutil.copy(FONTS / fonts["a"], tmp_path / "b" / "font.ttf")  # where cmr10 was
    os.utime(tmp_path / "b" / "font.ttf", (1, 1))
    replaced = make_letters(10, fonts=["font.ttf"], random_state=0)[0]
    np.testing.assert_array_equal(replaced, drawn["a"])


def test_without_the_fonts_of_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(ValueError, match=r"There are no fonts in .* Give paths of font files"):
        make_letters(3)
