"""What all estimators share: fit, partial_fit, warm_start, and the way from X to predictions."""

from __future__ import annotations

import math
from dataclasses import replace
from inspect import signature
from typing import Any, ClassVar

import numpy as np
import sklearn
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_shapecnn._compat import (
    CallbackSupportMixin,
    DocLinkMixin,
    has_callbacks,
    warn,
    with_callbacks,
)
from sklearn_shapecnn._continuing import check_same_network, copy_net
from sklearn_shapecnn._fit_time import FitTimeMixin
from sklearn_shapecnn._input.errors import check_finite, prefix_errors
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._input.image_shape import (
    are_same_images,
    check_same_images,
    find_image_shape,
)
from sklearn_shapecnn._input.pixels import check_pixels, is_ready
from sklearn_shapecnn._input.plain import column_names, has_column_names
from sklearn_shapecnn._input.row_layout import warn_about_rows
from sklearn_shapecnn._input.targets import Targets
from sklearn_shapecnn._network.config import (
    ImageShape,
    NetworkConfig,
    warn_about_large_filters,
)
from sklearn_shapecnn._network.pretrained import find_pretrained, start_from
from sklearn_shapecnn._parameters import (
    check_parameters,
    draw_seed,
    given_image_shape,
    make_generator,
)
from sklearn_shapecnn._saving import (
    FITTED,
    FittedAttributes,
    OtherVersionWarning,
    check_state,
    current_versions,
    find_differences,
    net_from_plain,
    net_to_plain,
    reading_a_file,
)
from sklearn_shapecnn._starting import StartingEstimator
from sklearn_shapecnn._torch import find_device, is_available
from sklearn_shapecnn._training.augment import check_augment, resolve_augment
from sklearn_shapecnn._training.callbacks import TrainingInterrupted
from sklearn_shapecnn._training.loop import train
from sklearn_shapecnn._training.losses import Loss
from sklearn_shapecnn._training.net import ShapeNet, build_net
from sklearn_shapecnn._training.pixel_scale import PixelScale, match_scale
from sklearn_shapecnn._training.progress import FitTasks, ShowProgress
from sklearn_shapecnn._training.sample import Sample, distinct_sample
from sklearn_shapecnn._training.settings import TrainingSettings
from sklearn_shapecnn._training.target_scale import TargetScale
from sklearn_shapecnn._training.user_callbacks import check_callbacks
from sklearn_shapecnn._validation_images import validation_sample


