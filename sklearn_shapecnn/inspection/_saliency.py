"""Saliency: how much each pixel supports a label, or raises a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from sklearn_shapecnn._compat import forward_hooks
from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn._finder import find_image_estimator
from sklearn_shapecnn._input.errors import check_finite, check_positive_int
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.labels import plain_labels
from sklearn_shapecnn._network.inputs import images_at_once, to_tensor
from sklearn_shapecnn._network.modules import ShapeCNN
from sklearn_shapecnn._threads import map_in_threads, thread_pool
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn._training.losses import ClassLoss
from sklearn_shapecnn.inspection._fitted_network import check_stage, network_of

Goal = Callable[[torch.Tensor], torch.Tensor]  # computes what is explained from the scores

METHODS = ("grad_cam", "gradients", "integrated_gradients", "occlusion")


def saliency(
    estimator: Any,
    X: Any,
    *,
    method: str = "grad_cam",
    target: Any = None,
    stage: int = -1,
    baseline: float | None = None,
    n_steps: int = 50,
    window: int | None = None,
) -> np.ndarray:
    """Compute how much each pixel supports a label, or raises a number.

    For a classifier, this explains the log-odds of the label, log(p / (1 - p)): what supports it
    against all other labels or, if an image may have several labels, against its absence. For a
    regressor, it explains the predicted number, in standard deviations of the targets in `fit`.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
        :class:`~sklearn_shapecnn.ShapeCNNRegressor`, or a pipeline or search around one.
    X : array-like of shape (n, n_features), (n, h, w) or (n, h, w, c)
        Images in any form that `predict` accepts.
    method : {'grad_cam', 'gradients', 'integrated_gradients', 'occlusion'}, default='grad_cam'
        - 'grad_cam' [1]_ sums the feature maps of a stage, each weighted by how much it raises the
          log-odds or the number. It is coarse, but shows *where* the network looks. Never negative.
        - 'gradients' [2]_ is how fast the log-odds change with each pixel, in either direction, as
          the maximum over the channels. Never negative.
        - 'integrated_gradients' [3]_ is what each pixel adds on the way from an empty image to this
          one. The sum over the pixels approximates the difference between the log-odds of the two
          images, more closely with more steps.
        - 'occlusion' [4]_ is how much the log-odds fall, on average, when a window hides the pixel.
    target : label, int or array-like of shape (n,), default=None
        What to explain, as one value for all images or one per image: a label; the column of a
        label if an image may have several; for a regressor, the column of a target. None explains
        the predicted label, the most probable label of each image, or the only target.
    stage : int, default=-1
        Stage whose feature maps 'grad_cam' reads, counted from 0; -1 is the last one.
    baseline : float, default=None
        Pixel value that means "nothing there" for 'integrated_gradients' and 'occlusion', on the
        scale of the classifier's input: in a pipeline, that is the output of the steps before it.
        None uses the median of each channel of each image, which is the background if there is
        one.
    n_steps : int, default=50
        Number of steps of 'integrated_gradients'.
    window : int, default=None
        Side of the window of 'occlusion' in pixels; the window moves by half of that. None uses an
        eighth of the longer side of the image.

    Returns
    -------
    saliency : ndarray of shape (n, height, width), dtype float32
        Pixels with positive values support the label or raise the number. Pixels with negative
        values oppose the label or lower the number.

    Raises
    ------
    ValueError
        If X does not hold images of the same shape as in `fit`, if a target is not one of the
        classes or columns, or if another parameter is invalid.
    TypeError
        If the estimator neither is nor contains a ShapeCNNClassifier or ShapeCNNRegressor.
    NotFittedError
        If the estimator is not fitted.

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
    fitted, X = find_image_estimator(estimator, X)
    network = network_of(fitted)
    images = fitted._images(X)
    stage = check_stage(stage, len(network.stages))
    n_steps = check_positive_int("n_steps", n_steps)
    window = max(1, max(images.image_shape[:2]) // 8) if window is None else window
    window = check_positive_int("window", window)
    methods: dict[str, Callable[[ShapeCNN, torch.Tensor, Goal], torch.Tensor]] = {
        "grad_cam": partial(_grad_cam, stage=stage),
        "gradients": _steepest_gradients,
        "integrated_gradients": partial(_integrated_gradients, baseline=baseline, n_steps=n_steps),
        "occlusion": partial(_occlusion, baseline=baseline, window=window),
    }
    explain = methods[method]
    targets = _check_target(target, fitted, images)
    # A softmax compares each score with the others.
    goal = _log_odds if isinstance(fitted.net_.criterion_, ClassLoss) else _score
    device = network.center.device
    step = max(1, images_at_once(images.image_shape) // 4)

    @torch_as_usual(gradients=method != "occlusion")
    def work(start: int) -> np.ndarray:
        some = slice(start, start + step)
        batch = to_tensor(images.batch(some), device)
        # Made here, since a tensor made in the user's inference mode has no gradients.
        chosen = torch.from_numpy(targets[some]).to(device)
        return explain(network, batch, partial(goal, targets=chosen)).numpy(force=True)

    is_spread = device.type == "cpu" and not any(forward_hooks(network.modules()))
    starts = range(0, len(images), step)
    with torch_as_usual(), thread_pool(len(starts)):
        results = list((map_in_threads if is_spread else map)(work, starts))
    return check_finite(np.concatenate(results))


def _grad_cam(network: ShapeCNN, x: torch.Tensor, goal: Goal, *, stage: int) -> torch.Tensor:
    with torch.no_grad():
        maps = network.forward_intermediates(x)[stage]
    maps.requires_grad_()
    scores = network.forward_head(network.stages[stage + 1 :](maps))
    (gradient,) = torch.autograd.grad(goal(scores).sum(), maps)
    cam = (gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True).relu()
    # Pooling windows may extend over the border: enlarge to what they cover, then crop.
    pools = [plan.pool_size for plan in network.config.stages[: stage + 1]]
    covered = [math.prod(pool[i] for pool in pools) * cam.shape[2 + i] for i in (0, 1)]
    cam = F.interpolate(cam, covered, mode="bilinear", align_corners=False)
    return cam[:, 0, : x.shape[2], : x.shape[3]]


def _steepest_gradients(network: ShapeCNN, x: torch.Tensor, goal: Goal) -> torch.Tensor:
    """Compute the steepest gradient over the channels of each pixel."""
    return _gradients(network, x, goal).abs().amax(1)


def _gradients(network: ShapeCNN, x: torch.Tensor, goal: Goal) -> torch.Tensor:
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(goal(network(x)).sum(), x)
    return gradient


def _integrated_gradients(
    network: ShapeCNN,
    x: torch.Tensor,
    goal: Goal,
    *,
    baseline: float | None,
    n_steps: int,
) -> torch.Tensor:
    empty = _empty_images(x, baseline)
    total = torch.zeros_like(x)
    for step in range(n_steps):
        total += _gradients(network, torch.lerp(empty, x, (step + 0.5) / n_steps), goal)
    return ((x - empty) * total / n_steps).sum(1)


def _occlusion(
    network: ShapeCNN,
    x: torch.Tensor,
    goal: Goal,
    *,
    baseline: float | None,
    window: int,
) -> torch.Tensor:
    height, width = x.shape[2:]
    stride = max(1, window // 2)
    before = goal(network(x))
    empty = _empty_images(x, baseline)
    total = x.new_zeros((len(x), height, width))
    count = x.new_zeros((height, width))
    # The first windows start outside, so that border pixels are covered as often as others.
    for top in range(stride - window, height, stride):
        for left in range(stride - window, width, stride):
            rows, columns = slice(max(0, top), top + window), slice(max(0, left), left + window)
            covered = x.clone()
            covered[:, :, rows, columns] = empty
            fall = before - goal(network(covered))
            total[:, rows, columns] += fall[:, None, None]
            count[rows, columns] += 1
    return total / count


def _score(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return scores.gather(1, targets[:, None])[:, 0]


def _log_odds(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    mine = F.one_hot(targets, scores.shape[1]).bool()
    return scores[mine] - scores.masked_fill(mine, -math.inf).logsumexp(1)


def _empty_images(x: torch.Tensor, baseline: float | None) -> torch.Tensor:
    """Make images of one pixel, to be broadcast: the baseline, or the median of each channel."""
    if baseline is not None:
        return torch.full_like(x[:, :, :1, :1], float(baseline))
    return x.flatten(2).median(2).values[:, :, None, None]


def _check_target(target: Any, fitted: ImageEstimator, images: ImageSet) -> np.ndarray:
    """Find the index of the score to explain, for each image."""
    known = getattr(fitted, "classes_", np.arange(fitted.n_outputs_))
    if target is None:
        if not hasattr(fitted, "classes_"):
            if len(known) > 1:
                raise ValueError(
                    f"target is None, but this {type(fitted).__name__} predicts {len(known)} "
                    f"numbers. Give the column of the one to explain, 0 to {len(known) - 1}."
                )
            return np.zeros(len(images), dtype=np.int64)
        return fitted.net_.scores(images).argmax(axis=1)
    target = plain_labels(target, "target")
    labels = np.broadcast_to(target, len(images)) if np.ndim(target) == 0 else np.asarray(target)
    if labels.shape != (len(images),):
        raise ValueError(
            f"target must be one label or one for each of {len(images)} images, but its shape is "
            f"{labels.shape}."
        )
    unknown = set(labels.tolist()) - set(known.tolist())
    if unknown:
        what = "classes" if hasattr(fitted, "classes_") else "columns of targets"
        raise ValueError(
            f"target holds {sorted(unknown, key=str)[0]!r}, which is none of the {what} "
            f"{known.tolist()}."
        )
    return np.searchsorted(known, labels).astype(np.int64)
