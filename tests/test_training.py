import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from sklearn_shapecnn.images import ImageSet
from sklearn_shapecnn.training import (
    Augment,
    Batches,
    Muon,
    Sample,
    auto_batch_size,
    auto_rounds,
    build_net,
    count_batches,
    distinct_sample,
    one_cycle,
    train,
)


def make_sample(n=20, image_shape=(2, 2, 1), n_classes=2):
    pixels = np.random.default_rng(0).normal(size=(n, np.prod(image_shape))).astype(np.float32)
    weights = np.ones(n, dtype=np.float32)
    return Sample(ImageSet(pixels, image_shape), np.arange(n), np.arange(n) % n_classes, weights)


def test_distinct_sample_merges_equal_pairs_and_drops_weightless_ones():
    pixels = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [5, 6], [3, 4]])
    targets = np.array([0, 1, 0, 1, 0, 1])
    weights = np.array([1.0, 0.5, 2.0, 1.0, 0.0, 0.5])
    sample, _, _ = distinct_sample(ImageSet(pixels, (1, 2, 1)), targets, weights)
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
    _, center, scale = distinct_sample(ImageSet(pixels, (3, 3, 1)), np.arange(40) % 2, np.ones(40))
    scaled = (pixels - center) * scale
    assert scaled.mean() == pytest.approx(0, abs=1e-6)
    assert scaled.std() == pytest.approx(1, abs=1e-6)


def test_constant_pixels_are_not_blown_up():
    with pytest.warns(ConvergenceWarning, match=r"all pixels of X are the same .* \(about 0\.1\)"):
        _, center, scale = distinct_sample(
            ImageSet(np.full((4, 4), 0.1), (2, 2, 1)), np.array([0, 1, 0, 1]), np.ones(4)
        )
    assert center == pytest.approx(0.1)
    assert scale == 1


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
    batches = Batches(make_sample(n), batch_size, seed=0)
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


@pytest.mark.parametrize("n", [2, 20, 200, 2000, 60_000])
def test_automatic_length_is_between_8_and_100_epochs_of_at_least_600_steps_if_it_can(n):
    batch_size = auto_batch_size(n, (72, 72, 1))
    *short, full = auto_rounds(n, batch_size)
    assert 8 <= batch_size <= 64
    assert 8 <= full <= 100
    assert full == 100 or full * count_batches(n, batch_size) >= 600
    # Only many images can be told to be learnt after a few epochs.
    assert all(2 <= epochs <= 4 for epochs in short)
    assert len(short) == (n >= 2000)


def test_automatic_batches_are_smaller_where_images_are_large():
    assert auto_batch_size(60_000, (90, 90, 3)) == 64
    assert auto_batch_size(60_000, (128, 128, 1)) == 32
    assert auto_batch_size(60_000, (2000, 2000, 1)) == 8


def augmented(image, *names, n=200):
    """The distinct results of augmenting one image n times."""
    image = torch.as_tensor(image)
    pixels = image[None, None].expand(n, 1, *image.shape)
    result = Augment(names, (*image.shape, 1))(pixels, torch.Generator().manual_seed(0))
    return {tuple(map(tuple, one.tolist())) for one in result[:, 0]}


def as_set(*images):
    return {tuple(map(tuple, np.asarray(image).tolist())) for image in images}


IMAGE = np.arange(9.0).reshape(3, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("horizontal_flip", as_set(IMAGE, IMAGE[:, ::-1])),
        ("vertical_flip", as_set(IMAGE, IMAGE[::-1])),
        ("flips", as_set(IMAGE, IMAGE[:, ::-1], IMAGE[::-1], IMAGE[::-1, ::-1])),
        ("quarter_turns", as_set(*(np.rot90(IMAGE, k) for k in range(4)))),
        ("shift", as_set(IMAGE)),  # a shift in so small an image would lose too much of it
    ],
)
def test_augmentations_give_all_their_variants_and_no_others(name, expected):
    assert augmented(IMAGE, name) == expected


