"""One fit shared by several processes, through skorch's AccelerateMixin and Accelerate.

Each process sees its share of every batch; their gradients are averaged. Whatever decides how the
training goes on is computed from the same numbers in all of them, for a process that went its own
way would leave the others waiting.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.hf import AccelerateMixin

from sklearn_shapecnn.callbacks import ShowProgress
from sklearn_shapecnn.network import Dropout
from sklearn_shapecnn.training import (
    Augment,
    Batch,
    Batches,
    Sample,
    ShapeNet,
    StopTraining,
    train,
)


class Team:
    """The processes that share each fit: a single one, unless a launcher started more.

    Attributes
    ----------
    device : str
        Where this process computes.

    Raises
    ------
    ImportError
        Where Accelerate is not installed.
    ValueError
        Where the processes cannot work together.
    """

    def __init__(self) -> None:
        try:
            import accelerate
            from accelerate.state import is_initialized
            from accelerate.utils import GradientAccumulationPlugin, broadcast_object_list
        except ImportError as error:
            raise ImportError(
                "device='accelerate' needs Hugging Face Accelerate: "
                'pip install "sklearn-shapecnn[distributed]"'
            ) from error
        n_started = int(os.environ.get("WORLD_SIZE", 1))
        if n_started > 1 and multiprocessing.current_process().name.startswith("Loky"):
            raise ValueError(
                "device='accelerate' cannot share a fit from within a worker of joblib, which is "
                "none of the processes that were launched. Set n_jobs=1: all of them take part in "
                "each fit."
            )
        with _same_environment():
            # Under torchrun Accelerate joins processes on the CPU only where told that it is one.
            # What an Accelerator of the user's own has settled stays.
            on_cpu = n_started > 1 and not (torch.cuda.is_available() or torch.xpu.is_available())
            self.accelerator = accelerate.Accelerator(
                cpu=on_cpu and not is_initialized(),
                device_placement=False,  # the net is made where it belongs
                mixed_precision="no",
                dynamo_backend="no",
                gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
            )
        how = self.accelerator.distributed_type.value
        if how != "NO" and not how.startswith("MULTI_"):
            raise ValueError(
                f"device='accelerate' has each process hold the whole network, but Accelerate is "
                f"configured for {how}. Launch with torchrun."
            )
        if n_started > self.accelerator.num_processes:
            raise ValueError(
                f"{n_started} processes were launched, but Accelerate joined "
                f"{self.accelerator.num_processes}. If the script makes an Accelerator or a "
                f"process group of its own, let it span all of them, or leave it out."
            )
        device = self.accelerator.device
        self.device = "cpu" if device.type == "cpu" else str(device)  # not cpu:0
        self._broadcast = broadcast_object_list

    def share(self, value: Any) -> Any:
        """What the first process has, for all."""
        return self._broadcast([value])[0]

    @torch.inference_mode(False)
    @torch.enable_grad()
    def train(
        self,
        net: ShapeNet,
        sample: Sample,
        held_out: Sample | None,
        *,
        batch_size: int,
        seed: int,
        callbacks: Sequence[Callback] = (),
        **options: Any,
    ) -> list[float]:
        """Train a net together; afterwards it is the same in all processes.

        Parameters and what is returned and raised are those of
        :func:`~sklearn_shapecnn.training.train`. Besides, ValueError is raised where the processes
        came with different images or parameters, or with too few images for all of them.
        """
        n_processes = self.accelerator.num_processes
        options |= {"seed": seed}
        if n_processes == 1:
            return train(
                net, sample, held_out, batch_size=batch_size, callbacks=callbacks, **options
            )
        self._check_agreement(net, sample, held_out, {"batch_size": batch_size, **options})
        most_batches = len(sample) // (2 * n_processes)
        if most_batches == 0:
            raise ValueError(
                f"{len(sample)} distinct images to learn from cannot be shared by {n_processes} "
                f"processes: each needs two of every batch. Start fewer processes."
            )
        shared = AcceleratedNet.around(net, self.accelerator)
        dropouts = [m for m in net.module_.modules() if isinstance(m, Dropout)]
        _seed_dropout(dropouts, _own_seed(seed, self.accelerator.process_index))
        scores = train(
            shared,
            sample,
            held_out,
            batch_size=max(batch_size, math.ceil(len(sample) / most_batches)),
            callbacks=[
                callback
                for callback in callbacks
                if self.accelerator.is_main_process or not isinstance(callback, ShowProgress)
            ],
            **options,
        )
        _seed_dropout(dropouts, seed)
        # The processes have computed the same, but machines of different kinds round differently;
        # and the history holds times.
        weights = {name: value.cpu() for name, value in net.module_.state_dict().items()}
        weights, history, scores = self.share((weights, shared.history, scores))
        net.module_.load_state_dict(weights)
        net.history = history
        return scores

    def _check_agreement(
        self, net: ShapeNet, sample: Sample, held_out: Sample | None, options: Mapping[str, Any]
    ) -> None:
        """Raise ValueError, in all processes, unless all are about to do the same."""
        digest = hashlib.blake2b(digest_size=8)
        numbers = (int, float, list, tuple, type(None))
        plain = {name: v for name, v in options.items() if isinstance(v, numbers)}
        settings = (net.lr, net.optimizer__weight_decay, net.criterion__label_smoothing)
        digest.update(repr((len(net.classes), settings, sorted(plain.items()))).encode())
        for value in net.module_.state_dict().values():  # tells of the images' scale as well
            digest.update(value.cpu().contiguous().numpy().tobytes())
        for part in (sample, held_out):
            if part is not None:
                for array in (part.rows, part.targets, part.weights):
                    digest.update(array.tobytes())
        mine = np.frombuffer(digest.digest(), dtype=np.int64)
        if len(set(_gather(self.accelerator, mine.tolist(), torch.int64).ravel().tolist())) > 1:
            raise ValueError(
                "The processes that share this fit have different images, labels, weights or "
                "parameters. Each must call fit with the same ones: pass a random_state wherever "
                "the script draws or splits its data."
            )


class AcceleratedNet(AccelerateMixin, ShapeNet):
    """A net that trains the network of another one, together with the other processes."""

    @classmethod
    def around(cls, net: ShapeNet, accelerator: Any) -> AcceleratedNet:
        """Make one that has all in common with a net, which itself stays free of Accelerate."""
        shared = cls.__new__(cls)
        shared.__dict__.update(vars(net))
        shared.net = net
        shared.accelerator = accelerator
        shared.unwrap_after_train = False
        shared._wrapped_with_accelerator = False
        shared._criteria = []  # without weights, so there is nothing to prepare
        shared._initialize_accelerator()
        # By attribute, for the argument has another name in newer versions of torch.
        shared.module_.broadcast_buffers = False  # batch norm's are averaged once an epoch
        # What averages the gradients is of use in a training step alone. Everyone else wants the
        # network itself.
        shared.__dict__["parallel"] = shared.module_
        shared.module_ = net.module_
        shared._wrapped_with_accelerator = False
        return shared

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, torch.Tensor]:
        self.module_ = self.parallel
        try:
            return super().train_step(batch, **fit_params)
        finally:
            self.module_ = self.net.module_

    def snapshot(self) -> ShapeNet:
        standing, self.net.callbacks_ = self.net.callbacks_, self.callbacks_
        try:
            return self.net.snapshot()
        finally:
            self.net.callbacks_ = standing

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Tell the callbacks; all processes stop after an epoch if those of one want it."""
        if method_name == "on_grad_computed":  # by the names that they have in the network
            kwargs["named_parameters"] = self.net.module_.named_parameters()
        if method_name != "on_epoch_end":
            super().notify(method_name, **kwargs)
            return
        stop = None
        try:
            super().notify(method_name, **kwargs)
        except (StopTraining, KeyboardInterrupt) as error:  # skorch's EarlyStopping interrupts
            stop = error
        if _gather(self.accelerator, stop is not None).any():
            raise stop or StopTraining

    def get_iterator(self, dataset: Sample, training: bool = False) -> Batches:
        rank, n_processes = self.accelerator.process_index, self.accelerator.num_processes
        share = Share(**vars(dataset), rank=rank, n_processes=n_processes)
        batches = super().get_iterator(share, training=training)
        if batches.augment is not None:
            batches.augment = OwnLuck(batches.augment, _own_seed(self.iterator_train__seed, rank))
        return batches

    def run_single_epoch(self, iterator: Batches, *args: Any, **kwargs: Any) -> None:
        try:
            super().run_single_epoch(iterator, *args, **kwargs)
        except KeyboardInterrupt as error:
            raise RuntimeError(
                "A fit that several processes share was interrupted. They stand at different "
                "steps, so that what was learnt cannot be kept."
            ) from error
        if not kwargs["training"]:
            return
        rows = self.history[-1]["batches"]
        mine = [(row["train_loss"], row["train_batch_size"]) for row in rows]
        everyones = _gather(self.accelerator, mine)
        losses, sizes = everyones[..., 0].mean(axis=0), everyones[..., 1].sum(axis=0)
        for row, loss, size in zip(rows, losses.tolist(), sizes.tolist(), strict=True):
            row["train_loss"], row["train_batch_size"] = loss, int(size)
        self._average_batch_norm()

    @torch.no_grad()
    def _average_batch_norm(self) -> None:
        for module in self.module_.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                for mine in (module.running_mean, module.running_var):
                    assert mine is not None
                    everyones = _gather(self.accelerator, mine.tolist())
                    mine.copy_(torch.from_numpy(everyones.mean(axis=0)))

    def evaluate(self, sample: Sample) -> tuple[float, float]:
        rank, n_processes = self.accelerator.process_index, self.accelerator.num_processes
        mine = slice(rank, None, n_processes)
        share = Sample(sample.images, sample.rows[mine], sample.targets[mine], sample.weights[mine])
        results = super().evaluate(share) if len(share) else (0.0, 0.0)
        total = float(share.weights.sum(dtype=np.float64))
        everyones = _gather(self.accelerator, [*results, total])
        score, loss = np.average(everyones[:, :2], axis=0, weights=everyones[:, 2]).tolist()
        return score, loss


