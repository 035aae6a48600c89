"""
Your own images, from a folder
==============================

Your images are probably files: one folder for each class, and pictures of any size in it. One line
reads them, and a pipeline that begins with a reader predicts for new files by their paths.
"""

# %%
# A folder of images
# ------------------
#
# To have some, we draw shapes in color and in three sizes, and write them to a temporary folder.
# With images of your own, skip this step and set ``folder``.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from skimage.io import imsave
from skimage.util import img_as_ubyte
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_shapecnn import (
    ImageReader,
    ImagesDisplay,
    ShapeCNNClassifier,
    load_image_folder,
    make_shapes,
)

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
# The name of a subfolder is the class. A network knows only one size of images, so all are brought
# to one; ``aspect="pad"`` keeps the proportions of those that are not square.

photos = load_image_folder(folder, image_shape=(32, 32), as_gray=False, aspect="pad")
y = photos.target_names[photos.target]
print(photos.images.shape, y[:3])

# %%
# Learning
# --------
#
# ``X`` says by its shape that these are color images, so there is nothing to set for that.

X_train, X_test, y_train, y_test, _, files_test = train_test_split(
    photos.images, y, photos.filenames, stratify=y, random_state=0
)
classifier = ShapeCNNClassifier(max_iter=15, random_state=0).fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.0%} of {len(y_test)} new images named correctly")

# %%
# The answers
# -----------

ImagesDisplay.from_estimator(classifier, X_test[:12], y_test[:12], n_columns=4)
plt.show()

# %%
# From paths
# ----------
#
# An image that comes later must be read as these were. Put an
# :class:`~sklearn_shapecnn.ImageReader` in front of the classifier, and the two are one estimator
# that takes paths. Its ``fit`` takes paths as well; here the classifier has learned already.

reader = ImageReader(image_shape=(32, 32), as_gray=False, aspect="pad")
pipeline = make_pipeline(reader, classifier)
for path, name in zip(files_test[:3], pipeline.predict(files_test[:3]), strict=True):
    print(f"{Path(path).parent.name}/{Path(path).name}: {name}")

temporary.cleanup()
