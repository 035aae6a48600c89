import numpy as np
import pytest
from agreement import noisy_images, tiny


@pytest.fixture(scope="package")
def data():
    """Sixty images of 8 x 8 pixels as rows, of three named classes: X, y."""
    X, y = noisy_images((8, 8, 1))
    return X.reshape(len(X), -1), np.array(["cat", "dog", "Ä"])[y]


@pytest.fixture(scope="package")
def fitted(data):
    """A classifier fitted to data."""
    return tiny().fit(*data)
