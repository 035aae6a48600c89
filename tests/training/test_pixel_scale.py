import numpy as np
import pytest
from helpers import make_net

from sklearn_shapecnn._training.pixel_scale import PixelScale, match_scale


@pytest.mark.parametrize(
    ("dtype", "deviation", "expected"),
    [
        ("u1", 0.0, (127.5, 255 / 12**0.5)),
        ("u1", 5.0, (127.5, 255 / 12**0.5)),
        ("u1", 5.2, (2.0, 5.2)),
        ("i1", 1.0, (-0.5, 255 / 12**0.5)),
        ("?", 0.0, (0.5, 12**-0.5)),
        ("u2", 5.0, (2.0, 5.0)),
        ("i8", 0.0, (2.0, 0.0)),
        ("f4", 0.1, (2.0, 0.1)),
    ],
)
def test_what_a_first_piece_teaches(dtype, deviation, expected):
    found = PixelScale(2.0, deviation).of_a_stream(np.dtype(dtype))
    assert (found.center, found.deviation) == pytest.approx(expected)
    assert found.is_known == (expected[1] > 0)


@pytest.mark.parametrize(
    ("known", "found", "dtype", "is_doubted"),
    [
        ((0.5, 0.3), (0.6, 0.2), "f4", False),
        ((0.5, 0.3), (128, 70), "f4", True),
        ((0.5, 0.3), (128, 70), "u1", True),
        ((128, 70), (0.5, 0.3), "f4", True),
        ((128, 70), (1, 0.3), "u1", False),  # dark, but on the scale of its dtype
        ((30000, 9000), (128, 70), "u1", True),
        ((0.5, 0.3), (7, 0.3), "f4", True),
        ((0.5, 0.3), (0.5, 0), "f4", False),  # of one color
        ((0.5, 0.3), (255, 0), "f4", True),
        ((0.5, 0.3), (1, 0), "?", False),
    ],
)
def test_a_doubtful_scale_is_warned_of_once(known, found, dtype, is_doubted):
    net = make_net()
    center, deviation = known
    net.module_.center.fill_(center)
    net.module_.scale.fill_(1 / deviation)
    if is_doubted:
        with pytest.warns(UserWarning, match="another scale"):
            match_scale(net, PixelScale(*found), np.dtype(dtype))
    match_scale(net, PixelScale(*found), np.dtype(dtype))
    assert net.has_doubted_scale_ == is_doubted
    assert float(net.module_.center) == pytest.approx(center)


def test_the_first_spread_sets_a_scale_that_is_not_known_yet():
    net = make_net()
    net.knows_scale_ = False
    match_scale(net, PixelScale(5.0, 0.0), np.dtype("f4"))
    assert (float(net.module_.center), net.knows_scale_) == (0, False)
    match_scale(net, PixelScale(5.0, 4.0), np.dtype("f4"))
    assert (float(net.module_.center), float(net.module_.scale)) == (5, 0.25)
    assert net.knows_scale_
