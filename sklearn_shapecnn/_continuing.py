"""Continuing with a fitted network: warm_start=True and partial_fit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from skorch.history import History

from sklearn_shapecnn._input.targets import Targets
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._saving import net_from_plain, net_to_plain
from sklearn_shapecnn._training.losses import Loss
from sklearn_shapecnn._training.net import ShapeNet


def check_same_network(
    estimator: Any, config: NetworkConfig, targets: Targets, loss: Loss, incremental: bool
) -> None:
    """Raise ValueError if the fitted network has other classes or sizes than requested."""
    net = estimator.net_
    fitted, asked = asdict(net.module_.config), asdict(config)
    if targets.classes is not None:
        kinds = {"classes": "one label per image", "labels": "several labels per image"}
        fitted |= {"y": kinds[net.criterion_.to_plain()["of"]]}
        asked = {"y": kinds[loss.to_plain()["of"]]} | asked
        if fitted["y"] == asked["y"]:
            fitted |= {"classes": estimator.classes_.tolist()}
            asked = {"classes": targets.classes.tolist()} | asked
    elif config.n_outputs != fitted["n_outputs"]:
        asked = {"number of targets in y": config.n_outputs}
        fitted = {"number of targets in y": fitted["n_outputs"]}
    for name, value in asked.items():
        if value != fitted[name]:
            what = "partial_fit" if incremental else "warm_start=True"
            raise ValueError(
                f"{what} continues with the fitted network, but {name} changed from "
                f"{fitted[name]!r} to {value!r}. To start over, call fit with "
                f"warm_start=False."
            )


def copy_net(net: ShapeNet, device: str, incremental: bool) -> ShapeNet:
    """Copy a fitted net, to continue its training."""
    copy = net_from_plain(net_to_plain(net), device)
    if incremental:
        copy.history = History()  # otherwise it grows with each call, and each call copies it
    else:
        copy.initialize_optimizer()
    return copy
