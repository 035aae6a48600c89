"""Everything that X, y, sample_weight and classes may be: for tests and for a table in the docs.

``python tests/promises/accepted_input.py`` prints the table, which the page on images has.
"""

import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dask.array
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse
import torch
import xarray as xr
import zarr
from PIL import Image
from skorch.dataset import Dataset
from skorch.helper import SliceDataset

# Whole numbers, which every dtype here holds exactly, and labels that are in the same order in all
# forms: all of them have to give the same probabilities, to the bit.
TARGETS = np.arange(12) % 3
IMAGES = np.random.default_rng(0).integers(0, 4, (12, 5, 5)) + 4 * TARGETS[:, None, None]
IMAGES = IMAGES.astype(np.float32)
ROWS = IMAGES.reshape(12, 25)
WEIGHTS = np.array([1.0, 2.0, 1.0, 1.0] * 3)
CLASSES = np.arange(3)
TEXTS = ["circle", "ring", "star"]
NAMES = np.array(TEXTS)[TARGETS]
DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="M8[D]")[TARGETS]


class Interface:
    """What has nothing but NumPy's own protocol."""

    def __init__(self, values):
        self.__array_interface__ = values.__array_interface__
        self.values = values  # which owns the memory


class Dlpack:
    """What has nothing but the protocol of DLPack."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **settings):
        return self.values.__dlpack__(**settings)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class OnGpu(Dlpack):
    """Like an array of CuPy: it is copied to the CPU only for those who ask for it."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __dlpack__(self, dl_device=None, **settings):
        if dl_device is None:
            raise BufferError("It is on the GPU.")
        return super().__dlpack__(**settings)

    def __dlpack_device__(self):
        return (2, 0)  # that of CUDA


