"""How a fitted estimator is saved: as plain Python and NumPy, without torch or skorch objects.

A file can therefore be read without a GPU, by other versions of torch and skorch, and by skops with
a single type to trust.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.exceptions import InconsistentVersionWarning
from skorch.history import History

from sklearn_shapecnn import __version__
from sklearn_shapecnn._input.pixel_range import PixelRange
from sklearn_shapecnn._network.config import GRID, NetworkConfig
from sklearn_shapecnn._network.modules import dropout_layers
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn._training.losses import NUMBER_LOSSES, loss_from_plain
from sklearn_shapecnn._training.net import OptimizerMemory, ShapeNet, build_net, to_arrays
from sklearn_shapecnn._training.target_scale import TargetScale

FORMAT = 4  # increase it when files change so that an older version would misread them


@dataclass
class FittedAttributes:
    """All attributes of a fitted estimator, under their own names."""

    n_features_in_: int
    image_shape_: tuple[int, int, int]
    device_: str
    net_: ShapeNet
    n_iter_: int
    n_outputs_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None  # None without early stopping
    best_validation_score_: float | None
    n_pretrained_filters_: tuple[int, ...]
    classes_: np.ndarray | None = None  # of a classifier
    feature_names_in_: np.ndarray | None = None

    def after(self, net: ShapeNet, epochs: list[dict[str, Any]]) -> FittedAttributes:
        """Return the attributes after some epochs of training, from the history of the net."""
        losses = [float(epoch["train_loss"]) for epoch in epochs]
        validation_scores = best_score = None
        if self.validation_scores_ is not None:
            scores = [float(epoch[net.criterion_.score_name]) for epoch in epochs]
            validation_scores = self.validation_scores_ + scores
            best_score = max(scores)
        return replace(
            self,
            net_=net,
            n_iter_=len(losses),
            loss_curve_=self.loss_curve_ + losses,
            validation_scores_=validation_scores,
            best_validation_score_=best_score,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes by name; classes and column names only if there are any."""
        return {k: v for k, v in vars(self).items() if k not in OPTIONAL or v is not None}


OPTIONAL = {"classes_", "feature_names_in_"}
FITTED = {field.name for field in fields(FittedAttributes)} - OPTIONAL


class OtherVersionWarning(InconsistentVersionWarning):
    """Warning about an estimator that was saved with other versions of its packages.

    Parameters
    ----------
    estimator_name : str
    differences : dict of str to tuple of str (version that saved it, version here)
        By package.
    """

    def __init__(self, estimator_name: str, differences: dict[str, tuple[str, str]]) -> None:
        saved, here = differences.get("scikit-learn", (sklearn.__version__,) * 2)
        super().__init__(
            estimator_name=estimator_name,
            original_sklearn_version=saved,
            current_sklearn_version=here,
        )
        self.differences = differences

    def __str__(self) -> str:
        told = ", ".join(
            f"{name} {saved} (here {here})" for name, (saved, here) in self.differences.items()
        )
        return (
            f"This {self.estimator_name} was saved with {told}. It may predict or train "
            f"differently here. Check that it does not, then save it again; or install the "
            f"versions that saved it, or fit it again."
        )


def current_versions() -> dict[str, Any]:
    """Return the format of a file and the versions of the packages that write it."""
    return {
        "format": FORMAT,
        "sklearn-shapecnn": __version__,
        "scikit-learn": sklearn.__version__,
        # Without "+cpu" or "+cu126", which only say whether the machine has a GPU.
        "torch": torch.__version__.split("+")[0],
    }


def find_differences(saved: Any, estimator_name: str) -> dict[str, tuple[str, str]]:
    """Compare the versions that saved an estimator to the installed ones.

    Parameters
    ----------
    saved : dict
        What ``current_versions`` returned when it was saved. Anything else raises an error.
    estimator_name : str

    Returns
    -------
    differences : dict of str to tuple of str (version that saved it, version here)
        By package; empty if all versions are the same.

    Raises
    ------
    ValueError
        If the format is different, so the file cannot be read.
    """
    here = current_versions()
    if not isinstance(saved, dict) or "format" not in saved:
        raise ValueError(
            f"This {estimator_name} cannot be loaded: it was saved before files of "
            f"sklearn-shapecnn had a format number. Load it with the version that saved it, or fit "
            f"it again."
        )
    if saved["format"] != FORMAT:
        raise ValueError(
            f"This {estimator_name} cannot be loaded: its file has format {saved['format']!r}, "
            f"from sklearn-shapecnn {saved.get('sklearn-shapecnn')}, and sklearn-shapecnn "
            f"{here['sklearn-shapecnn']} reads format {FORMAT}. Install the version that saved it, "
            f"or fit it again."
        )
    return {
        name: (str(saved.get(name)), there)
        for name, there in here.items()
        if saved.get(name) != there
    }


