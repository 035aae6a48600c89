"""Real files, written by other libraries or byte by byte, and read back."""

import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zlib

import joblib
import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from skimage.color import rgb2gray
from skimage.io import imread, imsave
from skimage.transform import resize
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.utils import Bunch, get_tags
from sklearn.utils import estimator_checks as checks
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
from sklearn_shapecnn.image_files import ImageReader, load_image_folder

H, W = 6, 8
GRAY = np.arange(H * W, dtype=np.uint8).reshape(H, W) * 5
COLOUR = np.stack([GRAY, 255 - GRAY, GRAY[::-1]], axis=-1)
SMOOTH = np.kron(COLOUR, np.ones((16, 16, 1), dtype=np.uint8))  # JPEG keeps 16 x 16 blocks


def read(path, **parameters):
    """The only image of a file, in its own size unless the parameters say otherwise."""
    return ImageReader(**({"image_shape": (H, W)} | parameters)).transform([path])[0]


def png(width, height, depth, colour_type, rows):
    """The bytes of a PNG, which Pillow does not write for all types."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def folder(tmp_path):
    """Two classes, dark and light, of four images each: PNG, JPEG, BMP and TIFF."""
    for name, value in (("dark", 50), ("light", 200)):
        (tmp_path / name).mkdir()
        for i, ending in enumerate((".png", ".JPG", ".bmp", ".tif")):
            pixels = np.full((6 + i, 8, 3), value + i, dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}{ending}")
    return tmp_path


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Drawn shapes as files of two sizes, in a folder for each class: folder, paths, labels."""
    folder = tmp_path_factory.mktemp("drawn")
    for side in (24, 32):
        shapes = make_shapes(
            90, image_shape=(side, side), size=(0.6, 0.9), return_X_y=False, random_state=side
        )
        for i, (image, label) in enumerate(zip(shapes.images, shapes.target, strict=True)):
            subfolder = folder / shapes.target_names[label]
            subfolder.mkdir(exist_ok=True)
            pixels = np.rint(255 * image).astype(np.uint8)
            imsave(subfolder / f"{side}_{i:03}.png", pixels, check_contrast=False)
    paths = np.array(sorted(str(path) for path in folder.glob("*/*.png")))
    return folder, paths, np.array([os.path.basename(os.path.dirname(path)) for path in paths])


# What comes out of each kind of file


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".gif", ".webp"])
def test_gray_files(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    Image.fromarray(GRAY).save(path, **({"lossless": True} if ending == ".webp" else {}))
    X = read(path)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, GRAY / 255, atol=1e-6)
    np.testing.assert_allclose(read(path, as_gray=False), np.dstack([GRAY / 255] * 3), atol=1e-6)


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".gif", ".webp"])
def test_colour_files(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    Image.fromarray(COLOUR).save(path, **({"lossless": True} if ending == ".webp" else {}))
    np.testing.assert_allclose(read(path, as_gray=False), COLOUR / 255, atol=1e-6)
    np.testing.assert_allclose(read(path), rgb2gray(COLOUR), atol=1e-6)


@pytest.mark.parametrize("pixels", [SMOOTH[..., 0], SMOOTH])
def test_jpeg(tmp_path, pixels):
    path = tmp_path / "image.jpg"
    Image.fromarray(pixels).save(path, quality=100, subsampling=0)
    expected = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    found = read(path, image_shape=pixels.shape[:2], as_gray=False)
    np.testing.assert_allclose(found, expected / 255, atol=4 / 255)  # JPEG rounds


def test_cmyk_jpeg(tmp_path):
    path = tmp_path / "image.jpg"
    Image.fromarray(SMOOTH).convert("CMYK").save(path, quality=100)
    assert imread(path).shape[2] == 4
    found = read(path, image_shape=SMOOTH.shape[:2], as_gray=False)
    np.testing.assert_allclose(found, SMOOTH / 255, atol=4 / 255)  # JPEG rounds


def test_names_do_not_matter(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "image", format="PNG")
    os.rename(tmp_path / "image", tmp_path / "image.jpg")
    np.testing.assert_allclose(read(tmp_path / "image.jpg"), GRAY / 255, atol=1e-6)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_16_bit_gray(tmp_path, ending):
    pixels = GRAY.astype(np.uint16) * 257 + 3
    Image.fromarray(pixels).save(tmp_path / f"image{ending}")
    found = read(tmp_path / f"image{ending}")
    np.testing.assert_allclose(found, pixels / 65535, atol=1e-7)
    assert not np.allclose(found, GRAY / 255, atol=1e-5)  # the last bits are there


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (GRAY.astype(np.uint16) * 257 + 3, {"byteorder": ">"}),
        (GRAY.astype(np.uint32) * 0x01010101, {}),
        ((GRAY / 255).astype(np.float32), {}),
        (GRAY / 255, {}),
        (GRAY > 100, {}),
        (COLOUR, {"planarconfig": "separate"}),
        (COLOUR.astype(np.uint32) * 0x01010101, {"planarconfig": "separate"}),
        (COLOUR.astype(np.uint16) * 257, {}),
        (COLOUR / 255, {}),
    ],
)
def test_scientific_tiff(tmp_path, pixels, options):
    path = tmp_path / "image.tif"
    planar = "planarconfig" in options
    written = np.moveaxis(pixels, -1, 0) if planar else pixels
    kind = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(path, written, photometric=kind, **options)
    largest = 1 if pixels.dtype.kind in "fb" else np.iinfo(pixels.dtype).max
    np.testing.assert_allclose(read(path, as_gray=pixels.ndim == 2), pixels / largest, atol=1e-6)


