"""python -m sklearn_shapecnn._pretraining, and the file that it writes."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from sklearn_shapecnn._network import pretrained
from sklearn_shapecnn._network.config import NetworkConfig
from sklearn_shapecnn._network.modules import GlobalFeatures, ShapeCNN
from sklearn_shapecnn._network.pretrained import shipped_filters, start_from
from sklearn_shapecnn._pretraining.__main__ import main
from sklearn_shapecnn._pretraining.bank import N_FILTERS, Bank, Cut
from sklearn_shapecnn._pretraining.export import export


@pytest.fixture
def read(monkeypatch):
    """Read a file as the package reads the one that it ships."""

    def read(path):
        monkeypatch.setattr(pretrained, "SHIPPED", str(path))
        shipped_filters.cache_clear()
        return shipped_filters()

    yield read
    shipped_filters.cache_clear()


@torch.no_grad()
def make_bank():
    """A bank in which nothing has the value that it starts with."""
    bank = Bank(5, seed=0)
    generator = torch.Generator().manual_seed(0)
    for weight in bank.parameters():
        weight.add_(torch.rand(weight.shape, generator=generator))
    return bank


def start_network(filters, kernel_size=3):
    config = NetworkConfig((16, 16, 3), 4, (32, 64, 128, 128), (kernel_size,) * 4, (2, 2, 1, 1))
    network = ShapeCNN(config).train()
    assert start_from(network, filters) == N_FILTERS
    return network


# The file


def test_the_file_is_read_as_it_was_written(tmp_path, read):
    bank = make_bank()
    export(bank, tmp_path / "bank.npz")
    stages = read(tmp_path / "bank.npz")
    assert len(stages) == len(N_FILTERS)
    for i, stage in enumerate(stages):
        assert stage.filters.keys() == {1, 2, 3}
        for size, filters in stage.filters.items():
            given = bank.filters[f"{i}_{size}"].detach().numpy()
            assert filters.shape == given.shape
            # Their length is one on average, and half precision has eleven bits.
            assert np.linalg.norm(filters) == pytest.approx(np.sqrt(len(filters)), rel=1e-3)
            scale = np.linalg.norm(filters) / np.linalg.norm(given)
            np.testing.assert_allclose(filters, given * scale, rtol=2e-3, atol=1e-4)
        for part, values in zip(("weight", "bias"), stage.norm, strict=True):
            given = bank.norms[f"{i}_{part}"].detach().numpy()
            np.testing.assert_allclose(values, given, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kernel_size", [1, 2, 3])
@torch.no_grad()
def test_a_network_finds_what_the_bank_finds(tmp_path, read, kernel_size):
    bank = make_bank()
    export(bank, tmp_path / "bank.npz")
    network = start_network(read(tmp_path / "bank.npz"), kernel_size)
    x = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = []  # the maps of the last stage, which the bank does not hand out

    def look(module, inputs):
        if isinstance(module, GlobalFeatures):
            seen.append(inputs[0])

    hook = register_module_forward_pre_hook(look)
    try:
        bank(x, Cut(N_FILTERS, (kernel_size,) * 4, (2, 2, 1, 1)))
        network(x)
    finally:
        hook.remove()
    theirs, ours = seen
    assert ours.shape == theirs.shape == (8, 128, 4, 4)
    assert (ours - theirs).abs().mean() < 0.03 * theirs.abs().mean()


def test_the_same_bank_gives_the_same_file(tmp_path):
    for name in ("one.npz", "other.npz"):
        export(make_bank(), tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_the_file_has_the_name_that_was_asked_for(tmp_path):
    export(make_bank(), tmp_path / "bank")
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


# The command


@pytest.mark.slow
def test_a_quick_go_writes_a_file_that_starts_networks(tmp_path, read, capsys):
    output = tmp_path / "new" / "quick.npz"
    arguments = ["--quick", "--checkpoints", str(tmp_path / "run"), "--output", str(output)]
    main(arguments)
    told = capsys.readouterr().out
    assert "The loss fell from" in told
    assert f"Wrote {output}" in told
    assert output.stat().st_size < 3e6
    network = start_network(read(output))
    scores = network(torch.rand(4, 3, 16, 16))
    assert torch.isfinite(scores).all()
    # A second go learns again, and writes the same.
    content = output.read_bytes()
    output.unlink()
    main(arguments)
    assert capsys.readouterr().out.count("step 40 of 44") == 1
    assert output.read_bytes() == content


@pytest.mark.slow
def test_a_quick_go_leaves_the_files_of_a_long_one_alone(tmp_path):
    for name in ("checkpoint.pt", "shapes.npz"):
        (tmp_path / name).write_bytes(b"of a long run")
    main(["--quick", "--checkpoints", str(tmp_path)])
    for name in ("checkpoint.pt", "shapes.npz"):
        assert (tmp_path / name).read_bytes() == b"of a long run"
    assert (tmp_path / "quick" / "shapes.npz").stat().st_size > 100_000


def test_a_sheet_shows_gray_and_colored_drawings(tmp_path):
    path = tmp_path / "sheet.png"
    main(["--sheet", str(path)])
    assert [file.name for file in tmp_path.iterdir()] == ["sheet.png"]
    sheet = cv2.imread(str(path)).astype(int)
    height, width, _ = sheet.shape
    assert height > 500 and width > 500
    is_colored = np.ptp(sheet, axis=2) > 0
    assert not is_colored[: height // 2].any()
    assert is_colored[height // 2 :].mean() > 0.3
    assert sheet.std() > 30


def test_a_sheet_is_the_same_each_time(tmp_path):
    for name in ("one.png", "other.png"):
        main(["--sheet", str(tmp_path / name)])
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_help_tells_what_the_command_does(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    for option in ("--quick", "--checkpoints", "--output", "--sheet"):
        assert option in told


@pytest.mark.parametrize("arguments", [["--slow"], ["--sheet", "formulas"]])
def test_a_wrong_option_is_an_error(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


def test_without_opencv_the_error_says_what_to_install():
    code = "import sys; sys.modules['cv2'] = None; import sklearn_shapecnn._pretraining.__main__"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0
    assert "pip install opencv-python-headless" in done.stderr