def test_flips_and_quarter_turns_together_give_all_eight():
    turned = [np.rot90(IMAGE, k) for k in range(4)]
    expected = as_set(*turned, *(image.T for image in turned))
    assert augmented(IMAGE, "flips", "quarter_turns", n=500) == expected


def test_shift_moves_by_whole_pixels_in_all_directions_and_repeats_the_border():
    image = np.zeros((32, 32))
    image[8, 8] = 1
    image[:, 0] = 2
    places = set()
    for result in augmented(image, "shift", n=500):
        result = np.array(result)
        ((row, column),) = np.argwhere(result == 1)
        places.add((row - 8, column - 8))
        n_border_columns = max(0, 1 + column - 8)
        assert (result[:, :n_border_columns] == 2).all()
        assert (result == 2).sum() == 32 * n_border_columns
    assert places == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}


def jittered(image, n=300):
    pixels = torch.as_tensor(image, dtype=torch.float32)[None, None].repeat(n, 1, 1, 1)
    return Augment(["jitter"], (*image.shape, 1))(pixels, torch.Generator().manual_seed(0))[:, 0]


def test_jitter_moves_three_images_in_four_by_up_to_a_tenth_of_their_side_and_a_bit_of_a_turn():
    image = np.zeros((40, 80))
    image[18:22, 38:42] = 1
    moved = jittered(image).numpy()
    is_moved = (moved != image).any(axis=(1, 2))
    assert 0.65 < is_moved.mean() < 0.85
    mass = moved.sum(axis=(1, 2))
    down = (moved.sum(axis=2) @ np.arange(40.0)) / mass - 19.5
    right = (moved.sum(axis=1) @ np.arange(80.0)) / mass - 39.5
    # A tenth of the side, drawn out by a zoom of up to exp(0.1), and turned by up to 10 degrees.
    assert 3 < down.max() < 1.12 * (4 + 8 * np.sin(np.radians(10)))
    assert -1.12 * (8 + 4 * np.sin(np.radians(10))) < right.min() < -6
    assert mass.max() / mass.min() > 1.2  # zoomed
    assert mass.max() / mass.min() < 1.1 * np.exp(0.4)


def test_jitter_turns_by_up_to_ten_degrees_whatever_the_shape_of_the_image():
    image = np.zeros((40, 80))
    image[20, 10:70] = 1
    angles = []
    for one in jittered(image, 200).numpy():
        rows, columns = np.nonzero(one > 0.2)
        angles.append(np.degrees(np.arctan(np.polyfit(columns, rows, 1)[0])))
    assert 8 < max(angles) < 10.5
    assert -10.5 < min(angles) < -8


def test_jitter_repeats_the_border_and_leaves_tiny_images_alone():
    flat = np.full((10, 12), 3.0)
    torch.testing.assert_close(jittered(flat), torch.full((300, 10, 12), 3.0))
    tiny = np.arange(70.0).reshape(7, 10)
    assert (jittered(tiny).numpy() == tiny).all()


def test_colours_move_together():
    pixels = torch.arange(12.0).reshape(1, 3, 2, 2).repeat(50, 1, 1, 1)
    turned = Augment(["flips"], (2, 2, 3))(pixels, torch.Generator().manual_seed(0))
    assert (turned[:, 1] - turned[:, 0] == 4).all()
    assert (turned[:, 2] - turned[:, 1] == 4).all()


def test_one_cycle_rises_to_its_peak_and_falls_to_zero():
    rates = [one_cycle(p) for p in np.linspace(0, 1, 101)]
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(1)
    assert np.all(np.diff(rates[: peak + 1]) > 0)
    assert np.all(np.diff(rates[peak:]) < 0)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def make_net(dropout=0.5, hidden_layer_sizes=(), n_filters=(4,), **parameters):
    network = {
        "image_shape": (2, 2, 1),
        "n_filters": list(n_filters),
        "kernel_size": [3],
        "pool_size": [1],
        "dropout": dropout,
        "hidden_layer_sizes": hidden_layer_sizes,
    }
    parameters = {"learning_rate_init": 0.01, "alpha": 0.0, "label_smoothing": 0.0} | parameters
    return build_net(network, n_classes=2, device="cpu", **parameters)


