"""
Your own images, from a folder
==============================

Your images are probably files: one folder for each class, and pictures of any size in it. A few
lines read them into the array that the classifier learns from.
"""

# %%
# A folder of images
# ------------------
#
# To have some, we draw shapes in colour and in three sizes, and write them to a temporary folder.
# With images of your own, skip this step and set ``folder``.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage.io import imread, imsave
from skimage.transform import resize
from skimage.util import img_as_ubyte
from sklearn.model_selection import train_test_split

from sklearn_shapecnn import ImagesDisplay, ShapeCNNClassifier, make_shapes

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
names = ["cross", "ring", "star"]
for seed, image_shape in enumerate([(40, 40, 3), (60, 48, 3), (80, 80, 3)]):
    images, target = make_shapes(
        120,
        image_shape=image_shape,
        shapes=names,
        size=(0.4, 0.8),
        as_images=True,
        random_state=seed,
    )
    for i, (image, label) in enumerate(zip(images, target, strict=True)):
        (folder / names[label]).mkdir(exist_ok=True)
        path = folder / names[label] / f"{image_shape[0]}_{i:03}.png"
        imsave(path, img_as_ubyte(image), check_contrast=False)

for subfolder in sorted(folder.iterdir()):
    files = sorted(subfolder.iterdir())
    print(f"{subfolder.name}/ has {len(files)} files: {files[0].name} ... {files[-1].name}")

# %%
# Reading it
# ----------
#
# The name of a subfolder is the label. The images must all be of one size, so each is resized;
# that makes numbers from 0 to 1 of its pixels. For photos with and without colour in one folder,
# add ``as_gray=True`` to ``imread``.

paths = sorted(folder.glob("*/*.png"))
X = np.array([resize(imread(path), (32, 32), anti_aliasing=True) for path in paths])
y = np.array([path.parent.name for path in paths])
temporary.cleanup()
print(X.shape, y.shape)

# %%
# Learning
# --------
#
# ``X`` says by its shape that these are colour images, so there is nothing to set for that.

X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
classifier = ShapeCNNClassifier(max_iter=15, random_state=0).fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.0%} of {len(y_test)} new images named correctly")

# %%
# The answers
# -----------

ImagesDisplay.from_estimator(classifier, X_test[:12], y_test[:12], n_columns=4)
plt.show()

# %%
# An image that comes later goes the same way: read it, resize it, and put it into an array of
# one.
#
# .. code-block:: python
#
#     image = resize(imread("new.png"), (32, 32), anti_aliasing=True)
#     classifier.predict(image[np.newaxis])
