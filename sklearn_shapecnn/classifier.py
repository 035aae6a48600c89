"""The scikit-learn face of the network: parameters, validation, classes, fit and predict."""

from __future__ import annotations

import math
import textwrap
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_feature_names,
    _get_feature_names,
    check_is_fitted,
)
from skorch.callbacks import Callback
from skorch.callbacks.scoring import ScoringBase
from skorch.history import History

from sklearn_shapecnn.callbacks import FitTasks, ShowProgress
from sklearn_shapecnn.compat import CallbackSupportMixin, warn
from sklearn_shapecnn.images import (
    ImageSet,
    check_pixels,
    check_same_images,
    find_image_shape,
    naming,
)
from sklearn_shapecnn.labels import (
    check_labels,
    check_some_labels,
    check_weights,
    warn_of_light_classes,
)
from sklearn_shapecnn.network import (
    ACTIVATIONS,
    auto_kernel_size,
    auto_n_filters,
    auto_n_layers,
    auto_pool_size,
    count_weights,
    plan_stages,
)
from sklearn_shapecnn.saving import (
    FITTED,
    OtherVersionWarning,
    check_state,
    current_versions,
    find_differences,
    net_from_plain,
    net_to_plain,
    reading_a_file,
)
from sklearn_shapecnn.training import (
    AUGMENTATIONS,
    Augment,
    Sample,
    ShapeNet,
    auto_augment,
    auto_batch_size,
    auto_rounds,
    build_net,
    count_batches,
    distinct_sample,
    train,
    warm_up_from,
)

MOST_WEIGHTS = 2**36  # in training, each takes 16 bytes: a TiB


