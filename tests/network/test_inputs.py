import numpy as np
import pytest
import torch

from sklearn_shapecnn._input.image_set import ImageSet
from sklearn_shapecnn._network import inputs
from sklearn_shapecnn._network.inputs import images_at_once, tensor_batches, to_tensor


def test_a_tensor_has_its_channels_first_and_the_memory_of_the_batch():
    batch = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    tensor = to_tensor(batch, "cpu")
    assert tensor.shape == (2, 5, 3, 4)
    np.testing.assert_array_equal(tensor.numpy(), np.moveaxis(batch, 3, 1))
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert np.shares_memory(tensor.numpy(), batch)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_batches_cover_the_images_in_their_order(n, monkeypatch):
    monkeypatch.setattr(inputs, "MAX_PIXELS", 4 * 12)
    pixels = np.random.default_rng(0).random((n, 3, 4, 2), dtype=np.float32)
    batches = list(tensor_batches(ImageSet(pixels, (3, 4, 2)), "cpu"))
    assert max(len(batch) for batch in batches) <= 4
    np.testing.assert_array_equal(torch.cat(batches).permute(0, 2, 3, 1).numpy(), pixels)


def test_two_images_at_least_go_through_together():
    assert images_at_once((8, 8, 1)) == 2**13
    assert images_at_once((10_000, 10_000, 3)) == 2
