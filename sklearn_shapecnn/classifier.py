"""ShapeCNNClassifier: its parameters and public methods."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metaestimators import available_if
from skorch.callbacks import Callback

from sklearn_shapecnn._compat import Interval, StrOptions
from sklearn_shapecnn._estimator import ImageEstimator, check_finite
from sklearn_shapecnn._input.labels import check_labels, check_some_labels, plain_labels
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
    """Convolutional network for small images, with a softmax at its end.

    The network is a sequence of stages. In each stage small filters slide over the image
    (convolution), pooling keeps the strongest responses, and a normalization and an activation
    follow; the next stage so sees a larger part of the image. A softmax turns the last features
    into one probability per class. Where y is a matrix of 0 and 1, a sigmoid turns them into the
    probability of each label by itself. The network sizes itself by the image shape, the training
    by the number of images. Pixels may be on any scale.

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
        Widths of fully connected layers between the convolutions and the softmax.

    activation : {'relu', 'leaky_relu', 'gelu', 'silu', 'tanh', 'logistic'}, default='relu'
        Activation function of every stage and hidden layer.

    normalization : {'batch', 'layer'} or None, default='batch'
        Normalization of each stage: batch normalization, layer normalization, or none. On the CPU,
        large batches are trained in two to eight parts, at least 16 images each, on as many threads
        as are allowed; batch normalization then takes the statistics of each part by itself.

    dropout : float, default=0.0
        Share of the inputs of each fully connected layer (the softmax layer too) that is set to
        zero at random in training, in [0, 1).

    weights : 'shapes', fitted ShapeCNNClassifier or ShapeCNNRegressor, or None, default='shapes'
        What the filters start from. 'shapes' are filters that the package ships; they have learned
        to tell drawn formulas apart, and from no photo or data set [4]_. None starts from random
        filters. A fitted estimator passes on its own, also to images of another size or number of
        channels and to other classes, with the scale and offset of batch normalization; a clone
        keeps it fitted. Among the values that a search tries, which it clones by themselves, freeze
        it in a :class:`~sklearn.frozen.FrozenEstimator`. Filters are taken as far as they fit,
        first stages and first filters first; those larger than `kernel_size` do not. The rest
        starts at random, as the fully connected layers always do. `warm_start` and `partial_fit` go
        on with the filters that are there.

    learning_rate_init : 'auto' or float, default='auto'
        Highest learning rate; it rises to it and falls to zero in one cycle [2]_. The filters are
        learned by Muon [3]_, which moves them by ten times the rate as a share of their length, all
        other weights by AdamW [1]_. 'auto' is 0.01. Where most filters start from `weights` or an
        earlier `fit`, and 60 steps or more follow, it is 0.003 for fewer than 1,000 images and
        0.005 from 1,000 on. For `partial_fit` it is always 0.01, of which it takes 0.3 times.

    alpha : float, default=0.01
        Weight decay, as a share of each weight per step and learning rate. The filters keep their
        length and so are exempt.

    batch_size : 'auto' or int, default='auto'
        About how many images a training step sees; the images are spread evenly over the batches.
        'auto' is a tenth of the images, but at least 8 and at most 64; less than 64 in images of
        more than 90 x 90 pixels, down to 32 at 128 x 128. Batches hold two images at least.

    max_iter : 'auto' or int, default='auto'
        Number of epochs: how often each image is seen. 'auto' takes 40 for up to 200 images and
        fewer for more, down to 4; but enough for 120 steps, up to 100. With several labels an image
        it takes twice as many, up to 100. If most filters start at random, by `weights`, it takes
        as many as make 600 steps, but at least 8 and at most 100. From about 1,900 images on it
        then first tries a short round of two to four epochs, and stops there if these bring the
        training loss next to zero.

    label_smoothing : float, default=0.0
        Share of each label that is spread evenly over all classes in training, in [0, 1). Some 0.1
        may raise the accuracy, but leaves the probabilities too cautious.

    augment : str, list of str or None, default='auto'
        How images are changed at random in training: any of 'auto', 'jitter', 'shift',
        'horizontal_flip', 'vertical_flip', 'flips' and 'quarter_turns'. 'auto' is 'jitter' for
        fewer than 1,000 images of 8 x 8 pixels or more, else 'shift', and 'shift' in `partial_fit`.
        'shift' moves all images by whole pixels, up to a sixteenth of their side. 'jitter' turns
        three images in four by up to 10 degrees, zooms them by up to 10 % and moves them by up to a
        tenth of their side, taking the nearest pixel; it leaves images under 8 pixels alone. Both
        repeat the pixels at the border. 'flips' stands for both flips; 'quarter_turns' turns square
        images by multiples of 90 degrees. Choose what does not change the label: a mirrored digit
        is no digit.

    class_weight : dict {class: weight}, list of dict, 'balanced' or None, default=None
        Weights of the classes. 'balanced' gives all classes the same total. With several labels an
        image, the classes of each label are 0, its absence, and 1, its presence: 'balanced' gives
        both the same total, a dict holds for all labels, and a list has a dict for each.

    early_stopping : bool, default=False
        Whether to hold out a part of the images, score each epoch on it, stop when the score no
        longer improves, and keep the weights of the best epoch. The learning rate
        follows its cycle as if training went on for all of `max_iter` epochs, so that a small
        `n_iter_no_change` may end it while the network still improves.

    validation_fraction : float, default=0.1
        Fraction of each class to hold out, in (0, 1); with several labels, of all images. Only used
        if `early_stopping` is True.

    n_iter_no_change : int or inf, default=10
        Number of epochs without improvement after which training stops. Only used if
        `early_stopping` is True.

    tol : float, default=1e-4
        By how much the validation score must rise to count as an improvement. Only used if
        `early_stopping` is True.

    warm_start : bool, default=False
        Whether `fit` goes on with the network of the last `fit`, with a new cycle of the learning
        rate. Image shape, classes and the parameters of the network must be the same then.

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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; with several labels an image, the numbers of their columns.
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
        Accuracy on the held-out images after each epoch; `warm_start` appends to it. None without
        `early_stopping`.
    best_validation_score_ : float or None
        The highest one of the last `fit`.
    n_outputs_ : int
        Number of scores of an image, as of `decision_function`: 1 for two classes, else the number
        of classes or of labels.
    n_pretrained_filters_ : tuple of int of length n_stages
        How many filters of each stage did not start at random: the first ones.
    device_ : str
        Where the network was trained.
    net_ : skorch.NeuralNetClassifier
        The trained net around the torch module `net_.module_`.

    See Also
    --------
    ShapeCNNRegressor : The same network for numbers.
    make_shapes : Images of triangles, circles and rectangles to try this on.
    make_multilabel_shapes : Images of several shapes.
    sklearn.neural_network.MLPClassifier : Network without convolutions.

    References
    ----------
    .. [1] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.
    .. [2] Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
       Learning Rates", 2018, section 3.
    .. [3] Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
       https://kellerjordan.github.io/posts/muon.
    .. [4] Kataoka et al., "Pre-training without Natural Images", ACCV 2020. The page "Model card"
       of the documentation tells how these were made.

    Examples
    --------
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> X, y = make_shapes(300, image_shape=(24, 24), random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    >>> clf = ShapeCNNClassifier(random_state=0).fit(X_train, y_train)
    >>> clf.predict_proba(X_test).shape
    (75, 3)
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ShapeCNNClassifier:
        """Learn the labels of images.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images as rows, gray images or images with channels, of any numeric dtype and scale. A
            memory-mapped file is read a batch at a time; a Dask or Zarr array is written to a
            temporary file first, some chunks at a time.
        y : array-like of shape (n,), or array-like or sparse matrix of shape (n, n_labels)
            Labels: ints, strings or bools. Or which labels each image has: 0 or 1 for each of them.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images; a weight of 2 is the same as giving the image twice.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, `sample_weight` or a parameter cannot be used, or if training diverges.
        TypeError
            If X is sparse, or if `weights` is an estimator of another kind.
        KeyboardInterrupt
            If you press Ctrl-C. After the first epoch the classifier keeps what it has learned
            until then; before it is as it was.

        Warns
        -----
        ConvergenceWarning
            If all pixels are the same, if a class has less than a 999th of the weight of another
            and `class_weight` is None, if eight epochs or 120 steps or more have
            taught nothing, or if extreme values spoiled what they taught.
        UserWarning
            If no image has some label, or every one has it. If X has rows of 64 values or more that
            are taken for images one pixel high, or that seem to be images of another width or order
            of colors than they are taken for.
        """
        return self._fit(X, y, sample_weight)

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
        """Learn from some more images, in one pass over them.

        For data that arrive in pieces, and to adapt a fitted classifier to new images. The learning
        rate rises over the first 20 steps to 0.3 times `learning_rate_init` and stays there, since
        the training has no known end before which it could fall. So `fit` learns more from the same
        images if it has them all at once.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images, in any form that `fit` takes; one is enough. The first ones set the image shape
            and the scale of the pixels. If these are all of one color, the first piece that is not
            sets the scale; for dark pixels of 8 bits it is the range of their dtype.
        y : array-like of shape (n,), or array-like or sparse matrix of shape (n, n_labels)
            Labels: ints, strings or bools. Or which labels each image has: 0 or 1 for each of them.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur. Needed in the first call, unless `fit` came before;
            later it may be left out, or must be the same. Not needed for a matrix.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, relative to the others of the same call.

        Returns
        -------
        self : object
            The classifier.

        Raises
        ------
        AttributeError
            If `early_stopping` is True or `class_weight` is 'balanced': both need all of the data,
            so the method does not exist then.
        ValueError
            If `classes` is missing or differs from the last call, if y has other labels, if the
            images have another shape, or if a parameter of the network has changed.
        TypeError
            If X is sparse.

        Notes
        -----
        `batch_size='auto'` stands for 32 images; `max_iter` is not used. With an int as
        `random_state` the same calls give the same classifier.

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
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_labels)
            The most probable labels. Or, as int64, 1 for each label with a probability above one
            half, and 0 for the others.
        """
        scores = self._scores(X)
        if self._has_labels:
            return (scores > 0).astype(np.int64)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes), dtype float64
            In the order of `classes_`. Each row sums to one, unless an image may have several
            labels.
        """
        scores = self._scores(X)
        with np.errstate(under="ignore"):  # the least probabilities are zero
            return expit(scores) if self._has_labels else softmax(scores, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of the probability of each class, exact for small ones too.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes), dtype float64
            In the order of `classes_`.
        """
        scores = self._scores(X)
        with np.errstate(under="ignore"):
            return log_expit(scores) if self._has_labels else log_softmax(scores, axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Score of each class before the softmax, or of each label before the sigmoid.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes, dtype float64
            In the order of `classes_`. For two classes it is the log-odds of the second one.
        """
        scores = self._scores(X)
        is_binary = len(self.classes_) == 2 and not self._has_labels
        return scores[:, 1] - scores[:, 0] if is_binary else scores

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of images that get their label, or exactly their labels.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.
        y : array-like of shape (n,), or array-like or sparse matrix of shape (n, n_labels)
            Their labels, in any form that `fit` takes.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images.

        Returns
        -------
        accuracy : float
        """
        # scikit-learn's own score knows fewer kinds of arrays.
        weights = as_numpy(sample_weight, "sample_weight")
        y = as_numpy(y, "y")
        y = check_indicators(y) if is_matrix(y) else plain_labels(y)
        return super().score(X, y, weights)

    def transform(self, X: Any) -> np.ndarray:
        """Compute the features that the scores of each image are computed from.

        These are the inputs of the last layer. Put them in front of another estimator instead of
        the pixels.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        features : ndarray of shape (n, n_features_out), dtype float32
            The outputs of the last hidden layer. Without hidden layers, the maximum, the mean and a
            coarse grid of means of each feature map of the last stage, the grid divided by the
            root of the number of its cells.

        Raises
        ------
        ValueError
            If X does not hold images of the shape known from `fit`.
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
        """Values worth trying in a search for better parameters, the defaults among them.

        `augment` matters by far the most if there are few images; the other two help on some images
        and harm on others. All searches of scikit-learn take the space as it is: 16 combinations.

        Parameters
        ----------
        prefix : str, default=''
            Prefix of each name: in a pipeline the name of the step and two underscores, such as
            ``'shapecnnclassifier__'``.

        Returns
        -------
        space : dict of str to list
            Parameter names and, for each, the values to try, the default first. It is a new one
            each time: change it as you like.

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
        tags.transformer_tags.preserves_dtype = []  # float32, as the network computes
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
                "class_weight is a list of dicts, which is for several labels an image. Give one "
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
                f"The images of non-zero sample weight all have the class "
                f"{known.tolist()[present[0]]!r}; at least 2 classes are needed. Look at "
                f"sample_weight and class_weight."
            )
        if self.class_weight is None:  # else it is on purpose
            warn_about_light_classes(known, targets, weights)
        return result

    def _check_labels(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, classes: Any, incremental: bool
    ) -> Targets:
        """Check a y that says which of several labels each image has."""
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

    def _make_loss(self, targets: Targets) -> Loss:
        smoothing = float(self.label_smoothing)
        if targets.are_labels:
            return LabelLoss(smoothing, targets.label_weights)
        return ClassLoss(smoothing, targets.n_outputs)

    @property
    def _has_labels(self) -> bool:
        """Whether the fitted network gives several labels to an image."""
        return isinstance(self.net_.criterion_, LabelLoss)
