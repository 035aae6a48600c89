"""What test files share: small estimators, a sample of noise, and a net to train on it."""

import numpy as np

from sklearn_shapecnn import ShapeCNNClassifier, ShapeCNNRegressor
from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._training.loop import train
from sklearn_shapecnn._training.losses import ClassLoss
from sklearn_shapecnn._training.net import build_net
from sklearn_shapecnn._training.sample import Sample, count_batches
from sklearn_shapecnn._training.settings import TrainingSettings


def small_classifier(**parameters):
    """A classifier that is fitted in no time; for tests in which its size does not matter.

    So few filters in so few epochs need a higher rate than 'auto' has for pretrained filters.
    """
    usual = {"n_filters": (4, 8), "max_iter": 3, "learning_rate_init": 0.01, "random_state": 0}
    return ShapeCNNClassifier(**usual | parameters)


def small_regressor(**parameters):
    """A regressor that is fitted in no time."""
    usual = {"n_filters": (4, 8), "max_iter": 3, "random_state": 0}
    return ShapeCNNRegressor(**usual | parameters)


def make_sample(n=20, image_shape=(2, 2, 1), n_classes=2):
    """Images of noise, whose classes alternate."""
    pixels = np.random.default_rng(0).normal(size=(n, np.prod(image_shape))).astype(np.float32)
    weights = np.ones(n, dtype=np.float32)
    return Sample(ImageSet(pixels, image_shape), np.arange(n), np.arange(n) % n_classes, weights)


def make_net(
    learning_rate_init=0.01, alpha=0.0, label_smoothing=0.0, n_filters=(4,), dropout=0.5, **network
):
    """An untrained net for images of 2 x 2 pixels and two classes."""
    config = NetworkConfig(
        image_shape=(2, 2, 1),
        n_outputs=2,
        n_filters=n_filters,
        kernel_size=(3,),
        pool_size=(1,),
        dropout=dropout,
        **network,
    )
    loss = ClassLoss(label_smoothing, n_outputs=2)
    net = build_net(config, "cpu", loss)
    net.set_hyperparameters(learning_rate_init, alpha, loss)
    return net


def train_net(net, sample, held_out=None, batch_size=5, callbacks=(), **settings):
    """Train a net for three epochs of four batches or so; return the validation scores."""
    settings = {
        "learning_rate_init": net.lr,
        "alpha": net.optimizer__weight_decay,
        "n_iter_no_change": 10,
        "tol": 0.0,
        "n_batches": count_batches(len(sample), batch_size),
        "rounds": (3,),
        "augment": (),
        "seed": 0,
        **settings,
    }
    train(net, sample, held_out, TrainingSettings(**settings), callbacks)
    return [row["valid_acc"] for row in net.history if "valid_acc" in row]
