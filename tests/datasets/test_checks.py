"""The errors of the makers of shapes for parameters out of range."""

import numpy as np
import pytest

from sklearn_shapecnn.datasets import make_multilabel_shapes, make_shapes


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1; got 0"),
        ({"n_samples": -5}, ValueError, "n_samples must be at least 1; got -5"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": True}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": "12"}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": [3, True, 2]}, TypeError, "n_samples must be an integer or a sequence"),
        ({"n_samples": [3, 2]}, ValueError, "n_samples has 2 counts for 3 shapes"),
        ({"n_samples": [3, -1, 2]}, ValueError, "must not be negative"),
        ({"n_samples": [0, 0, 0]}, ValueError, "or zero for all"),
        (
            {"image_shape": 72},
            TypeError,
            r"^image_shape must be \(height, width\) or \(height, width, 3\), integers of pixels",
        ),
        ({"image_shape": ()}, TypeError, r"got \(\)\."),
        ({"image_shape": (72, 72, 3, 1)}, ValueError, r"got \(72, 72, 3, 1\)\."),
        ({"image_shape": (72,)}, ValueError, r"\(height, width, 3\).*got \(72,\)"),
        ({"image_shape": (72, 72, 1)}, ValueError, r"got \(72, 72, 1\)"),
        ({"image_shape": (72.0, 72)}, TypeError, "integers of pixels"),
        ({"image_shape": (True, 72)}, TypeError, "integers of pixels"),
        ({"image_shape": (2, 72)}, ValueError, "at least 3 pixels high and wide"),
        ({"image_shape": (-72, 72)}, ValueError, "at least 3 pixels high and wide"),
        ({"shapes": ()}, ValueError, "shapes is empty. Choose one or more from: circle, cross"),
        ({"shapes": "circle"}, TypeError, "sequence of names, such as"),
        ({"shapes": 3}, TypeError, "sequence of names, such as"),
        ({"shapes": ["blob"]}, ValueError, "unknown shape 'blob'.*from: circle, cross, ellipse"),
        ({"shapes": ["star", 1]}, ValueError, "unknown shape 1"),
        ({"shapes": ["star", "star"]}, ValueError, "a name twice"),
        ({"size": (0.6, 0.25)}, ValueError, "size must have low <= high.*Swap"),
        ({"size": 1.2}, ValueError, "no room for the shape.*72 pixels.*largest that fits is 1.0"),
        ({"size": 0}, ValueError, r"size must be finite and in \(0, inf\); got 0"),
        ({"size": float("nan")}, ValueError, "size must be finite"),
        ({"size": (0.1, 0.2, 0.3)}, ValueError, r"number or a pair \(low, high\)"),
        ({"size": "big"}, TypeError, "size must be made of real numbers; got 'big'"),
        ({"size": None}, TypeError, "size must be made of real numbers; got None"),
        ({"size": True}, TypeError, "size must be made of real numbers; got True"),
        ({"size": 0.04}, ValueError, "2.88 pixels across.*Give at least 0.042,"),
        ({"image_shape": (4, 4)}, ValueError, "2.4 pixels across.*Give at least 0.75"),
        ({"rotation": (0, float("inf"))}, ValueError, "rotation must be finite"),
        ({"rotation": (10, -10)}, ValueError, "rotation must have low <= high"),
        ({"aspect_ratio": 0}, ValueError, r"aspect_ratio must be finite and in \[0.01, 1\]"),
        ({"aspect_ratio": (0.5, 1.5)}, ValueError, "aspect_ratio must be finite and in"),
        ({"min_visible": 0}, ValueError, r"min_visible must be finite and in \(0, 1\]; got 0"),
        ({"min_visible": 1.1}, ValueError, "min_visible must be finite"),
        ({"min_visible": (0.5, 1)}, TypeError, "min_visible must be"),
        ({"filled": 1.5}, ValueError, r"filled must be finite and in \[0, 1\]"),
        ({"filled": "yes"}, ValueError, "The 'filled' parameter of make_shapes"),
        ({"line_width": 0}, ValueError, "line_width must be finite and in"),
        ({"foreground": (0.5, 1.5)}, ValueError, r"foreground must be finite and in \[0, 1\]"),
        ({"background": -0.1}, ValueError, "background must be finite"),
        ({"min_contrast": -1}, ValueError, "min_contrast must be finite"),
        (
            {"min_contrast": 0.5, "foreground": (0.4, 0.6), "background": (0.3, 0.5)},
            ValueError,
            "min_contrast=0.5 is not possible.*differ by at most 0.3. Lower min_contrast or",
        ),
        (
            {"min_contrast": 0.9, "foreground": (0.1, 0.2), "background": (0.6, 0.9)},
            ValueError,
            "min_contrast=0.9 is not possible.*differ by at most 0.8",
        ),
        ({"noise": -0.1}, ValueError, r"noise must be finite and in \[0, inf\); got -0\.1"),
        ({"rotation": 1.1e9}, ValueError, r"rotation must be finite and in \[-1000000000.0, 1000"),
        ({"line_width": 1.1}, ValueError, r"line_width must be finite and in \(0, 1\]; got 1.1"),
        ({"background": 1.1}, ValueError, r"background must be finite and in \[0, 1\]; got 1.1"),
        ({"min_contrast": 1.1}, ValueError, r"min_contrast must be finite and in \[0, 1\]; got"),
        (
            {"n_samples": 2**33},
            ValueError,
            "n_samples=8589934592 images .* do not fit into any memory. Make",
        ),
        ({"noise": 10**400}, ValueError, "noise must be finite and in"),
        ({"noise": float("inf")}, ValueError, "noise must be finite and in"),
        ({"shuffle": 1}, ValueError, "The 'shuffle' parameter of make_shapes"),
        ({"as_images": "yes"}, ValueError, "The 'as_images' parameter of make_shapes"),
        ({"return_X_y": None}, ValueError, "The 'return_X_y' parameter of make_shapes"),
        ({"return_masks": True}, ValueError, "return_masks=True needs return_X_y=False"),
        ({"random_state": -1}, ValueError, "The 'random_state' parameter of make_shapes"),
        ({"random_state": True}, TypeError, "random_state must not be a bool"),
    ],
)
def test_errors(parameters, error, message):
    with pytest.raises(error, match=message):
        make_shapes(**parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"image_shape": (3, 3), "size": 1.0},
        {"image_shape": (3, 5, 3), "size": 1},
        {"image_shape": (6, 6), "size": 0.5},
        {"rotation": (-1e9, 1e9)},
        {"aspect_ratio": (0.01, 1)},
        {"foreground": (0, 1), "background": np.array([0, 1]), "min_contrast": 1},
        {"foreground": 1, "background": 0, "min_contrast": np.float32(0)},
        {"foreground": (0.1, 0.2), "background": (0.6, 0.9), "min_contrast": 0.8},
        {"foreground": (0.6, 0.9), "background": (0.1, 0.2), "min_contrast": 0.8},
        {"n_samples": np.int64(3), "shapes": np.array(["star"])},
    ],
)
def test_the_ends_of_ranges_are_allowed(parameters):
    X, _ = make_shapes(**{"n_samples": 3, "random_state": 0} | parameters)
    assert len(X) == 3
    assert (np.ptp(X, axis=1) > 0.05).all()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1; got 0"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be an integer; got 2.5"),
        ({"n_samples": [3, 2, 1]}, TypeError, "n_samples must be an integer; got"),
        ({"n_samples": True}, TypeError, "n_samples must be an integer; got True"),
        ({"n_shapes": 1.5}, TypeError, r"integer or a pair of integers \(low, high\); got 1.5"),
        ({"n_shapes": "ab"}, TypeError, "n_shapes must be an integer or a pair"),
        ({"n_shapes": True}, TypeError, "n_shapes must be an integer or a pair"),
        ({"n_shapes": (1, None)}, TypeError, "n_shapes must be an integer or a pair"),
        ({"n_shapes": ()}, ValueError, "n_shapes must be an integer or a pair"),
        ({"n_shapes": (1, 2, 3)}, ValueError, "n_shapes must be an integer or a pair"),
        ({"n_shapes": -1}, ValueError, "n_shapes must not be negative; got -1"),
        ({"n_shapes": (-1, 2)}, ValueError, "n_shapes must not be negative"),
        ({"n_shapes": (3, 1)}, ValueError, "n_shapes must have low <= high.*Swap its ends"),
        ({"n_shapes": 72 * 72 + 1}, ValueError, "more than an image of 72 x 72 pixels can hold"),
        (
            {"n_shapes": 4, "allow_repeats": False},
            ValueError,
            "n_shapes=4 is more than the 3 kinds in shapes. Lower n_shapes, give more shapes, or",
        ),
        ({"allow_repeats": 1}, ValueError, "'allow_repeats' parameter of make_multilabel_shapes"),
        ({"max_overlap": -0.1}, ValueError, r"max_overlap must be finite and in \[0, 0.9\]"),
        ({"max_overlap": 0.95}, ValueError, r"max_overlap must be finite and in \[0, 0.9\]"),
        ({"max_overlap": (0, 0.5)}, TypeError, "max_overlap must be made of real numbers"),
        ({"image_shape": (72, 72, 1)}, ValueError, r"got \(72, 72, 1\)"),
        ({"shapes": ["blob"]}, ValueError, "unknown shape 'blob'"),
        ({"size": 1.2}, ValueError, "no room for the shape"),
        ({"min_visible": 0}, ValueError, "min_visible must be finite"),
        ({"min_contrast": 0.5, "foreground": 0.5, "background": 0.3}, ValueError, "not possible"),
        ({"n_samples": 2**33}, ValueError, "do not fit into any memory"),
        ({"return_masks": True}, ValueError, "return_masks=True needs return_X_y=False"),
        ({"random_state": True}, TypeError, "random_state must not be a bool"),
        ({"random_state": -1}, ValueError, "'random_state' parameter of make_multilabel_shapes"),
    ],
)
def test_errors_of_make_multilabel_shapes(parameters, error, message):
    with pytest.raises(error, match=message):
        make_multilabel_shapes(**parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"image_shape": (3, 3), "size": 1.0, "n_shapes": 1},
        {"n_shapes": (0, 0)},
        {"n_shapes": 3, "allow_repeats": False},
        {"n_shapes": 2, "max_overlap": 0.9, "foreground": 1, "background": 0, "min_contrast": 1},
        {"n_shapes": 2, "max_overlap": np.float32(0)},
        {"n_samples": np.int64(3), "shapes": np.array(["star"])},
    ],
)
def test_the_ends_of_ranges_of_make_multilabel_shapes_are_allowed(parameters):
    X, Y = make_multilabel_shapes(**{"n_samples": 3, "random_state": 0} | parameters)
    assert len(X) == 3
    assert ((np.ptp(X, axis=1) > 0.05) == Y.any(axis=1)).all()
