import numpy as np
import pytest
from helpers import small_classifier

from sklearn_shapecnn import TrainingDisplay


def test_training_curves(task):
    clf, X, y = task
    other = small_classifier(max_iter=2).fit(X, y)
    display = TrainingDisplay.from_estimator({"held out": clf, "all": other})
    loss, score = display.axes_
    assert [line.get_label() for line in loss.lines] == ["held out", "all"]
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), other.loss_curve_)
    np.testing.assert_array_equal(loss.lines[1].get_xdata(), [1, 2])
    assert len(score.lines) == 1
    np.testing.assert_array_equal(score.lines[0].get_ydata(), clf.validation_scores_)

    assert len(TrainingDisplay.from_estimator(other).axes_) == 1
    later = TrainingDisplay({"": [3, 2, 1]}, {"": [0.5, 0.6]})  # warm_start, then early_stopping
    np.testing.assert_array_equal(later.plot().axes_[1].lines[0].get_xdata(), [2, 3])
    assert list(TrainingDisplay.from_estimator([other, clf]).loss_curves) == ["fit 1", "fit 2"]
    with pytest.raises(ValueError, match="estimator is empty"):
        TrainingDisplay.from_estimator([])
