"""
What a convolution does to a photo
==================================

A convolutional network looks at an image through small filters. Each filter slides over the image
and responds where it finds its pattern. Here we do the same by hand: handmade filters find the
edges in a photo, and pooling keeps the strongest responses.
"""

# %%
# The photo
# ---------
#
# The photo comes with scikit-image. It shows buildings and a tripod, with edges in many directions.

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
# A filter is a small table of numbers. We place it on the image, multiply each number by the pixel
# below it, and add up the products. This filter has negative numbers on the left and positive
# numbers on the right. So the sum is large where the image is dark on the left and bright on the
# right, and zero where both sides are the same. We apply it at the two places marked above: the
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
# Applying the filter at every pixel makes a new image that shows where the filter found its edge:
# red where the photo is brighter on the filter's red side, blue where it is brighter on the blue
# side, and white where there is no difference. Each filter, shown in the corner, finds something
# different. The vertical filter finds the tower and the pole of the tripod. The horizontal filter
# misses the pole. Each diagonal filter finds one leg of the tripod better than the other.
#
# (In mathematics, a convolution also flips the filter. In neural networks it does not. SciPy calls
# this operation ``correlate``.)

filters = {
    "vertical edges": upright,
    "horizontal edges": upright.T,
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
# Two more steps make this a stage of a network. The activation keeps positive values and sets the
# rest to zero. Max-pooling keeps the largest value of each window, here of 8 x 8 pixels. It records
# that there is such an edge in the window, but not where exactly. The result has an eighth of the
# height and width, and the tripod and the tower are still visible.

found = maps["vertical edges"]
active = np.maximum(found, 0)
pooled = block_reduce(active, (8, 8), np.max)

figure, axes = plt.subplots(2, 2, figsize=(6.4, 6.8), layout="constrained")
show(axes[0, 0], photo, "photo", cmap="gray")
show(axes[0, 1], found, "vertical edges", cmap="RdBu_r", vmin=-0.6, vmax=0.6)
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
# We move the photo by two pixels and repeat these steps. Pixel by pixel, the map of edges is now
# very different. After pooling, much more of it is the same. The correlation measures the
# similarity: 1 means that the maps are the same.

moved = np.maximum(correlate(camera()[100:500, 110:510].astype(float) / 255, upright), 0)
before = np.corrcoef(active.ravel(), moved.ravel())[0, 1]
after = np.corrcoef(pooled.ravel(), block_reduce(moved, (8, 8), np.max).ravel())[0, 1]
print(f"moved by two pixels: {before:.2f} before pooling, {after:.2f} after it")
plt.show()

# %%
# A network does the same, with two differences. It learns the numbers in its filters. And it stacks
# stages, so that the second stage finds patterns in the edges that the first stage found.

# sphinx_gallery_thumbnail_number = 3
