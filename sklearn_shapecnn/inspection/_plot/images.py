"""ImagesDisplay: images with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from sklearn_shapecnn._input.errors import check_positive_int
from sklearn_shapecnn._input.image_shape import find_drawn_shape
from sklearn_shapecnn._input.pixels import check_pixels
from sklearn_shapecnn.inspection._plot._sheet import (
    MAX_IMAGES,
    RIGHT,
    WRONG,
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


class ImagesDisplay:
    """A sheet of images with their labels; wrong predictions are marked.

    A wrong prediction has a thick orange frame, and its title names the true label too, such as
    "true 7, predicted 3".

    Create it with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        Gray images, or images with three or four channels. With any other number of channels,
        their mean is shown.
    y_true, y_pred : ndarray of shape (n,) or (n, n_outputs) or None, default=None
        True and predicted labels, one per image. For a matrix of 0 and 1, the titles name the
        columns that hold a 1. Floats are shown as numbers, and are never marked as wrong.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes around the whole sheet.
    axes_ : ndarray of shape (n_drawn,) of matplotlib Axes
        One per image that is drawn.
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
        image_shape: Sequence[int] | None = None,
        max_images: int = MAX_IMAGES,
        n_columns: int | None = None,
        ax: Axes | None = None,
    ) -> ImagesDisplay:
        """Show images with the predictions of a fitted estimator.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
            :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
            Any other estimator for images works too.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` accepts. For a single image, give ``X[np.newaxis]``.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            True labels, to mark where the prediction is wrong; or true numbers, to show beside the
            predicted ones.
        image_shape : tuple of int (height, width) or (height, width, channels), default=None
            Shape of one image. It is only needed if X has rows that are not square gray images, and
            the estimator does not know their shape.
        max_images : int, default=60
            Maximum number of images to draw, starting with the first. A note says so if there are
            more.
        n_columns : int, default=None
            Number of images per row. None means up to six.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : ImagesDisplay

        Raises
        ------
        ValueError
            If X does not hold images, or if y is not as long as X.
        ImportError
            If matplotlib is missing.
        """
        # Importing torch takes seconds, and from_predictions does without it.
        from sklearn_shapecnn.inspection._images import given_images

        pixels, known_shape = given_images(estimator, X)
        return cls.from_predictions(
            pixels,
            y,
            estimator.predict(X),
            image_shape=known_shape if image_shape is None else image_shape,
            max_images=max_images,
            n_columns=n_columns,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y: Any = None,
        y_pred: Any = None,
        *,
        image_shape: Sequence[int] | None = None,
        max_images: int = MAX_IMAGES,
        n_columns: int | None = None,
        ax: Axes | None = None,
    ) -> ImagesDisplay:
        """Show images with labels from any source.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images. For a single image, give ``X[np.newaxis]``.
        y, y_pred : array-like of shape (n,) or (n, n_outputs), default=None
            True and predicted labels or numbers.
        image_shape : tuple of int (height, width) or (height, width, channels), default=None
            Shape of one image. It is only needed if X has rows that are not square gray images.
        max_images : int, default=60
            Maximum number of images to draw, starting with the first. A note says so if there are
            more.
        n_columns : int, default=None
            Number of images per row. None means up to six.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        display : ImagesDisplay

        Raises
        ------
        ValueError
            If X does not hold images, or if y or y_pred is not as long as X.
        ImportError
            If matplotlib is missing.
        """
        pixels = check_pixels(X, cls.__name__)
        images = pixels.reshape(-1, *find_drawn_shape(pixels.shape, image_shape))
        labels = [
            None if values is None else check_answers(values, name)
            for name, values in (("y", y), ("y_pred", y_pred))
        ]
        check_consistent_length(pixels, *labels)
        shapes = [np.shape(each) for each in labels if each is not None]
        if len(set(shapes)) > 1:
            raise ValueError(
                f"y and y_pred must be of one shape, but y is of shape {shapes[0]} and y_pred of "
                f"shape {shapes[1]}. If y is one-hot encoded, give y.argmax(axis=1)."
            )
        return cls(images, *labels).plot(ax=ax, n_columns=n_columns, max_images=max_images)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_columns: int | None = None,
        max_images: int = MAX_IMAGES,
    ) -> ImagesDisplay:
        """Draw the sheet.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        n_columns : int, default=None
            Number of images per row. None means up to six.
        max_images : int, default=60
            Maximum number of images to draw, starting with the first. A note says so if there are
            more.

        Returns
        -------
        display : ImagesDisplay
        """
        n_columns = check_n_columns(n_columns)
        images = self.images[: check_positive_int("max_images", max_images)]
        titles, is_right = self._titles(len(images))
        note = count_of(len(images), len(self.images))
        n_lines = [count_lines(title) for title in titles]
        self.ax_, cells, font_size = sheet(
            "ImagesDisplay", ax, n_columns, images[0].shape, n_lines, note=note
        )
        for cell, image, title, right in zip(
            cells, drawable(images), titles, is_right, strict=True
        ):
            show_image(cell, image)
            set_title(cell, title, font_size, right)
            if right is not None:
                cell.spines[:].set(color=RIGHT if right else WRONG, linewidth=1 if right else 4)
        self.axes_ = np.array(cells)
        self.figure_ = figure_of(self.ax_)
        return self

    def _titles(self, n: int) -> tuple[list[str], list[bool | None]]:
        """Return the titles of the first n images, and whether each prediction is right.

        None says that there is nothing to be right or wrong about.
        """
        if self.y_true is None or self.y_pred is None:
            labels = self.y_true if self.y_pred is None else self.y_pred
            titles = [""] * n if labels is None else [title_of(label) for label in labels[:n]]
            return titles, [None] * n
        true, predicted = np.asarray(self.y_true)[:n], np.asarray(self.y_pred)[:n]
        if predicted.dtype.kind == "f":  # numbers are never quite right
            if true.dtype.kind in "iub":  # and rows of ints are numbers here, not labels
                true = true.astype(float)
            pairs = zip(true, predicted, strict=True)
            return [compare(*pair, "predicted") for pair in pairs], [None] * n
        if true.ndim == 2 and true.dtype.kind == "f":  # an indicator matrix of floats
            true = true.astype(predicted.dtype)
        is_right = (true == predicted).reshape(n, -1).all(axis=1)
        titles = [
            title_of(label) if right else compare(known, label, "predicted")
            for known, label, right in zip(true, predicted, is_right, strict=True)
        ]
        return titles, is_right.tolist()
