import numpy as np
import pytest
import torch
from helpers import make_sample
from sklearn.exceptions import ConvergenceWarning

from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._training.sample import Batches, count_batches, distinct_sample


def test_distinct_sample_merges_equal_pairs_and_drops_weightless_ones():
    pixels = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [5, 6], [3, 4]])
    targets = np.array([0, 1, 0, 1, 0, 1])
    weights = np.array([1.0, 0.5, 2.0, 1.0, 0.0, 0.5])
    sample, *_ = distinct_sample(ImageSet(pixels, (1, 2, 1)), targets, weights)
    found = {
        (*pixels[row], target): weight
        for row, target, weight in zip(sample.rows, sample.targets, sample.weights, strict=True)
    }
    expected = {(1, 2, 0): 3, (3, 4, 1): 1, (1, 2, 1): 1}
    mean = 5 / 3
    assert found == pytest.approx({key: weight / mean for key, weight in expected.items()})


def test_distinct_sample_does_not_depend_on_the_order_of_the_images():
    rng = np.random.default_rng(0)
    pixels, targets = rng.normal(size=(30, 4)), rng.integers(0, 2, 30)
    weights = rng.uniform(size=30)
    order = rng.permutation(30)
    one, *scaling = distinct_sample(ImageSet(pixels, (2, 2, 1)), targets, weights)
    other, *other_scaling = distinct_sample(
        ImageSet(pixels[order], (2, 2, 1)), targets[order], weights[order]
    )
    assert scaling == other_scaling
    np.testing.assert_array_equal(pixels[one.rows], pixels[order][other.rows])
    np.testing.assert_array_equal(one.weights, other.weights)


def test_scaling_gives_mean_zero_and_deviation_one():
    pixels = np.random.default_rng(0).normal(300, 50, size=(40, 9))
    _, center, deviation, _ = distinct_sample(
        ImageSet(pixels, (3, 3, 1)), np.arange(40) % 2, np.ones(40)
    )
    scaled = (pixels - center) / deviation
    assert scaled.mean() == pytest.approx(0, abs=1e-6)
    assert scaled.std() == pytest.approx(1, abs=1e-6)


def test_constant_pixels_are_not_blown_up():
    with pytest.warns(ConvergenceWarning, match=r"all pixels of X are the same .* \(about 0\.1\)"):
        _, center, deviation, _ = distinct_sample(
            ImageSet(np.full((4, 4), 0.1), (2, 2, 1)), np.array([0, 1, 0, 1]), np.ones(4)
        )
    assert center == pytest.approx(0.1)
    assert deviation == 0


def test_split_holds_out_a_fraction_of_each_class_but_never_the_last_image():
    sample = make_sample(61)
    sample.targets[:] = [0] * 40 + [1] * 20 + [2]
    kept, held_out = sample.split(0.25, np.random.default_rng(0))
    assert np.bincount(held_out.targets).tolist() == [10, 5]
    assert np.bincount(kept.targets).tolist() == [30, 15, 1]
    assert not set(kept.rows) & set(held_out.rows)


def test_split_refuses_when_nothing_is_left_to_hold_out():
    with pytest.raises(ValueError, match=r"early_stopping=True .* only one distinct image"):
        make_sample(2).split(0.5, np.random.default_rng(0))


@pytest.mark.parametrize(("n", "batch_size"), [(2, 1), (3, 2), (20, 7), (21, 64), (100, 10)])
def test_batches_show_each_image_once_and_are_even(n, batch_size):
    batches = Batches(make_sample(n), n_batches=count_batches(n, batch_size), seed=0)
    sizes = [len(pixels) for pixels, _ in batches]
    assert len(sizes) == len(batches) == count_batches(n, batch_size)
    assert sum(sizes) == n
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2
    seen = torch.cat([pixels for pixels, _ in batches]).flatten(1).numpy()
    expected = make_sample(n).images.pixels
    np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(expected, axis=0))


def test_batches_are_shuffled_anew_in_each_pass_and_the_seed_decides_how():
    def passes(seed):
        batches = Batches(make_sample(), 20, seed=seed)
        return [next(iter(batches))[0].flatten().tolist() for _ in range(2)]

    assert passes(1) == passes(1)
    assert passes(1) != passes(2)
    assert passes(1)[0] != passes(1)[1]


def test_batches_keep_pixels_targets_and_weights_together():
    sample = make_sample(20)
    sample.weights[:] = np.arange(20)
    for pixels, (targets, weights) in Batches(sample, 6, seed=3):
        rows = weights.long().numpy()
        np.testing.assert_array_equal(targets.numpy(), sample.targets[rows])
        np.testing.assert_array_equal(pixels.flatten(1).numpy(), sample.images.pixels[rows])
