"""
Your own images, from a folder
==============================

Your images are probably files: one folder per class, with pictures of any size. One line reads
them. A pipeline that begins with a reader predicts new files from their paths.
"""

# %%
# A folder of images
# ------------------
#
# For this example, we draw color shapes in three sizes and write them to a temporary folder. With
# your own images, skip this step and set ``folder``.

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
# Reading the folder
# ------------------
#
# The name of a subfolder is the class. A network works with a single image size, so all images are
# resized to one size. ``aspect="pad"`` keeps the proportions of images that are not square.

photos = load_image_folder(folder, image_shape=(32, 32), as_gray=False, aspect="pad")
y = photos.target_names[photos.target]
print(photos.images.shape, y[:3])

# %%
# Training
# --------
#
# The shape of ``X`` shows that these are color images, so there is nothing to set.

X_train, X_test, y_train, y_test, _, files_test = train_test_split(
    photos.images, y, photos.filenames, stratify=y, random_state=0
)
classifier = ShapeCNNClassifier(max_iter=15, random_state=0).fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.0%} of {len(y_test)} new images classified correctly")

# %%
# The predictions
# ---------------

ImagesDisplay.from_estimator(classifier, X_test[:12], y_test[:12], n_columns=4)
plt.show()

# %%
# Predicting from paths
# ---------------------
#
# New images must be read in the same way. Put an :class:`~sklearn_shapecnn.ImageReader` in front of
# the classifier, and the two form one estimator that takes paths. Its ``fit`` also takes paths;
# here the classifier is already fitted.

reader = ImageReader(image_shape=(32, 32), as_gray=False, aspect="pad")
pipeline = make_pipeline(reader, classifier)
for path, name in zip(files_test[:3], pipeline.predict(files_test[:3]), strict=True):
    print(f"{Path(path).parent.name}/{Path(path).name}: {name}")

temporary.cleanup()
