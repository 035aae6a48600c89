"""
What a convolution does to a photo
==================================

A convolutional network looks at an image through small filters, as if each were a little torch
that is moved over the image and lights up where it finds what it looks for. Here we hold the torch
ourselves: filters made by hand pick the edges out of a photo, and pooling keeps what matters.
"""

# %%
# The photo
# ---------
#
# It comes with scikit-image. There are buildings in it, and a tripod: edges in many directions.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import correlate
from skimage.data import camera
from skimage.measure import block_reduce

photo = camera()[100:500, 112:].astype(float) / 255


def show(ax, picture, title, **options):
    """Draw a picture without ticks."""
    ax.imshow(picture, **options)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=11)


places = {"tower": (50, 301), "sky": (15, 200)}
figure, ax = plt.subplots(figsize=(4.8, 4.8), layout="constrained")
show(ax, photo, f"{photo.shape[0]} x {photo.shape[1]} pixels", cmap="gray")
for name, (row, column) in places.items():
    ax.plot(column, row, "o", color="#D55E00", markersize=14, fillstyle="none", markeredgewidth=2)
    ax.annotate(name, (column, row), (-12, 0), textcoords="offset points", ha="right", va="center")

# %%
# One filter at one place
# -----------------------
#
# A filter is a small table of numbers. Laid on the image, each of its numbers is multiplied by
# the pixel below it, and all products are added up. This filter has negative numbers on the left
# and positive ones on the right. So the sum is large where it is dark on the left and bright on
# the right, and zero where both sides are the same. We lay it on the two places marked above: the
# left edge of the tower, and the sky.

upright = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4

figure, axes = plt.subplots(2, 3, figsize=(6.4, 4.8), layout="constrained")
for (name, (row, column)), (left, middle, right) in zip(places.items(), axes, strict=True):
    patch = photo[row - 1 : row + 2, column - 1 : column + 2]
    product = patch * upright
    show(left, patch, f"pixels: {name}", cmap="gray", vmin=0, vmax=1)
    show(middle, upright, "times the filter", cmap="RdBu_r", vmin=-0.5, vmax=0.5)
    show(right, product, f"adds up to {product.sum():.2f}", cmap="RdBu_r", vmin=-0.5, vmax=0.5)
    for ax, numbers in [(left, patch), (middle, upright), (right, product)]:
        for (i, j), number in np.ndenumerate(numbers):
            dark = number < 0.4 if ax is left else abs(number) > 0.4
            ink = "white" if dark else "black"
            ax.text(j, i, f"{number:.2f}", ha="center", va="center", color=ink)

# %%
# The filter slides over the whole photo
# --------------------------------------
#
# Doing that at every pixel makes a new image, which tells where the filter found its edge: red
# where the photo is brighter on the filter's red side, blue where it is brighter on its blue
# side, white where there is no difference. Each filter, shown in the corner, sees something else.
# The upright one finds the tower and the pole of the tripod, the level one misses that pole, and
# each of the slanting ones finds one leg of the tripod better than the other.
#
# (What networks call a convolution does not turn the filter around as mathematicians do; SciPy's
# name for it is ``correlate``.)

filters = {
    "upright edges": upright,
    "level edges": upright.T,
    "edges rising to the right": np.array([[2, 1, 0], [1, 0, -1], [0, -1, -2]]) / 4,
    "edges falling to the right": np.array([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]]) / 4,
}
maps = {name: correlate(photo, kernel) for name, kernel in filters.items()}

figure, axes = plt.subplots(2, 2, figsize=(6.4, 6.8), layout="constrained")
for ax, (name, found) in zip(axes.flat, maps.items(), strict=True):
    show(ax, found, name, cmap="RdBu_r", vmin=-0.6, vmax=0.6)
    small = ax.inset_axes((0.03, 0.03, 0.2, 0.2))
    show(small, filters[name], "", cmap="RdBu_r", vmin=-0.5, vmax=0.5)

# %%
# Activation and pooling
# ----------------------
#
# Two more steps make this a stage of a network. The activation keeps what is positive and sets
# the rest to zero. Max-pooling keeps the largest value of each window, here of 8 x 8 pixels: it
# says that there is such an edge somewhere about here, and forgets where exactly. What is left
# has an eighth of the height and of the width, and the tripod and the tower can still be made
# out.

found = maps["upright edges"]
active = np.maximum(found, 0)
pooled = block_reduce(active, (8, 8), np.max)

figure, axes = plt.subplots(2, 2, figsize=(6.4, 6.8), layout="constrained")
show(axes[0, 0], photo, "photo", cmap="gray")
show(axes[0, 1], found, "upright edges", cmap="RdBu_r", vmin=-0.6, vmax=0.6)
show(axes[1, 0], active, "activation", cmap="viridis", vmin=0, vmax=0.6)
show(
    axes[1, 1],
    pooled,
    f"pooling, {pooled.shape[0]} x {pooled.shape[1]}",
    cmap="viridis",
    vmin=0,
    vmax=0.6,
)

# %%
# A small move changes little
# ---------------------------
#
# We move the photo by two pixels and do it all again. Pixel by pixel, the map of edges is then
# quite another one; after pooling, much more of it is the same. The correlation says how much: 1
# would be the same.

moved = np.maximum(correlate(camera()[100:500, 110:510].astype(float) / 255, upright), 0)
before = np.corrcoef(active.ravel(), moved.ravel())[0, 1]
after = np.corrcoef(pooled.ravel(), block_reduce(moved, (8, 8), np.max).ravel())[0, 1]
print(f"moved by two pixels: {before:.2f} before pooling, {after:.2f} after it")
plt.show()

# %%
# A network does the same, with two differences: it finds the numbers in its filters by itself,
# and it stacks stages, so that the second one looks for patterns in the edges that the first one
# found.

# sphinx_gallery_thumbnail_number = 3
