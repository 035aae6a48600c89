import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from helpers import make_net, make_sample, train_net
from skorch.callbacks import ProgressBar

from sklearn_shapecnn._input.image_set import ImageSet


def test_weights_scale_the_loss_of_each_image():
    net = make_net()
    scores, targets = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    single = [float(net.get_loss(scores[[i]], (targets[[i]], torch.ones(1)))) for i in range(2)]
    both = net.get_loss(scores, (targets, torch.tensor([0.5, 1.5])))
    assert float(both) == pytest.approx((0.5 * single[0] + 1.5 * single[1]) / 2)


def test_weights_count_in_the_validation_score():
    net = make_net()
    sample = make_sample(20)
    right = net.scores(sample.images).argmax(axis=1) == sample.targets
    sample.weights[:] = np.where(right, 3.0, 1.0)
    expected = 3 * right.sum() / (3 * right.sum() + (~right).sum())
    assert net.evaluate(sample)[0] == pytest.approx(expected)
    assert expected != right.mean()


def test_a_trained_net_can_be_copied_and_pickled_and_used_by_skorch_means():
    net = make_net()
    sample = make_sample()
    train_net(net, sample)
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
    train_net(net, sample)
    together = net.scores(sample.images)
    for n in (1, 2, 3, 5, 7):
        for i in range(0, 60, n):
            some = net.scores(ImageSet(sample.images.pixels[i : i + n], (2, 2, 1)))
            # The routine that torch picks for a product, and so its rounding, depends on n.
            np.testing.assert_allclose(some, together[i : i + n], rtol=1e-5, atol=1e-6)


def a_trained_net():
    net, sample = make_net(), make_sample(20)
    train_net(net, sample)
    return net, sample.images


def test_predictions_neither_are_in_a_pickle_nor_in_a_copy():
    net, images = a_trained_net()
    names = net.__getstate__().keys()
    expected = net.scores(images)
    assert "_plan" in vars(net)
    assert net.__getstate__().keys() == names
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net.snapshot()):
        assert "_plan" not in vars(other)
        np.testing.assert_array_equal(other.scores(images), expected)


@pytest.mark.parametrize("method", ["scores", "last_features"])
def test_hooks_are_called_and_those_that_went_are_not(method):
    net, images = a_trained_net()
    expected = getattr(net, method)(images)
    calls = []
    hook = net.module_.stages[0].conv.register_forward_hook(lambda *args: calls.append(1))
    for i in range(2):
        found = getattr(net, method)(images)
        assert len(calls) == i + 1
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    hook.remove()
    np.testing.assert_array_equal(getattr(net, method)(images), expected)
    assert len(calls) == 2


def test_what_a_hook_returns_counts():
    net, images = a_trained_net()
    net.scores(images)
    with net.module_.register_forward_hook(lambda module, args, scores: scores * 0):
        assert not net.scores(images).any()
    assert net.scores(images).any()


def test_weights_that_a_user_changes_count_at_once():
    net, images = a_trained_net()
    expected = net.scores(images)
    with torch.no_grad():
        net.module_.head.output.bias += 1
    np.testing.assert_allclose(net.scores(images), expected + 1, rtol=1e-5)
    other = make_net()
    net.module_.load_state_dict(other.module_.state_dict())
    np.testing.assert_array_equal(net.scores(images), other.scores(images))
    net.module_ = a_trained_net()[0].module_
    np.testing.assert_array_equal(net.scores(images), expected)


def test_the_first_predictions_may_be_those_of_many_threads():
    net, images = a_trained_net()
    expected = copy.deepcopy(net).scores(images)
    barrier = threading.Barrier(8)

    def work(i):
        barrier.wait()
        return net.scores(images)

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(work, range(8)):
            np.testing.assert_array_equal(found, expected)


def test_its_parameters_list_its_own_callbacks_and_no_others():
    net = make_net()
    names = {name.split("__")[1] for name in net.get_params() if name.startswith("callbacks__")}
    assert (
        names == {name for name, _ in net.callbacks_} == {"epoch_timer", "train_loss", "check_loss"}
    )


def test_progress_bar_of_skorch_knows_the_number_of_batches(capsys):
    sample = make_sample(41)
    bar = ProgressBar(detect_notebook=False)
    train_net(make_net(), sample, rounds=(1,), n_batches=8, callbacks=[bar])
    assert "0/8 [" in capsys.readouterr().err
