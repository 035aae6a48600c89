"""
None of these: when to give no label
====================================

A classifier names one of its classes, whatever the image shows. There are two common ways to let it
decline: a threshold on its probabilities, and a class for everything else. Both cost something. This
example measures what.
"""

# %%
# Three classes, and strangers
# ----------------------------
#
# The classifiers learn triangles, circles and rectangles. Everything else is a stranger. We have
# images of stars and hexagons to learn from. Crosses, pentagons, rings and pairs of shapes come only
# after the training, as strangers do in practice.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_shapecnn import (
    ImagesDisplay,
    ShapeCNNClassifier,
    make_multilabel_shapes,
    make_shapes,
)

KNOWN = ["triangle", "circle", "rectangle"]
AT_HAND = ["star", "hexagon"]
NEW = ["cross", "pentagon", "ring"]
NONE = "none of these"
LOOK = dict(image_shape=(32, 32), size=(0.4, 0.9), noise=0.1, as_images=True)


def draw(shapes, n_each, random_state):
    X, y = make_shapes(
        [n_each] * len(shapes),
        shapes=shapes,
        random_state=random_state,
        **LOOK,
    )
    return X, np.take(shapes, y)


X_train, y_train = draw(KNOWN, 250, 0)
X_other, _ = draw(AT_HAND, 150, 1)
X_known, y_known = draw(KNOWN, 300, 2)
pairs, _ = make_multilabel_shapes(
    200, n_shapes=2, random_state=3, **LOOK | {"size": (0.3, 0.45)}
)
strangers = {
    "stars and hexagons": draw(AT_HAND, 200, 4)[0],
    **{f"{kind}s": draw([kind], 200, 5)[0] for kind in NEW},
    "pairs": pairs,
}
first = [images[0] for images in strangers.values()]
ImagesDisplay.from_predictions(
    np.stack([*X_known[:5], *first]),
    [*y_known[:5], *strangers],
    n_columns=5,
)

# %%
# Two classifiers
# ---------------
#
# The first one learns the three classes alone. We shall reject images whose highest probability is
# low. The second one learns stars and hexagons as a fourth class, its background class. We shall
# reject images for which the probability of that class is high.

closed = ShapeCNNClassifier(random_state=0).fit(X_train, y_train)
background = ShapeCNNClassifier(random_state=0).fit(
    np.concatenate([X_train, X_other]),
    np.concatenate([y_train, np.full(len(X_other), NONE)]),
)


def doubt_closed(X):
    return 1 - closed.predict_proba(X).max(axis=1)


def doubt_background(X):
    column = list(background.classes_).index(NONE)
    return background.predict_proba(X)[:, column]


doubts = {
    "threshold": doubt_closed,
    "background class": doubt_background,
}
for name, classifier in (("threshold", closed), ("background class", background)):
    accuracy = classifier.score(X_known, y_known)
    print(f"{name}: accuracy {accuracy:.1%} on new images of the three classes")

# %%
# What each costs
# ---------------
#
# A threshold on the doubt decides how many images are rejected. A low one rejects many strangers,
# and known images too. The curves show this trade for all thresholds. The points are the
# thresholds of everyday use: a probability of at least 0.5, 0.9 or 0.99 for the label, and at most
# 0.5, 0.1 or 0.01 for the background class.

everyday = np.array([0.5, 0.1, 0.01])
colors = {"threshold": "#D55E00", "background class": "#0072B2"}
figure, axes = plt.subplots(
    1, 2, figsize=(8, 4), sharey=True, layout="constrained"
)
unseen = np.concatenate([strangers[f"{kind}s"] for kind in NEW] + [pairs])
for ax, (title, X) in zip(
    axes,
    {
        "stars and hexagons": strangers["stars and hexagons"],
        "strangers of other kinds": unseen,
    }.items(),
    strict=True,
):
    for name, doubt in doubts.items():
        known, other = doubt(X_known), doubt(X)
        limits = np.sort(np.concatenate([known, other, [0, 1]]))
        rejected = [(known > limit).mean() for limit in limits]
        accepted = [(other <= limit).mean() for limit in limits]
        ax.plot(rejected, accepted, color=colors[name], label=name)
        for limit, marker in zip(everyday, "os^", strict=True):
            point = (known > limit).mean(), (other <= limit).mean()
            ax.plot(*point, marker, color=colors[name])
            print(
                f"{title}, {name}, doubt up to {limit}: "
                f"{point[0]:.1%} of known images rejected, "
                f"{point[1]:.1%} of strangers accepted"
            )
    ax.set(title=title, xlabel="known images that are rejected")
    ax.set(xlim=(-0.01, 0.3), ylim=(-0.02, 1.02))
    ax.grid(alpha=0.3)
axes[0].set_ylabel("strangers that are accepted")
axes[1].legend()
plt.show()
