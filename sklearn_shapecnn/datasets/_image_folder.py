"""load_image_folder: a folder of images that has one subfolder for each class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_shapecnn._compat import StrOptions, validate_params, warn
from sklearn_shapecnn.datasets._folder_files import list_folder
from sklearn_shapecnn.datasets._groups import find_groups
from sklearn_shapecnn.datasets._shared_size import find_shared_size
from sklearn_shapecnn.images import ImageReader
from sklearn_shapecnn.images._items import list_some

_DESCR = """\
{n} images from the folder {path}, listed by sklearn_shapecnn.load_image_folder.
{content}
The name of the subfolder is the class: `target` indexes `target_names`. `filenames` tells where
each image came from.

{counts}
"""
_KEPT = "`images` has one image per entry, each of {} x {} pixels as in its file: none was resized."
_RESIZED = "`images` has one image per entry, each resized to {} x {} pixels."
_NOT_READ = "The files were not read."


@validate_params(
    {
        "path": [str, os.PathLike],
        "image_shape": ["array-like", None],
        "as_gray": ["boolean"],
        "categories": ["array-like", None],
        "extensions": ["array-like", None],
        "load_content": ["boolean"],
        "on_error": [StrOptions({"raise", "skip"})],
        "groups": [StrOptions({"prefix"}), callable, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=False,  # the reader validates `reader_params`
)
def load_image_folder(
    path: str | os.PathLike[str],
    *,
    image_shape: Sequence[int] | None = None,
    as_gray: bool = True,
    categories: Sequence[str] | None = None,
    extensions: Sequence[str] | None = None,
    load_content: bool = True,
    on_error: str = "raise",
    groups: str | Callable[[Path], str | int] | None = None,
    n_jobs: int | None = None,
    verbose: bool | int = 0,
    return_X_y: bool = False,
    **reader_params: Any,
) -> Bunch | tuple[np.ndarray, ...]:
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

    image_shape : tuple of int (height, width), default=None
        Size of the images in pixels after resizing. None keeps the size of the files if they all
        have the same size once turned upright (EXIF); otherwise, an error lists the sizes. If an
        :class:`ImageReader` in a pipeline reads the files, set its `image_shape` instead.

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

    groups : 'prefix' or callable, default=None
        Which images belong together, such as photos of the same person or object, for
        :class:`~sklearn.model_selection.GroupKFold` and
        :class:`~sklearn.model_selection.StratifiedGroupKFold`. 'prefix' takes the file name before
        the first underscore: ``anna_1.jpg`` and ``anna_2.jpg`` are of the group 'anna', in whatever
        class they are. If there is no underscore, the group is the file name without the
        extension. A callable gets the path of each file as a :class:`pathlib.Path` and returns its
        group, as a str or an int.

    n_jobs : int, default=None
        Number of files to read at a time; -1 uses all cores.

    verbose : bool or int, default=0
        Whether to show on standard error how many files have been read: a progress bar in a
        terminal or a notebook, otherwise a line every ten seconds, with the time left.

    return_X_y : bool, default=False
        Whether to return a tuple instead of a :class:`~sklearn.utils.Bunch`: ``(images, target)``,
        or ``(images, target, groups)`` if `groups` is set.

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
        - groups, ndarray of str or int (n,): the group of each image, if `groups` is set.
        - DESCR, str: a description of the data set; also tells whether images were resized.

    X, y, groups : tuple of ndarrays
        If ``return_X_y=True``, the `images`, the `target` and, if `groups` is set, the groups.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If the folder cannot be read, holds no images or no subfolders, has a single class, lacks
        one of the `categories`, or contains a broken file; or if `image_shape` is None, and the
        images differ in size or would take more than 4 GiB of memory.
    TypeError
        If `groups` returns something that is neither a str nor an int.

    See Also
    --------
    ImageReader : Read a list of paths, also in a pipeline.

    Examples
    --------
    >>> from sklearn_shapecnn.datasets import load_image_folder
    >>> photos = load_image_folder("photos", image_shape=(32, 32))  # doctest: +SKIP
    >>> classifier.fit(photos.images, photos.target)  # doctest: +SKIP

    Photos of the same person are either in the training set or in the test set:

    >>> from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
    >>> X, y, people = load_image_folder(
    ...     "photos", groups="prefix", return_X_y=True
    ... )  # doctest: +SKIP
    >>> cross_val_score(
    ...     classifier, X, y, groups=people, cv=StratifiedGroupKFold()
    ... )  # doctest: +SKIP
    """
    if return_X_y and not load_content:
        raise ValueError("return_X_y=True needs load_content=True: X is what the files hold.")
    if on_error == "skip" and not load_content:
        raise ValueError(
            "on_error='skip' needs load_content=True: broken files are found only by reading them. "
            "The `filenames` of the result then leave them out."
        )
    reader = ImageReader(as_gray=as_gray, n_jobs=n_jobs, **reader_params)
    if image_shape is not None:
        reader.image_shape = image_shape
    reader._check_parameters()

    files = list_folder(Path(path), categories, extensions)
    names = list(files)
    filenames = np.array([file for name in names for file in files[name]])
    target = np.repeat(np.arange(len(names)), [len(files[name]) for name in names])
    labels = {"target": target, "filenames": filenames}
    if groups is not None:
        labels["groups"] = find_groups(filenames.tolist(), groups)
    content, told = {}, _NOT_READ
    if load_content:
        if image_shape is None:
            reader.image_shape = find_shared_size(reader, filenames.tolist(), on_error, verbose)
        images, readable = _read_files(reader, filenames.tolist(), target, on_error, verbose)
        labels = {name: values[readable] for name, values in labels.items()}
        if return_X_y:
            return images, *(labels[name] for name in ("target", "groups") if name in labels)
        content = {"data": images.reshape(len(images), -1), "images": images}
        told = (_KEPT if image_shape is None else _RESIZED).format(*reader.image_shape)
        told += "\n`data` has the same images as rows."
    counts = np.bincount(labels["target"], minlength=len(names))
    return Bunch(
        **content,
        **labels,
        target_names=np.array(names),
        DESCR=_DESCR.format(
            n=len(labels["target"]),
            path=path,
            content=told,
            counts="\n".join(f"{name}: {n}" for name, n in zip(names, counts, strict=True)),
        ),
    )


def _read_files(
    reader: ImageReader,
    filenames: list[str],
    target: np.ndarray,
    on_error: str,
    verbose: bool | int,
) -> tuple[np.ndarray, np.ndarray]:
    """Read the images; also return, for each file, whether its image is among them."""
    readable = np.ones(len(filenames), dtype=bool)
    if reader.white_level == "collection":
        white: float | None = reader._find_white(filenames, on_error, verbose)
    else:
        white = reader._white()
    with reader._open_storage(len(filenames)) as storage:
        failures = reader._fill(storage, filenames, on_error, white, verbose)
        readable[list(failures)] = False
        if (lost := np.setdiff1d(target, target[readable])).size:
            folder = os.path.dirname(filenames[int(np.argmax(target == lost[0]))])
            raise ValueError(
                f"None of the images in {folder} can be read. Repair them, or leave this class out "
                f"with categories. The first error: {next(iter(failures.values()))}"
            )
        if failures:
            warn(
                f"{len(failures)} of {len(filenames)} files cannot be read and are left out:\n"
                + list_some(list(failures.values()), "\n")
            )
        return storage.close(), readable
