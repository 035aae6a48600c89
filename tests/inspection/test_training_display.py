import pickle

import numpy as np
import pytest
from helpers import small_classifier

from sklearn_shapecnn import TrainingDisplay, make_shapes


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


def test_rounds_are_marked_where_the_loss_may_jump():
    X, y = make_shapes(60, image_shape=(12, 12), random_state=0)
    clf = small_classifier(max_iter=3, warm_start=True).fit(X, y)
    (loss,) = TrainingDisplay.from_estimator(clf).axes_
    assert len(loss.lines) == 1
    clf.fit(X, y)
    (loss,) = TrainingDisplay.from_estimator(pickle.loads(pickle.dumps(clf))).axes_
    curve, mark = loss.lines
    assert len(curve.get_ydata()) == 6
    assert list(mark.get_xdata()) == [3.5, 3.5]  # between the third and the fourth epoch
    clf.partial_fit(X, y)  # one more epoch, without a new round
    clf.set_params(max_iter=2).fit(X, y)
    marks = TrainingDisplay.from_estimator(clf).axes_[0].lines[1:]
    assert [line.get_xdata()[0] for line in marks][-1] == 7.5


def test_a_second_round_is_marked():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(480, 36)), rng.integers(0, 2, 480)  # nothing to learn in a short round
    clf = small_classifier(weights=None, max_iter="auto", batch_size=5).fit(X, y)
    assert clf.n_iter_ > 8
    _, mark = TrainingDisplay.from_estimator(clf).axes_[0].lines
    assert mark.get_xdata()[0] == 2.5
