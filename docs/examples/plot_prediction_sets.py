"""
"It is a 3 or an 8": sets of labels
===================================

A classifier names one label, sure or not. MAPIE makes a *prediction set* of its probabilities: all
labels that the image may have, so chosen that the right one is among them as often as you ask for.
MAPIE is a library of its own: ``pip install mapie``.
"""

# %%
# Digits that are hard to read
# ----------------------------
#
# scikit-learn's digits, with so much noise that one is often in doubt. Half of them are put aside
# to test on. Of the others, the network learns from 400; the remaining ones show MAPIE how far its
# probabilities can be trusted.

import matplotlib.pyplot as plt
import numpy as np
from mapie.classification import SplitConformalClassifier
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_shapecnn import ShapeCNNClassifier

X, y = load_digits(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=5, size=X.shape)
X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
X_train, X_conformal, y_train, y_conformal = train_test_split(
    X_rest, y_rest, train_size=400, stratify=y_rest, random_state=0
)
classifier = ShapeCNNClassifier(n_filters=(16, 32), augment="jitter", max_iter=20, random_state=0)
classifier.fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.0%} of {len(y_test)} new images named correctly")

# %%
# Three promises
# --------------
#
# The right digit shall be in the set for 80 %, 90 % and 95 % of the images. MAPIE is given rows,
# for it does not take a fitted network with images.

levels = [0.8, 0.9, 0.95]
conformal = SplitConformalClassifier(classifier, confidence_level=levels)
conformal.conformalize(X_conformal, y_conformal)
labels, sets = conformal.predict_set(X_test)
print(sets.shape, "images, digits and promises")

for i, level in enumerate(levels):
    covered = sets[np.arange(len(y_test)), y_test, i].mean()
    size = sets[:, :, i].sum(axis=1).mean()
    print(f"promised {level:.0%}: {covered:.1%} covered, {size:.2f} digits a set")

# %%
# The more is promised, the larger are the sets: nothing is for nothing. A set may also be empty.
# Where less is promised than the network would keep anyway, MAPIE leaves out even the best label of
# the most doubtful images.

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
sizes = sets.sum(axis=1)
for i, (level, color) in enumerate(zip(levels, ["#56B4E9", "#0072B2", "#D55E00"], strict=True)):
    counts = np.bincount(sizes[:, i], minlength=11)
    ax.bar(np.arange(11) + 0.27 * (i - 1), counts, 0.25, color=color, label=f"{level:.0%}")
ax.set(xlabel="digits in the set", ylabel="images", xlim=(-0.5, sizes.max() + 0.5))
ax.set_xticks(range(sizes.max() + 1))
ax.legend(title="promised")

# %%
# What is clear, and what is not
# ------------------------------
#
# Above, images with a single digit in their set for 90 %; below, those with the largest sets. An
# application would take the first as they are, and ask a person about the second.

order = np.argsort(sizes[:, 1], kind="stable")
clear = order[sizes[order, 1] == 1][:5]
doubtful = order[-5:]
figure, axes = plt.subplots(2, 5, figsize=(7.5, 3.8), layout="constrained")
for i, ax in zip([*clear, *doubtful], axes.flat, strict=True):
    ax.imshow(X_test[i].reshape(8, 8), cmap="gray")
    ax.set_axis_off()
    named = ", ".join(str(digit) for digit in np.flatnonzero(sets[i, :, 1]))
    ax.set_title(f"{{{named}}}\ntrue: {y_test[i]}", fontsize=9)
plt.show()

# %%
# The promise is about all images together and holds on average: with these images, a share may be
# a percent or two off. It does not say that 90 % of the eights are covered, nor
# that it holds for images of another kind than those MAPIE was shown.

# sphinx_gallery_thumbnail_number = 2