class ShapeCNNClassifier(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    BaseEstimator,
):
    """Convolutional network for small images, with a softmax at its end.

    Small filters slide over the image; each layer pools what its filters found, so that the next
    one sees a larger part of the image; at the end stand one score and one probability per class.
    The network sizes itself by the image shape and the number of images, and takes pixels on any
    scale.

    Parameters
    ----------
    image_shape : tuple of int (height, width) or (height, width, channels), default=None
        Shape of one image. Needed only where X holds rows that are neither square gray images nor
        single rows of pixels: for rows, None means a square where their width is a square number,
        and an image one pixel high otherwise.

    n_filters : 'auto', int or array-like of int of shape (n_layers,), default='auto'
        Number of filters of each convolutional layer; an int stands for a single layer. 'auto'
        begins with 32 in images of up to 48 x 48 pixels and 16 in larger ones, and doubles with
        each layer up to 256 and 64. Where no parameter tells the number of layers, there are three,
        and four in larger images.

    kernel_size : 'auto', int or array-like of int of shape (n_layers,), default='auto'
        Width of the filters in pixels, for all layers or each. 'auto' is 3, but 5 for the first
        layer in images of more than 48 x 48 pixels. Filters larger than what they slide over are
        cut down to it.

    pool_size : 'auto', int or array-like of int of shape (n_layers,), default='auto'
        Side of the pooling windows in pixels, for all layers or each; 1 does not pool. 'auto'
        leaves maps of about 5 x 5, and of about 8 x 8 in images of more than 48 x 48 pixels.
        Windows larger than what they slide over are cut down to it.

    pooling : {'max', 'avg', 'sum'}, default='max'
        How a pooling window becomes one value.

    hidden_layer_sizes : int or array-like of int of shape (n_hidden_layers,), default=()
        Widths of fully connected layers between the convolutions and the softmax.

    activation : {'relu', 'leaky_relu', 'gelu', 'silu', 'tanh', 'logistic'}, default='relu'
        Activation function of every layer but the last.

    normalization : {'batch', 'layer'} or None, default='batch'
        What evens out the features of each convolutional layer: batch normalization, layer
        normalization, or nothing.

    dropout : float, default=0.0
        Share of the inputs of each fully connected layer (the softmax layer too) that is zeroed at
        random in training, in [0, 1).

    learning_rate_init : float, default=0.01
        Highest learning rate; it rises to it and falls to zero in one cycle [2]_. The filters are
        learnt by Muon [3]_, which moves them by ten times the rate as a share of their length, all
        other weights by AdamW [1]_.

    alpha : float, default=0.01
        Weight decay, as a share of each weight per step and learning rate. The filters keep their
        length and so are exempt.

    batch_size : 'auto' or int, default='auto'
        About how many images a training step sees; the images are spread evenly over the batches.
        'auto' is a tenth of the images, but at least 8 and at most 64; less than 64 in images of
        more than 90 x 90 pixels, down to 32 at 128 x 128. Batches hold two images at least.

    max_iter : 'auto' or int, default='auto'
        Number of epochs: how often each image is seen. 'auto' takes as many as make 600 steps, but
        at least 8 and at most 100. From about 1,900 images on it first tries a short round of two
        to four epochs, and leaves it at that where these bring the training loss next to zero.

    label_smoothing : float, default=0.0
        Share of each label that is spread evenly over all classes in training, in [0, 1). Some 0.1
        may raise the accuracy, but leaves the probabilities too cautious.

    augment : str, list of str or None, default='auto'
        How images are changed at random in training: any of 'auto', 'jitter', 'shift',
        'horizontal_flip', 'vertical_flip', 'flips' and 'quarter_turns'. 'auto' is 'shift', and
        'jitter' in images of more than 48 x 48 pixels. 'shift' moves all images by whole pixels, up
        to a sixteenth of their side. 'jitter' turns three images in four by up to 10 degrees, zooms
        them by up to 10 % and moves them by up to a tenth of their side, with linear interpolation;
        it leaves images under 8 pixels alone. Both repeat the pixels at the border. 'flips' stands
        for both flips; 'quarter_turns' turns square images by multiples of 90 degrees.
        Choose what does not change the label: a mirrored digit is no digit.

    class_weight : dict {class: weight}, 'balanced' or None, default=None
        Weights of the classes. 'balanced' gives all classes the same total.

    early_stopping : bool, default=False
        Whether to hold out a part of the images, score each epoch on it, stop when the score no
        longer improves, and keep the weights of the best epoch. The learning rate
        follows its cycle as if training went on for all of `max_iter` epochs, so that a small
        `n_iter_no_change` may end it while it still learns.

    validation_fraction : float, default=0.1
        Fraction of each class to hold out, in (0, 1). Only used if `early_stopping` is True.

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
        Where to compute: 'cpu', 'cuda', 'cuda:1', 'mps', ...; 'auto' takes a GPU where torch finds
        one. 'accelerate' shares each fit among the processes that ``torchrun`` or
        ``accelerate launch`` started, on the GPU of each or on the CPU; it needs the extra
        ``[distributed]``.

    random_state : int, RandomState instance, Generator instance or None, default=None
        Determines the initial weights, the order of the images, augmentation, dropout and the
        validation split. Pass an int for the same network every time. A RandomState or Generator
        moves on with each `fit` and `partial_fit`, so that the next one differs. None takes fresh
        entropy: NumPy's and torch's global random states are never read or changed.

    verbose : bool or int, default=0
        Whether to show on standard error how the training goes: a progress bar in a terminal or a
        notebook, else one line an epoch, with the loss, the score and the time left.

    callbacks : list of skorch callbacks or None, default=None
        Objects derived from :class:`skorch.callbacks.Callback`, such as `Checkpoint`,
        `TensorBoard` or your own, to be told of each epoch and batch of the net `net_`. `fit` uses
        them as they are, without a copy. Scikit-learn's own callbacks are set by `set_callbacks`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
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
    device_ : str
        Where the network was trained.
    net_ : skorch.NeuralNetClassifier
        The trained net around the torch module `net_.module_`.

    See Also
    --------
    make_shapes : Images of triangles, circles and rectangles to try this on.
    sklearn.neural_network.MLPClassifier : Network without convolutions.

    References
    ----------
    .. [1] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.
    .. [2] Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
       Learning Rates", 2018, section 3.
    .. [3] Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
       https://kellerjordan.github.io/posts/muon.

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

    loss_curve_: list[float]
    validation_scores_: list[float] | None

    _doc_link_module = "sklearn_shapecnn"
    _doc_link_template = (
        "https://sklearn-shapecnn.readthedocs.io/en/stable/generated/"
        "sklearn_shapecnn.{estimator_name}.html"
    )

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_shape": ["array-like", None],
        "n_filters": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            "array-like",
        ],
        "kernel_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            "array-like",
        ],
        "pool_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            "array-like",
        ],
        "pooling": [StrOptions({"max", "avg", "sum"})],
        "hidden_layer_sizes": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "normalization": [StrOptions({"batch", "layer"}), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "augment": [StrOptions({"auto", *AUGMENTATIONS}), "array-like", None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
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
        learning_rate_init: float = 0.01,
        alpha: float = 0.01,
        batch_size: str | int = "auto",
        max_iter: str | int = "auto",
        label_smoothing: float = 0.0,
        augment: str | Sequence[str] | None = "auto",
        class_weight: dict[Any, float] | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        device: str = "auto",
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
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ShapeCNNClassifier:
        """Learn the labels of images.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images as rows, gray images or images with channels, of any numeric dtype and scale. A
            memory-mapped file is read a batch at a time; a Dask or Zarr array is written to a
            temporary file first, some chunks at a time.
        y : array-like of shape (n,)
            Labels: ints, strings or bools.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images; a weight of 2 is the same as giving the image twice.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            Where X, y, `sample_weight` or a parameter is not usable, or where training diverges.
        TypeError
            Where X is sparse.

        Warns
        -----
        ConvergenceWarning
            Where all pixels are the same, a class has less than a 999th of the weight of another
            and `class_weight` is None, or eight epochs or more have taught nothing.
        """
        pixels = check_pixels(X, self)
        image_shape = find_image_shape(pixels.shape, self._given_image_shape())
        # Now, before the training: it raises where names are mixed.
        names = _get_feature_names(X) if pixels.ndim == 2 else None
        classes, targets = check_labels(y, pixels, type(self).__name__)
        weights = check_weights(sample_weight, self.class_weight, pixels, classes, targets)
        if len(present := np.unique(targets[weights > 0])) < 2:
            raise ValueError(
                f"The images of non-zero sample weight all have the class "
                f"{classes.tolist()[present[0]]!r}; at least 2 classes are needed. Look at "
                f"sample_weight and class_weight."
            )
        if self.class_weight is None:  # else it is on purpose
            warn_of_light_classes(classes, targets, weights)
        network = self._network_parameters(image_shape)
        augment = self._check_augment(image_shape)
        callbacks = self._check_callbacks()
        sample, center, scale = distinct_sample(ImageSet(pixels, image_shape), targets, weights)
        # Late, for what is refused draws no random numbers.
        device, rng, train_net = self._workplace()
        sample, held_out = (
            sample.split(self.validation_fraction, rng) if self.early_stopping else (sample, None)
        )
        sample = sample.spread()  # after the split, for no image to be on both sides
        goes_on = self.warm_start and hasattr(self, "net_")
        if goes_on:
            net = self._continued_net("warm_start=True", network, classes, device, center, scale)
            net.initialize_optimizer()
        else:
            net = self._new_net(network, center, scale, len(classes), device, rng)
        batch_size = (
            auto_batch_size(len(sample), image_shape)
            if self.batch_size == "auto"
            else int(self.batch_size)
        )
        return self._train(
            net,
            sample,
            held_out,
            train_net,
            known={"image_shape_": image_shape, "classes_": classes, "device_": device},
            names=names,
            goes_on=goes_on,
            given={"X": X, "y": y, "metadata": _metadata(sample_weight)},
            batch_size=batch_size,
            rounds=(
                auto_rounds(len(sample), batch_size)
                if self.max_iter == "auto"
                else [int(self.max_iter)]
            ),
            augment=augment,
            callbacks=callbacks,
            seed=_draw_seed(rng),
        )

    def _can_learn_in_pieces(self) -> bool:
        if self.early_stopping:
            raise AttributeError(
                "partial_fit cannot stop early, for it sees each image once. Set "
                "early_stopping=False, or use fit."
            )
        if isinstance(self.class_weight, str):
            raise AttributeError(
                f"class_weight={self.class_weight!r} needs all images at once, which partial_fit "
                f"does not have. Give a dict of a weight for each class, or use fit."
            )
        return True

    @available_if(_can_learn_in_pieces)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> ShapeCNNClassifier:
        """Learn from some more images, in one pass over them.

        For data that arrive in pieces, and to adapt a fitted classifier to new images. The learning
        rate rises over the first 20 steps to 0.3 times `learning_rate_init` and stays there; there
        is no end of the training at which it could fall. So `fit` learns more from the same images
        where they are there all at once.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images, in any form that `fit` takes; one is enough. The first ones set the image shape
            and the scale of the pixels.
        y : array-like of shape (n,)
            Labels: ints, strings or bools.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur. Needed in the first call, unless `fit` came before;
            later it may be left out, or must be the same.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, beside those of the same call.

        Returns
        -------
        self : object
            The classifier, which knows what it knew before and something more.

        Raises
        ------
        AttributeError
            Where `early_stopping` or ``class_weight='balanced'`` ask for what a part of the data
            cannot tell: the method is not there then.
        ValueError
            Where `classes` is missing or not the same, y has other labels, the images are of
            another shape, or a parameter of the network has changed.
        TypeError
            Where X is sparse.

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
        self._validate_params()  # which scikit-learn does in the first call only
        goes_on = hasattr(self, "net_")
        if goes_on:
            images = self._images(X)
            pixels, image_shape = images.pixels, self.image_shape_
            given = self._given_image_shape()
            if given is not None and (*given, 1)[:3] != image_shape:
                raise ValueError(
                    f"partial_fit goes on with the fitted network, but image_shape changed from "
                    f"{image_shape} to {self.image_shape!r}. To start anew, call fit with "
                    f"warm_start=False."
                )
            names = getattr(self, "feature_names_in_", None)
        else:
            pixels = check_pixels(X, self)
            image_shape = find_image_shape(pixels.shape, self._given_image_shape())
            images = ImageSet(pixels, image_shape)
            names = _get_feature_names(X) if pixels.ndim == 2 else None
        known, targets = check_some_labels(
            y, pixels, classes, getattr(self, "classes_", None), type(self).__name__
        )
        weights = check_weights(sample_weight, self.class_weight, pixels, known, targets)
        network = self._network_parameters(image_shape)
        augment = self._check_augment(image_shape)
        callbacks = self._check_callbacks()
        sample, center, scale = distinct_sample(images, targets, weights)
        device, rng, train_net = self._workplace()
        if len(sample) == 1:
            sample = sample.take(np.array([0, 0]))  # batch normalization needs two
        if goes_on:
            net = self._continued_net("partial_fit", network, known, device, center, scale)
        else:
            net = self._new_net(network, center, scale, len(known), device, rng)
        n_steps = net.n_steps_done
        net.history = History()  # else it grows with each call, and is copied by the next one
        return self._train(
            net,
            sample,
            None,
            train_net,
            known={"image_shape_": image_shape, "classes_": known, "device_": device},
            names=names,
            goes_on=goes_on,
            given={"X": X, "y": y, "metadata": _metadata(sample_weight)},
            batch_size=32 if self.batch_size == "auto" else int(self.batch_size),
            rounds=[1],
            augment=augment,
            callbacks=callbacks,
            seed=_draw_seed(rng) + len(self.loss_curve_ if goes_on else []),
            schedule=warm_up_from(n_steps),
        )

    def _workplace(self) -> tuple[str, np.random.Generator, Callable[..., list[float]]]:
        """Where to compute, what draws the random numbers, and what trains a net there."""
        rng = _make_generator(self.random_state)
        if self.device != "accelerate":
            return _find_device(self.device), rng, train
        from sklearn_shapecnn.accelerated import Team

        team = Team()
        return team.device, team.share(rng), team.train

    def _new_net(
        self,
        network: dict[str, Any],
        center: float,
        scale: float,
        n_classes: int,
        device: str,
        rng: np.random.Generator,
    ) -> ShapeNet:
        return build_net(
            {**network, "center": center, "scale": scale, "seed": _draw_seed(rng)},
            n_classes=n_classes,
            learning_rate_init=float(self.learning_rate_init),
            alpha=float(self.alpha),
            label_smoothing=float(self.label_smoothing),
            device=device,
        )

    def _train(
        self,
        net: ShapeNet,
        sample: Sample,
        held_out: Sample | None,
        train_net: Callable[..., list[float]],
        *,
        known: dict[str, Any],
        names: np.ndarray | None,
        goes_on: bool,
        given: dict[str, Any],
        callbacks: list[Callback],
        batch_size: int,
        rounds: list[int],
        **settings: Any,
    ) -> ShapeCNNClassifier:
        """Train a net, and only then set the attributes: a fit that fails leaves all as it was."""
        known["n_features_in_"] = math.prod(known["image_shape_"])
        if names is not None:
            known["feature_names_in_"] = names
        losses_before = self.loss_curve_ if goes_on else []
        scores_before = (self.validation_scores_ if goes_on else None) or []
        n_epochs_before = len(net.history)

        def fitted_attributes(net: ShapeNet) -> dict[str, Any]:
            epochs = net.history[n_epochs_before:]
            losses = [float(epoch["train_loss"]) for epoch in epochs]
            scores = [float(epoch["valid_acc"]) for epoch in epochs] if held_out else []
            return {
                **known,
                "net_": net,
                "n_iter_": len(losses),
                "loss_curve_": losses_before + losses,
                "validation_scores_": scores_before + scores if held_out else None,
                "best_validation_score_": max(scores) if held_out else None,
            }

        tasks = progress = None
        if getattr(self, "_skl_callbacks", None):
            tasks = FitTasks(
                self,
                given,
                n_epochs=sum(rounds),
                n_batches=count_batches(len(sample), batch_size),
                # None, for else the copy would have the names of an earlier fit.
                fitted_attributes=lambda net: {
                    "feature_names_in_": None,
                    **fitted_attributes(net.snapshot()),
                },
            )
        if self.verbose:
            progress = ShowProgress()
        try:
            train_net(
                net,
                sample,
                held_out,
                batch_size=batch_size,
                rounds=rounds,
                n_iter_no_change=self.n_iter_no_change,
                tol=self.tol,
                callbacks=[*filter(None, (progress, tasks)), *callbacks],
                **settings,
            )
        finally:
            if progress is not None:
                progress.close()

        # In one assignment, for Ctrl+C may come between any two.
        stays = {name: value for name, value in vars(self).items() if name != "feature_names_in_"}
        self.__dict__ = stays | fitted_attributes(net)
        if tasks is not None:
            tasks.on_fit_end()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label of each image.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        y : ndarray of shape (n,)
            The most probable labels.
        """
        scores = self._scores(X)
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
            In the order of `classes_`; each row sums to one.
        """
        return softmax(self._scores(X), axis=1)

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
        return log_softmax(self._scores(X), axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Score of each class before the softmax.

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
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def transform(self, X: Any) -> np.ndarray:
        """Describe each image by the features that its scores are computed from.

        These are what the last layer sees: in front of another estimator they replace the pixels.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
            Images of the shape known from `fit`, in any of its forms, with pixels on the same
            scale.

        Returns
        -------
        features : ndarray of shape (n, n_features_out), dtype float32
            The last of `hidden_layer_sizes`; without hidden layers, the maximum, the mean and a
            coarse grid of means of each map of the last convolutional layer.

        Raises
        ------
        ValueError
            Where X does not hold images of the shape known from `fit`.
        NotFittedError
            Where it is not fitted.

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

        What images may be changed into (`augment`) matters by far the most where there are few of
        them; the other two help on some images and harm on others. All searches of scikit-learn
        take the space as it is: 16 combinations.

        Parameters
        ----------
        prefix : str, default=''
            What stands before each name: in a pipeline the name of the step and two underscores,
            such as ``'shapecnnclassifier__'``.

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
        augment ['auto', 'jitter', ['auto', 'flips'], ['jitter', 'flips']]
        alpha [0.01, 0.1]
        n_filters ['auto', (16, 32, 64)]
        """
        space: dict[str, list[Any]] = {
            "augment": ["auto", "jitter", ["auto", "flips"], ["jitter", "flips"]],
            "alpha": [0.01, 0.1],
            "n_filters": ["auto", (16, 32, 64)],
        }
        return {prefix + name: values for name, values in space.items()}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # float32, as the network computes
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__(), "_saved_by": current_versions()}
        if "net_" in state:
            state["net_"] = net_to_plain(state["net_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        differences = find_differences(state.pop("_saved_by", None), type(self).__name__)
        if differences:
            warn(OtherVersionWarning(type(self).__name__, differences))
        # Parameters that came after the version that saved it have their defaults.
        ShapeCNNClassifier.__init__(self)
        if FITTED & state.keys():
            with reading_a_file():
                check_state(state)
                try:
                    device = _find_device(state["device_"])
                except ValueError:  # it was saved where there is a GPU that is not here
                    device = _find_device("auto")
                state |= {"device_": device, "net_": net_from_plain(state["net_"], device)}
        super().__setstate__(state)

    def _scores(self, X: Any) -> np.ndarray:
        images = self._images(X)  # first, for it tells of what is not fitted
        return check_finite(self.net_.scores(images).astype(np.float64))

    def _images(self, X: Any) -> ImageSet:
        """Images for the fitted network, once X is found to hold such."""
        check_is_fitted(self)
        pixels = check_pixels(X, self)
        if pixels.ndim == 2:
            # Column names first, as in scikit-learn: they say best what is wrong.
            with naming("X"):
                _check_feature_names(self, X, reset=False)
        check_same_images(pixels.shape, self.image_shape_, type(self).__name__)
        return ImageSet(pixels, self.image_shape_)

    def _validate_params(self) -> None:
        for name, value in self.get_params(deep=False).items():
            with naming(name):  # scikit-learn's check stumbles over some numbers, namelessly
                validate_parameter_constraints(
                    self._parameter_constraints, {name: value}, caller_name=type(self).__name__
                )
                if isinstance(value, Integral):
                    float(value)

    def _given_image_shape(self) -> list[int] | None:
        if self.image_shape is None:
            return None
        values = _positive_ints("image_shape", self.image_shape)
        if len(values) not in (2, 3):
            raise ValueError(
                f"image_shape must be (height, width) or (height, width, channels), but got "
                f"{self.image_shape!r}."
            )
        return values

    def _network_parameters(self, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """Parameters of the network, with what is 'auto' filled in."""
        given = {
            name: _positive_ints(name, value)
            for name in ("n_filters", "kernel_size", "pool_size")
            if not isinstance(value := getattr(self, name), str)
            and (name == "n_filters" or not isinstance(value, Integral))
        }
        lengths = {name: len(value) for name, value in given.items()}
        if len(set(lengths.values())) > 1:
            told = " and ".join(f"{name} has {n}" for name, n in lengths.items())
            raise ValueError(
                f"n_filters, kernel_size and pool_size need one value per layer, but {told}. Give "
                f"them the same length; kernel_size and pool_size may be one int for all layers."
            )
        n_layers = next(iter(lengths.values()), auto_n_layers(image_shape))
        if n_layers == 0:
            raise ValueError(f"{next(iter(given))} is empty; the network needs at least one layer.")
        auto = {
            "n_filters": auto_n_filters(image_shape, n_layers),
            "kernel_size": auto_kernel_size(image_shape, n_layers),
            "pool_size": auto_pool_size(image_shape, n_layers),
        }
        layers = {
            name: given.get(name)
            or (
                auto[name]
                if isinstance(value := getattr(self, name), str)
                else _positive_ints(name, value) * n_layers
            )
            for name in auto
        }
        hidden = _positive_ints("hidden_layer_sizes", self.hidden_layer_sizes)
        n_weights = count_weights(plan_stages(image_shape, **layers), hidden)
        if n_weights > MOST_WEIGHTS:
            raise ValueError(
                f"n_filters={self.n_filters!r} and hidden_layer_sizes={self.hidden_layer_sizes!r} "
                f"make a network of {n_weights} weights, which is too large to train. "
                f"Make it smaller."
            )
        return {
            "image_shape": image_shape,
            **layers,
            "pooling": self.pooling,
            "hidden_layer_sizes": hidden,
            "activation": self.activation,
            "dropout": float(self.dropout),
            "normalization": self.normalization,
        }

    def _check_augment(self, image_shape: tuple[int, int, int]) -> Augment | None:
        with naming("augment"):
            names = [] if self.augment is None else np.ravel(self.augment).tolist()
        names = [auto_augment(image_shape) if name == "auto" else name for name in names]
        for name in names:
            if name not in AUGMENTATIONS:
                raise ValueError(
                    f"augment holds {name!r}, which is none of auto, {', '.join(AUGMENTATIONS)}."
                )
        if "quarter_turns" in names and image_shape[0] != image_shape[1]:
            raise ValueError(
                f"augment='quarter_turns' needs square images, but these are {image_shape[0]} x "
                f"{image_shape[1]} pixels. Use 'flips', or pad the images to a square."
            )
        return Augment(names, image_shape) if names else None

    def _check_callbacks(self) -> list[Callback]:
        callbacks = list(self.callbacks or [])
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"callbacks must hold objects of classes derived from "
                    f"skorch.callbacks.Callback, but got {callback!r}. Callbacks of scikit-learn "
                    f"are set by set_callbacks."
                )
            if isinstance(callback, ScoringBase):
                raise TypeError(
                    f"callbacks holds {type(callback).__name__}, which scores on data that skorch "
                    f"splits off. Set early_stopping=True, which scores each epoch and keeps "
                    f"validation_scores_, or give scikit-learn's ScoringMonitor to set_callbacks."
                )
        return callbacks

    def _continued_net(
        self,
        what: str,
        network: dict[str, Any],
        classes: np.ndarray,
        device: str,
        center: float,
        scale: float,
    ) -> ShapeNet:
        """A copy of the fitted net, ready to be trained on with today's parameters."""
        before = {name: self.net_.get_params()[f"module__{name}"] for name in network}
        now = {"classes": classes.tolist(), **network}
        before |= {"classes": self.classes_.tolist()}
        for name, value in now.items():
            if value != before[name]:
                raise ValueError(
                    f"{what} goes on with the fitted network, but {name} changed from "
                    f"{before[name]!r} to {value!r}. To start anew, call fit with "
                    f"warm_start=False."
                )
        net = net_from_plain(net_to_plain(self.net_), device)
        mean, deviation = float(net.module_.center), 1 / float(net.module_.scale)
        spread = 1 / scale / deviation
        if not 0.05 < spread < 20 or abs(center - mean) > 20 * deviation:
            warn(
                f"The pixels of X seem to be on another scale than those that the network knows: "
                f"there they had a mean of {mean:.3g} and a deviation of {deviation:.3g}, here "
                f"{center:.3g} and {1 / scale:.3g}. Give them on the same scale, such as 0 to 1."
            )
        net.lr = float(self.learning_rate_init)
        net.optimizer__weight_decay = float(self.alpha)
        for group in net.optimizer_.param_groups:
            group["weight_decay"] = float(self.alpha)
        net.criterion__label_smoothing = float(self.label_smoothing)
        net.initialize_criterion()
        return net


def check_finite(values: np.ndarray) -> np.ndarray:
    """Return what the network computed, or raise ValueError where it is not finite."""
    if not np.isfinite(values).all():
        raise ValueError(
            "Some scores or features are not finite: X holds values far outside of those seen in "
            "fit. Check that it is on the same scale."
        )
    return values


def _positive_ints(name: str, value: Any) -> list[int]:
    """Check a parameter that is an int or a sequence of ints, all positive."""
    if isinstance(value, list | tuple):  # as they came: NumPy would turn bools into ints
        values = list(value)
    else:
        values = [value] if isinstance(value, Integral) else list(np.atleast_1d(value))
    if any(not isinstance(v, Integral) or isinstance(v, bool) or v < 1 for v in values):
        raise ValueError(f"{name} must hold positive ints only, but got {value!r}.")
    return [int(v) for v in values]


def _find_device(device: str) -> str:
    """Name a torch device that is really there.

    Raises
    ------
    ValueError
        Where torch does not know it or cannot use it here.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cpu":
        return device
    reason = "it holds no data"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch warns of kinds that it can do next to nothing on
            if torch.zeros(1, device=device).device.type != "meta":
                return device
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, Warning) as error:
        reason = textwrap.shorten(str(error), 120, placeholder=" ...")
    raise ValueError(
        f"device={device!r} is not available here ({reason}). Use 'auto' or 'cpu', or 'cuda' or "
        f"'mps' on a machine that has it."
    )


def _metadata(sample_weight: Any) -> dict[str, Any] | None:
    """What a callback should score with, beside X and y."""
    return None if sample_weight is None else {"sample_weight": sample_weight}


def _make_generator(
    random_state: int | np.random.RandomState | np.random.Generator | None,
) -> np.random.Generator:
    """A generator of our own, so that no global state is touched."""
    if isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31))
    elif isinstance(random_state, np.random.Generator):
        random_state = int(random_state.integers(2**31))
    return np.random.default_rng(random_state)


def _draw_seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
