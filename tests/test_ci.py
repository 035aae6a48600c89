"""The files that checks and releases go by agree with each other."""

import importlib.util
import re
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

import sklearn_shapecnn

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load_script(name):
    """A script of .ci as a module."""
    loader = SourceFileLoader(name, str(ROOT / ".ci" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def pinned(path):
    """What a file of constraints says: version by name."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))


def lowest_versions(*extras):
    """The lowest versions that pyproject.toml admits, by name."""
    found, wanted = {}, [*PROJECT["dependencies"]]
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    for requirement in wanted:
        name, inner, lowest = re.match(
            r"([\w-]+)(?:\[(.*?)\])?(?:>=([\d.]+))?", requirement
        ).groups()
        if name == PROJECT["name"]:
            found |= lowest_versions(*inner.split(","))
        else:
            found[name] = lowest
    return found


def test_the_oldest_versions_are_those_of_pyproject():
    assert pinned(".ci/oldest.txt") == lowest_versions("test")


def test_each_tool_has_a_version_in_the_constraints():
    constraints = {name.lower().replace("_", "-") for name in pinned("constraints.txt")}
    missing = {name for name in lowest_versions("dev", "docs", "bench")} - constraints
    assert not {name for name in missing if name.lower() not in constraints}


def test_pre_commit_has_the_versions_of_the_constraints():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    constraints = pinned("constraints.txt")
    used = dict(re.findall(r'"(ruff|codespell|check-jsonschema)==(\S+)"', text))
    assert used == {name: constraints[name] for name in ("ruff", "codespell", "check-jsonschema")}


def test_the_workflows_run_nothing_but_scripts_of_the_project():
    commands = [
        command
        for path in WORKFLOWS
        for command in re.findall(
            r"^ *- run: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert len(commands) >= 8
    for command in commands:
        script = re.match(r"(?:python )?(\.ci/\w+)", command)
        assert script, command
        assert (ROOT / script[1]).exists()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_workflows_may_only_read_and_know_no_secrets(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^permissions:\n  contents: read$", text, re.MULTILINE)
    assert "secrets." not in text
    for action in re.findall(r"uses: (\S+)", text):
        assert re.search(r"@(v\d+|release/v\d+)$", action), action


def test_the_workflows_try_each_python_that_pyproject_names():
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    tried = re.search(r"^ +python: (\[.*\])$", text, re.MULTILINE)[1]
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert re.findall(r"3\.\d+", tried) == named
    assert PROJECT["requires-python"] == f">={named[0]}"


# Releases

INIT = '__version__ = "{}"\n'
CHANGELOG = "# Changelog\n\n## [Unreleased]\n{}\n## [0.2.0] - 2030-01-31\n\n- News.\n"
URLS = '[project]\nname = "x"\n[project.urls]\nSource = "https://example.org"\n'


@pytest.fixture(scope="module")
def find_problems():
    return load_script("check_release").find_problems


def test_what_is_ready_may_be_released(find_problems):
    assert find_problems("v0.2.0", INIT.format("0.2.0"), CHANGELOG.format(""), URLS) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tag": "v0.3.0"}, "The tag is 'v0.3.0', but __version__ is '0.2.0'"),
        ({"tag": "0.2.0"}, "The tag is '0.2.0', but"),
        ({"changelog": CHANGELOG.format("\n- More.\n")}, "still has changes under"),
        ({"changelog": "## [0.2.0]\n"}, "no section '## [0.2.0] - YYYY-MM-DD'"),
        ({"pyproject": "[project]\n"}, "no [project.urls]"),
    ],
)
def test_what_is_not_ready_may_not(find_problems, change, problem):
    ready = {
        "tag": "v0.2.0",
        "init": INIT.format("0.2.0"),
        "changelog": CHANGELOG.format(""),
        "pyproject": URLS,
    }
    (found,) = find_problems(**ready | change)
    assert problem in found


def test_a_development_version_may_not_be_released(find_problems):
    problems = find_problems("v0.2.0.dev0", INIT.format("0.2.0.dev0"), CHANGELOG.format(""), URLS)
    assert "__version__ is '0.2.0.dev0', which is no version to release." in problems


def test_the_version_is_found_in_the_package(find_problems):
    texts = [
        (ROOT / path).read_text(encoding="utf-8")
        for path in ("sklearn_shapecnn/__init__.py", "CHANGELOG.md", "pyproject.toml")
    ]
    problems = find_problems("v999.0.0", *texts)
    assert (
        f"The tag is 'v999.0.0', but __version__ is {sklearn_shapecnn.__version__!r}." in problems
    )
