"""show_versions: what a bug report should say about the machine and its libraries."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from sklearn_shapecnn import __version__

REQUIRED = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "skorch",
    "tqdm",
    "scikit-image",
    "pillow",
    "tifffile",
    "joblib",
    "threadpoolctl",
    "lazy-loader",
)
OPTIONAL = (
    "matplotlib",
    "onnx",
    "onnxruntime",
    "skl2onnx",
    "accelerate",
    "dask",
    "distributed",
    "ray",
    "opencv-python-headless",
    "pandas",
    "polars",
    "pyarrow",
    "skops",
    "xarray",
    "zarr",
)


def show_versions() -> None:
    """Print what a bug report needs: the system, the versions of all libraries, and the device.

    The version of a missing library is None. Of all libraries, only PyTorch is imported.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn, and its threading libraries, such as OpenMP.

    Examples
    --------
    >>> from sklearn_shapecnn import show_versions
    >>> show_versions()
    <BLANKLINE>
    System:
    ...
    """
    system = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
    }
    _print_section("System", system)
    ours: dict[str, str | None] = {"sklearn-shapecnn": __version__}
    _print_section("Dependencies", ours | _find_versions(REQUIRED))
    _print_section("Optional dependencies", _find_versions(OPTIONAL))
    _print_section("PyTorch", _describe_torch())


def _print_section(title: str, rows: Mapping[str, str | None]) -> None:
    width = max(map(len, rows))
    print(f"\n{title}:")
    for name, value in rows.items():
        print(f"{name:>{width}}: {value}")


def _find_versions(names: tuple[str, ...]) -> dict[str, str | None]:
    """Return the installed version of each library; None if it is missing."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _describe_torch() -> dict[str, str | None]:
    """Return the threads and GPUs of PyTorch, or why it cannot be imported."""
    try:
        import torch

        from sklearn_shapecnn._torch import find_device
    except Exception as error:  # whatever it is: the report should not lack the rest
        return {"cannot be imported": f"{type(error).__name__}: {error}"}
    rows: dict[str, str | None] = {
        "threads": str(torch.get_num_threads()),
        "CUDA of the build": torch.version.cuda,
        "device='auto'": find_device("auto"),
    }
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            rows[f"cuda:{index}"] = torch.cuda.get_device_name(index)
    return rows
