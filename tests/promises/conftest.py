import numpy as np
import pytest
from data_frames import LIBRARIES, frame_of
from helpers import small_classifier


@pytest.fixture(params=LIBRARIES)
def library(request):
    return request.param


@pytest.fixture
def frame(library, few):
    return frame_of(library, few[0])


@pytest.fixture(scope="module")
def of_arrays(few):
    """A classifier that was fitted to plain arrays."""
    return small_classifier().fit(*few)


@pytest.fixture(scope="module")
def six():
    """Six images of four pixels."""
    return np.random.default_rng(0).normal(size=(6, 4))
