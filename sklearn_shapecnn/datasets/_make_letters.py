"""make_letters: images of letters, drawn from font files."""

import os
from collections.abc import Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.utils import Bunch

from sklearn_shapecnn._compat import validate_params
from sklearn_shapecnn.datasets._checks import (
    check_counts,
    check_generator,
    check_image_shape,
    check_memory,
    check_number,
    check_range,
)
from sklearn_shapecnn.datasets._raster import add_noise

Bounds = float | tuple[float, float]

# The fonts of matplotlib that have whole alphabets: serif, sans, monospace, bold, italic.
_FONT_NAMES = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *(f"cm{style}10" for style in ("b", "mi", "r", "ss", "ti", "tt")),
)
_DRAWN_SIZE = 96  # pixels of the font from which all sizes are scaled down
_LEAST_SIZE = 4  # pixels, under which letters cannot be told apart

_DESCR = """\
Images of letters from {n_fonts} fonts, drawn by sklearn_shapecnn.datasets.make_letters. The task is
to name the letter, whatever its font, size and position: `target` holds the letters. `groups` holds
the font of each image, as an index into `font_names`: split by it to test on fonts that training
has not seen.
"""


@validate_params(
    {
        "letters": [str, "array-like"],
        "fonts": ["array-like", None],
        "centered": ["boolean"],
        "as_images": ["boolean"],
        "return_X_y": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_letters(
    n_samples: int | Sequence[int] = 1000,
    *,
    letters: str | Sequence[str] = "ABCDEFGHIJ",
    fonts: Sequence[str | PathLike[str]] | None = None,
    image_shape: tuple[int, int] = (28, 28),
    size: Bounds = (0.35, 0.9),
    centered: bool = False,
    noise: float = 0.0,
    as_images: bool = False,
    return_X_y: bool = True,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.str_]] | Bunch:
    """Make images of one letter each, drawn from font files, for classification.

    Every image shows one anti-aliased letter, white on black, of a random font and size at a random
    position. Nothing is downloaded: the default fonts come with matplotlib.

    Parameters
    ----------
    n_samples : int or sequence of int, default=1000
        If an int, the number of images, divided evenly among the letters (if there is a remainder,
        the first letters get one more). If a sequence, the number of images of each letter.

    letters : str or sequence of str, default="ABCDEFGHIJ"
        The classes: single characters that the fonts can draw.

    fonts : sequence of str or path-like, default=None
        Paths of TrueType or OpenType files. None takes the 22 text fonts of matplotlib, which needs
        the extra ``[plot]``. Six of them are left out if `letters` has anything but ASCII letters
        and digits.

    image_shape : tuple of int (height, width), default=(28, 28)
        In pixels.

    size : float or (float, float), default=(0.35, 0.9)
        Range of the longer side of the letter, as a fraction of the image's shorter side, in
        (0, 1].

    centered : bool, default=False
        Whether the letter is in the center. If False, it is anywhere inside the image.

    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to each value, which is then clipped to
        0..1.

    as_images : bool, default=False
        Whether to return `X` as images rather than as rows.

    return_X_y : bool, default=True
        Whether to return ``(X, y)`` rather than a :class:`~sklearn.utils.Bunch`.

    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed of the images, or source of a seed. None uses fresh entropy from the operating system;
        NumPy's global random state is neither read nor changed.

    Returns
    -------
    X : ndarray of shape (n_samples, height * width), dtype float32
        Intensities in 0..1. With ``as_images=True``, of shape (n_samples, height, width).

    y : ndarray of shape (n_samples,), dtype str
        The letters.

    letters : :class:`~sklearn.utils.Bunch`
        If ``return_X_y=False``:

        - images, float32 (n_samples, height, width); data, the same images as rows.
        - target, str (n_samples,): the letters.
        - target_names, str (n_letters,): the letters that there are.
        - groups, int64 (n_samples,): the font of each image, as an index into `font_names`.
        - font_names, str (n_fonts,): the names of the font files, without their endings.
        - DESCR, str: a description of the data set.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or if a font cannot be read or lacks a letter.
    TypeError
        If a parameter has an unusable type.
    ImportError
        If `fonts` is None and matplotlib is missing.

    See Also
    --------
    make_shapes : Images of geometric shapes.

    Examples
    --------
    Train on some fonts, and test on others:

    >>> from sklearn.model_selection import GroupShuffleSplit
    >>> from sklearn_shapecnn.datasets import make_letters
    >>> letters = make_letters(500, return_X_y=False, random_state=0)
    >>> letters.images.shape
    (500, 28, 28)
    >>> split = GroupShuffleSplit(n_splits=1, test_size=0.3, random_state=0)
    >>> train, test = next(split.split(letters.data, groups=letters.groups))
    >>> set(letters.groups[train]) & set(letters.groups[test])
    set()
    """
    height, width, _ = check_image_shape(image_shape, is_gray=True)
    names = _check_letters(letters)
    counts = check_counts(n_samples, names, "letters")
    shorter = min(height, width)
    low, high = (shorter * side for side in check_range("size", size, 0, 1, above=True))
    if high < _LEAST_SIZE:
        raise ValueError(
            f"size={size!r} makes letters of at most {high:.3g} pixels, too small to be told "
            f"apart. Give {_LEAST_SIZE} pixels or more: {_LEAST_SIZE} / {shorter} of the image's "
            f"shorter side, or larger images."
        )
    noise = check_number("noise", noise, 0)
    check_memory(n_samples, image_shape, sum(counts) * height * width)
    if fonts is None:
        paths = _default_fonts(names)
    elif not (paths := tuple(os.path.abspath(os.fspath(path)) for path in fonts)):
        raise ValueError("fonts is empty. Give paths of font files, or None.")
    versions = [_time_of_change(path) for path in paths]

    rng = check_generator(random_state)
    n_images = sum(counts)
    target = rng.permutation(np.repeat(np.array(names), counts))
    groups = rng.integers(len(paths), size=n_images)
    longest = rng.uniform(max(low, _LEAST_SIZE), high, n_images)
    places = np.full((n_images, 2), 0.5) if centered else rng.uniform(size=(n_images, 2))
    images = np.zeros((n_images, height, width), np.float32)
    for image, letter, group, side, place in zip(
        images, target, groups, longest, places, strict=True
    ):
        ink = _scaled(_draw_letter(paths[group], versions[group], str(letter)), side)
        top, left = (place * (np.array(image.shape) - ink.shape) + 0.5).astype(int)
        image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink / np.float32(255)
    if noise > 0:
        add_noise(images, noise, rng)

    data = images.reshape(n_images, -1)
    if return_X_y:
        return (images if as_images else data), target
    return Bunch(
        data=data,
        images=images,
        target=target,
        target_names=np.array(names),
        groups=groups,
        font_names=np.array([Path(path).stem for path in paths]),
        DESCR=_DESCR.format(n_fonts=len(paths)),
    )


def _check_letters(letters: str | Sequence[str]) -> list[str]:
    names = list(letters)
    for name in names:
        if not isinstance(name, str) or len(name) != 1 or name.isspace():
            raise ValueError(f"letters must hold single characters, but holds {name!r}.")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"letters must hold different characters, but is {letters!r}.")
    return names


