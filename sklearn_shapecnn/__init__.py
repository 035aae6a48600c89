"""A convolutional network for small images that behaves as a scikit-learn classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from sklearn_shapecnn._show_versions import show_versions
    from sklearn_shapecnn.classifier import ShapeCNNClassifier
    from sklearn_shapecnn.datasets import (
        load_image_folder,
        make_letters,
        make_multilabel_shapes,
        make_shapes,
    )
    from sklearn_shapecnn.export import to_onnx
    from sklearn_shapecnn.images import ImageReader
    from sklearn_shapecnn.inspection import (
        ArchitectureDisplay,
        FeatureMapDisplay,
        FilterDisplay,
        ImagesDisplay,
        SaliencyDisplay,
        ShiftDisplay,
        TrainingDisplay,
    )
    from sklearn_shapecnn.regressor import ShapeCNNRegressor

__version__ = "0.1.0.dev0"

# Names are imported on first use: torch takes seconds, and make_shapes does not need it.
__getattr__, _list_lazy_names, _ = lazy_loader.attach(
    __name__,
    submodules=["datasets", "export", "images", "inspection"],
    submod_attrs={
        "_show_versions": ["show_versions"],
        "classifier": ["ShapeCNNClassifier"],
        "regressor": ["ShapeCNNRegressor"],
        "datasets": ["load_image_folder", "make_letters", "make_multilabel_shapes", "make_shapes"],
        "export": ["to_onnx"],
        "images": ["ImageReader"],
        "inspection": [
            "ArchitectureDisplay",
            "FeatureMapDisplay",
            "FilterDisplay",
            "ImagesDisplay",
            "SaliencyDisplay",
            "ShiftDisplay",
            "TrainingDisplay",
        ],
    },
)
__all__ = [
    "ArchitectureDisplay",
    "FeatureMapDisplay",
    "FilterDisplay",
    "ImageReader",
    "ImagesDisplay",
    "SaliencyDisplay",
    "ShapeCNNClassifier",
    "ShapeCNNRegressor",
    "ShiftDisplay",
    "TrainingDisplay",
    "__version__",
    "load_image_folder",
    "make_letters",
    "make_multilabel_shapes",
    "make_shapes",
    "show_versions",
    "to_onnx",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *_list_lazy_names()})
