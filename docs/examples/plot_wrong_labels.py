"""
Which labels are wrong?
=======================

Whoever sorts hundreds of images into folders puts some into the wrong one. cleanlab finds them: it
asks a classifier about images that it has not learned from, and suspects labels that the classifier
is sure to be others. cleanlab is a library of its own: ``pip install cleanlab``.
"""

# %%
# A folder with mistakes in it
# ----------------------------
#
# We draw shapes, write them to a temporary folder, one subfolder for each class, and put 24 of the
# 300 images into a wrong one. With images of your own, skip this step and set ``folder``.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from cleanlab.filter import find_label_issues
from skimage.io import imsave
from skimage.util import img_as_ubyte
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sklearn_shapecnn import (
    ImagesDisplay,
    ShapeCNNClassifier,
    load_image_folder,
    make_shapes,
)

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
names = np.array(["cross", "ring", "star"])
images, target = make_shapes(
    300,
    image_shape=(24, 24),
    shapes=names,
    size=(0.5, 0.9),
    noise=0.1,
    as_images=True,
    random_state=0,
)
rng = np.random.default_rng(0)
put = target.copy()
mistaken = rng.choice(len(images), size=24, replace=False)
put[mistaken] = (target[mistaken] + rng.integers(1, 3, size=24)) % 3
for i, (image, label) in enumerate(zip(images, put, strict=True)):
    (folder / names[label]).mkdir(exist_ok=True)
    imsave(folder / names[label] / f"{i:03}.png", img_as_ubyte(image), check_contrast=False)

# %%
# Reading it
# ----------
#
# From here on nothing is known but the folder.

photos = load_image_folder(folder, image_shape=(24, 24))
for label, name in enumerate(photos.target_names):
    print(f"{name}/ has {np.sum(photos.target == label)} images")

# %%
# Asking about images that were not learned
# -----------------------------------------
#
# A network that has learned a wrong label may well repeat it. So each image is judged by a network
# that has not learned from it: ``cross_val_predict`` fits four, each on three quarters of them.

classifier = ShapeCNNClassifier(n_filters=(16, 32), max_iter=15, random_state=0)
probabilities = cross_val_predict(
    classifier,
    photos.images,
    photos.target,
    cv=StratifiedKFold(4, shuffle=True, random_state=0),
    method="predict_proba",
)
found = find_label_issues(
    photos.target, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
)
print(f"{len(found)} of {len(photos.target)} labels are suspect")

# %%
# The suspects
# ------------
#
# The most suspect first. Each title has what the networks say, and below it the folder. One
# glance at each decides which of them is right.

suggested = probabilities.argmax(axis=1)
target_names = np.array(photos.target_names)
worst = found[:12]
ImagesDisplay.from_predictions(
    photos.images[worst],
    target_names[photos.target[worst]],
    target_names[suggested[worst]],
    n_columns=4,
)
plt.show()

# %%
# The files to look at:

for i in worst[:5]:
    path = Path(photos.filenames[i])
    print(f"{path.parent.name}/{path.name}: rather {target_names[suggested[i]]}")
temporary.cleanup()

# %%
# How good was that?
# ------------------
#
# Here we know, because we made the mistakes ourselves: the number in a file's name says which image
# it was.

numbers = np.array([int(Path(file).stem) for file in photos.filenames])
right = np.isin(numbers[found], mistaken)
print(f"{right.sum()} of the {len(mistaken)} mistakes were found (recall {right.sum() / 24:.0%})")
print(f"{right.sum()} of the {len(found)} suspects were mistakes (precision {right.mean():.0%})")
better = suggested[found] == target[numbers[found]]
print(f"for {better.sum()} of the {len(found)} suspects the networks name the true shape")

# %%
# What is left to a person is to look at a few images instead of all. With cleanlab's
# ``CleanLearning(classifier).fit(X, y)``, a network learns without the suspects at once.

# sphinx_gallery_thumbnail_number = 1
