"""ShapeCNNClassifier: its parameters and public methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metaestimators import available_if
from skorch.callbacks import Callback

from sklearn_shapecnn._compat import Interval, StrOptions
from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn._input.errors import check_finite
from sklearn_shapecnn._input.labels import (
    check_labels,
    check_some_labels,
    index_labels,
    plain_labels,
)
from sklearn_shapecnn._input.plain import as_numpy
from sklearn_shapecnn._input.targets import (
    Targets,
    check_indicators,
    is_matrix,
    warn_about_constant_labels,
)
from sklearn_shapecnn._input.weights import (
    check_label_weights,
    check_weights,
    warn_about_light_classes,
)
from sklearn_shapecnn._parameters import SHARED_CONSTRAINTS
from sklearn_shapecnn._training.losses import ClassLoss, LabelLoss, Loss


class ShapeCNNClassifier(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, ImageEstimator
):
    """Convolutional network that classifies small images.

    The network is a sequence of stages. Each stage slides small filters over the image
    (convolution), keeps the strongest responses (pooling), and applies a normalization and an
    activation. Each stage therefore sees a larger part of the image than the one before. A softmax
    turns the last features into one probability per class. If y is a matrix of 0 and 1, a sigmoid
    gives each label its own probability. The network adapts its size to the image shape, and the
    training to the number of images. Pixels may be on any scale.

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
        Widths of the fully connected layers between the convolutions and the softmax.

    activation : {'relu', 'leaky_relu', 'gelu', 'silu', 'tanh', 'logistic'}, default='relu'
        Activation function of every stage and hidden layer.

    normalization : {'batch', 'layer'} or None, default='batch'
        Normalization in each stage: batch normalization, layer normalization, or none. On the CPU,
        large batches are trained in two to eight parts of at least 16 images each, on as many
        threads as are allowed. Batch normalization then uses the statistics of each part
        separately.

    dropout : float, default=0.0
        Fraction of the inputs of each fully connected layer (including the softmax layer) to set
        to zero at random during training, in [0, 1).

    weights : 'shapes', fitted ShapeCNNClassifier or ShapeCNNRegressor, or None, default='shapes'
        Initial values of the filters.

        - 'shapes' uses filters that the package ships. They were pretrained to classify drawings
          generated from random formulas, without any photo or data set [4]_. If all
          filters are of 1 x 1 pixels, only the first stage starts from them.
        - None uses random filters.
        - A fitted estimator passes on its own filters, with the scale and offset of batch
          normalization. Its images may have another size or number of channels, and its classes
          may differ. It stays fitted when this estimator is cloned. A search clones the values it
          tries, so wrap it in a :class:`~sklearn.frozen.FrozenEstimator` there.

        Filters are copied as far as they fit, starting with the first stages and the first filters.
        Filters larger than `kernel_size` do not fit. The rest starts at random, as the fully
        connected layers always do. `warm_start` and `partial_fit` continue with the current filters
        instead.

    learning_rate_init : 'auto' or float, default='auto'
        Peak learning rate. The learning rate rises to it and falls to zero in one cycle [2]_. Muon
        [3]_ updates the filters. At each step, the change of a filter is about ten times the
        learning rate, as a fraction of its norm. AdamW [1]_ updates all other weights. 'auto' is
        0.01. If most filters start from `weights` or an earlier `fit` and training takes at least
        60 steps, 'auto' is 0.003 for fewer than 1,000 images and 0.005 for 1,000 or more. In
        `partial_fit`, 'auto' is always 0.01, and the learning rate is 0.3 times that.

    alpha : float, default=0.01
        Weight decay: each step shrinks each weight by this fraction times the learning rate. The
        filters keep their norm, so they do not decay.

    batch_size : 'auto' or int, default='auto'
        Approximate number of images per training step. The images are spread evenly over the
        batches, with at least two images per batch. 'auto' is a tenth of the number of images, but
        at least 8 and at most 64. For images of more than 90 x 90 pixels the maximum is lower, such
        as 32 at 128 x 128.

    max_iter : 'auto' or int, default='auto'
        Number of epochs, that is, how many times each image is seen. 'auto' is 40 for up to 200
        images and decreases with more images, down to 4. It is raised where needed to reach 120
        training steps, up to 100 epochs. With several labels per image it is doubled, up to 100. If
        the training loss is close to zero after half of these epochs, training ends after two
        thirds of them. If it is still high, there are at least 10 epochs (20 with several labels).
        If most filters start at random (see `weights`), 'auto' is the number that gives 600 steps,
        but at least 8 and at most 100. From about 1,900 images on, a short round of two to four
        epochs comes before it, and training ends there if the training loss is close to zero.

    label_smoothing : float, default=0.0
        Fraction of each label to spread evenly over all classes during training, in [0, 1). A value
        around 0.1 may improve the accuracy and the probabilities if there are few images and the
        task is hard. On easy tasks, it makes the probabilities underconfident.

    augment : str, list of str or None, default='auto'
        Random changes to the images during training: any of 'auto', 'jitter', 'shift',
        'horizontal_flip', 'vertical_flip', 'flips' and 'quarter_turns'.

        - 'auto' is 'jitter' if there are fewer than 1,000 images and each has at least 8 x 8
          pixels; otherwise it is 'shift'. It is always 'shift' in `partial_fit`.
        - 'shift' moves each image by whole pixels, up to a sixteenth of its side.
        - 'jitter' rotates three images in four by up to 10 degrees, zooms them by up to 10% and
          moves them by up to a tenth of their side, with nearest-neighbor interpolation. It leaves
          images with a side of less than 8 pixels unchanged.
        - 'flips' means both flips.
        - 'quarter_turns' rotates square images by multiples of 90 degrees.

        'shift' and 'jitter' repeat the pixels at the border. Choose only changes that keep the
        label: a mirrored digit is not a digit.

    class_weight : dict {class: weight}, list of dict, 'balanced' or None, default=None
        Weights of the classes. 'balanced' gives all classes the same total weight. With several
        labels per image, each label has the classes 0 (absent) and 1 (present): 'balanced' gives
        both the same total weight, a dict applies to all labels, and a list has one dict per label.

    early_stopping : bool, default=False
        Whether to hold out some images, score each epoch on them, stop when the score no longer
        improves, and keep the weights of the best epoch. The learning rate follows the cycle of all
        `max_iter` epochs, so a small `n_iter_no_change` may end training while the network still
        improves.

    validation_fraction : float, default=0.1
        Fraction of each class to hold out, in (0, 1). With several labels per image, the fraction
        of all images. Only used if `early_stopping` is True.

    n_iter_no_change : int or inf, default=10
        Number of epochs without improvement after which training stops. Only used if
        `early_stopping` is True.

    tol : float, default=1e-4
        Minimum increase of the validation score that counts as an improvement. Only used if
        `early_stopping` is True.

    warm_start : bool, default=False
        Whether `fit` continues with the network of the last `fit`, with a new cycle of the learning
        rate. The image shape, the classes and the network parameters must not change.

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
    classes_ : ndarray of shape (n_classes,)
        Sorted labels. With several labels per image, the indices of their columns.
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
        Accuracy on the held-out images after each epoch. `warm_start` appends to it. None without
        `early_stopping`.
    best_validation_score_ : float or None
        Highest validation score in the last `fit`.
    n_outputs_ : int
        Number of scores per image, as returned by `decision_function`: 1 for two classes, otherwise
        the number of classes or labels.
    n_pretrained_filters_ : tuple of int of length n_stages
        Number of filters in each stage that did not start at random. They come first.
    device_ : str
        Device that the network was trained on.
    net_ : skorch.NeuralNetClassifier
        Trained net around the torch module `net_.module_`.

    See Also
    --------
    ShapeCNNRegressor : The same network for regression.
    make_shapes : Images of triangles, circles and rectangles for trying this out.
    make_multilabel_shapes : Images with several shapes each.
    sklearn.neural_network.MLPClassifier : Neural network without convolutions.

    References
    ----------
    .. [1] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.
    .. [2] Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
       Learning Rates", 2018, section 3.
    .. [3] Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
       https://kellerjordan.github.io/posts/muon.
    .. [4] Kataoka et al., "Pre-training without Natural Images", ACCV 2020. The page "Model card"
       of the documentation explains how the filters were made.

    Examples
    --------
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(200, image_shape=(16, 16), random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    >>> clf = ShapeCNNClassifier(random_state=0).fit(X_train, y_train)
    >>> clf.predict_proba(X_test).shape
    (50, 3)
    >>> clf.score(X_test, y_test) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = SHARED_CONSTRAINTS | {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

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
        learning_rate_init: float | str = "auto",
        alpha: float = 0.01,
        batch_size: str | int = "auto",
        max_iter: str | int = "auto",
        label_smoothing: float = 0.0,
        augment: str | Sequence[str] | None = "auto",
        class_weight: dict[Any, float] | Sequence[dict[int, float]] | str | None = None,
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
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.label_smoothing = label_smoothing
        self.augment = augment
        self.class_weight = class_weight
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
    ) -> ShapeCNNClassifier:
        """Fit the classifier to images and their labels.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images as rows, gray images or images with channels, of any numeric dtype and scale. A
            memory-mapped file is read one batch at a time. A Dask or Zarr array is first written to
            a temporary file, a few chunks at a time.
        y : array-like of shape (n,), or array-like or sparse matrix of shape (n, n_labels)
            Labels as ints, strings or bools. For several labels per image, a matrix with 0 or 1 for
            each image and label.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images. A weight of 2 has the same effect as giving the image twice.
        X_val : array-like of the same form as X, default=None
            Images to score each epoch on if `early_stopping` is True, instead of a
            `validation_fraction` of X. Pass them if groups, such as the photos of one person, must
            be on one side of the split.
        y_val : array-like of the same form as y, default=None
            Labels of these images.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of these images.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, `sample_weight` or a parameter is invalid, or if training diverges.
        TypeError
            If X is sparse, or if `weights` is some other kind of estimator.
        KeyboardInterrupt
            If you press Ctrl-C. After the first epoch, the classifier keeps what it has learned so
            far. Before that, it stays as it was.

        Warns
        -----
        ConvergenceWarning
            If all pixels are the same, if a class has about a thousand times less weight than
            another and `class_weight` is None, if the network has learned nothing after at least
            eight epochs or 120 steps, or if extreme values spoiled what it learned.
        UserWarning
            If a label is on no image or on all images. If rows of X with 64 values or more are
            treated as images one pixel high, or seem to have another width or color order than
            assumed. If filters are larger than the images, or `X_val` is on another pixel scale
            than X.
        """
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation=validation)

    def _can_fit_partially(self) -> bool:
        if self.early_stopping:
            raise AttributeError(
                "partial_fit cannot stop early, since it sees each image once. Set "
                "early_stopping=False, or use fit."
            )
        if isinstance(self.class_weight, str):
            raise AttributeError(
                f"class_weight={self.class_weight!r} needs all images at once, which partial_fit "
                f"does not have. Give a dict of a weight for each class, or use fit."
            )
        return True

    @available_if(_can_fit_partially)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> ShapeCNNClassifier:
        """Update the classifier with more images, in a single pass over them.

        Use this for data that arrive in pieces, or to adapt a fitted classifier to new images. The
        learning rate rises to 0.3 times `learning_rate_init` over the first 20 steps and stays
        there, because the end of training is unknown. If you have all images at once, `fit`
        learns more from them.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images, in any form that `fit` accepts; one image is enough. The first call sets the
            image shape and the pixel scale. If all its pixels are the same, the first call whose
            pixels differ sets the scale. For dark 8-bit images, the range of their dtype sets it.
        y : array-like of shape (n,), or array-like or sparse matrix of shape (n, n_labels)
            Labels as ints, strings or bools. For several labels per image, a matrix with 0 or 1 for
            each image and label.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur. Required in the first call, unless `fit` came before.
            In later calls, leave it out or pass the same labels. Not needed if y is a matrix.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, relative to the others in the same call.

        Returns
        -------
        self : object
            The updated classifier.

        Raises
        ------
        AttributeError
            If `early_stopping` is True or `class_weight` is 'balanced'. Both need all of the data,
            so this method does not exist then.
        ValueError
            If `classes` is missing or differs from the last call, if y has other labels, if the
            images have another shape, or if a network parameter has changed.
        TypeError
            If X is sparse.

        Notes
        -----
        `batch_size='auto'` means 32 images, and `max_iter` is not used. With an int as
        `random_state`, the same calls give the same classifier.

        Examples
        --------
        >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
        >>> clf = ShapeCNNClassifier(n_filters=8, random_state=0)
        >>> for seed in range(3):
        ...     X, y = make_shapes(50, image_shape=(16, 16), random_state=seed)
        ...     clf = clf.partial_fit(X, y, classes=[0, 1, 2])
        >>> len(clf.loss_curve_)
        3
        """
        return self._fit(X, y, sample_weight, classes=classes, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label of each image.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_labels)
            Most probable label of each image. For several labels per image, an int64 matrix with 1
            for each label whose probability is above 0.5, and 0 for the others.
        """
        scores = self._scores(X)
        if self._has_labels:
            return (scores > 0).astype(np.int64)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes), dtype float64
            Probabilities in the order of `classes_`. Each row sums to one, unless an image may have
            several labels.
        """
        scores = self._scores(X)
        with np.errstate(under="ignore"):  # the smallest probabilities become zero
            return expit(scores) if self._has_labels else softmax(scores, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the log-probability of each class, exact even for small probabilities.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes), dtype float64
            Log-probabilities in the order of `classes_`.
        """
        scores = self._scores(X)
        with np.errstate(under="ignore"):
            return log_expit(scores) if self._has_labels else log_softmax(scores, axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the score of each class before the softmax, or of each label before the sigmoid.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes, dtype float64
            Scores in the order of `classes_`. For two classes, the log-odds of the second class.
        """
        scores = self._scores(X)
        is_binary = len(self.classes_) == 2 and not self._has_labels
        return scores[:, 1] - scores[:, 0] if is_binary else scores

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy: the fraction of images with all labels predicted correctly.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.
        y : array-like of shape (n,), or array-like or sparse matrix of shape (n, n_labels)
            True labels, in any form that `fit` accepts.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images.

        Returns
        -------
        accuracy : float
        """
        # scikit-learn's own score accepts fewer kinds of arrays.
        weights = as_numpy(sample_weight, "sample_weight")
        y = as_numpy(y, "y")
        y = check_indicators(y) if is_matrix(y) else plain_labels(y)
        return super().score(X, y, weights)

    def transform(self, X: Any) -> np.ndarray:
        """Compute the features from which the scores of each image are computed.

        These are the inputs of the last layer. Use them instead of the pixels as input for another
        estimator.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the same shape and pixel scale as in `fit`, in any form that `fit` accepts.

        Returns
        -------
        features : ndarray of shape (n, n_features_out), dtype float32
            Outputs of the last hidden layer. Without hidden layers, the maximum, the mean and a
            coarse grid of means of each feature map of the last stage. The grid is divided by the
            square root of its number of cells.

        Raises
        ------
        ValueError
            If X does not hold images of the same shape as in `fit`.
        NotFittedError
            If the classifier is not fitted.

        Examples
        --------
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
        >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
        >>> clf = ShapeCNNClassifier(n_filters=8, max_iter=2, random_state=0)
        >>> clf.fit_transform(X, y).shape
        (60, 88)
        >>> neighbors = make_pipeline(clf, KNeighborsClassifier()).fit(X, y)
        >>> neighbors.predict(X[:3]).shape
        (3,)
        """
        images = self._images(X)
        return check_finite(self.net_.last_features(images))

    @property
    def _n_features_out(self) -> int:
        return self.net_.module_.n_last_features

    @staticmethod
    def search_space(prefix: str = "") -> dict[str, list[Any]]:
        """Return values worth trying in a parameter search, including the defaults.

        With few images, `augment` matters by far the most. `alpha` and `n_filters` help on some
        images and hurt on others. The space has 16 combinations, and all of scikit-learn's searches
        accept it as it is.

        Parameters
        ----------
        prefix : str, default=''
            Prefix of each name. In a pipeline, the name of the step and two underscores, such as
            ``'shapecnnclassifier__'``.

        Returns
        -------
        space : dict of str to list
            Values to try for each parameter, the default first. Each call returns a new dict, so
            you can change it.

        Examples
        --------
        >>> from sklearn_shapecnn import ShapeCNNClassifier
        >>> for name, values in ShapeCNNClassifier.search_space().items():
        ...     print(name, values)
        augment ['auto', 'shift', ['auto', 'flips'], ['shift', 'flips']]
        alpha [0.01, 0.1]
        n_filters ['auto', (16, 32, 64)]
        """
        space: dict[str, list[Any]] = {
            "augment": ["auto", "shift", ["auto", "flips"], ["shift", "flips"]],
            "alpha": [0.01, 0.1],
            "n_filters": ["auto", (16, 32, 64)],
        }
        return {prefix + name: values for name, values in space.items()}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the network computes in float32
        tags.classifier_tags.multi_label = True
        return tags

    def _check_targets(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, classes: Any, incremental: bool
    ) -> Targets:
        y = as_numpy(y, "y")
        if is_matrix(y):
            return self._check_labels(y, sample_weight, pixels, classes, incremental)
        name = type(self).__name__
        if isinstance(self.class_weight, list | tuple):
            raise ValueError(
                "class_weight is a list of dicts, which needs several labels per image. Give one "
                "dict with the weight of each class."
            )
        if incremental:
            fitted = getattr(self, "classes_", None)
            known, targets = check_some_labels(y, pixels, classes, fitted, name)
        else:
            known, targets = check_labels(y, pixels, name)
        weights = check_weights(sample_weight, self.class_weight, pixels, known, targets)
        result = Targets(targets, weights, len(known), known)
        if incremental:
            return result
        present = np.unique(targets[weights > 0])
        if len(present) < 2:
            raise ValueError(
                f"All images with a non-zero sample weight have the class "
                f"{known.tolist()[present[0]]!r}; at least 2 classes are needed. Check "
                f"sample_weight and class_weight."
            )
        if self.class_weight is None:  # otherwise it is on purpose
            warn_about_light_classes(known, targets, weights)
        return result

    def _check_labels(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, classes: Any, incremental: bool
    ) -> Targets:
        """Check a y that is a matrix of the labels of each image."""
        indicators = check_indicators(y, len(pixels))
        n_labels = indicators.shape[1]
        if classes is not None and not np.array_equal(classes, np.arange(n_labels)):
            raise ValueError(
                f"y has {n_labels} columns, one for each label, so classes must be left out or be "
                f"the numbers of the columns, 0 to {n_labels - 1}; got {classes!r}."
            )
        weights = check_weights(sample_weight, None, pixels)
        label_weights = check_label_weights(self.class_weight, indicators, weights, incremental)
        if not incremental:
            warn_about_constant_labels(indicators, weights)
        return Targets(indicators, weights, n_labels, np.arange(n_labels), label_weights)

    def _check_validation_targets(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, known: Targets
    ) -> Targets:
        y = as_numpy(y, "y")
        weights = check_weights(sample_weight, None, pixels)
        assert known.classes is not None
        if not known.are_labels:
            advice = "Leave such images out, or add images of this class to X and y."
            found = index_labels(y, pixels, known.classes, type(self).__name__, advice)
            return replace(known, values=found, weights=weights)
        indicators = check_indicators(y, len(pixels))
        if indicators.shape[1:] != (known.n_outputs,):
            raise ValueError(
                f"y has shape {indicators.shape}, but needs a column for each of the "
                f"{known.n_outputs} labels of the training images."
            )
        return replace(known, values=indicators, weights=weights)

    def _make_loss(self, targets: Targets) -> Loss:
        smoothing = float(self.label_smoothing)
        if targets.are_labels:
            return LabelLoss(smoothing, targets.label_weights)
        return ClassLoss(smoothing, targets.n_outputs)

    @property
    def _has_labels(self) -> bool:
        """Whether the fitted network predicts several labels per image."""
        return isinstance(self.net_.criterion_, LabelLoss)
