"""How the built site looks: ``python -m pytest docs/test_layout.py``.

Every page is measured on two screens, each in the light and in the dark theme, by measure_page.js.
"""

import re
import runpy
from itertools import product
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
from PIL import Image
from playwright.sync_api import expect

HERE = Path(__file__).parent
SITE = HERE / "_build" / "html"
DESKTOP, PHONE = (1280, 900), (400, 740)
THEMES = ("light", "dark")
NARROWEST = 360  # pixels
CLASSIFIER = "generated/sklearn_shapecnn.ShapeCNNClassifier.html"


@pytest.fixture(scope="session")
def tour(browser, origin, pages, complaints):
    """What goes wrong where all pages are opened, and their measures by page, screen and theme."""
    context = browser.new_context()
    context.add_init_script(path=HERE / "measure_page.js")
    page = context.new_page()
    found, measures = complaints(page), {}
    for path in pages:
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        page.goto(f"{origin}/{path}", wait_until="load")
        if path == "draw.html":
            page.evaluate("shapeDrawing.ready")
        # Each change of the theme costs time, so the phone begins with the one that is there.
        for screen, themes in ((DESKTOP, THEMES), (PHONE, THEMES[::-1])):
            page.set_viewport_size({"width": screen[0], "height": screen[1]})
            for theme in themes:
                measures[path, screen, theme] = page.evaluate("measurePage", theme)
        page.set_viewport_size({"width": NARROWEST, "height": PHONE[1]})
        measures[path] = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    return SimpleNamespace(complaints=found, measures=measures)


@pytest.fixture(params=product((DESKTOP, PHONE), THEMES), ids=lambda it: f"{it[0][0]}-{it[1]}")
def measured(request, tour, pages):
    """The width of a screen, and the measures of all pages on it in one theme."""
    screen, theme = request.param
    return screen[0], {path: tour.measures[path, screen, theme] for path in pages}


def test_every_page_loads_cleanly(tour):
    assert tour.complaints == []


def test_no_page_is_wider_than_its_screen(measured):
    width, measures = measured
    assert {path: it["width"] for path, it in measures.items() if it["width"] > width} == {}


def test_no_page_is_wider_than_a_narrow_phone(tour, pages):
    widths = {path: tour.measures[path] for path in pages}
    assert {path: width for path, width in widths.items() if width > NARROWEST} == {}


def test_nothing_sticks_out_of_its_place(measured):
    found = {path: it["sticking_out"] for path, it in measured[1].items() if it["sticking_out"]}
    assert found == {}


def test_a_desktop_shows_whole_lines_of_code_beside_one_sidebar(tour, pages):
    lines = 0
    for path, theme in product(pages, THEMES):
        measures = tour.measures[path, DESKTOP, theme]
        assert measures["beyond"] == [], path
        # What is printed may be one long sentence, which wraps.
        assert [line for line in measures["wrapped"] if not line["printed"]] == [], path
        assert measures["sidebars"] <= 1, path
        assert measures["header"] < 100, path  # pixels: one row
        lines += measures["lines"]
    assert lines > 2000


def test_on_a_phone_code_wraps_and_few_lines_scroll(tour, pages):
    for theme in THEMES:
        measures = {path: tour.measures[path, PHONE, theme] for path in pages}
        typed = {
            path: [line["text"] for line in it["beyond"] if not line["printed"]]
            for path, it in measures.items()
        }
        assert {path: lines for path, lines in typed.items() if lines} == {}
        # Printed tables keep their columns. They are most of a few pages, so the whole site counts.
        n_beyond = sum(len(it["beyond"]) for it in measures.values())
        assert n_beyond <= 0.1 * sum(it["lines"] for it in measures.values())


def test_the_navigation_of_a_section_lists_its_pages(tour, pages):
    sections = {
        "auto_examples": "auto_examples/index.html",
        "benchmarks": "benchmarks/README.html",
        "generated": "api.html",
        "user_guide": "user_guide/index.html",
    }
    assert {path.parts[0] for path in map(PurePosixPath, pages) if path.parts[1:]} == set(sections)
    for section, first in sections.items():
        own = {path for path in pages if path.startswith(f"{section}/")} - {first}
        assert len(own) > 4
        for path in own | {first}:
            navigation = tour.measures[path, DESKTOP, "light"]["navigation"]
            assert own <= {link.lstrip("/") for link in navigation}, path


def test_contents_of_a_class_stand_below_its_name(context, origin):
    page = context.new_page()
    page.goto(f"{origin}/{CLASSIFIER}")
    method = page.locator(".bd-docs-nav li.current a", has_text="predict_proba()")
    expect(method).to_be_visible()
    method.click()
    expect(page).to_have_url(re.compile(r"#sklearn_shapecnn\.ShapeCNNClassifier\.predict_proba$"))


def test_contents_follow_the_navigation_without_javascript(browser, origin):
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    page.goto(f"{origin}/{CLASSIFIER}")
    expect(page.locator(".bd-sidebar-primary .page-toc a", has_text="fit()").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("theme", THEMES)
def test_the_logo_is_in_the_header_and_in_the_tab(browser, origin, theme):
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{origin}/index.html")
    logo = page.locator(".bd-header .navbar-brand img:visible")
    expect(logo).to_have_count(1)
    assert logo.evaluate("it => it.complete && it.naturalWidth > 0")
    expect(page.locator(".bd-header .navbar-brand")).to_contain_text("sklearn-shapecnn")
    icon = page.locator("link[rel='icon']").evaluate("it => it.href")
    assert icon == logo.evaluate("it => it.src")
    context.close()


def test_pages_say_what_a_link_to_them_shows(pages):
    seen = set()
    for path in pages:
        text = (SITE / path).read_text(encoding="utf-8")
        tags = dict(re.findall(r'<meta property="(og:[a-z_:]+)" content="([^"]*)"', text))
        assert tags["og:title"], path
        assert 10 < len(tags["og:description"]) <= 200, path
        # The site has no address yet, and both of these need one.
        assert tags.keys().isdisjoint({"og:url", "og:image"}), path
        seen.add(tags["og:description"])
    assert len(seen) > 0.7 * len(pages)


def test_the_card_is_named_where_the_site_has_an_address():
    describe_page = runpy.run_path(str(HERE / "conf.py"))["describe_page"]
    for base, card in [
        ("", None),
        ("https://example.org/docs/", "https://example.org/docs/_static/card.png"),
    ]:
        context = {}
        app = SimpleNamespace(config=SimpleNamespace(html_baseurl=base))
        describe_page(app, "index", "page.html", context, None)
        assert context["card"] == card


def test_the_card_shows_the_logo():
    with Image.open(SITE / "_static" / "card.png") as card:
        assert (card.format, card.size) == ("PNG", (1200, 630))
        colors = {color: n for n, color in card.convert("RGB").getcolors(maxcolors=1 << 20)}
    fills = re.findall(
        r'fill="#(\w{6})"', (SITE / "_static" / "logo.svg").read_text(encoding="utf-8")
    )
    assert len(fills) == 3
    for fill in fills:
        assert colors[tuple(bytes.fromhex(fill))] > 10_000


def test_each_example_says_how_long_it_took(pages):
    scripts = [path for path in pages if path.startswith("auto_examples/plot_")]
    assert len(scripts) > 10
    for path in scripts:
        text = (SITE / path).read_text(encoding="utf-8")
        took = re.search(
            r"Total running time of the script:</strong> \((\d+) minutes (.+) seconds", text
        )
        assert took and 60 * int(took[1]) + float(took[2]) > 0, path
