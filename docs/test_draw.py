"""The page "Draw a shape" in headless Chromium: ``python -m pytest docs/test_draw.py``.

Build the site first: ``sphinx-build -W docs docs/_build/html``.
"""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from strokes import SIDE, STRANGERS, hand_drawn

HERE = Path(__file__).parent
SITE = HERE / "_build" / "html"
SHAPES = (
    *("circle", "ellipse", "ring", "triangle", "square"),
    *("rectangle", "pentagon", "hexagon", "star", "cross"),
)
NONE = "none of these"


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


# Drawing -----------------------------------------------------------------------------------------


def scrawl(page, strokes):
    """Draw several strokes."""
    for points in strokes:
        stroke(page, points)


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


def named(label):
    """A label with its article."""
    return label if label == NONE else f"{'an' if label == 'ellipse' else 'a'} {label}"


def read(page):
    """The answer to what is drawn: label, probabilities in the order of `classes_`, pixels."""
    page.evaluate("shapeDrawing.settled()")
    p, pixels = page.evaluate("[shapeDrawing.probabilities(), shapeDrawing.pixels()]")
    names = page.locator("#draw-bars .draw-name").all_inner_texts()
    assert names[-1] == NONE
    shown = dict(zip(names, page.locator("#draw-bars .draw-number").all_inner_texts(), strict=True))
    told = {name: f"{100 * value:.1f}\u00a0%" for name, value in zip(sorted(names), p, strict=True)}
    assert shown == told
    label = page.locator("#draw-bars .draw-most .draw-name").inner_text()
    verdict = page.locator("#draw-verdict").inner_text().lower()
    assert re.sub("^perhaps ", "", verdict) == f"{named(label)}, {shown[label]}"
    return label, p, np.array(pixels, np.float32).reshape(SIDE, SIDE)


def count_colors(page):
    """How many colors each grid of feature maps has, and the picture of the pixels that decide."""
    return page.locator(".draw-maps, #draw-why").evaluate_all(
        """all => all.map(one => {
          const canvases = one.matches("canvas") ? [one] : [...one.children];
          return new Set(canvases.flatMap(canvas => Array.from(new Uint32Array(canvas
            .getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)))).size;
        })"""
    )


def set_pen(page, width, fill):
    """Choose the width of the stroke and whether to fill."""
    page.get_by_role("slider", name="Stroke").fill(str(width))
    page.get_by_role("checkbox", name="Fill the shape").set_checked(fill)


def check_probabilities(classifier, page, answers):
    """Hold what the page showed against predict_proba on the very pixels."""
    names = page.locator("#draw-bars .draw-name").all_inner_texts()
    assert sorted(names) == classifier.classes_.tolist()
    _, p, pixels = zip(*answers, strict=True)
    np.testing.assert_allclose(p, classifier.predict_proba(np.stack(pixels)), atol=1e-4)


def test_the_page_opens_with_a_drawing_and_its_answer(drawing):
    label, p, opening = read(drawing)
    assert label == "star"
    assert max(p) > 0.9
    assert (opening > 0.8).sum() > 200  # pixels of the star
    expect(drawing.locator("#draw-note")).to_contain_text("your first line takes its place")
    expect(drawing.locator("#draw-why-text")).to_contain_text("star")
    expect(drawing.locator("#draw-live")).to_contain_text("Star, ")
    assert min(count_colors(drawing)) > 20
    undo = drawing.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()

    line = np.linspace((10, 60), (60, 60), 12)
    stroke(drawing, line)
    _, _, first = read(drawing)
    undo.click()
    label, _, again = read(drawing)
    assert label == "star"
    np.testing.assert_array_equal(again, opening)
    drawing.get_by_role("button", name="Clear").click()
    stroke(drawing, line)
    np.testing.assert_array_equal(read(drawing)[2], first)


@pytest.mark.parametrize("shape", SHAPES)
def test_drawings_get_the_right_label(drawing, classifier, shape):
    rng = np.random.default_rng(SHAPES.index(shape))
    answers, wrong = [], []
    for size in (24, 38, 56):
        broad = 0.12 * size // 0.5 * 0.5
        for width, fill in ((1, False), (broad, False), (broad, True)):
            room = size / 2 + width / 2 + 2
            set_pen(drawing, width, fill)
            scrawl(drawing, hand_drawn(shape, size, rng.uniform(room, SIDE - room, 2), rng))
            answers.append(read(drawing))
            if answers[-1][0] != shape:
                wrong.append((size, width, fill, answers[-1][0], max(answers[-1][1])))
            drawing.get_by_role("button", name="Clear").click()
    assert len(wrong) <= 1, wrong  # of nine; it is right about 97 of 100 drawings
    check_probabilities(classifier, drawing, answers)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_are_none_of_these(drawing, stranger):
    scrawl(drawing, STRANGERS[stranger])
    label, p, _ = read(drawing)
    assert label == NONE, p
    expect(drawing.locator("#draw-note")).to_contain_text("knows 10 shapes")
    expect(drawing.locator("#draw-live")).to_have_text(
        re.compile(r"^None of these, \d+\.\d percent\.$")
    )
    expect(drawing.locator("#draw-why-text")).to_contain_text(NONE)


