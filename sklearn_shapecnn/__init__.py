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
    from sklearn_shapecnn.image_files import ImageReader, load_image_folder
    from sklearn_shapecnn.onnx_export import to_onnx

__version__ = "0.1.0"
__all__ = [
    "ArchitectureDisplay",
    "FeatureMapDisplay",
    "FilterDisplay",
    "ImageReader",
    "ImagesDisplay",
    "SaliencyDisplay",
    "ShapeCNNClassifier",
    "ShiftDisplay",
    "TrainingDisplay",
    "__version__",
    "load_image_folder",
    "make_shapes",
    "to_onnx",
]

# Where to find what is not imported yet; all other names are displays. Importing torch takes
# seconds, and make_shapes does without it.
_ROOMS = {
    "ImageReader": "image_files",
    "ShapeCNNClassifier": "classifier",
    "load_image_folder": "image_files",
    "to_onnx": "onnx_export",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS.get(name, 'displays')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
