"""
How wide should the filters be?
===============================

A filter is a small window that slides over the image. The best width and number of filters depend
on the images. ``GridSearchCV`` tries the combinations, as for any other classifier, and a heat map
shows the results.
"""

# %%
# The task
# --------
#
# We use a few small images with some noise, so that there is something to gain. To finish
# sooner, all networks train for only a few epochs.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklearn_shapecnn import FilterDisplay, ImagesDisplay, ShapeCNNClassifier, make_shapes

X, y = make_shapes(300, image_shape=(32, 32), size=(0.4, 0.8), noise=0.1, random_state=0)
ImagesDisplay.from_predictions(X[:8], n_columns=4)

# %%
# The search
# ----------
#
# ``n_filters=(8, 16)`` is a network of two stages with 8 and 16 filters. An int as ``kernel_size``
# is the width of the filters in all stages. Filters 3, 5 and 7 pixels wide start from the same
# pretrained filters, so the comparison is fair. In networks whose filters are a single pixel
# wide, only the first stage does. On a machine with several cores, ``n_jobs`` runs the fits in
# parallel.

kernel_sizes = [1, 3, 5, 7]
n_filters = [(2, 4), (4, 8), (8, 16)]
search = GridSearchCV(
    ShapeCNNClassifier(pool_size=4, max_iter=12, random_state=0),
    {"n_filters": n_filters, "kernel_size": kernel_sizes},
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
)
search.fit(X, y)
print(search.best_params_)

# %%
# The result
# ----------
#
# Each cell is the mean accuracy on the held-out images in cross-validation. In the first column,
# the filters are a single pixel wide: they see how bright a point is, but no edges or corners, and
# more of them help little. As soon as a filter can compare neighboring pixels, the network does
# much better.

scores = search.cv_results_["mean_test_score"]  # n_filters varies fastest
accuracy = scores.reshape(len(kernel_sizes), len(n_filters)).T

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
image = ax.imshow(accuracy, cmap="cividis", aspect="auto")
middle = (accuracy.min() + accuracy.max()) / 2
for (row, column), value in np.ndenumerate(accuracy):
    color = "black" if value > middle else "white"
    ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=color, fontsize=13)
ax.set(
    xticks=range(len(kernel_sizes)),
    xticklabels=kernel_sizes,
    yticks=range(len(n_filters)),
    yticklabels=[f"{first} and {second}" for first, second in n_filters],
    xlabel="kernel_size: width of the filters in pixels",
    ylabel="n_filters",
    title="Accuracy in cross-validation",
)
figure.colorbar(image, ax=ax)

# %%
# The filters of the best network
# -------------------------------
#
# The search has refitted the best combination on all images. You can use and inspect it like a
# classifier. These are the filters of its first stage.

FilterDisplay.from_estimator(search, stage=0, n_columns=4)
plt.show()

# sphinx_gallery_thumbnail_number = 2
