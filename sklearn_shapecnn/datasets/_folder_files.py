"""The files of a folder that has one subfolder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sklearn_shapecnn._compat import warn
from sklearn_shapecnn.images._items import list_some

EXTENSIONS = (".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp")


def list_folder(
    folder: Path, categories: Sequence[str] | None, extensions: Sequence[str] | None
) -> dict[str, list[str]]:
    """List the image files of each class, sorted; warn about anything else."""
    endings = tuple(end.lower() for end in (EXTENSIONS if extensions is None else extensions))

    def is_image(path: Path) -> bool:
        return path.name.lower().endswith(endings)

    entries = _entries(folder)
    folders = {entry.name: entry for entry in entries if entry.is_dir()}
    loose = [entry for entry in entries if not entry.is_dir() and is_image(entry)]
    if categories is not None:
        missing = sorted(set(categories) - set(folders))
        if missing:
            raise ValueError(
                f"{folder} has no folder {missing[0]!r}, which categories asks for. Its folders: "
                f"{list_some(sorted(folders)) or 'none'}."
            )
        folders = {name: folders[name] for name in sorted(set(categories))}

    files: dict[str, list[str]] = {}
    nested, others = [], []
    for name, subfolder in folders.items():
        inside = _entries(subfolder)
        images = [str(entry) for entry in inside if not entry.is_dir() and is_image(entry)]
        others += [entry for entry in inside if not entry.is_dir() and not is_image(entry)]
        deeper = [
            entry
            for entry in inside
            if entry.is_dir() and any(is_image(path) for path in _entries(entry))
        ]
        if deeper and not images:
            raise ValueError(
                f"{subfolder} holds no images itself, but {deeper[0]} does. If the names of the "
                f"classes are there, give {str(subfolder)!r} as the path."
            )
        nested += deeper
        if images:
            files[name] = images
        elif categories is not None:
            raise ValueError(
                f"{subfolder} holds no images, but categories asks for it. Names of image files "
                f"end in {list_some(endings, count=len(endings))}."
            )

    if not files:
        found = (
            f"holds {len(loose)} images, but in no subfolders"
            if loose
            else "has no subfolders with images"
        )
        raise ValueError(
            f"{folder} {found}. There must be one subfolder for each class, such as "
            f"{folder / 'cat' / '1.png'}. For images without labels, give their paths to "
            f"ImageReader().transform. Names of image files end in "
            f"{list_some(endings, count=len(endings))}."
        )
    if len(files) == 1 and categories is None:
        raise ValueError(
            f"{folder} has images in one subfolder only, {next(iter(files))!r}, but to tell "
            f"classes apart there must be two at least. Add a subfolder for each other class; if "
            f"you want this one alone, set categories={list(files)}."
        )
    ignored = loose + nested + (others if extensions is None else [])
    if ignored:
        warn(
            f"In {folder}, {len(ignored)} files or folders are ignored, because their names are no "
            f"images' or they are not right in the folder of a class: "
            f"{list_some([path.relative_to(folder) for path in ignored])}. "
            f"Set extensions to change what counts as an image."
        )
    return files


def _entries(folder: Path) -> list[Path]:
    """List the entries of a folder, sorted by name, without hidden ones."""
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no folder {folder}. Python looks for it from {Path.cwd()}."
        ) from error
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be read as a folder: {error.strerror}. Give the path of a folder "
            f"that you may read and that has one subfolder for each class."
        ) from error
    return [entry for entry in entries if not entry.name.startswith(".")]
