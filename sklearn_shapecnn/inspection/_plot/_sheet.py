"""What the displays share: colors, axes, and images as matplotlib draws them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import column_or_1d

from sklearn_shapecnn._input.errors import check_positive_int
from sklearn_shapecnn._input.labels import plain_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito, which color-blind people can tell apart too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", ":", "-.")
SIGNED, UNSIGNED = "RdBu_r", "viridis"  # colormaps for values around zero, and for others
CELL = 1.3  # inches per image
GAP = 0.1  # inches between two images
LINE = 0.17  # inches per line of text above an image
TITLE = 0.3  # inches for the title of a sheet
FONT_SIZE = 8  # of the titles of images
LONGEST_TITLE = 20  # letters that fit above an image
RIGHT, WRONG = COLORS[:2]  # colors of right and wrong predictions
MAX_IMAGES = 60  # more of them take long to draw, and are too many to look at


def single_axes(caller: str, ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    """Return the given axes, or those of a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f"{caller} needs matplotlib: pip install matplotlib") from error
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def sheet(
    caller: str,
    ax: Axes | None,
    n_columns: int,
    shape: Sequence[int],
    n_lines: Sequence[int],
    *,
    title: str = "",
    note: str = "",
    right: float = 0,
) -> tuple[Axes, list[Axes], float]:
    """Lay out images of one shape, each with a number of lines of text above it.

    Parameters
    ----------
    caller : str
        Name of the display, for errors.
    ax : Axes or None
        Axes to draw on. None makes a new figure.
    n_columns : int
        Number of images per row.
    shape : sequence of int
        Shape of one image.
    n_lines : sequence of int
        Number of lines of text above each image.
    title : str, default=''
        Title of the whole sheet.
    note : str, default=''
        Line below the images.
    right : float, default=0
        Inches to leave free on the right.

    Returns
    -------
    ax : Axes
        Axes around the whole sheet.
    cells : list of Axes
        Axes of the images, row by row.
    font_size : float
        Size of the titles of the images: smaller if `ax` is smaller than a new figure would be.
    """
    n_columns = min(len(n_lines), n_columns)
    image_height = cell_height(shape)
    starts = range(0, len(n_lines), n_columns)
    rows = [image_height + max(n_lines[start : start + n_columns]) * LINE + GAP for start in starts]
    width = n_columns * (CELL + GAP) + right
    height = sum(rows) + LINE * bool(note)
    font_size = FONT_SIZE if ax is None else _font_size(ax, width, height)
    ax = single_axes(caller, ax, (width, height + TITLE * bool(title)))
    ax.axis("off")
    if title:  # without one, that of the caller stays
        ax.set_title(title, fontsize=10)
    ax.text(0, 0, note, fontsize=font_size, transform=ax.transAxes)
    step, bottoms = (CELL + GAP) / width, 1 - np.cumsum(rows) / height
    cells = []
    for i in range(len(n_lines)):
        row, column = divmod(i, n_columns)
        box = ((column + 0.04) * step, bottoms[row], 0.92 * step, image_height / height)
        cell = ax.inset_axes(box)
        cell.set(xticks=[], yticks=[])
        cells.append(cell)
    return ax, cells, font_size


def _font_size(ax: Axes, width: float, height: float) -> float:
    """Return the font size for a sheet that should have this size in inches."""
    box, dpi = ax.get_window_extent(), figure_of(ax).dpi
    scale = min(1, box.width / dpi / width, box.height / dpi / height)
    return FONT_SIZE * max(0.5, scale)


def cell_height(shape: Sequence[int]) -> float:
    """Return the height of an image in inches, with a limit for very flat or tall ones."""
    return CELL * min(3, max(0.2, shape[0] / shape[1]))


def drawable(images: np.ndarray) -> np.ndarray:
    """Scale all images alike for matplotlib, as gray ones or three channels, from 0 to 1."""
    pixels = np.asarray(images, dtype=np.float64)
    if pixels.ndim == 4 and pixels.shape[3] not in (3, 4):
        pixels = pixels.mean(axis=3)
    low, high = pixels.min(), pixels.max()
    if pixels.ndim == 4 and low >= 0:  # colors keep their brightness
        low, high = 0, 1 if high <= 1 else max(high, 255)
    return (pixels - low) / ((high - low) or 1)


def show_image(ax: Axes, image: np.ndarray) -> None:
    """Draw an image that `drawable` scaled."""
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])


def only_whole_ticks(*axes: Axes, which: str = "xy") -> None:
    """Leave out ticks between whole numbers, such as half epochs or half pixels."""
    from matplotlib.ticker import MaxNLocator

    for ax in axes:
        for name in which:
            getattr(ax, f"{name}axis").set_major_locator(MaxNLocator(integer=True))


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure, even if the axes are in a subfigure."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def check_n_columns(n_columns: int | None) -> int:
    """Return the number of images per row, or raise ValueError; None means six."""
    return 6 if n_columns is None else check_positive_int("n_columns", n_columns)


def title_of(answer: Any) -> str:
    """Return the title of an image: a label, the columns of its labels, or rounded numbers."""
    values = np.atleast_1d(answer)
    if values.dtype.kind == "f":
        return ", ".join(f"{value:.3g}" for value in values)
    if np.ndim(answer) == 1:  # an indicator for each label
        return ", ".join(map(str, np.flatnonzero(values))) or "none"
    return str(answer)


def compare(true: Any, other: Any, word: str) -> str:
    """Return a title with the true answer and another one: one line if it is short, else two."""
    true, other = title_of(true), title_of(other)
    title = f"true {true}, {word} {other}"
    is_short = len(title) <= LONGEST_TITLE and "," not in true + other
    return title if is_short else f"true {true}\n{word} {other}"


def count_lines(title: str) -> int:
    """Return the number of lines of a title; an empty one has none."""
    return len(title.splitlines())


def set_title(ax: Axes, title: str, font_size: float, is_right: bool | None) -> None:
    """Write a title above an image, in the color of a right or a wrong prediction."""
    color = {None: "black", True: RIGHT, False: WRONG}[is_right]
    weight = "bold" if is_right is False else "normal"
    ax.set_title(title, fontsize=font_size, pad=font_size / 2, color=color, weight=weight)


def count_of(n_shown: int, n_images: int) -> str:
    """Return the note about images that are not drawn, or an empty one."""
    return f"first {n_shown} of {n_images} images" if n_shown < n_images else ""


def check_answers(values: Any, name: str) -> np.ndarray:
    """Return labels, indicators of labels or numbers as an array."""
    if issparse(values):
        values = values.toarray()
    answers = np.asarray(plain_labels(values, name))
    if answers.ndim == 2 and answers.dtype.kind == "O":  # such as a frame of nullable numbers
        with suppress(TypeError, ValueError):
            answers = answers.astype(float)
    return answers if answers.ndim == 2 and answers.shape[1] > 1 else column_or_1d(answers)
