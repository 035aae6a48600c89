import numpy as np
import pytest
from drawing import pixels

from sklearn_shapecnn import FeatureMapDisplay
from sklearn_shapecnn.inspection import feature_maps


def test_feature_maps_are_those_of_the_image(task):
    clf, X, _ = task
    display = FeatureMapDisplay.from_estimator(clf, X[:1], n_maps=3)
    first, *stages = display.axes_
    assert len(first) == 1
    assert [len(cells) for cells in stages] == [3, 3, 3, 3]
    for i, (cells, maps) in enumerate(zip(stages, feature_maps(clf, X[:1]), strict=True), 1):
        strongest = maps[0][..., np.ptp(maps[0], axis=(0, 1)).argmax()]
        np.testing.assert_array_equal(pixels(cells[0]), strongest)
        assert cells[0].get_title().startswith(f"stage {i}\n")


def test_feature_maps_of_one_image_only(task):
    clf, X, _ = task
    with pytest.raises(ValueError, match=r"X holds 2: give X\[:1\]"):
        FeatureMapDisplay.from_estimator(clf, X[:2])