@dataclass
class Share(Sample):
    """A sample of whose batches one process sees its share.

    Attributes
    ----------
    rank, n_processes : int
        Which process of how many.
    """

    rank: int = 0
    n_processes: int = 1

    def batch(self, indices: np.ndarray, device: str) -> Batch:
        mine = indices[self.rank :: self.n_processes]
        pixels, (targets, weights) = super().batch(mine, device)
        # The mean over the processes of their mean losses becomes that over the whole batch.
        weights = weights * (self.n_processes * len(mine) / len(indices))
        return pixels, (targets, weights)


class OwnLuck:
    """Augmentation that leaves alone the generator of the order, which all processes share."""

    def __init__(self, augment: Augment, seed: int) -> None:
        self.augment = augment
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return self.augment(pixels, self.generator)


def _gather(accelerator: Any, values: Any, dtype: torch.dtype = torch.float64) -> np.ndarray:
    """The values of all processes, one row each."""
    mine = torch.tensor([values], dtype=dtype, device=accelerator.device)
    return accelerator.gather(mine).cpu().numpy()


def _own_seed(seed: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, rank]).generate_state(1)[0])


def _seed_dropout(dropouts: list[Dropout], seed: int) -> None:
    for dropout in dropouts:  # they have one generator
        dropout.generator.manual_seed(seed)


@contextmanager
def _same_environment() -> Iterator[None]:
    """Undo what Accelerate does to the environment, and keep it from choosing our threads."""
    before = dict(os.environ)
    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
