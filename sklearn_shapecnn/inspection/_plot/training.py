"""TrainingDisplay: loss and validation score over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_shapecnn.inspection._plot._sheet import (
    COLORS,
    STYLES,
    figure_of,
    only_whole_ticks,
    single_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sklearn_shapecnn._estimator import ImageEstimator


class TrainingDisplay:
    """Loss and validation score over the epochs of one fit or of several.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    loss_curves : dict of str to list of float
        Training loss of each epoch, by the name of the fit.
    validation_scores : dict of str to list of float
        Validation score of each epoch, for those fits that have one.
    round_starts : dict of str to list of int, default=None
        Epochs, counted from 0, in which another round of training began: the learning rate starts
        over, so the loss may jump. They are marked with a dotted line.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes around the panels.
    axes_ : ndarray of shape (n_panels,) of matplotlib Axes
        The loss; then the validation score, if there is one.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_shapecnn import ShapeCNNClassifier, TrainingDisplay, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> display = TrainingDisplay.from_estimator(clf)
    >>> plt.show()
    """

    ax_: Axes
    axes_: np.ndarray
    figure_: Figure

    def __init__(
        self,
        loss_curves: Mapping[str, Sequence[float]],
        validation_scores: Mapping[str, Sequence[float]],
        round_starts: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.loss_curves = loss_curves
        self.validation_scores = validation_scores
        self.round_starts = round_starts

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> TrainingDisplay:
        """Show how training went.

        Parameters
        ----------
        estimator : estimator instance, list or dict of str to estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one; or
            several of them, as a list or as a dict by name.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : TrainingDisplay

        Raises
        ------
        ValueError
            If there is no estimator.
        ImportError
            If matplotlib is missing.
        """
        from sklearn_shapecnn._finder import find_image_estimator

        if isinstance(estimator, Mapping):
            named = {str(name): one for name, one in estimator.items()}
        elif isinstance(estimator, list | tuple):
            named = {f"fit {i}": one for i, one in enumerate(estimator, 1)}
        else:
            named = {"": estimator}
        if not named:
            raise ValueError("estimator is empty: give at least one fitted estimator.")
        fitted = {name: find_image_estimator(one)[0] for name, one in named.items()}
        losses = {name: list(one.loss_curve_) for name, one in fitted.items()}
        scores = {
            name: list(one.validation_scores_)
            for name, one in fitted.items()
            if one.validation_scores_
        }
        starts = {name: _round_starts(one) for name, one in fitted.items()}
        return cls(losses, scores, starts).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> TrainingDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : TrainingDisplay
        """
        panels = [("training loss", self.loss_curves)]
        if self.validation_scores:
            panels.append(("validation score", self.validation_scores))
        self.ax_ = single_axes("TrainingDisplay", ax, (4.6 * len(panels), 3.4))
        if len(panels) == 1:
            axes = [self.ax_]
        else:
            self.ax_.axis("off")
            axes = [self.ax_.inset_axes((left, 0, 0.42, 1)) for left in (0, 0.58)]
        for panel, (name, curves) in zip(axes, panels, strict=True):
            self._plot_curves(panel, curves)
            panel.set(xlabel="epoch", ylabel=name)
        only_whole_ticks(*axes, which="x")
        if all(loss > 0 for curve in self.loss_curves.values() for loss in curve):
            axes[0].set_yscale("log")
        if any(self.loss_curves):
            axes[0].legend()
        self.axes_ = np.array(axes)
        self.figure_ = figure_of(self.ax_)
        return self

    def _plot_curves(self, panel: Axes, curves: Mapping[str, Sequence[float]]) -> None:
        """Draw a curve for each fit that has one; a fit has the same color in all panels."""
        for i, fit in enumerate(self.loss_curves):
            if fit in curves:
                last = len(self.loss_curves[fit])  # scores may have begun later: warm_start
                panel.plot(
                    range(last - len(curves[fit]) + 1, last + 1),
                    curves[fit],
                    color=COLORS[i % len(COLORS)],
                    linestyle=STYLES[i // len(COLORS) % len(STYLES)],
                    marker="o" if len(curves[fit]) < 12 else None,
                    label=fit,
                )
                for start in (self.round_starts or {}).get(fit, ()):
                    # Between the last epoch of one round and the first one of the next.
                    panel.axvline(start + 0.5, color=COLORS[i % len(COLORS)], linestyle=":")


def _round_starts(fitted: ImageEstimator) -> list[int]:
    """The epochs in which another round of training began, as indices into the loss curve."""
    from sklearn_shapecnn._training.schedule import ROUND_BEGINS

    epochs = fitted.net_.history.to_list()
    earlier = len(fitted.loss_curve_) - len(epochs)  # epochs of earlier calls of partial_fit
    return [earlier + i for i, epoch in enumerate(epochs) if epoch.get(ROUND_BEGINS)]
