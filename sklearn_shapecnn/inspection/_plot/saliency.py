"""SaliencyDisplay: which pixels speak for a label, or raise a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_shapecnn.inspection._plot._sheet import (
    SIGNED,
    UNSIGNED,
    check_n_columns,
    drawable,
    figure_of,
    sheet,
    show_image,
    title_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sklearn_shapecnn._estimator import ImageEstimator


class SaliencyDisplay:
    """Which pixels decide: each image, and under it what speaks for its label or raises its number.

    Bright yellow stands for much, dark blue for nothing. If a method also tells what speaks against
    the label, red pixels speak for it and blue pixels against it; likewise for a number.

    Made by :meth:`from_estimator`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        The images.
    saliency : ndarray of shape (n, h, w)
        As :func:`~sklearn_shapecnn.inspection.saliency` returns it.
    labels : ndarray of shape (n,)
        The labels that are explained, or the numbers that are predicted.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Around the whole sheet.
    axes_ : ndarray of shape (2, n) of matplotlib Axes
        Those of the images, and those under them.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_shapecnn import SaliencyDisplay, ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> display = SaliencyDisplay.from_estimator(clf, X[:5], method="occlusion")
    >>> plt.show()
    """

    ax_: Axes
    axes_: np.ndarray
    figure_: Figure

    def __init__(self, images: np.ndarray, saliency: np.ndarray, labels: np.ndarray) -> None:
        self.images = images
        self.saliency = saliency
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        method: str = "grad_cam",
        target: Any = None,
        stage: int = -1,
        baseline: float | None = None,
        n_steps: int = 50,
        window: int | None = None,
        ax: Axes | None = None,
    ) -> SaliencyDisplay:
        """Show which pixels decide.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` takes, or a single image. All of them are drawn: give
            few. In a pipeline, they are shown as the steps before the network leave them.
        method, target, stage, baseline, n_steps, window
            As in :func:`~sklearn_shapecnn.inspection.saliency`, which names the sources too.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        ValueError
            If X does not hold images of the shape seen in `fit`, or a parameter is not usable.
        ImportError
            If matplotlib is missing.
        """
        from sklearn_shapecnn.inspection._images import seen_images
        from sklearn_shapecnn.inspection._saliency import saliency

        fitted, images = seen_images(estimator, X)
        labels = _explained(fitted, images, target)
        values = saliency(
            fitted,
            images,
            method=method,
            target=target,
            stage=stage,
            baseline=baseline,
            n_steps=n_steps,
            window=window,
        )
        return cls(images, values, np.broadcast_to(labels, len(images))).plot(ax=ax)

    def plot(self, ax: Axes | None = None, *, n_columns: int | None = None) -> SaliencyDisplay:
        """Draw the images and what decides in them.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_columns : int, default=None
            Images side by side; None takes up to six.

        Returns
        -------
        display : SaliencyDisplay
        """
        n = len(self.images)
        n_columns = min(n, check_n_columns(n_columns))
        n_rows = -(-n // n_columns)
        n_lines = ([1] * n_columns + [0] * n_columns) * n_rows
        self.ax_, cells = sheet("SaliencyDisplay", ax, n_columns, self.images[0].shape, n_lines)
        in_pairs = np.array(cells).reshape(n_rows, 2, n_columns).transpose(1, 0, 2).reshape(2, -1)
        self.axes_, unused = np.split(in_pairs, [n], axis=1)
        for cell in unused.flat:
            cell.remove()
        images = drawable(self.images)
        is_signed = bool((self.saliency < 0).any())
        for above, below, image, values, label in zip(
            *self.axes_, images, self.saliency, self.labels, strict=True
        ):
            show_image(above, image)
            above.set_title(title_of(label), fontsize=8, pad=3)
            # A few pixels often outshine all others, so the brightest look alike.
            limit = float(np.quantile(np.abs(values), 0.995) or np.abs(values).max()) or 1.0
            limits = {"vmin": -limit if is_signed else 0, "vmax": limit}
            below.imshow(values, cmap=SIGNED if is_signed else UNSIGNED, **limits)
            below.set(xticks=[], yticks=[])
        self.figure_ = figure_of(self.ax_)
        return self


def _explained(fitted: ImageEstimator, images: np.ndarray, target: Any) -> Any:
    """The labels that are explained, or the numbers that are predicted."""
    answers = fitted.predict(images)
    if not hasattr(fitted, "classes_"):
        return answers if answers.ndim == 1 else answers[np.arange(len(images)), target]
    if target is not None:
        return target
    return answers if answers.ndim == 1 else fitted.predict_proba(images).argmax(axis=1)