@contextmanager
def reading_a_file() -> Iterator[None]:
    """Turn the errors that wrong values cause into a ValueError that blames the file."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        raise ValueError(
            f"This estimator cannot be loaded; its file may be damaged or have been changed: "
            f"{type(error).__name__}: {error}"
        ) from error


def check_state(state: dict[str, Any]) -> None:
    """Check that the saved state of a fitted estimator is complete and consistent.

    Raises
    ------
    ValueError
        If it is not, or if it describes a network much larger than its weights.
    """
    if missing := FITTED - state.keys():
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    plain = state["net_"]
    config, weights = config_from_plain(plain["config"]), plain["weights"]
    sizes = (config.image_shape, config.n_filters, config.kernel_size, config.pool_size)
    if min(chain(*sizes, config.hidden_layer_sizes, [config.n_outputs])) < 1:
        raise ValueError("its network has layers with a size below 1")
    there = sum(np.size(array) for array in weights.values())
    # Small maps have only some of the features that n_weights counts for each map.
    if config.n_weights > (2 + GRID**2 + 2 * config.has_places) * there:
        raise ValueError(
            f"its network needs about {config.n_weights} weights, but the file has {there}"
        )
    is_same_shape = [*state["image_shape_"]] == [*config.image_shape]
    n_outputs = {len(plain[name]) for name in ("target_center", "target_deviation") if plain[name]}
    if "classes_" in state:
        n_outputs.add(len(state["classes_"]))
    is_of_numbers = plain["loss"]["of"] in NUMBER_LOSSES
    if n_outputs != {config.n_outputs} or not is_same_shape:
        raise ValueError("its network is for other classes, targets or images")
    if is_of_numbers == ("classes_" in state):
        raise ValueError(f"its network was trained for {plain['loss']['of']}")
    for name, moments in plain["moments"].items():
        # Only scalars of the optimizer have no shape. Other shapes would fail in later training.
        for array in moments.values():
            if np.ndim(array) and np.shape(array) != np.shape(weights[name]):
                raise ValueError(f"the state of the optimizer does not fit {name}")


def config_from_plain(plain: dict[str, Any]) -> NetworkConfig:
    """Make the configuration of a network from plain Python; sequences become tuples again."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list | tuple) else value
        for name, value in plain.items()
    }
    return NetworkConfig(**values)


def net_to_plain(net: ShapeNet) -> dict[str, Any]:
    """Turn a fitted net into numbers, strings and NumPy arrays.

    Parameters
    ----------
    net : ShapeNet

    Returns
    -------
    plain : dict
        Input for ``net_from_plain``. The arrays may share memory with the net.
    """
    network, memory, scale = net.module_, net.optimizer_memory(), net.target_scale_
    return {
        "config": asdict(network.config),
        "seed": net.module__seed,
        "learning_rate_init": net.lr,
        "alpha": net.optimizer__weight_decay,
        "loss": net.criterion_.to_plain(),
        "target_center": [] if scale is None else scale.center.tolist(),
        "target_deviation": [] if scale is None else scale.deviation.tolist(),
        "weights": to_arrays(network.state_dict()),
        "knows_scale": net.knows_scale_,
        "pixel_range": None if net.pixel_range_ is None else asdict(net.pixel_range_),
        "has_doubted_scale": net.has_doubted_scale_,
        "moments": memory.moments,
        "learning_rate": memory.learning_rate,
        "dropout_state": dropout_layers(network)[0].generator.get_state().numpy(),
        # As one string: it may have many thousands of rows, and skops makes huge files of lists.
        "history": json.dumps(net.history.to_list(), default=_to_json),
    }


@torch_as_usual(gradients=True)
def net_from_plain(plain: dict[str, Any], device: str) -> ShapeNet:
    """Restore the net that ``net_to_plain`` was given.

    Parameters
    ----------
    plain : dict
    device : str
        Device to put it on. It may differ from the one before.

    Returns
    -------
    net : ShapeNet
        It shares no memory with the arrays.
    """
    weights = plain["weights"]
    center, scale = float(weights["center"]), float(weights["scale"])
    config = config_from_plain(plain["config"])
    loss = loss_from_plain(plain["loss"], config.n_outputs)
    net = build_net(config, device, loss, center, scale, int(plain["seed"]))
    net.set_hyperparameters(plain["learning_rate_init"], plain["alpha"], loss)
    if loss.is_of_numbers:
        scales = (plain["target_center"], plain["target_deviation"])
        net.target_scale_ = TargetScale(*(np.array(each, dtype=np.float64) for each in scales))
    network = net.module_
    for name, tensor in network.state_dict().items():
        if np.shape(weights[name]) != tuple(tensor.shape):  # torch would accept some others
            raise ValueError(f"{name} needs the shape {tuple(tensor.shape)}")
    network.load_state_dict(_to_tensors(weights))
    network.eval()
    net.knows_scale_ = bool(plain["knows_scale"])
    if plain.get("pixel_range") is not None:  # files of the first versions have none
        net.pixel_range_ = PixelRange(**{k: float(v) for k, v in plain["pixel_range"].items()})
    net.has_doubted_scale_ = bool(plain["has_doubted_scale"])
    moments = {
        name: {key: np.array(array, dtype=np.float32) for key, array in arrays.items()}
        for name, arrays in plain["moments"].items()
    }
    net.memory_ = OptimizerMemory(moments, float(plain["learning_rate"]))
    dropout_layers(network)[0].generator.set_state(torch.tensor(plain["dropout_state"]))
    net.history = History(json.loads(plain["history"]))
    return net


def _to_tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    # Copied, since arrays of a memory-mapped file are read-only.
    return {name: torch.tensor(array) for name, array in arrays.items()}


def _to_json(value: Any) -> Any:
    """Turn what a user's callback recorded in the history into plain Python."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
