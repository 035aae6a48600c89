"""Pictures of images, and of what a fitted network sees in them.

As in scikit-learn: ``from_estimator`` computes and draws, ``plot`` draws again. The numbers come
from :mod:`sklearn_shapecnn.inspection`. Matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

import contextlib
import html
import importlib.util
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_shapecnn.images import check_pixels, find_image_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito, which differ to colour-blind eyes too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
RIGHT, WRONG = COLORS[:2]
STYLES = ("-", "--", ":", "-.")
SIGNED, UNSIGNED = "RdBu_r", "viridis"
CELL = 1.3  # inches that an image takes
LINE = 0.17  # inches that a line of text takes above it


class ImagesDisplay:
    """A sheet of images with their labels; wrong predictions are marked.

    Made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        Gray images, or images with three or four channels; of other numbers the mean is shown.
    y_true, y_pred : ndarray of shape (n,) or None, default=None
        True and predicted labels.

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
        """Show images with what a fitted classifier says of them.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one. Any other classifier of square gray images works too.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` takes. All of them are drawn: give few.
        y : array-like of shape (n,), default=None
            True labels, to mark where the prediction is wrong.
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
            Where X does not hold images, or y is not as long as X.
        ImportError
            Where matplotlib is missing.
        """
        from sklearn_shapecnn.inspection import as_batch, find_classifier

        image_shape = None
        with contextlib.suppress(TypeError):  # a classifier of another kind
            image_shape = find_classifier(estimator)[0].image_shape_
            X = as_batch(X, image_shape)
        shape = check_pixels(X, estimator).shape
        if image_shape is not None and math.prod(shape[1:]) != math.prod(image_shape):
            image_shape = None  # a pipeline may change the size of the images
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
        """Show images with their labels, whoever made them.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images. All of them are drawn: give few.
        y, y_pred : array-like of shape (n,), default=None
            True and predicted labels.
        image_shape : tuple of int (height, width) or (height, width, channels), default=None
            Shape of one image. Needed only where X holds rows that are no square gray images.
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
            Where X does not hold images, or y or y_pred is not as long as X.
        ImportError
            Where matplotlib is missing.
        """
        pixels = check_pixels(X, cls.__name__)
        check_consistent_length(pixels, y, y_pred)
        images = pixels.reshape(-1, *find_image_shape(pixels.shape, image_shape))
        labels = [None if values is None else column_or_1d(values) for values in (y, y_pred)]
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
        known = self.y_true is not None and self.y_pred is not None
        n_columns = _check_count("n_columns", n_columns, 6)
        right = np.ones(len(self.images), dtype=bool)
        if known:
            right &= np.asarray(self.y_true) == np.asarray(self.y_pred)
        labels = self.y_true if self.y_pred is None else self.y_pred
        n_lines = np.where(right, int(labels is not None), 2)
        self.ax_, cells = _sheet(
            "ImagesDisplay", ax, n_columns, self.images[0].shape, n_lines.tolist()
        )
        for i, (cell, image) in enumerate(zip(cells, _drawable(self.images), strict=True)):
            _show(cell, image)
            title = "" if labels is None else str(labels[i])
            color, width, weight = RIGHT, 1, "normal"
            if not right[i] and self.y_true is not None:
                title += f"\nis {self.y_true[i]}"
                color, width, weight = WRONG, 4, "bold"
            if known:
                cell.spines[:].set(color=color, linewidth=width)
            cell.set_title(title, fontsize=8, color=color if known else "black", weight=weight)
        self.axes_ = np.array(cells)
        self.figure_ = _figure_of(self.ax_)
        return self


