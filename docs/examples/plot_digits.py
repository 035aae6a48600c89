"""
Handwritten digits: a comparison with other classifiers
=======================================================

scikit-learn's digits are tiny: 8 x 8 pixels. Many classifiers do well on them and are fast. Is
there anything left to gain for a convolutional network?
"""

# %%
# The digits
# ----------
#
# We train on half of the digits and test on the other half.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_shapecnn import ImagesDisplay, ShapeCNNClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
ImagesDisplay.from_predictions(X_test[:8], y_test[:8], n_columns=4)

# %%
# Four classifiers
# ----------------
#
# All classifiers use their default parameters. The multi-layer perceptron needs scaled features, so
# it gets a ``StandardScaler``. The convolutional network measures the scale of the pixels by
# itself.

classifiers = {
    "ShapeCNNClassifier": ShapeCNNClassifier(random_state=0),
    "SVC": SVC(),
    "MLPClassifier": make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
    "RandomForestClassifier": RandomForestClassifier(random_state=0),
}
mistakes = {}
for name, classifier in classifiers.items():
    classifier.fit(X_train, y_train)
    mistakes[name] = int(np.sum(classifier.predict(X_test) != y_test))
print(f"mistakes in {len(y_test)} digits: {mistakes}")

# %%
# Test errors
# -----------
#
# The bars around the points are 1.96 standard errors: another test set of the same size could
# differ by that much.

figure, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
order = sorted(mistakes, key=mistakes.get, reverse=True)
share = np.array([mistakes[name] for name in order]) / len(y_test)
error = 1.96 * np.sqrt(share * (1 - share) / len(y_test))
colors = ["#0072B2" if name == "ShapeCNNClassifier" else "#555555" for name in order]
for place, (x, width, color) in enumerate(zip(share, error, colors, strict=True)):
    ax.errorbar(100 * x, place, xerr=100 * width, fmt="o", color=color, markersize=9, capsize=4)
ax.set(yticks=range(len(order)), yticklabels=order, xlabel="test error in %")
ax.set_xlim(left=0)
ax.margins(y=0.2)
ax.grid(axis="x", alpha=0.3)

# %%
# The convolutional network makes the fewest mistakes here. But it took by far the longest to fit,
# and the SVC is not far behind. On images as small and well centered as these, try an SVC first.
#
# The remaining mistakes
# ----------------------
#
# These are the mistakes of the convolutional network. Would you have recognized the digits?

cnn = classifiers["ShapeCNNClassifier"]
wrong = np.flatnonzero(cnn.predict(X_test) != y_test)[:12]
ImagesDisplay.from_estimator(cnn, X_test[wrong], y_test[wrong], n_columns=4)
plt.show()

# sphinx_gallery_thumbnail_number = 2
