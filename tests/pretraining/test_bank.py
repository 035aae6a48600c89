"""The bank: parts of it are networks of their own, the same that the package makes of them."""

import pytest
import torch

from sklearn_shapecnn._pretraining.bank import KERNEL_SIZES, N_FILTERS, Bank, Cut, narrow

CUTS = [
    Cut((8, 12, 16, 20), (3, 3, 3, 3), (2, 2, 1, 1)),
    Cut((8, 12, 16), (3, 3, 3), (2, 2, 1)),
    Cut((4, 64, 8, 128), (1, 2, 3, 1), (1, 2, 2, 1)),
    Cut((32, 4, 128), (2, 2, 2), (2, 1, 2)),
]


def images(n_channels=3, side=16):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(6, n_channels, side, side, generator=generator)


@torch.no_grad()
def scores_of(bank, cut, x=None):
    return bank(images() if x is None else x, cut)


@torch.no_grad()
def change_outside(bank, cut):
    """Add noise to everything that is no part of a network."""
    generator = torch.Generator().manual_seed(1)
    for name, weight in bank.named_parameters():
        kind, _, key = name.partition(".")
        stage, what = key.split("_")
        stage = int(stage)
        inside = torch.zeros(weight.shape, dtype=torch.bool)
        depth = len(cut.n_filters)
        if kind == "heads" and stage == depth:
            if what == "weight":
                inside[:, :, : cut.n_filters[-1]] = True
            else:
                inside[:] = True
        elif kind != "heads" and stage < depth:
            n_out = cut.n_filters[stage]
            if kind == "norms":
                inside[:n_out] = True
            elif int(what) == cut.kernel_size[stage]:
                inside[:n_out, : cut.n_filters[stage - 1] if stage else 3] = True
        weight[~inside] += torch.randn(weight.shape, generator=generator)[~inside]


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_scores_of_a_part_do_not_depend_on_the_rest(cut):
    bank = Bank(5, seed=0)
    before = scores_of(bank, cut)
    whole = Cut(N_FILTERS, (3, 3, 3, 3), (2, 2, 1, 1))
    whole_before = scores_of(bank, whole)
    change_outside(bank, cut)
    assert torch.equal(scores_of(bank, cut), before)
    assert before.shape == (6, 5)
    assert not torch.allclose(scores_of(bank, whole), whole_before)  # something was changed


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_only_the_part_learns(cut):
    bank = Bank(5, seed=0)
    bank(images(), cut).square().sum().backward()
    moved = {name: weight.grad is not None for name, weight in bank.named_parameters()}
    depth = len(cut.n_filters)
    for i in range(len(N_FILTERS)):
        for size in KERNEL_SIZES:
            is_part = i < depth and size == cut.kernel_size[i]
            assert moved[f"filters.{i}_{size}"] == is_part
            if is_part:
                gradient = bank.filters[f"{i}_{size}"].grad
                assert (gradient[cut.n_filters[i] :] == 0).all()
                assert (gradient[: cut.n_filters[i]] != 0).any()


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone():
    state = torch.get_rng_state()
    one, same, other = (scores_of(Bank(5, seed), CUTS[0]) for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


def test_gray_images_are_colored_ones_of_three_equal_channels():
    gray = images(1)
    bank = Bank(5, seed=0)
    for cut in CUTS:
        torch.testing.assert_close(
            scores_of(bank, cut, gray),
            scores_of(bank, cut, gray.expand(-1, 3, -1, -1)),
            rtol=1e-3,
            atol=1e-3,
        )


@pytest.mark.parametrize("pool_size", [(4, 2, 1, 1), (2, 2, 2, 1), (16, 1, 1, 1)], ids=str)
def test_maps_too_small_for_the_head_are_an_error(pool_size):
    cut = Cut((8, 8, 8, 8), (3, 3, 3, 3), pool_size)
    with pytest.raises(ValueError, match="too small"):
        scores_of(Bank(5, seed=0), cut)


def test_maps_of_three_pixels_are_large_enough():
    cut = Cut((8, 8, 8, 8), (3, 3, 3, 3), (4, 2, 1, 1))
    assert scores_of(Bank(5, seed=0), cut, images(side=24)).shape == (6, 5)


def test_narrow_takes_shares_in_fours():
    assert narrow((32, 64, 128, 128), (1, 1, 1, 1)) == (32, 64, 128, 128)
    assert narrow((32, 64, 128), (0.5, 0.75, 0.125)) == (16, 48, 16)
    assert narrow((32, 64, 128), (0.01, 0.3, 0.26)) == (4, 20, 32)
