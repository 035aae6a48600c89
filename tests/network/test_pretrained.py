"""The start from filters of others: what a network finds does not depend on how they are put in."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_shapecnn._network import pretrained as pretrained_module
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.modules import ShapeCNN
from sklearn_shapecnn._network.pretrained import (
    SHIPPED,
    PretrainedStage,
    filters_of,
    shipped_filters,
    start_from,
)

FILE = Path(pretrained_module.__file__).parent / SHIPPED
MODEL_CARD = Path(__file__).parents[2] / "docs" / "model_card.md"
SHAPES = [(12, 12), (11, 5), (1, 2), (2, 9), (3, 3), (9, 1), (1, 1)]  # of images


def make_pretrained(n_filters=(6, 8), sizes=(3,), n_channels=3, has_norm=True):
    """Random filters of some sizes in each stage."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    stages = []
    for n_in, n_out in zip((n_channels, *n_filters), n_filters, strict=False):
        filters = {size: draw(n_out, n_in, size, size) for size in sizes}
        norm = (draw(n_out), draw(n_out)) if has_norm else None
        stages.append(PretrainedStage(filters, norm))
    return tuple(stages)


PRETRAINED = make_pretrained()


def make_network(
    image_shape=(12, 12, 3),
    n_filters=(6, 8),
    kernel_size=3,
    pool_size=2,
    seed=0,
    start=PRETRAINED,
    **parameters,
):
    """A network that was started from pretrained filters, and how many it took."""
    n_stages = len(n_filters)
    if isinstance(kernel_size, int):
        kernel_size = (kernel_size,) * n_stages
    config = NetworkConfig(
        image_shape, 3, n_filters, kernel_size, (pool_size,) * n_stages, **parameters
    )
    network = ShapeCNN(config, center=0.4, scale=3.0, seed=seed).eval()
    return network, start_from(network, start)


def images(height=12, width=12, n_channels=3):
    return torch.rand(2, n_channels, height, width, generator=torch.Generator().manual_seed(0))


def gray_images(n_channels, height=12, width=12):
    return images(height, width, 1).expand(2, n_channels, height, width)


@torch.no_grad()
def maps_of(network, x, step="output"):
    return network.forward_intermediates(x, step=step)


def assert_same_maps(one, other, n_maps=None):
    """Compare the first maps of each stage."""
    assert len(one) == len(other)
    for i, (ours, theirs) in enumerate(zip(one, other, strict=True)):
        n = ours.shape[1] if n_maps is None else n_maps[i]
        assert ours[:, :n].abs().max() > 0
        torch.testing.assert_close(ours[:, :n], theirs[:, :n], rtol=1e-4, atol=1e-4)


def random_weights(stage):
    """A stage's own weights, as they were drawn."""
    return stage.conv.weight.detach()


# Sizes of filters


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kernel", [4, 5, 7, 9])
def test_larger_filters_start_with_what_those_of_3_x_3_find(kernel, shape):
    expected, _ = make_network((*shape, 3))
    network, counts = make_network((*shape, 3), kernel_size=kernel)
    assert counts == (6, 8)
    for step in ("convolution", "output"):
        assert_same_maps(
            maps_of(network, images(*shape), step), maps_of(expected, images(*shape), step)
        )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("size", [1, 2, 4, 6])
@pytest.mark.parametrize("kernel", [6, 7, 8])
def test_filters_of_any_size_find_the_same_in_a_frame_of_zeros(kernel, size, shape):
    start = make_pretrained(sizes=(size,))
    expected, _ = make_network((*shape, 3), kernel_size=size, start=start)
    network, counts = make_network((*shape, 3), kernel_size=kernel, start=start)
    assert counts == (6, 8)
    assert_same_maps(maps_of(network, images(*shape)), maps_of(expected, images(*shape)))


def test_the_largest_filters_that_fit_are_taken():
    start = make_pretrained(sizes=(1, 2, 4))
    for kernel, size in [(1, 1), (2, 2), (3, 2), (4, 4), (5, 4), (9, 4)]:
        network, _ = make_network(kernel_size=kernel, start=start)
        only = tuple(PretrainedStage({size: stage.filters[size]}, stage.norm) for stage in start)
        expected, _ = make_network(kernel_size=size, start=only)
        assert_same_maps(maps_of(network, images()), maps_of(expected, images()))


