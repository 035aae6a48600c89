"""ImagesDisplay: images with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_shapecnn._input.image_shape import find_image_shape
from sklearn_shapecnn._input.labels import plain_labels
from sklearn_shapecnn._input.pixels import check_pixels
from sklearn_shapecnn.inspection._plot._sheet import (
    COLORS,
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

RIGHT, WRONG = COLORS[:2]


class ImagesDisplay:
    """A sheet of images with their labels; wrong predictions are marked.

    Made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        Gray images, or images with three or four channels; of other numbers the mean is shown.
    y_true, y_pred : ndarray of shape (n,) or (n, n_outputs) or None, default=None
        True and predicted labels: one for each image; or indicators of several, of which the
        columns that hold a 1 are named; or floats, which are numbers, and never count as wrong.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Around the whole sheet.
    axes_ : ndarray of shape (n,) of matplotlib Axes
        One for each image.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_shapecnn import ImagesDisplay, make_shapes
    >>> X, y = make_shapes(10, image_shape=(24, 24), random_state=0)
    >>> display = ImagesDisplay.from_predictions(X, y)
    >>> plt.show()
    """

    ax_: Axes
    axes_: np.ndarray
    figure_: Figure

    def __init__(
        self,
        images: np.ndarray,
        y_true: np.ndarray | None = None,
        y_pred: np.ndarray | None = None,
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        n_columns: int | None = None,
        ax: Axes | None = None,
    ) -> ImagesDisplay:
        """Show images with what a fitted estimator predicts.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
            Any other estimator for square gray images works too.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` takes. All of them are drawn: give few.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            True labels, to mark where the prediction is wrong; or true numbers, to show beside the
            predicted ones.
        n_columns : int, default=None
            Images side by side; None takes up to six.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ImagesDisplay

        Raises
        ------
        ValueError
            If X does not hold images, or y is not as long as X.
        ImportError
            If matplotlib is missing.
        """
        # Importing torch takes seconds, and from_predictions does without it.
        from sklearn_shapecnn.inspection._images import given_images

        X, _, image_shape = given_images(estimator, X)
        return cls.from_predictions(
            X, y, estimator.predict(X), image_shape=image_shape, n_columns=n_columns, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y: Any = None,
        y_pred: Any = None,
        *,
        image_shape: Sequence[int] | None = None,
        n_columns: int | None = None,
        ax: Axes | None = None,
    ) -> ImagesDisplay:
        """Show images with labels from any source.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images. All of them are drawn: give few.
        y, y_pred : array-like of shape (n,) or (n, n_outputs), default=None
            True and predicted labels or numbers.
        image_shape : tuple of int (height, width) or (height, width, channels), default=None
            Shape of one image. It is needed only if X holds rows that are no square gray images.
        n_columns : int, default=None
            Images side by side; None takes up to six.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ImagesDisplay

        Raises
        ------
        ValueError
            If X does not hold images, or y or y_pred is not as long as X.
        ImportError
            If matplotlib is missing.
        """
        pixels = check_pixels(X, cls.__name__)
        images = pixels.reshape(-1, *find_image_shape(pixels.shape, image_shape))
        labels = [
            None if values is None else _check_answers(values, name)
            for name, values in (("y", y), ("y_pred", y_pred))
        ]
        check_consistent_length(pixels, *labels)
        shapes = [np.shape(each) for each in labels if each is not None]
        if len(set(shapes)) > 1:
            raise ValueError(
                f"y and y_pred must be of one shape, but y is of shape {shapes[0]} and y_pred of "
                f"shape {shapes[1]}. If y is one-hot encoded, give y.argmax(axis=1)."
            )
        return cls(images, *labels).plot(ax=ax, n_columns=n_columns)

    def plot(self, ax: Axes | None = None, *, n_columns: int | None = None) -> ImagesDisplay:
        """Draw the sheet.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_columns : int, default=None
            Images side by side; None takes up to six.

        Returns
        -------
        display : ImagesDisplay
        """
        n_columns = check_n_columns(n_columns)
        labels = self.y_true if self.y_pred is None else self.y_pred
        is_compared = self.y_true is not None and self.y_pred is not None
        is_right = np.ones(len(self.images), dtype=bool)
        # Numbers are never quite right: they are told beside the true ones, without a mark.
        are_numbers = is_compared and np.asarray(self.y_pred).dtype.kind == "f"
        if is_compared:
            is_equal = np.asarray(self.y_true) == np.asarray(self.y_pred)
            is_right &= is_equal.reshape(len(self.images), -1).all(axis=1) & (not are_numbers)
        n_lines = np.where(is_right, int(labels is not None), 2)
        self.ax_, cells = sheet(
            "ImagesDisplay", ax, n_columns, self.images[0].shape, n_lines.tolist()
        )
        for i, (cell, image) in enumerate(zip(cells, drawable(self.images), strict=True)):
            show_image(cell, image)
            title = "" if labels is None else title_of(labels[i])
            color, width, weight = RIGHT, 1, "normal"
            if not is_right[i] and self.y_true is not None:
                title += f"\nis {title_of(self.y_true[i])}"
                if not are_numbers:
                    color, width, weight = WRONG, 4, "bold"
            is_marked = is_compared and not are_numbers
            if is_marked:
                cell.spines[:].set(color=color, linewidth=width)
            cell.set_title(title, fontsize=8, color=color if is_marked else "black", weight=weight)
        self.axes_ = np.array(cells)
        self.figure_ = figure_of(self.ax_)
        return self


def _check_answers(values: Any, name: str) -> np.ndarray:
    """Return labels, indicators of labels or numbers as an array."""
    if issparse(values):
        values = values.toarray()
    answers = np.asarray(plain_labels(values, name))
    return answers if answers.ndim == 2 and answers.shape[1] > 1 else column_or_1d(answers)
