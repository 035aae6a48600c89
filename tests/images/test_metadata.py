"""A photo is read whatever its metadata says; all that Pillow can show can be read."""

import io
import os
import struct
import warnings

import numpy as np
import pytest
from image_file_helpers import SMOOTH, read
from PIL import Image, ImageFile, ImageOps
from PIL import __version__ as version
from PIL.PngImagePlugin import PngInfo
from test_decoding import ORIENTED

from sklearn_shapecnn.images import ImageReader
from sklearn_shapecnn.images._metadata import find_orientation

SMALL = np.kron(
    np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8),
    np.ones((4, 4, 1), dtype=np.uint8),
)
XMP = b'<x:xmpmeta tiff:Orientation="3"/>'


def exif_bytes(*tags, order="<"):
    """EXIF with tags of (number, type, count, four bytes or a number)."""
    entries = b"".join(
        struct.pack(f"{order}HHI", *tag[:3])
        + (tag[3] if isinstance(tag[3], bytes) else struct.pack(f"{order}I", tag[3]))
        for tag in tags
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return b"Exif\0\0" + head + struct.pack(f"{order}H", len(tags)) + entries + b"\0" * 4


def short(number, order="<"):
    return struct.pack(f"{order}HH", number, 0)


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_a_photo_with_an_impossible_resolution_is_turned(tmp_path, ending):
    # The resolution is -1/0, which Pillow reads and cannot write.
    end = 8 + 2 + 2 * 12 + 4
    exif = exif_bytes((274, 3, 1, short(6)), (282, 10, 1, end)) + struct.pack("<ii", -1, 0)
    path = tmp_path / f"photo{ending}"
    options = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}
    Image.fromarray(SMOOTH).save(path, exif=exif, **options.get(ending, {}))
    with Image.open(path) as image, pytest.raises(struct.error):
        ImageOps.exif_transpose(image)
    expected = ORIENTED[6](SMOOTH)
    found = read(path, image_shape=expected.shape[:2], as_gray=False)  # and no warning
    np.testing.assert_allclose(found, expected / 255, atol=4 / 255)  # JPEG rounds
    with Image.open(path) as image:
        reader = ImageReader(expected.shape[:2], as_gray=False)
        np.testing.assert_array_equal(reader.transform([image])[0], found)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({}, 1),
        ({"exif": b""}, 1),
        ({"exif": b"Exif\0\0"}, 1),
        ({"exif": exif_bytes((274, 3, 1, short(8)))}, 8),
        ({"exif": exif_bytes((274, 3, 1, short(8)))[6:]}, 8),
        ({"exif": exif_bytes((274, 3, 1, short(8, ">")), order=">")}, 8),
        ({"exif": exif_bytes((274, 4, 1, 5))}, 5),
        ({"exif": exif_bytes((274, 5, 1, 26)) + struct.pack("<II", 6, 2)}, 3),
        ({"exif": exif_bytes((274, 2, 4, b"678\0"))}, 1),
        ({"exif": exif_bytes((274, 99, 1, short(8)))}, 1),
        ({"exif": exif_bytes((274, 3, 1, short(0)))}, 1),
        ({"exif": exif_bytes((274, 3, 1, short(9)))}, 1),
        ({"exif": exif_bytes((271, 2, 900, 9999), (274, 3, 1, short(6)), (305, 7, 9, 9999))}, 6),
        ({"exif": exif_bytes((274, 3, 1, short(6)), (274, 3, 1, short(8)))}, 6),
        ({"exif": exif_bytes((274, 3, 1, short(6)))[:-4]}, 6),
        ({"xmp": XMP}, 3),
        ({"xmp": XMP + b"\xff\xfe"}, 3),
        ({"xmp": (1, 2)}, 1),
        ({"XML:com.adobe.xmp": "<tiff:Orientation>8</tiff:Orientation>"}, 8),
        ({"exif": exif_bytes((271, 3, 1, short(6))), "xmp": XMP}, 3),
        ({"exif": b"no EXIF at all", "xmp": XMP}, 3),
        (
            {
                "Raw profile type exif": "\nexif\n      30\n"
                + exif_bytes((274, 3, 1, short(8))).hex()
            },
            8,
        ),
    ],
)
def test_where_the_orientation_stands(info, expected):
    assert find_orientation(info) == (expected, "")