def test_sizes_that_differ_from_stage_to_stage():
    start = make_pretrained((6, 8, 4, 5), sizes=(1, 2, 3))
    n_filters = (6, 8, 4, 5)
    expected, _ = make_network(n_filters=n_filters, kernel_size=(3, 1, 2, 3), start=start)
    network, counts = make_network(n_filters=n_filters, kernel_size=(5, 1, 2, 4), start=start)
    assert counts == n_filters
    assert_same_maps(maps_of(network, images()), maps_of(expected, images()))


def test_from_the_first_stage_without_small_enough_filters_on_all_are_random():
    small, large = (make_pretrained((6, 8, 5), sizes=(size,)) for size in (3, 5))
    start = (small[0], large[1], small[2])
    network, counts = make_network(n_filters=(6, 8, 5), start=start)
    unstarted, none = make_network(n_filters=(6, 8, 5), start=())
    assert (counts, none) == ((6, 0, 0), (0, 0, 0))
    assert not torch.equal(random_weights(network.stages[0]), random_weights(unstarted.stages[0]))
    for i in (1, 2):
        assert torch.equal(random_weights(network.stages[i]), random_weights(unstarted.stages[i]))


# Channels


def test_a_gray_network_finds_in_a_gray_image_what_a_color_network_does():
    gray, counts = make_network((12, 12, 1))
    color, _ = make_network((12, 12, 3))
    assert counts == (6, 8)
    assert_same_maps(maps_of(gray, gray_images(1)), maps_of(color, gray_images(3)))


@pytest.mark.parametrize("theirs", [1, 2, 3, 4])
@pytest.mark.parametrize("ours", [1, 2, 3, 4, 5, 6, 7])
def test_any_number_of_channels_finds_the_same_in_gray(ours, theirs):
    start = make_pretrained(n_channels=theirs)
    network, counts = make_network((12, 12, ours), start=start)
    expected, _ = make_network((12, 12, theirs), start=start)
    assert counts == (6, 8)
    assert_same_maps(maps_of(network, gray_images(ours)), maps_of(expected, gray_images(theirs)))


def test_a_color_network_still_tells_colors_apart():
    color, _ = make_network()
    red, blue = torch.zeros(1, 3, 12, 12), torch.zeros(1, 3, 12, 12)
    red[:, 0], blue[:, 2] = 1, 1
    one, other = (maps_of(color, x, "convolution")[0] for x in (red, blue))
    assert (one - other).abs().max() > 0.1


# Fewer and more filters and stages


def test_fewer_filters_in_the_first_stage_find_the_first_of_the_wide_networks_maps():
    wide, _ = make_network()
    narrow, counts = make_network(n_filters=(4, 8))
    assert counts == (4, 8)
    first, second = maps_of(narrow, images())
    assert torch.equal(first, maps_of(wide, images())[0][:, :4])
    assert not torch.allclose(second, maps_of(wide, images())[1])  # it sees fewer maps


def test_fewer_filters_in_the_last_stage_find_the_first_of_the_wide_networks_maps():
    wide, _ = make_network()
    narrow, counts = make_network(n_filters=(6, 3))
    assert counts == (6, 3)
    assert_same_maps(maps_of(wide, images()), maps_of(narrow, images()), counts)


@pytest.mark.parametrize("n_filters", [(10, 8), (6, 11), (9, 13), (60, 80)])
def test_more_filters_than_there_are_leave_the_pretrained_maps_as_they_were(n_filters):
    expected, _ = make_network()
    network, counts = make_network(n_filters=n_filters)
    assert counts == (6, 8)
    assert_same_maps(maps_of(expected, images()), maps_of(network, images()), counts)


