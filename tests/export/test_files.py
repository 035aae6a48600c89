import os

import numpy as np
import onnx
import pytest
from agreement import run

from sklearn_shapecnn.export import to_onnx


def test_writes_a_file_that_can_be_read_again(fitted, data, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"the old one")
    model = to_onnx(fitted, str(path))
    assert onnx.load(path) == model
    np.testing.assert_array_equal(run(onnx.load(path), data[0])["label"], fitted.predict(data[0]))
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_a_write_that_fails_leaves_the_old_file(fitted, tmp_path, monkeypatch):
    def full(_):
        raise OSError("No space left on device")

    (tmp_path / "model.onnx").write_bytes(b"the old one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        to_onnx(fitted, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == b"the old one"
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_a_folder_that_is_not_there(fitted, tmp_path):
    with pytest.raises(FileNotFoundError):
        to_onnx(fitted, tmp_path / "nowhere" / "model.onnx")


def test_a_folder_that_is_not_there_is_named(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such folder.*nowhere'"):
        to_onnx(fitted, tmp_path / "nowhere" / "model.onnx")
