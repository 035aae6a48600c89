from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import make_net, make_sample, train_net
from skorch.callbacks import Callback

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._training.callbacks import TrainingInterrupted
from sklearn_shapecnn._training.outcome import adapt_epochs
from sklearn_shapecnn._training.sample import Sample


def test_training_leaves_torch_as_it_was():
    rng, threads = torch.get_rng_state(), torch.get_num_threads()
    train_net(make_net(), make_sample(), augment=("flips",))
    assert torch.equal(rng, torch.get_rng_state())
    assert threads == torch.get_num_threads()
    assert torch.is_grad_enabled()


def test_held_out_images_are_scored_each_epoch_and_the_best_weights_kept():
    sample = make_sample(20)
    net = make_net()
    scores = train_net(net, sample, sample, rounds=(12,))
    assert len(scores) == 12
    assert net.evaluate(sample)[0] == pytest.approx(max(scores))


def test_training_stops_when_the_score_no_longer_improves():
    net = make_net(learning_rate_init=1e-12)
    assert len(train_net(net, make_sample(), make_sample(), rounds=(50,), n_iter_no_change=4)) == 5


def easy_sample():
    """Bright against dark."""
    pixels = np.repeat([[0.0] * 4, [1.0] * 4], 20, axis=0)
    targets = np.repeat([0, 1], 20)
    return Sample(ImageSet(pixels, (2, 2, 1)), np.arange(40), targets, np.ones(40, np.float32))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_no_further_round_follows_one_that_left_nothing_to_learn(label_smoothing):
    net = make_net(dropout=0.0, label_smoothing=label_smoothing, learning_rate_init=0.03)
    train_net(net, easy_sample(), rounds=(30, 7))
    assert len(net.history) == 30


def test_a_further_round_follows_where_something_is_left_to_learn():
    net = make_net(learning_rate_init=1e-6)
    train_net(net, easy_sample(), rounds=(2, 3))
    assert len(net.history) == 5


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(0.01, 8), (0.015, 8), (0.03, 12), (0.1, 12), (0.11, 20), (0.69, 20)],  # guessing: 0.69
)
def test_the_loss_after_half_of_the_epochs_decides_how_many_there_will_be(loss, expected):
    net = make_net()
    net.history.new_epoch()
    net.history.record("train_loss", loss)
    assert adapt_epochs(net, easy_sample(), 12, 20) == expected


def test_labels_that_are_all_alike_are_not_hard():
    net = make_net()
    net.history.new_epoch()
    net.history.record("train_loss", 0.1)
    alike = replace(easy_sample(), targets=np.zeros(40, dtype=int))
    assert adapt_epochs(net, alike, 12, 20) == 12


def test_a_training_ends_early_if_half_of_it_leaves_nothing_to_learn():
    net = make_net(dropout=0.0, learning_rate_init=0.03)
    train_net(net, easy_sample(), rounds=(45,), n_hard_epochs=60)
    assert len(net.history) == 30
    assert net.max_epochs == 30


def test_a_training_goes_on_if_the_images_are_hard_to_tell_apart():
    net = make_net(learning_rate_init=1e-6)
    train_net(net, easy_sample(), rounds=(3,), n_hard_epochs=7)
    assert len(net.history) == net.max_epochs == 7


def test_the_second_half_has_an_order_of_its_own():
    class Recorder(Callback):
        def __init__(self):
            self.batches = []

        def on_batch_end(self, net, batch, **kwargs):
            self.batches.append(batch[0].ravel().tolist())

    recorder = Recorder()
    train_net(make_net(), make_sample(), rounds=(4,), n_hard_epochs=4, callbacks=[recorder])
    assert len({tuple(batch) for batch in recorder.batches}) == len(recorder.batches) == 16


