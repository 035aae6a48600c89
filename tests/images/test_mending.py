"""Each kind of broken metadata: the pixels are read, and one warning names the file."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from image_file_helpers import COLOR, GRAY, H, W, read
from PIL import Image
from test_metadata import encode, exif_bytes, short

from sklearn_shapecnn.images import ImageReader
from sklearn_shapecnn.images._mending import without_metadata

IMAGE = Image.fromarray(COLOR)
OTHERS = {"save_all": True, "append_images": [Image.fromarray(255 - COLOR)]}
EXIF = exif_bytes((274, 3, 1, short(6)))


def chunk(kind, data, is_sound=True):
    """A chunk of a PNG."""
    checksum = zlib.crc32(kind + data) + (not is_sound)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_with(*chunks, after=b"", **options):
    """A PNG with more chunks before its pixels, and others behind."""
    data = encode(IMAGE, "PNG", **options)
    return data[:33] + b"".join(chunks) + data[33:-12] + after + data[-12:]


def segment(kind, data):
    """A segment of a JPEG."""
    return bytes([0xFF, kind]) + struct.pack(">H", len(data) + 2) + data


def jpeg_with(*segments, **options):
    data = encode(IMAGE, "JPEG", quality=100, subsampling=0, **options)
    return data[:2] + b"".join(segments) + data[2:]


def webp_with(*chunks, cut=0, **options):
    """A WebP with more chunks behind its pixels, the last of them cut off."""
    data = encode(IMAGE, "WEBP", lossless=True, exif=b"", **options)
    chunks = [kind + struct.pack("<I", len(more)) + more for kind, more in chunks]
    data += b"".join(chunks)
    return (data[:4] + struct.pack("<I", len(data) - 8) + data[8:])[: -cut or None]


def tiff_with(tag, kind, count, value):
    """A TIFF whose tag, which must be there already, is another one."""
    data = bytearray(encode(IMAGE, "TIFF", description="some text", dpi=(72, 72)))
    (start,) = struct.unpack_from("<I", data, 4)
    (n_tags,) = struct.unpack_from("<H", data, start)
    for place in range(start + 2, start + 2 + 12 * n_tags, 12):
        if struct.unpack_from("<H", data, place)[0] == tag:
            struct.pack_into("<HHII", data, place, tag, kind, count, value)
            return bytes(data)
    raise ValueError(f"no tag {tag}")


def gif_with(comment, after=b""):
    data = encode(Image.fromarray(GRAY), "GIF")
    place = data.index(b",", 13)
    return data[:place] + b"!\xfe" + comment + b"\0" + data[place:] + after


LONG = zlib.compress(b"y" * 2_000_000)  # Pillow takes one million
BAD_TEXT = b"Comment\0\0\0\0\0" + b"\xff\xfe\xfd"  # no UTF-8

WHOLE = {  # what nobody needs, or all can read: no warning
    "trailing garbage.png": png_with() + b"garbage" * 99,
    "trailing garbage.jpg": jpeg_with() + b"garbage" * 99,
    "trailing garbage.webp": webp_with() + b"garbage" * 99,
    "trailing garbage.gif": gif_with(b"") + b"garbage" * 99,
    "trailing garbage.bmp": encode(IMAGE, "BMP") + b"garbage" * 99,
    "trailing garbage.tif": encode(IMAGE, "TIFF") + b"garbage" * 99,
    "text that is no UTF-8.png": png_with(chunk(b"iTXt", BAD_TEXT), chunk(b"tEXt", b"a\0\xff")),
    "text that is no UTF-8 behind the pixels.png": png_with(after=chunk(b"iTXt", BAD_TEXT)),
    "unknown chunk.png": png_with(chunk(b"abCd", b"12"), after=chunk(b"abCd", b"12")),
    "no profile.png": png_with(icc_profile=b"no profile"),
    "no profile.jpg": jpeg_with(icc_profile=b"no profile"),
    "no profile.tif": encode(IMAGE, "TIFF", icc_profile=b"no profile"),
    "part of a profile.jpg": jpeg_with(segment(0xE2, b"ICC_PROFILE\0\1\7" + b"x" * 50)),
    "comment.jpg": jpeg_with(segment(0xFE, b"\xff\xfe"), segment(0xFE, b"")),
    "comment.gif": gif_with(b"\3\xff\xfe\xfd"),
    "thumbnail.jpg": jpeg_with(exif=EXIF[:-4] + struct.pack("<I", 9999)),
    "half an MPO.jpg": jpeg_with(segment(0xE2, b"MPF\0II*\0" + b"\xff" * 20)),
    "other frame broken.gif": encode(IMAGE, "GIF", **OTHERS)[:-20],
}
BROKEN = {
    "wrong checksum of a profile.png": png_with(chunk(b"iCCP", b"a\0\0" + LONG, False)),
    "profile too short.png": png_with(chunk(b"iCCP", b"a")),
    "unknown compression of a profile.png": png_with(chunk(b"iCCP", b"a\0\7" + LONG)),
    "long text.png": png_with(chunk(b"zTXt", b"a\0\0" + LONG)),
    "long text behind the pixels.png": png_with(after=chunk(b"zTXt", b"a\0\0" + LONG)),
    "half a resolution.png": png_with(chunk(b"pHYs", b"123")),
    "half a resolution behind the pixels.png": png_with(after=chunk(b"pHYs", b"123")),
    "wrong checksum of a time, turned.png": png_with(
        chunk(b"tIME", b"1234567", False), chunk(b"eXIf", EXIF[6:])
    ),
    "wrong checksum of EXIF.png": png_with(chunk(b"eXIf", EXIF[6:], False)),
    "frames out of order.png": png_with(
        chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(b"fcTL", bytes([0, 0, 0, 7] + [0] * 22))
    ),
    "half a profile.jpg": jpeg_with(segment(0xE2, b"ICC_PROFILE\0")),
    "half of JFIF.jpg": jpeg_with(segment(0xE0, b"JFIF\0")),
    "half of Adobe's.jpg": jpeg_with(segment(0xEE, b"Adobe")),
    "half of Photoshop's, turned.jpg": jpeg_with(
        segment(0xED, b"Photoshop 3.0\x008BIM\1\2"), exif=EXIF
    ),
    "EXIF cut off.webp": webp_with((b"EXIF", EXIF), cut=5, icc_profile=b"no profile"),
    "other frame cut off.webp": encode(IMAGE, "WEBP", lossless=True, **OTHERS)[:-20],
    "description outside of the file.tif": tiff_with(270, 2, 99, 10**6),
    "resolution outside of the file.tif": tiff_with(282, 5, 1, 10**6),
    "several resolutions.tif": tiff_with(282, 5, 2, 8),
}


@pytest.mark.parametrize("name", [*WHOLE, *BROKEN])
def test_the_pixels_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes((WHOLE | BROKEN)[name])
    expected = np.dstack([GRAY] * 3) if "comment.gif" in name or "garbage.gif" in name else COLOR
    if name == "other frame broken.gif":
        expected = np.asarray(IMAGE.quantize(256).convert("RGB"))
    if "turned" in name or name == "thumbnail.jpg":
        expected = np.rot90(expected, -1)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found = read(path, image_shape=expected.shape[:2], as_gray=False)
    # JPEG mixes neighbors; upside down or unturned, half of it would be far off.
    tolerance = 12 / 255 if name.endswith(".jpg") else 1e-6
    np.testing.assert_allclose(found, expected / 255, atol=tolerance)
    messages = [str(warning.message) for warning in warned]
    if name in WHOLE:
        assert not messages
    else:
        (message,) = messages
        assert str(path) in message
        assert "The metadata of 1 of 1 images is broken" in message
        assert warned[0].filename.endswith("image_file_helpers.py")  # which called the reader


@pytest.mark.parametrize(
    "data",
    [
        png_with(chunk(b"PLTE", b"abc", False)),
        png_with(chunk(b"tRNS", b"123456", False)),
        png_with(chunk(b"abcd", b"123456", False)),  # may be anything
        png_with(chunk(b"iCCP", b"a"))[:60],
        jpeg_with(segment(0xEE, b"Adobe"))[:60],
        jpeg_with(segment(0xEE, b"Adobe"))[:3],
        webp_with()[:40],
        b"RIFF1234WAVEfmt " + bytes(99),
        b"II*\0" + bytes(99),
        tiff_with(258, 3, 3, 10**6),
        tiff_with(277, 99, 1, 3),
    ],
)
def test_broken_pixels_are_refused_still(tmp_path, data):
    path = tmp_path / "image"
    path.write_bytes(data)
    with warnings.catch_warnings(), pytest.raises(ValueError) as raised:
        warnings.simplefilter("ignore")  # Pillow's
        read(path)
    assert str(raised.value).startswith(f"{path} ")


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        ("PNG", {"dpi": (72, 72)}),
        ("JPEG", {"comment": "text"}),
        ("WEBP", {"icc_profile": b"no profile"}),
        ("TIFF", {"description": "text"}),
    ],
)
def test_mending_keeps_the_pixels(kind, metadata):
    data = encode(IMAGE, kind, **metadata)
    mended = without_metadata(data)
    assert mended != data
    with Image.open(io.BytesIO(mended)) as image, Image.open(io.BytesIO(data)) as before:
        np.testing.assert_array_equal(image, before)
    for text in (b"pHYs", b"text", b"no profile"):
        assert text not in mended or kind == "TIFF"  # there it is behind the table of tags
    assert without_metadata(mended) is None


@pytest.mark.parametrize("kind", ["GIF", "BMP"])
def test_there_is_little_metadata_in_some_formats(kind):
    assert without_metadata(encode(IMAGE, kind)) is None


def test_the_limit_holds_for_mended_files_too(tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(png_with(chunk(b"iCCP", b"a")))
    with pytest.raises(ValueError, match=rf"{W} x {H} pixels, more than max_pixels"):
        read(path, max_pixels=H * W - 1)


def test_colors_that_tifffile_reads_as_others_are_refused(tmp_path):
    path = tmp_path / "image.tif"
    palette = np.zeros((3, 2**16), dtype=np.uint16)
    tifffile.imwrite(path, GRAY.astype(np.uint16), photometric="palette", colormap=palette)
    with pytest.raises(ValueError, match=r"image.tif is a TIFF .* PALETTE .*Convert it to gray"):
        ImageReader().transform([path])
