"""Formulas: drawn from a seed alone, in the shares of their families, inside the frame."""

from collections import Counter

import numpy as np
import pytest

from sklearn_shapecnn._pretraining.formulas import FAMILIES, MAX_PARTS, N_POINTS, draw_formulas


@pytest.fixture(scope="module")
def formulas():
    return draw_formulas(1100, seed=0)


def points_of(formulas):
    return np.concatenate([part.points for formula in formulas for part in formula.parts])


def draw_and_count(monkeypatch, n_categories):
    """Draw formulas and count those of each family."""
    counts = Counter()
    for name, (draw, share) in list(FAMILIES.items()):

        def draw_counted(rng, name=name, draw=draw):
            counts[name] += 1
            return draw(rng)

        monkeypatch.setitem(FAMILIES, name, (draw_counted, share))
    return draw_formulas(n_categories, seed=0), counts


def describe(formula):
    """All that a formula is made of, as something to compare."""
    parts = [(part.points.tolist(), part.is_filled, part.level) for part in formula.parts]
    hues = None if formula.hues is None else formula.hues.tolist()
    others = (formula.n_copies, formula.spectrum, formula.sharpness, formula.is_color_only)
    return parts, hues, others


def test_the_seed_decides_the_formulas():
    one, same, other = ([describe(f) for f in draw_formulas(60, seed)] for seed in (3, 3, 4))
    assert one == same
    assert not any(ours == theirs for ours, theirs in zip(one, other, strict=True))


def test_no_global_random_numbers_are_drawn():
    state = np.random.get_state()[1].copy()
    draw_formulas(60, seed=0)
    np.testing.assert_array_equal(state, np.random.get_state()[1])


def test_hardly_any_formula_is_drawn_twice(formulas):
    assert len({repr(describe(formula)) for formula in formulas}) > 0.99 * len(formulas)


@pytest.mark.parametrize("n_categories", [1, 12, 100, 1000])
def test_families_have_the_shares_that_they_ask_for(monkeypatch, n_categories):
    drawn, counts = draw_and_count(monkeypatch, n_categories)
    assert len(drawn) == sum(counts.values()) == n_categories
    total = sum(share for _, share in FAMILIES.values())
    for name, (_, share) in FAMILIES.items():
        assert abs(counts[name] - share / total * n_categories) <= 1
        assert counts[name] > 0 or n_categories < 100


def test_all_points_are_finite_and_about_in_the_frame(formulas):
    points = points_of(formulas)
    assert np.isfinite(points).all()
    assert np.abs(points).max() < 1.1


def test_most_formulas_fill_the_frame(formulas):
    drawn_once = [f for f in formulas if f.parts and f.n_copies == (1, 1)]
    extents = np.array([np.ptp(points_of([formula]), axis=0).max() for formula in drawn_once])
    assert np.quantile(extents, 0.1) > 1
    assert extents.min() > 0.2


def test_parts_have_the_size_that_the_drawer_needs(formulas):
    for formula in formulas:
        assert len(formula.parts) <= MAX_PARTS
        for part in formula.parts:
            assert part.points.shape == (N_POINTS, 2)
            assert 0 <= part.level <= 1


def test_each_formula_shows_something(formulas):
    for formula in formulas:
        assert bool(formula.parts) != (formula.spectrum is not None)
        if formula.parts:
            assert max(part.level for part in formula.parts) > 0
            assert max(np.ptp(part.points, axis=0).max() for part in formula.parts) > 0.05
        assert 1 <= formula.n_copies[0] <= formula.n_copies[1]


def test_colors_are_colors_and_are_not_alike(formulas):
    hues = np.array([formula.hues for formula in formulas if formula.hues is not None])
    assert hues.shape[1:] == (2, 3)
    assert hues.min() >= 0 and hues.max() <= 1
    assert np.abs(hues[:, 0] - hues[:, 1]).max(axis=1).min() > 0.2
    assert 0.15 < len(hues) / len(formulas) < 0.45  # a quarter of all and all palettes


def test_what_only_colors_tell_apart_has_colors(formulas):
    only = [formula for formula in formulas if formula.is_color_only]
    assert 0.02 < len(only) / len(formulas) < 0.06
    assert all(formula.hues is not None for formula in only)
