"""What training in bfloat16 would bring: accuracy and CPU time of a fit, compared with float32.

Run ``OMP_NUM_THREADS=1 python docs/benchmarks/bfloat16.py`` on a processor that multiplies numbers
of 16 bits (AMX, AVX-512 BF16). ``--quick`` fits on a few digits. The forward pass of training runs
under torch's autocast; predictions stay in float32.
"""

from __future__ import annotations

import numpy as np
import torch
from common import is_quick, mean_and_error, print_header, print_machine, print_row
from transfer import OURS, TASKS, measure

from sklearn_shapecnn._network.modules import ShapeCNN

DATA = {
    "digits": (1000, 5),
    "MNIST": (1000, 5),
    "letters anywhere": (1000, 5),
    "hard shapes": (3000, 3),
}
FIRST_SEED = 40
in_float32 = ShapeCNN.forward


def in_bfloat16(network: ShapeCNN, x: torch.Tensor) -> torch.Tensor:
    """Compute the scores of a network; in training, with products of 16 bits."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=network.training):
        return in_float32(network, x).float()


def main() -> None:
    """Measure and print a table."""
    quick = is_quick(__doc__)
    print_machine()
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        print("This processor has no instructions for bfloat16, so there is nothing to measure.")
        return
    kinds = {"float32": in_float32, "bfloat16": in_bfloat16}
    print_header(
        "data", "images", *(f"accuracy, {name}" for name in kinds), "bfloat16 over float32"
    )
    for task, (n, n_seeds) in DATA.items():
        accuracies: dict[str, list[float]] = {name: [] for name in kinds}
        seconds: dict[str, list[float]] = {name: [] for name in kinds}
        for seed in range(FIRST_SEED, FIRST_SEED + (1 if quick else n_seeds)):
            split = TASKS[task][0](60 if quick else n, seed)
            for name, forward in kinds.items():
                ShapeCNN.forward = forward
                accuracy, spent, _ = measure(OURS["weights='shapes'"], split, seed)
                accuracies[name].append(accuracy)
                seconds[name].append(spent)
        means = [np.mean(seconds[name]) for name in ("bfloat16", "float32")]
        cells = [mean_and_error(accuracies[name]) for name in kinds]
        print_row(task, n, *cells, f"{means[0] / means[1]:.2f}")
        if quick:
            return


if __name__ == "__main__":
    main()
