"""
None of these: when to reject an image
======================================

A classifier names one of its classes, whatever an image shows. There are two common ways to reject
images that show none of them: a threshold on the probabilities, and a class for everything else.
Both cost something. This example measures how much.
"""

# %%
# Three known classes, and strangers
# ----------------------------------
#
# Triangles, circles and rectangles are known. All other images are strangers. We have stars and
# hexagons to train on. Crosses, pentagons, rings and pairs of shapes only arrive later.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_shapecnn import (
    ImagesDisplay,
    ShapeCNNClassifier,
    make_multilabel_shapes,
    make_shapes,
)

LOOK = {"image_shape": (24, 24), "size": (0.4, 0.9), "noise": 0.1}
KNOWN = ["triangle", "circle", "rectangle"]


def draw(shapes, n_each, random_state):
    X, y = make_shapes(
        [n_each] * len(shapes),
        shapes=shapes,
        random_state=random_state,
        **LOOK,
    )
    return X, np.take(shapes, y)


X_train, y_train = draw(KNOWN, 120, random_state=0)
X_other, _ = draw(["star", "hexagon"], 120, random_state=1)
X_known, y_known = draw(KNOWN, 200, random_state=2)

strangers = {}
for kind in ["star", "hexagon", "cross", "pentagon", "ring"]:
    strangers[kind], _ = draw([kind], 150, random_state=3)
LOOK["size"] = (0.3, 0.45)
strangers["pair"], _ = make_multilabel_shapes(
    150,
    n_shapes=2,
    random_state=3,
    **LOOK,
)
first = [X[0] for X in strangers.values()]
ImagesDisplay.from_predictions(first, list(strangers), n_columns=3)

# %%
# Two classifiers
# ---------------
#
# The first classifier learns the three known classes only. The second one learns a fourth class,
# "none of these", from stars and hexagons.

X_all = np.concatenate([X_train, X_other])
y_all = np.concatenate([y_train, ["none of these"] * len(X_other)])
classifiers = {
    "threshold": ShapeCNNClassifier(max_iter=10, random_state=0),
    "background class": ShapeCNNClassifier(max_iter=10, random_state=0),
}
classifiers["threshold"].fit(X_train, y_train)
classifiers["background class"].fit(X_all, y_all)
for name, classifier in classifiers.items():
    accuracy = classifier.score(X_known, y_known)
    print(f"{name}: accuracy {accuracy:.1%} on new images of known classes")

# %%
# One number decides in both cases: the doubt, which is 1 minus the highest probability of a known
# class. Images with more doubt than some threshold are rejected. The probability of the class "none
# of these" adds to the doubt.


def doubt(classifier, X):
    known = np.isin(classifier.classes_, KNOWN)
    return 1 - classifier.predict_proba(X)[:, known].max(axis=1)


images = strangers | {"known": X_known}
doubts = {}
for name, classifier in classifiers.items():
    doubts[name] = {kind: doubt(classifier, X) for kind, X in images.items()}

# %%
# What each costs
# ---------------
#
# A low threshold rejects many strangers, but also many images of known classes. The curves show
# this trade-off for all thresholds. The markers are at thresholds of 0.5, 0.1 and 0.01.

groups = {
    "strangers as in training": ["star", "hexagon"],
    "new strangers": ["cross", "pentagon", "ring", "pair"],
}
colors = {"threshold": "#D55E00", "background class": "#0072B2"}
markers = {0.5: "o", 0.1: "s", 0.01: "^"}


def costs(known, strange, limit):
    return (known > limit).mean(), (strange <= limit).mean()


figure, axes = plt.subplots(
    nrows=1,
    ncols=2,
    figsize=(8, 4),
    sharex=True,
    sharey=True,
    layout="constrained",
)
for ax, (title, kinds) in zip(axes, groups.items(), strict=True):
    for name, each in doubts.items():
        known = each["known"]
        strange = np.concatenate([each[kind] for kind in kinds])
        limits = np.unique(np.concatenate([known, strange, [0, 1]]))
        curve = [costs(known, strange, limit) for limit in limits]
        ax.plot(*np.transpose(curve), color=colors[name], label=name)
        print(f"{title}, {name}:")
        for limit, marker in markers.items():
            rejected, accepted = costs(known, strange, limit)
            ax.plot(rejected, accepted, marker, color=colors[name])
            print(
                f"  doubt of at most {limit}: {rejected:.1%} of the known "
                f"images rejected, {accepted:.1%} of the strangers accepted"
            )
    ax.set(title=title, xlabel="known images that are rejected")
    ax.grid(alpha=0.3)
axes[0].set(xlim=(-0.02, 0.8), ylabel="strangers that are accepted")
axes[1].legend()
plt.show()

# %%
# Both classifiers name the known images equally well. But the threshold alone costs much more: the
# first network is often as sure of a star as of a triangle. With the background class, a doubt of
# at most 0.5, which is about what ``predict`` goes by, already rejects nine in ten strangers of the
# kinds that it has learned, six in ten of the new ones, and hardly any known image. For new
# strangers the curves cross: the threshold is better if you may reject a third of the known images.

# %%
# Kind by kind
# ------------
#
# Now each classifier gets the threshold at which it rejects 5% of the known images. How many
# strangers of each kind does it accept?

figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
rows = np.arange(len(strangers))
for i, (name, each) in enumerate(doubts.items()):
    limit = np.quantile(each["known"], 0.95)
    share = [(each[kind] <= limit).mean() for kind in strangers]
    bars = ax.barh(
        rows + 0.4 * i,
        share,
        height=0.38,
        color=colors[name],
        label=name,
    )
    ax.bar_label(bars, fmt="{:.0%}", padding=3)
ax.set_yticks(rows + 0.2, list(strangers))
ax.set(xlabel="strangers that are accepted", xlim=(0, 1))
ax.invert_yaxis()
ax.legend()
plt.show()

# %%
# The background class also helps with new strangers that resemble those it has learned: crosses
# have tips as stars do, pentagons resemble hexagons. It does not help with rings, which both
# classifiers take for circles. So collect strangers of many kinds, above all those that look like a
# known class, and test with kinds that were left out of the training. The page
# :doc:`/draw` does that: its network knows ten shapes, and says "none of these" of all else.

# sphinx_gallery_thumbnail_number = 2
