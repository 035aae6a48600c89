import numpy as np
from drawing import pixels

from sklearn_shapecnn import SaliencyDisplay
from sklearn_shapecnn.inspection import saliency


def test_saliency_stands_under_its_image(task):
    clf, X, _ = task
    display = SaliencyDisplay.from_estimator(clf, X[:9], method="occlusion", target="light")
    assert display.axes_.shape == (2, 9)
    expected = saliency(clf, X[:9], method="occlusion", target="light")
    np.testing.assert_array_equal(pixels(display.axes_[1, 8]), expected[8])
    assert {ax.get_title() for ax in display.axes_[0]} == {"light"}
    above, below = (display.axes_[i, 8].get_position() for i in (0, 1))
    assert above.y0 > below.y0
    assert above.x0 == below.x0


def test_grad_cam_of_another_stage(task):
    clf, X, _ = task
    display = SaliencyDisplay.from_estimator(clf, X[:2], stage=0)
    np.testing.assert_array_equal(display.saliency, saliency(clf, X[:2], stage=0))
    assert not np.array_equal(display.saliency, saliency(clf, X[:2]))
