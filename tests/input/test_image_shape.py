import pytest

from sklearn_shapecnn._input.image_shape import (
    are_same_images,
    check_same_images,
    find_drawn_shape,
    find_image_shape,
)


@pytest.mark.parametrize(
    ("shape", "image_shape", "expected"),
    [
        ((5, 64), None, (8, 8, 1)),
        ((5, 1), None, (1, 1, 1)),
        ((5, 12), None, (1, 12, 1)),
        ((5, 12), (3, 4), (3, 4, 1)),
        ((5, 12), (2, 2, 3), (2, 2, 3)),
        ((5, 3, 4), None, (3, 4, 1)),
        ((5, 3, 4), (3, 4, 1), (3, 4, 1)),
        ((5, 3, 4, 1), (3, 4), (3, 4, 1)),
        ((5, 3, 4, 2), None, (3, 4, 2)),
        ((5, 1, 9, 4), None, (1, 9, 4)),
        ((5, 1, 9, 6), (1, 9, 6), (1, 9, 6)),
        ((5, 3, 9, 9), (3, 9, 9), (3, 9, 9)),
        ((5, 5, 24, 24), None, (5, 24, 24)),
        ((5, 3, 4, 24), None, (3, 4, 24)),
    ],
)
def test_find_image_shape(shape, image_shape, expected):
    assert find_image_shape(shape, image_shape) == expected


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((5, 64), (7, 9), r"image_shape=\(7, 9\) means 63 values .* has 64 values per image"),
        ((5, 8, 8), (4, 16), r"image_shape=\(4, 16\) .* has images of shape \(8, 8\)"),
        ((5, 3, 32, 32), None, r"channels first.*np.moveaxis\(X, 1, -1\)"),
        (
            (5, 3, 24, 32),
            None,
            r"X of shape \(5, 3, 24, 32\) seems to hold its channels first.*np\.moveaxis"
            r".* really are 3 pixels high with 32 channels, set image_shape=\(3, 24, 32\)\.",
        ),
        ((5, 4, 24, 24), None, r"channels first.*np.moveaxis\(X, 1, -1\)"),
    ],
)
def test_find_image_shape_refuses_contradictions(shape, image_shape, message):
    for find in (find_image_shape, find_drawn_shape):
        with pytest.raises(ValueError, match=message):
            find(shape, image_shape)


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [
        ((5, 64), None),
        ((5, 1, 9), None),
        ((5, 9, 1), None),
        ((5, 30), (1, 30)),
        ((5, 3, 4, 3), None),
    ],
)
def test_images_that_are_drawn_have_the_same_shape(shape, image_shape):
    assert find_drawn_shape(shape, image_shape) == find_image_shape(shape, image_shape)


def test_rows_that_are_not_square_are_not_drawn():
    message = r"X of shape \(24, 24\) has rows of 24 values.* image_shape .* give X\[np.newaxis\]"
    with pytest.raises(ValueError, match=message):
        find_drawn_shape((24, 24))


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [
        ((5, 12), (3, 4, 1)),
        ((5, 3, 4), (3, 4, 1)),
        ((5, 3, 4, 1), (3, 4, 1)),
        ((5, 36), (3, 4, 3)),
        ((5, 3, 4, 3), (3, 4, 3)),
    ],
)
def test_the_same_images_in_any_layout(shape, image_shape):
    assert are_same_images(shape, image_shape)
    check_same_images(shape, image_shape, "Somebody")


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        (
            (5, 35),
            (3, 4, 3),
            r"X has 35 features, but Somebody is expecting 36 features as input: images of shape "
            r"\(3, 4, 3\), one per row\. Each row must be a whole image\.",
        ),
        ((3, 4), (3, 4, 1), r"X has 4 features.*expecting 12.*\(3, 4\).* give X\[np\.newaxis\]"),
        (
            (3, 4, 3),
            (3, 4, 3),
            r"X holds images of shape \(4, 3\), but Somebody was fitted on images of shape "
            r"\(3, 4, 3\)\. This seems to be a single image",
        ),
        ((3, 4, 1), (3, 4, 1), r"images of shape \(3, 4\)\. This seems to be a single image"),
        ((5, 3, 8, 9), (8, 9, 3), r"\. The channels belong last: use np\.moveaxis\(X, 1, -1\)\.$"),
        ((5, 8, 9, 4), (8, 9, 3), r"^X holds.*\. The channels differ: convert the images"),
        ((5, 8, 9), (8, 9, 3), r"\. The channels differ: convert the images"),
        (
            (5, 9, 8),
            (8, 9, 1),
            r"\. Resize the images, e\.g\. with sklearn_shapecnn\.ImageReader\.",
        ),
        ((5, 8, 7), (8, 9, 1), r"\. Resize the images"),
    ],
)
def test_other_images_are_refused_with_advice(shape, image_shape, message):
    assert not are_same_images(shape, image_shape)
    with pytest.raises(ValueError, match=message):
        check_same_images(shape, image_shape, "Somebody")
