"""What a file holds of a fitted classifier: plain Python and NumPy, no objects of torch or skorch.

So a file can be read where no GPU is, by other versions of torch and skorch, and by skops with a
single type to trust.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.exceptions import InconsistentVersionWarning
from skorch.history import History

from sklearn_shapecnn import __version__
from sklearn_shapecnn.network import GRID, Dropout, count_weights, plan_stages
from sklearn_shapecnn.training import ShapeNet, build_net, one_thread_if_forked

FITTED = {  # what a fitted classifier has, beside the names of columns
    "classes_",
    "n_features_in_",
    "image_shape_",
    "n_iter_",
    "loss_curve_",
    "validation_scores_",
    "best_validation_score_",
    "device_",
    "net_",
}
FORMAT = 1  # to be raised when files change so that an older version would read them wrongly


class OtherVersionWarning(InconsistentVersionWarning):
    """Warning of a classifier that other versions of its packages have saved.

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
            f"This {self.estimator_name} was saved with {told}. It may predict or train otherwise "
            f"than it did there. Check that it does not, then save it anew; or install the "
            f"versions that saved it, or fit it again."
        )


def current_versions() -> dict[str, Any]:
    """The format of a file and the versions of the packages that write it."""
    return {
        "format": FORMAT,
        "sklearn-shapecnn": __version__,
        "scikit-learn": sklearn.__version__,
        # Without "+cpu" or "+cu126": from a machine with a GPU to one without nothing else changes.
        "torch": torch.__version__.split("+")[0],
    }


def find_differences(saved: Any, estimator_name: str) -> dict[str, tuple[str, str]]:
    """Compare the versions that saved an estimator to those here.

    Parameters
    ----------
    saved : dict
        What ``current_versions`` told when it was saved; anything else is refused.
    estimator_name : str

    Returns
    -------
    differences : dict of str to tuple of str (version that saved it, version here)
        By package; empty where all are the same.

    Raises
    ------
    ValueError
        Where the format is another one, so that the file cannot be read.
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
    """Make a ValueError that tells where it comes from of what wrong values lead to."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        raise ValueError(
            f"This classifier cannot be loaded; its file may be damaged or have been changed: "
            f"{type(error).__name__}: {error}"
        ) from error


def check_state(state: dict[str, Any]) -> None:
    """Look whether what a file says of a fitted classifier is whole and fits together.

    Raises
    ------
    ValueError
        Where it does not, or asks for a network much larger than the weights that are there.
    """
    if missing := FITTED - state.keys():
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    plain = state["net_"]
    network, weights = plain["network"], plain["weights"]
    names = ("image_shape", "n_filters", "kernel_size", "pool_size")
    sizes = {name: network[name] for name in names}
    hidden, n_classes = network["hidden_layer_sizes"], plain["n_classes"]
    if min(chain(*sizes.values(), hidden, [n_classes])) < 1:
        raise ValueError("its network has layers of no size")
    needed = count_weights(plan_stages(**sizes), hidden, n_classes)
    there = sum(np.size(array) for array in weights.values())
    if needed > (2 + GRID**2) * there:  # small maps have a part only of the features counted
        raise ValueError(f"its network needs about {needed} weights, and {there} are there")
    if len(state["classes_"]) != n_classes or [*state["image_shape_"]] != [*sizes["image_shape"]]:
        raise ValueError("its network is for other classes or images")
    for name, moments in plain["moments"].items():
        # The training that goes on would notice: only numbers of the optimizer have no shape.
        for array in moments.values():
            if np.ndim(array) and np.shape(array) != np.shape(weights[name]):
                raise ValueError(f"what the optimizer knows does not fit {name}")


def net_to_plain(net: ShapeNet) -> dict[str, Any]:
    """Turn a fitted net into numbers, strings and NumPy arrays.

    Parameters
    ----------
    net : ShapeNet

    Returns
    -------
    plain : dict
        What ``net_from_plain`` makes the same net of. The arrays may share memory with the net.
    """
    network = net.get_params_for("module")
    names = [name for name, _ in net.module_.named_parameters()]
    optimizer = net.optimizer_.state_dict()
    return {
        "network": {name: network[name] for name in network if name != "n_classes"},
        "n_classes": network["n_classes"],
        "learning_rate_init": net.lr,
        "alpha": net.optimizer__weight_decay,
        "label_smoothing": net.criterion__label_smoothing,
        "weights": _to_arrays(net.module_.state_dict()),
        "moments": {names[i]: _to_arrays(values) for i, values in optimizer["state"].items()},
        "learning_rate": float(optimizer["param_groups"][0]["lr"]),  # that of the last step
        "dropout_state": _dropout_generator(net).get_state().numpy(),
        # As one string: it may have many thousands of rows, and skops makes files of lists huge.
        "history": json.dumps(net.history.to_list(), default=_to_json),
    }


@one_thread_if_forked()
@torch.no_grad()
@torch.inference_mode(False)
def net_from_plain(plain: dict[str, Any], device: str) -> ShapeNet:
    """Make the net anew that ``net_to_plain`` was given.

    Parameters
    ----------
    plain : dict
    device : str
        Where to put it; need not be where it was.

    Returns
    -------
    net : ShapeNet
        It shares no memory with the arrays.
    """
    net = build_net(
        plain["network"],
        n_classes=plain["n_classes"],
        learning_rate_init=plain["learning_rate_init"],
        alpha=plain["alpha"],
        label_smoothing=plain["label_smoothing"],
        device=device,
    )
    for name, tensor in net.module_.state_dict().items():
        if np.shape(plain["weights"][name]) != tuple(tensor.shape):  # some others torch would take
            raise ValueError(f"{name} needs the shape {tuple(tensor.shape)}")
    net.module_.load_state_dict(_to_tensors(plain["weights"]))
    net.module_.eval()
    optimizer = net.optimizer_.state_dict()
    optimizer["state"] = {
        i: _to_tensors(plain["moments"][name])
        for i, (name, _) in enumerate(net.module_.named_parameters())
        if name in plain["moments"]
    }
    optimizer["param_groups"][0]["lr"] = plain["learning_rate"]
    net.optimizer_.load_state_dict(optimizer)
    _dropout_generator(net).set_state(torch.tensor(plain["dropout_state"]))
    net.history = History(json.loads(plain["history"]))
    return net


def _to_arrays(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _to_tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    # Copied, for arrays of a memory-mapped file can only be read.
    return {name: torch.tensor(array) for name, array in arrays.items()}


def _dropout_generator(net: ShapeNet) -> torch.Generator:
    """The one generator that all dropout layers share."""
    return next(m.generator for m in net.module_.modules() if isinstance(m, Dropout))


def _to_json(value: Any) -> Any:
    """What to write of something that a callback of the user's noted in the history."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
