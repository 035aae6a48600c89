"""
Start from filters that have seen shapes
========================================

A network that starts from random filters first has to find out what an edge is, from your images
alone. By default this package spares it that: networks start from filters that were learned from
drawn shapes. Here we look at both starts, and at how far each gets with how many handwritten
digits.
"""

# %%
# The digits
# ----------
#
# They come with scikit-learn: 8 x 8 pixels, ten classes.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_shapecnn import FilterDisplay, ImagesDisplay, ShapeCNNClassifier
from sklearn_shapecnn.inspection import filters

digits = load_digits()
X, y = digits.images, digits.target
ImagesDisplay.from_predictions(X[:10], y[:10], n_columns=5)

# %%
# Two starts
# ----------
#
# ``weights=None`` starts from random filters. ``weights="shapes"`` starts from filters that come
# with the package; it is the default, and written out here only to be seen. All that these filters
# have seen are drawings by formulas: curves, strokes, polygons, textures. Photos and handwriting
# were not among them.
#
# Both learn from 300 digits, in 12 epochs, so that this page is done in seconds. To see the filters
# before that, we also fit each at a rate of next to nothing, which leaves them where they start.

starts = {
    "random filters": ShapeCNNClassifier(weights=None, max_iter=12, random_state=0),
    "filters from shapes": ShapeCNNClassifier(weights="shapes", max_iter=12, random_state=0),
}
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, test_size=600, stratify=y, random_state=0
)
before, after = {}, {}
for name, classifier in starts.items():
    still = clone(classifier).set_params(max_iter=1, learning_rate_init=1e-9)
    before[name] = still.fit(X_train, y_train)
    after[name] = classifier.fit(X_train, y_train)
    print(f"{name}: {classifier.n_pretrained_filters_} began pretrained, stage by stage")

# %%
# The filters of the first stage
# ------------------------------
#
# Red weights want bright pixels, blue ones dark pixels. A filter with a red side and a blue side
# answers to an edge; one with a middle of another color than all around it, to a line or a dot.

figure = plt.figure(figsize=(7.4, 6.2), layout="constrained")
for row, name in zip(figure.subfigures(2, 1, hspace=0.05), starts, strict=True):
    columns = {"before training": before, "after training": after}
    for ax, (when, fitted) in zip(row.subplots(1, 2), columns.items(), strict=True):
        FilterDisplay.from_estimator(fitted[name], ax=ax, n_columns=6)
        ax.set_title(f"{name}, {when}", fontsize=10)

for name in starts:
    pairs = [filters(fitted[name]).reshape(24, 9) for fitted in (before, after)]
    alike = [np.corrcoef(start, end)[0, 1] for start, end in zip(*pairs, strict=True)]
    print(f"{name}: correlation of {np.median(alike):.2f} with themselves before training")

# %%
# The random filters are noise, and after training they still look much like it. Those from shapes
# have edges, lines and dots from the start. In both rows, left and right are much alike: a few
# hundred images do not move filters far. So it matters where they start.
#
# How many images does it take?
# -----------------------------
#
# Now with two, five, ten and thirty images of each digit. Each start is tried on three samples of
# each size, the same ones for both, and tested on 600 other digits. A line is the mean, a dot a
# single network.

sizes = [20, 50, 100, 300]
accuracy = {name: np.zeros((3, len(sizes))) for name in starts}
for place in np.ndindex(3, len(sizes)):
    seed, size = place[0], sizes[place[1]]
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=size, test_size=600, stratify=y, random_state=seed
    )
    for name, classifier in starts.items():
        fitted = clone(classifier).fit(X_train, y_train)
        accuracy[name][place] = fitted.score(X_test, y_test)

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
styles = {
    "random filters": ("#555555", "s--", 0.97),
    "filters from shapes": ("#0072B2", "o-", 1.03),
}
for name, (color, style, aside) in styles.items():
    places = aside * np.array(sizes)
    ax.plot(places, accuracy[name].mean(axis=0), style, color=color, markersize=7, label=name)
    ax.plot(places, accuracy[name].T, ".", color=color, alpha=0.5)
    print(f"{name}: " + ", ".join(f"{mean:.1%}" for mean in accuracy[name].mean(axis=0)))
ax.set(xscale="log", xlabel="digits to learn from", ylabel="accuracy on other digits")
ax.set_xticks(sizes, labels=[str(size) for size in sizes])
ax.minorticks_off()
ax.grid(axis="y", alpha=0.3)
ax.legend(loc="lower right")
plt.show()

# %%
# With the same digits, the filters from shapes get further, although they have never seen a digit.
# The more images there are to learn from, the less is left to gain. On images of another kind it
# may be less or more: ``weights=None`` is one more candidate in a search. :doc:`The user guide
# </user_guide/starting_filters>` also tells how to start from a network of your own.

# sphinx_gallery_thumbnail_number = 3