class Items(torch.utils.data.Dataset):
    """A torch data set made from any list."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def box_of(values):
    box = np.empty(len(values), dtype=object)
    box[:] = list(values)
    return box


def columns_of(rows):
    return {f"pixel{i}": column for i, column in enumerate(rows.T)}


def chunked(values):
    return dask.array.from_array(values, chunks=(5, *values.shape[1:]))


@dataclass
class Refused:
    """What is refused, by an error with some words, and what the table says about it."""

    make: Callable[[], Any]
    words: str
    advice: str


@dataclass
class Kind:
    """A kind of object, and how to make X, y, weights and classes of it; None if nobody would."""

    name: str
    X: Callable[[], Any] | Refused | None = None
    y: Callable[[], Any] | Refused | None = None
    sample_weight: Callable[[], Any] | Refused | None = None
    classes: Callable[[], Any] | Refused | None = None
    labels: list[Any] = field(default_factory=CLASSES.tolist)  # that `classes_` holds after fit

    def arguments(self):
        """Each argument that this may be, with how to make it."""
        found = {name: getattr(self, name) for name in ARGUMENTS}
        return {name: make for name, make in found.items() if make is not None}


ARGUMENTS = ("X", "y", "sample_weight", "classes")


def all_four(name, make, rows=ROWS):
    return Kind(
        name,
        X=lambda: make(rows),
        y=lambda: make(TARGETS),
        sample_weight=lambda: make(WEIGHTS),
        classes=lambda: make(CLASSES),
    )


def all_refused(name, make, words, advice):
    """A kind that is refused as any of the four; the advice has {} for the name."""
    return Kind(
        name,
        **{
            argument: Refused(lambda values=values: make(values), words, advice.format(argument))
            for argument, values in zip(ARGUMENTS, (ROWS, TARGETS, WEIGHTS, CLASSES), strict=True)
        },
    )


def pandas_kinds():
    nullable = pd.Series([*TARGETS[1:].tolist(), None], dtype="Int64")
    periods = pd.Series(pd.PeriodIndex(DAYS, freq="D"))
    bins = pd.Series(pd.cut(TARGETS, [-1, 0, 1, 2]))
    astype = r"hold labels of one kind.*\.astype\(str\)"
    return [
        Kind(
            "pandas: DataFrame; Series",
            X=lambda: pd.DataFrame(columns_of(ROWS)),
            y=lambda: pd.Series(TARGETS, index=range(100, 112)),
            sample_weight=lambda: pd.Series(WEIGHTS, index=range(12, 0, -1)),
            classes=lambda: pd.Series(CLASSES),
        ),
        Kind(
            "pandas: nullable dtypes (`Int64`, `Float64`, `boolean`)",
            X=lambda: pd.DataFrame(columns_of(ROWS)).convert_dtypes(),
            y=lambda: pd.Series(TARGETS, dtype="Int64"),
            sample_weight=lambda: pd.Series(WEIGHTS, dtype="Float64"),
            classes=lambda: pd.Series(CLASSES, dtype="UInt8"),
        ),
        Kind(
            "pandas: dtypes of pyarrow",
            X=lambda: pd.DataFrame(columns_of(ROWS)).convert_dtypes(dtype_backend="pyarrow"),
            y=lambda: pd.Series(TARGETS, dtype="int64[pyarrow]"),
            sample_weight=lambda: pd.Series(WEIGHTS, dtype="double[pyarrow]"),
            classes=lambda: pd.Series(CLASSES, dtype="int8[pyarrow]"),
        ),
        Kind(
            "pandas: `pd.array`",
            y=lambda: pd.array(TARGETS, dtype="Int64"),
            sample_weight=lambda: pd.array(WEIGHTS, dtype="Float64"),
            classes=lambda: pd.array(CLASSES, dtype="Int64"),
        ),
        Kind("pandas: Series of strings", y=lambda: pd.Series(NAMES), labels=TEXTS),
        Kind(
            "pandas: `string` of Python, `string` of pyarrow",
            y=lambda: pd.Series(NAMES, dtype="string[pyarrow]"),
            labels=TEXTS,
        ),
        Kind(
            "pandas: Categorical; Series of `category`",
            y=lambda: pd.Series(NAMES, dtype="category"),
            labels=TEXTS,
        ),
        Kind("pandas: Index", y=lambda: pd.Index(NAMES), labels=TEXTS),
        Kind(
            "pandas: dates", y=lambda: pd.Series(DAYS), labels=np.unique(pd.Series(DAYS)).tolist()
        ),
        Kind(
            "pandas: Series of images",
            X=lambda: pd.Series(list(IMAGES)),
        ),
        Kind(
            "pandas: missing values",
            X=Refused(
                lambda: pd.DataFrame(columns_of(np.where(ROWS == 5, np.nan, ROWS))),
                "Input X contains NaN",
                "[fill them in](frames.md#missing-values)",
            ),
            y=Refused(lambda: nullable, "Input y contains NaN: 1 of 12", "leave these images out"),
            sample_weight=Refused(
                lambda: nullable, "Input sample_weight contains NaN", "fill them in"
            ),
        ),
        Kind("pandas: Period", y=Refused(lambda: periods, astype, "`y.astype(str)`")),
        Kind(
            "pandas: Interval, as of `pd.cut`", y=Refused(lambda: bins, astype, "`y.astype(str)`")
        ),
    ]


def polars_kinds():
    missing = pl.Series([*TARGETS[1:].tolist(), None])
    return [
        Kind(
            "polars: DataFrame; Series",
            X=lambda: pl.DataFrame(columns_of(ROWS)),
            y=lambda: pl.Series(TARGETS),
            sample_weight=lambda: pl.Series(WEIGHTS),
            classes=lambda: pl.Series(CLASSES),
        ),
        Kind("polars: String", y=lambda: pl.Series(NAMES), labels=TEXTS),
        Kind(
            "polars: Categorical",
            y=lambda: pl.Series(NAMES, dtype=pl.Categorical),
            labels=TEXTS,
        ),
        Kind("polars: Enum", y=lambda: pl.Series(NAMES, dtype=pl.Enum(TEXTS)), labels=TEXTS),
        Kind("polars: Series of images", X=lambda: pl.Series(IMAGES)),
        Kind("polars: Series of nested lists", X=lambda: pl.Series(IMAGES.tolist())),
        Kind(
            "polars: null",
            y=Refused(lambda: missing, "Input y contains NaN: 1 of 12", "leave these images out"),
        ),
        Kind(
            "polars: LazyFrame",
            X=Refused(
                lambda: pl.LazyFrame(columns_of(ROWS)),
                r"X is a LazyFrame.*X\.collect\(\)",
                "`X.collect()`",
            ),
        ),
    ]


def torch_kinds():
    no_values = torch.from_numpy(ROWS).to("meta")
    return [
        all_four("torch: tensor, on any device", lambda values: torch.from_numpy(values.copy())),
        Kind("torch: images in a tensor", X=lambda: torch.from_numpy(IMAGES)),
        Kind(
            "torch: list of tensors",
            X=lambda: list(torch.from_numpy(IMAGES)),
            y=lambda: list(torch.from_numpy(TARGETS)),
        ),
        Kind(
            "torch: `float16`, `bfloat16`, `bool`",
            X=lambda: torch.from_numpy(ROWS).bfloat16(),
            sample_weight=lambda: torch.from_numpy(WEIGHTS).half(),
        ),
        Kind(
            "torch: with gradients",
            X=lambda: torch.from_numpy(ROWS.copy()).requires_grad_(),
            sample_weight=lambda: torch.from_numpy(WEIGHTS.copy()).requires_grad_(),
        ),
        Kind(
            "torch: sparse",
            X=Refused(
                lambda: torch.from_numpy(ROWS).to_sparse(),
                r"X is a sparse tensor.*X\.to_dense\(\)",
                "`X.to_dense()`",
            ),
        ),
        Kind(
            "torch: on the device `meta`",
            X=Refused(lambda: no_values, "X is a tensor on the device 'meta'", "it has no values"),
        ),
        Kind("torch: Dataset of images", X=lambda: Items(list(torch.from_numpy(IMAGES)))),
        Kind(
            "torch: Dataset of images and labels",
            X=Refused(
                lambda: Items(list(zip(IMAGES, TARGETS, strict=True))),
                "X is a Items whose items are tuples of 2.*SliceDataset",
                "skorch's `SliceDataset`",
            ),
        ),
        Kind(
            "torch: DataLoader",
            X=Refused(
                lambda: torch.utils.data.DataLoader(Items(list(IMAGES))),
                r"X must be .* is a DataLoader, which gives its items one at a time",
                "gather the images in a list",
            ),
        ),
        Kind(
            "skorch: SliceDataset",
            X=lambda: SliceDataset(Dataset(torch.from_numpy(IMAGES), TARGETS), idx=0),
            y=lambda: SliceDataset(Dataset(IMAGES, TARGETS), idx=1),
            sample_weight=lambda: SliceDataset(Dataset(WEIGHTS, TARGETS), idx=0),
        ),
        Kind(
            "Hugging Face data set, or another whose items are dicts",
            X=Refused(
                lambda: Items([{"image": image} for image in IMAGES]),
                r"whose items have the keys \['image'\].*item\['image'\] for item in X",
                '`[item["image"] for item in X]`',
            ),
        ),
    ]


def numpy_kinds():
    strings = ROWS.astype(np.dtypes.StringDType())
    return [
        all_four("NumPy: array", np.array),
        Kind("NumPy: images, `(n, h, w)`", X=lambda: IMAGES),
        Kind("NumPy: images with channels, `(n, h, w, c)`", X=lambda: IMAGES[..., np.newaxis]),
        Kind(
            "NumPy: small dtypes, such as `uint8` and `float16`",
            X=lambda: ROWS.astype(np.uint8),
            y=lambda: TARGETS.astype(np.uint8),
            sample_weight=lambda: WEIGHTS.astype(np.float16),
            classes=lambda: CLASSES.astype(np.uint8),
        ),
        Kind(
            "NumPy: array of objects",
            X=lambda: ROWS.astype(object),
            y=lambda: NAMES.astype(object),
            sample_weight=lambda: WEIGHTS.astype(object),
            labels=TEXTS,
        ),
        Kind("NumPy: array of images as objects", X=lambda: box_of(IMAGES)),
        Kind(
            "NumPy: strings",
            X=Refused(lambda: ROWS.astype(str), "X.*strings", "`X.astype(float)`"),
            y=lambda: NAMES,
            sample_weight=lambda: WEIGHTS.astype(str),
            labels=TEXTS,
        ),
        Kind(
            "NumPy: `StringDType`",
            X=Refused(lambda: strings, "X.*strings", "`X.astype(float)`"),
            y=lambda: NAMES.astype(np.dtypes.StringDType()),
            sample_weight=lambda: WEIGHTS.astype(np.dtypes.StringDType()),
            labels=TEXTS,
        ),
        Kind(
            "NumPy: bytes",
            y=Refused(lambda: NAMES.astype("S"), "y: .*bytes is not supported", "`y.astype(str)`"),
        ),
        Kind("NumPy: bools", y=lambda: TARGETS > 0, labels=[False, True]),
        Kind("NumPy: dates", y=lambda: DAYS, labels=np.unique(DAYS).tolist()),
        Kind(
            "NumPy: complex numbers",
            X=Refused(lambda: ROWS * 1j, "X: Complex data not supported", "`abs(X)`"),
            y=Refused(lambda: TARGETS * 1j, "y holds complex numbers", "no"),
        ),
        all_four("NumPy: masked array with nothing masked", lambda v: np.ma.array(v, mask=False)),
        all_refused(
            "NumPy: masked values",
            lambda values: np.ma.masked_equal(values, values.max()),
            "contains masked values",
            "fill them in",
        ),
        Kind(
            "NumPy: `np.matrix`",
            X=Refused(
                lambda: ROWS.view(np.matrix), "X: np.matrix is not supported", "`np.asarray(X)`"
            ),
        ),
        Kind(
            "SciPy: sparse",
            X=Refused(
                lambda: scipy.sparse.csr_array(ROWS),
                "Sparse data was passed for X",
                "`X.toarray()`",
            ),
        ),
    ]


def other_kinds():
    one_at_a_time = r"gives its items one at a time.*list\("
    data = xr.Dataset({"images": (("n", "h", "w"), IMAGES)})
    return [
        all_four("list", np.ndarray.tolist),
        all_four("tuple", lambda values: tuple(values.tolist())),
        Kind("list of images", X=lambda: list(IMAGES)),
        Kind("list of Pillow images", X=lambda: list(map(Image.fromarray, IMAGES.astype("u1")))),
        Kind(
            "list of paths",
            X=Refused(lambda: ["a.png"] * 12, "X holds strings.*ImageReader", "`ImageReader`"),
        ),
        Kind("`range`", y=lambda: range(12), classes=lambda: range(3), labels=list(range(12))),
        Kind("one number for all", sample_weight=lambda: 2.0),
        Kind(
            "one number for all, in an array or a tensor", sample_weight=lambda: torch.tensor(2.0)
        ),
        Kind(
            "`memoryview`, `array.array`",
            X=lambda: memoryview(ROWS),
            y=lambda: array.array("i", TARGETS.tolist()),
            sample_weight=lambda: array.array("d", WEIGHTS.tolist()),
            classes=lambda: array.array("b", CLASSES.tolist()),
        ),
        all_four("xarray: DataArray", xr.DataArray),
        Kind(
            "xarray: Dataset",
            X=Refused(
                lambda: data, "X: cannot directly convert an xarray.Dataset", "one of its arrays"
            ),
        ),
        Kind(
            "pyarrow: Table; Array",
            X=lambda: pa.table(columns_of(ROWS)),
            y=lambda: pa.array(TARGETS),
            sample_weight=lambda: pa.array(WEIGHTS),
            classes=lambda: pa.array(CLASSES),
        ),
        Kind(
            "pyarrow: ChunkedArray of strings",
            y=lambda: pa.chunked_array([NAMES[:5], NAMES[5:]]),
            labels=TEXTS,
        ),
        Kind(
            "pyarrow: dictionary",
            y=lambda: pa.array(NAMES).dictionary_encode(),
            labels=TEXTS,
        ),
        Kind("pyarrow: Array of rows as lists", X=lambda: pa.array(list(ROWS))),
        Kind(
            "Dask: array",
            X=lambda: chunked(ROWS),
            y=lambda: chunked(TARGETS),
            sample_weight=lambda: chunked(WEIGHTS),
        ),
        Kind("Dask: array in a DataArray of xarray", X=lambda: xr.DataArray(chunked(IMAGES))),
        Kind("Zarr: array", X=lambda: zarr.array(ROWS, chunks=(5, 10))),
        all_four("CuPy and others on a GPU that have DLPack", OnGpu),
        all_four("any object with `__dlpack__`", Dlpack),
        all_four("any object with `__array__` or `__array_interface__`", Interface),
        all_refused("generator, iterator", iter, one_at_a_time, "`list({})`"),
        all_refused(
            "dict",
            lambda values: dict(enumerate(values)),
            r"is a dict\. Give its values as a list, such as list\(\w+\.values\(\)\)",
            "`list({}.values())`",
        ),
        Kind(
            "set; keys of a dict",
            y=Refused(
                lambda: set(range(12)),
                "y must be .* is a set, which has no order",
                "a list in order",
            ),
            classes=Refused(
                lambda: dict.fromkeys(CLASSES.tolist()).keys(), one_at_a_time, "`list(classes)`"
            ),
        ),
    ]


KINDS = [*numpy_kinds(), *other_kinds(), *pandas_kinds(), *polars_kinds(), *torch_kinds()]
CASES = [(kind, argument) for kind in KINDS for argument in kind.arguments()]


def table_of_kinds():
    """The table of the page on images, in Markdown."""
    lines = ["| | X | y | sample_weight | classes |", "|---|---|---|---|---|"]
    for kind in KINDS:
        made = [getattr(kind, name) for name in ARGUMENTS]
        cells = [
            cell.advice if isinstance(cell, Refused) else "" if cell is None else "yes"
            for cell in made
        ]
        lines.append(f"| {kind.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table_of_kinds(), end="")
