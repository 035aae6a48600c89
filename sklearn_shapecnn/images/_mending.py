"""Mend files that Pillow rejects because of their metadata, by leaving the metadata out.

Pillow fails on a comment that is too long, a wrong checksum of a color profile or a TIFF tag that
points outside the file, even if the pixels are intact. The functions here copy only what the pixels
need, and the orientation.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import BinaryIO

from sklearn_shapecnn.images._metadata import ORIENTATION

MOST_BYTES = 2**30  # of a file to mend, because mending copies it

# What can be left out of a PNG. Anything else that is broken may be part of the pixels.
_PNG_METADATA = {
    *(b"acTL", b"fcTL", b"fdAT"),  # further frames
    *(b"bKGD", b"cHRM", b"cICP", b"cLLI", b"gAMA", b"iCCP", b"mDCV", b"sBIT", b"sRGB"),  # colors
    *(b"eXIf", b"hIST", b"iTXt", b"pHYs", b"sPLT", b"tEXt", b"tIME", b"zTXt"),
}
_WEBP_METADATA = (b"ICCP", b"EXIF", b"XMP ")
_HAS_PROFILE = 0x20  # in the flags of WebP's VP8X
_TIFF_ORDERS = {b"II*\0": "<", b"II\0*": "<", b"MM\0*": ">", b"MM*\0": ">"}
_XMP = 700
_TIFF_TAGS = {
    *range(254, 260),  # size, bits, compression
    *(262, 263, 266, 273, 277, 278, 279, 284),  # colors, strips
    *(292, 293, 317, 320, 322, 323, 324, 325),  # options of the compression, palette, tiles
    *(332, 334, 336, 338, 339, 340, 341),  # inks, transparency, kind of numbers
    *(347, *range(512, 522), *range(529, 533)),  # embedded JPEG, and its colors
}
# Orientation and resolution. Pillow warns if one of them has more than one number.
_SINGLE_TIFF_TAGS = (ORIENTATION, 282, 283, 296)
_TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def without_metadata(data: bytes) -> bytes | None:
    """Copy a file without its metadata, except for the orientation.

    Parameters
    ----------
    data : bytes
        The content of a file of any format.

    Returns
    -------
    mended : bytes or None
        None if nothing can be left out.
    """
    try:
        if data.startswith(b"\x89PNG"):
            mended = _mend_png(data)
        elif data.startswith(b"\xff\xd8"):
            mended = _mend_jpeg(data)
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            mended = _mend_webp(data)
        elif data[:4] in _TIFF_ORDERS:
            mended = _mend_tiff(data)
        else:
            return None
    except (struct.error, IndexError):
        return None
    return None if mended == data else mended


def has_broken_tags(file: BinaryIO, needed: bool = False) -> bool:
    """Return whether tags of a TIFF, `needed` for its pixels or not, point outside the file.

    Pillow warns about them without naming the file, and ignores all tags after them. tifffile
    continues without them, even if the pixels need them. The file is left at its beginning.
    """
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        order = _TIFF_ORDERS.get(file.read(4))
        if order is None:  # BigTIFF
            return False
        file.seek(struct.unpack(f"{order}I", file.read(4))[0])
        (n_tags,) = struct.unpack(f"{order}H", file.read(2))
        table = file.read(12 * n_tags)
        for tag, kind, count, value in struct.iter_unpack(
            f"{order}HHII", table[: len(table) // 12 * 12]
        ):
            if (tag in _TIFF_TAGS) == needed and not _is_sound(tag, kind, count, value, length):
                return True
        return False
    except struct.error:
        return False
    finally:
        file.seek(0)


def _is_sound(tag: int, kind: int, count: int, value: int, length: int) -> bool:
    if tag in _TIFF_TAGS and kind not in _TIFF_BYTES:
        return False
    size = count * _TIFF_BYTES.get(kind, 0)
    is_inside = size <= 4 or value + size <= length
    return is_inside and not (tag in _SINGLE_TIFF_TAGS and count != 1)


def _mend_png(data: bytes) -> bytes:
    parts, place = [data[:8]], 8
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        chunk = data[place : place + 12 + size]
        kind = chunk[4:8]
        is_whole = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
        if kind not in _PNG_METADATA or (kind == b"eXIf" and is_whole):
            parts.append(chunk)
        if kind == b"IEND":
            break
        place += 12 + size
    return b"".join(parts)


def _mend_jpeg(data: bytes) -> bytes:
    parts, place = [data[:2]], 2
    while data[place + 1] != 0xDA:  # start of scan
        if data[place] != 0xFF or data[place + 1] in (0, 0xFF):  # padding
            place += 1
            continue
        (size,) = struct.unpack_from(">H", data, place + 2)
        segment = data[place : place + 2 + size]
        kind, content = segment[1], segment[4:]
        is_metadata = kind == 0xFE or 0xE0 <= kind <= 0xEF
        if (
            not is_metadata
            or (kind == 0xE0 and content.startswith(b"JFIF\0") and len(content) >= 14)
            or (kind == 0xE1 and content.startswith((b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0")))
            or (kind == 0xEE and content.startswith(b"Adobe") and len(content) >= 12)  # colors
        ):
            parts.append(segment)
        place += 2 + size
    return b"".join([*parts, data[place:]])


def _mend_webp(data: bytes) -> bytes:
    parts, place = [b"WEBP"], 12
    while place + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, place + 4)
        chunk = data[place : place + 8 + size]
        kind, is_whole = chunk[:4], len(chunk) == 8 + size
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_HAS_PROFILE]) + chunk[9:]
        is_later_frame = kind == b"ANMF" and any(part.startswith(b"ANMF") for part in parts)
        if kind != b"ICCP" and (is_whole or (kind not in _WEBP_METADATA and not is_later_frame)):
            parts.append(chunk + b"\0" * (size % 2))
        place += 8 + size + size % 2
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _mend_tiff(data: bytes) -> bytes:
    order = _TIFF_ORDERS[data[:4]]
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (n_tags,) = struct.unpack_from(f"{order}H", data, start)
    kept = []
    for place in range(start + 2, start + 2 + 12 * n_tags, 12):
        tag, kind, count, value = struct.unpack_from(f"{order}HHII", data, place)
        is_sound = _is_sound(tag, kind, count, value, len(data))
        if tag in _TIFF_TAGS or (tag in (ORIENTATION, _XMP) and is_sound):
            kept.append(data[place : place + 12])
    # No further page follows: only the first page is read.
    table = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + b"\0" * 4
    return data[:start] + table + data[start + len(table) :]
