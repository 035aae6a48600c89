"""Image files, written by other libraries or byte by byte; for tests of images and of datasets."""

import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.io import imsave

from sklearn_shapecnn.datasets import make_shapes
from sklearn_shapecnn.images import ImageReader

H, W = 6, 8

GRAY = np.arange(H * W, dtype=np.uint8).reshape(H, W) * 5
COLOR = np.stack([GRAY, 255 - GRAY, GRAY[::-1]], axis=-1)
SMOOTH = np.kron(COLOR, np.ones((16, 16, 1), dtype=np.uint8))  # JPEG keeps 16 x 16 blocks


def read(path, **parameters):
    """The only image of a file, in its own size unless the parameters say otherwise."""
    return ImageReader(**({"image_shape": (H, W)} | parameters)).transform([path])[0]


def png(width, height, depth, color_type, rows):
    """The bytes of a PNG, which Pillow does not write for all types."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


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
    cases.append((folder / "text.png", "is not a supported image"))
    tifffile.imwrite(folder / "signed.tif", GRAY.astype(np.int16))
    cases.append((folder / "signed.tif", "holds pixels of dtype int16"))
    tifffile.imwrite(folder / "wide.tif", 1000 * GRAY.astype(np.float32))
    cases.append((folder / "wide.tif", "holds floats from 0 to 235000"))
    return cases


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
