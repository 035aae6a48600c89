"""load_image_folder: a folder of images that has one subfolder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_shapecnn._compat import StrOptions, validate_params, warn
from sklearn_shapecnn.images import ImageReader
from sklearn_shapecnn.images._items import list_some

EXTENSIONS = (".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp")

_DESCR = """\
{n} images from the folder {path}, each resized to {height} x {width} pixels by
sklearn_shapecnn.load_image_folder. The name of the subfolder is the class: `target` indexes
`target_names`. `images` has one image per entry and `data` the same images as rows; `filenames`
tells where each came from.

{counts}
"""


@validate_params(
    {
        "path": [str, os.PathLike],
        "image_shape": ["array-like"],
        "as_gray": ["boolean"],
        "categories": ["array-like", None],
        "extensions": ["array-like", None],
        "load_content": ["boolean"],
        "on_error": [StrOptions({"raise", "skip"})],
        "n_jobs": [Integral, None],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=False,  # the reader validates `reader_params`
)
def load_image_folder(
    path: str | os.PathLike[str],
    *,
    image_shape: Sequence[int] = (72, 72),
    as_gray: bool = True,
    categories: Sequence[str] | None = None,
    extensions: Sequence[str] | None = None,
    load_content: bool = True,
    on_error: str = "raise",
    n_jobs: int | None = None,
    return_X_y: bool = False,
    **reader_params: Any,
) -> Bunch | tuple[np.ndarray, np.ndarray]:
    """Read a folder of images that has one subfolder for each class.

    It does for images what :func:`sklearn.datasets.load_files` does for texts::

        photos/
            cat/
                1.jpg
                2.png
            dog/
                1.jpg

    The name of the subfolder is the class. Classes are sorted by name, and so are the images of
    each class. Hidden files and folders are ignored, and so are class folders without files. Files
    with other extensions and images outside of the class folders are ignored with a warning.

    Parameters
    ----------
    path : str or path-like
        The folder that holds the subfolders.

    image_shape : tuple of int (height, width), default=(72, 72)
        Size of the images in pixels after resizing.

    as_gray : bool, default=True
        Whether to turn colors into gray. If False, all images have three channels.

    categories : sequence of str, default=None
        Names of the subfolders to read. None reads all; there must be at least two.

    extensions : sequence of str, default=None
        Extensions of image files, in upper or lower case. None means '.png', '.jpg', '.jpeg',
        '.jfif', '.tif', '.tiff', '.bmp', '.gif' and '.webp'. If you set it, files with other
        extensions cause no warning.

    load_content : bool, default=True
        Whether to read the images. If False, the Bunch has neither `data` nor `images`; pass its
        `filenames` to a pipeline that begins with an :class:`ImageReader`.

    on_error : {'raise', 'skip'}, default='raise'
        What to do about broken files. 'raise' raises an error that names the first one; 'skip'
        leaves them out along with their labels, and warns.

    n_jobs : int, default=None
        Number of files to read at a time; -1 uses all cores.

    return_X_y : bool, default=False
        Whether to return ``(images, target)`` rather than a :class:`~sklearn.utils.Bunch`.

    **reader_params : dict
        Other parameters of :class:`ImageReader`: `aspect`, `background`, `dtype`, `white_level`,
        `memmap_folder` and `max_pixels`.

    Returns
    -------
    folder : :class:`~sklearn.utils.Bunch`
        For n images:

        - images, ndarray of shape (n, height, width) or (n, height, width, 3): the images.
        - data, ndarray of shape (n, n_pixels): the same images as rows. If they are not square
          and gray, set the `image_shape` of the classifier, or pass it `images`.
        - target, int64 (n,): the class of each image, as an index into `target_names`.
        - target_names, ndarray of str (n_classes,): the names of the classes.
        - filenames, ndarray of str (n,): the path of each image.
        - DESCR, str: a description of the data set.

    X, y : tuple of ndarrays
        `images` and `target`, if ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If the folder cannot be read, holds no images or no subfolders, has a single class, lacks
        one of the `categories`, or contains a broken file.

    See Also
    --------
    ImageReader : Read a list of paths, also in a pipeline.

    Examples
    --------
    >>> from sklearn_shapecnn.datasets import load_image_folder
    >>> photos = load_image_folder("photos", image_shape=(32, 32))  # doctest: +SKIP
    >>> classifier.fit(photos.images, photos.target)  # doctest: +SKIP
    """
    if return_X_y and not load_content:
        raise ValueError("return_X_y=True needs load_content=True: X is what the files hold.")
    if on_error == "skip" and not load_content:
        raise ValueError(
            "on_error='skip' needs load_content=True: what is broken shows when it is read. "
            "Afterwards `filenames` has the good files alone."
        )
    reader = ImageReader(image_shape, as_gray=as_gray, n_jobs=n_jobs, **reader_params)
    reader._check_parameters()

    files = _list_folder(Path(path), categories, extensions)
    names = list(files)
    filenames = np.array([file for name in names for file in files[name]])
    target = np.repeat(np.arange(len(names)), [len(files[name]) for name in names])
    content = {}
    if load_content:
        images, readable = _read_files(reader, filenames.tolist(), target, on_error)
        filenames, target = filenames[readable], target[readable]
        if return_X_y:
            return images, target
        content = {"data": images.reshape(len(images), -1), "images": images}
    height, width = image_shape
    counts = np.bincount(target, minlength=len(names))
    return Bunch(
        **content,
        target=target,
        target_names=np.array(names),
        filenames=filenames,
        DESCR=_DESCR.format(
            n=len(target),
            path=path,
            height=height,
            width=width,
            counts="\n".join(f"{name}: {n}" for name, n in zip(names, counts, strict=True)),
        ),
    )


def _read_files(
    reader: ImageReader, filenames: list[str], target: np.ndarray, on_error: str
) -> tuple[np.ndarray, np.ndarray]:
    """Read the images; also return, for each file, whether its image is among them."""
    readable = np.ones(len(filenames), dtype=bool)
    if reader.white_level == "collection":
        white: float | None = reader._find_white(filenames, on_error)
    else:
        white = reader._white()
    with reader._open_storage(len(filenames)) as storage:
        failures = reader._fill(storage, filenames, on_error, white)
        readable[list(failures)] = False
        if (lost := np.setdiff1d(target, target[readable])).size:
            folder = os.path.dirname(filenames[int(np.argmax(target == lost[0]))])
            raise ValueError(
                f"None of the images in {folder} can be read. Mend them, or choose other folders "
                f"with categories. The first of all that cannot: {next(iter(failures.values()))}"
            )
        if failures:
            warn(
                f"{len(failures)} of {len(filenames)} files cannot be read and are left out:\n"
                + list_some(list(failures.values()), "\n")
            )
        return storage.close(), readable


def _list_folder(
    folder: Path, categories: Sequence[str] | None, extensions: Sequence[str] | None
) -> dict[str, list[str]]:
    """List the image files of each class, sorted; warn of what else there is."""
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
    """List what a folder holds, sorted by name, without hidden entries."""
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
