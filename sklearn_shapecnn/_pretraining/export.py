"""Write the bank as the file that the package ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sklearn_shapecnn._pretraining.bank import N_FILTERS, Bank


def export(bank: Bank, path: Path) -> None:
    """Write filters and normalization in float16; the filters of a stage get norm one on average.

    Parameters
    ----------
    bank : Bank
    path : Path
    """
    arrays = {}
    for name, weight in bank.filters.items():
        scale = np.sqrt(len(weight)) / float(weight.detach().norm())
        arrays[name] = weight.detach().numpy() * scale
    for i in range(len(N_FILTERS)):
        for part in ("weight", "bias"):
            arrays[f"{i}_norm_{part}"] = bank.norms[f"{i}_{part}"].detach().numpy()
    with path.open("wb") as file:  # NumPy would add a suffix to a path
        np.savez(file, **{name: array.astype(np.float16) for name, array in arrays.items()})