class FilterDisplay:
    """The learnt kernels of a layer: what its filters look for.

    Red weights add where the image is bright, blue ones where it is dark. In the first layer each
    kernel is shown by itself, in colour where the images have three channels: bright where the
    weight is high. Where there are other numbers of channels, as in later layers, a row is a filter
    and a column a channel that it reads.

    Made by :meth:`from_estimator`.

    Parameters
    ----------
    kernels : ndarray of shape (n_filters, height, width, n_channels)
        As :func:`~sklearn_shapecnn.inspection.filters` gives them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Around the whole sheet.
    axes_ : ndarray of matplotlib Axes
        One for each kernel, or a single one where there are several channels but not three.
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

    def __init__(self, kernels: np.ndarray) -> None:
        self.kernels = kernels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        layer: int = 0,
        n_columns: int | None = None,
        ax: Axes | None = None,
    ) -> FilterDisplay:
        """Show the kernels of a layer.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one.
        layer : int, default=0
            Which layer, counted from 0; -1 is the last one.
        n_columns : int, default=None
            Kernels side by side; None takes up to six.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : FilterDisplay

        Raises
        ------
        ValueError
            Where there is no such layer.
        ImportError
            Where matplotlib is missing.
        """
        from sklearn_shapecnn.inspection import filters

        return cls(filters(estimator, layer)).plot(ax=ax, n_columns=n_columns)

    def plot(
        self, ax: Axes | None = None, *, n_columns: int | None = None, n_shown: int = 16
    ) -> FilterDisplay:
        """Draw the kernels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_columns : int, default=None
            Kernels side by side; None takes up to six.
        n_shown : int, default=16
            Of later layers, how many filters and how many feature maps are shown at most: those
            with the largest weights.

        Returns
        -------
        display : FilterDisplay
        """
        n_columns = _check_count("n_columns", n_columns, 6)
        n_shown = _check_count("n_shown", n_shown, 16)
        n_filters, height, width, n_channels = self.kernels.shape
        limit = float(np.abs(self.kernels).max()) or 1.0
        if n_channels in (1, 3):
            self.ax_, cells = _sheet(
                "FilterDisplay", ax, n_columns, (height, width), [0] * n_filters
            )
            for cell, kernel in zip(cells, self.kernels, strict=True):
                if n_channels == 3:
                    cell.imshow(0.5 + kernel / (2 * limit))
                else:
                    cell.imshow(kernel[..., 0], cmap=SIGNED, vmin=-limit, vmax=limit)
        else:
            strength = np.square(self.kernels).sum((1, 2))
            rows = np.sort(np.argsort(-strength.sum(1), kind="stable")[:n_shown])
            columns = np.sort(np.argsort(-strength.sum(0), kind="stable")[:n_shown])
            gap = np.pad(
                self.kernels[rows][..., columns],
                ((0, 0), (0, 1), (0, 1), (0, 0)),
                constant_values=np.nan,
            )
            mosaic = gap.transpose(0, 1, 3, 2).reshape(
                len(rows) * (height + 1), len(columns) * (width + 1)
            )[:-1, :-1]
            self.ax_ = _single("FilterDisplay", ax, (5.5, 5.5 * len(rows) / len(columns) + 0.6))
            self.ax_.imshow(mosaic, cmap=SIGNED, vmin=-limit, vmax=limit)
            self.ax_.set(
                xticks=[],
                yticks=[],
                xlabel=f"{len(columns)} of {n_channels} channels that are read",
                ylabel=f"{len(rows)} of {n_filters} filters",
            )
            cells = [self.ax_]
        self.axes_ = np.array(cells)
        self.figure_ = _figure_of(self.ax_)
        return self


class FeatureMapDisplay:
    """What each layer makes of one image, from the first edges to the last features.

    One column for each layer; of its maps those are shown that the image excites most, each from
    its smallest value (dark) to its largest (bright).

    Made by :meth:`from_estimator`.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, c)
        The image.
    maps : list of ndarray of shape (map_height, map_width, n_filters)
        Feature maps of each layer.
    label : object, default=None
        Predicted label.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Around the whole sheet.
    axes_ : list of list of matplotlib Axes
        That of the image, then those of each layer's maps.
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
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one.
        X : array-like of shape (1, n_features), (1, h, w) or (1, h, w, c)
            The image, in any form that `predict` takes, or as it is, without the first dimension.
            Of a pipeline, what the steps before the classifier make of it is shown.
        n_maps : int, default=6
            Maps of each layer to show.
        step : {'output', 'convolution'}, default='output'
            As in :func:`~sklearn_shapecnn.inspection.feature_maps`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : FeatureMapDisplay

        Raises
        ------
        ValueError
            Where X does not hold exactly one image of the shape known from `fit`.
        ImportError
            Where matplotlib is missing.
        """
        from sklearn_shapecnn.inspection import feature_maps

        classifier, images = _seen(estimator, X)
        if len(images) != 1:
            raise ValueError(
                f"FeatureMapDisplay shows a single image, but X holds {len(images)}: give X[:1]."
            )
        maps = [layer[0] for layer in feature_maps(classifier, images, step=step)]
        display = cls(images[0], maps, classifier.predict(images)[0])
        return display.plot(ax=ax, n_maps=n_maps)

    def plot(self, ax: Axes | None = None, *, n_maps: int = 6) -> FeatureMapDisplay:
        """Draw the maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_maps : int, default=6
            Maps of each layer to show.

        Returns
        -------
        display : FeatureMapDisplay
        """
        n_maps = _check_count("n_maps", n_maps, 6)
        n_rows = min(n_maps, max(layer.shape[2] for layer in self.maps))
        n_columns = len(self.maps) + 1
        height = n_rows * _picture_height(self.image.shape) + 2 * LINE
        self.ax_ = _single("FeatureMapDisplay", ax, (n_columns * (CELL + 0.1), height))
        self.ax_.axis("off")
        top = 1 - 2 * LINE / height
        step = top / n_rows

        def cell(column: float, row: float, size: float = 1) -> Axes:
            box = (column / n_columns, top - (row + size) * step, 0.92 / n_columns, 0.92 * step)
            return self.ax_.inset_axes(box)

        first = cell(0, (n_rows - 1) / 2)
        _show(first, _drawable(self.image[np.newaxis])[0])
        title = "image" if self.label is None else f"image:\n{self.label}"
        first.set_title(title, fontsize=9)
        self.axes_ = [[first]]
        for column, layer in enumerate(self.maps, 1):
            order = np.argsort(-np.ptp(layer, axis=(0, 1)), kind="stable")[:n_rows]
            cells = [cell(column, row) for row in range(len(order))]
            for ax_, i in zip(cells, order, strict=True):
                ax_.imshow(layer[..., i], cmap=UNSIGNED)
                ax_.set(xticks=[], yticks=[])
                ax_.spines[:].set_visible(False)
            h, w, n = layer.shape
            cells[0].set_title(f"layer {column}\n{n} maps, {h} x {w}", fontsize=8)
            self.axes_.append(cells)
        self.figure_ = _figure_of(self.ax_)
        return self


class SaliencyDisplay:
    """Which pixels decide: each image, and under it what speaks for its label.

    Bright yellow stands for much, dark blue for nothing. Where a method also tells what speaks
    against the label, red speaks for it and blue against it.

    Made by :meth:`from_estimator`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        The images.
    saliency : ndarray of shape (n, h, w)
        As :func:`~sklearn_shapecnn.inspection.saliency` gives it.
    labels : ndarray of shape (n,)
        The labels that are explained.

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
        layer: int = -1,
        baseline: float | None = None,
        n_steps: int = 50,
        window: int | None = None,
        ax: Axes | None = None,
    ) -> SaliencyDisplay:
        """Show which pixels decide.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` takes; a single image too. All of them are drawn: give
            few. Of a pipeline, what the steps before the classifier make of them is shown.
        method, target, layer, baseline, n_steps, window
            As in :func:`~sklearn_shapecnn.inspection.saliency`, which names the sources too.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        ValueError
            Where X does not hold images of the shape known from `fit`, or a parameter is not
            usable.
        ImportError
            Where matplotlib is missing.
        """
        from sklearn_shapecnn.inspection import saliency

        classifier, images = _seen(estimator, X)
        labels = classifier.predict(images) if target is None else target
        values = saliency(
            classifier,
            images,
            method=method,
            target=labels,
            layer=layer,
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
        n_columns = min(n, _check_count("n_columns", n_columns, 6))
        n_rows = -(-n // n_columns)
        n_lines = ([1] * n_columns + [0] * n_columns) * n_rows
        self.ax_, cells = _sheet("SaliencyDisplay", ax, n_columns, self.images[0].shape, n_lines)
        grid = np.array(cells).reshape(n_rows, 2, n_columns)
        self.axes_ = grid.transpose(1, 0, 2).reshape(2, -1)[:, :n]
        for unused in grid.transpose(1, 0, 2).reshape(2, -1)[:, n:].flat:
            unused.remove()
        images = _drawable(self.images)
        signed = bool((self.saliency < 0).any())
        for above, below, image, values, label in zip(
            *self.axes_, images, self.saliency, self.labels, strict=True
        ):
            _show(above, image)
            above.set_title(str(label), fontsize=8, pad=3)
            # A few pixels often outshine all others, so the brightest look alike.
            limit = float(np.quantile(np.abs(values), 0.995) or np.abs(values).max()) or 1.0
            limits = {"vmin": -limit if signed else 0, "vmax": limit}
            below.imshow(values, cmap=SIGNED if signed else UNSIGNED, **limits)
            below.set(xticks=[], yticks=[])
        self.figure_ = _figure_of(self.ax_)
        return self


class ShiftDisplay:
    """The probabilities as images slide over the frame.

    Made by :meth:`from_estimator`.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_shifts, n_shifts, n_classes)
    shifts : ndarray of shape (n_shifts,)
    same_label : float
        As :func:`~sklearn_shapecnn.inspection.shift_probabilities` gives them.
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
        """Show how little, or how much, a shift changes.

        Parameters
        ----------
        estimator : estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one. Anything else with `predict_proba` works too, for comparison.
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images in any form that `predict` takes; a single image too.
        max_shift, step, image_shape
            As in :func:`~sklearn_shapecnn.inspection.shift_probabilities`.
        kind : {'map', 'line'}, default='map'
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ShiftDisplay

        Raises
        ------
        ValueError
            Where X does not hold images, or a parameter is not usable.
        ImportError
            Where matplotlib is missing.
        """
        from sklearn_shapecnn.inspection import shift_probabilities

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
            Where to draw; None makes a figure.
        kind : {'map', 'line'}, default='map'
            - 'map' moves in all directions; the colour is the probability of the label that an
              image gets where it stands, as a mean over the images.
            - 'line' moves to the left and right alone, with a line for each label; of more than
              seven labels, the most probable ones. Also a mean over the images.

        Returns
        -------
        display : ShiftDisplay
        """
        _check_kind(kind)
        self.ax_ = _single("ShiftDisplay", ax, (5, 4.2) if kind == "map" else (5.5, 3.6))
        from matplotlib.ticker import MaxNLocator

        middle = len(self.shifts) // 2
        if kind == "map":
            labels = self.probabilities[:, middle, middle].argmax(axis=1)
            shown = self.probabilities[np.arange(len(labels)), :, :, labels].mean(axis=0)
            half = (self.shifts[1] - self.shifts[0]) / 2
            edges = (self.shifts[0] - half, self.shifts[-1] + half)
            image = self.ax_.imshow(
                shown, cmap=UNSIGNED, vmin=0, vmax=1, extent=(*edges, *edges[::-1])
            )
            _figure_of(self.ax_).colorbar(
                image, ax=self.ax_, label="probability of the label", fraction=0.046, pad=0.04
            )
            self.ax_.set(xlabel="pixels to the right", ylabel="pixels downwards")
            for axis in (self.ax_.xaxis, self.ax_.yaxis):
                axis.set_major_locator(MaxNLocator(integer=True))
        else:
            lines = self.probabilities[:, middle].mean(axis=0)
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
            self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
            self.ax_.legend(title="label")
        self.ax_.set_title(f"same label in {self.same_label:.1%}\nof the places", fontsize=10)
        self.figure_ = _figure_of(self.ax_)
        return self


class TrainingDisplay:
    """Loss and validation score over the epochs of one fit or of several.

    Made by :meth:`from_estimator`.

    Parameters
    ----------
    loss_curves : dict of str to list of float
        Training loss of each epoch, by the name of the fit.
    validation_scores : dict of str to list of float
        Validation score of each epoch, for those fits that have one.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Around the panels.
    axes_ : ndarray of shape (n_panels,) of matplotlib Axes
        The loss; the validation score, where there is one.
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
    ) -> None:
        self.loss_curves = loss_curves
        self.validation_scores = validation_scores

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> TrainingDisplay:
        """Show how training went.

        Parameters
        ----------
        estimator : estimator instance, list or dict of str to estimator instance
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one; or several of them, with names.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : TrainingDisplay

        Raises
        ------
        ValueError
            Where there is no estimator.
        ImportError
            Where matplotlib is missing.
        """
        from sklearn_shapecnn.inspection import find_classifier

        if isinstance(estimator, Mapping):
            named = {str(name): one for name, one in estimator.items()}
        elif isinstance(estimator, list | tuple):
            named = {f"fit {i}": one for i, one in enumerate(estimator, 1)}
        else:
            named = {"": estimator}
        if not named:
            raise ValueError("estimator is empty: give at least one fitted classifier.")
        fitted = {name: find_classifier(one)[0] for name, one in named.items()}
        losses = {name: list(one.loss_curve_) for name, one in fitted.items()}
        scores = {
            name: list(one.validation_scores_)
            for name, one in fitted.items()
            if one.validation_scores_
        }
        return cls(losses, scores).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> TrainingDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : TrainingDisplay
        """
        panels = [("training loss", self.loss_curves)]
        if self.validation_scores:
            panels.append(("validation accuracy", self.validation_scores))
        self.ax_ = _single("TrainingDisplay", ax, (4.6 * len(panels), 3.4))
        from matplotlib.ticker import MaxNLocator

        if len(panels) == 1:
            axes = [self.ax_]
        else:
            self.ax_.axis("off")
            axes = [self.ax_.inset_axes((left, 0, 0.42, 1)) for left in (0, 0.58)]
        for panel, (name, curves) in zip(axes, panels, strict=True):
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
            panel.set(xlabel="epoch", ylabel=name)
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        if all(loss > 0 for curve in self.loss_curves.values() for loss in curve):
            axes[0].set_yscale("log")
        if any(self.loss_curves):
            axes[0].legend()
        self.axes_ = np.array(axes)
        self.figure_ = _figure_of(self.ax_)
        return self


class ArchitectureDisplay:
    """The fitted network as a picture and as a table.

    In a notebook it shows itself as a table; `str` gives the same as text.

    Made by :meth:`from_estimator`.

    Parameters
    ----------
    layers : list of dict
        As :func:`~sklearn_shapecnn.inspection.architecture` gives them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Only once `plot` was called.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn_shapecnn import ArchitectureDisplay, ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=8, max_iter=2, random_state=0).fit(X, y)
    >>> print(ArchitectureDisplay.from_estimator(clf))
    stage    layer                           output shape  weights  multiply-adds
    input    scaling of pixels               24 x 24 x 1         0              0
    stage 1  convolution 3 x 3               24 x 24 x 8        72         41,472
    stage 1  max pooling 4 x 4               6 x 6 x 8           0              0
    stage 1  batch normalization             6 x 6 x 8          16              0
    stage 1  relu                            6 x 6 x 8           0              0
    head     maximum, mean and grid of means 88                  0              0
    head     linear                          3                 267            264
    total                                                      355         41,736
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
            Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around
            one.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure where matplotlib is installed, and without it there
            is the table alone.

        Returns
        -------
        display : ArchitectureDisplay

        Raises
        ------
        TypeError
            Where the estimator neither is nor holds a ShapeCNNClassifier.
        NotFittedError
            Where it is not fitted.
        """
        from sklearn_shapecnn.inspection import architecture

        display = cls(architecture(estimator))
        if ax is None and importlib.util.find_spec("matplotlib") is None:
            return display
        return display.plot(ax=ax)

    def __str__(self) -> str:
        rows = [tuple(_TABLE), *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_TABLE))]
        lines = [
            "  ".join(
                cell.rjust(width) if i > 2 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            right = ' style="text-align: right"'
            return "".join(
                f"<{tag}{right if i > 2 else ''}>{html.escape(cell)}</{tag}>"
                for i, cell in enumerate(cells)
            )

        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in self._rows())
        return f"<table><thead><tr>{line(_TABLE, 'th')}</tr></thead><tbody>{body}</tbody></table>"

    def _rows(self) -> list[tuple[str, ...]]:
        rows = [
            (
                layer["stage"],
                layer["layer"],
                " x ".join(map(str, layer["output_shape"])),
                f"{layer['n_weights']:,}",
                f"{layer['n_multiply_adds']:,}",
            )
            for layer in self.layers
        ]
        totals = [f"{self._total(key):,}" for key in ("n_weights", "n_multiply_adds")]
        return [*rows, ("total", "", "", *totals)]

    def _total(self, key: str) -> int:
        return sum(layer[key] for layer in self.layers)

    def plot(self, ax: Axes | None = None) -> ArchitectureDisplay:
        """Draw the stages as blocks: as high as their maps, the wider the more maps there are.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ArchitectureDisplay
        """
        stages: dict[str, list[dict[str, Any]]] = {}
        for layer in self.layers:
            stages.setdefault(layer["stage"], []).append(layer)
        self.ax_ = _single("ArchitectureDisplay", ax, (1.75 * len(stages) + 0.2, 3.6))
        self.ax_.set(xlim=(-0.5, len(stages) - 0.5), ylim=(-1.15, 0.75))
        self.ax_.axis("off")
        highest = math.log2(1 + max(self.layers[0]["output_shape"][:2]))
        for i, (stage, layers) in enumerate(stages.items()):
            shape = layers[-1]["output_shape"]
            side = max(shape[:2]) if len(shape) == 3 else shape[0]
            height = min(1.0, math.log2(1 + side) / highest)
            width = 0.1 + 0.05 * math.log2(shape[-1]) if len(shape) == 3 else 0.1
            color = COLORS[5] if len(shape) == 3 else COLORS[4]
            self.ax_.bar(i, height, width, -height / 2, color=color, edgecolor="black")
            weights, work = (
                sum(layer[key] for layer in layers) for key in ("n_weights", "n_multiply_adds")
            )
            main = [
                layer["layer"]
                for layer in layers
                if layer["n_multiply_adds"] or "pooling" in layer["layer"]
            ]
            text = [stage, " x ".join(map(str, shape)), *main]
            if weights:
                text += [f"{weights:,} weights", f"{_short(work)} multiply-adds"]
            self.ax_.text(i, -0.55, "\n".join(text), ha="center", va="top", fontsize=8)
            if i:
                self.ax_.annotate("", (i - 0.35, 0), (i - 0.65, 0), arrowprops={"arrowstyle": "->"})
        total = f"{self._total('n_weights'):,} weights, "
        total += f"{_short(self._total('n_multiply_adds'))} multiply-adds an image"
        self.ax_.set_title(total, fontsize=10)
        self.figure_ = _figure_of(self.ax_)
        return self


_TABLE = ("stage", "layer", "output shape", "weights", "multiply-adds")


def _seen(estimator: Any, X: Any) -> tuple[Any, np.ndarray]:
    """The fitted classifier, and the images that it sees of X."""
    from sklearn_shapecnn.inspection import find_classifier

    classifier, X = find_classifier(estimator, X)
    images = classifier._images(X)
    return classifier, images.pixels.reshape(-1, *images.image_shape)


def _single(caller: str, ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    """The axes given, or those of a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{caller} needs matplotlib: pip install "sklearn-shapecnn[plot]"'
        ) from error
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def _sheet(
    caller: str, ax: Axes | None, n_columns: int, shape: Sequence[int], n_lines: Sequence[int]
) -> tuple[Axes, list[Axes]]:
    """Axes around a sheet, and those of its cells, each under its number of lines of text."""
    n_columns = min(len(n_lines), n_columns)
    picture = _picture_height(shape)
    starts = range(0, len(n_lines), n_columns)
    rows = [picture + max(n_lines[start : start + n_columns]) * LINE + 0.1 for start in starts]
    ax = _single(caller, ax, (n_columns * (CELL + 0.1), sum(rows)))
    ax.axis("off")
    bottoms = 1 - np.cumsum(rows) / sum(rows)
    cells = []
    for i in range(len(n_lines)):
        row, column = divmod(i, n_columns)
        left = (column + 0.04) / n_columns
        cell = ax.inset_axes((left, bottoms[row], 0.92 / n_columns, picture / sum(rows)))
        cell.set(xticks=[], yticks=[])
        cells.append(cell)
    return ax, cells


def _picture_height(shape: Sequence[int]) -> float:
    return CELL * min(3, max(0.2, shape[0] / shape[1]))


def _drawable(images: np.ndarray) -> np.ndarray:
    """Images as matplotlib draws them: gray, or three channels from 0 to 1; on one scale."""
    pixels = np.asarray(images, dtype=np.float64)
    if pixels.ndim == 4 and pixels.shape[3] not in (3, 4):
        pixels = pixels.mean(axis=3)
    low, high = pixels.min(), pixels.max()
    if pixels.ndim == 4 and low >= 0:  # colours keep their brightness
        low, high = 0, 1 if high <= 1 else max(high, 255)
    return (pixels - low) / ((high - low) or 1)


def _show(ax: Axes, image: np.ndarray) -> None:
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])


def _figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def _check_count(name: str, value: int | None, default: int) -> int:
    from sklearn_shapecnn.inspection import check_positive

    return default if value is None else check_positive(name, value)


def _check_kind(kind: str) -> None:
    if kind not in ("map", "line"):
        raise ValueError(f"kind must be 'map' or 'line', but got {kind!r}.")


def _short(number: float) -> str:
    for unit in ("", "k", "M"):
        if number < 1000:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g}G"
