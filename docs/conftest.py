"""What the tests of the site share: the built site, a server for it, and headless Chromium."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parent / "_build" / "html"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, format, *args):
        """Say nothing."""


@pytest.fixture(scope="session")
def pages():
    """The paths of all pages, relative to the site."""
    if not (SITE / "index.html").exists():
        pytest.exit(
            f"There is no site in {SITE}. Build it first: sphinx-build -W docs docs/_build/html",
            returncode=2,
        )
    found = (path.relative_to(SITE) for path in SITE.rglob("*.html"))
    return sorted(path.as_posix() for path in found if path.parts[0] != "_static")


@pytest.fixture(scope="session")
def origin(pages):
    """The address at which the site is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=SITE))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """Chromium, as it is installed."""
    path = shutil.which("chromium")
    assert path, "These tests need Chromium as `chromium` on the PATH."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser):
    """A browser without a past."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="session")
def complaints(origin):
    """Give a page a list to which all that goes wrong on it is added from now on."""
    own = (f"{origin}/", "data:", "blob:")

    def listen(page):
        found = []

        def note(what, wrong=True):
            if wrong:
                found.append(f"{page.url}: {what}")

        def note_failure(request):
            # The browser itself aborts what is still loading when it goes on to the next page.
            note(f"{request.url} {request.failure}", request.failure != "net::ERR_ABORTED")

        page.on("pageerror", lambda error: note(error))
        page.on("console", lambda message: note(message.text, message.type == "error"))
        page.on("request", lambda it: note(f"asks for {it.url}", not it.url.startswith(own)))
        page.on("requestfailed", note_failure)
        page.on("response", lambda it: note(f"{it.url} {it.status}", it.status >= 400))
        return found

    return listen
