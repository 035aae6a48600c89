"""
Which pixels decide?
====================

When a network calls a shape a star, what in the image made it say so? Saliency maps try to answer
that. There are several ways to make one, and they do not always agree. Here are three of them,
side by side.
"""

# %%
# A network to ask
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
print(f"{classifier.score(X_test, y_test):.1%} of the test images named correctly")

some = np.array([np.flatnonzero(y_test == name)[0] for name in names])
ImagesDisplay.from_estimator(classifier, X_test[some], y_test[some])

# %%
# Grad-CAM: where the last stage looks
# ------------------------------------
#
# It weighs the maps of the last stage by how much each of them counts for the answer. These maps
# are coarse: they say where, not what.

SaliencyDisplay.from_estimator(classifier, X_test[some], method="grad_cam")

# %%
# Integrated gradients: which pixels count
# ----------------------------------------
#
# From an empty image, the shape is faded in step by step, and each pixel is credited with what it
# adds to the answer on the way. These maps are as fine as the image. Red speaks for the answer,
# blue against it.

SaliencyDisplay.from_estimator(classifier, X_test[some], method="integrated_gradients")

# %%
# Occlusion: what is missed when it is hidden
# -------------------------------------------
#
# A window is painted over, in one place after the other. Where the answer gets less certain,
# something was hidden that speaks for it. This is the easiest one to explain.

SaliencyDisplay.from_estimator(classifier, X_test[some], method="occlusion")

# %%
# Two shapes in one image
# -----------------------
#
# Is that really what the network goes by? We can put it to the test. We draw a star and a ring
# into one image, which the network has never seen, and ask twice: what speaks for a star, and
# what for a ring?

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
# Red speaks for what was asked, blue against it; the lines are the borders of the shapes. Asked
# for a star, Grad-CAM lights up around the star; asked for a ring, on the ring. Occlusion also
# shows that each shape speaks against the other. Integrated gradients turn from red to blue at
# the edges of the star, but have both colors all over the ring: what single pixels add is hard
# to read there. No such map is the whole truth. Each answers a question of its own.

# sphinx_gallery_thumbnail_number = 5
