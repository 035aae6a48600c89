"""
Classifying shapes, from the images to the mistakes
===================================================

Is it a triangle, a circle or a rectangle? Each image shows one shape, of any size and rotation,
anywhere in the image. We draw images, train the network on half of them, and evaluate it on the
rest.
"""

# %%
# The images
# ----------
#
# ``make_shapes`` draws any number of images. As everywhere in scikit-learn, ``X`` has one sample
# per row, here the 72 x 72 pixels of an image, and ``y`` has the labels. We use names as labels, so
# that we need not remember the numbers.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from sklearn_shapecnn import ImagesDisplay, ShapeCNNClassifier, make_shapes

names = np.array(["triangle", "circle", "rectangle"])
X, target = make_shapes(4000, shapes=names, random_state=0)
y = names[target]
print(X.shape, y.shape)

ImagesDisplay.from_predictions(X[:12], y[:12], n_columns=4)

# %%
# Training
# --------
#
# Half of the images are for training. The other half is held out for the test. There is nothing to
# set: the network adapts to the size and the number of the images by itself.

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
classifier = ShapeCNNClassifier(random_state=0)
classifier.fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.1%} of {len(y_test)} new images classified correctly")

# %%
# The confusion matrix counts how often each shape was predicted as each other shape. Correct
# predictions are on the diagonal.

display = ConfusionMatrixDisplay.from_estimator(
    classifier, X_test, y_test, cmap="cividis", colorbar=False
)
display.ax_.set_title("New images of the same kind")
display.figure_.tight_layout()

# %%
# The least certain predictions
# -----------------------------
#
# Every prediction has probabilities. These are the eight images whose predictions have the lowest
# probability.

certainty = classifier.predict_proba(X_test).max(axis=1)
doubtful = np.argsort(certainty)[:8]
print(f"the least certain prediction has a probability of {certainty.min():.0%}")
ImagesDisplay.from_estimator(classifier, X_test[doubtful], y_test[doubtful], n_columns=4)

# %%
# Images unlike the training images
# ---------------------------------
#
# In all these images, the whole shape is in view. What if the border cuts the shape, so that as
# little as 30% of it is visible? The network was not trained for this and makes more mistakes. To
# do better, use ``min_visible=0.3`` for the training images, too.

X_cut, target_cut = make_shapes(1000, shapes=names, min_visible=0.3, random_state=1)
y_cut = names[target_cut]
print(f"{classifier.score(X_cut, y_cut):.1%} of the images with cut shapes classified correctly")

wrong = np.flatnonzero(classifier.predict(X_cut) != y_cut)[:4]
right = np.flatnonzero(classifier.predict(X_cut) == y_cut)[:4]
some = np.concatenate([right, wrong])
ImagesDisplay.from_estimator(classifier, X_cut[some], y_cut[some], n_columns=4)
plt.show()

# sphinx_gallery_thumbnail_number = 4
