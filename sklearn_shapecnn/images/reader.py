"""ImageReader: a transformer from paths of image files to an array of images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from numbers import Integral, Real
from typing import Any, ClassVar

import joblib
import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin

from sklearn_shapecnn._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    has_callbacks,
    start_fit_task,
    warn,
    with_callbacks,
)
from sklearn_shapecnn._input.errors import is_int
from sklearn_shapecnn._input.image_set import BLOCK_BYTES
from sklearn_shapecnn.images._decoding import NotReadable, decode_file, decode_image
from sklearn_shapecnn.images._items import PATH, as_items, list_some
from sklearn_shapecnn.images._resizing import ImageFormat, convert, to_dtype
from sklearn_shapecnn.images._storage import InMemory, OnDisk, open_storage


class ImageReader(  # type: ignore[call-arg]
    CallbackSupportMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Read image files into one array, all resized to one shape.

    Put it before a classifier: the pipeline then learns from paths and predicts for paths. It
    learns nothing itself, so `transform` works without `fit`.

    It reads PNG, JPEG, TIFF, BMP, GIF and WebP. It tells them apart by the contents of the file,
    not by its name, and takes the first of several pages or frames. Images are turned as the camera
    was held (EXIF), and transparent pixels show the `background`. Every pixel becomes a number from
    0 (black) to 1 (white). Gray images keep their 16 or 32 bits; colors have 8 bits a channel.
    Floats must be from 0 to 1.

    Parameters
    ----------
    image_shape : tuple of int (height, width), default=(72, 72)
        Size of the images in pixels after resizing.

    as_gray : bool, default=True
        Whether to turn colors into gray that looks as bright, with the weights of
        :func:`skimage.color.rgb2gray`. If False, all images have three channels, also gray ones.

    aspect : {'stretch', 'pad', 'crop'}, default='stretch'
        How to resize an image whose aspect ratio is not that of `image_shape`. 'stretch' scales
        height and width separately. 'pad' keeps the ratio and the whole image, in the middle of
        the `background`. 'crop' keeps the ratio and cuts off what protrudes on two sides.

    background : float, default=1.0
        Brightness behind transparent pixels and around padded images, from 0 (black) to 1 (white).

    dtype : {'float32', 'uint8'}, default='float32'
        Type of the pixels: floats from 0 to 1, or integers from 0 to 255, which need a quarter of
        the space.

    as_rows : bool, default=False
        Whether to return each image as a row of numbers, which most other estimators need, instead
        of an array of its shape.

    memmap_folder : str or path-like, default=None
        Folder for images that do not fit into memory. Each `transform` writes a new ``.npy`` file
        there, a block of images at a time, and returns it as a read-only memory map; its
        ``filename`` is the path of the file. The files stay until you delete them. If None, return
        an array in memory.

    max_pixels : int, default=100_000_000
        Refuse files with more pixels before decoding them: a small file can hold an image that
        fills the memory.

    on_error : {'raise', 'blank', 'nan'}, default='raise'
        What to do about missing or broken files. 'raise' raises an error that names the first one.
        The others warn and go on: 'blank' sets every pixel of such an image to `background`, 'nan'
        to NaN, for you to drop. These images keep their place, because each belongs to a label.

    n_jobs : int, default=None
        Number of files to read at a time. None means 1 unless in a :func:`joblib.parallel_config`;
        -1 uses all cores. The images are the same for any number.

    See Also
    --------
    load_image_folder : Read a folder that has one subfolder for each class.
    ShapeCNNClassifier : Learns the labels of images.

    Examples
    --------
    It also takes images of different sizes instead of paths:

    >>> import numpy as np
    >>> from sklearn_shapecnn import ImageReader
    >>> photos = [np.zeros((30, 40, 3), np.uint8), np.full((50, 20), 255, np.uint8)]
    >>> X = ImageReader(image_shape=(24, 24)).transform(photos)
    >>> X.shape, X.min(), X.max()
    ((2, 24, 24), np.float32(0.0), np.float32(1.0))

    Before a classifier, with a list of paths:

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

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> ImageReader:
        """Check the parameters and the form of X, without reading files.

        Parameters
        ----------
        X : sequence of shape (n,)
            Paths or images, as `transform` takes them.
        y : Ignored
            Here because scikit-learn passes it.

        Returns
        -------
        self : ImageReader
            The reader itself, unchanged.
        """
        self._check_parameters()
        as_items(X)
        if has_callbacks(self):
            task = start_fit_task(self)
            task.call_on_fit_task_begin(estimator=self, X=X, y=y)
            task.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Read images and resize them.

        Parameters
        ----------
        X : sequence of str, path-like or array, of shape (n,)
            Paths of files, images in memory, or both. An image is an array of shape (h, w) or
            (h, w, c), where c is 1 (gray), 2 (gray, alpha), 3 (color) or 4 (color, alpha), for any
            h and w. It holds booleans, unsigned integers, whose largest number is white, or floats
            from 0 to 1.

        Returns
        -------
        images : ndarray or memmap of shape (n, height, width) or (n, height, width, 3)
            The images, in the order of X, of dtype `dtype`. They have three channels if
            ``as_gray=False``. The shape is (n, n_pixels) if ``as_rows=True``.

        Raises
        ------
        OSError
            If a file is missing (FileNotFoundError) or cannot be opened.
        ValueError
            If a file is broken, no image or larger than `max_pixels`, or X holds no images.
        TypeError
            If X holds something that is neither a path nor an image.
        """
        self._check_parameters()
        items = as_items(X)
        with self._open_storage(len(items)) as storage:
            failures = self._fill(storage, items, self.on_error)
            if failures:
                warn(
                    f"{len(failures)} of {len(items)} files cannot be read and became "
                    f"{self.on_error} images:\n" + list_some(list(failures.values()), "\n")
                )
            images = storage.close()
        return images.reshape(len(images), -1) if self.as_rows else images

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Get the names of the pixels, from left to right and from top to bottom.

        Parameters
        ----------
        input_features : Ignored
            Here because scikit-learn passes it.

        Returns
        -------
        names : ndarray of str objects of shape (n_pixels,)
            'pixel0', 'pixel1', ...
        """
        self._check_parameters()
        return np.array([f"pixel{i}" for i in range(np.prod(self._format().shape))], dtype=object)

    def set_output(self, *, transform: str | None = None) -> ImageReader:
        """Accept that a pipeline asks its steps for data frames, but go on returning arrays.

        Parameters
        ----------
        transform : {'default', 'pandas', 'polars'}, default=None
            Ignored.

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
        if not get_config()["skip_parameter_validation"]:
            self._validate_params()
        shape = tuple(self.image_shape)
        if len(shape) != 2 or not all(is_int(n) for n in shape):
            raise ValueError(
                f"image_shape must be two positive integers (height, width), but is {shape}. For "
                f"colors, set as_gray=False."
            )
        if self.on_error == "nan" and self.dtype == "uint8":
            raise ValueError(
                "on_error='nan' needs dtype='float32': integers cannot be NaN. Or set "
                "on_error='blank'."
            )

    def _format(self) -> ImageFormat:
        height, width = (int(n) for n in self.image_shape)
        return ImageFormat(
            (height, width), self.as_gray, self.aspect, float(self.background), self.dtype
        )

    def _open_storage(self, n_images: int) -> AbstractContextManager[InMemory | OnDisk]:
        """Make room for so many images."""
        return open_storage((n_images, *self._format().shape), self.dtype, self.memmap_folder)

    def _fill(
        self, storage: InMemory | OnDisk, items: Sequence[Any], on_error: str
    ) -> dict[int, Exception]:
        """Read all images into a storage; return what is wrong with some files, by their rows.

        `on_error` is that of the reader, or 'skip' to leave out what cannot be read.
        """
        blank = np.full(self._format().shape, np.nan if on_error == "nan" else self.background)
        blank = to_dtype(blank, self.dtype)
        failures: dict[int, Exception] = {}
        for row, image in enumerate(self._read(items)):
            if not isinstance(image, Exception):
                storage.append(image)
                continue
            if on_error == "raise" or not isinstance(items[row], PATH):
                raise image
            failures[row] = image
            if on_error != "skip":
                storage.append(blank)
        return failures

    def _read(self, items: Sequence[Any]) -> Iterator[np.ndarray | Exception]:
        """Give each image or what is wrong with it, in order; read a block of them at a time."""
        image_format = self._format()
        image_bytes = 4 * int(np.prod(image_format.shape))
        step = max(BLOCK_BYTES // image_bytes, 2 * joblib.effective_n_jobs(self.n_jobs))
        with joblib.Parallel(n_jobs=self.n_jobs, prefer="threads") as parallel:
            for start in range(0, len(items), step):
                rows = range(start, min(start + step, len(items)))
                yield from parallel(
                    joblib.delayed(_read_image)(items[row], row, image_format, self.max_pixels)
                    for row in rows
                )


def _read_image(
    item: Any, row: int, image_format: ImageFormat, max_pixels: int
) -> np.ndarray | Exception:
    """Read one image, in a worker. Return its pixels, or what is wrong with it.

    Workers return errors instead of raising them, so that the caller can raise the first one in X
    rather than the first one in time.
    """
    name = os.fspath(item) if isinstance(item, PATH) else f"Image {row} in X"
    background = image_format.background
    try:
        if isinstance(item, PATH):
            try:
                file = open(item, "rb")  # noqa: SIM115 - errors after this one are not of opening
            except IsADirectoryError:
                return ValueError(
                    f"{name} is a folder, not an image. Read it with load_image_folder, or list "
                    f"its files."
                )
            except OSError as error:  # its message names the file
                return error.with_traceback(None)
            with file:
                bands = decode_file(file, name, background, max_pixels)
        else:
            bands = decode_image(item, background)
        return convert(bands, image_format)
    except NotReadable as error:
        return ValueError(f"{name} {error}")
    except MemoryError:
        raise
    except Exception as error:  # for broken files, Pillow raises nearly anything: IndexError, ...
        return ValueError(
            f"{name} cannot be read as an image; it may be broken or cut off "
            f"({type(error).__name__}: {error})."
        )
