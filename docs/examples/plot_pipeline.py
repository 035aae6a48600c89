"""
The classifier in a pipeline
============================

A pipeline preprocesses the images and classifies them in one estimator, so cross-validation and
searches preprocess them as well. The images of this example are so noisy that some blur may help. A
search over the pipeline finds out how much.
"""

# %%
# Noisy images
# ------------

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_shapecnn import SaliencyDisplay, ShapeCNNClassifier, make_shapes

names = np.array(["triangle", "circle", "rectangle"])
X, target = make_shapes(
    400,
    shapes=names,
    image_shape=(32, 32),
    size=(0.4, 0.8),
    noise=0.5,
    as_images=True,
    random_state=0,
)
y = names[target]

# %%
# The pipeline
# ------------
#
# A ``FunctionTransformer`` turns any function into a step. The step can take images as they are,
# one image per entry of ``X``. If a step such as ``StandardScaler`` needs rows, pass rows and set
# the classifier's ``image_shape``.


def blur(X, sigma):
    """Blur each image, but not one image into the next."""
    return gaussian_filter(X, sigma, axes=(1, 2))


pipeline = Pipeline(
    [
        ("blur", FunctionTransformer(blur, kw_args={"sigma": 1})),
        ("cnn", ShapeCNNClassifier(n_filters=(16, 32), max_iter=15, random_state=0)),
    ]
)
scores = cross_val_score(pipeline, X, y, cv=3)
print(f"accuracy {scores.mean():.2f}, by fold " + ", ".join(f"{s:.2f}" for s in scores))

# %%
# How much blur?
# --------------
#
# ``blur__kw_args`` is the argument of the step ``blur``. The search tries four values.

sigmas = [0, 1, 2, 4]
search = GridSearchCV(pipeline, {"blur__kw_args": [{"sigma": sigma} for sigma in sigmas]}, cv=3)
search.fit(X, y)
accuracy = search.cv_results_["mean_test_score"]

figure, axes = plt.subplots(3, len(sigmas), figsize=(6.4, 5.4), layout="constrained")
for column, sigma, score in zip(axes.T, sigmas, accuracy, strict=True):
    best = sigma == search.best_params_["blur__kw_args"]["sigma"]
    for ax, name in zip(column, names, strict=True):
        image = blur(X[y == name][:1], sigma)[0]
        ax.imshow(image, cmap="gray")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color="#0072B2" if best else "#999999", linewidth=3 if best else 1)
    column[0].set_title(f"blur {sigma}\naccuracy {score:.2f}", weight="bold" if best else "normal")

# %%
# The best value has a blue frame.
#
# Looking inside
# --------------
#
# The displays also take pipelines and searches. They pass the images through the earlier steps
# first. So the figure shows what the classifier saw: the blurred image, and the regions that it
# looked at.

SaliencyDisplay.from_estimator(search, X[[np.flatnonzero(y == name)[0] for name in names]])
plt.show()
