"""The orientation of a photo, read from its metadata even if other metadata is broken.

To turn a photo upright, Pillow reads and rewrites all of its metadata, so one impossible resolution
keeps it from showing a photo whose pixels are intact. This module reads only the orientation.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from numbers import Real
from typing import Any

from PIL import Image

ORIENTATION = 274  # the tag of EXIF and of TIFF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The first bytes of EXIF, including wrong ones, which Pillow accepts too.
_BYTE_ORDERS = {b"II*\0": "<", b"II\0*": "<", b"MM\0*": ">", b"MM*\0": ">", b"MM\0+": ">"}
# struct's letter for each numeric type that a tag can have; rational numbers are pairs
_NUMBERS = {3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I"}
_TEXTS = (1, 2, 7)


def turn(band: Image.Image, orientation: int) -> Image.Image:
    """Turn an image upright. Orientations other than 2 to 8 leave it as it is."""
    method = _TURNS.get(orientation)
    return band if method is None else band.transpose(method)


def find_orientation(info: Mapping[Any, Any]) -> tuple[int, str]:
    """Look up the orientation in the metadata that Pillow found.

    Parameters
    ----------
    info : mapping
        The `info` of a Pillow image.

    Returns
    -------
    orientation : int
        EXIF's number, from 1 (upright) to 8; 1 if there is none.
    trouble : str
        Why the orientation cannot be read, or ''.
    """
    trouble = ""
    try:
        exif = info.get("exif")
        if exif is None and "Raw profile type exif" in info:  # as ImageMagick writes it
            exif = bytes.fromhex("".join(info["Raw profile type exif"].split("\n")[3:]))
        found = None if exif is None else _read_exif(exif)
    except (ValueError, struct.error, AttributeError, TypeError) as error:
        found, trouble = None, f"its EXIF data is broken: {error}"
    if found is None and (in_xmp := find_in_xmp(info)):
        return in_xmp, ""
    return (1 if found is None else found), trouble


def find_in_xmp(info: Mapping[Any, Any]) -> int:
    """Look up the orientation in XMP; 0 if there is none."""
    text = info.get("XML:com.adobe.xmp") or info.get("xmp")
    if isinstance(text, bytes):
        text = text.decode("latin-1")  # digits are the same in all encodings that XMP may have
    match = re.search(r'tiff:Orientation(?:="|>)([0-9])', text) if isinstance(text, str) else None
    return int(match[1]) if match else 0


def _read_exif(data: bytes) -> int | None:
    """Read the orientation from the bytes of EXIF; None if it has none.

    EXIF is a TIFF without pixels: a header, then a table of tags, each of 12 bytes.
    """
    data = re.sub(rb"\A(?:Exif\0\0){1,2}", b"", data)
    if not data:
        return None
    order = _BYTE_ORDERS.get(data[:4])
    if order is None:
        raise ValueError(f"it begins with {data[:4]!r}, not as EXIF does")
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    if start + 2 > len(data):
        raise ValueError(f"its table should begin at byte {start}, but it has {len(data)} bytes")
    (n_tags,) = struct.unpack_from(f"{order}H", data, start)
    for place in range(start + 2, start + 2 + 12 * n_tags, 12):
        tag, kind, count, value = struct.unpack_from(f"{order}HHI4s", data, place)
        if tag != ORIENTATION or kind not in (*_NUMBERS, *_TEXTS) or count == 0:
            continue
        if kind in _TEXTS:
            return 1
        letters = order + _NUMBERS[kind]
        if count * struct.calcsize(letters) > 4:
            (offset,) = struct.unpack(f"{order}I", value)
            numbers = struct.unpack_from(letters, data, offset)
        else:
            numbers = struct.unpack_from(letters, value)
        ratio = numbers[0] / numbers[1] if len(numbers) == 2 and numbers[1] else numbers[0]
        return as_orientation(ratio)
    return None


def as_orientation(value: Any) -> int:
    """Return the value of a tag as an orientation from 1 to 8; 1 if it is invalid."""
    return next((known for known in _TURNS if isinstance(value, Real) and value == known), 1)
