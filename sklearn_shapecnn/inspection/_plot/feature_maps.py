"""FeatureMapDisplay: the feature maps of each stage for one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_shapecnn._input.errors import check_positive_int
from sklearn_shapecnn.inspection._plot._sheet import (
    CELL,
    GAP,
    LINE,
    UNSIGNED,
    cell_height,
    drawable,
    figure_of,
    show_image,
    single_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class FeatureMapDisplay:
    """Feature maps of each stage for one image, from the first edges to the last features.

    Each column is a stage. It shows the maps that respond most to the image, each from its smallest
    value (dark) to its largest (bright).

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, c)
        The image.
    maps : list of ndarray of shape (map_height, map_width, n_filters)
        Feature maps of each stage.
    label : object, default=None
        Predicted label.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes around the whole sheet.
    axes_ : list of list of matplotlib Axes
        Axes of the image, then those of the maps of each stage.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_shapecnn import FeatureMapDisplay, ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> display = FeatureMapDisplay.from_estimator(clf, X[:1])
    >>> plt.show()
    """

    ax_: Axes
    axes_: list[list[Axes]]
    figure_: Figure

    def __init__(self, image: np.ndarray, maps: list[np.ndarray], label: Any = None) -> None:
        self.image = image
        self.maps = maps
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        n_maps: int = 6,
        step: str = "output",
        ax: Axes | None = None,
    ) -> FeatureMapDisplay:
        """Show the feature maps of an image.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
        X : array-like of shape (1, n_features), (1, h, w) or (1, h, w, c)
            An array of one image, in any form that `predict` accepts. In a pipeline, the image is
            shown as the network receives it.
        n_maps : int, default=6
            Number of maps to show per stage.
        step : {'output', 'convolution'}, default='output'
            As in :func:`~sklearn_shapecnn.inspection.feature_maps`.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : FeatureMapDisplay

        Raises
        ------
        ValueError
            If X does not hold exactly one image of the same shape as in `fit`.
        ImportError
            If matplotlib is missing.
        """
        from sklearn_shapecnn.inspection._feature_maps import feature_maps
        from sklearn_shapecnn.inspection._images import seen_images

        fitted, images = seen_images(estimator, X)
        if len(images) != 1:
            raise ValueError(
                f"FeatureMapDisplay shows a single image, but X holds {len(images)}: give X[:1]."
            )
        maps = [maps_of_stage[0] for maps_of_stage in feature_maps(fitted, images, step=step)]
        display = cls(images[0], maps, fitted.predict(images)[0])
        return display.plot(ax=ax, n_maps=n_maps)

    def plot(self, ax: Axes | None = None, *, n_maps: int = 6) -> FeatureMapDisplay:
        """Draw the maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        n_maps : int, default=6
            Number of maps to show per stage.

        Returns
        -------
        display : FeatureMapDisplay
        """
        n_maps = check_positive_int("n_maps", n_maps)
        n_rows = min(n_maps, max(maps.shape[2] for maps in self.maps))
        n_columns = len(self.maps) + 1
        height = n_rows * cell_height(self.image.shape) + 2 * LINE
        self.ax_ = single_axes("FeatureMapDisplay", ax, (n_columns * (CELL + GAP), height))
        self.ax_.axis("off")
        top = 1 - 2 * LINE / height
        step = top / n_rows

        def cell(column: float, row: float) -> Axes:
            box = (column / n_columns, top - (row + 1) * step, 0.92 / n_columns, 0.92 * step)
            return self.ax_.inset_axes(box)

        first = cell(0, (n_rows - 1) / 2)
        show_image(first, drawable(self.image[np.newaxis])[0])
        title = "image" if self.label is None else f"image:\n{self.label}"
        first.set_title(title, fontsize=9)
        self.axes_ = [[first]]
        for stage, maps in enumerate(self.maps, 1):
            order = np.argsort(-np.ptp(maps, axis=(0, 1)), kind="stable")[:n_rows]
            cells = [cell(stage, row) for row in range(len(order))]
            for map_ax, i in zip(cells, order, strict=True):
                map_ax.imshow(maps[..., i], cmap=UNSIGNED)
                map_ax.set(xticks=[], yticks=[])
                map_ax.spines[:].set_visible(False)
            h, w, n = maps.shape
            cells[0].set_title(f"stage {stage}\n{n} maps, {h} x {w}", fontsize=8)
            self.axes_.append(cells)
        self.figure_ = figure_of(self.ax_)
        return self
