"""
From edges to shapes: what the stages see
=========================================

Each stage of a convolutional network looks at what the stage before has found. So the first one can
only find simple things, such as edges, and the last one answers to whole shapes. We open a network
stage by stage.
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
print(f"{classifier.score(X_test, y_test):.1%} of the test images named correctly")

# %%
# The filters of the first stage
# ------------------------------
#
# They are 3 x 3 pixels. Some have a red side and a blue one: they answer to an edge in that
# direction. In others there is little to see; they are of use together. Nobody wrote them down:
# they are what helped to tell shapes apart, first the drawings that the filters of this package
# were :doc:`learned from </user_guide/starting_filters>`, then the shapes here.

FilterDisplay.from_estimator(classifier, stage=0)

# %%
# One image on its way through the network
# ----------------------------------------
#
# Each column is a stage, each picture in it what one of its filters made of the image. In the
# first one we still see the sides of the shape, some here and some there. The maps of the later
# ones are coarser, and it gets hard to put into words what they show.

image = X_test[np.flatnonzero(y_test == "triangle")[:1]]
FeatureMapDisplay.from_estimator(classifier, image, n_maps=4)

# %%
# What excites the last stage?
# ----------------------------
#
# We cannot read the last stage, but we can ask it. For each of its filters and each test image we
# take the strongest answer anywhere in the image. Then we pick, for each class, the filter whose
# answers set that class apart best, and show the images that excite it most.

strongest = feature_maps(classifier, X_test)[-1].max(axis=(1, 2))
favorites = []
for name in names:
    own, other = strongest[y_test == name], strongest[y_test != name]
    spread = strongest.std(axis=0) + 1e-6
    favorites.append(np.argmax((own.mean(axis=0) - other.mean(axis=0)) / spread))

exciting = np.concatenate([np.argsort(-strongest[:, i])[:4] for i in favorites])
ImagesDisplay.from_predictions(X_test[exciting], y_test[exciting], n_columns=4)

# %%
# Each row belongs to one filter. The shapes in it differ in size, place, rotation and brightness,
# but they are of one kind: what began with edges has become a detector of shapes. In the
# distributions of the answers to all test images we see how well each of the three does. None of
# them is perfect, and none has to be: the network adds up the answers of all its filters.

colors = dict(zip(names, ["#0072B2", "#E69F00", "#009E73"], strict=True))
figure, axes = plt.subplots(3, 1, figsize=(6.4, 6), layout="constrained")
for ax, favorite in zip(axes, favorites, strict=True):
    answers = strongest[:, favorite]
    bins = np.linspace(answers.min(), answers.max(), 40)
    for name in names:
        ax.hist(answers[y_test == name], bins=bins, color=colors[name], alpha=0.7, label=name)
    ax.set(title=f"filter {favorite} of the last stage", ylabel="images")
axes[0].legend()
axes[-1].set_xlabel("strongest answer in the image")
plt.show()

# sphinx_gallery_thumbnail_number = 3