def test_the_filters_beyond_the_pretrained_ones_are_random():
    weights = [
        [random_weights(stage) for stage in make_network(n_filters=(9, 13), **how)[0].stages]
        for how in ({}, {"start": ()}, {"seed": 1})
    ]
    for n, ours, unstarted, other_seed in zip((6, 8), *weights, strict=True):
        assert torch.equal(ours[n:], unstarted[n:])
        assert torch.equal(ours[:n], other_seed[:n])
        assert (ours[n:] != other_seed[n:]).all()
        assert (ours[n:] != 0).all()  # they look at all maps


def test_stages_beyond_the_pretrained_ones_are_random():
    expected, _ = make_network()
    network, counts = make_network(n_filters=(6, 8, 5, 4))
    unstarted, _ = make_network(n_filters=(6, 8, 5, 4), start=())
    assert counts == (6, 8, 0, 0)
    assert_same_maps(maps_of(expected, images()), maps_of(network, images())[:2])
    for i in (2, 3):
        assert torch.equal(random_weights(network.stages[i]), random_weights(unstarted.stages[i]))


def test_fewer_stages_are_the_first_ones():
    expected, _ = make_network()
    network, counts = make_network(n_filters=(6,))
    assert counts == (6,)
    assert_same_maps(maps_of(network, images()), maps_of(expected, images())[:1])


def test_without_pretrained_filters_nothing_changes():
    network, counts = make_network(start=())
    config = network.config
    plain = ShapeCNN(config, center=0.4, scale=3.0, seed=0)
    assert counts == (0, 0)
    for name, values in network.state_dict().items():
        assert torch.equal(values, plain.state_dict()[name]), name


def test_the_head_keeps_its_random_weights():
    started, _ = make_network(hidden_layer_sizes=(5,))
    unstarted, _ = make_network(hidden_layer_sizes=(5,), start=())
    for ours, theirs in zip(started.head.parameters(), unstarted.head.parameters(), strict=True):
        assert torch.equal(ours, theirs)


# Normalization


def test_batch_normalization_comes_with_the_filters():
    network, _ = make_network(n_filters=(9, 8))
    norm = network.stages[0].norm
    torch.testing.assert_close(norm.weight[:6], torch.from_numpy(PRETRAINED[0].norm[0]))
    torch.testing.assert_close(norm.bias[:6], torch.from_numpy(PRETRAINED[0].norm[1]))
    assert (norm.weight[6:] == 1).all() and (norm.bias[6:] == 0).all()


@pytest.mark.parametrize("normalization", ["layer", None])
@pytest.mark.parametrize("kernel", [3, 4])
def test_other_normalization_or_none_takes_the_filters_alone(normalization, kernel):
    with_batch, _ = make_network(kernel_size=kernel)
    network, counts = make_network(kernel_size=kernel, normalization=normalization)
    unstarted, _ = make_network(kernel_size=kernel, normalization=normalization, start=())
    assert counts == (6, 8)
    for ours, theirs, before in zip(
        network.stages, with_batch.stages, unstarted.stages, strict=True
    ):
        assert torch.equal(ours.conv.weight, theirs.conv.weight)
        for part in ("norm", "conv"):
            for name, values in getattr(before, part).named_parameters():
                if name != "weight" or part == "norm":
                    assert torch.equal(values, getattr(getattr(ours, part), name))
    assert all(torch.isfinite(maps).all() for maps in maps_of(network, images()))


def test_filters_without_normalization_leave_it_as_it_is():
    network, counts = make_network(start=make_pretrained(has_norm=False))
    assert counts == (6, 8)
    for stage in network.stages:
        assert (stage.norm.weight == 1).all() and (stage.norm.bias == 0).all()


# The filters of a network


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 7, (3, 5), (4, 2)], ids=str)
def test_the_filters_of_a_network_start_its_like(kernel, shape):
    source, _ = make_network((*shape, 3), kernel_size=kernel)
    start = filters_of(source)
    network, counts = make_network((*shape, 3), kernel_size=kernel, seed=5, start=start)
    assert counts == (6, 8)
    assert_same_maps(maps_of(network, images(*shape)), maps_of(source, images(*shape)))