def _default_fonts(letters: Sequence[str]) -> tuple[str, ...]:
    """The paths of the text fonts of matplotlib that can draw the letters."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            "make_letters takes its fonts from matplotlib: pip install matplotlib. Or give the "
            "paths of font files as fonts."
        ) from error
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    # In the fonts of TeX, other characters stand where symbols and accented letters should be.
    are_plain = all(letter.isascii() and letter.isalnum() for letter in letters)
    names = _FONT_NAMES if are_plain else [name for name in _FONT_NAMES if name[:2] != "cm"]
    found = [str(path) for name in names if (path := folder / f"{name}.ttf").exists()]
    if not found:  # another version of matplotlib may have fewer
        raise ValueError(f"There are no fonts in {folder}. Give paths of font files as fonts.")
    return tuple(found)


def _time_of_change(path: str) -> float:
    """When a file was changed last; 0 if there is none, which is found out when it is read."""
    try:
        return os.stat(path).st_mtime
    except (OSError, ValueError):
        return 0.0


# The caches ask for the time of change, since a file may be replaced.
@lru_cache(maxsize=64)
def _font(path: str, version: float) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(path, _DRAWN_SIZE)
    except OSError as error:
        raise ValueError(f"{path!r} cannot be read as a font file: {error}.") from error


@lru_cache(maxsize=2000)
def _draw_letter(path: str, version: float, letter: str) -> Image.Image:
    """A letter, white on black, without any margin."""
    font = _font(path, version)
    mask, missing = (draw_character(font, character) for character in (letter, "\uffff"))
    if mask is None or (missing is not None and mask.tobytes() == missing.tobytes()):
        raise ValueError(f"The font {path!r} has no letter {letter!r}. Leave one of them out.")
    return mask


def draw_character(font: ImageFont.FreeTypeFont, letter: str) -> Image.Image | None:
    """Draw a character, white on black, without any margin; None if it has no ink."""
    left, top, right, bottom = font.getbbox(letter)
    image = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), letter, fill=255, font=font)
    box = image.getbbox()
    return None if box is None else image.crop(box)


def _scaled(mask: Image.Image, longest: float) -> NDArray[np.uint8]:
    """A letter whose longer side has this many pixels, rounded."""
    scale = longest / max(mask.size)
    size = (max(1, round(mask.width * scale)), max(1, round(mask.height * scale)))
    return np.asarray(mask.resize(size, Image.Resampling.BOX))
