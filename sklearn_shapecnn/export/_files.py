"""Write a file completely or not at all."""

from __future__ import annotations

import errno
import os
import secrets


def write_whole(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file, and keep the old one until the new one is complete.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    OSError
        If the file cannot be written.
    """
    path = os.path.realpath(path)  # replace the file that a link points to, not the link
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "There is no such folder to write to", folder)
    # tempfile.mkstemp would make a file that only its owner may read.
    unfinished = os.path.join(folder, f"{name}.{secrets.token_hex(8)}.part")
    try:
        with open(unfinished, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise
