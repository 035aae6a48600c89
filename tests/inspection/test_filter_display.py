from drawing import pixels

from sklearn_shapecnn import FilterDisplay


def test_filters_are_all_there(task):
    clf, _, _ = task
    display = FilterDisplay.from_estimator(clf)
    assert len(display.axes_) == len(display.kernels) == 32
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
    assert ax.get_ylabel() == "2 of 64 filters"
