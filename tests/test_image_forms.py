"""X in all its forms: the same pixels give the same classifier."""

import numpy as np
import pandas as pd
import pytest
from helpers import small_classifier


def forms_of(images):
    """The same gray images in all their forms."""
    rows = images.reshape(len(images), -1)
    read_only = rows.copy()
    read_only.flags.writeable = False
    return {
        "rows": rows,
        "images": images,
        "channels": images[..., None],
        "list": rows.tolist(),
        "frame": pd.DataFrame(rows),
        "float64": rows.astype(np.float64),
        "int16": rows.astype(np.int16),
        "big-endian": rows.astype(">i4"),
        "Fortran": np.asfortranarray(images),
        "strided": np.repeat(rows, 2, axis=1)[:, ::2],
        "read-only": read_only,
    }


@pytest.fixture(scope="module")
def bytes_images():
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    return (rng.integers(0, 128, size=(30, 6, 6)) + 120 * y[:, None, None]).astype(np.uint8), y


@pytest.mark.parametrize("form", forms_of(np.zeros((1, 2, 2), dtype=np.uint8)))
def test_all_forms_of_the_same_pixels_are_the_same(bytes_images, form):
    images, y = bytes_images
    X = forms_of(images)[form]
    expected = small_classifier().fit(images, y).predict_proba(images)
    fitted_on_form = small_classifier().fit(X, y)
    np.testing.assert_array_equal(fitted_on_form.predict_proba(images), expected)
    np.testing.assert_array_equal(
        small_classifier().fit(images, y).predict_proba(np.asarray(X)), expected
    )


def test_color_images_and_their_rows_are_the_same():
    images = np.random.default_rng(0).uniform(size=(20, 5, 4, 3))
    y = np.arange(20) % 2
    by_images = small_classifier().fit(images, y)
    by_rows = small_classifier(image_shape=(5, 4, 3)).fit(images.reshape(20, -1), y)
    assert by_images.image_shape_ == by_rows.image_shape_ == (5, 4, 3)
    expected = by_images.predict_proba(images)
    np.testing.assert_array_equal(by_rows.predict_proba(images), expected)
    np.testing.assert_array_equal(by_images.predict_proba(images.reshape(20, -1)), expected)


def test_a_memory_map_is_read_in_place(tmp_path, bytes_images):
    images, y = bytes_images
    path = tmp_path / "images.npy"
    np.save(path, images)
    mapped = np.load(path, mmap_mode="r")
    expected = small_classifier().fit(images, y).predict_proba(images)
    np.testing.assert_array_equal(small_classifier().fit(mapped, y).predict_proba(mapped), expected)
