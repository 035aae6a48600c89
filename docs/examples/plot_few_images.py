"""
How many images does it take?
=============================

Drawing or labeling images is work. How many images does a classifier need to tell shapes apart? A
learning curve shows this for the convolutional network and for two other classifiers: a random
forest on the pixels, and an SVC on histograms of oriented gradients (HOG), classic handmade image
features.
"""

# %%
# The images
# ----------
#
# Each shape has a different place, size and rotation.

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
# Each classifier has its own input: the images, their HOG features, or their pixels in rows.

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
# Each classifier is trained on 15, 30, 60 and 120 images and tested on 400 others, on two random
# splits. The band is the spread of the two.

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
ax.set(xscale="log", xlabel="training images", ylabel="accuracy", ylim=(0.28, 1.02))
ax.set_xticks([15, 30, 60, 120], labels=["15", "30", "60", "120"])
ax.minorticks_off()
ax.legend(loc="center right", bbox_to_anchor=(1, 0.66))
plt.show()

# %%
# The convolutional network recognizes the shapes after a few dozen images of each. The other
# classifiers are still far behind: nothing in them knows that a shape stays the same when it moves.

# sphinx_gallery_thumbnail_number = 2
