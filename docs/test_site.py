"""What works on the built site, in headless Chromium: ``python -m pytest docs/test_site.py``.

Build it first: ``sphinx-build -W docs docs/_build/html``.
"""

import math
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

HERE = Path(__file__).parent
SITE = HERE / "_build" / "html"
SHAPES = ("circle", "triangle", "rectangle")
SIDE = 72


def open_drawing(context, origin):
    """The drawing page, ready to draw."""
    page = context.new_page()
    page.goto(f"{origin}/draw.html")
    page.evaluate("shapeDrawing.ready")
    expect(page.locator("#draw-app")).to_be_visible()
    return page


@pytest.fixture
def drawing(context, origin, complaints):
    """The drawing page, which must have no complaints at the end."""
    page = context.new_page()
    found = complaints(page)
    page.goto(f"{origin}/draw.html")
    page.evaluate("shapeDrawing.ready")
    yield page
    assert found == []


@pytest.fixture(scope="session")
def classifier():
    """The classifier that the page has as ONNX."""
    with open(HERE / "draw" / "classifier.pickle", "rb") as file:
        return pickle.load(file)


# The whole site ----------------------------------------------------------------------------------


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


# Drawing -----------------------------------------------------------------------------------------


def hand_drawn(shape, size, place, rng):
    """Points along a shape as a hand may draw it: a little off, and not quite closed."""
    turn = rng.uniform(0, 2 * math.pi)
    corners = {
        "circle": np.linspace(0, 2 * math.pi, 37),
        "triangle": np.array([0, 2.3, 4.1, 2 * math.pi]),
        "rectangle": np.array([0, 1.2, math.pi, math.pi + 1.2, 2 * math.pi]),
    }[shape]
    corners = size / 2 * np.stack([np.cos(corners + turn), np.sin(corners + turn)], 1)
    per_side = 36 // (len(corners) - 1)
    t = np.linspace(0, len(corners) - 1, per_side * (len(corners) - 1) + 1)
    points = np.stack([np.interp(t, np.arange(len(corners)), axis) for axis in corners.T], 1)
    sway = np.sin(t[:, None] * rng.uniform(1, 2, 2) + rng.uniform(0, 6, 2))
    return (points + place + 0.02 * size * sway)[: len(points) - 2]


def stroke(page, points):
    """Drag the mouse along points, given in the network's pixels."""
    canvas = page.locator("#draw-canvas")
    # Away from the header, which stays in place over what scrolls.
    canvas.evaluate("it => it.scrollIntoView({ block: 'center', behavior: 'instant' })")
    box = canvas.bounding_box()
    scale = box["width"] / SIDE
    for i, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + scale * x, box["y"] + scale * y)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def read(page):
    """The answer to what is drawn: label, probabilities in the order of the bars, pixels."""
    page.evaluate("shapeDrawing.settled()")
    p, pixels = page.evaluate("[shapeDrawing.probabilities(), shapeDrawing.pixels()]")
    shown = page.locator("#draw-bars .draw-number").all_inner_texts()
    assert shown == [f"{100 * value:.1f}\u00a0%" for value in p]
    label = page.locator("#draw-bars .draw-most .draw-name").inner_text()
    assert f"a {label}, " in page.locator("#draw-verdict").inner_text().lower()
    return label, p, np.array(pixels, np.float32).reshape(SIDE, SIDE)


def set_pen(page, width, fill):
    """Choose the width of the stroke and whether to fill."""
    page.get_by_role("slider", name="Stroke").fill(str(width))
    page.get_by_role("checkbox", name="Fill the shape").set_checked(fill)


def check_probabilities(classifier, page, answers):
    """Hold what the page showed against predict_proba on the very pixels."""
    names = page.locator("#draw-bars .draw-name").all_inner_texts()
    assert names == classifier.classes_.tolist()
    _, p, pixels = zip(*answers, strict=True)
    np.testing.assert_allclose(p, classifier.predict_proba(np.stack(pixels)), atol=1e-4)


