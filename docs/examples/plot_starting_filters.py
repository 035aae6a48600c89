"""
Start from filters that have seen shapes
========================================

A network that starts from random filters first has to learn what an edge is, from your images
alone. By default, networks of this package start from filters that were learned from drawn shapes.
Here we compare both starts, and how accurate they are with different numbers of handwritten digits.
"""

# %%
# The digits
# ----------
#
# The digits come with scikit-learn: 8 x 8 pixels, ten classes.

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
# ``weights=None`` starts from random filters. ``weights="shapes"``, the default, starts from
# filters that come with the package. These filters have only seen synthetic drawings: curves,
# strokes, polygons, textures. They have not seen photos or handwriting.
#
# Both networks train on 300 digits for 12 epochs, so that this page finishes sooner. To see the
# filters before training, we also fit each network with a learning rate of almost zero, which
# leaves the filters where they start.

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
    print(f"{name}: {classifier.n_pretrained_filters_} pretrained filters in each stage")

# %%
# The filters of the first stage
# ------------------------------
#
# Red weights respond to bright pixels, blue weights to dark pixels. A filter with a red side and a
# blue side responds to an edge. A filter whose middle has a different color than its surroundings
# responds to a line or a dot.

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
# The random filters are noise, and after training they still look much like it. The filters from
# shapes have edges, lines and dots from the start. In both rows, left and right look similar: a few
# hundred images do not move filters far. So it matters where they start.
#
# How many images does it take?
# -----------------------------
#
# Now we train on two, five, ten and thirty images of each digit. Each start uses the same three
# samples of each size and is tested on 600 other digits. A line is the mean, a dot is a single
# network.

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
ax.set(xscale="log", xlabel="training digits", ylabel="accuracy on other digits")
ax.set_xticks(sizes, labels=[str(size) for size in sizes])
ax.minorticks_off()
ax.grid(axis="y", alpha=0.3)
ax.legend(loc="lower right")
plt.show()

# %%
# With the same digits, the filters from shapes reach a higher accuracy, although they have never
# seen a digit. The more training images there are, the smaller the gain. By default, random filters
# train for more epochs and then come closer; the :doc:`benchmark </benchmarks/transfer>` compares
# the defaults. On different images, the gain may be smaller or larger: include ``weights=None`` in
# a search. The :doc:`user guide </user_guide/starting_filters>` also shows how to start from your
# own network.

# sphinx_gallery_thumbnail_number = 3
