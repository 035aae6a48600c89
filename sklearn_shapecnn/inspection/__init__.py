"""What a fitted network sees: its filters, feature maps, and the pixels that decide.

Every function and display accepts a fitted classifier, a pipeline that ends in one, a search
around one, or any of these in a `FrozenEstimator`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from sklearn_shapecnn.inspection._architecture import architecture
    from sklearn_shapecnn.inspection._feature_maps import feature_maps, filters
    from sklearn_shapecnn.inspection._plot.architecture import ArchitectureDisplay
    from sklearn_shapecnn.inspection._plot.feature_maps import FeatureMapDisplay
    from sklearn_shapecnn.inspection._plot.filters import FilterDisplay
    from sklearn_shapecnn.inspection._plot.images import ImagesDisplay
    from sklearn_shapecnn.inspection._plot.saliency import SaliencyDisplay
    from sklearn_shapecnn.inspection._plot.shifts import ShiftDisplay
    from sklearn_shapecnn.inspection._plot.training import TrainingDisplay
    from sklearn_shapecnn.inspection._saliency import saliency
    from sklearn_shapecnn.inspection._shifts import shift_probabilities

__all__ = [
    "ArchitectureDisplay",
    "FeatureMapDisplay",
    "FilterDisplay",
    "ImagesDisplay",
    "SaliencyDisplay",
    "ShiftDisplay",
    "TrainingDisplay",
    "architecture",
    "feature_maps",
    "filters",
    "saliency",
    "shift_probabilities",
]

# Most of these need torch, and importing torch takes seconds.
__getattr__, __dir__, _lazy_names = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_architecture": ["architecture"],
        "_feature_maps": ["feature_maps", "filters"],
        "_plot.architecture": ["ArchitectureDisplay"],
        "_plot.feature_maps": ["FeatureMapDisplay"],
        "_plot.filters": ["FilterDisplay"],
        "_plot.images": ["ImagesDisplay"],
        "_plot.saliency": ["SaliencyDisplay"],
        "_plot.shifts": ["ShiftDisplay"],
        "_plot.training": ["TrainingDisplay"],
        "_saliency": ["saliency"],
        "_shifts": ["shift_probabilities"],
    },
)
