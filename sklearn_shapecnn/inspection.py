"""What a fitted network sees, as numbers: its filters, feature maps, the pixels that decide.

Every function takes a fitted classifier, a pipeline that ends in one, or a search that found one.
The pictures of these numbers are in :mod:`sklearn_shapecnn.displays`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from sklearn_shapecnn.classifier import ShapeCNNClassifier, check_finite
from sklearn_shapecnn.images import ImageSet, check_pixels, find_image_shape
from sklearn_shapecnn.network import ACTIVATIONS, GlobalFeatures, ShapeCNN
from sklearn_shapecnn.training import images_at_once, one_thread_if_forked, to_tensor

METHODS = ("grad_cam", "gradients", "integrated_gradients", "occlusion")
STEPS = ("convolution", "output")


def filters(estimator: Any, layer: int = 0) -> np.ndarray:
    """Learnt kernels of a convolutional layer.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around one.
    layer : int, default=0
        Which layer, counted from 0; -1 is the last one.

    Returns
    -------
    kernels : ndarray of shape (n_filters, height, width, n_channels), dtype float32
        The channels are those of the images for the first layer and the feature maps of the layer
        before for all others.

    Raises
    ------
    ValueError
        Where there is no such layer.
    TypeError
        Where the estimator neither is nor holds a ShapeCNNClassifier.
    NotFittedError
        Where it is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import filters
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> filters(clf).shape
    (8, 3, 3, 1)
    >>> filters(clf, layer=-1).shape
    (16, 3, 3, 8)
    """
    classifier, _ = find_classifier(estimator)
    body = _network(classifier).body
    stage = body[_check_layer(layer, len(body))]
    convolution = next(module for module in stage.children() if isinstance(module, nn.Conv2d))
    return convolution.weight.detach().permute(0, 2, 3, 1).cpu().numpy().copy()


def feature_maps(estimator: Any, X: Any, *, step: str = "output") -> list[np.ndarray]:
    """What each convolutional layer makes of images.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around one.
    X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
        Images in any form that `predict` takes; a single image too.
    step : {'output', 'convolution'}, default='output'
        'output' is what the next layer sees; 'convolution' is what the filters alone give, before
        pooling, normalization and activation.

    Returns
    -------
    maps : list of ndarray of shape (n, map_height, map_width, n_filters), dtype float32
        One array for each layer. All are kept in memory: give few images.

    Raises
    ------
    ValueError
        Where X does not hold images of the shape known from `fit`, or `step` is unknown.
    TypeError
        Where the estimator neither is nor holds a ShapeCNNClassifier.
    NotFittedError
        Where it is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import feature_maps
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> [maps.shape for maps in feature_maps(clf, X[:5])]
    [(5, 12, 12, 8), (5, 6, 6, 16)]
    """
    if step not in STEPS:
        raise ValueError(f"step must be 'output' or 'convolution', but got {step!r}.")
    classifier, X = find_classifier(estimator, X)
    network = _network(classifier)
    images = classifier._images(X)
    parts: list[list[np.ndarray]] = [[] for _ in network.body]
    with one_thread_if_forked(), torch.inference_mode():
        for batch in _batches(images, network):
            for layer, (convolved, output) in enumerate(_run(network, batch)):
                chosen = output if step == "output" else convolved
                parts[layer].append(chosen.permute(0, 2, 3, 1).cpu().numpy())
    return [check_finite(np.concatenate(part)) for part in parts]


def saliency(
    estimator: Any,
    X: Any,
    *,
    method: str = "grad_cam",
    target: Any = None,
    layer: int = -1,
    baseline: float | None = None,
    n_steps: int = 50,
    window: int | None = None,
) -> np.ndarray:
    """How much each pixel speaks for a label.

    What is explained is the log-odds of the label, log(p / (1 - p)): what speaks for it against all
    others.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around one.
    X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
        Images in any form that `predict` takes; a single image too.
    method : {'grad_cam', 'gradients', 'integrated_gradients', 'occlusion'}, default='grad_cam'
        - 'grad_cam' [1]_: the feature maps of a layer, each weighted by how much it raises the
          log-odds. Coarse, but tells *where* the network looks. Never negative.
        - 'gradients' [2]_: by how much the log-odds change with each pixel, whatever the direction;
          the largest over the channels. Never negative.
        - 'integrated_gradients' [3]_: what each pixel adds on the way from an empty image to this
          one. They sum up to about the difference between the log-odds of the two, the closer the
          more steps.
        - 'occlusion' [4]_: by how much the log-odds fall, on average, where a window that covers
          the pixel is painted over.
    target : label or array-like of shape (n,), default=None
        The labels to explain, one for all images or one for each. None takes those predicted.
    layer : int, default=-1
        Layer that 'grad_cam' reads, counted from 0; -1 is the last one.
    baseline : float, default=None
        Pixel value that means "nothing there" for 'integrated_gradients' and 'occlusion', on the
        scale of what the classifier is given: in a pipeline, that is after the steps before it.
        None takes each image's median, for each channel by itself: the background, where there is
        one.
    n_steps : int, default=50
        Steps of 'integrated_gradients'.
    window : int, default=None
        Side of the window of 'occlusion' in pixels; it moves by half of that. None takes an eighth
        of the longer side.

    Returns
    -------
    saliency : ndarray of shape (n, height, width), dtype float32
        Where it is above zero, the pixel speaks for the label; below zero, against it.

    Raises
    ------
    ValueError
        Where X does not hold images of the shape known from `fit`, a target is none of the classes,
        or another parameter is not usable.
    TypeError
        Where the estimator neither is nor holds a ShapeCNNClassifier.
    NotFittedError
        Where it is not fitted.

    References
    ----------
    .. [1] Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
       Localization", ICCV 2017, section 3, equations 1 and 2.
    .. [2] Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks: Visualising Image
       Classification Models and Saliency Maps", ICLR workshop 2014, section 3.
    .. [3] Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
       sections 3 and 5.
    .. [4] Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
       section 4.2.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import saliency
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> saliency(clf, X[:5], method="occlusion").shape
    (5, 24, 24)
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, but got {method!r}.")
    is_number = isinstance(baseline, Real) and not isinstance(baseline, bool)
    if baseline is not None and not (is_number and math.isfinite(baseline)):
        raise ValueError(f"baseline must be a finite number or None, but got {baseline!r}.")
    classifier, X = find_classifier(estimator, X)
    network = _network(classifier)
    images = classifier._images(X)
    height, width, _ = images.image_shape
    layer = _check_layer(layer, len(network.body))
    n_steps = check_positive("n_steps", n_steps)
    window = max(1, max(height, width) // 8) if window is None else window
    window = check_positive("window", window)
    targets = _check_target(target, classifier, images)
    results = np.empty((len(images), height, width), dtype=np.float32)
    done = 0
    with one_thread_if_forked():
        for batch in _batches(images, network):
            wanted = torch.from_numpy(targets[done : done + len(batch)]).to(batch.device)
            if method == "grad_cam":
                result = _grad_cam(network, batch, wanted, layer)
            elif method == "gradients":
                result = _gradients(network, batch, wanted).abs().amax(1)
            elif method == "integrated_gradients":
                result = _integrated_gradients(network, batch, wanted, baseline, n_steps)
            else:
                result = _occlusion(network, batch, wanted, baseline, window)
            results[done : done + len(batch)] = result.cpu().numpy()
            done += len(batch)
    return check_finite(results)


def shift_probabilities(
    estimator: Any,
    X: Any,
    *,
    max_shift: int = 8,
    step: int = 1,
    image_shape: Sequence[int] | None = None,
) -> Bunch:
    """Probabilities as images slide over the frame.

    Each image is moved up and down, left and right; the pixels at the border are repeated. A
    pipeline is given the moved images.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around one.
        Anything else with `predict_proba` works too, for comparison.
    X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
        Images in any form that `predict` takes; a single image too.
    max_shift : int, default=8
        How far to move, in pixels, in each of the four directions.
    step : int, default=1
        Pixels from one place to the next; at most `max_shift`.
    image_shape : tuple of int (height, width) or (height, width, channels), default=None
        Shape of one image in X. Needed only where X holds rows that are no square gray images and
        the classifier does not know it: one of another kind, or in a pipeline that resizes images.

    Returns
    -------
    result : Bunch
        - probabilities : ndarray of shape (n, n_shifts, n_shifts, n_classes), dtype float64;
          the first shift is downwards, the second to the right.
        - shifts : ndarray of shape (n_shifts,), dtype int64, in pixels; 0 is among them.
        - same_label : float, the share of all places where an image gets the label that it gets
          where it stands.

    Raises
    ------
    ValueError
        Where X does not hold images, `max_shift` or `step` is not a positive int, or `step` is the
        larger one.
    NotFittedError
        Where the estimator is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import shift_probabilities
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> result = shift_probabilities(clf, X[:5], max_shift=4, step=2)
    >>> result.shifts
    array([-4, -2,  0,  2,  4])
    >>> result.probabilities.shape
    (5, 5, 5, 3)
    """
    max_shift, step = check_positive("max_shift", max_shift), check_positive("step", step)
    if step > max_shift:
        raise ValueError(f"step={step} must not be larger than max_shift={max_shift}.")
    shape = None
    try:
        classifier, _ = find_classifier(estimator)
        shape = classifier.image_shape_
        X = as_batch(X, shape)
    except TypeError:  # a classifier of another kind
        check_is_fitted(estimator)
    pixels = check_pixels(X, estimator)
    if image_shape is not None or math.prod(pixels.shape[1:]) != math.prod(shape or ()):
        shape = find_image_shape(pixels.shape, image_shape)  # a pipeline may resize the images
        if image_shape is None and pixels.ndim == 2 and shape[0] == 1:
            raise ValueError(
                f"X holds rows of {shape[1]} values, which are no square gray images: set "
                f"image_shape."
            )
    assert shape is not None
    height, width, _ = shape
    images = pixels.reshape(-1, *shape)
    reach = max_shift // step * step
    shifts = np.arange(-reach, reach + 1, step)
    rows = {shift: np.clip(np.arange(height) - shift, 0, height - 1) for shift in shifts}
    columns = {shift: np.clip(np.arange(width) - shift, 0, width - 1) for shift in shifts}
    probabilities = np.stack(
        [
            np.stack(
                [
                    estimator.predict_proba(
                        _like(X, images[:, rows[down]][:, :, columns[right]].reshape(pixels.shape))
                    )
                    for right in shifts
                ],
                axis=1,
            )
            for down in shifts
        ],
        axis=1,
    )
    labels = probabilities.argmax(axis=-1)
    middle = len(shifts) // 2
    same = labels == labels[:, middle : middle + 1, middle : middle + 1]
    return Bunch(probabilities=probabilities, shifts=shifts, same_label=float(same.mean()))


def architecture(estimator: Any) -> list[dict[str, Any]]:
    """Layers of the fitted network: their sizes and what they cost.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, or a pipeline or search around one.

    Returns
    -------
    layers : list of dict
        One for each layer, in order; ``pandas.DataFrame(layers)`` makes a table of them. The keys:

        - 'stage' : 'input', 'stage 1', 'stage 2', ..., 'head';
        - 'layer' : what it does;
        - 'output_shape' : tuple of int (height, width, channels) or (n_features,);
        - 'n_weights' : int, how many numbers it has learnt;
        - 'n_multiply_adds' : int, multiplications with addition for one image, in convolutions and
          linear layers; the others do none or few.

    Raises
    ------
    TypeError
        Where the estimator neither is nor holds a ShapeCNNClassifier.
    NotFittedError
        Where it is not fitted.

    Examples
    --------
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.inspection import architecture
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=[8, 16], max_iter=2, random_state=0).fit(X, y)
    >>> layers = architecture(clf)
    >>> layers[1]["layer"], layers[1]["output_shape"], layers[1]["n_weights"]
    ('convolution 3 x 3', (24, 24, 8), 72)
    """
    classifier, _ = find_classifier(estimator)
    network = _network(classifier)
    height, width, channels = classifier.image_shape_
    x = torch.zeros((1, channels, height, width), device=network.center.device)
    steps = [
        *(
            (f"stage {i}", module)
            for i, stage in enumerate(network.body, 1)
            for module in stage.children()
        ),
        ("head", network.features),
        *(
            ("head", module)
            for module in network.head.modules()
            if not list(module.children()) and getattr(module, "p", 1) > 0
        ),
    ]
    layers = [_describe("input", "scaling of pixels", x, [], 0)]
    with one_thread_if_forked(), torch.inference_mode():
        for stage, module in steps:
            x = module(x)
            weights = list(module.parameters())
            n_multiply_adds = 0
            if isinstance(module, nn.Conv2d):
                n_multiply_adds = module.weight.numel() * math.prod(x.shape[2:])
            elif isinstance(module, nn.Linear):
                n_multiply_adds = module.weight.numel()
            layers.append(_describe(stage, _name(module), x, weights, n_multiply_adds))
    return layers


def find_classifier(estimator: Any, X: Any = None) -> tuple[ShapeCNNClassifier, Any]:
    """Find the fitted classifier in a pipeline or a search, and what it is given of X.

    Raises
    ------
    TypeError
        Where there is none.
    ValueError
        Where a search was told to keep none.
    NotFittedError
        Where it is not fitted.
    """
    part = estimator
    before: list[Pipeline] = []
    while not isinstance(part, ShapeCNNClassifier):
        if isinstance(part, Pipeline):
            before += [part[:-1]] if len(part) > 1 else []
            part = part[-1]
        elif hasattr(part, "best_estimator_"):
            part = part.best_estimator_
        elif hasattr(part, "cv_results_"):
            raise ValueError(
                f"This {type(part).__name__} kept no fitted classifier: set refit=True."
            )
        else:
            if hasattr(part, "refit"):
                check_is_fitted(part)
            raise TypeError(
                f"estimator must be a ShapeCNNClassifier, a pipeline that ends in one or a search "
                f"over one, but got {type(estimator).__name__}."
            )
    check_is_fitted(part)
    if X is not None:
        X = as_batch(X, part.image_shape_)
        for transformer in before:
            X = transformer.transform(X)
    return part, X


def as_batch(X: Any, image_shape: tuple[int, int, int]) -> Any:
    """Return X, or where it is a single image, an X of one."""
    height, width, channels = image_shape
    one = [(height * width * channels,), (height, width, channels)]
    if channels == 1 and height > 1:
        one.append((height, width))
    is_box = getattr(getattr(X, "dtype", None), "kind", "") == "O"  # of many images
    return np.asarray(X)[np.newaxis] if getattr(X, "shape", None) in one and not is_box else X


def _like(X: Any, pixels: np.ndarray) -> Any:
    """Pixels in a data frame with the columns of X, where X is one."""
    if not hasattr(X, "columns"):
        return pixels
    names = "columns" if hasattr(X, "iloc") else "schema"  # pandas, polars
    return type(X)(pixels, **{names: X.columns})


def _network(classifier: ShapeCNNClassifier) -> ShapeCNN:
    network = classifier.net_.module_
    if network.training:
        network.eval()
    return network


def _batches(images: ImageSet, network: ShapeCNN) -> Iterator[torch.Tensor]:
    step = images_at_once(images)
    for start in range(0, len(images), step):
        yield to_tensor(images.batch(slice(start, start + step)), network.center.device)


def _run(network: ShapeCNN, x: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The convolution and the output of each stage."""
    x = (x - network.center) * network.scale
    for stage in network.body:
        for module in stage.children():
            x = module(x)
            if isinstance(module, nn.Conv2d):
                convolved = x
        yield convolved, x


def _log_odds(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    mine = F.one_hot(targets, scores.shape[1]).bool()
    return scores[mine] - scores.masked_fill(mine, -math.inf).logsumexp(1)


@torch.inference_mode(False)
@torch.enable_grad()
def _grad_cam(
    network: ShapeCNN, x: torch.Tensor, targets: torch.Tensor, layer: int
) -> torch.Tensor:
    with torch.no_grad():
        maps = [output for _, output in _run(network, x)][layer]
    maps.requires_grad_()
    scores = network.head(network.features(network.body[layer + 1 :](maps)))
    (gradient,) = torch.autograd.grad(_log_odds(scores, targets).sum(), maps)
    cam = (gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True).relu()
    # Windows may hang over the border: enlarge to what they cover, then cut.
    pools = [stage.pool_size for stage in network.stages[: layer + 1]]
    covered = [math.prod(pool[i] for pool in pools) * cam.shape[2 + i] for i in (0, 1)]
    cam = F.interpolate(cam, covered, mode="bilinear", align_corners=False)
    return cam[:, 0, : x.shape[2], : x.shape[3]]


@torch.inference_mode(False)
@torch.enable_grad()
def _gradients(network: ShapeCNN, x: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(_log_odds(network(x), targets).sum(), x)
    return gradient


def _integrated_gradients(
    network: ShapeCNN,
    x: torch.Tensor,
    targets: torch.Tensor,
    baseline: float | None,
    n_steps: int,
) -> torch.Tensor:
    empty = _empty(x, baseline)
    total = torch.zeros_like(x)
    for step in range(n_steps):
        total += _gradients(network, torch.lerp(empty, x, (step + 0.5) / n_steps), targets)
    return ((x - empty) * total / n_steps).sum(1)


@torch.inference_mode()
def _occlusion(
    network: ShapeCNN, x: torch.Tensor, targets: torch.Tensor, baseline: float | None, window: int
) -> torch.Tensor:
    height, width = x.shape[2:]
    stride = max(1, window // 2)
    before = _log_odds(network(x), targets)
    empty = _empty(x, baseline)
    total = torch.zeros((len(x), height, width), device=x.device)
    count = torch.zeros((height, width), device=x.device)
    # The first windows begin outside, so that border pixels are covered as often as others.
    for top in range(stride - window, height, stride):
        for left in range(stride - window, width, stride):
            rows, columns = slice(max(0, top), top + window), slice(max(0, left), left + window)
            covered = x.clone()
            covered[:, :, rows, columns] = empty
            fall = before - _log_odds(network(covered), targets)
            total[:, rows, columns] += fall[:, None, None]
            count[rows, columns] += 1
    return total / count


def _empty(x: torch.Tensor, baseline: float | None) -> torch.Tensor:
    if baseline is not None:
        return torch.full_like(x[:, :, :1, :1], float(baseline))
    return x.flatten(2).median(2).values[:, :, None, None]


def _describe(
    stage: str, layer: str, x: torch.Tensor, weights: Sequence[torch.Tensor], n_multiply_adds: int
) -> dict[str, Any]:
    shape = tuple(x.shape[1:])
    return {
        "stage": stage,
        "layer": layer,
        "output_shape": (*shape[1:], shape[0]) if len(shape) == 3 else shape,
        "n_weights": sum(weight.numel() for weight in weights),
        "n_multiply_adds": n_multiply_adds,
    }


def _name(module: nn.Module) -> str:
    """What a layer is called in the field, with its size."""
    kind = type(module).__name__
    names = {
        "Conv2d": "convolution",
        "MaxPool2d": "max pooling",
        "AvgPool2d": "average pooling",
        "_SumPool2d": "sum pooling",
        "ZeroPad2d": "zero padding",
        "BatchNorm2d": "batch normalization",
        "_MapNorm": "layer normalization",
        "GlobalFeatures": "maximum, mean and grid of means",
        "Dropout": "dropout",
        "Linear": "linear",
    }
    if isinstance(module, GlobalFeatures) and module.per_map == 1:
        return "flattening"
    size = getattr(module, "kernel_size", ())
    size = (size, size) if isinstance(size, int) else size
    activations = {type_.__name__: name.replace("_", " ") for name, type_ in ACTIVATIONS.items()}
    name = (names | activations)[kind]
    return f"{name} {' x '.join(map(str, size))}" if size else name


def _check_layer(layer: int, n_layers: int) -> int:
    if (
        isinstance(layer, bool)
        or not isinstance(layer, Integral)
        or not -n_layers <= layer < n_layers
    ):
        raise ValueError(
            f"layer must be an int from 0 to {n_layers - 1}, or from -{n_layers} to -1 to count "
            f"from the last one, but got {layer!r}."
        )
    return int(layer) % n_layers


def check_positive(name: str, value: int) -> int:
    """Raise ValueError unless a parameter is a positive int."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a positive int, but got {value!r}.")
    return int(value)


def _check_target(target: Any, classifier: ShapeCNNClassifier, images: ImageSet) -> np.ndarray:
    """The index of the class to explain, for each image."""
    if target is None:
        return classifier.net_.scores(images).argmax(axis=1)
    labels = np.broadcast_to(target, len(images)) if np.ndim(target) == 0 else np.asarray(target)
    if labels.shape != (len(images),):
        raise ValueError(
            f"target must be one label or one for each of {len(images)} images, but its shape is "
            f"{labels.shape}."
        )
    unknown = set(labels.tolist()) - set(classifier.classes_.tolist())
    if unknown:
        raise ValueError(
            f"target holds {sorted(unknown, key=str)[0]!r}, which is none of the classes "
            f"{classifier.classes_.tolist()}."
        )
    return np.searchsorted(classifier.classes_, labels).astype(np.int64)