@pytest.mark.parametrize("factor", [1, 257, 0x01010101])
def test_tiff_where_zero_is_white(tmp_path, factor):
    pixels = GRAY.astype(np.min_scalar_type(255 * factor)) * factor
    tifffile.imwrite(tmp_path / "image.tif", pixels, photometric="miniswhite")
    np.testing.assert_allclose(read(tmp_path / "image.tif"), 1 - GRAY / 255, atol=1e-6)


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bit_png_with_colours_or_alpha(tmp_path, colour_type, channels):
    colours = COLOUR if channels > 2 else GRAY[..., np.newaxis]
    pixels = np.dstack([colours, np.full((H, W), 255)])[..., :channels].astype(np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels * 257)
    (tmp_path / "image.png").write_bytes(png(W, H, 16, colour_type, rows))
    expected = np.broadcast_to(colours / 255, (H, W, 3))
    np.testing.assert_allclose(read(tmp_path / "image.png", as_gray=False), expected, atol=1e-6)


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".gif"])
def test_one_bit(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    Image.fromarray(GRAY > 100).save(path)
    np.testing.assert_array_equal(read(path), GRAY > 100)


@pytest.mark.parametrize("ending", [".png", ".bmp", ".gif", ".tif"])
def test_palette(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    few = COLOUR // 128 * 255
    Image.fromarray(few).quantize(8).save(path)
    with Image.open(path) as image:
        assert image.mode == "P"
    np.testing.assert_array_equal(read(path, as_gray=False), few / np.float32(255))


@pytest.mark.parametrize("background", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB"])
def test_what_is_transparent_shows_the_background(tmp_path, mode, background):
    path = tmp_path / "image.png"
    alpha = np.zeros((H, W), dtype=np.uint8)
    alpha[2:] = 255
    alpha[4:] = 51  # a fifth
    if mode in ("P", "L", "RGB"):  # these name one colour that is not seen
        alpha[2:] = 255
        pixels = np.where(alpha == 0, 10, 100).astype(np.uint8)
        if mode == "P":
            Image.fromarray(pixels).convert("RGB").quantize(2).save(path, transparency=1)
            with Image.open(path) as image:
                hidden = np.asarray(image) == 1
            alpha = np.where(hidden, 0, 255).astype(np.uint8)
        else:
            image = Image.fromarray(pixels).convert(mode)
            image.save(path, transparency=10 if mode == "L" else (10, 10, 10))
    else:
        pixels = np.full((H, W), 100, dtype=np.uint8)
        Image.merge(
            mode, [Image.fromarray(pixels)] * (len(mode) - 1) + [Image.fromarray(alpha)]
        ).save(path)
    share = alpha / 255
    expected = share * pixels / 255 + (1 - share) * background
    np.testing.assert_allclose(read(path, background=background), expected, atol=1.01 / 255)
    colours = read(path, background=background, as_gray=False)
    np.testing.assert_allclose(colours, np.dstack([expected] * 3), atol=1.01 / 255)


ORIENTED = {  # what a viewer shows of the pixels in the file, for each value of EXIF's tag 274
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_photos_lie_as_the_camera_was_held(tmp_path, ending, orientation):
    path = tmp_path / f"image{ending}"
    exif = Image.Exif()
    exif[274] = orientation
    options = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}.get(
        ending, {}
    )
    Image.fromarray(SMOOTH).save(path, exif=exif, **options)
    expected = ORIENTED[orientation](SMOOTH)
    found = read(path, image_shape=expected.shape[:2], as_gray=False)
    np.testing.assert_allclose(found, expected / 255, atol=4 / 255)  # JPEG rounds


def test_16_bit_photos_are_turned_too(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    pixels = GRAY.astype(np.uint16) * 257
    Image.fromarray(pixels).save(tmp_path / "image.png", exif=exif)
    found = read(tmp_path / "image.png", image_shape=(W, H))
    np.testing.assert_allclose(found, np.rot90(GRAY, -1) / 255, atol=1e-6)


@pytest.mark.parametrize("orientation", ORIENTED)
def test_tiffs_that_pillow_cannot_read_are_turned_too(tmp_path, orientation):
    pixels = GRAY.astype(np.uint32) * 0x01010101
    tags = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "image.tif", pixels, extratags=tags)
    expected = ORIENTED[orientation](GRAY)
    found = read(tmp_path / "image.tif", image_shape=expected.shape)
    np.testing.assert_allclose(found, expected / 255, atol=1e-6)


@pytest.mark.parametrize("ending", [".gif", ".tif", ".webp", ".png"])
def test_first_of_several(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    options = {"lossless": True} if ending == ".webp" else {}
    others = [Image.fromarray(255 - COLOUR), Image.fromarray(COLOUR // 2)]
    Image.fromarray(COLOUR).save(path, save_all=True, append_images=others, **options)
    np.testing.assert_allclose(read(path, as_gray=False), COLOUR / 255, atol=1e-6)


# What X may be


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
    palette = Image.fromarray(COLOUR // 128 * 255).quantize(8)
    exif = palette.getexif()
    exif[274] = 6
    images = [COLOUR.copy(), GRAY / 255, palette]
    images[0].flags.writeable = images[1].flags.writeable = False
    X = ImageReader((W, H), as_gray=False).transform(images)
    np.testing.assert_array_equal(X[2], np.rot90(COLOUR // 128, -1))
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
        (iter(["a.png"]), ValueError, "a list of paths"),
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


# Resizing


@pytest.mark.parametrize("image_shape", [(24, 24), (20, 31), (96, 80)])
@pytest.mark.parametrize("aspect", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("value", [0.3, 77])
def test_constant_images_stay_constant(image_shape, aspect, value):
    kind = np.uint8 if value > 1 else np.float32
    grey = value / 255 if value > 1 else value
    for shape in [(50, 37), (5, 9), (1, 300), (300, 1), (7, 7, 3)]:
        X = ImageReader(image_shape, aspect=aspect, background=grey).transform(
            [np.full(shape, value, dtype=kind)]
        )
        np.testing.assert_allclose(X[0], np.full(image_shape, grey), atol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_shrinking_does_not_alias(kind):
    # Every third pixel would see white lines only, or black lines only.
    stripes = np.zeros((96, 96), dtype=kind)
    stripes[:, ::3] = np.iinfo(kind).max
    X = ImageReader((32, 32)).transform([stripes, np.roll(stripes, 1, axis=1), stripes.T])
    np.testing.assert_allclose(X[:, 2:-2, 2:-2], 1 / 3, atol=1 / 255)


def test_resizing_agrees_with_scikit_image():
    image = make_shapes(1, image_shape=(90, 120), as_images=True, random_state=0)[0][0]
    for shape in [(30, 40), (24, 24), (180, 240)]:
        found = ImageReader(shape).transform([image])[0]
        expected = resize(image, shape, anti_aliasing=True)
        assert np.abs(found - expected).mean() < 0.01  # they differ at the edges only
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_enlarging_is_smooth_and_keeps_the_middle():
    X = ImageReader((4, 16)).transform([np.array([[0.0, 1.0]])])[0]
    assert (np.diff(X, axis=1) >= 0).all()
    np.testing.assert_allclose(X.mean(), 0.5, atol=1e-6)
    np.testing.assert_allclose(X[:, [0, -1]], [[0, 1]] * 4)


@pytest.mark.parametrize("kind", ["gray", "colour", "float"])
@pytest.mark.parametrize("wide", [True, False])
def test_padding_keeps_the_aspect_and_the_whole_image(wide, kind):
    image = np.zeros((10, 20, 3) if kind == "colour" else (10, 20))
    image = image.astype(np.float32 if kind == "float" else np.uint8)
    expected = np.full((20, 20), 0.6)
    expected[5:15] = 0
    if not wide:
        image, expected = image.swapaxes(0, 1), expected.T
    reader = ImageReader((20, 20), aspect="pad", background=0.6)
    np.testing.assert_allclose(reader.transform([image])[0], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["gray", "colour", "float"])
@pytest.mark.parametrize("wide", [True, False])
def test_cropping_keeps_the_aspect_and_the_middle(wide, kind):
    image = np.zeros((10, 20), dtype=np.float32)
    image[:, 7:13] = 1
    image[:, [0, 1, 18, 19]] = 1  # is cut off
    expected = image[:, 5:15].copy()
    if kind != "float":
        image = (255 * image).astype(np.uint8)
    if kind == "colour":
        image = np.dstack([image] * 3)
    if not wide:
        image, expected = image.swapaxes(0, 1), expected.T
    found = ImageReader((10, 10), aspect="crop").transform([image])[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_stretching_takes_all_of_it():
    image = np.repeat([[0.0, 1.0]], 10, axis=0).repeat(10, axis=1)
    found = ImageReader((10, 10)).transform([image])[0]
    np.testing.assert_allclose(found[:, :4], 0)
    np.testing.assert_allclose(found[:, 6:], 1)


def test_uint8():
    X = ImageReader((H, W), dtype="uint8").transform([GRAY, GRAY / 255])
    assert X.dtype == np.uint8
    np.testing.assert_array_equal(X, [GRAY, GRAY])


# Broken files


def broken_files(folder):
    """One of each kind, with what the error must say."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    cases = []
    for ending in ("png", "jpg", "bmp", "gif", "tif", "webp"):
        path = folder / f"cut.{ending}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        cases.append((path, "cannot be read as an image; it may be broken or cut off"))
        path = folder / f"head.{ending}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:20])
        cases.append((path, "cannot be read as an image; it may be broken or cut off"))
    (folder / "empty.png").write_bytes(b"")
    cases.append((folder / "empty.png", "is empty: it has no bytes"))
    (folder / "text.png").write_text("no image at all")
    cases.append((folder / "text.png", "is no image that can be read"))
    tifffile.imwrite(folder / "signed.tif", GRAY.astype(np.int16))
    cases.append((folder / "signed.tif", "holds pixels of dtype int16"))
    tifffile.imwrite(folder / "wide.tif", 1000 * GRAY.astype(np.float32))
    cases.append((folder / "wide.tif", "holds floats from 0 to 235000"))
    return cases


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_broken_files_are_named(tmp_path, n_jobs):
    for path, message in broken_files(tmp_path):
        with pytest.raises(ValueError) as raised:
            ImageReader(n_jobs=n_jobs).transform([GRAY, str(path), str(path) + "2"])
        assert str(raised.value).startswith(f"{path} {message}")
    with pytest.raises(FileNotFoundError, match=r"nowhere.png"):
        ImageReader(n_jobs=n_jobs).transform([GRAY, tmp_path / "nowhere.png"])
    with pytest.raises(ValueError, match=r"is a folder, not an image. Read it with load_image_f"):
        ImageReader(n_jobs=n_jobs).transform([tmp_path])
    with pytest.raises(ValueError, match="null"):
        ImageReader(n_jobs=n_jobs).transform(["a\0.png"])


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("as_gray", [True, False])
def test_broken_files_become_blank_images(tmp_path, as_gray, n_jobs):
    broken = [path for path, _ in broken_files(tmp_path)]
    X = [GRAY, *broken, tmp_path / "nowhere.png", GRAY]
    for on_error, expected in (("blank", 0.25), ("nan", np.nan)):
        reader = ImageReader(
            (H, W), as_gray=as_gray, on_error=on_error, background=0.25, n_jobs=n_jobs
        )
        with pytest.warns(UserWarning) as warned:
            found = reader.transform(X)
        # Pillow itself has something to say about the TIFF that is cut off.
        told = [warning for warning in warned if "files cannot be read" in str(warning.message)]
        assert len(told) == 1
        message = str(told[0].message)
        assert f"{len(X) - 2} of {len(X)} files cannot be read and became {on_error}" in message
        assert str(broken[0]) in message
        assert f"and {len(X) - 2 - 5} more" in message
        assert told[0].filename == __file__
        assert len(found) == len(X)  # each image keeps its place beside its label
        np.testing.assert_array_equal(found[1:-1], np.full_like(found[1:-1], expected))
        for good in (found[0], found[-1]):
            np.testing.assert_allclose(good if as_gray else good[..., 0], GRAY / 255, atol=1e-6)


def test_no_warning_where_all_is_well(folder):
    reader = ImageReader(on_error="nan")  # the tests make errors of warnings
    assert np.isfinite(reader.transform(list(folder.glob("*/*")))).all()


# Large images


def test_bombs_are_refused_before_they_are_decoded(tmp_path):
    # There is nothing behind the header: who tried to decode it would find it cut off.
    path = tmp_path / "bomb.png"
    path.write_bytes(png(20_000, 20_000, 8, 0, b""))
    with pytest.raises(ValueError) as raised:
        ImageReader().transform([path])
    assert str(raised.value) == (
        f"{path} has 20000 x 20000 pixels, more than max_pixels=100000000 allows. If you trust it "
        f"and it fits into your memory, set max_pixels=400000000."
    )
    with pytest.warns(UserWarning, match="20000 x 20000 pixels, more than max_pixels"):
        ImageReader(on_error="blank").transform([path])
    path.write_bytes(png(20, 20, 8, 0, b""))
    with pytest.raises(ValueError, match="may be broken or cut off"):
        ImageReader().transform([path])


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tif", "webp", "double.tif"])
def test_the_limit_counts_the_pixels_of_each_format(tmp_path, ending):
    path = tmp_path / f"image.{ending}"
    if ending == "double.tif":
        tifffile.imwrite(path, GRAY / 255)
    else:
        Image.fromarray(GRAY).save(path)
    assert read(path, max_pixels=H * W).shape == (H, W)
    with pytest.raises(ValueError, match=rf"{W} x {H} pixels, more than max_pixels={H * W - 1}"):
        read(path, max_pixels=H * W - 1)


def test_pillows_own_limit_is_neither_used_nor_changed(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    Image.fromarray(GRAY).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", H * W // 3)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(path)
    np.testing.assert_allclose(read(path), GRAY / 255, atol=1e-6)
    assert Image.MAX_IMAGE_PIXELS == H * W // 3


# Many images


@pytest.mark.parametrize("n_jobs", [None, 2, -1])
@pytest.mark.parametrize("backend", [None, "loky", "threading"])
def test_the_same_for_any_number_of_jobs(folder, backend, n_jobs):
    paths = sorted(folder.glob("*/*")) * 3
    expected = ImageReader((9, 7)).transform(paths)
    reader = ImageReader((9, 7), n_jobs=n_jobs)
    with joblib.parallel_config(**({"backend": backend} if backend else {"n_jobs": 2})):
        np.testing.assert_array_equal(reader.transform(paths), expected)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("as_gray", [True, False])
def test_memmap(folder, tmp_path_factory, dtype, as_gray):
    place = tmp_path_factory.mktemp("maps")
    paths = sorted(folder.glob("*/*"))
    reader = ImageReader((9, 7), dtype=dtype, as_gray=as_gray)
    expected = reader.transform(paths)
    reader.set_params(memmap_folder=place)
    first = reader.transform(paths)
    second = reader.transform(paths[::-1])
    assert isinstance(first, np.memmap)
    assert first.dtype == dtype
    assert first.mode == "r"
    np.testing.assert_array_equal(first, expected)  # the second is another file
    np.testing.assert_array_equal(second, expected[::-1])
    np.testing.assert_array_equal(np.load(first.filename), expected)
    assert len(list(place.iterdir())) == 2


def test_an_error_leaves_no_file(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    reader = ImageReader(memmap_folder=place)
    with pytest.raises(FileNotFoundError):
        reader.transform([*folder.glob("*/*"), "nowhere.png"])
    assert not list(place.iterdir())
    with pytest.raises(ValueError, match=r"memmap_folder must be a folder .*nowhere"):
        ImageReader(memmap_folder=place / "nowhere").transform([GRAY])


def test_images_on_disk_do_not_gather_in_memory(tmp_path):
    # In blocks: 600 images of 256 x 256 floats are 157 MB, a block of them is 4 MB.
    image = np.zeros((16, 16), dtype=np.uint8)
    reader = ImageReader((256, 256), memmap_folder=tmp_path)
    tracemalloc.start()
    try:
        X = reader.transform([image] * 600)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert X.nbytes > 150_000_000
    assert peak < 20_000_000


# A transformer of scikit-learn


def test_parameters():
    reader = ImageReader((5, 4), as_gray=False, aspect="pad", n_jobs=2)
    assert clone(reader).get_params() == reader.get_params()
    again = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(again.transform([COLOUR]), reader.transform([COLOUR]))
    assert reader.set_params(as_gray=True).transform([COLOUR]).shape == (1, 5, 4)
    assert "ImageReader" in repr(reader)
    check_is_fitted(reader)
    assert vars(reader.fit([COLOUR])) == vars(clone(reader))  # nothing is learnt


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": (5, 4, 3)}, r"image_shape .*\(5, 4, 3\).*as_gray=False"),
        ({"image_shape": (5, 0)}, "image_shape must be two positive integers"),
        ({"image_shape": (5.5, 4)}, "image_shape must be two positive integers"),
        ({"image_shape": 5}, "image_shape"),
        ({"aspect": "zoom"}, "aspect"),
        ({"background": 255}, "background"),
        ({"dtype": "int8"}, "dtype"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"on_error": "skip"}, "on_error"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"on_error": "nan", "dtype": "uint8"}, "on_error='nan' needs dtype='float32'"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_parameters_out_of_range(parameters, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(ImageReader(**parameters), method)([GRAY])


def test_check_estimator_does_not_test_what_reads_paths():
    # As for CountVectorizer: the checks make tables of numbers, and the tags say that X is none.
    with pytest.warns(SkipTestWarning, match="Can't test estimator ImageReader"):
        results = checks.check_estimator(ImageReader())
    assert {result["status"] for result in results} == {"passed"}
    tags = get_tags(ImageReader())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.requires_fit


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_cloneable",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_mixin_order",
        "check_get_params_invariance",
        "check_set_params",
        "check_param_validation",
        "check_parameters_default_constructible",
    ],
)
def test_the_checks_that_need_no_table(name):
    getattr(checks, name)("ImageReader", ImageReader())


def test_pipeline_learns_from_paths(drawn):
    _, paths, y = drawn
    order = np.random.default_rng(0).permutation(len(paths))
    train, test = order[:150], order[150:]
    pipeline = make_pipeline(
        ImageReader((16, 16)), ShapeCNNClassifier(n_filters=(8, 16), max_iter=30, random_state=0)
    )
    pipeline.fit(paths[train].tolist(), y[train].tolist())
    assert pipeline.score(paths[test], y[test]) > 0.8
    predicted = pipeline.predict([str(path) for path in paths[test][:3]])
    assert set(predicted) <= {"circle", "rectangle", "triangle"}
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict(paths[test]), pipeline.predict(paths[test]))
    with pytest.raises(FileNotFoundError, match=r"nowhere.png"):
        pipeline.predict([paths[0], "nowhere.png"])
    pipeline.set_params(imagereader__on_error="nan")
    with pytest.warns(UserWarning, match=r"nowhere.png"), pytest.raises(ValueError, match="NaN"):
        pipeline.predict([paths[0], "nowhere.png"])


def test_cross_validation_and_search_over_paths(drawn, tmp_path):
    _, paths, y = drawn
    quick = ShapeCNNClassifier(n_filters=(8,), max_iter=1, random_state=0)
    pipeline = make_pipeline(ImageReader((12, 12), memmap_folder=tmp_path), quick)
    scores = cross_val_score(pipeline, paths, y, cv=2)
    assert np.isfinite(scores).all()
    assert cross_val_score(pipeline, paths.tolist(), y, cv=2).tolist() == scores.tolist()
    assert cross_val_score(pipeline, pd.Series(paths), y, cv=2).tolist() == scores.tolist()
    grid = {"imagereader__image_shape": [(8, 8), (12, 12)], "imagereader__aspect": ["pad"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(paths, y)
    assert search.predict(paths[:2]).shape == (2,)


def test_images_are_no_data_frame():
    with config_context(transform_output="pandas"):
        assert isinstance(ImageReader((5, 4)).transform([GRAY]), np.ndarray)


def test_in_front_of_any_estimator():
    rows = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    assert make_pipeline(ImageReader((5, 4)), rows).fit_transform([GRAY]).shape == (1, 20)


def test_reading_does_not_import_torch_and_changes_nothing(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "image.png")
    code = f"""
import sys, json, warnings
from PIL import Image, ImageFile
import numpy as np
before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
from sklearn_shapecnn.image_files import ImageReader, load_image_folder
state = np.random.get_state()[1].tolist()
filters = list(warnings.filters)
ImageReader(n_jobs=2).transform([{str(tmp_path / "image.png")!r}])
after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
print(json.dumps(["torch" in sys.modules, after == before[:2], filters == list(warnings.filters),
    state == np.random.get_state()[1].tolist()]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout) == [False, True, True, True]


# Folders


def test_folder(folder):
    bunch = load_image_folder(folder, image_shape=(9, 7))
    assert isinstance(bunch, Bunch)
    assert bunch.target_names.tolist() == ["dark", "light"]
    np.testing.assert_array_equal(bunch.target, np.repeat([0, 1], 4))
    assert bunch.target.dtype == np.int64
    expected = [
        folder / name / f"{i}{end}"
        for name in ("dark", "light")
        for i, end in enumerate((".png", ".JPG", ".bmp", ".tif"))
    ]
    assert bunch.filenames.tolist() == [str(path) for path in expected]
    assert bunch.images.shape == (8, 9, 7)
    assert bunch.data.shape == (8, 63)
    assert np.shares_memory(bunch.data, bunch.images)
    np.testing.assert_array_equal(bunch.images, ImageReader((9, 7)).transform(expected))
    assert "8 images" in bunch.DESCR
    assert "dark: 4\nlight: 4" in bunch.DESCR
    X, y = load_image_folder(str(folder), image_shape=(9, 7), return_X_y=True, n_jobs=2)
    np.testing.assert_array_equal(X, bunch.images)
    np.testing.assert_array_equal(y, bunch.target)


def test_folder_passes_parameters_on(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    bunch = load_image_folder(
        folder, image_shape=(9, 7), as_gray=False, dtype="uint8", aspect="pad", memmap_folder=place
    )
    assert isinstance(bunch.images, np.memmap)
    assert bunch.images.shape == (8, 9, 7, 3)
    assert bunch.data.shape == (8, 189)
    assert bunch.images.dtype == np.uint8
    assert bunch.images[0, 0, 0].tolist() == [255] * 3  # the padding
    with pytest.raises(TypeError, match="colour"):
        load_image_folder(folder, colour=True)
    with pytest.raises(ValueError, match="aspect"):
        load_image_folder(folder, aspect="zoom")


def test_folder_without_content(folder):
    bunch = load_image_folder(folder, load_content=False)
    assert "images" not in bunch
    assert "data" not in bunch
    assert len(bunch.filenames) == len(bunch.target) == 8
    with pytest.raises(ValueError, match="load_content=True"):
        load_image_folder(folder, load_content=False, return_X_y=True)


def test_folder_leads_to_a_classifier(drawn):
    folder, paths, labels = drawn
    shapes = load_image_folder(folder, load_content=False)
    np.testing.assert_array_equal(shapes.filenames, paths)
    np.testing.assert_array_equal(shapes.target_names[shapes.target], labels)
    pipeline = make_pipeline(
        ImageReader((12, 12)), ShapeCNNClassifier(n_filters=(8,), max_iter=1, random_state=0)
    )
    pipeline.fit(shapes.filenames, shapes.target)
    read = load_image_folder(folder, image_shape=(12, 12))
    direct = clone(pipeline[-1]).fit(read.images, read.target)
    np.testing.assert_array_equal(
        direct.predict_proba(read.images), pipeline.predict_proba(shapes.filenames)
    )


def test_categories(folder):
    (folder / "another").mkdir()
    Image.fromarray(GRAY).save(folder / "another" / "0.png")
    bunch = load_image_folder(folder, categories=["light", "another"])
    assert bunch.target_names.tolist() == ["another", "light"]
    assert bunch.target.tolist() == [0, 1, 1, 1, 1]
    assert load_image_folder(folder, categories=["light"]).target_names == "light"
    with pytest.raises(ValueError, match=r"no folder 'lihgt'.*Its folders: another, dark, light"):
        load_image_folder(folder, categories=["lihgt"])


def test_hidden_files_are_passed_over_and_others_told_of(folder):
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "0.png").write_text("no image")
    (folder / "dark" / "._0.png").write_text("no image")
    (folder / "dark" / ".DS_Store").write_text("no image")
    (folder / "nothing").mkdir()
    (folder / "labels.csv").write_text("beside the folders there may be anything")
    assert len(load_image_folder(folder).images) == 8  # and no warning
    (folder / "dark" / "notes.txt").write_text("no image")
    Image.fromarray(GRAY).save(folder / "loose.png")
    (folder / "light" / "deeper").mkdir()
    Image.fromarray(GRAY).save(folder / "light" / "deeper" / "0.png")
    with pytest.warns(UserWarning, match="3 files or folders are ignored") as told:
        bunch = load_image_folder(folder)
    message = str(told[0].message)
    for name in ("loose.png", os.path.join("light", "deeper"), os.path.join("dark", "notes.txt")):
        assert name in message
    assert told[0].filename == __file__
    assert len(bunch.images) == 8


def test_extensions(folder):
    (folder / "dark" / "notes.txt").write_text("no image")
    bunch = load_image_folder(folder, extensions=[".png", ".jpg"])  # and no warning
    assert len(bunch.images) == 4


@pytest.mark.parametrize("memmap", [True, False])
def test_broken_files_are_left_out_with_their_labels(folder, tmp_path_factory, memmap):
    options = {"memmap_folder": tmp_path_factory.mktemp("maps")} if memmap else {}
    whole = load_image_folder(folder)
    (folder / "dark" / "0.png").write_text("no image")
    (folder / "light" / "2.bmp").write_text("no image")
    with pytest.raises(ValueError, match=r"0.png is no image"):
        load_image_folder(folder)
    with pytest.warns(UserWarning, match="2 of 8 files cannot be read and are left out") as told:
        bunch = load_image_folder(folder, on_error="skip", **options)
    for name in ("0.png", "2.bmp"):
        assert name in str(told[0].message)
    assert told[0].filename == __file__
    good = np.setdiff1d(np.arange(8), [0, 6])
    np.testing.assert_array_equal(bunch.images, whole.images[good])
    np.testing.assert_array_equal(bunch.target, whole.target[good])
    np.testing.assert_array_equal(bunch.filenames, whole.filenames[good])
    assert "dark: 3\nlight: 3" in bunch.DESCR
    if memmap:
        np.testing.assert_array_equal(np.load(bunch.images.filename), bunch.images)


def test_a_class_without_a_good_image(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    for path in (folder / "light").iterdir():
        path.write_text("no image")
    with pytest.raises(ValueError, match=r"None of the images in .*light can be read"):
        load_image_folder(folder, on_error="skip", memmap_folder=place)
    assert not list(place.iterdir())


def test_folders_that_are_none(folder, tmp_path_factory):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        load_image_folder(folder / "nowhere")
    with pytest.raises(ValueError, match=r"0.png cannot be read as a folder"):
        load_image_folder(folder / "dark" / "0.png")
    with pytest.raises(ValueError, match="cannot be read as a folder: File name too long"):
        load_image_folder(folder / ("a" * 1000))
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ValueError, match=r"has no subfolders with images.*one subfolder for each"):
        load_image_folder(empty)
    with pytest.raises(ValueError, match=r"holds 4 images, but in no subfolders.*ImageReader"):
        load_image_folder(folder / "dark")


def test_folder_with_one_class(folder):
    for path in (folder / "light").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"one subfolder only, 'dark'.*categories=\['dark'\]"):
        load_image_folder(folder)
    with pytest.raises(ValueError, match=r"light holds no images, but categories asks for it"):
        load_image_folder(folder, categories=["dark", "light"])


def test_folders_of_folders_are_not_taken_for_classes(folder):
    # Otherwise a classifier would learn to tell training images from test images.
    for part in ("train", "test"):
        (folder / "parts" / part / "dark").mkdir(parents=True)
        Image.fromarray(GRAY).save(folder / "parts" / part / "dark" / "0.png")
    with pytest.raises(ValueError, match=r"test holds no images itself.*give '.*test' as the path"):
        load_image_folder(folder / "parts")


@pytest.mark.parametrize(
    "parameters", [{"on_error": "nan"}, {"categories": 5}, {"path": 5}, {"load_content": "yes"}]
)
def test_folder_parameters_out_of_range(folder, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        load_image_folder(**({"path": folder} | parameters))


@pytest.mark.parametrize("as_gray", [True, False])
def test_images_as_rows(tmp_path, as_gray):
    reader = ImageReader((H, W), as_gray=as_gray, memmap_folder=tmp_path)
    images = reader.transform([GRAY, COLOUR])
    rows = clone(reader).set_params(as_rows=True).transform([GRAY, COLOUR])
    np.testing.assert_array_equal(rows, images.reshape(2, -1))
    assert isinstance(rows, np.memmap)
    names = reader.get_feature_names_out()
    assert len(names) == rows.shape[1]
    assert names[:2].tolist() == ["pixel0", "pixel1"]


def test_another_classifier_behind_it():
    pipeline = make_pipeline(ImageReader((4, 4), as_rows=True), SVC())
    dark, light = np.zeros((5, 6)), np.ones((7, 8))
    pipeline.fit([dark, light] * 3, [0, 1] * 3)
    assert pipeline.predict([light, dark]).tolist() == [1, 0]


def test_a_pipeline_with_it_gives_data_frames():
    images, labels = [GRAY, COLOUR, 255 - GRAY] * 4, [0, 1, 2] * 4
    network = ShapeCNNClassifier(n_filters=2, max_iter=1, random_state=0)
    pipeline = make_pipeline(ImageReader((8, 8)), network).set_output(transform="pandas")
    frame = pipeline.fit(images, labels).transform(images)
    assert list(frame.columns) == pipeline.get_feature_names_out().tolist()
    assert isinstance(pipeline[0].transform(images), np.ndarray)


def test_progress_bars_of_scikit_learn_pass_through(capsys):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has it since 1.9")
    pipeline = make_pipeline(ImageReader((8, 8)), ShapeCNNClassifier(n_filters=2, max_iter=1))
    pipeline.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    pipeline.fit([GRAY, COLOUR, 255 - GRAY] * 4, [0, 1, 2] * 4)
    assert "ShapeCNNClassifier" in capsys.readouterr().out


def test_bools_are_no_sizes():
    with pytest.raises(ValueError, match="image_shape must be two positive integers"):
        ImageReader((True, 12)).transform([GRAY])


def test_what_is_not_read_cannot_be_skipped(tmp_path):
    with pytest.raises(ValueError, match="on_error='skip' needs load_content=True"):
        load_image_folder(tmp_path, on_error="skip", load_content=False)
