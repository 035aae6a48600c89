"""Train the bank in steps of two batches, one for a default network and one for a part of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from sklearn_shapecnn._pretraining.bank import DEPTHS, KERNEL_SIZES, N_FILTERS, Bank, Cut, narrow
from sklearn_shapecnn._pretraining.drawing import Drawer
from sklearn_shapecnn._pretraining.formulas import draw_formulas
from sklearn_shapecnn._training.muon import Muon
from sklearn_shapecnn._training.schedule import one_cycle

SIDES = (8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 72)
SHARES = (8, 3, 3, 8, 6, 10, 14, 14, 6, 6, 4, 10, 8)  # of the batches, in percent


@dataclass(frozen=True)
class Lesson:
    """How the bank is trained.

    Attributes
    ----------
    n_categories, n_steps : int
    n_kernel_steps : int
        Further steps, which train the filters of non-default sizes.
    batch_size : int
    learning_rate, weight_decay, label_smoothing : float
    seed : int
    """

    n_categories: int = 1000
    n_steps: int = 11_000
    n_kernel_steps: int = 1_800
    batch_size: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    seed: int = 0


class Teacher:
    """Train a bank, with checkpoints to resume an interrupted run.

    Parameters
    ----------
    lesson : Lesson
    folder : Path
        The folder of the checkpoint.
    """

    def __init__(self, lesson: Lesson, folder: Path) -> None:
        self.lesson, self.folder = lesson, folder
        self.drawer = Drawer(draw_formulas(lesson.n_categories, lesson.seed))
        self.bank = Bank(lesson.n_categories, lesson.seed)
        self.rng = np.random.default_rng(lesson.seed + 1)
        names = dict(self.bank.named_parameters())
        self.optimizer = Muon(
            [
                {"params": [w for n, w in names.items() if n.startswith("filters")], "use_muon": 1},
                {"params": [w for n, w in names.items() if not n.startswith("filters")]},
            ],
            lr=lesson.learning_rate,
            weight_decay=lesson.weight_decay,
            fused=True,
        )
        self.step = 0
        self.seconds = 0.0
        self.losses: list[float] = []
        self.hits: list[float] = []

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        """Write everything that the rest of the run depends on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "lesson": asdict(self.lesson),
            "bank": self.bank.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": json.dumps(self.rng.bit_generator.state),
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
            "hits": self.hits,
        }
        new = self.checkpoint.with_suffix(".new")
        torch.save(state, new)
        new.replace(self.checkpoint)

    def resume(self) -> None:
        """Resume from the checkpoint, if there is one of the same lesson."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        if state["lesson"] != asdict(self.lesson):
            raise ValueError(f"{self.checkpoint} is from another lesson. Remove it to start over.")
        self.bank.load_state_dict(state["bank"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = json.loads(state["rng"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.losses, self.hits = state["losses"], state["hits"]

    def run(self, log_every: int = 100, save_every: int = 500) -> None:
        """Train until the end."""
        start = time.perf_counter() - self.seconds
        n_all = self.lesson.n_steps + self.lesson.n_kernel_steps
        while self.step < n_all:
            if self.step < self.lesson.n_steps:
                self._teach_step(one_cycle(self.step / self.lesson.n_steps))
            else:
                done = self.step - self.lesson.n_steps
                self._teach_kernels_step(one_cycle(done / self.lesson.n_kernel_steps))
            self.step += 1
            if self.step % log_every == 0:
                self.seconds = time.perf_counter() - start
                print(
                    f"step {self.step} of {n_all}, {self.seconds:.0f} s, loss "
                    f"{np.mean(self.losses[-log_every:]):.3f}, accuracy "
                    f"{np.mean(self.hits[-log_every:]):.3f}",
                    flush=True,
                )
            if self.step % save_every == 0 or self.step == n_all:
                self.save()

    def _teach_step(self, share: float) -> None:
        """Train the whole bank or most of it for one step, together with a random part of it."""
        size = self.lesson.batch_size
        side = self._random_side()
        cut = self._network(side, 4)
        if self.rng.random() < 0.5:
            cut = Cut(narrow(cut.n_filters, [0.75] * 4), cut.kernel_size, cut.pool_size)
        self.losses.append(self._backward(side, size, cut))
        side = self._random_side()
        cut = self._part(self._network(side, int(self.rng.choice(DEPTHS))))
        self._backward(side, size // 2, cut, log=False)
        self._move(share)

    def _teach_kernels_step(self, share: float) -> None:
        """Train the filters of sizes other than 3 for one step; keep all other weights."""
        side = self._random_side()
        cut = self._network(side, int(self.rng.choice(DEPTHS)))
        sizes = self.rng.choice(KERNEL_SIZES, len(cut.n_filters))
        if self.rng.random() < 0.5 or sizes.min() == 3:
            sizes[:] = self.rng.choice(KERNEL_SIZES[:2])
        cut = Cut(cut.n_filters, tuple(sizes.tolist()), cut.pool_size)
        if self.rng.random() < 0.4:
            cut = self._part(cut)
        self.losses.append(self._backward(side, self.lesson.batch_size, cut))
        for name, weight in self.bank.named_parameters():
            if not name.startswith("filters") or name.endswith("_3"):
                weight.grad = None
        self._move(share)

    def _network(self, side: int, n_stages: int) -> Cut:
        """Choose a network of full width whose last feature maps are 3 to 9 pixels wide."""
        n_halvings = max(0, round(np.log2(side / self.rng.choice([4.4, 4.4, 4.4, 6, 9]))))
        order = [0, 0, 1, 2, 3] if side > 48 else [0, 1, 2, 3] if side >= 16 else [1, 2, 0, 3]
        pool = [1] * n_stages
        for i in range(n_halvings):
            pool[order[i] % n_stages] *= 2
        return Cut(N_FILTERS[:n_stages], (3,) * n_stages, tuple(pool))

    def _part(self, cut: Cut) -> Cut:
        """Choose a network with fewer filters."""
        if self.rng.random() < 0.5:  # the same share of each stage
            shares = [self.rng.choice([0.125, 0.25, 0.5, 0.5, 0.75])] * len(cut.n_filters)
        else:
            shares = self.rng.uniform(0.15, 1, len(cut.n_filters)).tolist()
        return Cut(narrow(cut.n_filters, shares), cut.kernel_size, cut.pool_size)

    def _random_side(self) -> int:
        return int(self.rng.choice(SIDES, p=np.array(SHARES) / sum(SHARES)))

    def _backward(self, side: int, n: int, cut: Cut, log: bool = True) -> float:
        is_color = self.rng.random() < 0.35
        if side > 32:
            n = n * 3 // 4
        images, labels = self.drawer.sample(n, side, is_color, self.rng)
        # Roughly the pixel scale that an estimator sets.
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).sub(0.5).div(0.29)
        if is_color:
            pixels = pixels.contiguous(memory_format=torch.channels_last)
        targets = torch.from_numpy(labels)
        scores = self.bank(pixels, cut)
        loss = F.cross_entropy(scores, targets, label_smoothing=self.lesson.label_smoothing)
        loss.backward()
        if log:
            self.hits.append(float((scores.argmax(1) == targets).float().mean()))
        return float(loss.detach())

    def _move(self, share: float) -> None:
        torch.nn.utils.clip_grad_norm_(self.bank.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lesson.learning_rate * share
        self.optimizer.step()
        self.optimizer.zero_grad()
