import numpy as np
import pytest
import torch

from sklearn_shapecnn._training.augment import Augment, check_augment, resolve_augment


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
    # Of a square 4 pixels wide, each side may gain or lose a pixel by rounding.
    assert mass.max() <= (4 * np.exp(0.1) + 1) ** 2
    assert mass.min() >= (4 * np.exp(-0.1) - 1) ** 2


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


def test_colors_move_together():
    pixels = torch.arange(12.0).reshape(1, 3, 2, 2).repeat(50, 1, 1, 1)
    turned = Augment(["flips"], (2, 2, 3))(pixels, torch.Generator().manual_seed(0))
    assert (turned[:, 1] - turned[:, 0] == 4).all()
    assert (turned[:, 2] - turned[:, 1] == 4).all()


@pytest.mark.parametrize(
    ("augment", "n_images", "names"),
    [
        (None, 100, ()),
        ("auto", 100, ("jitter",)),
        ("auto", 10_000, ("shift",)),
        (["auto", "flips"], 10_000, ("shift", "flips")),
        (np.array(["jitter"]), 10_000, ("jitter",)),
    ],
)
def test_auto_depends_on_the_number_of_images(augment, n_images, names):
    shape = (32, 32, 1)
    assert resolve_augment(check_augment(augment, shape), n_images, shape, False) == names


def test_auto_shifts_tiny_images_and_streams():
    assert resolve_augment(["auto"], 100, (4, 64, 1), False) == ("shift",)
    assert resolve_augment(["auto"], 100, (32, 32, 1), True) == ("shift",)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ("up", "augment holds 'up', which is none of auto, jitter, shift"),
        ("quarter_turns", "needs square images, but these are 8 x 9 pixels"),
    ],
)
def test_augmentations_that_cannot_be(augment, message):
    with pytest.raises(ValueError, match=message):
        check_augment(augment, (8, 9, 1))
