"""
Does the position of the shape matter?
======================================

A triangle is a triangle, on the left as on the right. A convolutional network has this built in,
because its filters slide over the whole image. A network without convolutions has a separate weight
for each pixel, and has to learn the shape again for each place. We move shapes around and compare
both networks.
"""

# %%
# Shapes in the middle
# --------------------
#
# Both networks train on shapes in the middle of the image. ``make_shapes`` returns the center of
# each shape. Since the background is uniform, we can shift all shapes to the middle.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier

from sklearn_shapecnn import ImagesDisplay, ShapeCNNClassifier, ShiftDisplay, make_shapes

names = np.array(["triangle", "circle", "rectangle"])
drawn = make_shapes(
    2100, image_shape=(56, 56), shapes=names, size=(0.3, 0.5), return_X_y=False, random_state=0
)
to_middle = (27.5 - drawn.centers).round().astype(int)
X = np.array(
    [np.roll(image, by, axis=(0, 1)) for image, by in zip(drawn.images, to_middle, strict=True)]
).reshape(len(drawn.images), -1)
y = names[drawn.target]
X_train, X_test, y_train, y_test = X[:2000], X[2000:], y[:2000], y[2000:]
ImagesDisplay.from_predictions(X_train[:8], y_train[:8], n_columns=4)

# %%

cnn = ShapeCNNClassifier(random_state=0).fit(X_train, y_train)
mlp = MLPClassifier(early_stopping=True, random_state=0).fit(X_train, y_train)
for classifier in (cnn, mlp):
    score = classifier.score(X_test, y_test)
    print(f"{type(classifier).__name__}: accuracy {score:.0%} with the shapes in the middle")

# %%
# Shapes elsewhere
# ----------------
#
# Now we shift the test images by up to 12 pixels up or down, left or right. All shapes stay wholly
# in view. Both networks predict at each position. The color shows the probability of the label
# predicted in the middle, averaged over the hundred images.

figure, axes = plt.subplots(2, 1, figsize=(5, 7.6), layout="constrained")
for ax, classifier in zip(axes, [cnn, mlp], strict=True):
    ShiftDisplay.from_estimator(classifier, X_test, max_shift=12, step=2, ax=ax)
    ax.set_title(f"{type(classifier).__name__}: {ax.get_title()}", fontsize=10)
plt.show()

# %%
# Neither network has seen a shape outside the middle. The convolutional network recognizes it
# anywhere. The other network has learned what shapes look like in the middle, and only there. It
# fails when the shape is only a few pixels away.

# sphinx_gallery_thumbnail_number = 2
