"""ShapeCNNRegressor: its parameters and public methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metaestimators import available_if
from skorch.callbacks import Callback

from sklearn_shapecnn._compat import StrOptions
from sklearn_shapecnn._estimator import ImageEstimator, check_finite
from sklearn_shapecnn._input.errors import check_mask
from sklearn_shapecnn._input.plain import as_numpy
from sklearn_shapecnn._input.targets import Targets, check_numbers, warn_about_constant_targets
from sklearn_shapecnn._input.weights import check_weights
from sklearn_shapecnn._parameters import SHARED_CONSTRAINTS
from sklearn_shapecnn._training.losses import NUMBER_LOSSES, Loss, NumberLoss


class ShapeCNNRegressor(MultiOutputMixin, RegressorMixin, ImageEstimator):
    """Convolutional network that predicts numbers from small images.

    The network is that of :class:`ShapeCNNClassifier`: a sequence of stages, in each of which small
    filters slide over the image, pooling keeps the strongest responses, and a normalization and an
    activation follow. Its head also knows where in the image each feature is [4]_, so that it can
    tell places and sizes as well as counts and grades. The network sizes itself by the image shape,
    the training by the number of images. Pixels and targets may be on any scale.

    Parameters
    ----------
    image_shape : tuple of int (height, width) or (height, width, channels), default=None
        Shape of one image. Needed only if X holds rows that are neither square gray images nor
        single lines of pixels. By default, a row is a square image if its length is a square
        number, and an image one pixel high otherwise.

    n_filters : 'auto', int or array-like of int of shape (n_stages,), default='auto'
        Number of filters of each stage; an int stands for a single stage. 'auto' begins with 24 and
        doubles with each stage up to 96. If no parameter sets the number of stages, there are four.

    kernel_size : 'auto', int or array-like of int of shape (n_stages,), default='auto'
        Width of the filters in pixels, for all stages or each. 'auto' is 3. Filters larger than
        what they slide over are cut down to it.

    pool_size : 'auto', int or array-like of int of shape (n_stages,), default='auto'
        Side of the pooling windows in pixels, for all stages or each; 1 does not pool. 'auto'
        leaves maps of about 4 x 4, and of about 8 x 8 in images of more than 48 x 48 pixels.
        Windows larger than what they slide over are cut down to it.

    pooling : {'max', 'avg', 'sum'}, default='max'
        How a pooling window becomes one value.

    hidden_layer_sizes : int or array-like of int of shape (n_hidden_layers,), default=()
        Widths of fully connected layers between the convolutions and the output.

    activation : {'relu', 'leaky_relu', 'gelu', 'silu', 'tanh', 'logistic'}, default='relu'
        Activation function of every stage and hidden layer.

    normalization : {'batch', 'layer'} or None, default='batch'
        Normalization of each stage: batch normalization, layer normalization, or none. On the CPU,
        large batches are trained in two to eight parts, at least 16 images each, on as many threads
        as are allowed; batch normalization then takes the statistics of each part by itself.

    dropout : float, default=0.0
        Share of the inputs of each fully connected layer (the output layer too) that is set to
        zero at random in training, in [0, 1).

    weights : 'shapes', fitted ShapeCNNRegressor or ShapeCNNClassifier, or None, default='shapes'
        What the filters start from. 'shapes' are filters that the package ships; they have learned
        to tell drawn formulas apart, and from no photo or data set [5]_. None starts from random
        filters. A fitted estimator passes on its own, also to images of another size or number of
        channels, with the scale and offset of batch normalization; a clone keeps it fitted. Among
        the values that a search tries, which it clones by themselves, freeze it in a
        :class:`~sklearn.frozen.FrozenEstimator`. Filters are taken as far as they fit, first stages
        and first filters first; those larger than `kernel_size` do not. The rest starts at random,
        as the fully connected layers always do. `warm_start` and `partial_fit` go on with the
        filters that are there.

    loss : {'squared_error', 'absolute_error', 'huber'}, default='squared_error'
        What the training makes small, as the mean over the targets. 'squared_error' leads to the
        mean of what the targets may be, 'absolute_error' to their median. 'huber' is half the
        squared error of targets that are met within a deviation, and grows linearly beyond, so that
        a few wild targets do no harm. The deviation is the standard deviation of y for the squared
        error. For the other two it is the distance from the median that 68 % of y stay within.

    learning_rate_init : 'auto' or float, default='auto'
        Highest learning rate; it rises to it and falls to zero in one cycle [2]_. The filters are
        learned by Muon [3]_, which moves them by ten times the rate as a share of their length, all
        other weights by AdamW [1]_. 'auto' is 0.01; `partial_fit` takes 0.3 times that.

    alpha : float, default=0.01
        Weight decay, as a share of each weight per step and learning rate. The filters keep their
        length and so are exempt.

    batch_size : 'auto' or int, default='auto'
        About how many images a training step sees; the images are spread evenly over the batches.
        'auto' is a tenth of the images, but at least 8 and at most 64; less than 64 in images of
        more than 90 x 90 pixels, down to 32 at 128 x 128. Batches hold two images at least.

    max_iter : 'auto' or int, default='auto'
        Number of epochs: how often each image is seen. 'auto' takes 80 for up to 200 images and
        fewer for more, down to 8; but enough for 240 steps, up to 100. If most filters start at
        random, by `weights`, it takes as many as make 600 steps, but at least 8 and at most 100.

    augment : str, list of str or None, default='auto'
        How images are changed at random in training: any of 'auto', 'jitter', 'shift',
        'horizontal_flip', 'vertical_flip', 'flips' and 'quarter_turns'. 'auto' changes nothing,
        since a target such as a place changes with the image. Choose what leaves the targets as
        they are: 'shift' suits counts and sizes, 'jitter' only what neither place, size nor angle
        change. 'shift' moves all images by whole pixels, up to a sixteenth of their side. 'jitter'
        turns three images in four by up to 10 degrees, zooms them by up to 10 % and moves them by
        up to a tenth of their side, taking the nearest pixel; it leaves images under 8 pixels
        alone. Both repeat the pixels at the border. 'flips' stands for both flips; 'quarter_turns'
        turns square images by multiples of 90 degrees.

    early_stopping : bool, default=False
        Whether to hold out a part of the images, compute R² on it after each epoch, stop when it no
        longer improves, and keep the weights of the best epoch. The learning rate follows its cycle
        as if training went on for all of `max_iter` epochs, so that a small `n_iter_no_change` may
        end it while the network still improves.

    validation_fraction : float, default=0.1
        Fraction of the images to hold out, in (0, 1). Only used if `early_stopping` is True.

    n_iter_no_change : int or inf, default=10
        Number of epochs without improvement after which training stops. Only used if
        `early_stopping` is True.

    tol : float, default=1e-4
        By how much the validation score must rise to count as an improvement. Only used if
        `early_stopping` is True.

    warm_start : bool, default=False
        Whether `fit` goes on with the network of the last `fit`, with a new cycle of the learning
        rate. Image shape, number of targets and the parameters of the network must be the same
        then. Targets keep the scale that the first ones have set.

    device : str, default='auto'
        Where to compute: 'cpu', 'cuda', 'cuda:1', 'xpu', 'mps', ...; 'auto' takes a GPU if torch
        finds one.

    distributed : bool, default=False
        Whether to share each fit among the processes that ``torchrun`` or ``accelerate launch``
        started, on the GPU of each or on the CPU; `device` must be 'auto' or 'cpu' then. It needs
        the extra ``[distributed]``.

    random_state : int, RandomState instance, Generator instance or None, default=None
        Determines the initial weights that do not come from `weights`, the order of the images,
        augmentation, dropout and the validation split. Pass an int for the same network every time.
        A RandomState or Generator moves on with each `fit` and `partial_fit`, so that the next one
        differs. None takes fresh entropy: NumPy's and torch's global random states are never read
        or changed.

    verbose : bool or int, default=0
        Whether to show on standard error how the training goes: a progress bar in a terminal or a
        notebook, else one line an epoch, with the loss, the score and the time left.

    callbacks : list of skorch callbacks or None, default=None
        Objects derived from :class:`skorch.callbacks.Callback`, such as `Checkpoint`,
        `TensorBoard` or your own. They are called in each epoch and batch of the net `net_`. `fit`
        uses them as they are, without a copy. Set scikit-learn's own callbacks by `set_callbacks`.

    Attributes
    ----------
    n_features_in_ : int
        Number of pixel values of an image.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where X has string names.
    image_shape_ : tuple of int (height, width, channels)
        Shape of one image.
    n_iter_ : int
        Number of epochs of the last `fit`; 1 after `partial_fit`.
    loss_curve_ : list of float
        Mean training loss of each epoch; `warm_start` and `partial_fit` append to it.
    validation_scores_ : list of float or None
        R² on the held-out images after each epoch; `warm_start` appends to it. None without
        `early_stopping`.
    best_validation_score_ : float or None
        The highest one of the last `fit`.
    n_pretrained_filters_ : tuple of int of length n_stages
        How many filters of each stage did not start at random: the first ones.
    device_ : str
        Where the network was trained.
    net_ : skorch.NeuralNetRegressor
        The trained net around the torch module `net_.module_`. It gives standardized numbers.
    n_outputs_ : int
        Number of targets.

    See Also
    --------
    ShapeCNNClassifier : The same network for one class or several labels an image.
    sklearn.neural_network.MLPRegressor : Network without convolutions.

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
       of the documentation tells how these were made.

    Examples
    --------
    Where is the center of the shape in an image, its row and its column?

    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_shapecnn import ShapeCNNRegressor, make_shapes
    >>> shapes = make_shapes(300, image_shape=(24, 24), return_X_y=False, random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     shapes.data, shapes.centers, random_state=0
    ... )
    >>> reg = ShapeCNNRegressor(random_state=0).fit(X_train, y_train)
    >>> reg.predict(X_test).shape
    (75, 2)
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ShapeCNNRegressor:
        """Learn the numbers that belong to images.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images as rows, gray images or images with channels, of any numeric dtype and scale. A
            memory-mapped file is read a batch at a time; a Dask or Zarr array is written to a
            temporary file first, some chunks at a time.
        y : array-like of shape (n,) or (n, n_targets)
            Finite numbers, one or several for each image, on any scale.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images; a weight of 2 is the same as giving the image twice.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If X, y, `sample_weight` or a parameter cannot be used, or if training diverges.
        TypeError
            If X is sparse, or if `weights` is an estimator of another kind.
        KeyboardInterrupt
            If you press Ctrl-C. After the first epoch the regressor keeps what it has learned until
            then; before it is as it was.

        Warns
        -----
        ConvergenceWarning
            If all pixels are the same, if eight epochs or 120 steps or more have taught nothing, or
            if extreme values spoiled what they taught.
        DataConversionWarning
            If y is of shape (n, 1), and is taken for one of shape (n,).
        UserWarning
            If a target is the same for all images, or if X has rows of 64 values or more that are
            taken for images one pixel high, or that seem to be images of another width or order of
            colors than they are taken for.
        """
        return self._fit(X, y, sample_weight)

    def _can_fit_partially(self) -> bool:
        if self.early_stopping:
            raise AttributeError(
                "partial_fit cannot stop early, since it sees each image once. Set "
                "early_stopping=False, or use fit."
            )
        return True

    @available_if(_can_fit_partially)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> ShapeCNNRegressor:
        """Learn from some more images, in one pass over them.

        For data that arrive in pieces, and to adapt a fitted regressor to new images. The learning
        rate rises over the first 20 steps to 0.3 times `learning_rate_init` and stays there, since
        the training has no known end before which it could fall. So `fit` learns more from the same
        images if it has them all at once.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images, in any form that `fit` takes; one is enough. The first ones set the image shape
            and the scale of the pixels. If these are all of one color, the first piece that is not
            sets the scale; for dark pixels of 8 bits it is the range of their dtype.
        y : array-like of shape (n,) or (n, n_targets)
            Numbers. The first ones set their scale, of a target that is the same for all of them
            the first piece where it is not. So the first piece should be like those that follow.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, relative to the others of the same call.

        Returns
        -------
        self : object
            The regressor.

        Raises
        ------
        AttributeError
            If `early_stopping` is True: it needs all of the data, so the method does not exist
            then.
        ValueError
            If the images have another shape, if y has another number of targets, or if a parameter
            of the network has changed.
        TypeError
            If X is sparse.

        Warns
        -----
        UserWarning
            If y seems to be on another scale than the first ones.

        Notes
        -----
        `batch_size='auto'` stands for 32 images; `max_iter` is not used. With an int as
        `random_state` the same calls give the same regressor.

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
        """Predict the numbers of each image.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_targets), dtype float64
            On the scale of the targets in `fit`.

        Raises
        ------
        ValueError
            If X does not hold images of the shape known from `fit`.
        NotFittedError
            If the regressor is not fitted.
        """
        outputs, scale = self._scores(X), self.net_.target_scale_
        assert scale is not None
        with np.errstate(over="ignore"):
            numbers = check_finite(scale.restore(outputs))
        return numbers[:, 0] if self.n_outputs_ == 1 else numbers

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R² of the predictions: 1 at best, 0 for the mean of y.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.
        y : array-like of shape (n,) or (n, n_targets)
            Their numbers, in any form that `fit` takes.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images.

        Returns
        -------
        r2 : float
            As the mean over the targets.
        """
        # scikit-learn's own score knows fewer kinds of arrays.
        weights = as_numpy(sample_weight, "sample_weight")
        y = as_numpy(y, "y")
        check_mask(y, "y")
        return super().score(X, y, weights)

    def _check_targets(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, classes: Any, incremental: bool
    ) -> Targets:
        values = check_numbers(y, len(pixels), type(self).__name__)
        weights = check_weights(sample_weight, None, pixels)
        if not incremental:
            warn_about_constant_targets(values[weights > 0])
        return Targets(values, weights, values.shape[1])

    def _make_loss(self, targets: Targets) -> Loss:
        return NumberLoss(self.loss)
