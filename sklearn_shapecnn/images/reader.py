"""ImageReader: a transformer from paths of image files to an array of images."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, closing
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn._compat import (
    CallbackSupportMixin,
    DocLinkMixin,
    Interval,
    Options,
    StrOptions,
    has_callbacks,
    start_fit_task,
    warn,
    with_callbacks,
)
from sklearn_shapecnn._input.errors import is_int
from sklearn_shapecnn.images._items import PATH, as_items, list_some
from sklearn_shapecnn.images._reading import ReadImage, read_images
from sklearn_shapecnn.images._resizing import ImageFormat, to_dtype
from sklearn_shapecnn.images._storage import InMemory, OnDisk, open_storage
from sklearn_shapecnn.images._white import MEASURE, Peaks


class ImageReader(  # type: ignore[call-arg]
    DocLinkMixin, CallbackSupportMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Read image files into one array, all resized to one shape.

    Put it before a classifier in a pipeline: the pipeline then fits on paths and predicts for
    paths. The reader itself learns nothing, so `transform` works without `fit`, unless
    ``white_level='collection'``.

    The supported formats are PNG, JPEG, TIFF, BMP, GIF and WebP, detected from the contents of a
    file, not from its name. If a file has several pages or frames, the first is read. Images are
    turned upright (EXIF), and transparent pixels show the `background`. Files with broken metadata
    are read too; a warning names them. By default, every pixel becomes a float from 0 (black)
    to 1 (white). Gray images are read with their full precision of up to 32 bits, color images with
    8 bits per channel. Floats must be in 0..1.

    Parameters
    ----------
    image_shape : tuple of int (height, width), default=(72, 72)
        Size of the images in pixels after resizing.

    as_gray : bool, default=True
        Whether to convert colors to gray of the same brightness, with the weights of
        :func:`skimage.color.rgb2gray`. If False, all images have three channels, even gray ones.

    aspect : {'stretch', 'pad', 'crop'}, default='stretch'
        How to resize an image whose aspect ratio differs from that of `image_shape`. 'stretch'
        scales height and width separately. 'pad' keeps the ratio and centers the whole image on
        the `background`. 'crop' keeps the ratio and cuts off what sticks out on two sides.

    background : float, default=1.0
        Brightness behind transparent pixels and around padded images, from 0 (black) to 1 (white).

    dtype : {'float32', 'uint8'} or the NumPy type of this name, default='float32'
        Type of the pixels: floats from 0 to 1, or integers from 0 to 255, which need a quarter of
        the memory.

    white_level : {'dtype', 'collection'} or float, default='dtype'
        The value that becomes white in integer images. 'dtype' is the largest value that the
        image's own dtype can hold, such as 65535 for 16 bits. Cameras and scanners with 10, 12 or
        14 bits write files of 16 bits too; these are then nearly black, and a warning says so. For
        these, give the largest possible value, such as 4095 for 12 bits, or 'collection': `fit`
        then reads all images and takes their largest value. Larger values become white, with a
        warning. Images whose dtype cannot hold the value, such as 8-bit images with 4095, are
        scaled as with 'dtype'.

    as_rows : bool, default=False
        Whether to flatten each image to a row of numbers, as most other estimators need.

    memmap_folder : str or path-like, default=None
        Folder for images that do not fit into memory. Each `transform` writes a new ``.npy`` file
        there, a block of images at a time, and returns it as a read-only memory map; its
        ``filename`` is the path of the file. The files stay until you delete them. If None, return
        an array in memory.

    max_pixels : int, default=100_000_000
        Reject files with more pixels before decoding them, because a small file can hold an image
        that fills the memory.

    on_error : {'raise', 'blank', 'nan'}, default='raise'
        What to do about missing or broken files. 'raise' raises an error that names the first one.
        The others warn and continue: 'blank' sets every pixel of such an image to `background`,
        'nan' to NaN, for you to drop. These images keep their position, so that labels still match.

    n_jobs : int, default=None
        Number of files to read in parallel. None means 1 unless in a
        :func:`joblib.parallel_config`; -1 uses all cores. The images are the same for any number.

    Attributes
    ----------
    white_level_ : int or None
        The largest value in the images passed to `fit`, if ``white_level='collection'``; None if
        they hold no integers.

    See Also
    --------
    load_image_folder : Read a folder that has one subfolder for each class.
    ShapeCNNClassifier : Learn the labels of images.

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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_shape": ["array-like"],
        "as_gray": ["boolean"],
        "aspect": [StrOptions({"stretch", "pad", "crop"})],
        "background": [Interval(Real, 0, 1, closed="both")],
        "dtype": [StrOptions({"float32", "uint8"}), Options(type, {np.float32, np.uint8})],
        "white_level": [
            StrOptions({"dtype", "collection"}),
            Interval(Real, 0, None, closed="neither"),
        ],
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
        dtype: str | type = "float32",
        white_level: str | float = "dtype",
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
        self.white_level = white_level
        self.as_rows = as_rows
        self.memmap_folder = memmap_folder
        self.max_pixels = max_pixels
        self.on_error = on_error
        self.n_jobs = n_jobs

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> ImageReader:
        """Check the parameters and the form of X, and find the white level.

        This reads all images if ``white_level='collection'``, and none otherwise.

        Parameters
        ----------
        X : sequence of shape (n,)
            Paths or images, as `transform` takes them.
        y : Ignored
            Here because scikit-learn passes it.

        Returns
        -------
        self : ImageReader
            The reader itself.
        """
        self._check_parameters()
        items = as_items(X)
        if self.white_level == "collection":
            self.white_level_ = self._find_white(items, self.on_error)
        elif hasattr(self, "white_level_"):
            del self.white_level_  # from a fit with other parameters
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
            h and w. It holds booleans, unsigned integers (see `white_level`) or floats from 0 to 1.
            Pillow images are read without loading, moving or closing them.

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
            If a file is broken, not an image or larger than `max_pixels`, or if X holds no images.
        TypeError
            If X holds something that is neither a path nor an image.
        NotFittedError
            If ``white_level='collection'``, and `fit` was not called.
        """
        self._check_parameters()
        check_is_fitted(self)
        items = as_items(X)
        white = self._white()
        with self._open_storage(len(items)) as storage:
            failures = self._fill(storage, items, self.on_error, white)
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
        """Do nothing: return arrays even if a pipeline asks its steps for data frames.

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
        """Return whether the white level is known; only 'collection' has to find it."""
        return self.white_level != "collection" or hasattr(self, "white_level_")

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what X may be."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.white_level == "collection"
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
        if isinstance(self.white_level, bool):
            raise ValueError(
                f"white_level must be 'dtype', 'collection' or a positive number, but is "
                f"{self.white_level}."
            )
        if self.on_error == "nan" and self._format().dtype == "uint8":
            raise ValueError(
                "on_error='nan' needs dtype='float32': integers cannot be NaN. Or set "
                "on_error='blank'."
            )

    def _white(self) -> float | None:
        """Return the value that becomes white; None means the largest one of each dtype."""
        if self.white_level == "collection":
            return self.white_level_
        return None if self.white_level == "dtype" else float(self.white_level)

    def _format(self) -> ImageFormat:
        height, width = (int(n) for n in self.image_shape)
        dtype, background = np.dtype(self.dtype).name, float(self.background)
        return ImageFormat((height, width), self.as_gray, self.aspect, background, dtype)

    def _open_storage(self, n_images: int) -> AbstractContextManager[InMemory | OnDisk]:
        """Open a storage for this many images."""
        image_format = self._format()
        shape = (n_images, *image_format.shape)
        return open_storage(shape, image_format.dtype, self.memmap_folder)

    def _find_white(
        self, items: Sequence[Any], on_error: str, verbose: bool | int = 0
    ) -> int | None:
        """Read all images to find their largest value; None if they hold no integers."""
        peaks = Peaks(MEASURE, self._format().dtype)
        with closing(self._read(items, MEASURE, True, verbose)) as images:
            for row, image in enumerate(images):
                if not isinstance(image, Exception):
                    peaks.add(image.name, image.peak)
                elif on_error == "raise" or not isinstance(items[row], PATH):
                    raise image
        return None if peaks.largest is None else max(peaks.largest, 1)  # 0 if all are black

    def _fill(
        self,
        storage: InMemory | OnDisk,
        items: Sequence[Any],
        on_error: str,
        white: float | None,
        verbose: bool | int = 0,
    ) -> dict[int, Exception]:
        """Read all images into a storage; return the errors of unreadable files by row.

        `on_error` is the parameter of the reader, or 'skip' to leave out unreadable files.
        """
        blank = np.full(self._format().shape, np.nan if on_error == "nan" else self.background)
        blank = to_dtype(blank, self._format().dtype)
        failures: dict[int, Exception] = {}
        troubles, peaks = [], Peaks(white, self._format().dtype)
        with closing(self._read(items, white, False, verbose)) as images:
            for row, image in enumerate(images):
                if not isinstance(image, Exception):
                    storage.append(image.pixels)
                    peaks.add(image.name, image.peak)
                    if image.trouble:
                        troubles.append(f"{image.name}: {image.trouble}")
                    continue
                if on_error == "raise" or not isinstance(items[row], PATH):
                    raise image
                failures[row] = image
                if on_error != "skip":
                    storage.append(blank)
        if troubles:
            warn(
                f"The metadata of {len(troubles)} of {len(items)} images is broken. Their pixels "
                f"are read; a photo may lie on its side:\n" + list_some(troubles, "\n")
            )
        peaks.warn()
        return failures

    def _read(
        self,
        items: Sequence[Any],
        white: float | None,
        only_peaks: bool = False,
        verbose: bool | int = 0,
    ) -> Generator[ReadImage | Exception, None, None]:
        return read_images(
            items,
            self._format(),
            white=white,
            max_pixels=self.max_pixels,
            n_jobs=self.n_jobs,
            only_peaks=only_peaks,
            verbose=verbose,
        )
