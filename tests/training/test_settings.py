import pytest

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn._training.sample import count_batches
from sklearn_shapecnn._training.settings import (
    TrainingSettings,
    auto_batch_size,
    auto_epochs,
    auto_rounds,
)


def resolve(
    n_samples=100, image_shape=(32, 32, 1), is_stream=False, is_pretrained=False, **parameters
):
    return TrainingSettings.from_parameters(
        ShapeCNNClassifier(**parameters).get_params(),
        n_samples,
        image_shape,
        augment=("shift",),
        seed=0,
        is_stream=is_stream,
        is_pretrained=is_pretrained,
    )


@pytest.mark.parametrize("n", [2, 20, 200, 2000, 60_000])
def test_automatic_length_is_between_8_and_100_epochs_of_at_least_600_steps_if_it_can(n):
    batch_size = auto_batch_size(n, (72, 72, 1))
    n_batches = count_batches(n, batch_size)
    *short, full = auto_rounds(n_batches)
    assert 8 <= batch_size <= 64
    assert 8 <= full <= 100
    assert full == 100 or full * n_batches >= 600
    # Many images are needed to tell after a few epochs that they have been learned.
    assert all(2 <= epochs <= 4 for epochs in short)
    assert len(short) == (n >= 2000)


@pytest.mark.parametrize("n", [2, 20, 200, 2000, 60_000])
def test_from_pretrained_filters_it_is_shorter(n):
    n_batches = count_batches(n, auto_batch_size(n, (32, 32, 1)))
    n_epochs, n_hard_epochs = auto_epochs(n, n_batches)
    assert 4 <= n_epochs <= 100
    assert n_epochs == 100 or n_epochs * n_batches >= 120
    assert n_epochs < auto_rounds(n_batches)[-1] or n == 2
    assert n_hard_epochs == max(n_epochs, 10)


def test_pretrained_filters_move_more_slowly():
    random, pretrained = (resolve(is_pretrained=value) for value in (False, True))
    assert pretrained.learning_rate_init < random.learning_rate_init
    short = resolve(is_pretrained=True, max_iter=2)
    assert short.learning_rate_init == random.learning_rate_init  # too few steps to be careful
    assert resolve(is_pretrained=True, learning_rate_init=0.02).learning_rate_init == 0.02


def test_automatic_batches_are_smaller_where_images_are_large():
    assert auto_batch_size(60_000, (90, 90, 3)) == 64
    assert auto_batch_size(60_000, (128, 128, 1)) == 32
    assert auto_batch_size(60_000, (2000, 2000, 1)) == 8


def test_what_is_given_holds():
    settings = resolve(100, batch_size=10, max_iter=7)
    assert settings.n_batches == 10
    assert settings.rounds == (7,)
    assert settings.max_epochs == 7
    assert resolve(3, batch_size=1).n_batches == 1  # a batch has two images at least


def test_partial_fit_takes_one_pass_with_batches_of_32():
    settings = resolve(320, is_stream=True, max_iter=7)
    assert settings.n_batches == 10
    assert settings.rounds == (1,)


def test_settings_are_compared_by_value_and_cannot_be_changed():
    assert resolve() == resolve()
    assert resolve(alpha=0.5) != resolve()
    with pytest.raises(AttributeError):
        resolve().alpha = 1


def test_the_length_adapts_only_if_nobody_has_set_it_and_the_filters_are_pretrained():
    assert resolve(5000, is_pretrained=True).rounds == (4,)
    assert resolve(5000, is_pretrained=True).max_epochs == 10
    assert resolve(5000, is_pretrained=True, max_iter=4).max_epochs == 4
    assert resolve(5000, is_pretrained=True, is_stream=True).max_epochs == 1
    rounds = resolve(5000).rounds
    assert resolve(5000).max_epochs == sum(rounds)


def test_labels_and_numbers_take_longer_and_numbers_no_short_round():
    for n in (10, 200, 3000, 60_000):
        n_batches = max(1, n // 64)
        twice = [min(100, 2 * n_epochs) for n_epochs in auto_epochs(n, n_batches)]
        assert list(auto_epochs(n, n_batches, factor=2)) == twice
    parameters = {
        "batch_size": 64, "max_iter": "auto", "learning_rate_init": "auto", "alpha": 0.01,
        "n_iter_no_change": 10, "tol": 1e-4,
    }  # fmt: skip
    rounds = [
        TrainingSettings.from_parameters(
            parameters, 6400, (8, 8, 1), augment=(), seed=0, has_numbers=has_numbers
        ).rounds
        for has_numbers in (False, True)
    ]
    assert len(rounds[0]) == 2
    assert rounds[1] == rounds[0][1:]
