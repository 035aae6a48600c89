"""A convolutional network for small images that behaves as a scikit-learn classifier."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sklearn_shapecnn.datasets import make_shapes

if TYPE_CHECKING:
    from sklearn_shapecnn.classifier import ShapeCNNClassifier
    from sklearn_shapecnn.displays import (
        ArchitectureDisplay,
        FeatureMapDisplay,
        FilterDisplay,
        ImagesDisplay,
        SaliencyDisplay,
        ShiftDisplay,
        TrainingDisplay,
    )

__version__ = "0.1.0"
__all__ = [
    "ArchitectureDisplay",
    "FeatureMapDisplay",
    "FilterDisplay",
    "ImagesDisplay",
    "SaliencyDisplay",
    "ShapeCNNClassifier",
    "ShiftDisplay",
    "TrainingDisplay",
    "__version__",
    "make_shapes",
]


def __getattr__(name: str) -> Any:
    # Importing torch takes seconds, and make_shapes does without it.
    if name == "ShapeCNNClassifier":
        return importlib.import_module("sklearn_shapecnn.classifier").ShapeCNNClassifier
    if name in __all__:
        return getattr(importlib.import_module("sklearn_shapecnn.displays"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
