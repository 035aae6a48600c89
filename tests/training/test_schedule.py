import numpy as np
import pytest
from helpers import make_net, make_sample, train_net

from sklearn_shapecnn._training.schedule import ROUND_BEGINS, one_cycle, stream_rate


def test_one_cycle_rises_to_its_peak_and_falls_to_zero():
    rates = [one_cycle(p) for p in np.linspace(0, 1, 101)]
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(1)
    assert np.all(np.diff(rates[: peak + 1]) > 0)
    assert np.all(np.diff(rates[peak:]) < 0)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_each_round_is_a_cycle_of_the_learning_rate():
    net, rates = make_net(), []

    def spy(batch, **kwargs):
        rates.append(net.optimizer_.param_groups[0]["lr"])
        return type(net).train_step(net, batch)

    net.train_step = spy
    train_net(net, make_sample(40), rounds=(2, 3), batch_size=4)
    assert len(rates) == 50
    assert np.diff(rates[:20])[-5:].max() < 0 < rates[20] < rates[25]
    assert rates[49] < 0.1 * max(rates)


@pytest.mark.parametrize("n_hard_epochs", [5, 7])
def test_a_longer_second_half_stretches_the_cycle(n_hard_epochs):
    net, rates = make_net(learning_rate_init=1e-6), []

    def spy(batch, **kwargs):
        rates.append(net.optimizer_.param_groups[0]["lr"] / 1e-6)
        return type(net).train_step(net, batch)

    net.train_step = spy
    train_net(net, make_sample(40), rounds=(4,), n_hard_epochs=n_hard_epochs, batch_size=4)
    first = [one_cycle(i / 40) for i in range(20)]
    n_left = 10 * n_hard_epochs - 20
    second = [one_cycle(0.5 + 0.5 * i / n_left) for i in range(n_left)]
    np.testing.assert_allclose(rates, first + second, atol=1e-12)
    assert not any(epoch.get(ROUND_BEGINS) for epoch in net.history.to_list())


def test_the_rate_of_a_stream_rises_over_twenty_steps_and_stays():
    rates = [stream_rate(n) for n in range(40)]
    assert np.all(np.diff(rates[:20]) > 0)
    assert rates[19:] == [0.3] * 21
