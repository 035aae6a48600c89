import numpy as np
import pytest
from drawing import pixels

from sklearn_shapecnn import ShiftDisplay
from sklearn_shapecnn.inspection import shift_probabilities


def test_shift_map_and_lines(task):
    clf, X, _ = task
    result = shift_probabilities(clf, X[:4], max_shift=2)
    display = ShiftDisplay.from_estimator(clf, X[:4], max_shift=2)
    labels = result.probabilities[:, 2, 2].argmax(1)
    expected = np.mean(
        [p[..., label] for p, label in zip(result.probabilities, labels, strict=True)], 0
    )
    np.testing.assert_allclose(pixels(display.ax_), expected)
    assert f"{result.same_label:.1%}" in display.ax_.get_title()

    display.plot(kind="line")
    lines = {line.get_label(): line for line in display.ax_.lines}
    assert list(lines) == ["dark", "light"]
    np.testing.assert_allclose(lines["light"].get_ydata(), result.probabilities[:, 2, :, 1].mean(0))
    with pytest.raises(ValueError, match="kind must be 'map' or 'line'"):
        display.plot(kind="pie")
