"""FilterDisplay: the learned kernels of a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_shapecnn._input.errors import check_positive_int
from sklearn_shapecnn.inspection._plot._sheet import (
    SIGNED,
    check_n_columns,
    figure_of,
    sheet,
    single_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class FilterDisplay:
    """The learned kernels of a stage: what its filters look for.

    The kernel of a filter is its table of weights. For gray images, the first stage has one kernel
    per filter: red weights respond to bright pixels, blue weights to dark ones. For images with
    three channels, its kernels are shown as color images, bright where the weight is high. For
    later stages, and for other numbers of channels, kernels are shown in a red and blue table: each
    row is a filter, and each column is one of its input channels.

    The title says how many of the filters began pretrained, and the other ones are marked as
    random. If all began at random, there is no title.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    kernels : ndarray of shape (n_filters, height, width, n_channels)
        Kernels as returned by :func:`~sklearn_shapecnn.inspection.filters`.
    n_pretrained : int, default=None
        Number of kernels that began pretrained, as in `n_pretrained_filters_`; they come first.
        With None, the display does not mention it.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes around the whole sheet.
    axes_ : ndarray of matplotlib Axes
        One per kernel, or a single one if there are several channels but not three.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_shapecnn import FilterDisplay, ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> display = FilterDisplay.from_estimator(clf)
    >>> plt.show()
    """

    ax_: Axes
    axes_: np.ndarray
    figure_: Figure

    def __init__(self, kernels: np.ndarray, n_pretrained: int | None = None) -> None:
        self.kernels = kernels
        self.n_pretrained = n_pretrained

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        stage: int = 0,
        n_columns: int | None = None,
        ax: Axes | None = None,
    ) -> FilterDisplay:
        """Show the kernels of a stage.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
        stage : int, default=0
            Index of the stage, counted from 0; -1 is the last one.
        n_columns : int, default=None
            Number of kernels per row. None means up to six.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : FilterDisplay

        Raises
        ------
        ValueError
            If there is no such stage.
        ImportError
            If matplotlib is missing.
        """
        from sklearn_shapecnn._finder import find_image_estimator
        from sklearn_shapecnn.inspection._feature_maps import filters

        kernels = filters(estimator, stage)
        fitted, _ = find_image_estimator(estimator)
        n_pretrained = fitted.n_pretrained_filters_[stage]
        return cls(kernels, n_pretrained).plot(ax=ax, n_columns=n_columns)

    def plot(
        self, ax: Axes | None = None, *, n_columns: int | None = None, n_shown: int = 16
    ) -> FilterDisplay:
        """Draw the kernels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        n_columns : int, default=None
            Number of kernels per row. None means up to six.
        n_shown : int, default=16
            Maximum number of filters and feature maps to show in later stages: those with the
            largest weights.

        Returns
        -------
        display : FilterDisplay
        """
        n_columns = check_n_columns(n_columns)
        n_shown = check_positive_int("n_shown", n_shown)
        limit = float(np.abs(self.kernels).max()) or 1.0
        if self.kernels.shape[3] in (1, 3):
            cells = self._plot_each(ax, n_columns, limit)
        else:
            cells = self._plot_table(ax, n_shown, limit)
        if self.n_pretrained:
            self.ax_.set_title(
                f"{self.n_pretrained} of {len(self.kernels)} filters began pretrained", fontsize=10
            )
        self.axes_ = np.array(cells)
        self.figure_ = figure_of(self.ax_)
        return self

    def _plot_each(self, ax: Axes | None, n_columns: int, limit: float) -> list[Axes]:
        """Draw each kernel separately, in color if it has three channels."""
        n_filters, height, width, n_channels = self.kernels.shape
        names = [self._origin(i) for i in range(n_filters)]
        n_lines = [int(bool(name)) for name in names]
        self.ax_, cells, font_size = sheet("FilterDisplay", ax, n_columns, (height, width), n_lines)
        for cell, kernel, name in zip(cells, self.kernels, names, strict=True):
            cell.set_title(name, fontsize=font_size, pad=2)
            if n_channels == 3:
                cell.imshow(0.5 + kernel / (2 * limit))
            else:
                cell.imshow(kernel[..., 0], cmap=SIGNED, vmin=-limit, vmax=limit)
        return cells

    def _plot_table(self, ax: Axes | None, n_shown: int, limit: float) -> list[Axes]:
        """Draw a table of filters and channels: those with the largest weights, in order."""
        n_filters, height, width, n_channels = self.kernels.shape
        strength = np.square(self.kernels).sum((1, 2))
        rows = np.sort(np.argsort(-strength.sum(1), kind="stable")[:n_shown])
        columns = np.sort(np.argsort(-strength.sum(0), kind="stable")[:n_shown])
        spaced = np.pad(
            self.kernels[rows][..., columns],
            ((0, 0), (0, 1), (0, 1), (0, 0)),
            constant_values=np.nan,
        )
        table = spaced.transpose(0, 1, 3, 2).reshape(
            len(rows) * (height + 1), len(columns) * (width + 1)
        )[:-1, :-1]
        self.ax_ = single_axes("FilterDisplay", ax, (5.5, 5.5 * len(rows) / len(columns) + 0.6))
        self.ax_.imshow(table, cmap=SIGNED, vmin=-limit, vmax=limit)
        self.ax_.set(
            xticks=[],
            yticks=(height + 1) * np.arange(len(rows)) + (height - 1) / 2,
            xlabel=f"{len(columns)} of {n_channels} input channels",
            ylabel=f"{len(rows)} of {n_filters} filters",
        )
        self.ax_.set_yticklabels([self._origin(i) for i in rows], fontsize=8)
        self.ax_.tick_params(left=False)
        return [self.ax_]

    def _origin(self, i: int) -> str:
        """Return the label of a filter: 'random' if it began at random but others did not."""
        return "random" if self.n_pretrained and i >= self.n_pretrained else ""