@pytest.mark.parametrize("normalization", ["batch", "layer", None])
def test_filters_of_networks_of_any_normalization(normalization):
    source, _ = make_network(normalization=normalization)
    network, counts = make_network(normalization=normalization, seed=5, start=filters_of(source))
    assert counts == (6, 8)
    assert_same_maps(maps_of(network, images()), maps_of(source, images()))


def test_filters_that_small_images_cut_down_go_to_large_images():
    source, _ = make_network((1, 2, 3), kernel_size=5)
    network, counts = make_network(kernel_size=5, start=filters_of(source))
    assert counts == (6, 8)
    (first, _) = maps_of(source, images(1, 2), "convolution")
    # In the large image there is nothing around these two pixels either.
    x = torch.full((2, 3, 12, 12), 0.4)  # the center, which becomes zero
    x[:, :, 5:6, 5:7] = images(1, 2)
    (whole, _) = maps_of(network, x, "convolution")
    torch.testing.assert_close(whole[:, :, 5:6, 5:7], first, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("start", ["shipped", "network"])
def test_what_the_network_learns_leaves_the_source_alone(start):
    source, _ = make_network()
    filters = shipped_filters() if start == "shipped" else filters_of(source)
    before = [array.copy() for stage in filters for array in (*stage.filters.values(), *stage.norm)]
    weights = {name: values.clone() for name, values in source.state_dict().items()}
    network, _ = make_network(n_filters=(32, 64), start=filters)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    after = [array for stage in filters for array in (*stage.filters.values(), *stage.norm)]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    for name, values in source.state_dict().items():
        assert torch.equal(values, weights[name]), name


# The file that the package ships


def test_the_shipped_filters_are_read_once():
    assert shipped_filters() is shipped_filters()


def test_the_shipped_filters_fit_to_each_other():
    n_in = 3
    for stage in shipped_filters():
        assert {1, 2, 3} <= stage.filters.keys()
        n_out = len(stage.norm[0])
        assert all(values.shape == (n_out,) for values in stage.norm)
        for size, filters in stage.filters.items():
            assert filters.shape == (n_out, n_in, size, size)
            assert filters.dtype == np.float32
            # About as long as random ones, with which they may share a stage.
            length = np.sqrt((filters**2).sum() / n_out)
            assert length == pytest.approx(1, abs=0.01)
        n_in = n_out
    assert len(shipped_filters()) >= 4


@pytest.mark.parametrize("size", [1, 2])
def test_small_sizes_have_shipped_filters_of_their_own(size):
    start = shipped_filters()
    network, counts = make_network(n_filters=(8, 16), kernel_size=size, start=start)
    assert counts == (8, 16)
    for n_in, stage, source in zip((3, 8), network.stages, start, strict=False):
        n_out = len(stage.conv.weight)
        expected = torch.from_numpy(source.filters[size][:n_out, :n_in].copy())
        assert torch.equal(stage.conv.weight.detach(), expected)


@pytest.mark.parametrize("kernel", [4, 5, 7, 9])
def test_no_size_beyond_3_has_shipped_filters_that_find_something_else(kernel):
    how = {"n_filters": (8, 16, 16, 8), "start": shipped_filters()}
    expected, _ = make_network(**how)
    network, _ = make_network(kernel_size=kernel, **how)
    # In training, normalization keeps the maps of the last stages from becoming tiny.
    one, other = (maps_of(net.train(), images(), "convolution") for net in (network, expected))
    assert_same_maps(one, other)


def test_the_shipped_file_holds_finite_numbers_and_needs_no_pickle():
    with np.load(FILE, allow_pickle=False) as archive:
        arrays = [archive[name] for name in archive.files]
    assert len(arrays) >= 20
    for array in arrays:
        assert array.dtype.kind == "f"
        assert np.isfinite(array).all()


def test_the_shipped_file_is_small():
    assert FILE.stat().st_size <= 3e6


def test_the_shipped_file_is_the_one_of_the_model_card():
    text = MODEL_CARD.read_text(encoding="utf-8")
    (told,) = re.findall(r"SHA-256 of the file: \W*([0-9a-f]{64})\b", text)
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == told
