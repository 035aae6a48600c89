from drawing import pixels
from helpers import small_classifier

from sklearn_shapecnn import FilterDisplay


def test_filters_are_all_there(task):
    clf, _, _ = task
    display = FilterDisplay.from_estimator(clf)
    assert len(display.axes_) == len(display.kernels) == 24
    assert pixels(display.axes_[3]).shape[:2] == (3, 3)
    limits = {ax.images[0].get_clim() for ax in display.axes_}
    assert len(limits) == 1 or display.kernels.shape[3] == 3  # one scale for all


def test_later_stages_show_the_filters_with_the_largest_weights(task):
    clf, _, _ = task
    display = FilterDisplay.from_estimator(clf, stage=1)
    kernels = display.kernels.copy()
    kernels[5, :, :, 7] = kernels[6, :, :, 3] = 9
    (ax,) = FilterDisplay(kernels).plot(n_shown=2).axes_
    shown = pixels(ax)
    assert shown.shape == (7, 7)  # two kernels of 3 x 3, and a gap
    assert (shown[:3, 4:] == 9).all()  # filter 5 and channel 7
    assert (shown[4:, :3] == 9).all()  # filter 6 and channel 3
    assert ax.get_ylabel() == "2 of 48 filters"


def test_the_title_counts_the_filters_that_began_pretrained(few):
    clf = small_classifier(max_iter=1).fit(*few)
    for stage, title in [(0, "4 of 4 filters began pretrained"), (-1, "8 of 8 filters began")]:
        display = FilterDisplay.from_estimator(clf, stage=stage)
        assert display.ax_.get_title().startswith(title)
        assert "random" not in texts_of(display)


def test_filters_that_began_at_random_beside_pretrained_ones_are_marked(few):
    source = small_classifier(max_iter=1).fit(*few)
    clf = small_classifier(n_filters=(6, 10), weights=source, max_iter=1).fit(*few)
    first = FilterDisplay.from_estimator(clf)
    assert first.ax_.get_title() == "4 of 6 filters began pretrained"
    assert [ax.get_title() for ax in first.axes_] == ["", "", "", "", "random", "random"]
    second = FilterDisplay.from_estimator(clf, stage=1)
    assert second.ax_.get_title() == "8 of 10 filters began pretrained"
    labels = [label.get_text() for label in second.ax_.get_yticklabels()]
    assert labels == [""] * 8 + ["random"] * 2
    # Of the rows, too, only those with the largest weights are shown.
    kernels = second.kernels.copy()
    kernels[[2, 9]] *= 9
    (ax,) = FilterDisplay(kernels, n_pretrained=8).plot(n_shown=2).axes_
    assert [label.get_text() for label in ax.get_yticklabels()] == ["", "random"]


def test_nothing_is_said_of_where_filters_began_if_all_began_at_random(few):
    clf = small_classifier(weights=None, max_iter=1).fit(*few)
    for stage in (0, 1):
        display = FilterDisplay.from_estimator(clf, stage=stage)
        for shown in (display, FilterDisplay(display.kernels).plot()):
            assert shown.ax_.get_title() == ""
            assert "random" not in texts_of(shown)


def texts_of(display):
    """All words on the axes of the kernels."""
    return {
        text.get_text()
        for ax in display.axes_
        for text in (ax.title, *ax.get_xticklabels(), *ax.get_yticklabels())
    }
