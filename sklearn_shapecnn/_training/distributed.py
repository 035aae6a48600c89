"""One fit shared by several processes, with Hugging Face Accelerate.

Each process sees its share of every batch, and the gradients are averaged. All processes compute
their decisions about training from the same numbers: a process that decided differently would leave
the others waiting.
"""

from __future__ import annotations

import atexit
import hashlib
import math
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_shapecnn._network.modules import dropout_layers
from sklearn_shapecnn._torch import torch_as_usual
from sklearn_shapecnn._training.augment import Augment
from sklearn_shapecnn._training.callbacks import StopTraining
from sklearn_shapecnn._training.loop import train
from sklearn_shapecnn._training.net import ShapeNet
from sklearn_shapecnn._training.progress import ShowProgress
from sklearn_shapecnn._training.sample import Batch, Batches, Sample, count_batches
from sklearn_shapecnn._training.settings import TrainingSettings
from sklearn_shapecnn._training.user_callbacks import has_stopped_early


class ProcessGroup:
    """The processes that share each fit: a single one, unless a launcher started more.

    Parameters
    ----------
    device : {'auto', 'cpu'}
        'auto' uses the GPU of each process, or the CPU if there is none. The first choice applies
        as long as the process lives, because Accelerate keeps it.

    Attributes
    ----------
    device : str
        Device of this process.

    Raises
    ------
    ImportError
        If Accelerate is not installed.
    ValueError
        If the processes cannot work together.
    """

    def __init__(self, device: str) -> None:
        if device not in ("auto", "cpu"):
            raise ValueError(
                f"distributed=True gives each process a device of its own: set device='auto' or "
                f"'cpu', but got {device!r}."
            )
        try:
            import accelerate
            from accelerate.state import is_initialized
            from accelerate.utils import (
                GradientAccumulationPlugin,
                broadcast_object_list,
                patch_environment,
            )
        except ImportError as error:
            raise ImportError(
                "distributed=True needs Hugging Face Accelerate: pip install accelerate"
            ) from error
        n_started = int(os.environ.get("WORLD_SIZE", 1))
        if n_started > 1 and multiprocessing.current_process().name.startswith("Loky"):
            raise ValueError(
                "distributed=True cannot share a fit inside a joblib worker, which is not one of "
                "the launched processes. Set n_jobs=1: all launched processes take part in each "
                "fit."
            )
        has_gpu = torch.cuda.is_available() or torch.xpu.is_available()
        # Under torchrun, Accelerate joins processes on the CPU only if it is told to use the CPU.
        # The settings of a user's own Accelerator stay.
        on_cpu = device == "cpu" or (n_started > 1 and not has_gpu)
        was_joined = torch.distributed.is_available() and torch.distributed.is_initialized()
        # Without the first variable, Accelerate would choose the number of threads. It sets the
        # second one on a Mac and does not reset it.
        with patch_environment(
            OMP_NUM_THREADS=torch.get_num_threads(), PYTORCH_ENABLE_MPS_FALLBACK=1
        ):
            self.accelerator = accelerate.Accelerator(
                cpu=on_cpu and not is_initialized(),
                device_placement=False,  # the net is made on its device
                mixed_precision="no",
                dynamo_backend="no",
                gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
            )
        if not was_joined and torch.distributed.is_initialized():
            atexit.register(_end_process_group)
        how = self.accelerator.distributed_type.value
        if how != "NO" and not how.startswith("MULTI_"):
            raise ValueError(
                f"With distributed=True, each process holds the whole network, but Accelerate is "
                f"configured for {how}. Launch with torchrun."
            )
        if n_started > self.accelerator.num_processes:
            raise ValueError(
                f"{n_started} processes were launched, but Accelerate joined "
                f"{self.accelerator.num_processes}. If the script makes an Accelerator or a "
                f"process group of its own, let it span all of them, or leave it out."
            )
        found = self.accelerator.device
        if device == "cpu" and found.type != "cpu":
            raise ValueError(
                f"device='cpu' comes too late: Accelerate has computed on {found} since its first "
                f"use in this process. Start a process that uses the CPU from the beginning."
            )
        self.device = "cpu" if found.type == "cpu" else str(found)  # not cpu:0
        self._broadcast = broadcast_object_list

    @property
    def rank(self) -> int:
        """Index of this process."""
        return self.accelerator.process_index

    @property
    def size(self) -> int:
        """Number of processes."""
        return self.accelerator.num_processes

    def broadcast(self, value: Any) -> Any:
        """Send the value of the first process to all processes."""
        return self._broadcast([value])[0]

    def gather(self, values: Any, dtype: torch.dtype = torch.float64) -> np.ndarray:
        """Collect the values of all processes, one row each."""
        mine = torch.tensor([values], dtype=dtype, device=self.accelerator.device)
        return self.accelerator.gather(mine).cpu().numpy()

    @torch_as_usual(gradients=True)
    def train(
        self,
        net: ShapeNet,
        sample: Sample,
        held_out: Sample | None,
        settings: TrainingSettings,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        """Train a net together; afterwards it is the same in all processes.

        The parameters and errors are those of :func:`~sklearn_shapecnn._training.loop.train`, but
        an interrupt keeps nothing. ValueError is also raised if the processes have different images
        or parameters, or too few images for all of them.
        """
        if self.size == 1:
            train(net, sample, held_out, settings, callbacks)
            return
        check_agreement(self, net, sample, held_out, settings)
        most_batches = len(sample) // (2 * self.size)
        if most_batches == 0:
            raise ValueError(
                f"{len(sample)} distinct images to learn from cannot be shared by {self.size} "
                f"processes: each needs two of every batch. Start fewer processes."
            )
        n_batches = count_batches(len(sample), math.ceil(len(sample) / most_batches))
        settings = replace(settings, n_batches=min(settings.n_batches, n_batches))
        dropouts = dropout_layers(net.module_)  # they share one generator
        shared = DistributedNet.sharing(net, self)
        dropouts[0].generator.manual_seed(_seed_of_process(settings.seed, self.rank))
        if not self.accelerator.is_main_process:
            callbacks = [c for c in callbacks if not isinstance(c, ShowProgress)]
        try:
            train(shared, sample, held_out, settings, callbacks)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(
                "A fit shared by several processes was interrupted. They may be at different "
                "steps, so what they learned cannot be kept."
            ) from error
        dropouts[0].generator.manual_seed(settings.seed)
        # The processes have computed the same, but different kinds of machines round differently,
        # and the history contains times.
        weights = {name: value.cpu() for name, value in net.module_.state_dict().items()}
        weights, net.history = self.broadcast((weights, shared.history))
        net.module_.load_state_dict(weights)


def check_agreement(
    group: ProcessGroup,
    net: ShapeNet,
    sample: Sample,
    held_out: Sample | None,
    settings: TrainingSettings,
) -> None:
    """Raise ValueError in all processes unless all of them are about to do the same."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(repr((net.module_.config, settings, net.criterion_.to_plain())).encode())
    # Those of the module also depend on the scale of the images.
    for value in (*net.module_.state_dict().values(), *net.criterion_.state_dict().values()):
        digest.update(value.cpu().contiguous().numpy().tobytes())
    for part in (sample, held_out):
        if part is not None:
            for array in (part.rows, part.targets, part.weights):
                digest.update(array.tobytes())
    mine = np.frombuffer(digest.digest(), dtype=np.int64)
    if len(set(group.gather(mine.tolist(), torch.int64).ravel().tolist())) > 1:
        raise ValueError(
            "The processes that share this fit have different images, labels, weights or "
            "parameters. Each must call fit with the same ones: pass a random_state wherever the "
            "script draws or splits its data."
        )


class DistributedNet(ShapeNet):
    """A net that trains the network of another net, together with the other processes."""

    net: ShapeNet
    group: ProcessGroup

    @classmethod
    def sharing(cls, net: ShapeNet, group: ProcessGroup) -> DistributedNet:
        """Make a net that shares everything with another one, which stays free of Accelerate."""
        shared = cls.__new__(cls)
        # Also the optimizer, which is made on first access.
        shared.__dict__.update(vars(net), optimizer_=net.optimizer_, net=net, group=group)
        return shared

    @torch.no_grad()
    def compute_gradients(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Average the gradients of all processes.

        torch's DistributedDataParallel would do this while it computes them, but it imports torch's
        compiler.
        """
        with torch.enable_grad():
            result = super().compute_gradients(batch)
        gradients = [w.grad for w in self.module_.parameters() if w.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        flat = self.group.accelerator.reduce(flat, reduction="mean")
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, mean in zip(gradients, flat.split(sizes), strict=True):
            gradient.copy_(mean.view(gradient.shape))
        return result

    def snapshot(self) -> ShapeNet:
        own_callbacks, self.net.callbacks_ = self.net.callbacks_, self.callbacks_
        try:
            return self.net.snapshot()
        finally:
            self.net.callbacks_ = own_callbacks

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call the callbacks; all processes stop after an epoch if one of them asks for it."""
        if method_name != "on_epoch_end":
            super().notify(method_name, **kwargs)
            return
        wish: type[BaseException] | None = None
        try:
            super().notify(method_name, **kwargs)
        except StopTraining:
            wish = StopTraining
        except KeyboardInterrupt:
            callbacks = [callback for _, callback in self.callbacks_]
            wish = StopTraining if has_stopped_early(callbacks) else KeyboardInterrupt
        # The same exception in all processes, so that all of them proceed in the same way.
        kinds: list[type[BaseException] | None] = [None, StopTraining, KeyboardInterrupt]
        strongest = kinds[int(self.group.gather(kinds.index(wish)).max())]
        if strongest is not None:
            raise strongest

    def get_iterator(self, dataset: Sample, training: bool = False) -> Batches:
        rank, n_processes = self.group.rank, self.group.size
        share = ProcessShare(**vars(dataset), rank=rank, n_processes=n_processes)
        batches = super().get_iterator(share, training=training)
        if batches.augment is not None:
            seed = _seed_of_process(self.iterator_train__seed, rank)
            batches.augment = ReseededAugment(batches.augment, seed)
        return batches

    def run_single_epoch(self, iterator: Batches, *args: Any, **kwargs: Any) -> None:
        super().run_single_epoch(iterator, *args, **kwargs)
        if not kwargs["training"]:
            return
        rows = self.history[-1]["batches"]
        batches = self.group.gather([(row["train_loss"], row["train_batch_size"]) for row in rows])
        losses, sizes = batches[..., 0].mean(axis=0), batches[..., 1].sum(axis=0)
        for row, loss, size in zip(rows, losses.tolist(), sizes.tolist(), strict=True):
            row["train_loss"], row["train_batch_size"] = loss, int(size)
        self._average_batch_norm()

    @torch.no_grad()
    def _average_batch_norm(self) -> None:
        for module in self.module_.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                for statistic in (module.running_mean, module.running_var):
                    assert statistic is not None
                    of_all = self.group.gather(statistic.tolist())
                    statistic.copy_(torch.from_numpy(of_all.mean(axis=0)))

    def evaluation_sums(self, sample: Sample) -> tuple[torch.Tensor, torch.Tensor]:
        mine = slice(self.group.rank, None, self.group.size)
        share = Sample(sample.images, sample.rows[mine], sample.targets[mine], sample.weights[mine])
        sums, loss = super().evaluation_sums(share)
        of_all = self.group.gather([*sums.tolist(), float(loss)]).sum(axis=0)
        return torch.from_numpy(of_all[:-1]), torch.tensor(of_all[-1])


@dataclass
class ProcessShare(Sample):
    """A sample of which one process sees its share of each batch.

    Attributes
    ----------
    rank, n_processes : int
        Index of the process, and number of processes.
    """

    rank: int = 0
    n_processes: int = 1

    def batch(self, indices: np.ndarray, device: str) -> Batch:
        mine = indices[self.rank :: self.n_processes]
        pixels, (targets, weights) = super().batch(mine, device)
        # Makes the mean of the processes' mean losses equal to the mean over the whole batch.
        weights = weights * (self.n_processes * len(mine) / len(indices))
        return pixels, (targets, weights)


class ReseededAugment:
    """Augmentation with its own generator: all processes share the one for the order."""

    def __init__(self, augment: Augment, seed: int) -> None:
        self.augment = augment
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return self.augment(pixels, self.generator)


def _end_process_group() -> None:
    """End the threads of torch's process group: a process that exits before them may crash."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _seed_of_process(seed: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, rank]).generate_state(1)[0])