def test_drawings_get_the_right_label(drawing, classifier):
    rng = np.random.default_rng(0)
    answers, wrong = [], []
    for shape in SHAPES:
        for size in (22, 36, 56):
            for width in (1, 0.15 * size // 0.5 * 0.5):
                for fill in (False, True):
                    room = size / 2 + width / 2 + 2
                    set_pen(drawing, width, fill)
                    stroke(drawing, hand_drawn(shape, size, rng.uniform(room, SIDE - room, 2), rng))
                    answers.append(read(drawing))
                    if answers[-1][0] != shape:
                        wrong.append((shape, size, width, fill, answers[-1][:2]))
                    drawing.get_by_role("button", name="Clear").click()
    assert wrong == []
    check_probabilities(classifier, drawing, answers)


def test_four_strokes_make_a_filled_rectangle(drawing):
    set_pen(drawing, 2, True)
    corners = [(16, 20), (56, 22), (55, 48), (15, 46)]
    for i in (0, 2, 1, 3):
        stroke(drawing, np.linspace(corners[i], corners[(i + 1) % 4], 12))
    label, _, pixels = read(drawing)
    assert label == "rectangle"
    assert pixels[34, 36] == pytest.approx(0.9)
    assert pixels[10, 36] == pytest.approx(0.1)


def test_images_of_the_generator(drawing, classifier):
    buttons = drawing.locator("#draw-examples button")
    answers = []
    for i in range(buttons.count()):
        buttons.nth(i).click()
        answers.append(read(drawing))
        assert answers[-1][0] in buttons.nth(i).get_attribute("aria-label")
        expect(drawing.locator("#draw-note")).to_contain_text("predict_proba")
    assert {label for label, _, _ in answers} == set(SHAPES)
    check_probabilities(classifier, drawing, answers)


@pytest.mark.parametrize("shape", SHAPES)
def test_moving_keeps_the_label(drawing, shape):
    stroke(drawing, hand_drawn(shape, 34, (36, 36), np.random.default_rng(1)))
    label, _, before = read(drawing)
    drawing.get_by_role("radio", name="Move").check()
    here = (36, 36)
    for there in ((12, 14), (60, 12), (58, 60)):
        stroke(drawing, [here, there])
        again, _, after = read(drawing)
        assert again == label == shape
        assert not np.array_equal(after, before)
        expect(drawing.locator("#draw-note")).to_contain_text(f"still a {shape}")
        here, before = there, after
    ink = np.argwhere(before > 0.5)
    assert ink.min() > 20  # down to the right,
    assert SIDE - 3 <= ink.max() < SIDE  # to the border and no further


def test_moving_an_image_of_the_generator(drawing):
    drawing.get_by_role("button", name="outlined triangle").click()
    _, _, before = read(drawing)
    drawing.locator("#draw-canvas").press("ArrowRight")
    drawing.locator("#draw-canvas").press("ArrowUp")
    label, _, after = read(drawing)
    assert label == "triangle"
    np.testing.assert_array_equal(after[:-1, 1:], before[1:, :-1])


def test_undo_and_clear(drawing):
    undo, clear = (drawing.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    expect(undo).to_be_disabled()
    stroke(drawing, [(10, 10), (60, 10)])
    _, _, one = read(drawing)
    stroke(drawing, [(10, 50), (60, 50)])
    undo.click()
    _, _, again = read(drawing)
    np.testing.assert_array_equal(again, one)
    clear.click()
    drawing.evaluate("shapeDrawing.settled()")
    assert drawing.evaluate("shapeDrawing.probabilities()") is None
    expect(drawing.locator("#draw-verdict")).to_have_text("Nothing drawn yet")
    undo.click()
    np.testing.assert_array_equal(read(drawing)[2], one)


def test_keyboard_alone(drawing):
    def press_until(key, selector):
        for _ in range(80):
            if drawing.evaluate("(css) => document.activeElement.matches(css)", selector):
                return
            drawing.keyboard.press(key)
        raise AssertionError(f"{key} never gets to {selector}")

    press_until("Tab", "[data-place=triangle]")
    drawing.keyboard.press("Enter")
    label, _, before = read(drawing)
    assert label == "triangle"
    expect(drawing.locator("#draw-live")).to_have_text(re.compile(r"^Triangle, \d+\.\d percent\.$"))
    press_until("Shift+Tab", "#draw-fill")
    drawing.keyboard.press("Space")
    press_until("Shift+Tab", "#draw-width")
    drawing.keyboard.press("ArrowRight")
    expect(drawing.locator("#draw-width-text")).to_have_text("4.5 pixels")
    _, _, filled = read(drawing)
    assert filled.sum() > before.sum() + 100
    press_until("Shift+Tab", "#draw-canvas")
    drawing.keyboard.press("Shift+ArrowLeft")
    drawing.keyboard.press("ArrowLeft")
    label, _, moved = read(drawing)
    assert label == "triangle"
    np.testing.assert_allclose(moved[:, :-7], filled[:, 7:], atol=1e-5)
    expect(drawing.locator("#draw-live")).to_contain_text("Still triangle")
    drawing.keyboard.press("Control+z")
    np.testing.assert_allclose(read(drawing)[2], filled, atol=1e-5)
    drawing.keyboard.press("Delete")
    expect(drawing.locator("#draw-live")).to_have_text("Nothing drawn.")


def test_a_finger_draws(browser, origin):
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = open_drawing(context, origin)
    page.locator("#draw-canvas").evaluate("it => it.scrollIntoView({ block: 'center' })")
    box = page.locator("#draw-canvas").bounding_box()
    scrolled = page.evaluate("scrollY")
    points = hand_drawn("circle", 44, (36, 36), np.random.default_rng(2)) * box["width"] / SIDE
    touch = context.new_cdp_session(page)
    for i, (x, y) in enumerate(points + np.array([box["x"], box["y"]])):
        kind = "touchMove" if i else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert read(page)[0] == "circle"
    assert page.evaluate("scrollY") == scrolled  # the finger drew instead of scrolling
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_the_page_shows_why_and_what_the_layers_found(drawing):
    stroke(drawing, hand_drawn("circle", 44, (36, 36), np.random.default_rng(3)))
    read(drawing)
    expect(drawing.locator("#draw-why-text")).to_contain_text("circle")
    colors = drawing.locator(".draw-maps, #draw-why").evaluate_all(
        """all => all.map(one => {
          const canvases = one.matches("canvas") ? [one] : [...one.children];
          return new Set(canvases.flatMap(canvas => Array.from(new Uint32Array(canvas
            .getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)))).size;
        })"""
    )
    assert len(colors) == 5
    assert min(colors) > 20


def test_drawing_works_offline_once_loaded(drawing, context):
    context.set_offline(True)
    stroke(drawing, hand_drawn("rectangle", 44, (36, 36), np.random.default_rng(4)))
    assert read(drawing)[0] == "rectangle"
    expect(drawing.locator("#draw-why-text")).to_contain_text("rectangle")


# Where the page cannot run -----------------------------------------------------------------------


def test_says_so_without_webassembly(context, origin):
    context.add_init_script("delete window.WebAssembly")
    page = context.new_page()
    page.goto(f"{origin}/draw.html")
    expect(page.get_by_role("alert")).to_contain_text("no WebAssembly")
    expect(page.locator("#draw-app")).to_be_hidden()


@pytest.mark.parametrize(
    "name",
    ["model.onnx", "examples.json", "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"],
)
def test_says_so_where_a_file_does_not_load(context, origin, name):
    page = context.new_page()
    page.route(f"**/{name}", lambda route: route.abort())
    page.goto(f"{origin}/draw.html")
    expect(page.get_by_role("alert")).to_contain_text("The network could not be loaded")
    expect(page.locator("#draw-loading")).to_be_hidden()


def test_says_so_where_the_script_does_not_load(context, origin):
    page = context.new_page()
    page.route("**/draw.js", lambda route: route.abort())
    page.goto(f"{origin}/draw.html")
    expect(page.get_by_role("alert")).to_contain_text("The script of this page")
    expect(page.locator("#draw-loading")).to_be_hidden()


def test_says_so_when_opened_from_a_file(context, pages):
    page = context.new_page()
    page.goto((SITE / "draw.html").resolve().as_uri())
    expect(page.get_by_role("alert")).to_contain_text("opened from a file")


def test_says_so_without_javascript(browser, origin):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{origin}/draw.html")
    expect(page.locator("noscript .draw-problem")).to_be_visible()
    expect(page.locator("#draw-loading")).to_be_hidden()
    context.close()
