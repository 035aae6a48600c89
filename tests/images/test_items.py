"""What X may be."""

import numpy as np
import pandas as pd
import pytest
from image_file_helpers import COLOR, GRAY, H, W
from PIL import Image

from sklearn_shapecnn.images import ImageReader


def test_paths_and_arrays_in_any_box(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(paths):
        Image.fromarray(GRAY + np.uint8(i)).save(path)
    names = [str(path) for path in paths]
    reader = ImageReader((5, 4))
    expected = reader.transform(paths)
    assert expected.shape == (3, 5, 4)
    box = np.empty(3, dtype=object)
    box[:] = [paths[0], names[1], GRAY + np.uint8(2)]
    for X in (
        names,
        tuple(paths),
        np.array(names),
        np.array(names, dtype=np.dtypes.StringDType()),
        np.array(names)[:, np.newaxis],
        pd.Series(names, index=[5, 3, 1]),
        pd.Series(names, dtype="string"),
        pd.DataFrame({"path": names}),
        box,
        [GRAY, GRAY + np.uint8(1), paths[2]],
        [Image.fromarray(GRAY), *paths[1:]],
        np.stack([GRAY, GRAY + np.uint8(1), GRAY + np.uint8(2)]),
    ):
        np.testing.assert_array_equal(reader.transform(X), expected)
        np.testing.assert_array_equal(reader.fit_transform(X), expected)


def test_images_of_unequal_sizes_and_channels():
    images = [
        np.full((3, 5), 51, dtype=np.uint8),
        np.full((7, 2, 1), 0.2),
        np.full((4, 4, 3), 0.2, dtype=np.float32),
        np.full((9, 9), 13107, dtype=np.uint16),
        np.dstack([np.full((4, 6, 3), 51), np.full((4, 6), 255)]).astype(np.uint8),
        np.dstack([np.zeros((4, 6)), np.full((4, 6), 0.8)]),  # black glass before white
        np.dstack([np.zeros((4, 6, 3)), np.full((4, 6), 0.8)]),
        [[0.2, 0.2], [0.2, 0.2]],
    ]
    for as_gray, shape in ((True, (8, 5, 4)), (False, (8, 5, 4, 3))):
        X = ImageReader((5, 4), as_gray=as_gray).transform(images)
        np.testing.assert_allclose(X, np.full(shape, 0.2), atol=1e-6)


def test_booleans_are_black_and_white():
    np.testing.assert_array_equal(ImageReader((H, W)).transform([GRAY > 90])[0], GRAY > 90)


def test_what_is_given_is_not_changed():
    palette = Image.fromarray(COLOR // 128 * 255).quantize(8)
    exif = palette.getexif()
    exif[274] = 6
    images = [COLOR.copy(), GRAY / 255, palette]
    images[0].flags.writeable = images[1].flags.writeable = False
    X = ImageReader((W, H), as_gray=False).transform(images)
    np.testing.assert_array_equal(X[2], np.rot90(COLOR // 128, -1))
    assert palette.size == (W, H)
    assert palette.mode == "P"


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.png", ValueError, r"X is one image, a.png, but must be a list .* into \[\]"),
        ([], ValueError, "found 0 images"),
        (np.empty((0, 4, 4)), ValueError, "found 0 images"),
        (np.zeros((5, 16)), ValueError, r"shape \(5, 16\).*X.reshape\(-1, h, w\)"),
        (np.array([["a.png", "b.png"]]), ValueError, r"a list of paths.*shape \(1, 2\)"),
        (iter(["a.png"]), TypeError, r"is a list_iterator, .*only once.* list\("),
        ([None], TypeError, "Row 0 of X is None of type NoneType, but must be the path"),
        (pd.Series(["a.png", float("nan")]), TypeError, "Row 1 of X is nan of type float"),
        ([b"a.png"], TypeError, "Row 0 .* bytes"),
        ([GRAY, np.zeros((4, 4, 5))], ValueError, r"Image 1 in X has the shape \(4, 4, 5\)"),
        ([GRAY, np.zeros((3, 4, 4, 2))], ValueError, r"Image 1 in X has the shape"),
        ([np.zeros((0, 4))], ValueError, r"Image 0 in X has no pixels.*\(0, 4\)"),
        ([GRAY.astype(int)], ValueError, "Image 0 in X holds pixels of dtype int64.*to uint8"),
        ([GRAY.astype(float)], ValueError, "Image 0 in X holds floats from 0 to 235.*Scale them"),
        ([np.full((2, 2), np.nan)], ValueError, "Image 0 in X holds floats from nan"),
        ([[[1.0], [0.0, 1.0]]], ValueError, "Image 0 in X cannot be read"),
    ],
)
@pytest.mark.parametrize("on_error", ["raise", "blank"])
def test_what_is_no_image_is_refused(X, error, message, on_error):
    with pytest.raises(error, match=message):
        ImageReader(on_error=on_error).fit_transform(X)