def test_a_second_shape_makes_it_none_of_these(drawing):
    rng = np.random.default_rng(6)
    scrawl(drawing, hand_drawn("triangle", 26, (18, 20), rng))
    assert read(drawing)[0] == "triangle"
    scrawl(drawing, hand_drawn("square", 26, (52, 50), rng))
    assert read(drawing)[0] == NONE
    drawing.get_by_role("button", name="Undo").click()
    assert read(drawing)[0] == "triangle"


def test_two_lines_make_a_cross(drawing):
    stroke(drawing, np.linspace((14, 34), (58, 38), 12))
    assert read(drawing)[0] == NONE
    stroke(drawing, np.linspace((37, 14), (35, 58), 12))
    assert read(drawing)[0] == "cross"


def test_a_line_within_another_one_is_a_hole(drawing):
    set_pen(drawing, 2, True)
    scrawl(drawing, hand_drawn("ring", 56, (36, 36), np.random.default_rng(8)))
    label, _, pixels = read(drawing)
    assert label == "ring"
    assert pixels[36, 36] == pytest.approx(0.1)
    assert pixels[36, 36 + 21] == pytest.approx(0.9)
    shown = drawing.locator("#draw-canvas").evaluate(
        """it => [0.5, 57 / 72].map(x =>
          it.getContext("2d").getImageData(x * it.width, it.height / 2, 1, 1).data[0])"""
    )
    assert shown == [26, 230]


@pytest.mark.parametrize("shape", SHAPES)
def test_placed_shapes_get_the_right_label(drawing, shape):
    button = drawing.locator(f"[data-place={shape}]")
    assert button.inner_text() == shape
    for fill in (False, True):
        set_pen(drawing, 4, fill)
        for _ in range(3):
            button.click()
            assert read(drawing)[0] == shape


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
        told = buttons.nth(i).get_attribute("aria-label")
        if answers[-1][0] != NONE:
            assert told in (f"filled {answers[-1][0]}", f"outlined {answers[-1][0]}")
        expect(drawing.locator("#draw-note")).to_contain_text("predict_proba")
    assert [label for label, _, _ in answers] == [*SHAPES, NONE, NONE]
    check_probabilities(classifier, drawing, answers)


@pytest.mark.parametrize("shape", SHAPES)
def test_moving_keeps_the_label(drawing, shape):
    scrawl(drawing, hand_drawn(shape, 34, (36, 36), np.random.default_rng(1)))
    label, _, before = read(drawing)
    drawing.get_by_role("radio", name="Move").check()
    here = (36, 36)
    for there in ((12, 14), (60, 12), (58, 60)):
        stroke(drawing, [here, there])
        again, _, after = read(drawing)
        assert again == label == shape
        assert not np.array_equal(after, before)
        expect(drawing.locator("#draw-note")).to_contain_text(f"still {named(shape)}")
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
    (points,) = hand_drawn("circle", 44, (36, 36), np.random.default_rng(2))
    touch = context.new_cdp_session(page)
    for i, (x, y) in enumerate(points * box["width"] / SIDE + np.array([box["x"], box["y"]])):
        kind = "touchMove" if i else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert read(page)[0] == "circle"
    assert page.evaluate("scrollY") == scrolled  # the finger drew instead of scrolling
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_the_page_shows_why_and_what_the_layers_found(drawing):
    scrawl(drawing, hand_drawn("circle", 44, (36, 36), np.random.default_rng(3)))
    read(drawing)
    expect(drawing.locator("#draw-why-text")).to_contain_text("circle")
    colors = count_colors(drawing)
    assert len(colors) == 5
    assert min(colors) > 20


def test_drawing_works_offline_once_loaded(drawing, context):
    context.set_offline(True)
    scrawl(drawing, hand_drawn("rectangle", 44, (36, 36), np.random.default_rng(4)))
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
    [
        *("model.onnx", "examples.json", "ink.js", "shapes.js"),
        *("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"),
    ],
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
