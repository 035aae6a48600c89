"""What works on the built site, in headless Chromium: ``python -m pytest docs/test_site.py``.

Build it first: ``sphinx-build -W docs docs/_build/html``.
"""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import expect

HERE = Path(__file__).parent
SITE = HERE / "_build" / "html"


def test_search_finds_the_classifier(context, origin, complaints):
    page = context.new_page()
    found = complaints(page)
    page.goto(f"{origin}/search.html?q=ShapeCNNClassifier")
    expect(page.locator("#search-results a[href*='ShapeCNNClassifier']").first).to_be_visible()
    assert found == []


def test_copy_buttons_copy_the_code(context, origin):
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    page = context.new_page()
    page.goto(f"{origin}/getting_started.html")
    blocks = page.locator("div.highlight:has(button.copybtn)")
    expect(blocks.first).to_be_attached()
    for i in range(blocks.count()):
        lines = blocks.nth(i).locator("pre").inner_text().strip().splitlines()
        prompts = (">>> ", "... ")
        typed = [line[4:] for line in lines if line.startswith(prompts)]  # all, where none has one
        code = "\n".join(typed or lines).strip()
        blocks.nth(i).hover()
        blocks.nth(i).locator("button.copybtn").click()
        # The button copies a moment after the click.
        page.wait_for_function(
            "async (code) => (await navigator.clipboard.readText()).trim() === code", arg=code
        )


class Links(HTMLParser):
    """What a page points to, and what can be pointed to in it."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = set(), {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note the addresses and names of a tag."""
        for key, value in attrs:
            if key in ("href", "src") and value:
                self.targets.add(value)
            elif key == "id" or (key == "name" and tag == "a"):
                self.anchors.add(value)


def test_every_internal_link_resolves(pages):
    links = {path: Links((SITE / path).read_text(encoding="utf-8")) for path in pages}
    broken = []
    for path, page in links.items():
        for target in page.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue
            goal = (SITE / path).parent / unquote(url.path) if url.path else SITE / path
            goal = goal.resolve() / "index.html" if goal.is_dir() else goal.resolve()
            name = goal.relative_to(SITE.resolve()).as_posix()
            lost = name in links and unquote(url.fragment) not in links[name].anchors
            if not goal.is_file() or lost:
                broken.append(f"{path}: {target}")
    assert broken == []
