import copy
import threading

import pytest
import torch
from skorch.callbacks import Callback, Freezer
from torch.nn import functional as F

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.modules import ShapeCNN
from sklearn_shapecnn._threads import one_thread, thread_pool
from sklearn_shapecnn._training.parts import add_gradients, count_parts

N_PARTS = 3


def make_network(normalization="batch", dropout=0.0):
    config = NetworkConfig(
        *((12, 10, 2), 3, (8, 16), (3, 3), (2, 1)),
        normalization=normalization,
        hidden_layer_sizes=(20,),
        dropout=dropout,
    )
    return ShapeCNN(config).train()


def make_batch(n=50):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn((n, 2, 12, 10), generator=generator)
    return pixels, torch.randint(3, (n,), generator=generator)


def loss_of(network, pixels, targets):
    def compute(rows):
        scores = network(pixels[rows])
        return F.cross_entropy(scores, targets[rows]), scores

    return compute


def gradients_of(network):
    return [weight.grad for weight in network.parameters()]


@pytest.mark.parametrize("normalization", [None, "layer"])
def test_without_batch_normalization_parts_make_no_difference(normalization):
    network, (pixels, targets) = make_network(normalization), make_batch()
    twin = copy.deepcopy(network)
    loss, scores = add_gradients(network, loss_of(network, pixels, targets), 50, N_PARTS)
    expected, expected_scores = loss_of(twin, pixels, targets)(slice(None))
    expected.backward()
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(scores, expected_scores.detach())
    for found, gradient in zip(gradients_of(network), gradients_of(twin), strict=True):
        torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-6)


def test_each_part_is_normalized_by_itself_and_the_running_statistics_see_all():
    network, (pixels, targets) = make_network(), make_batch(48)
    add_gradients(network, loss_of(network, pixels, targets), 48, N_PARTS)
    before = make_network()
    twins = [copy.deepcopy(before) for _ in range(N_PARTS)]
    for twin, some, labels in zip(
        twins, pixels.chunk(N_PARTS), targets.chunk(N_PARTS), strict=True
    ):
        F.cross_entropy(twin(some), labels).backward()
    means = [torch.stack(g).mean(0) for g in zip(*map(gradients_of, twins), strict=True)]
    for found, gradient in zip(gradients_of(network), means, strict=True):
        torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-6)
    states = [twin.state_dict() for twin in twins]
    for name, value in network.state_dict().items():
        if "running" in name:
            torch.testing.assert_close(value, torch.stack([s[name] for s in states]).mean(0))
        if "num_batches" in name:
            assert value == 1


def test_the_threads_change_no_bit(three_threads):
    found = []
    for n_threads in (1, 2, 3, 2, 3):
        network, (pixels, targets) = make_network(dropout=0.3), make_batch()
        with one_thread(), thread_pool(n_threads):
            for _ in range(3):
                loss, scores = add_gradients(network, loss_of(network, pixels, targets), 50, 4)
        found.append([loss, scores, *gradients_of(network), *network.state_dict().values()])
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_gradients_add_up():
    network, (pixels, targets) = make_network("layer"), make_batch()
    compute = loss_of(network, pixels, targets)
    add_gradients(network, compute, 50, 2)
    once = [gradient.clone() for gradient in gradients_of(network)]
    add_gradients(network, compute, 50, 2)
    for twice, gradient in zip(gradients_of(network), once, strict=True):
        torch.testing.assert_close(twice, 2 * gradient)


def test_a_batch_is_split_by_its_size_alone():
    def count(n, height, width):
        return count_parts(torch.zeros(1).expand(n, 1, height, width))

    assert count(64, 8, 8) == count(31, 100, 100) == count(3, 300, 300) == 1
    assert count(64, 28, 28) == count(32, 128, 128) == 2
    assert count(64, 72, 72) == 4
    assert count(4096, 64, 64) == 8
    assert count_parts(torch.zeros((64, 1, 72, 72), device="meta")) == 1


@pytest.fixture(scope="module")
def images():
    return make_shapes(64, image_shape=(32, 32), size=0.6, random_state=0)


def split_classifier(**parameters):
    """One that learns in batches of two parts or more."""
    usual = {"n_filters": (4, 8), "batch_size": 64, "max_iter": 3, "random_state": 0}
    return ShapeCNNClassifier(**usual | parameters)


def test_frozen_filters_stay(images, three_threads):
    frozen = ["stages.0.conv.weight", "stages.0.norm.*"]
    short, long = (
        split_classifier(callbacks=[Freezer(frozen)], max_iter=max_iter).fit(*images).net_.module_
        for max_iter in (1, 3)
    )
    for i, equal in ((0, True), (1, False)):
        assert torch.equal(short.stages[i].conv.weight, long.stages[i].conv.weight) == equal


class CountImages(Callback):
    """Counts the images that pass the first stage in training."""

    def on_train_begin(self, net, **kwargs):
        self.seen, self.threads = [], set()
        net.module_.stages[0].register_forward_hook(self.hook)

    def hook(self, stage, given, result):
        if stage.training:
            self.seen.append(len(result))
            self.threads.add(threading.current_thread())


def test_a_hook_sees_all_images_on_the_callers_thread(images, three_threads):
    count = CountImages()
    split_classifier(callbacks=[count]).fit(*images)
    assert sum(count.seen) == 3 * 64
    assert count.threads == {threading.current_thread()}


def test_a_hook_changes_no_bit(images, three_threads):
    watched, plain = (
        split_classifier(callbacks=callbacks, dropout=0.2).fit(*images).net_.module_.state_dict()
        for callbacks in ([CountImages()], None)
    )
    assert all(torch.equal(watched[name], plain[name]) for name in plain)


class Interrupt(Callback):
    """Interrupts the second epoch."""

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_an_interrupt_keeps_the_first_epoch_and_leaves_no_thread(images, three_threads):
    before = threading.active_count()
    clf = split_classifier(callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*images)
    assert clf.n_iter_ == 1
    assert threading.active_count() == before
