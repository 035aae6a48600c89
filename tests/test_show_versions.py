"""show_versions prints all that pyproject.toml names, whatever is missing or broken."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch

import sklearn_shapecnn
from sklearn_shapecnn import _show_versions, show_versions

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS_OF_USERS = ("plot", "onnx", "distributed", "pretrain")


def names_of(requirements):
    return [re.match(r"[\w-]+", requirement)[0] for requirement in requirements]


def sections(text):
    """What was printed: a dict of rows by title, each a dict of value by name."""
    found = {}
    for line in text.splitlines():
        if re.fullmatch(r"[A-Z].*:", line):
            rows = found[line[:-1]] = {}
        elif line:
            name, _, value = line.strip().partition(": ")
            rows[name] = value
    return found


def test_it_prints_the_system_the_libraries_and_the_device(capsys):
    assert show_versions() is None
    told = sections(capsys.readouterr().out)
    assert list(told) == ["System", "Dependencies", "Optional dependencies", "PyTorch"]
    assert told["System"]["python"].startswith(sys.version.split()[0])
    assert told["System"]["executable"] == sys.executable
    assert told["Dependencies"]["sklearn-shapecnn"] == sklearn_shapecnn.__version__
    assert told["Dependencies"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert re.match(r"\d+\.\d", told["Optional dependencies"]["matplotlib"])
    assert told["PyTorch"]["threads"] == str(torch.get_num_threads())
    assert told["PyTorch"]["device='auto'"] in ("cpu", "cuda", "xpu", "mps")


def test_it_knows_each_dependency():
    assert list(_show_versions.REQUIRED) == names_of(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    for extra in EXTRAS_OF_USERS:
        assert {*names_of(extras[extra])} <= {*_show_versions.OPTIONAL}
    assert {*_show_versions.OPTIONAL} <= {
        name for extra in (*EXTRAS_OF_USERS, "test") for name in names_of(extras[extra])
    }


def test_what_is_not_installed_has_no_version(capsys, monkeypatch):
    def find(name):
        if name == "onnx":
            raise PackageNotFoundError(name)
        return "1.2"

    monkeypatch.setattr(_show_versions, "version", find)
    show_versions()
    told = sections(capsys.readouterr().out)["Optional dependencies"]
    assert (told["onnx"], told["onnxruntime"]) == ("None", "1.2")


@pytest.mark.parametrize("error", [ImportError("no file x.so"), OSError("no file x.so")])
def test_a_broken_torch_is_part_of_the_report(capsys, monkeypatch, error):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "torch":
                raise error

    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    show_versions()
    told = sections(capsys.readouterr().out)
    assert told["PyTorch"] == {"cannot be imported": f"{type(error).__name__}: no file x.so"}
    assert told["Dependencies"]["numpy"]


def test_gpus_are_named(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", "GPU number {}".format)
    show_versions()
    told = sections(capsys.readouterr().out)["PyTorch"]
    assert told["device='auto'"] == "cuda"
    assert (told["cuda:0"], told["cuda:1"]) == ("GPU number 0", "GPU number 1")


@pytest.mark.slow
def test_no_optional_library_is_imported():
    code = (
        "import sys; from sklearn_shapecnn import show_versions; show_versions();"
        "assert not {'onnx', 'ray', 'dask', 'cv2', 'polars', 'matplotlib'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