@pytest.mark.parametrize(
    ("info", "trouble"),
    [
        ({"exif": b"no EXIF at all"}, "begins with b'no E'"),
        ({"exif": exif_bytes()[:10]}, "unpack"),
        ({"exif": b"II*\0" + struct.pack("<I", 999)}, "should begin at byte 999"),
        ({"exif": exif_bytes((271, 3, 1, short(6)), (274, 3, 1, short(6)))[:30]}, "unpack"),
        ({"exif": exif_bytes((274, 3, 9, 9999))}, "unpack"),
        ({"Raw profile type exif": "\nexif\n3\nxyz"}, "hexadecimal"),
        ({"exif": 5}, "expected string or bytes"),
    ],
)
def test_what_cannot_be_read_is_said(info, trouble):
    orientation, found = find_orientation(info)
    assert orientation == 1
    assert trouble in found


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_broken_exif_warns_once_with_the_names(tmp_path, ending, n_jobs):
    paths = [tmp_path / f"{i}{ending}" for i in range(3)]
    for path, exif in zip(paths, (b"", b"Exif\0\0broken", b"Exif\0\0broken"), strict=True):
        Image.fromarray(SMALL).save(path, **({"exif": exif} if exif else {}))
    with pytest.warns(UserWarning, match="The metadata of 2 of 3 images is broken") as warned:
        X = ImageReader(n_jobs=n_jobs).transform(paths)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert str(paths[0]) not in str(warned[0].message)
    assert f"{paths[1]}: its EXIF data is broken" in str(warned[0].message)
    assert str(paths[2]) in str(warned[0].message)
    np.testing.assert_array_equal(X[1], X[0])


@pytest.mark.parametrize("orientation", ORIENTED)
def test_tiffs_are_turned_by_xmp_too(tmp_path, orientation):
    path = tmp_path / "image.tif"
    Image.fromarray(SMOOTH).save(
        path, tiffinfo={700: XMP.replace(b'"3"', b'"%d"' % orientation)}, compression="tiff_lzw"
    )
    expected = ORIENTED[orientation](SMOOTH)
    found = read(path, image_shape=expected.shape[:2], as_gray=False)
    np.testing.assert_allclose(found, expected / 255, atol=1e-6)


