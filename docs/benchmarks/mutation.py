"""Mutation testing with mutmut: how many deliberate mistakes in the code the tests notice.

Run ``python docs/benchmarks/mutation.py``. It takes minutes and prints a table in Markdown, then
the mutants that no test noticed. ``--quick`` runs only one module.

Everything happens in a copy of the package. There, decorators are applied below their functions,
because mutmut skips decorated functions.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from common import is_quick, print_header, print_machine, print_row

ROOT = Path(__file__).parents[2]
# Each room and the folder of its tests.
ROOMS = {"_input": "input", "datasets": "datasets"}
QUICK = "_input/weights"
SETTINGS = """
[tool.mutmut]
source_paths = ["sklearn_shapecnn"]
only_mutate = {modules}
pytest_add_cli_args_test_selection = {tests}
# The last one collects garbage several times a test run, which is most of the time of a quick one.
pytest_add_cli_args = ["-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:unraisableexception"]
process_isolation = "forkserver"  # a plain fork waits for ever for the threads of Dask and Zarr
timeout_constant = 6.0            # seconds more than the tests take, times
timeout_multiplier = 5.0          # this: what takes longer is an endless loop
"""
SURVIVED, TIMES_OUT = 0, (-24, 24, 36, 152)  # exit codes; any other is a failed test


def undecorate(source: str) -> str:
    """Move the decorators of functions, but not those of methods, below them."""
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            calls = "".join(f"{ast.unparse(d)}(" for d in node.decorator_list)
            below = f"{node.name} = {calls}{node.name}{')' * len(node.decorator_list)}"
            lines[node.end_lineno : node.end_lineno] = ["", "", below]
            del lines[node.decorator_list[0].lineno - 1 : node.lineno - 1]
    return "\n".join(lines)


def find_modules() -> list[str]:
    """Return the modules of the rooms, as paths in the package without their suffix."""
    package = ROOT / "sklearn_shapecnn"
    files = [file for room in ROOMS for file in sorted((package / room).glob("*.py"))]
    return [
        str(file.relative_to(package).with_suffix("")) for file in files if file.stem != "__init__"
    ]


def mutate(folder: Path, modules: list[str], tests: list[str]) -> None:
    """Run mutmut in a copy of the package and of the tests."""
    for name in ("sklearn_shapecnn", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for module in modules:
        file = folder / "sklearn_shapecnn" / f"{module}.py"
        file.write_text(undecorate(file.read_text()))
    settings = (ROOT / "pyproject.toml").read_text() + SETTINGS.format(
        modules=[f"sklearn_shapecnn/{module}.py" for module in modules],
        tests=tests,
    )
    (folder / "pyproject.toml").write_text(settings)
    (folder / "README.md").touch()
    subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(os.cpu_count())],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        # The installed package may be the original.
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def find_change(functions: dict[str, str], name: str) -> str:
    """Return the lines that differ between a mutant and its original function."""
    stem, number = name.rsplit("__mutmut_", 1)
    original, mutant = (
        functions[f"{stem}__mutmut_{which}"].replace(f"__mutmut_{which}", "").split("\n")
        for which in ("orig", number)
    )
    changes = difflib.unified_diff(original, mutant, n=0, lineterm="")
    return "\n".join(
        f"{line[0]} {line[1:].strip()}" for line in changes if re.match(r"[+-](?![+-])", line)
    )


def main() -> None:
    """Print the table and the mutants that survived."""
    modules, tests = find_modules(), [f"tests/{folder}" for folder in ROOMS.values()]
    if is_quick(__doc__):
        modules, tests = [QUICK], ["tests/input/test_weights.py"]
    print_machine()
    survivors = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        mutate(folder, modules, tests)
        print_header("module", "mutants", "noticed", "endless", "not noticed", "noticed (%)")
        total: Counter[str] = Counter()
        for module in modules:
            file = folder / "mutants" / "sklearn_shapecnn" / f"{module}.py"
            source = file.read_text()
            lines = source.split("\n")
            functions = {
                node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
                for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.FunctionDef)
            }
            results = json.loads(Path(f"{file}.meta").read_text())["exit_code_by_key"]
            counts = Counter(mutants=len(results))
            for key, result in results.items():
                counts["endless"] += result in TIMES_OUT
                if result == SURVIVED:
                    counts["survived"] += 1
                    name = key.rsplit(".", 1)[1]
                    survivors.append(f"{module} {name}\n{find_change(functions, name)}")
            total += counts
            print_counts(f"`{module}.py`", counts)
        print_counts("all", total)
    print("", *survivors, sep="\n\n")


def print_counts(name: str, counts: Counter[str]) -> None:
    """Print a row of the table."""
    n, survived = counts["mutants"], counts["survived"]
    share = f"{100 * (n - survived) / n:.1f}"
    print_row(name, n, n - survived, counts["endless"], survived, share)


if __name__ == "__main__":
    main()
