import os

import numpy as np
import pytest
import torch

from sklearn_shapecnn import make_shapes

# Otherwise Ray replaces Python's `print` when it is imported. Objects that hold the old one, such
# as skorch's callbacks, could then not be pickled in later tests.
os.environ["RAY_TQDM_PATCH_PRINT"] = "0"


@pytest.fixture(scope="session")
def shapes():
    """240 images of 16 x 16 pixels that a network learns within a second: X, y."""
    return make_shapes(240, image_shape=(16, 16), size=(0.6, 0.9), random_state=0)


@pytest.fixture(scope="session")
def few():
    """Forty images of 8 x 8 pixels, dark ones and light ones, to fit in no time: X, y."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.uniform(size=(40, 64)).astype(np.float32) + y[:, None].astype(np.float32)
    return X, y


@pytest.fixture
def three_threads():
    """torch is allowed three threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)
