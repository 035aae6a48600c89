"""What comes out of each kind of file."""

import os

import numpy as np
import pytest
import tifffile
from image_file_helpers import COLOR, GRAY, SMOOTH, H, W, broken_files, png, read
from PIL import Image
from skimage.color import rgb2gray
from skimage.io import imread

from sklearn_shapecnn.images import ImageReader


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".gif", ".webp"])
def test_gray_files(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    Image.fromarray(GRAY).save(path, **({"lossless": True} if ending == ".webp" else {}))
    X = read(path)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, GRAY / 255, atol=1e-6)
    np.testing.assert_allclose(read(path, as_gray=False), np.dstack([GRAY / 255] * 3), atol=1e-6)


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".gif", ".webp"])
def test_color_files(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    Image.fromarray(COLOR).save(path, **({"lossless": True} if ending == ".webp" else {}))
    np.testing.assert_allclose(read(path, as_gray=False), COLOR / 255, atol=1e-6)
    np.testing.assert_allclose(read(path), rgb2gray(COLOR), atol=1e-6)


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
    assert not np.allclose(found, GRAY / 255, atol=1e-5)  # keeps the last bits


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (GRAY.astype(np.uint16) * 257 + 3, {"byteorder": ">"}),
        (GRAY.astype(np.uint32) * 0x01010101, {}),
        ((GRAY / 255).astype(np.float32), {}),
        (GRAY / 255, {}),
        (GRAY > 100, {}),
        (COLOR, {"planarconfig": "separate"}),
        (COLOR.astype(np.uint32) * 0x01010101, {"planarconfig": "separate"}),
        (COLOR.astype(np.uint16) * 257, {}),
        (COLOR / 255, {}),
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


@pytest.mark.parametrize(("color_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bit_png_with_colors_or_alpha(tmp_path, color_type, channels):
    colors = COLOR if channels > 2 else GRAY[..., np.newaxis]
    pixels = np.dstack([colors, np.full((H, W), 255)])[..., :channels].astype(np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels * 257)
    (tmp_path / "image.png").write_bytes(png(W, H, 16, color_type, rows))
    expected = np.broadcast_to(colors / 255, (H, W, 3))
    np.testing.assert_allclose(read(tmp_path / "image.png", as_gray=False), expected, atol=1e-6)


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".gif"])
def test_one_bit(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    Image.fromarray(GRAY > 100).save(path)
    np.testing.assert_array_equal(read(path), GRAY > 100)


@pytest.mark.parametrize("ending", [".png", ".bmp", ".gif", ".tif"])
def test_palette(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    few = COLOR // 128 * 255
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
    if mode in ("P", "L", "RGB"):  # these make one color transparent
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
    colors = read(path, background=background, as_gray=False)
    np.testing.assert_allclose(colors, np.dstack([expected] * 3), atol=1.01 / 255)


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
    others = [Image.fromarray(255 - COLOR), Image.fromarray(COLOR // 2)]
    Image.fromarray(COLOR).save(path, save_all=True, append_images=others, **options)
    np.testing.assert_allclose(read(path, as_gray=False), COLOR / 255, atol=1e-6)


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


def test_bombs_are_refused_before_they_are_decoded(tmp_path):
    # Nothing follows the header: decoding the file would find it cut off.
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


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tif", "double.tif"])
def test_pillows_own_limit_is_neither_used_nor_changed(tmp_path, monkeypatch, ending):
    path = tmp_path / f"image.{ending}"
    if ending == "double.tif":
        tifffile.imwrite(path, GRAY / 255)
    else:
        options = {"compression": "tiff_lzw"} if ending == "tif" else {}
        Image.fromarray(GRAY).save(path, **options)
    expected = read(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", H * W // 3)
    if ending != "double.tif":
        with pytest.raises(Image.DecompressionBombError):
            Image.open(path)
    np.testing.assert_array_equal(read(path), expected)
    assert H * W // 3 == Image.MAX_IMAGE_PIXELS