def make_seeds():
    """Files of each format, with as much around the pixels as Pillow writes."""
    exif = Image.Exif()
    exif.update({271: "maker and company", 282: 72.0, 283: 72.0, 296: 2, 306: "2024:01:01"})

    def turned(orientation):
        exif[274] = orientation
        return exif.tobytes()

    color = Image.fromarray(SMALL)
    gray, palette, glass = color.convert("L"), color.quantize(16), color.copy()
    glass.putalpha(gray)
    deep = Image.fromarray(SMALL[..., 0].astype(np.uint16) * 257)
    frames = {
        "save_all": True,
        "append_images": [Image.fromarray(255 - SMALL), Image.fromarray(SMALL // 2)],
    }
    profile = bytes(range(200))
    texts, after = PngInfo(), PngInfo()
    texts.add_text("Title", "a title")
    texts.add_itxt("Comment", "äöü")
    texts.add_text("long", "y" * 200, zip=True)
    after.add(b"tEXt", b"a\0b", after_idat=True)
    after.add(b"prVt", b"abc", after_idat=True)
    resolution = {"dpi": (72, 72)}
    return {
        "PNG": [
            encode(color, "PNG", exif=turned(6), icc_profile=profile, pnginfo=texts, **resolution),
            encode(palette, "PNG", transparency=2, exif=turned(8)),
            encode(deep, "PNG"),
            encode(color, "PNG", pnginfo=after, **frames),
            encode(glass, "PNG"),
        ],
        "JPEG": [
            encode(color, "JPEG", exif=turned(6), icc_profile=profile, comment=b"text", xmp=XMP),
            encode(gray, "JPEG", exif=turned(5), **resolution),
            encode(color.convert("CMYK"), "JPEG", exif=turned(2)),
            encode(color, "JPEG", progressive=True, xmp=XMP),
        ],
        "TIFF": [
            encode(color, "TIFF", exif=turned(6), icc_profile=profile, description="text" * 5),
            encode(gray, "TIFF", compression="tiff_lzw", exif=turned(8), **resolution),
            encode(palette, "TIFF"),
            encode(color, "TIFF", compression="tiff_adobe_deflate", **frames),
            encode(deep, "TIFF", exif=turned(3)),
        ],
        "GIF": [
            encode(palette, "GIF", comment=b"a comment" * 40, transparency=3),
            encode(color, "GIF", loop=0, duration=100, **frames),
            encode(gray, "GIF"),
        ],
        "WEBP": [
            encode(color, "WEBP", lossless=True, exif=turned(6), icc_profile=profile, xmp=XMP),
            encode(color, "WEBP", quality=80),
            encode(glass, "WEBP", lossless=True, exif=turned(7)),
            encode(color, "WEBP", lossless=True, exif=turned(6), **frames),
        ],
        "BMP": [encode(image, "BMP", **resolution) for image in (color, gray, palette, glass)],
    }


def mutate(data, rng):
    """Change some bytes near the beginning, insert or remove some, or cut or lengthen the file."""
    data, place = bytearray(data), rng.integers(0, min(len(data), 600))
    noise = rng.bytes(rng.integers(1, 9))
    kind = rng.integers(0, 8)
    if kind < 4:
        for at in rng.integers(0, min(len(data), 600), rng.integers(1, 4)):
            data[at] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
    elif kind == 4:
        data[place : place + len(noise)] = noise
    elif kind == 5:
        data[place:place] = noise
    elif kind == 6:
        del data[place : place + len(noise)]
    elif rng.random() < 0.5:
        data += noise
    else:
        del data[-rng.integers(1, min(len(data) // 2, 200)) :]
    return bytes(data)


def open_with_pillow(path, max_pixels):
    """What Pillow shows, how its EXIF says that it lies, and whether Pillow had doubts of that."""
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        with Image.open(path) as image:
            if image.width * image.height > max_pixels:
                raise ValueError("too large")
            tags = getattr(image, "tag_v2", {})
            image.load()
            try:
                orientation = image.getexif().get(274)
                if orientation is None:
                    orientation, is_old = 1, int(version.partition(".")[0]) < 11
                    doubts += [True] * (is_old and "xmp" in image.info)  # older ones pass it over
                Image.Exif().load(image.info.get("exif", b""))  # does not hide errors
            except Exception:
                orientation, doubts = 1, [True]
            shown = image.copy()
    for key in ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"):
        shown.info.pop(key, None)
    if shown.mode.startswith("I;16") and tags.get(262) == 0:  # white is zero
        shown = Image.fromarray(65535 - np.asarray(shown))
    return shown, orientation, bool(doubts)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP"])
def test_all_that_pillow_shows_can_be_read(tmp_path, kind):
    path, max_pixels = str(tmp_path / "mutant"), 100_000
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Pillow's numbers of these
    reader = ImageReader((24, 24), as_gray=False, max_pixels=max_pixels)
    rng = np.random.default_rng([ord(letter) for letter in kind])
    seeds = make_seeds()[kind]
    state = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    n_shown = 0
    for _ in range(400 * int(os.environ.get("SHAPECNN_CASES", 1))):
        with open(path, "wb") as file:
            file.write(mutate(seeds[rng.integers(len(seeds))], rng))
        found, words = None, ""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                found = reader.transform([path])[0]
            except ValueError as error:  # any other ends the test
                words = str(error)
                assert words.startswith(path)
        try:
            shown, orientation, is_doubtful = open_with_pillow(path, max_pixels)
        except Exception:
            # Neither can we, unless the metadata alone is broken, or tifffile knows it.
            is_named = any(f"{path}: " in str(warning.message) for warning in warned)
            assert found is None or is_named or kind == "TIFF"
            continue
        if "holds floats" in words or "holds pixels of dtype" in words:
            continue  # brightness without a known black and white
        n_shown += 1
        assert found is not None, words
        # Where Pillow has lost the orientation, ours may be right.
        lies = [orientation, *turn] if is_doubtful else [orientation]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dark images
            images = [shown.transpose(turn[n]) if n in turn else shown for n in lies]
            assert any(np.allclose(X, found, rtol=0, atol=1e-6) for X in reader.transform(images))
    assert n_shown > 50
    assert state == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, warnings.filters)
