"""
Which shapes are in the picture?
================================

An image need not show one thing. Here each shows up to three shapes, and the question is which
kinds there are. The network answers for each kind by itself, and can say what made it answer so.
"""

# %%
# Images of several shapes
# ------------------------
#
# `Y` has one row for each image and one column for each kind of shape: 1 where it occurs.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import f1_score

from sklearn_shapecnn import (
    ImagesDisplay,
    SaliencyDisplay,
    ShapeCNNClassifier,
    make_multilabel_shapes,
)

names = np.array(["triangle", "circle", "star"])
X, Y = make_multilabel_shapes(
    2500, shapes=names.tolist(), image_shape=(48, 48), as_images=True, random_state=0
)
X_train, X_test, Y_train, Y_test = X[:2000], X[2000:], Y[:2000], Y[2000:]


def name_all(indicators):
    """The names of the shapes in each image."""
    return [", ".join(names[row == 1]).replace(", ", "\n") or "nothing" for row in indicators]


ImagesDisplay.from_predictions(X_test[:12], name_all(Y_test[:12]))

# %%
# Ask for all of them at once
# ---------------------------
#
# `fit` takes the matrix as it is. The subset accuracy counts an image only if all three answers are
# right.

classifier = ShapeCNNClassifier(random_state=0).fit(X_train, Y_train)
predicted = classifier.predict(X_test)
print(f"all kinds right in {classifier.score(X_test, Y_test):.1%} of the test images")
for name, score in zip(names, f1_score(Y_test, predicted, average=None), strict=True):
    print(f"F1 of {name}: {score:.3f}")

# %%
# What made it say so?
# --------------------
#
# Take images that show all three kinds, and ask for the saliency of each kind in turn. Occlusion
# paints over a part of the image, and looks how much the score falls.

some = X_test[Y_test.all(axis=1)][:5]
for column, name in enumerate(names):
    display = SaliencyDisplay.from_estimator(
        classifier, some, target=column, method="occlusion", window=12
    )
    for ax in display.axes_[0]:
        ax.set_title(f"{name}?", fontsize=8)
plt.show()
