"""
How many images does it take?
=============================

Drawing or labeling images is work. How many are needed until shapes are told apart? A learning
curve shows it, for the convolutional network and for two classifiers that are not one: a random
forest on the pixels, and an SVC on histograms of gradients (HOG), a classic description of images
made by hand.
"""

# %%
# The images
# ----------
#
# Each shape stands somewhere else, in another size and turned another way.

import matplotlib.pyplot as plt
import numpy as np
from skimage.feature import hog
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import LearningCurveDisplay, StratifiedShuffleSplit
from sklearn.svm import SVC

from sklearn_shapecnn import ImagesDisplay, ShapeCNNClassifier, make_shapes

images, y = make_shapes(600, image_shape=(50, 50), as_images=True, random_state=0)
ImagesDisplay.from_predictions(images[:12], n_columns=4)

# %%
# Three classifiers
# -----------------
#
# Each with what it learns from: the images, their HOG features, or their pixels in rows.

features = np.array(
    [hog(image, pixels_per_cell=(6, 6), cells_per_block=(2, 2)) for image in images]
)
contestants = {
    "ShapeCNNClassifier": (ShapeCNNClassifier(random_state=0), images),
    "HOG and SVC": (SVC(C=10), features),
    "RandomForestClassifier": (RandomForestClassifier(random_state=0), images.reshape(600, -1)),
}

# %%
# The learning curves
# -------------------
#
# Each classifier learns from 15, 30, 60 and 120 images, and is tested on 400 others; and that
# twice, with other images. The band is the spread of the two.

figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
styles = [("#0072B2", "o-"), ("#E69F00", "s--"), ("#009E73", "^:")]
for (name, (classifier, X)), (color, style) in zip(contestants.items(), styles, strict=True):
    display = LearningCurveDisplay.from_estimator(
        classifier,
        X,
        y,
        train_sizes=[15, 30, 60, 120],
        cv=StratifiedShuffleSplit(2, train_size=120, test_size=400, random_state=0),
        score_type="test",
        ax=ax,
        line_kw={"color": color, "marker": style[0], "linestyle": style[1:]},
        fill_between_kw={"color": color, "alpha": 0.2},
    )
    display.lines_[0].set_label(name)
    means = display.test_scores.mean(axis=1)
    print(f"{name}: " + ", ".join(f"{mean:.0%}" for mean in means))
ax.axhline(1 / 3, color="#555555", linewidth=1)
ax.text(120, 1 / 3, "guessing", ha="right", va="bottom", color="#555555")
ax.set(xscale="log", xlabel="images to learn from", ylabel="accuracy", ylim=(0.28, 1.02))
ax.set_xticks([15, 30, 60, 120], labels=["15", "30", "60", "120"])
ax.minorticks_off()
ax.legend(loc="center right", bbox_to_anchor=(1, 0.66))
plt.show()

# %%
# With a few dozen images of each shape, the convolutional network knows them. The others are
# still far from it: nothing in them knows that a shape that is moved is still the same shape.

# sphinx_gallery_thumbnail_number = 2
