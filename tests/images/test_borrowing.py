"""Images and files that belong to the caller stay as they are."""

import io

import joblib
import numpy as np
import pytest
from image_file_helpers import COLOR, GRAY, H, W
from PIL import Image
from test_metadata import encode

from sklearn_shapecnn.images import ImageReader

KINDS = ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "PPM"]
FRAMES = [Image.fromarray(pixels) for pixels in (COLOR, 255 - COLOR, COLOR // 2)]


def state(image):
    """What would change if somebody loaded, moved or converted an image."""
    file = image.fp
    return (
        file,
        file and (file.closed, file.tell()),
        image.tile[:],
        image.tell(),
        image.size,
        image.mode,
        dict(image.info),
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_path", [True, False])
def test_images_are_not_loaded(tmp_path, kind, is_path, backend):
    exif = Image.Exif()
    exif[274] = 6
    options = {} if kind in ("GIF", "BMP", "PPM") else {"exif": exif}
    place = tmp_path / f"image.{kind.lower()}"
    place.write_bytes(encode(Image.fromarray(COLOR), kind, **options))
    reader = ImageReader((W, H) if options else (H, W), as_gray=False, n_jobs=2)
    expected = reader.transform([place] if kind != "PPM" else [COLOR])
    with open(place, "rb") as file, Image.open(place if is_path else file) as image:
        before = state(image)
        with joblib.parallel_config(backend):
            found = reader.transform([image, image])
        assert state(image) == before
        np.testing.assert_array_equal(found, np.concatenate([expected] * 2))
        loaded = np.asarray(image)  # that of the caller
        assert loaded.shape[:2] == (image.height, image.width)
        np.testing.assert_array_equal(reader.transform([image]), expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "WEBP"])
def test_the_frame_that_the_caller_chose(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], **options)
    reader = ImageReader((H, W), as_gray=False)
    with Image.open(io.BytesIO(data)) as image:
        for frame in (2, 0, 1):
            image.seek(frame)
            found = reader.transform([image])[0]
            assert image.tell() == frame
            expected = np.asarray(image.convert("RGB"))
            np.testing.assert_allclose(found, expected / 255, atol=1e-6)


def test_drafts_and_what_was_changed_count():
    data = encode(Image.fromarray(np.kron(COLOR, np.ones((8, 8, 1), np.uint8))), "JPEG")
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (W, H))
        size = image.size
        found = ImageReader((H, W)).transform([image])
        assert image.size == size
        np.testing.assert_allclose(found[0], np.asarray(image) / 255, atol=1e-6)
    with Image.open(io.BytesIO(data)) as image:
        image.getexif()[274] = 3
        turned = ImageReader((H, W)).transform([image])[0]
    plain = ImageReader((H, W)).transform([Image.open(io.BytesIO(data))])[0]
    np.testing.assert_array_equal(turned, plain[::-1, ::-1])


def test_closed_images_are_named(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "image.png")
    with Image.open(tmp_path / "image.png") as image:
        pass
    image.close()
    with pytest.raises(ValueError, match="Image 1 in X cannot be read"):
        ImageReader().transform([GRAY, image])


@pytest.mark.parametrize("broken", [b"Exif\0\0broken", b"Exif\0\0II*\0\x08\0\0\0\xff"])
def test_broken_exif_of_an_image_in_memory(broken):
    image = Image.fromarray(GRAY)
    image.info["exif"] = broken
    with pytest.warns(UserWarning, match="Image 0 in X: its EXIF data is broken"):
        found = ImageReader((H, W)).transform([image])[0]
    np.testing.assert_allclose(found, GRAY / 255, atol=1e-6)
    assert image.info == {"exif": broken}


def test_open_files_are_not_touched(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "image.png")
    with open(tmp_path / "image.png", "rb") as file:
        file.seek(7)
        for X, error in (([GRAY, file], TypeError), (file, ValueError)):
            for method in ("fit", "transform"):
                with pytest.raises(error, match=r"Row 1 of X is <_io|X must be a list of paths"):
                    getattr(ImageReader(), method)(X)
        assert file.tell() == 7
        assert not file.closed


@pytest.mark.parametrize("white_level", ["dtype", 100, "collection"])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.uint32, np.float32, np.float64])
def test_arrays_are_not_written(dtype, white_level):
    images = []
    for shape in ((H, W), (H, W, 1), (H, W, 2), (H, W, 3), (H, W, 4)):
        pixels = np.random.default_rng(0).random(shape)
        if dtype in (np.uint8, np.uint16, np.uint32):
            pixels = 100 * pixels + 0.2 * np.iinfo(dtype).max
        images += [pixels.astype(dtype), np.asfortranarray(pixels.astype(dtype))[::-1]]
    before = [image.tobytes() for image in images]
    flags = [str(image.flags) for image in images]
    reader = ImageReader((H, W), white_level=white_level if dtype == np.uint8 else "collection")
    if white_level == 100 and dtype == np.uint8:
        with pytest.warns(UserWarning, match="values above white_level=100"):
            writable = reader.fit_transform(images)
    else:
        writable = reader.fit_transform(images)
    assert [image.tobytes() for image in images] == before
    assert [str(image.flags) for image in images] == flags
    assert not any(np.shares_memory(writable, image) for image in images)
