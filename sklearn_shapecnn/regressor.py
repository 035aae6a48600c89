"""ShapeCNNRegressor: its parameters and public methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from skorch.callbacks import Callback

from sklearn_shapecnn._compat import StrOptions
from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn._input.errors import check_finite, check_mask
from sklearn_shapecnn._input.plain import as_numpy
from sklearn_shapecnn._input.targets import Targets, check_numbers, warn_about_constant_targets
from sklearn_shapecnn._input.weights import check_weights
from sklearn_shapecnn._parameters import SHARED_CONSTRAINTS
from sklearn_shapecnn._training.losses import NUMBER_LOSSES, Loss, NumberLoss


class ShapeCNNRegressor(MultiOutputMixin, RegressorMixin, ImageEstimator):
    """Convolutional network that predicts numbers from small images.

    The network is that of :class:`ShapeCNNClassifier`, a sequence of stages. Each stage slides
    small filters over the image, keeps the strongest responses, and applies a normalization and an
    activation. The head, which turns features into numbers, also receives the position of each
    feature in the image [4]_, so it can predict positions and sizes as well as counts and ratings.
    The network adapts its size to the image shape, and the training to the number of images. Pixels
    and targets may be on any scale.

    Parameters
    ----------
    image_shape : tuple of int (height, width) or (height, width, channels), default=None
        Shape of one image. Only needed if X has rows that are neither square gray images nor single
        lines of pixels. By default, a row whose length is a square number is a square image, and
        any other row is an image one pixel high.

    n_filters : 'auto', int or array-like of int of shape (n_stages,), default='auto'
        Number of filters in each stage. An int means a single stage. 'auto' starts with 24 and
        doubles at each stage, up to 96. If no parameter sets the number of stages, there are four.

    kernel_size : 'auto', int or array-like of int of shape (n_stages,), default='auto'
        Width of the filters in pixels, as one value for all stages or one per stage. 'auto' is 3.
        Filters that are too large for their input are cut down to fit.

    pool_size : 'auto', int or array-like of int of shape (n_stages,), default='auto'
        Side of the pooling windows in pixels, as one value for all stages or one per stage; 1 means
        no pooling. 'auto' leaves feature maps of about 4 x 4, or about 8 x 8 for images of more
        than 48 x 48 pixels. Windows that are too large for their input are cut down to fit.

    pooling : {'max', 'avg', 'sum'}, default='max'
        How to combine the values in a pooling window.

    hidden_layer_sizes : int or array-like of int of shape (n_hidden_layers,), default=()
        Widths of the fully connected layers between the convolutions and the output.

    activation : {'relu', 'leaky_relu', 'gelu', 'silu', 'tanh', 'logistic'}, default='relu'
        Activation function of every stage and hidden layer.

    normalization : {'batch', 'layer'} or None, default='batch'
        Normalization in each stage: batch normalization, layer normalization, or none. On the CPU,
        large batches are trained in two to eight parts of at least 16 images each, on as many
        threads as are allowed. Batch normalization then uses the statistics of each part
        separately.

    dropout : float, default=0.0
        Fraction of the inputs of each fully connected layer (including the output layer) to set
        to zero at random during training, in [0, 1).

    weights : 'shapes', fitted ShapeCNNRegressor or ShapeCNNClassifier, or None, default='shapes'
        Initial values of the filters.

        - 'shapes' uses filters that the package ships. They were pretrained to classify drawings
          generated from random formulas, without any photo or data set [5]_. If all
          filters are of 1 x 1 pixels, only the first stage starts from them.
        - None uses random filters.
        - A fitted estimator passes on its own filters, with the scale and offset of batch
          normalization. Its images may have another size or number of channels.
          It stays fitted when this estimator is cloned. A search clones the values it tries, so
          wrap it in a :class:`~sklearn.frozen.FrozenEstimator` there.

        Filters are copied as far as they fit, starting with the first stages and the first filters.
        Filters larger than `kernel_size` do not fit. The rest starts at random, as the fully
        connected layers always do. `warm_start` and `partial_fit` continue with the current filters
        instead.

    loss : {'squared_error', 'absolute_error', 'huber'}, default='squared_error'
        Loss to minimize, as the mean over the targets. Each target is first divided by its scale.

        - 'squared_error' makes the network predict the mean of y given the image. The scale is
          the standard deviation of y.
        - 'absolute_error' makes it predict the median of y given the image. The scale is the
          distance from the median within which 68% of the values of y lie.
        - 'huber' is half the squared error for errors up to the scale, and grows linearly beyond
          it, so a few outliers do little harm. The scale is the same as for 'absolute_error'.

    learning_rate_init : 'auto' or float, default='auto'
        Peak learning rate. The learning rate rises to it and falls to zero in one cycle [2]_. Muon
        [3]_ updates the filters. At each step, the change of a filter is about ten times the
        learning rate, as a fraction of its norm. AdamW [1]_ updates all other weights. 'auto' is
        0.01; `partial_fit` uses 0.3 times that.

    alpha : float, default=0.01
        Weight decay: each step shrinks each weight by this fraction times the learning rate. The
        filters keep their norm, so they do not decay.

    batch_size : 'auto' or int, default='auto'
        Approximate number of images per training step. The images are spread evenly over the
        batches, with at least two images per batch. 'auto' is a tenth of the number of images, but
        at least 8 and at most 64. For images of more than 90 x 90 pixels the maximum is lower, such
        as 32 at 128 x 128.

    max_iter : 'auto' or int, default='auto'
        Number of epochs, that is, how often each image is seen. 'auto' is 80 for up to 200 images
        and decreases with more images, down to 8. It is raised where needed to reach 240 steps, up
        to 100 epochs. If most filters start at random (see `weights`), 'auto' is as many epochs as
        make 600 steps, but at least 8 and at most 100.

    augment : str, list of str or None, default='auto'
        Random changes to the images during training: any of 'auto', 'jitter', 'shift',
        'horizontal_flip', 'vertical_flip', 'flips' and 'quarter_turns'.

        - 'auto' changes nothing, because a target such as a position changes with the image.
        - 'shift' moves each image by whole pixels, up to a sixteenth of its side.
        - 'jitter' rotates three images in four by up to 10 degrees, zooms them by up to 10% and
          moves them by up to a tenth of their side, with nearest-neighbor interpolation. It leaves
          images with a side of less than 8 pixels unchanged.
        - 'flips' means both flips.
        - 'quarter_turns' rotates square images by multiples of 90 degrees.

        'shift' and 'jitter' repeat the pixels at the border. Choose only changes that keep the
        targets: 'shift' suits counts and sizes, 'jitter' only targets that do not depend on
        position, size or angle.

    early_stopping : bool, default=False
        Whether to hold out some images, compute R² on them after each epoch, stop when it no longer
        improves, and keep the weights of the best epoch. The learning rate follows the cycle of all
        `max_iter` epochs, so a small `n_iter_no_change` may end training while the network still
        improves.

    validation_fraction : float, default=0.1
        Fraction of the images to hold out, in (0, 1). Only used if `early_stopping` is True.

    n_iter_no_change : int or inf, default=10
        Number of epochs without improvement after which training stops. Only used if
        `early_stopping` is True.

    tol : float, default=1e-4
        Minimum increase of the validation score that counts as an improvement. Only used if
        `early_stopping` is True.

    warm_start : bool, default=False
        Whether `fit` continues with the network of the last `fit`, with a new cycle of the learning
        rate. The image shape, the number of targets and the network parameters must not change. The
        targets keep the scale that the first ones set.

    device : str, default='auto'
        Device to compute on: 'cpu', 'cuda', 'cuda:1', 'xpu', 'mps', ... 'auto' uses a GPU if torch
        finds one.

    distributed : bool, default=False
        Whether to share each fit among the processes that ``torchrun`` or ``accelerate launch``
        started, each on its GPU or on the CPU. `device` must then be 'auto' or 'cpu'. Needs the
        extra ``[distributed]``.

    random_state : int, RandomState instance, Generator instance or None, default=None
        Determines the initial weights that do not come from `weights`, the order of the images,
        augmentation, dropout and the validation split. Pass an int to get the same network every
        time. A RandomState or Generator advances with each `fit` and `partial_fit`, so the next
        call gives a different result. None uses fresh entropy. NumPy's and torch's global random
        states are never read or changed.

    verbose : bool or int, default=0
        Whether to show training progress on standard error: a progress bar in a terminal or a
        notebook, otherwise one line per epoch, with the loss, the score and the time left.

    callbacks : list of skorch callbacks or None, default=None
        Objects derived from :class:`skorch.callbacks.Callback`, such as `Checkpoint`,
        `TensorBoard` or your own. They are called in each epoch and batch of the net `net_`. `fit`
        uses them directly, without copying them. To set scikit-learn's own callbacks, use
        `set_callbacks`.

    Attributes
    ----------
    n_features_in_ : int
        Number of pixel values per image.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, if X has string names.
    image_shape_ : tuple of int (height, width, channels)
        Shape of one image.
    n_iter_ : int
        Number of epochs in the last `fit`; 1 after `partial_fit`.
    loss_curve_ : list of float
        Mean training loss of each epoch. `warm_start` and `partial_fit` append to it.
    validation_scores_ : list of float or None
        R² on the held-out images after each epoch. `warm_start` appends to it. None without
        `early_stopping`.
    best_validation_score_ : float or None
        Highest validation score in the last `fit`.
    n_pretrained_filters_ : tuple of int of length n_stages
        Number of filters in each stage that did not start at random. They come first.
    device_ : str
        Device that the network was trained on.
    net_ : skorch.NeuralNetRegressor
        Trained net around the torch module `net_.module_`. It outputs standardized numbers.
    n_outputs_ : int
        Number of targets.

    See Also
    --------
    ShapeCNNClassifier : The same network for one class or several labels per image.
    sklearn.neural_network.MLPRegressor : Neural network without convolutions.

    References
    ----------
    .. [1] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.
    .. [2] Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
       Learning Rates", 2018, section 3.
    .. [3] Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
       https://kellerjordan.github.io/posts/muon.
    .. [4] Finn et al., "Deep Spatial Autoencoders for Visuomotor Learning", ICRA 2016, section
       IV.B.
    .. [5] Kataoka et al., "Pre-training without Natural Images", ACCV 2020. The page "Model card"
       of the documentation explains how the filters were made.

    Examples
    --------
    Predict the row and the column of the center of the shape in each image:

    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_shapecnn import ShapeCNNRegressor, make_shapes
    >>> shapes = make_shapes(200, image_shape=(16, 16), return_X_y=False, random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     shapes.data, shapes.centers, random_state=0
    ... )
    >>> reg = ShapeCNNRegressor(max_iter=20, random_state=0).fit(X_train, y_train)
    >>> reg.predict(X_test).shape
    (50, 2)
    >>> reg.score(X_test, y_test) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = SHARED_CONSTRAINTS | {
        "loss": [StrOptions(set(NUMBER_LOSSES))],
    }
    _reads_places = True

    def __init__(
        self,
        *,
        image_shape: Sequence[int] | None = None,
        n_filters: str | int | Sequence[int] = "auto",
        kernel_size: str | int | Sequence[int] = "auto",
        pool_size: str | int | Sequence[int] = "auto",
        pooling: str = "max",
        hidden_layer_sizes: int | Sequence[int] = (),
        activation: str = "relu",
        normalization: str | None = "batch",
        dropout: float = 0.0,
        weights: str | ImageEstimator | FrozenEstimator | None = "shapes",
        loss: str = "squared_error",
        learning_rate_init: float | str = "auto",
        alpha: float = 0.01,
        batch_size: str | int = "auto",
        max_iter: str | int = "auto",
        augment: str | Sequence[str] | None = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        device: str = "auto",
        distributed: bool = False,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        verbose: bool | int = 0,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        self.image_shape = image_shape
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.pooling = pooling
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.weights = weights
        self.loss = loss
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.device = device
        self.distributed = distributed
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> ShapeCNNRegressor:
        """Fit the regressor to images and their targets.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images as rows, gray images or images with channels, of any numeric dtype and scale. A
            memory-mapped file is read one batch at a time. A Dask or Zarr array is first written to
            a temporary file, a few chunks at a time.
        y : array-like of shape (n,) or (n, n_targets)
            Finite numbers, one or several per image, on any scale.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images. A weight of 2 has the same effect as giving the image twice.
        X_val : array-like of the same form as X, default=None
            Images to score each epoch on if `early_stopping` is True, instead of a
            `validation_fraction` of X. Pass them if groups, such as the photos of one person, must
            be on one side of the split.
        y_val : array-like of the same form as y, default=None
            Targets of these images.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of these images.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If X, y, `sample_weight` or a parameter is invalid, or if training diverges.
        TypeError
            If X is sparse, or if `weights` is some other kind of estimator.
        KeyboardInterrupt
            If you press Ctrl-C. After the first epoch, the regressor keeps what it has learned so
            far. Before that, it stays as it was.

        Warns
        -----
        ConvergenceWarning
            If all pixels are the same, if the network has learned nothing after at least eight
            epochs or 120 steps, or if extreme values spoiled what it learned.
        DataConversionWarning
            If y has shape (n, 1). It is treated as one of shape (n,).
        UserWarning
            If a target is the same for all images. If rows of X with 64 values or more are treated
            as images one pixel high, or seem to have another width or color order than assumed. If
            filters are larger than the images, or `X_val` is on another pixel scale than X.
        """
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation=validation)

    def _can_fit_partially(self) -> bool:
        if self.early_stopping:
            raise AttributeError(
                "partial_fit cannot stop early, since it sees each image once. Set "
                "early_stopping=False, or use fit."
            )
        return True

    @available_if(_can_fit_partially)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> ShapeCNNRegressor:
        """Update the regressor with more images, in a single pass over them.

        Use this for data that arrive in pieces, or to adapt a fitted regressor to new images. The
        learning rate rises to 0.3 times `learning_rate_init` over the first 20 steps and stays
        there, because the end of training is unknown. If you have all images at once, `fit`
        learns more from them.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images, in any form that `fit` accepts; one image is enough. The first call sets the
            image shape and the pixel scale. If all its pixels are the same, the first call whose
            pixels differ sets the scale. For dark 8-bit images, the range of their dtype sets it.
        y : array-like of shape (n,) or (n, n_targets)
            Targets. Each target is scaled by its values in the first call in which it varies,
            usually the first call. The images of the first call should therefore be similar to
            those that follow.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, relative to the others in the same call.

        Returns
        -------
        self : object
            The updated regressor.

        Raises
        ------
        AttributeError
            If `early_stopping` is True. It needs all of the data, so this method does not exist
            then.
        ValueError
            If the images have another shape, if y has another number of targets, or if a network
            parameter has changed.
        TypeError
            If X is sparse.

        Warns
        -----
        UserWarning
            If y seems to be on another scale than the first targets.

        Notes
        -----
        `batch_size='auto'` means 32 images, and `max_iter` is not used. With an int as
        `random_state`, the same calls give the same regressor.

        Examples
        --------
        >>> from sklearn_shapecnn import ShapeCNNRegressor, make_shapes
        >>> reg = ShapeCNNRegressor(n_filters=8, random_state=0)
        >>> for seed in range(3):
        ...     shapes = make_shapes(50, image_shape=(16, 16), return_X_y=False, random_state=seed)
        ...     reg = reg.partial_fit(shapes.data, shapes.centers)
        >>> len(reg.loss_curve_)
        3
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of each image.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_targets), dtype float64
            Predictions on the scale of the targets in `fit`.

        Raises
        ------
        ValueError
            If X does not hold images of the same shape as in `fit`.
        NotFittedError
            If the regressor is not fitted.
        """
        outputs, scale = self._scores(X), self.net_.target_scale_
        assert scale is not None
        with np.errstate(over="ignore"):
            numbers = check_finite(scale.restore(outputs))
        return numbers[:, 0] if self.n_outputs_ == 1 else numbers

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute R², the coefficient of determination: 1 at best, 0 for predicting the mean of y.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.
        y : array-like of shape (n,) or (n, n_targets)
            True targets, in any form that `fit` accepts.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images.

        Returns
        -------
        r2 : float
            Mean over the targets.
        """
        # scikit-learn's own score accepts fewer kinds of arrays.
        weights = as_numpy(sample_weight, "sample_weight")
        y = as_numpy(y, "y")
        check_mask(y, "y")
        y = np.asarray(y)
        predicted = self.predict(X)
        largest = np.abs(y).max(initial=0) if y.dtype.kind in "iuf" else 0
        if not 1e-100 < largest < 1e100 and np.isfinite(largest):
            # Scale by a power of two, which rounds nothing: squares of them are out of range.
            exponent = -int(np.frexp(largest)[1])
            y, predicted = np.ldexp(y, exponent), np.ldexp(predicted, exponent)
        return float(r2_score(y, predicted, sample_weight=weights))

    def _check_targets(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, classes: Any, incremental: bool
    ) -> Targets:
        values = check_numbers(y, len(pixels), type(self).__name__)
        weights = check_weights(sample_weight, None, pixels)
        if not incremental:
            warn_about_constant_targets(values[weights > 0])
        return Targets(values, weights, values.shape[1])

    def _check_validation_targets(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, known: Targets
    ) -> Targets:
        values = check_numbers(y, len(pixels), type(self).__name__)
        if values.shape[1] != known.n_outputs:
            raise ValueError(
                f"y has {values.shape[1]} targets per image, but {known.n_outputs} in the training "
                f"images."
            )
        return replace(known, values=values, weights=check_weights(sample_weight, None, pixels))

    def _make_loss(self, targets: Targets) -> Loss:
        return NumberLoss(self.loss)
