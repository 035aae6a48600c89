"""ShiftDisplay: the probabilities as images move across the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_shapecnn.inspection._plot._sheet import (
    COLORS,
    STYLES,
    UNSIGNED,
    figure_of,
    only_whole_ticks,
    single_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ShiftDisplay:
    """Probabilities as images move across the frame.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_shifts, n_shifts, n_classes)
    shifts : ndarray of shape (n_shifts,)
    same_label : float
        As returned by :func:`~sklearn_shapecnn.inspection.shift_probabilities`.
    classes : ndarray of shape (n_classes,)
        The labels.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_shapecnn import ShapeCNNClassifier, ShiftDisplay, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> display = ShiftDisplay.from_estimator(clf, X[:5], max_shift=4)
    >>> plt.show()
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        probabilities: np.ndarray,
        shifts: np.ndarray,
        same_label: float,
        classes: np.ndarray,
    ) -> None:
        self.probabilities = probabilities
        self.shifts = shifts
        self.same_label = same_label
        self.classes = classes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        max_shift: int = 8,
        step: int = 1,
        image_shape: Sequence[int] | None = None,
        kind: str = "map",
        ax: Axes | None = None,
    ) -> ShiftDisplay:
        """Show how much or how little a shift changes the probabilities.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one. Any other classifier with `predict_proba` works too, for comparison.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` accepts.
        max_shift, step, image_shape
            As in :func:`~sklearn_shapecnn.inspection.shift_probabilities`.
        kind : {'map', 'line'}, default='map'
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : ShiftDisplay

        Raises
        ------
        ValueError
            If X does not hold images, or if a parameter is invalid.
        ImportError
            If matplotlib is missing.
        """
        from sklearn_shapecnn.inspection._shifts import shift_probabilities

        _check_kind(kind)
        result = shift_probabilities(
            estimator, X, max_shift=max_shift, step=step, image_shape=image_shape
        )
        return cls(**result, classes=estimator.classes_).plot(ax=ax, kind=kind)

    def plot(self, ax: Axes | None = None, *, kind: str = "map") -> ShiftDisplay:
        """Draw the probabilities.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        kind : {'map', 'line'}, default='map'
            - 'map' shifts in all directions. The color is the probability of the label that an
              image gets without a shift, averaged over the images.
            - 'line' shifts only to the left and right, with a line per label: the mean over the
              images. If there are more than seven labels, the most probable ones are shown.

        Returns
        -------
        display : ShiftDisplay
        """
        _check_kind(kind)
        self.ax_ = single_axes("ShiftDisplay", ax, (5, 4.2) if kind == "map" else (5.5, 3.6))
        if kind == "map":
            self._plot_map()
        else:
            self._plot_lines()
        self.ax_.set_title(f"same label in {self.same_label:.1%}\nof the positions", fontsize=10)
        self.figure_ = figure_of(self.ax_)
        return self

    def _plot_map(self) -> None:
        middle = len(self.shifts) // 2
        labels = self.probabilities[:, middle, middle].argmax(axis=1)
        shown = self.probabilities[np.arange(len(labels)), :, :, labels].mean(axis=0)
        half = (self.shifts[1] - self.shifts[0]) / 2
        edges = (self.shifts[0] - half, self.shifts[-1] + half)
        image = self.ax_.imshow(shown, cmap=UNSIGNED, vmin=0, vmax=1, extent=(*edges, *edges[::-1]))
        figure_of(self.ax_).colorbar(
            image, ax=self.ax_, label="probability of the label", fraction=0.046, pad=0.04
        )
        self.ax_.set(xlabel="pixels to the right", ylabel="pixels down")
        only_whole_ticks(self.ax_)

    def _plot_lines(self) -> None:
        lines = self.probabilities[:, len(self.shifts) // 2].mean(axis=0)
        order = np.sort(np.argsort(-lines.max(axis=0), kind="stable")[: len(COLORS)])
        for i, label in enumerate(order):
            self.ax_.plot(
                self.shifts,
                lines[:, label],
                color=COLORS[i],
                linestyle=STYLES[i % len(STYLES)],
                linewidth=2,
                label=str(self.classes[label]),
            )
        self.ax_.set(xlabel="pixels to the right", ylabel="probability", ylim=(-0.03, 1.03))
        only_whole_ticks(self.ax_, which="x")
        self.ax_.legend(title="label")


def _check_kind(kind: str) -> None:
    if kind not in ("map", "line"):
        raise ValueError(f"kind must be 'map' or 'line', but got {kind!r}.")