@pytest.mark.slow
def test_the_classifier_takes_longer_for_hard_images_and_shorter_for_easy_ones():
    rng = np.random.default_rng(0)
    X = rng.random((4000, 64), dtype=np.float32)
    hard = rng.integers(0, 2, 4000)
    easy = X[:, 27] > 0.5
    X_easy = np.where(easy[:, None], X, X - 1)
    clf = ShapeCNNClassifier(n_filters=(4, 8), random_state=0)
    assert clf.fit(X, hard).n_iter_ == 10
    assert clf.fit(X_easy, easy).n_iter_ == 3
    assert clf.set_params(max_iter=4).fit(X, hard).n_iter_ == 4


def test_a_loss_that_is_no_number_ends_training():
    net = make_net(learning_rate_init=3.0)
    with torch.no_grad():
        net.module_.head.output.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match=r"loss became nan in epoch 1\. Lower learning_rate_init"):
        train_net(net, make_sample())


def test_an_interrupt_keeps_the_epochs_so_far():
    net = make_net()
    calls = []

    def stop_in_second_epoch(batch, **kwargs):
        calls.append(1)
        if len(calls) > 4 + 1:
            raise KeyboardInterrupt
        return type(net).train_step(net, batch)

    net.train_step = stop_in_second_epoch
    with pytest.raises(TrainingInterrupted, match="interrupted after epoch 1"):
        train_net(net, make_sample(20))
    assert len(net.history) == 1
    assert not net.module_.training


def test_weights_that_are_not_finite_after_the_last_step_end_training():
    net = make_net()

    def spoil(batch, **kwargs):
        step = type(net).train_step(net, batch)
        with torch.no_grad():
            net.module_.head.output.bias.fill_(float("inf"))
        return step

    net.train_step = spoil
    with pytest.raises(ValueError, match="weights of the network are no longer finite"):
        train_net(net, make_sample(), rounds=(1,), batch_size=20)


def test_an_interrupt_while_an_epoch_is_scored_takes_that_epoch_back():
    net = make_net()
    scored = []

    def stop_in_second_epoch(sample):
        scored.append(1)
        if len(scored) == 2:
            raise KeyboardInterrupt
        return type(net).evaluate(net, sample)

    net.evaluate = stop_in_second_epoch
    with pytest.raises(TrainingInterrupted):
        train_net(net, make_sample(), make_sample())
    assert [row["epoch"] for row in net.history if "valid_acc" in row] == [1]
    assert len(net.history) == 1
    net = make_net()
    net.evaluate = stop_in_second_epoch
    scored[:] = [1]
    with pytest.raises(KeyboardInterrupt) as raised:
        train_net(net, make_sample(), make_sample())
    assert raised.type is KeyboardInterrupt


def test_an_interrupt_before_the_first_epoch_is_over_is_passed_on():
    net = make_net()

    def stop(batch, **kwargs):
        raise KeyboardInterrupt

    net.train_step = stop
    with pytest.raises(KeyboardInterrupt) as raised:
        train_net(net, make_sample())
    assert raised.type is KeyboardInterrupt


def test_an_interrupted_stream_keeps_nothing():
    net = make_net()

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    net.settle = stop  # after the whole pass
    with pytest.raises(KeyboardInterrupt) as raised:
        train_net(net, make_sample(), rounds=(1,), is_stream=True)
    assert raised.type is KeyboardInterrupt


def test_an_interrupt_goes_on_even_if_the_training_cannot_be_ended_well():
    net = make_net()
    steps = []

    def spoil_then_stop(batch, **kwargs):
        steps.append(1)
        if len(steps) > 4:
            raise KeyboardInterrupt
        step = type(net).train_step(net, batch)
        with torch.no_grad():
            net.module_.stages[0].norm.running_var.fill_(float("inf"))
        return step

    net.train_step = spoil_then_stop
    with pytest.raises(KeyboardInterrupt) as raised:
        train_net(net, make_sample())
    assert raised.type is KeyboardInterrupt  # so that nothing is kept
    assert "no longer finite" in str(raised.value.__cause__)
