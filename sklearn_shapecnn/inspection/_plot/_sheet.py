"""What the displays share: colors, axes, and images as matplotlib draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_shapecnn._input.errors import check_positive_int

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito: color-blind people can tell them apart too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", ":", "-.")
SIGNED, UNSIGNED = "RdBu_r", "viridis"  # colormaps of values around zero, and of others
CELL = 1.3  # inches that an image takes
GAP = 0.1  # inches between two images
LINE = 0.17  # inches that a line of text above an image takes


def single_axes(caller: str, ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    """Return the axes given, or those of a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{caller} needs matplotlib: pip install "sklearn-shapecnn[plot]"'
        ) from error
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def sheet(
    caller: str, ax: Axes | None, n_columns: int, shape: Sequence[int], n_lines: Sequence[int]
) -> tuple[Axes, list[Axes]]:
    """Lay out images of one shape, each with a number of lines of text above it.

    Returns
    -------
    ax : Axes
        Around the whole sheet.
    cells : list of Axes
        Those of the images, row by row.
    """
    n_columns = min(len(n_lines), n_columns)
    image_height = cell_height(shape)
    starts = range(0, len(n_lines), n_columns)
    rows = [image_height + max(n_lines[start : start + n_columns]) * LINE + GAP for start in starts]
    ax = single_axes(caller, ax, (n_columns * (CELL + GAP), sum(rows)))
    ax.axis("off")
    bottoms = 1 - np.cumsum(rows) / sum(rows)
    cells = []
    for i in range(len(n_lines)):
        row, column = divmod(i, n_columns)
        left = (column + 0.04) / n_columns
        cell = ax.inset_axes((left, bottoms[row], 0.92 / n_columns, image_height / sum(rows)))
        cell.set(xticks=[], yticks=[])
        cells.append(cell)
    return ax, cells


def cell_height(shape: Sequence[int]) -> float:
    """Inches from top to bottom of an image of this shape; very flat or tall ones are cut off."""
    return CELL * min(3, max(0.2, shape[0] / shape[1]))


def drawable(images: np.ndarray) -> np.ndarray:
    """Scale images for matplotlib, all alike: gray ones, or three channels, from 0 to 1."""
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
    """The whole figure, even if the axes are in a subfigure."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def check_n_columns(n_columns: int | None) -> int:
    """Return the number of images side by side, or raise ValueError; None stands for six."""
    return 6 if n_columns is None else check_positive_int("n_columns", n_columns)


def title_of(answer: Any) -> str:
    """What to write over an image: a label, the columns of its labels, or rounded numbers."""
    values = np.atleast_1d(answer)
    if values.dtype.kind == "f":
        return ", ".join(f"{value:.3g}" for value in values)
    if np.ndim(answer) == 1:  # an indicator for each label
        return ", ".join(map(str, np.flatnonzero(values))) or "none"
    return str(answer)
