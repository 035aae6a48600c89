"""
Which shapes are in the picture?
================================

An image can show several objects. Here each image shows up to three shapes, and the task is to find
out which kinds. The network decides on each kind separately, and saliency maps show what each
decision is based on.
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
# Predict all kinds at once
# -------------------------
#
# `fit` takes the matrix directly. The subset accuracy counts an image as correct only if all three
# predictions are correct.

classifier = ShapeCNNClassifier(random_state=0).fit(X_train, Y_train)
predicted = classifier.predict(X_test)
print(f"all kinds right in {classifier.score(X_test, Y_test):.1%} of the test images")
for name, score in zip(names, f1_score(Y_test, predicted, average=None), strict=True):
    print(f"F1 of {name}: {score:.3f}")

# %%
# What are the decisions based on?
# --------------------------------
#
# We take images that show all three kinds and compute the saliency of each kind in turn. Occlusion
# covers a part of the image and measures how much the score falls.

some = X_test[Y_test.all(axis=1)][:5]
for column, name in enumerate(names):
    display = SaliencyDisplay.from_estimator(
        classifier, some, target=column, method="occlusion", window=12
    )
    for ax in display.axes_[0]:
        ax.set_title(f"{name}?", fontsize=8)
plt.show()
