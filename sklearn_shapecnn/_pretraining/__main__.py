"""The command that trains the shipped filters: python -m sklearn_shapecnn._pretraining."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from sklearn_shapecnn._network.pretrained import SHIPPED
from sklearn_shapecnn._pretraining.drawing import Drawer
from sklearn_shapecnn._pretraining.export import export
from sklearn_shapecnn._pretraining.formulas import draw_formulas
from sklearn_shapecnn._pretraining.teach import Lesson, Teacher

QUICK = Lesson(n_categories=12, n_steps=40, n_kernel_steps=4, batch_size=32)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the bank and write it, or draw a sheet of formulas."""
    options = _parse(arguments)
    if options.sheet is not None:
        _write_sheet(options.sheet)
        return
    torch.set_num_threads(1)  # so that the result does not depend on the number of cores
    lesson = QUICK if options.quick else Lesson()
    # A separate folder, so that a quick run does not touch the files of a long one.
    folder = options.checkpoints / "quick" if options.quick else options.checkpoints
    output = options.output or folder / SHIPPED
    teacher = Teacher(lesson, folder)
    if not options.quick:  # which is for seeing the present code learn
        teacher.resume()
    if teacher.step:
        print(f"Going on from step {teacher.step}.")
    teacher.run(log_every=10 if options.quick else 100)
    if options.quick:
        first, last = np.mean(teacher.losses[:10]), np.mean(teacher.losses[30:40])
        print(f"The loss fell from {first:.2f} to {last:.2f}.")
        if not last < first:
            raise SystemExit("The loss has not fallen.")
    output.parent.mkdir(parents=True, exist_ok=True)
    export(teacher.bank, output)
    print(f"Wrote {output}: {output.stat().st_size / 1e6:.2f} MB.")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_shapecnn._pretraining", description=__doc__
    )
    parser.add_argument("--quick", action="store_true", help="only check that the loss falls")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path(".pretraining"),
        help="folder of the checkpoint, to resume an interrupted run (%(default)s)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help=f"file of the filters (default: {SHIPPED} in that folder, or in its subfolder quick)",
    )
    parser.add_argument("--sheet", type=Path, help="draw images of formulas into this PNG instead")
    options = parser.parse_args(arguments)
    if options.sheet is not None and options.sheet.suffix.lower() != ".png":
        parser.error(f"--sheet needs a file name that ends in .png, but got {options.sheet}")
    return options


def _write_sheet(path: Path, n_rows: int = 16, n_columns: int = 24) -> None:
    """Draw images of random categories, gray in the upper half and in color in the lower half."""
    import cv2

    drawer = Drawer(draw_formulas(Lesson.n_categories, Lesson.seed))
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n_rows):
        images, _ = drawer.sample(n_columns, 32, is_color=i >= n_rows // 2, rng=rng)
        framed = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=1)
        rows.append(np.broadcast_to(np.concatenate(list(framed), axis=1), (34, 34 * n_columns, 3)))
    sheet = (np.concatenate(rows)[..., ::-1] * 255).astype(np.uint8)
    large = cv2.resize(sheet, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), large):
        raise SystemExit(f"{path} could not be written.")


if __name__ == "__main__":
    main()
