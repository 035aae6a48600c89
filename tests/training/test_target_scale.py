"""TargetScale: targets of any size become ones that suit a network, and come back."""

import numpy as np
import pytest

from sklearn_shapecnn._training.target_scale import TargetScale

RNG = np.random.default_rng(0)
TARGETS = RNG.normal(5, 2, (200, 2))
WEIGHTS = np.ones(200)


def test_usual_targets_get_mean_zero_and_deviation_one():
    standard = TargetScale.of(TARGETS, WEIGHTS).standardize(TARGETS)
    assert standard.dtype == np.float32
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("is_robust", [False, True])
@pytest.mark.parametrize("factor", [1.0, 1e30, 1e-30, 1e300, 1e-300, 1e307])
def test_they_come_back(factor, is_robust):
    targets = TARGETS * factor
    scale = TargetScale.of(targets, WEIGHTS, is_robust)
    assert (scale.deviation > 0).all()
    restored = scale.restore(scale.standardize(targets).astype(np.float64))
    np.testing.assert_allclose(restored, targets, rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e308, -5e-324])
def test_targets_that_are_all_the_same_come_back_to_the_bit(value):
    scale = TargetScale.of(np.full((7, 1), value), np.array([3, 1, 1, 1, 1, 1, 0.1]))
    assert scale.deviation == 0
    assert scale.restore(np.array([[123.0]])) == value
    assert scale.standardize(np.full((7, 1), value)).tolist() == [[0.0]] * 7


def test_robust_scales_do_not_see_a_wild_target():
    wild = TARGETS.copy()
    wild[0] = 1e20
    usual, robust = (TargetScale.of(wild, WEIGHTS, is_robust) for is_robust in (False, True))
    assert (usual.deviation > 1e17).all()
    np.testing.assert_allclose(robust.center, np.median(TARGETS, axis=0), atol=0.2)
    np.testing.assert_allclose(robust.deviation, 2, rtol=0.2)
    assert np.isfinite(robust.standardize(wild) ** 2).all()


def test_robust_scales_of_targets_that_are_mostly_the_same():
    targets = np.where(np.arange(100) % 5 == 0, 3.0, 1.0)[:, None]
    scale = TargetScale.of(targets, np.ones(100), is_robust=True)
    assert (scale.center, scale.deviation) == (1, 2)


def test_a_weight_counts_like_as_many_targets():
    weights = RNG.integers(0, 4, 200)
    for is_robust in (False, True):
        one = TargetScale.of(TARGETS, weights.astype(float), is_robust)
        repeated = np.repeat(TARGETS, weights, axis=0)
        other = TargetScale.of(repeated, np.ones(len(repeated)), is_robust)
        np.testing.assert_allclose(one.center, other.center)
        np.testing.assert_allclose(one.deviation, other.deviation)


def test_later_targets_set_only_what_is_not_known():
    first = TargetScale(np.array([5.0, 5.0]), np.array([0.0, 2.0]))
    later = TargetScale(np.array([7.0, 7.0]), np.array([3.0, 3.0]))
    updated = first.updated(later)
    assert updated.center.tolist() == [7, 5]
    assert updated.deviation.tolist() == [3, 2]


def test_a_warning_about_another_scale():
    known = TargetScale(np.array([5.0]), np.array([2.0]))
    known.warn_if_unlike(TargetScale(np.array([9.0]), np.array([10.0])))
    with pytest.warns(UserWarning, match="another scale"):
        known.warn_if_unlike(TargetScale(np.array([5000.0]), np.array([2000.0])))
    unknown = TargetScale(np.array([5.0]), np.array([0.0]))
    unknown.warn_if_unlike(TargetScale(np.array([5000.0]), np.array([2000.0])))


def test_pieces_that_are_each_one_number_teach_a_scale():
    scale = TargetScale(np.array([5.0]), np.array([0.0]))
    updated = scale.updated(TargetScale(np.array([8.0]), np.array([0.0])))
    assert (updated.center, updated.deviation) == (5, 3)
