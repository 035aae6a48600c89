"""
Which pixels decide?
====================

If a network predicts "star", which pixels made it decide so? Saliency maps try to answer this
question. There are several methods, and they do not always agree. Here is a comparison of three of
them.
"""

# %%
# A fitted network
# ----------------

import matplotlib.pyplot as plt
import numpy as np

from sklearn_shapecnn import ImagesDisplay, SaliencyDisplay, ShapeCNNClassifier, make_shapes
from sklearn_shapecnn.inspection import saliency

names = np.array(["star", "hexagon", "cross", "ring"])
X, target = make_shapes(2600, shapes=names, size=(0.3, 0.6), as_images=True, random_state=0)
y = names[target]
X_train, X_test, y_train, y_test = X[:2000], X[2000:], y[:2000], y[2000:]

classifier = ShapeCNNClassifier(random_state=0).fit(X_train, y_train)
print(f"{classifier.score(X_test, y_test):.1%} of the test images classified correctly")

some = np.array([np.flatnonzero(y_test == name)[0] for name in names])
ImagesDisplay.from_estimator(classifier, X_test[some], y_test[some])

# %%
# Grad-CAM: where the last stage looks
# ------------------------------------
#
# Grad-CAM weights each feature map of the last stage by how much it contributes to the prediction.
# These maps are coarse: they show where, not what. The gray lines are the outlines in the image.

SaliencyDisplay.from_estimator(classifier, X_test[some], y_test[some], method="grad_cam")

# %%
# Integrated gradients: which pixels count
# ----------------------------------------
#
# Starting from an empty image, the shape is faded in step by step. Each pixel is credited with what
# it adds to the score on the way. These maps are as fine as the image. Red supports the prediction,
# blue opposes it.

SaliencyDisplay.from_estimator(
    classifier, X_test[some], y_test[some], method="integrated_gradients"
)

# %%
# Occlusion: what happens if a part is hidden
# -------------------------------------------
#
# A window covers the image, one place after the other. Where the network becomes less certain, the
# window hides something that supports the prediction. This method is the easiest to explain.

SaliencyDisplay.from_estimator(classifier, X_test[some], y_test[some], method="occlusion")

# %%
# Two shapes in one image
# -----------------------
#
# Do these maps really show what the network uses? We can test that. We draw a star and a ring into
# one image, a kind that the network has never seen, and ask twice: what supports "star", and what
# supports "ring"?

kinds = ["star", "ring"]
parts = [
    make_shapes(
        1,
        image_shape=(72, 36),
        shapes=[kind],
        size=0.9,
        foreground=0.8,
        background=0.1,
        as_images=True,
        random_state=0,
    )[0][0]
    for kind in kinds
]
both = np.concatenate(parts, axis=1)[np.newaxis]

methods = {
    "Grad-CAM": "grad_cam",
    "integrated\ngradients": "integrated_gradients",
    "occlusion": "occlusion",
}
figure, axes = plt.subplots(2, 4, figsize=(6.4, 3.8), layout="constrained")
for row, kind in zip(axes, kinds, strict=True):
    row[0].imshow(both[0], cmap="gray", vmin=0, vmax=1)
    row[0].set_ylabel(f"{kind}?", fontsize=12)
    for ax, (title, method) in zip(row[1:], methods.items(), strict=True):
        found = saliency(classifier, both, method=method, target=kind)[0]
        most = np.quantile(abs(found), 0.995)  # a few pixels should not outshine all others
        ax.imshow(found, cmap="RdBu_r", vmin=-most, vmax=most)
        ax.contour(both[0], levels=[0.45], colors="black", linewidths=0.7)
        axes[0, list(methods).index(title) + 1].set_title(title, fontsize=11)
axes[0, 0].set_title("image", fontsize=11)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
plt.show()

# %%
# Red supports the class in question, blue opposes it. The lines are the outlines of the
# shapes.
#
# - Grad-CAM highlights the area around the star for "star", and the ring for "ring".
# - Occlusion also shows that each shape speaks against the other class.
# - Integrated gradients change from red to blue at the edges of the star, but have both colors all
#   over the ring. The contributions of single pixels are hard to interpret there.
#
# No such map is the whole truth. Each method answers a different question.

# sphinx_gallery_thumbnail_number = 5
