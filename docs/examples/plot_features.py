"""
From edges to shapes: what the stages see
=========================================

Each stage of a convolutional network looks at the output of the previous stage. So the first stage
can only find simple patterns, such as edges, and the last stage responds to whole shapes. We look
into a network stage by stage.
"""

# %%
# A network to look into
# ----------------------

import matplotlib.pyplot as plt
import numpy as np

from sklearn_shapecnn import (
    FeatureMapDisplay,
    FilterDisplay,
    ImagesDisplay,
    ShapeCNNClassifier,
    make_shapes,
)
from sklearn_shapecnn.inspection import feature_maps

names = np.array(["triangle", "circle", "rectangle"])
X, target = make_shapes(3000, shapes=names, as_images=True, random_state=0)
X_train, X_test = X[:2000], X[2000:]
y_train, y_test = names[target[:2000]], names[target[2000:]]

classifier = ShapeCNNClassifier(random_state=0).fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.1%} of the test images classified correctly")

# %%
# The filters of the first stage
# ------------------------------
#
# The filters have 3 x 3 pixels. Some have a red side and a blue side: they respond to an edge in
# that direction. Others look unclear and are useful only together. Nobody wrote them down. The
# network learned them to tell shapes apart, first from the drawings that the
# :doc:`pretrained filters </user_guide/starting_filters>` have seen, then from the shapes here.

FilterDisplay.from_estimator(classifier, stage=0)

# %%
# One image in each stage
# -----------------------
#
# Each column is a stage, and each picture is the feature map of one of its filters. In the first
# stage, the sides of the shape are still visible, different sides in different maps. The maps of
# later stages are coarser, and it is hard to describe what they show.

image = X_test[np.flatnonzero(y_test == "triangle")[:1]]
FeatureMapDisplay.from_estimator(classifier, image, n_maps=4)

# %%
# What activates the last stage?
# ------------------------------
#
# The maps of the last stage are hard to read, but we can find the images that activate it. For each
# filter and each test image, we take the strongest response in the image. For each class, we pick
# the filter whose responses separate that class best, and show the images with the strongest
# responses.

strongest = feature_maps(classifier, X_test)[-1].max(axis=(1, 2))
favorites = []
for name in names:
    own, other = strongest[y_test == name], strongest[y_test != name]
    spread = strongest.std(axis=0) + 1e-6
    favorites.append(np.argmax((own.mean(axis=0) - other.mean(axis=0)) / spread))

exciting = np.concatenate([np.argsort(-strongest[:, i])[:4] for i in favorites])
ImagesDisplay.from_predictions(X_test[exciting], y_test[exciting], n_columns=4)

# %%
# Each row belongs to one filter. The shapes in a row differ in size, place, rotation and
# brightness, but they are of one kind: what began with edges has become a shape detector. The
# histograms of the responses to all test images show how good each of the three detectors is. None
# of them is perfect, and none has to be: the network combines the responses of all its filters.

colors = dict(zip(names, ["#0072B2", "#E69F00", "#009E73"], strict=True))
figure, axes = plt.subplots(3, 1, figsize=(6.4, 6), layout="constrained")
for ax, favorite in zip(axes, favorites, strict=True):
    answers = strongest[:, favorite]
    bins = np.linspace(answers.min(), answers.max(), 40)
    for name in names:
        ax.hist(answers[y_test == name], bins=bins, color=colors[name], alpha=0.7, label=name)
    ax.set(title=f"filter {favorite} of the last stage", ylabel="images")
axes[0].legend()
axes[-1].set_xlabel("strongest response in the image")
plt.show()

# sphinx_gallery_thumbnail_number = 3
