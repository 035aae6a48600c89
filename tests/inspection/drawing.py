"""What the tests of the displays share."""

import numpy as np

from sklearn_shapecnn import (
    ArchitectureDisplay,
    FeatureMapDisplay,
    FilterDisplay,
    ImagesDisplay,
    SaliencyDisplay,
    ShiftDisplay,
    TrainingDisplay,
)


def pixels(ax):
    """The values of the image that is drawn on axes."""
    return np.asarray(ax.images[0].get_array())


def draw_all(estimator, X, y):
    """One display of each kind, and two of filters."""
    return [
        ImagesDisplay.from_estimator(estimator, X[:5], y[:5]),
        FilterDisplay.from_estimator(estimator),
        FilterDisplay.from_estimator(estimator, stage=1),
        FeatureMapDisplay.from_estimator(estimator, X[:1]),
        SaliencyDisplay.from_estimator(estimator, X[:2]),
        ShiftDisplay.from_estimator(estimator, X[:2], max_shift=1),
        TrainingDisplay.from_estimator(estimator),
        ArchitectureDisplay.from_estimator(estimator),
    ]
