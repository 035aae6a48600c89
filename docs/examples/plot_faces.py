"""
Is this a face?
===============

scikit-image comes with 200 small photos: 100 faces and 100 patches from other parts of photos. We
train a network to tell them apart, and then look at which parts of a face it relies on.
"""

# %%
# The photos
# ----------
#
# The photos have 25 x 25 pixels. The first hundred are the faces.

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import lfw_subset
from sklearn.model_selection import train_test_split

from sklearn_shapecnn import ImagesDisplay, SaliencyDisplay, ShapeCNNClassifier
from sklearn_shapecnn.inspection import saliency

X = lfw_subset()
y = np.repeat(["face", "no face"], 100)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
ImagesDisplay.from_predictions(X_train[:12], y_train[:12], n_columns=4)

# %%
# Training on a hundred photos
# ----------------------------
#
# Unlike digits, these photos can be flipped: a mirrored face is still a face.

classifier = ShapeCNNClassifier(augment=["auto", "horizontal_flip"], random_state=0)
classifier.fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.0%} of {len(y_test)} new photos classified correctly")

# %%
# The scores of the photos
# ------------------------
#
# Each point is a test photo. Its height is the score of the class "face", on the scale of the
# log-odds: above zero, the network predicts a face. At +3 the probability is 95%, and most photos
# lie far beyond that. The photos above the plot range from the lowest to the highest score.

score = classifier.decision_function(X_test)
if classifier.classes_[1] != "face":  # the score is that of the second class
    score = -score
order = np.argsort(score)
shown = order[np.linspace(0, len(order) - 1, 8).round().astype(int)]

figure = plt.figure(figsize=(6.4, 4.4), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1, 3])
for ax, i in zip(top.subplots(1, len(shown)), shown, strict=True):
    ax.imshow(X_test[i], cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"{score[i]:+.1f}", fontsize=10)
ax = bottom.subplots()
ax.axhline(0, color="#555555", linewidth=1)
for label, color, marker in [("no face", "#D55E00", "s"), ("face", "#0072B2", "o")]:
    own = y_test[order] == label
    ax.plot(np.flatnonzero(own), score[order][own], marker, color=color, markersize=4, label=label)
ax.set(xlabel="photos, sorted by score", ylabel="score of a face")
ax.legend(title="true label")

# %%
# What makes it a face?
# ---------------------
#
# Occlusion covers a window of the photo, one place after the other. The map is red where this makes
# the network less sure of a face, and blue where it makes the network more sure. Here are the maps
# of four faces.

faces = X_test[y_test == "face"]
SaliencyDisplay.from_estimator(classifier, faces[:4], method="occlusion", target="face")

# %%
# Every face is a little different. So here are the mean of all test faces and the mean of their
# maps. The eyes and the mouth matter most.

salient = saliency(classifier, faces, method="occlusion", target="face").mean(axis=0)
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.3), layout="constrained")
axes[0].imshow(faces.mean(axis=0), cmap="gray")
axes[0].set_title("mean of the faces")
most = abs(salient).max()
picture = axes[1].imshow(salient, cmap="RdBu_r", vmin=-most, vmax=most)
axes[1].contour(faces.mean(axis=0), levels=4, colors="black", linewidths=0.6)
axes[1].set_title("mean of their maps")
for ax in axes:
    ax.set(xticks=[], yticks=[])
figure.colorbar(picture, ax=axes[1], shrink=0.8)
plt.show()

# sphinx_gallery_thumbnail_number = 4
