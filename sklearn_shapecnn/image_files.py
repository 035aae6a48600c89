"""From image files to X: a transformer that reads paths, and a loader of folders.

Pillow reads and resizes. It knows the orientation that cameras note down, palettes and first
frames, all of which ``skimage.io.imread`` leaves to its caller. What Pillow cannot read of TIFF,
tifffile can; both come with scikit-image.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import joblib
import numpy as np
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_shapecnn.compat import CallbackSupportMixin, warn
from sklearn_shapecnn.decoding import PATH, read_image, to_dtype
from sklearn_shapecnn.images import BLOCK_BYTES

__all__ = ["ImageReader", "load_image_folder"]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp")

_NAMED = 5  # messages name so many files and count the others

_DESCR = """\
{n} images from the folder {path}, each resized to {height} x {width} pixels by
sklearn_shapecnn.load_image_folder. The name of the subfolder is the class: `target` indexes
`target_names`. `images` has one image per entry and `data` the same images as rows; `filenames`
tells where each came from.

{counts}
"""


class ImageReader(  # type: ignore[call-arg]
    CallbackSupportMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Read image files into one array, all resized to one shape.

    It stands in front of a classifier, so that a pipeline learns from paths and predicts for
    paths. It learns nothing itself: `transform` works without `fit`.

    PNG, JPEG, TIFF, BMP, GIF and WebP are read, by what the file holds and not by its name; of many
    pages or frames, the first. Images lie as the camera held them (EXIF), and transparent pixels
    show the `background`. Every pixel becomes a number from 0 (black) to 1 (white). Gray images
    keep their 16 or 32 bits; colours have 8 bits a channel. Floats must be from 0 to 1.

    Parameters
    ----------
    image_shape : tuple of int (height, width), default=(72, 72)
        Size of the images in pixels after resizing.

    as_gray : bool, default=True
        Whether colours become gray, as bright as they look, with the weights of
        :func:`skimage.color.rgb2gray`. Otherwise all images have three channels, the gray ones too.

    aspect : {'stretch', 'pad', 'crop'}, default='stretch'
        How an image of another aspect ratio becomes one of `image_shape`: 'stretch' scales height
        and width each on its own; 'pad' keeps the ratio and all of the image, in the middle of the
        `background`; 'crop' keeps the ratio and cuts off what juts out on two sides.

    background : float, default=1.0
        What lies behind transparent pixels and around padded images, from 0 (black) to 1 (white).

    dtype : {'float32', 'uint8'}, default='float32'
        Type of the pixels: floats from 0 to 1, or integers from 0 to 255, which need a quarter of
        the space.

    as_rows : bool, default=False
        Whether to give each image as a row of numbers, as most other estimators want it, instead of
        an array of its shape.

    memmap_folder : str or path-like, default=None
        Folder for images that do not fit into memory. Each `transform` writes a new ``.npy`` file
        there, a block of images at a time, and returns it as a read-only memory map, whose
        ``filename`` tells where it is. The files stay until you delete them. None returns an array
        in memory.

    max_pixels : int, default=100_000_000
        Number of pixels above which a file is refused, before it is decoded: a small file can hold
        an image that fills the memory.

    on_error : {'raise', 'blank', 'nan'}, default='raise'
        What to do about files that are missing or broken: raise an error that names the first, or
        warn of them and read the others. Their images are `background` everywhere, or NaN, for you
        to drop. They keep their place, as every image belongs to a label.

    n_jobs : int, default=None
        Number of files to read at a time. None is 1, unless a :func:`joblib.parallel_config` says
        otherwise; -1 is all cores. The images are the same for any number.

    See Also
    --------
    load_image_folder : Read a folder that has one subfolder for each class.
    ShapeCNNClassifier : Learns the labels of images.

    Examples
    --------
    Images of unequal sizes do just as well as paths:

    >>> import numpy as np
    >>> from sklearn_shapecnn.image_files import ImageReader
    >>> photos = [np.zeros((30, 40, 3), np.uint8), np.full((50, 20), 255, np.uint8)]
    >>> X = ImageReader(image_shape=(24, 24)).transform(photos)
    >>> X.shape, X.min(), X.max()
    ((2, 24, 24), np.float32(0.0), np.float32(1.0))

    In front of a classifier, with a list of paths:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_shapecnn import ShapeCNNClassifier
    >>> pipeline = make_pipeline(ImageReader(), ShapeCNNClassifier())
    >>> pipeline.fit(paths, labels).predict(["new.jpg"])  # doctest: +SKIP
    """

    _doc_link_module = "sklearn_shapecnn"
    _doc_link_template = (
        "https://sklearn-shapecnn.readthedocs.io/en/stable/generated/"
        "sklearn_shapecnn.{estimator_name}.html"
    )

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_shape": ["array-like"],
        "as_gray": ["boolean"],
        "aspect": [StrOptions({"stretch", "pad", "crop"})],
        "background": [Interval(Real, 0, 1, closed="both")],
        "dtype": [StrOptions({"float32", "uint8"})],
        "as_rows": ["boolean"],
        "memmap_folder": [str, os.PathLike, None],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "blank", "nan"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        image_shape: Sequence[int] = (72, 72),
        *,
        as_gray: bool = True,
        aspect: str = "stretch",
        background: float = 1.0,
        dtype: str = "float32",
        as_rows: bool = False,
        memmap_folder: str | os.PathLike[str] | None = None,
        max_pixels: int = 100_000_000,
        on_error: str = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.image_shape = image_shape
        self.as_gray = as_gray
        self.aspect = aspect
        self.background = background
        self.dtype = dtype
        self.as_rows = as_rows
        self.memmap_folder = memmap_folder
        self.max_pixels = max_pixels
        self.on_error = on_error
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> ImageReader:
        """Check the parameters and the form of X; no file is read.

        Parameters
        ----------
        X : sequence of shape (n,)
            Paths or images, as `transform` takes them.
        y : Ignored
            Here because scikit-learn asks for it.

        Returns
        -------
        self : ImageReader
            The reader itself, unchanged.
        """
        self._check_parameters()
        _as_items(X)
        if hasattr(self, "_init_callback_context"):  # scikit-learn 1.9: a task for progress bars
            task = self._init_callback_context()
            task.call_on_fit_task_begin(estimator=self, X=X, y=y)
            task.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Read images and resize them.

        Parameters
        ----------
        X : sequence of str, path-like or array, of shape (n,)
            Paths of files, images that were read already, or both. An image is an array of shape
            (h, w) or (h, w, c), where c is 1 (gray), 2 (gray, alpha), 3 (colour) or 4 (colour,
            alpha), and holds booleans, unsigned integers, whose largest number is white, or floats
            from 0 to 1. Any h and w will do.

        Returns
        -------
        images : ndarray or memmap of shape (n, height, width) or (n, height, width, 3)
            The images, of the type `dtype`, in the order of X. With ``as_gray=False`` they have
            three channels; with ``as_rows=True`` the shape is (n, n_pixels).

        Raises
        ------
        OSError
            Where a file is missing (FileNotFoundError) or cannot be opened.
        ValueError
            Where a file is broken, no image or larger than `max_pixels`, or X holds no images.
        TypeError
            Where X holds something that is neither a path nor an image.
        """
        self._validate_params()
        self._check_parameters()
        images = self._read(_as_items(X))[0]
        return images.reshape(len(images), -1) if self.as_rows else images

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the pixels, from left to right and from top to bottom.

        Parameters
        ----------
        input_features : Ignored
            Here because scikit-learn asks for it.

        Returns
        -------
        names : ndarray of str objects of shape (n_pixels,)
            'pixel0', 'pixel1', ...
        """
        self._check_parameters()
        n_pixels = int(np.prod(self.image_shape)) * (1 if self.as_gray else 3)
        return np.array([f"pixel{i}" for i in range(n_pixels)], dtype=object)

    def set_output(self, *, transform: str | None = None) -> ImageReader:
        """Take note that the steps of a pipeline shall give data frames: images stay arrays.

        Parameters
        ----------
        transform : {'default', 'pandas', 'polars'}, default=None
            Not used.

        Returns
        -------
        self : ImageReader
            The reader itself, unchanged.
        """
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """There is nothing to fit."""
        return True

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what X may be."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _check_parameters(self) -> None:
        shape = tuple(self.image_shape)
        if len(shape) != 2 or not all(
            isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in shape
        ):
            raise ValueError(
                f"image_shape must be two positive integers (height, width), but is {shape}. For "
                f"colours, set as_gray=False."
            )
        if self.on_error == "nan" and self.dtype == "uint8":
            raise ValueError(
                "on_error='nan' needs dtype='float32': integers cannot be NaN. Or set "
                "on_error='blank'."
            )

    def _read(
        self, items: Sequence[Any], target: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read all images into one array; given their classes, without the files that are broken.

        Returns the array, and which of the items are in it.
        """
        drop = target is not None
        shape = (len(items), *self.image_shape, *(() if self.as_gray else (3,)))
        blank = np.full(shape[1:], np.nan if self.on_error == "nan" else self.background)
        blank = to_dtype(blank, self.dtype)
        good = np.ones(len(items), dtype=bool)
        failures: list[Exception] = []
        out: _InMemory | _OnDisk
        if self.memmap_folder is None:
            out = _InMemory(shape, self.dtype)
        else:
            out = _OnDisk(shape, self.dtype, self.memmap_folder)
        try:
            for i, image in enumerate(self._images(items)):
                if not isinstance(image, Exception):
                    out.append(image)
                    continue
                if not isinstance(items[i], PATH) or (self.on_error == "raise" and not drop):
                    raise image
                failures.append(image)
                good[i] = False
                if not drop:
                    out.append(blank)
            if target is not None and (lost := np.setdiff1d(target, target[good])).size:
                folder = os.path.dirname(items[int(np.argmax(target == lost[0]))])
                raise ValueError(
                    f"None of the images in {folder} can be read. Mend them, or choose other "
                    f"folders with categories. The first of all that cannot: {failures[0]}"
                )
            if failures:
                instead = "are left out" if drop else f"became {self.on_error} images"
                warn(
                    f"{len(failures)} of {len(items)} files cannot be read and {instead}:\n"
                    + _enumerate(failures, "\n")
                )
            return out.close(), good
        except BaseException:  # an interrupt too, or the file stays and nobody knows of it
            out.remove()
            raise

    def _images(self, items: Sequence[Any]) -> Iterator[np.ndarray | Exception]:
        """Each image, or what is wrong with it, in order; a block of them at a time."""
        parameters = {
            "image_shape": tuple(int(n) for n in self.image_shape),
            "as_gray": self.as_gray,
            "aspect": self.aspect,
            "background": float(self.background),
            "dtype": self.dtype,
            "max_pixels": self.max_pixels,
        }
        image_bytes = 4 * int(np.prod(self.image_shape)) * (1 if self.as_gray else 3)
        step = max(BLOCK_BYTES // image_bytes, 2 * joblib.effective_n_jobs(self.n_jobs))
        with joblib.Parallel(n_jobs=self.n_jobs, prefer="threads") as parallel:
            for start in range(0, len(items), step):
                rows = range(start, min(start + step, len(items)))
                yield from parallel(
                    joblib.delayed(read_image)(items[row], row, parameters) for row in rows
                )


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
    prefer_skip_nested_validation=True,
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

    It is to images what :func:`sklearn.datasets.load_files` is to texts::

        photos/
            cat/
                1.jpg
                2.png
            dog/
                1.jpg

    The name of the subfolder is the class. Classes are in the order of their names, and so are the
    images of each class. Hidden files and folders, and class folders without files, are passed
    over. So are files whose name is no image's, and images elsewhere than right in a class folder,
    but a warning tells of them.

    Parameters
    ----------
    path : str or path-like
        The folder that holds the subfolders.

    image_shape : tuple of int (height, width), default=(72, 72)
        Size of the images in pixels after resizing.

    as_gray : bool, default=True
        Whether colours become gray. Otherwise all images have three channels.

    categories : sequence of str, default=None
        Names of the subfolders to read. None reads all; then there must be two at least.

    extensions : sequence of str, default=None
        How names of image files end, in upper or lower case. None is '.png', '.jpg', '.jpeg',
        '.jfif', '.tif', '.tiff', '.bmp', '.gif' and '.webp'. If you set it, there is no warning of
        files with other names.

    load_content : bool, default=True
        Whether to read the images. Otherwise the Bunch has neither `data` nor `images`, and you
        give `filenames` to a pipeline that begins with an :class:`ImageReader`.

    on_error : {'raise', 'skip'}, default='raise'
        What to do about broken files: raise an error that names the first, or leave them out along
        with their labels and warn of them.

    n_jobs : int, default=None
        Number of files to read at a time; -1 is all cores.

    return_X_y : bool, default=False
        Whether to return ``(images, target)`` rather than a :class:`~sklearn.utils.Bunch`.

    **reader_params : dict
        Other parameters of :class:`ImageReader`: `aspect`, `background`, `dtype`, `memmap_folder`
        and `max_pixels`.

    Returns
    -------
    folder : :class:`~sklearn.utils.Bunch`
        Of n images:

        - images, ndarray of shape (n, height, width) or (n, height, width, 3): the images.
        - data, ndarray of shape (n, n_pixels): the same images as rows. Where they are not square
          and gray, tell a classifier their `image_shape`, or give it `images`.
        - target, int64 (n,): the class of each image, as an index into `target_names`.
        - target_names, ndarray of str (n_classes,): the names of the classes.
        - filenames, ndarray of str (n,): the path of each image.
        - DESCR, str: what all this is.

    X, y : tuple of ndarrays
        `images` and `target`, with ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        Where there is no such folder.
    ValueError
        Where the folder cannot be read, holds no images or no subfolders, has a single class, lacks
        one of the `categories`, or has a broken file.

    See Also
    --------
    ImageReader : Read a list of paths, also in a pipeline.

    Examples
    --------
    >>> from sklearn_shapecnn.image_files import load_image_folder
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
    reader._validate_params()
    reader._check_parameters()

    files = _list_folder(Path(path), categories, extensions)
    names = list(files)
    filenames = np.array([file for name in names for file in files[name]])
    target = np.repeat(np.arange(len(names)), [len(files[name]) for name in names])
    content = {}
    if load_content:
        images, good = reader._read(filenames.tolist(), target if on_error == "skip" else None)
        filenames, target = filenames[good], target[good]
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


# Folders


def _list_folder(
    folder: Path, categories: Sequence[str] | None, extensions: Sequence[str] | None
) -> dict[str, list[str]]:
    """The image files of each class, sorted; warns of what else there is."""
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
                f"{_enumerate(sorted(folders)) or 'none'}."
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
                f"end in {_enumerate(endings, count=len(endings))}."
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
            f"{_enumerate(endings, count=len(endings))}."
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
            f"{_enumerate([path.relative_to(folder) for path in ignored])}. "
            f"Set extensions to change what counts as an image."
        )
    return files


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, sorted by name, without what is hidden."""
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


def _enumerate(things: Sequence[Any], separator: str = ", ", count: int = _NAMED) -> str:
    named = separator.join(str(thing) for thing in things[:count])
    return named + (f"{separator}and {len(things) - count} more" if len(things) > count else "")


# One image. All that follows runs in the workers, and changes nothing outside of them.


def _as_items(X: Any) -> Sequence[Any]:
    """Check the form of X, and give what can be counted and indexed."""
    if isinstance(X, PATH | bytes | Image.Image):
        raise ValueError(
            f"X is one image, {X!s}, but must be a list of them: put it into []. "
            "Paths can be listed by glob.glob, a folder is read by load_image_folder."
        )
    items: Any = X if isinstance(X, list | tuple) else np.asarray(X)
    if isinstance(items, np.ndarray):
        is_box = items.dtype.kind in "OUT"
        if is_box and items.ndim == 2 and items.shape[1] == 1:  # a data frame with one column
            items = items[:, 0]
        if items.ndim != 1 if is_box else items.ndim not in (3, 4):
            raise ValueError(
                f"X must be a list of paths, a list of images or an array of shape (n, h, w) or "
                f"(n, h, w, c), but is of type {type(X).__name__}, dtype {items.dtype} and shape "
                f"{items.shape}. If X has an image in each row, reshape it: X.reshape(-1, h, w)."
            )
    if len(items) == 0:
        raise ValueError("X is empty: found 0 images, while a minimum of 1 is required.")
    if isinstance(items, list | tuple) or items.dtype.kind == "O":
        for row, item in enumerate(items):
            is_image = isinstance(item, Image.Image) or hasattr(item, "__len__")
            if not isinstance(item, PATH) and (isinstance(item, bytes) or not is_image):
                raise TypeError(
                    f"Row {row} of X is {item!r} of type {type(item).__name__}, but must be the "
                    f"path of an image, or an image."
                )
    checked: Sequence[Any] = items
    return checked


class _InMemory:
    """Gathers images in an array."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.images = np.empty(shape, dtype=dtype)
        self.n_images = 0

    def append(self, image: np.ndarray) -> None:
        self.images[self.n_images] = image
        self.n_images += 1

    def close(self) -> np.ndarray:
        return self.images[: self.n_images]

    def remove(self) -> None:
        pass


class _OnDisk:
    """Gathers images in a new .npy file.

    It is written as a stream and mapped only when it is whole. Maps that are being written to count
    as memory of this process.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, folder: str | os.PathLike[str]) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.n_images = 0
        try:
            handle, self.path = tempfile.mkstemp(".npy", "images-", os.fspath(folder))
        except OSError as error:
            raise ValueError(
                f"memmap_folder must be a folder that can be written to, but {folder} is not: "
                f"{error.strerror}. Make it first."
            ) from error
        self.file = os.fdopen(handle, "wb")
        self._write_header(shape[0])

    def _write_header(self, n_images: int) -> None:
        # NumPy leaves room for a longer first axis, so that the header is always as long.
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (n_images, *self.shape[1:]),
        }
        np.lib.format.write_array_header_1_0(self.file, header)

    def append(self, image: np.ndarray) -> None:
        self.file.write(image.tobytes())
        self.n_images += 1

    def close(self) -> np.ndarray:
        self.file.seek(0)
        self._write_header(self.n_images)
        self.file.close()
        images: np.ndarray = np.load(self.path, mmap_mode="r")
        return images

    def remove(self) -> None:
        self.file.close()
        os.unlink(self.path)