def run(net, sample, held_out=None, **parameters):
    parameters = {
        "batch_size": 5,
        "rounds": [3],
        "n_iter_no_change": 10,
        "tol": 0.0,
        "augment": None,
        "seed": 0,
    } | parameters
    return train(net, sample, held_out, **parameters)


def test_training_leaves_torch_as_it_was():
    rng, threads = torch.get_rng_state(), torch.get_num_threads()
    run(make_net(), make_sample(), augment=Augment(["flips"], (2, 2, 1)))
    assert torch.equal(rng, torch.get_rng_state())
    assert threads == torch.get_num_threads()
    assert torch.is_grad_enabled()


def test_held_out_images_are_scored_each_epoch_and_the_best_weights_kept():
    sample = make_sample(20)
    net = make_net()
    scores = run(net, sample, sample, rounds=[12])
    assert len(scores) == 12
    assert net.evaluate(sample)[0] == pytest.approx(max(scores))


def test_training_stops_when_the_score_no_longer_improves():
    net = make_net(learning_rate_init=1e-12)
    assert len(run(net, make_sample(), make_sample(), rounds=[50], n_iter_no_change=4)) == 5


def easy_sample():
    """Bright against dark."""
    pixels = np.repeat([[0.0] * 4, [1.0] * 4], 20, axis=0)
    targets = np.repeat([0, 1], 20)
    return Sample(ImageSet(pixels, (2, 2, 1)), np.arange(40), targets, np.ones(40, np.float32))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_no_further_round_follows_one_that_left_nothing_to_learn(label_smoothing):
    net = make_net(dropout=0.0, label_smoothing=label_smoothing, learning_rate_init=0.03)
    run(net, easy_sample(), rounds=[30, 7])
    assert len(net.history) == 30


def test_a_further_round_follows_where_something_is_left_to_learn():
    net = make_net(learning_rate_init=1e-6)
    run(net, easy_sample(), rounds=[2, 3])
    assert len(net.history) == 5


def test_each_round_is_a_cycle_of_the_learning_rate():
    net, rates = make_net(), []

    def spy(batch, **kwargs):
        rates.append(net.optimizer_.param_groups[0]["lr"])
        return type(net).train_step(net, batch)

    net.train_step = spy
    run(net, make_sample(40), rounds=[2, 3], batch_size=4)
    assert len(rates) == 50
    assert np.diff(rates[:20])[-5:].max() < 0 < rates[20] < rates[25]
    assert rates[49] < 0.1 * max(rates)


def test_filters_turn_but_keep_their_length():
    generator = torch.Generator().manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(6, 4, 3, 3, generator=generator))
    bias = torch.nn.Parameter(torch.ones(6))
    optimizer = Muon([weight, bias], lr=0.01, weight_decay=0.5)
    gradient = torch.randn(6, 4, 3, 3, generator=generator)
    weight.grad, bias.grad = gradient.clone(), torch.zeros(6)
    before = weight.detach() * (6**0.5 / weight.detach().norm())
    optimizer.step()
    # All directions of the gradient count alike: its singular values became about one.
    step = ((before - weight.detach()) / 0.1).flatten(1)
    singular = torch.linalg.svdvals(step)
    assert singular.min() > 0.6 and singular.max() < 1.3
    u, _, v = torch.linalg.svd(gradient.flatten(1), full_matrices=False)
    assert torch.sum(step * (u @ v)) / step.norm() / 6**0.5 > 0.95
    assert (bias.detach() == 1 - 0.01 * 0.5).all()  # by AdamW: no gradient, but weight decay


