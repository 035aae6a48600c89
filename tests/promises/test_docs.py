"""The code on the pages runs as it stands there: README.md and all Markdown in docs/."""

import doctest
import re
from functools import partial
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest
from joblib.pool import PicklingPool

import sklearn_shapecnn

ROOT = Path(__file__).parents[2]
MADE = ("_build", "auto_examples", "draw", "generated")  # folders in docs/ that are no pages
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ERROR = re.compile(r"^# (\w+(?:Error|Warning)): (.*)", re.MULTILINE | re.DOTALL)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# These show what older versions of scikit-learn lack or do differently.
SINCE_1_9 = [f"docs/user_guide/{name}.md" for name in ("ecosystem", "saving", "watching")]


def find_pages():
    """README.md and the pages in docs/ that have code."""
    docs = ROOT / "docs"
    found = (page for page in docs.rglob("*.md") if page.relative_to(docs).parts[0] not in MADE)
    return [
        str(page.relative_to(ROOT))
        for page in (ROOT / "README.md", *sorted(found))
        if BLOCK.search(page.read_text(encoding="utf-8"))
    ]


@pytest.fixture
def pyplot():
    """Let matplotlib draw into memory, and restore it afterwards."""
    with matplotlib.rc_context():
        plt.switch_backend("agg")
        yield plt
        plt.close("all")


@pytest.fixture
def joblib_pool():
    """Restore the base class of joblib's pool, which Ray's backend replaces."""
    bases = PicklingPool.__bases__
    yield
    PicklingPool.__bases__ = bases


def run_doctest(code, namespace, page, line):
    """Run a block of `>>>`; raise AssertionError if the results differ from those on the page."""
    parsed = doctest.DocTestParser().get_doctest(code, {}, page, page, line - 1)
    parsed.globs = namespace  # not a copy: the next block goes on with it
    report = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(parsed, out=report.append, clear_globs=False)
    assert not report, "".join(report)


def run_code(code, namespace, page, line):
    """Run a block of plain code; a comment at its end may name the error that it ends with."""
    compiled = compile("\n" * (line - 1) + code, str(ROOT / page), "exec")
    expected = ERROR.search(code)
    if expected is None:
        exec(compiled, namespace)
        return
    name, message = expected.groups()
    with pytest.raises(Exception) as raised:
        exec(compiled, namespace)
    assert type(raised.value).__name__ == name
    words = " ".join(message.replace("\n#", " ").split())
    told = "".join(
        ".*" if part == "..." else re.escape(part) for part in re.split(r"(\.{3})", words)
    )
    assert re.fullmatch(told, " ".join(str(raised.value).split()), re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", find_pages())
def test_the_code_of_a_page_runs(page, pyplot, joblib_pool, tmp_path, monkeypatch):
    if page in SINCE_1_9:
        pytest.importorskip("sklearn.callback", reason="the page shows scikit-learn 1.9")
    monkeypatch.chdir(tmp_path)
    # The README searches with five folds over a thousand images. Here it only has to work.
    if page == "README.md":
        quick = partial(sklearn_shapecnn.ShapeCNNClassifier, n_filters=8, max_iter=1)
        monkeypatch.setattr(sklearn_shapecnn, "ShapeCNNClassifier", quick, raising=False)
    text = (ROOT / page).read_text(encoding="utf-8")
    namespace = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1)) + 1
        run = run_doctest if block[1].startswith(">>>") else run_code
        run(block[1], namespace, page, line)


def test_all_pages_are_found():
    pages = find_pages()
    assert "README.md" in pages
    assert "docs/getting_started.md" in pages
    assert "docs/user_guide/images.md" in pages


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (run_doctest, ">>> 1 + 1\n3\n"),
        (run_doctest, ">>> 1 / 0\n"),
        (run_code, "assert False\n"),
        (run_code, "int('a')\n# ValueError: something else\n"),
        (run_code, "int('a')\n# TypeError: invalid literal for int() with base 10: 'a'\n"),
    ],
)
def test_a_wrong_page_fails(run, code):
    with pytest.raises(AssertionError):
        run(code, {}, "docs/faq.md", 1)


def test_an_error_that_does_not_come_fails():
    with pytest.raises(pytest.fail.Exception):
        run_code("int('1')\n# ValueError: invalid literal\n", {}, "docs/faq.md", 1)


def test_blocks_go_on_with_what_came_before():
    namespace = {}
    run_code("a = 1\n", namespace, "docs/faq.md", 1)
    run_doctest(">>> a = a + 1\n>>> a\n2\n", namespace, "docs/faq.md", 1)
    run_code(
        "int('a')\n# ValueError: invalid literal ... base 10: 'a'\n", namespace, "docs/faq.md", 1
    )
    assert namespace["a"] == 2
