"""ArchitectureDisplay: the fitted network as a picture and as a table."""

from __future__ import annotations

import html
import importlib.util
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sklearn_shapecnn.inspection._plot._sheet import COLORS, figure_of, single_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXTS, _NUMBERS = ("stage", "layer", "output shape"), ("weights", "multiply-adds")
_PRETRAINED = "pretrained"  # a column of text between these, if any filters are


class ArchitectureDisplay:
    """The fitted network as a picture and as a table.

    In a notebook, it is shown as a table; `str` returns the same as text. Both say how many filters
    of each stage began pretrained, if any.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    layers : list of dict
        Layers as returned by :func:`~sklearn_shapecnn.inspection.architecture`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Only set after `plot` was called.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn_shapecnn import ArchitectureDisplay, ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=8, max_iter=2, random_state=0).fit(X, y)
    >>> print(ArchitectureDisplay.from_estimator(clf))
    stage    layer                            output shape  pretrained  weights  multiply-adds
    input    scaling of pixels                24 x 24 x 1                     0              0
    stage 1  convolution 3 x 3                24 x 24 x 8   8 of 8           72         41,472
    stage 1  max pooling 4 x 4                6 x 6 x 8                       0              0
    stage 1  batch normalization              6 x 6 x 8                      16              0
    stage 1  relu                             6 x 6 x 8                       0              0
    head     maximum, mean and grid of means  88                              0              0
    head     linear                           3                             267            264
    total                                                                   355         41,736
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, layers: list[dict[str, Any]]) -> None:
        self.layers = layers

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> ArchitectureDisplay:
        """Show the layers of a fitted network.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure if matplotlib is installed; otherwise, there is
            only the table.

        Returns
        -------
        display : ArchitectureDisplay

        Raises
        ------
        TypeError
            If the estimator neither is nor contains a ShapeCNNClassifier or ShapeCNNRegressor.
        NotFittedError
            If the estimator is not fitted.
        """
        from sklearn_shapecnn.inspection._architecture import architecture

        display = cls(architecture(estimator))
        if ax is None and importlib.util.find_spec("matplotlib") is None:
            return display
        return display.plot(ax=ax)

    def __str__(self) -> str:
        header, *body = self._table()
        widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
                for cell, width, name in zip(row, widths, header, strict=True)
            )
            for row in (header, *body)
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        header, *body = self._table()

        def line(cells: Sequence[str], tag: str) -> str:
            right = ' style="text-align: right"'
            return "".join(
                f"<{tag}{right if name in _NUMBERS else ''}>{html.escape(cell)}</{tag}>"
                for cell, name in zip(cells, header, strict=True)
            )

        rows = "".join(f"<tr>{line(row, 'td')}</tr>" for row in body)
        return f"<table><thead><tr>{line(header, 'th')}</tr></thead><tbody>{rows}</tbody></table>"

    def plot(self, ax: Axes | None = None) -> ArchitectureDisplay:
        """Draw each stage as a block: as high as its maps, and wider the more maps it has.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : ArchitectureDisplay
        """
        stages: dict[str, list[dict[str, Any]]] = {}
        for layer in self.layers:
            stages.setdefault(layer["stage"], []).append(layer)
        self.ax_ = single_axes("ArchitectureDisplay", ax, (1.75 * len(stages) + 0.2, 3.6))
        self.ax_.set(xlim=(-0.5, len(stages) - 0.5), ylim=(-1.15, 0.75))
        self.ax_.axis("off")
        for i, (stage, layers) in enumerate(stages.items()):
            self._plot_block(i, layers[-1]["output_shape"])
            self.ax_.text(
                i, -0.55, "\n".join(_caption(stage, layers)), ha="center", va="top", fontsize=8
            )
            if i:
                self.ax_.annotate("", (i - 0.35, 0), (i - 0.65, 0), arrowprops={"arrowstyle": "->"})
        n_weights = _total(self.layers, "n_weights")
        n_multiply_adds = _short(_total(self.layers, "n_multiply_adds"))
        self.ax_.set_title(
            f"{n_weights:,} weights, {n_multiply_adds} multiply-adds per image", fontsize=10
        )
        self.figure_ = figure_of(self.ax_)
        return self

    def _table(self) -> list[tuple[str, ...]]:
        """Return the header, a row for each layer, and the total."""
        keys = ("n_weights", "n_multiply_adds")
        tells = bool(_total(self.layers, "n_pretrained"))
        rows = [
            (
                layer["stage"],
                layer["layer"],
                " x ".join(map(str, layer["output_shape"])),
                *([_share_pretrained(layer)] if tells else []),
                *(f"{layer[key]:,}" for key in keys),
            )
            for layer in self.layers
        ]
        header = (*_TEXTS, *([_PRETRAINED] if tells else []), *_NUMBERS)
        blanks = [""] * (len(header) - len(keys) - 1)
        totals = (f"{_total(self.layers, key):,}" for key in keys)
        return [header, *rows, ("total", *blanks, *totals)]

    def _plot_block(self, place: int, shape: Sequence[int]) -> None:
        """Draw a block of maps, or a column of features, relative to the size of the image."""
        is_map = len(shape) == 3
        highest = math.log2(1 + max(self.layers[0]["output_shape"][:2]))
        side = max(shape[:2]) if is_map else shape[0]
        height = min(1.0, math.log2(1 + side) / highest)
        width = 0.1 + 0.05 * math.log2(shape[-1]) if is_map else 0.1
        color = COLORS[5] if is_map else COLORS[4]
        self.ax_.bar(place, height, width, -height / 2, color=color, edgecolor="black")


def _caption(stage: str, layers: list[dict[str, Any]]) -> list[str]:
    """Return lines of text about a stage: its output, its main layers and their costs."""
    lines = [stage, " x ".join(map(str, layers[-1]["output_shape"]))]
    for layer in layers:
        if layer["n_multiply_adds"] or "pooling" in layer["layer"]:
            lines.append(layer["layer"])
        if share := _share_pretrained(layer):
            lines.append(f"{share} pretrained")
    n_weights = _total(layers, "n_weights")
    if n_weights:
        lines.append(f"{n_weights:,} weights")
        lines.append(f"{_short(_total(layers, 'n_multiply_adds'))} multiply-adds")
    return lines


def _share_pretrained(layer: dict[str, Any]) -> str:
    """Return how many filters of a convolution began pretrained, or nothing if none did."""
    n_pretrained = layer["n_pretrained"]
    return f"{n_pretrained} of {layer['output_shape'][-1]}" if n_pretrained else ""


def _total(layers: list[dict[str, Any]], key: str) -> int:
    return sum(layer[key] for layer in layers)


def _short(number: float) -> str:
    for unit in ("", "k", "M"):
        if number < 1000:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g}G"
