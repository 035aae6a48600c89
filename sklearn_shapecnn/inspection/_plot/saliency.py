"""SaliencyDisplay: which pixels support a label, or raise a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from sklearn_shapecnn._input.errors import check_positive_int
from sklearn_shapecnn._input.labels import plain_labels
from sklearn_shapecnn.inspection._plot._sheet import (
    CELL,
    SIGNED,
    UNSIGNED,
    cell_height,
    check_answers,
    check_n_columns,
    compare,
    count_lines,
    count_of,
    drawable,
    figure_of,
    set_title,
    sheet,
    show_image,
    title_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sklearn_shapecnn._estimator import ImageEstimator

NAMES = {
    "grad_cam": "Grad-CAM",
    "gradients": "Gradients",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}
MAX_IMAGES = 12  # because explaining an image may take a second
BAR, LEAST_BAR = 0.12, 0.6  # inches: the width of the color bar, and its least height
BAR_SPACE = 0.85  # inches for the color bar with its labels
LINES = "0.5"  # the gray of frames and outlines


class SaliencyDisplay:
    """Images, and below each the pixels that support its label or raise its predicted number.

    The color bar explains the colors. Bright yellow pixels support the label, dark blue ones do not
    matter. With 'gradients', bright yellow pixels matter in either direction. If a method also
    shows what opposes the label, red pixels support it, blue pixels oppose it, and white ones do
    not matter. For a number, they raise or lower it. Each map has a scale of its own: the strongest
    color is its largest value. Gray lines are the outlines in the image.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        The images.
    saliency : ndarray of shape (n, h, w)
        As returned by :func:`~sklearn_shapecnn.inspection.saliency`.
    labels : ndarray of shape (n,)
        The labels that are explained, or the predicted numbers.
    y_true : ndarray of shape (n,) or (n, n_outputs), default=None
        The true labels, the true numbers, or a matrix of 0 and 1 for several labels per image.
    method : {'grad_cam', 'gradients', 'integrated_gradients', 'occlusion'}, default=None
        How the saliency was computed, for the title. None leaves it out.
    kind : {'predicted', 'explained', 'number'}, default='predicted'
        What the labels are: the predicted ones, those that were asked for, or predicted numbers.
    n_images : int, default=None
        Number of images that there were, if these are only the first ones.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes around the whole sheet.
    axes_ : ndarray of shape (2, n_drawn) of matplotlib Axes
        Axes of the images, and those below them.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_shapecnn import SaliencyDisplay, ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> display = SaliencyDisplay.from_estimator(clf, X[:5], y[:5], method="occlusion")
    >>> plt.show()
    """

    ax_: Axes
    axes_: np.ndarray
    figure_: Figure

    def __init__(
        self,
        images: np.ndarray,
        saliency: np.ndarray,
        labels: np.ndarray,
        y_true: np.ndarray | None = None,
        *,
        method: str | None = None,
        kind: str = "predicted",
        n_images: int | None = None,
    ) -> None:
        self.images = images
        self.saliency = saliency
        self.labels = labels
        self.y_true = y_true
        self.method = method
        self.kind = kind
        self.n_images = n_images

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        method: str = "grad_cam",
        target: Any = None,
        stage: int = -1,
        baseline: float | None = None,
        n_steps: int = 50,
        window: int | None = None,
        max_images: int = MAX_IMAGES,
        n_columns: int | None = None,
        ax: Axes | None = None,
    ) -> SaliencyDisplay:
        """Show which pixels decide.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` accepts. For a single image, give ``X[np.newaxis]``.
            In a pipeline, the images are shown as the network receives them.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            True labels, for the titles: if one differs from the label that is explained, the title
            names both, such as "true 7, predicted 3". What is explained depends on `target` alone.
            If they are numbers, the title names the true and the predicted one. With several labels
            per image, it says whether the explained label is present.
        method, target, stage, baseline, n_steps, window
            As in :func:`~sklearn_shapecnn.inspection.saliency`, which also cites the sources.
        max_images : int, default=12
            Maximum number of images to explain and draw, starting with the first. A note says so if
            there are more.
        n_columns : int, default=None
            Number of images per row. None means up to six.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        ValueError
            If X does not hold images of the same shape as in `fit`, if y is not as long as X, or if
            a parameter is invalid.
        ImportError
            If matplotlib is missing.
        """
        from sklearn_shapecnn.inspection._images import seen_images
        from sklearn_shapecnn.inspection._saliency import saliency

        max_images = check_positive_int("max_images", max_images)
        fitted, images = seen_images(estimator, X)
        n_images = len(images)
        y_true = None if y is None else check_answers(y, "y")
        target = None if target is None else plain_labels(target, "target")
        check_consistent_length(images, y_true, target if np.ndim(target) else None)
        images = images[:max_images]
        target = np.asarray(target)[:max_images] if np.ndim(target) else target
        answers = fitted.predict(images)
        y_true = None if y_true is None else _check_like(y_true[:max_images], answers)
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
        is_number = not hasattr(fitted, "classes_")
        display = cls(
            images,
            values,
            _explained(fitted, images, answers, target),
            None if y_true is None else _choose(fitted, y_true, target),
            method=method,
            kind="number" if is_number else "predicted" if target is None else "explained",
            n_images=n_images,
        )
        return display.plot(ax=ax, n_columns=n_columns, max_images=max_images)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_columns: int | None = None,
        max_images: int = MAX_IMAGES,
    ) -> SaliencyDisplay:
        """Draw the images and what decides in them.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        n_columns : int, default=None
            Number of images per row. None means up to six.
        max_images : int, default=12
            Maximum number of images to draw, starting with the first. A note says so if there are
            more.

        Returns
        -------
        display : SaliencyDisplay
        """
        images = drawable(self.images[: check_positive_int("max_images", max_images)])
        n, n_columns = len(images), min(len(images), check_n_columns(n_columns))
        n_rows = -(-n // n_columns)
        titles, is_right = zip(*(self._title(i) for i in range(n)), strict=True)
        n_lines = np.zeros((n_rows, 2, n_columns), dtype=int)
        for i, title in enumerate(titles):
            n_lines[i // n_columns, 0, i % n_columns] = count_lines(title)
        self.ax_, cells, font_size = sheet(
            "SaliencyDisplay",
            ax,
            n_columns,
            images[0].shape,
            n_lines.ravel().tolist(),
            title=NAMES.get(self.method or "", ""),
            note=count_of(n, max(n, self.n_images or len(self.images))),
            right=BAR_SPACE,
        )
        in_pairs = np.array(cells).reshape(n_rows, 2, n_columns).transpose(1, 0, 2).reshape(2, -1)
        self.axes_, unused = np.split(in_pairs, [n], axis=1)
        for cell in unused.flat:
            cell.remove()
        is_signed = bool((self.saliency[:n] < 0).any())
        for i, (above, below) in enumerate(self.axes_.T):
            show_image(above, images[i])
            set_title(above, titles[i], font_size, is_right[i])
            _show_map(below, self.saliency[i], is_signed)
            _draw_outline(below, images[i])
        self._draw_bar(self.axes_[1, n_columns - 1], font_size, is_signed)
        self.figure_ = figure_of(self.ax_)
        return self

    def _title(self, i: int) -> tuple[str, bool | None]:
        """Return the title of an image, and whether its label is right, if that is known."""
        label = self.labels[i]
        if self.y_true is None:
            return title_of(label), None
        true = self.y_true[i]
        if self.kind == "number":  # never quite right
            return compare(true, label, "predicted"), None
        if np.ndim(true):  # one of several labels is explained, whether predicted or not
            return f"{title_of(label)} ({'present' if true[label] else 'absent'})", None
        is_right = bool(true == label)
        title = title_of(label) if is_right else compare(true, label, self.kind)
        return title, is_right if self.kind == "predicted" else None

    def _draw_bar(self, beside: Axes, font_size: float, is_signed: bool) -> None:
        """Draw the color bar on the right of a map."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        if self.method == "gradients":
            words = {0: "no effect", 1: "large effect"}
        elif self.kind == "number":
            words = {-1: "lowers", 0: "neutral", 1: "raises"}
        else:
            words = {-1: "opposes", 0: "neutral", 1: "supports"}
        ticks = [-1, 0, 1] if is_signed else [0, 1]
        height = max(1, LEAST_BAR / cell_height(self.images[0].shape))  # of flat images
        cax = beside.inset_axes((1.06, 0, BAR / CELL, height))
        colors = ScalarMappable(Normalize(ticks[0], 1), SIGNED if is_signed else UNSIGNED)
        bar = figure_of(self.ax_).colorbar(colors, cax=cax, ticks=ticks)
        bar.ax.set_yticklabels([words[tick] for tick in ticks], fontsize=font_size)
        bar.ax.tick_params(length=2)
        bar.outline.set_linewidth(0.5)


def _show_map(ax: Axes, values: np.ndarray, is_signed: bool) -> None:
    """Draw the saliency of an image, in a thin frame."""
    # A few pixels often outshine all others, so the brightest look alike.
    limit = float(np.quantile(np.abs(values), 0.995) or np.abs(values).max()) or 1.0
    lowest, cmap = (-limit, SIGNED) if is_signed else (0, UNSIGNED)
    ax.imshow(values, cmap=cmap, vmin=lowest, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color=LINES, linewidth=0.8)


def _draw_outline(ax: Axes, image: np.ndarray) -> None:
    """Draw where the image turns from dark to bright, halfway between its two kinds of pixels."""
    gray = image[..., :3].mean(axis=2) if image.ndim == 3 else image
    if min(gray.shape) < 2 or np.ptp(gray) == 0:
        return
    from skimage.filters import threshold_otsu

    is_bright = gray > threshold_otsu(gray)
    level = (gray[is_bright].mean() + gray[~is_bright].mean()) / 2
    ax.contour(gray, levels=[level], colors=LINES, linewidths=0.7)


def _check_like(y: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return y if it is of the shape of what `predict` returns, or raise ValueError."""
    if y.shape[1:] != answers.shape[1:]:
        raise ValueError(
            f"y must hold true answers of the shape of those of predict, {answers.shape}, but is "
            f"of shape {y.shape}. If y is one-hot encoded, give y.argmax(axis=1)."
        )
    return y


def _explained(
    fitted: ImageEstimator, images: np.ndarray, answers: np.ndarray, target: Any
) -> np.ndarray:
    """Return the labels that are explained, or the predicted numbers."""
    if not hasattr(fitted, "classes_"):
        return _choose(fitted, answers, target)
    if answers.ndim == 1:
        return answers if target is None else np.broadcast_to(target, len(images))
    if target is None:
        return fitted.decision_function(images).argmax(axis=1)
    return np.broadcast_to(target, len(images)).astype(int)


def _choose(fitted: ImageEstimator, answers: np.ndarray, target: Any) -> np.ndarray:
    """Return the columns of numbers that are explained; leave labels as they are."""
    if hasattr(fitted, "classes_") or answers.ndim == 1:
        return answers
    return answers[np.arange(len(answers)), np.asarray(target).astype(int)]
