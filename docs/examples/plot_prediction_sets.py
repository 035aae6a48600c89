"""
"It is a 3 or an 8": sets of labels
===================================

A classifier predicts one label, sure or not. MAPIE turns its probabilities into a *prediction set*:
the labels that the image may have, chosen so that the set contains the true label as often as you
ask for. MAPIE is a separate library: ``pip install mapie``.
"""

# %%
# Digits that are hard to read
# ----------------------------
#
# We add so much noise to scikit-learn's digits that they are often ambiguous. Half of them are the
# test set. Of the others, the network trains on 400, and MAPIE uses the rest to check how reliable
# the probabilities are.

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
print(f"{classifier.score(X_test, y_test):.0%} of {len(y_test)} new images classified correctly")

# %%
# Three confidence levels
# -----------------------
#
# The set should contain the true digit for 80%, 90% and 95% of the images. MAPIE gets rows,
# because it does not accept a classifier fitted on images.

levels = [0.8, 0.9, 0.95]
conformal = SplitConformalClassifier(classifier, confidence_level=levels)
conformal.conformalize(X_conformal, y_conformal)
labels, sets = conformal.predict_set(X_test)
print(sets.shape, "images, digits and levels")

for i, level in enumerate(levels):
    covered = sets[np.arange(len(y_test)), y_test, i].mean()
    size = sets[:, :, i].sum(axis=1).mean()
    print(f"level {level:.0%}: {covered:.1%} covered, {size:.2f} digits per set")

# %%
# The higher the level, the larger the sets. A set can also be empty. If the network is right more
# often than the level asks for, MAPIE leaves out even the best label of the least certain images.

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
sizes = sets.sum(axis=1)
for i, (level, color) in enumerate(zip(levels, ["#56B4E9", "#0072B2", "#D55E00"], strict=True)):
    counts = np.bincount(sizes[:, i], minlength=11)
    ax.bar(np.arange(11) + 0.27 * (i - 1), counts, 0.25, color=color, label=f"{level:.0%}")
ax.set(xlabel="digits in the set", ylabel="images", xlim=(-0.5, sizes.max() + 0.5))
ax.set_xticks(range(sizes.max() + 1))
ax.legend(title="level")

# %%
# Clear and ambiguous images
# --------------------------
#
# The upper row shows images with a single digit in their set at 90%, the lower row those with the
# largest sets. An application would accept the first and ask a person about the second.

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
# The guarantee is about all images together and holds on average: for these images, the coverage
# may be a percent or two off. It does not say that 90% of the eights are covered. Nor does it hold
# for images unlike those that MAPIE was calibrated on.

# sphinx_gallery_thumbnail_number = 2
