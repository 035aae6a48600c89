"""
Naming shapes, from the first image to the last mistake
=======================================================

Is it a triangle, a circle or a rectangle? Every image shows one shape, of any size and rotation,
anywhere in the image. We draw some, let the network learn from a part of them, and look at how it
does on the rest.
"""

# %%
# The images
# ----------
#
# ``make_shapes`` draws as many as we like. As everywhere in scikit-learn, ``X`` holds one sample
# per row, here the 72 x 72 pixels of an image, and ``y`` holds the labels. We give them names, so
# that we need not remember which number is which.

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
# Learning
# --------
#
# Half of the images are for learning. The others the network does not get to see until it is
# asked. There is nothing to set: what the network needs to know about the size and the number of
# the images it finds out by itself.

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
classifier = ShapeCNNClassifier(random_state=0)
classifier.fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.1%} of {len(y_test)} new images named correctly")

# %%
# The confusion matrix counts what was taken for what. Right answers lie on the diagonal.

display = ConfusionMatrixDisplay.from_estimator(
    classifier, X_test, y_test, cmap="cividis", colorbar=False
)
display.ax_.set_title("New images of the same kind")
display.figure_.tight_layout()

# %%
# The images it was least sure of
# -------------------------------
#
# Every answer comes with probabilities. These are the eight images whose answers have the lowest.

certainty = classifier.predict_proba(X_test).max(axis=1)
doubtful = np.argsort(certainty)[:8]
print(f"the most doubtful answer has a probability of {certainty.min():.0%}")
ImagesDisplay.from_estimator(classifier, X_test[doubtful], y_test[doubtful], n_columns=4)

# %%
# Something it has never seen
# ---------------------------
#
# In all these images the whole shape is in view. What if the border cuts it off, so that as
# little as 30 % of it is left? The network was not prepared for that, and it is wrong more often.
# To do better, let it learn from such images: draw those for ``fit`` with ``min_visible=0.3``
# too.

X_cut, target_cut = make_shapes(1000, shapes=names, min_visible=0.3, random_state=1)
y_cut = names[target_cut]
print(f"{classifier.score(X_cut, y_cut):.1%} of the images with cut shapes named correctly")

wrong = np.flatnonzero(classifier.predict(X_cut) != y_cut)[:4]
right = np.flatnonzero(classifier.predict(X_cut) == y_cut)[:4]
some = np.concatenate([right, wrong])
ImagesDisplay.from_estimator(classifier, X_cut[some], y_cut[some], n_columns=4)
plt.show()

# sphinx_gallery_thumbnail_number = 4