def test_weights_scale_the_loss_of_each_image():
    net = make_net()
    scores, targets = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    single = [float(net.get_loss(scores[[i]], (targets[[i]], torch.ones(1)))) for i in range(2)]
    both = net.get_loss(scores, (targets, torch.tensor([0.5, 1.5])))
    assert float(both) == pytest.approx((0.5 * single[0] + 1.5 * single[1]) / 2)


def test_a_loss_that_is_no_number_ends_training():
    net = make_net(learning_rate_init=3.0)
    with torch.no_grad():
        net.module_.head[-1].weight.fill_(float("nan"))
    with pytest.raises(ValueError, match=r"loss became nan in epoch 1\. Lower learning_rate_init"):
        run(net, make_sample())


def test_an_interrupt_keeps_the_epochs_so_far():
    net = make_net()
    calls = []

    def stop_in_second_epoch(batch, **kwargs):
        calls.append(1)
        if len(calls) > 4 + 1:
            raise KeyboardInterrupt
        return type(net).train_step(net, batch)

    net.train_step = stop_in_second_epoch
    with pytest.warns(UserWarning, match="interrupted"):
        run(net, make_sample(20))
    assert len(net.history) == 1
    assert not net.module_.training


def test_weights_that_are_not_finite_after_the_last_step_end_training():
    net = make_net()

    def spoil(batch, **kwargs):
        step = type(net).train_step(net, batch)
        with torch.no_grad():
            net.module_.head[-1].bias.fill_(float("inf"))
        return step

    net.train_step = spoil
    with pytest.raises(ValueError, match="weights of the network are no longer finite"):
        run(net, make_sample(), rounds=[1], batch_size=20)


def test_an_interrupt_while_an_epoch_is_scored_takes_that_epoch_back():
    net = make_net()
    scored = []

    def stop_in_second_epoch(sample):
        scored.append(1)
        if len(scored) == 2:
            raise KeyboardInterrupt
        return type(net).evaluate(net, sample)

    net.evaluate = stop_in_second_epoch
    with pytest.warns(UserWarning, match="interrupted"):
        scores = run(net, make_sample(), make_sample())
    assert len(scores) == len(net.history) == 1
    net = make_net()
    net.evaluate = stop_in_second_epoch
    scored[:] = [1]
    with pytest.raises(KeyboardInterrupt):
        run(net, make_sample(), make_sample())


def test_weights_count_in_the_validation_score():
    net = make_net()
    sample = make_sample(20)
    right = net.scores(sample.images).argmax(axis=1) == sample.targets
    sample.weights[:] = np.where(right, 3.0, 1.0)
    expected = 3 * right.sum() / (3 * right.sum() + (~right).sum())
    assert net.evaluate(sample)[0] == pytest.approx(expected)
    assert expected != right.mean()


def test_an_interrupt_before_the_first_epoch_is_over_is_passed_on():
    net = make_net()

    def stop(batch, **kwargs):
        raise KeyboardInterrupt

    net.train_step = stop
    with pytest.raises(KeyboardInterrupt):
        run(net, make_sample())


def test_a_trained_net_can_be_copied_and_pickled_and_used_by_skorch_means():
    net = make_net()
    sample = make_sample()
    run(net, sample)
    images = sample.images.batch(slice(None)).transpose(0, 3, 1, 2)
    expected = net.predict_proba(images)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-6)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(other.predict_proba(images), expected)


@pytest.mark.parametrize("hidden", [(), (16,), (64, 32)], ids=str)
@pytest.mark.parametrize("n_filters", [4, 300])
def test_an_image_gets_the_scores_that_it_gets_among_any_others(hidden, n_filters):
    net = make_net(hidden_layer_sizes=hidden, n_filters=[n_filters])
    sample = make_sample(60)
    run(net, sample)
    together = net.scores(sample.images)
    for n in (1, 2, 3, 5, 7):
        for i in range(0, 60, n):
            some = net.scores(ImageSet(sample.images.pixels[i : i + n], (2, 2, 1)))
            # Which way torch takes to a product, and so how it is rounded, depends on n.
            np.testing.assert_allclose(some, together[i : i + n], rtol=1e-5, atol=1e-6)