class ImageEstimator(DocLinkMixin, CallbackSupportMixin, FitTimeMixin, StartingEstimator):
    """A network that learns from images.

    A subclass adds the parameters, `_check_targets` and `_make_loss`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]]

    image_shape: Any
    augment: Any
    callbacks: Any
    device: str
    distributed: bool
    early_stopping: bool
    random_state: Any
    validation_fraction: float
    verbose: bool | int
    warm_start: bool
    weights: Any

    classes_: np.ndarray  # of a classifier
    image_shape_: ImageShape
    loss_curve_: list[float]
    n_outputs_: int
    n_pretrained_filters_: tuple[int, ...]
    validation_scores_: list[float] | None
    net_: ShapeNet

    _reads_places: ClassVar[bool] = False  # whether the network predicts positions

    def _check_targets(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, classes: Any, incremental: bool
    ) -> Targets:
        """Check y, and find the target and the weight of each image."""
        raise NotImplementedError

    def _check_validation_targets(
        self, y: Any, sample_weight: Any, pixels: np.ndarray, known: Targets
    ) -> Targets:
        """Check the targets and weights of validation images, given those of the training."""
        raise NotImplementedError

    def _make_loss(self, targets: Targets) -> Loss:
        """Make the loss for training."""
        raise NotImplementedError

    @with_callbacks
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        validation: tuple[Any, Any, Any] = (None, None, None),
        classes: Any = None,
        incremental: bool = False,
    ) -> Any:
        """Learn from images: in a full training, or in one pass that continues from the last call.

        The arguments are those of `fit` and `partial_fit`. `incremental` is True for `partial_fit`.
        """
        if not sklearn.get_config()["skip_parameter_validation"]:
            check_parameters(self)
        goes_on = hasattr(self, "net_") and (incremental or self.warm_start)
        group = self._process_group()
        device = find_device(self.device) if group is None else group.device

        images, names = self._check_X(X, is_next_piece=incremental and goes_on)
        targets = self._check_targets(y, sample_weight, images.pixels, classes, incremental)
        loss = self._make_loss(targets)
        # Not get_params: in a subclass, it may return only some of them.
        parameters = {name: getattr(self, name) for name in self._parameter_constraints}
        config = NetworkConfig.from_parameters(
            parameters, images.image_shape, targets.n_outputs, self._reads_places
        )
        if goes_on:
            check_same_network(self, config, targets, loss, incremental)
        else:
            warn_about_large_filters(config)
        pretrained = () if goes_on else find_pretrained(self, config, ImageEstimator)
        augment = check_augment(self.augment, images.image_shape)
        callbacks = check_callbacks(
            self.callbacks, self.early_stopping and not incremental, loss.score_name
        )
        distinct, center, deviation, pixel_range = distinct_sample(
            images, targets.values, targets.weights
        )
        scale = PixelScale(center, deviation)
        distinct, target_scale = self._standardize(distinct, loss, goes_on)
        held_out = validation_sample(
            self, validation, targets, images.image_shape, names, pixel_range, target_scale
        )
        if incremental:
            scale = scale.of_a_stream(images.pixels.dtype)

        # Only from here on: a call with invalid input draws no random numbers.
        rng = make_generator(self.random_state)
        if group is not None:
            rng = group.broadcast(rng)
        sample, held_out = self._make_samples(
            distinct, held_out, rng, incremental, loss.is_of_numbers
        )
        if goes_on:
            net = copy_net(self.net_, device, incremental)
            n_pretrained = self.n_pretrained_filters_
            match_scale(net, scale, images.pixels.dtype)
            known = net.pixel_range_  # a file of an older version has none
            net.pixel_range_ = None if known is None else known.merged(pixel_range)
        else:
            net = build_net(config, device, loss, scale.center, scale.scale, draw_seed(rng))
            net.knows_scale_ = scale.is_known
            net.pixel_range_ = pixel_range
            n_pretrained = start_from(net.module_, pretrained)
        losses, scores = (self.loss_curve_, self.validation_scores_) if goes_on else ([], None)
        settings = TrainingSettings.from_parameters(
            parameters,
            len(sample),
            images.image_shape,
            augment=resolve_augment(
                augment, len(sample), images.image_shape, incremental, loss.is_of_numbers
            ),
            # With an int as random_state, each call of partial_fit still has its own order.
            seed=draw_seed(rng) + (len(losses) if incremental else 0),
            is_pretrained=goes_on or 2 * sum(n_pretrained) > sum(config.n_filters),
            is_stream=incremental,
            has_numbers=loss.is_of_numbers,
            epoch_factor=loss.epoch_factor,
        )
        net.set_hyperparameters(settings.learning_rate_init, settings.alpha, loss)
        net.target_scale_ = target_scale
        is_binary = targets.classes is not None and not targets.are_labels
        start = FittedAttributes(
            classes_=targets.classes,
            n_features_in_=math.prod(images.image_shape),
            image_shape_=images.image_shape,
            device_=device,
            net_=net,
            n_iter_=0,
            # As in scikit-learn, two classes have a single score.
            n_outputs_=1 if is_binary and targets.n_outputs == 2 else targets.n_outputs,
            loss_curve_=losses,
            validation_scores_=None if held_out is None else scores or [],
            best_validation_score_=None,
            n_pretrained_filters_=n_pretrained,
            feature_names_in_=names,
        )
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        tasks = self._begin_tasks({"X": X, "y": y, "metadata": metadata}, settings, start)
        may_stop_early = self.early_stopping or settings.may_end_early or bool(callbacks)
        bars = [ShowProgress(may_stop_early)] if self.verbose else []
        n_epochs_before = len(net.history)
        interrupt = None
        try:
            (train if group is None else group.train)(
                net, sample, held_out, settings, [*bars, *tasks, *callbacks]
            )
        except TrainingInterrupted as error:
            interrupt = error
        finally:
            for bar in bars:
                bar.close()
        fitted = start.after(net, net.history[n_epochs_before:])
        # In a single assignment, since Ctrl-C may come between any two. Only now, so that a failed
        # fit changes nothing.
        stays = {name: value for name, value in vars(self).items() if name != "feature_names_in_"}
        self.__dict__ = stays | fitted.as_dict()
        if interrupt is not None:
            # This ends a search too. Python itself exits only on this exact class.
            raise KeyboardInterrupt(*interrupt.args)
        for task in tasks:
            task.on_fit_end()
        return self

    def _process_group(self) -> Any:
        """Return the processes that share the fit, or None if it is not shared."""
        if not self.distributed:
            return None
        from sklearn_shapecnn._training.distributed import ProcessGroup

        return ProcessGroup(self.device)

    def _check_X(self, X: Any, *, is_next_piece: bool) -> tuple[ImageSet, np.ndarray | None]:
        """Find the images in X, and the names of its columns if it has any."""
        given = given_image_shape(self.image_shape)
        if is_next_piece:
            images = self._read(X)
            if given is not None and (*given, 1)[:3] != self.image_shape_:
                raise ValueError(
                    f"partial_fit continues with the fitted network, but image_shape changed from "
                    f"{self.image_shape_} to {self.image_shape!r}. To start over, call fit with "
                    f"warm_start=False."
                )
            return images, getattr(self, "feature_names_in_", None)
        pixels = check_pixels(X, self)
        images = ImageSet(pixels, find_image_shape(pixels.shape, given))
        # Before training, since mixed names raise an error.
        names = column_names(X) if pixels.ndim == 2 else None
        warn_about_rows(images, is_given=given is not None)
        return images, names

    def _make_samples(
        self,
        distinct: Sample,
        held_out: Sample | None,
        rng: np.random.Generator,
        incremental: bool,
        is_of_numbers: bool,
    ) -> tuple[Sample, Sample | None]:
        """Make the sample to learn from, and the one to score each epoch on."""
        if incremental:
            # Batch normalization needs two images.
            return (distinct.take(np.array([0, 0])) if len(distinct) == 1 else distinct), None
        if self.early_stopping and held_out is None:
            distinct, held_out = distinct.split(
                self.validation_fraction, rng, is_of_numbers=is_of_numbers
            )
        return distinct.repeat_heavy(), held_out  # after the split: no image is on both sides

    def _standardize(
        self, sample: Sample, loss: Loss, goes_on: bool
    ) -> tuple[Sample, TargetScale | None]:
        """Scale targets that are numbers so that they suit a network."""
        if not loss.is_of_numbers:
            return sample, None
        is_robust = loss.to_plain()["of"] != "squared_error"
        scale = found = TargetScale.of(sample.targets, sample.weights, is_robust)
        if goes_on:
            known = self.net_.target_scale_
            assert known is not None
            known.warn_if_unlike(found)
            scale = known.updated(found)
        return replace(sample, targets=scale.standardize(sample.targets)), scale

    def _begin_tasks(
        self, fit_arguments: dict[str, Any], settings: TrainingSettings, start: FittedAttributes
    ) -> list[FitTasks]:
        """Tell scikit-learn's callbacks, if there are any, that the fit begins."""
        if not has_callbacks(self):
            return []
        n_epochs_before = len(start.net_.history)

        def attributes_so_far(net: ShapeNet) -> dict[str, Any]:
            # With a feature_names_in_ of None too: it replaces the names of an earlier fit.
            return vars(start.after(net.snapshot(), net.history[n_epochs_before:]))

        n_epochs, n_batches = settings.max_epochs, settings.n_batches
        return [FitTasks(self, fit_arguments, n_epochs, n_batches, attributes_so_far)]

    def _images(self, X: Any) -> ImageSet:
        """Return the images to predict from, as `_read`; warn if they are unlike those of fit."""
        images = self._read(X)
        if self.net_.pixel_range_ is not None:
            self.net_.pixel_range_.warn_if_unlike(images)
        return images

    def _read(self, X: Any) -> ImageSet:
        """Return the images in X; raise an error if they do not suit the fitted network."""
        state = vars(self)
        # A shortcut for most calls: all the checks take as long as predicting a small image.
        is_usual = "net_" in state and "feature_names_in_" not in state and is_ready(X)
        if is_usual and are_same_images(X.shape, self.image_shape_):
            return ImageSet(X, self.image_shape_)
        check_is_fitted(self)
        pixels = check_pixels(X, self)
        if pixels.ndim == 2:
            # Column names first, as in scikit-learn: their error is the most helpful one.
            with prefix_errors("X"):
                named = X if has_column_names(X) else pixels
                validate_data(self, named, reset=False, skip_check_array=True, ensure_2d=False)
        check_same_images(pixels.shape, self.image_shape_, type(self).__name__)
        return ImageSet(pixels, self.image_shape_)

    def _scores(self, X: Any) -> np.ndarray:
        """Compute the scores of images, in float64 and of shape (n, n_scores)."""
        images = self._images(X)  # first, since it raises an error if not fitted
        return check_finite(self.net_.scores(images).astype(np.float64))

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
        # Parameters that are newer than the file get their defaults. A subclass may define only
        # some of them, so its base classes are searched too.
        for cls in reversed(type(self).__mro__[:-1]):
            for name, parameter in signature(cls).parameters.items():
                if parameter.default is not parameter.empty:
                    setattr(self, name, parameter.default)
        if FITTED & state.keys():
            with reading_a_file():
                check_state(state)
                device = state["device_"]
                if not is_available(device):  # saved with a GPU that is missing here
                    device = find_device("auto")
                state |= {"device_": device, "net_": net_from_plain(state["net_"], device)}
        super().__setstate__(state)
