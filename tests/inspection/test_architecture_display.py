from helpers import small_classifier

from sklearn_shapecnn import ArchitectureDisplay


def text_of(display):
    return "\n".join(text.get_text() for text in display.ax_.texts)


def test_architecture_as_text_and_html(task):
    clf, _, _ = task
    display = ArchitectureDisplay.from_estimator(clf)
    total = sum(weight.numel() for weight in clf.net_.module_.parameters())
    for table in (str(display), display._repr_html_()):
        assert f"{total:,}" in table
        assert "convolution 3 x 3" in table
    assert display._repr_html_().count("<tr>") == len(display.layers) + 2
    text = text_of(display)
    assert "stage 1" in text
    assert "max pooling 2 x 2" in text


def test_it_tells_how_many_filters_of_each_stage_began_pretrained(few):
    source = small_classifier(max_iter=1).fit(*few)
    clf = small_classifier(n_filters=(6, 8, 10), weights=source, max_iter=1).fit(*few)
    display = ArchitectureDisplay.from_estimator(clf)
    lines = str(display).splitlines()
    assert lines[0].split() == [
        *("stage", "layer", "output", "shape", "pretrained", "weights", "multiply-adds")
    ]
    told = {line[: len("stage 1")]: " of " in line for line in lines if "convolution" in line}
    assert told == {"stage 1": True, "stage 2": True, "stage 3": False}
    for told in (str(display), display._repr_html_(), text_of(display)):
        assert "4 of 6" in told
        assert "8 of 8" in told
        assert told.count(" of 10") == 0
    rows = display._repr_html_().split("<tr>")[1:]
    assert len({row.count("</td>") + row.count("</th>") for row in rows}) == 1


def test_it_tells_nothing_of_pretrained_filters_where_there_are_none(few):
    clf = small_classifier(weights=None, max_iter=1).fit(*few)
    display = ArchitectureDisplay.from_estimator(clf)
    for told in (str(display), display._repr_html_(), text_of(display)):
        assert "pretrained" not in told
