"""
Where is it, and how large?
===========================

An image can tell more than a class. Here a network predicts three numbers from each image: the row
and the column of the center of a shape, and its diameter, all in pixels.
"""

# %%
# Shapes with known places
# ------------------------
#
# `make_shapes` returns the center and the size of each shape.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_shapecnn import SaliencyDisplay, ShapeCNNRegressor, make_shapes

shapes = make_shapes(2000, image_shape=(48, 48), return_X_y=False, random_state=0)
X = shapes.images
y = np.column_stack((shapes.centers, shapes.sizes))
X_train, X_test, y_train, y_test = X[:1500], X[1500:], y[:1500], y[1500:]

regressor = ShapeCNNRegressor(random_state=0).fit(X_train, y_train)
predicted = regressor.predict(X_test)
distances = np.hypot(*(predicted - y_test)[:, :2].T)
print(f"R²: {regressor.score(X_test, y_test):.4f}")
print(f"mean distance of the center: {distances.mean():.2f} pixels")
print(f"mean error of the diameter: {np.abs(predicted - y_test)[:, 2].mean():.2f} pixels")

# %%
# From truth to prediction
# ------------------------
#
# The circles have the predicted diameters. The arrows point from the true centers to the predicted
# centers. They are ten times as long as the errors, or they would be hard to see.

figure, axes = plt.subplots(2, 5, figsize=(10, 4.2))
for ax, image, true, guess in zip(axes.flat, X_test, y_test, predicted, strict=False):
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    row, column, diameter = guess
    ax.add_patch(plt.Circle((column, row), diameter / 2, fill=False, color="C1", linewidth=2))
    step = 10 * (guess - true)
    ax.annotate(
        "",
        xy=(true[1] + step[1], true[0] + step[0]),
        xytext=(true[1], true[0]),
        arrowprops={"arrowstyle": "->", "color": "C0", "linewidth": 2},
    )
    ax.set(xticks=[], yticks=[])
figure.tight_layout()

# %%
# The largest errors
# ------------------
#
# It helps to look at the images with the largest errors.

worst = np.argsort(-distances)[:5]
figure, axes = plt.subplots(1, 5, figsize=(10, 2.3))
for ax, i in zip(axes, worst, strict=True):
    ax.imshow(X_test[i], cmap="gray", vmin=0, vmax=1)
    ax.plot(*y_test[i, 1::-1], "o", color="C0", label="true")
    ax.plot(*predicted[i, 1::-1], "x", color="C1", markeredgewidth=2, label="predicted")
    ax.set(xticks=[], yticks=[], title=f"{distances[i]:.1f} pixels off")
axes[0].legend(fontsize=7)
figure.tight_layout()

# %%
# What makes the number larger?
# -----------------------------
#
# For a number, saliency shows what increases it (red) and what decreases it (blue). For the
# diameter, the third target, that is the border of the shape rather than its inside.

SaliencyDisplay.from_estimator(
    regressor, X_test[:5], target=2, method="integrated_gradients", baseline=0.15
)
plt.show()
