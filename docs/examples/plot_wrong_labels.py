"""
Which labels are wrong?
=======================

If you sort hundreds of images into folders, some end up in the wrong one. cleanlab finds them: it
uses predictions for held-out images and flags labels if the classifier is sure of a different
label. cleanlab is a separate library: ``pip install cleanlab``.
"""

# %%
# A folder with mistakes in it
# ----------------------------
#
# We draw shapes and write them to a temporary folder, one subfolder per class. We put 24 of the 300
# images into a wrong subfolder. With your own images, skip this step and set ``folder``.

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
# Reading the folder
# ------------------
#
# From here on, we only use the folder.

photos = load_image_folder(folder, image_shape=(24, 24))
for label, name in enumerate(photos.target_names):
    print(f"{name}/ has {np.sum(photos.target == label)} images")

# %%
# Predictions for held-out images
# -------------------------------
#
# A network that was trained on a wrong label may repeat it. So each image needs a prediction of a
# network that was not trained on it: ``cross_val_predict`` fits four networks, each on three
# quarters of the images.

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
# The most suspect labels come first. The title of each image has the predicted label and, below it,
# the folder. A glance at each image tells which one is right.

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
# These are the files to look at:

for i in worst[:5]:
    path = Path(photos.filenames[i])
    print(f"{path.parent.name}/{path.name}: rather {target_names[suggested[i]]}")
temporary.cleanup()

# %%
# How good was that?
# ------------------
#
# Here we know the answer, because we made the mistakes ourselves: the number in each file name
# identifies the image.

numbers = np.array([int(Path(file).stem) for file in photos.filenames])
right = np.isin(numbers[found], mistaken)
print(f"{right.sum()} of the {len(mistaken)} mistakes were found (recall {right.sum() / 24:.0%})")
print(f"{right.sum()} of the {len(found)} suspects were mistakes (precision {right.mean():.0%})")
better = suggested[found] == target[numbers[found]]
print(f"for {better.sum()} of the {len(found)} suspects the networks predict the true shape")

# %%
# You only have to look at a few images instead of all. cleanlab's
# ``CleanLearning(classifier).fit(X, y)`` trains a network without the suspects in one step.

# sphinx_gallery_thumbnail_number = 1
