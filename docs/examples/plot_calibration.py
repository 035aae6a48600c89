"""
Can the probabilities be trusted?
=================================

A classifier that predicts a probability of 90% should be right nine times out of ten. A
calibration curve checks this: on the diagonal, the probabilities match the observed frequencies.
"""

# %%
# An ambiguous task
# -----------------
#
# Is the digit odd or even? We add so much noise to scikit-learn's digits that nobody could be sure
# about some of them.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, brier_score_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from sklearn_shapecnn import ImagesDisplay, ShapeCNNClassifier

X, digit = load_digits(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=6, size=X.shape)
y = np.where(digit % 2, "odd", "even")
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=digit, random_state=0
)
ImagesDisplay.from_predictions(X_test[:8], y_test[:8], n_columns=4)

# %%
# Three classifiers
# -----------------
#
# Naive Bayes treats pixels as independent, although neighbors have much in common. It is known for
# overconfident probabilities. The convolutional network comes in two versions: with the defaults,
# and with ``label_smoothing=0.1``, which spreads a tenth of each label over both classes. The Brier
# score is the mean squared difference between the probabilities and the truth. Lower is better.

classifiers = {
    "naive Bayes": GaussianNB(),
    "CNN": ShapeCNNClassifier(max_iter=10, random_state=0),
    "CNN, label_smoothing=0.1": ShapeCNNClassifier(
        label_smoothing=0.1, max_iter=10, random_state=0
    ),
}
probabilities = {}
for name, classifier in classifiers.items():
    classifier.fit(X_train, y_train)
    probabilities[name] = classifier.predict_proba(X_test)[:, 1]
    accuracy = accuracy_score(y_test, classifier.predict(X_test))
    brier = brier_score_loss(y_test, probabilities[name], pos_label="odd")
    print(f"{name}: accuracy {accuracy:.2f}, Brier score {brier:.3f}")

# %%
# The curves
# ----------
#
# The upper plot shows the fraction of odd digits among images with about the same predicted
# probability. The lower plots show how often each classifier predicted which probability.

figure = plt.figure(figsize=(6.4, 7), layout="constrained")
axes = figure.subplot_mosaic("AAA;AAA;AAA;BCD")
colors = ["#D55E00", "#0072B2", "#009E73"]
for (name, probability), color, marker, key in zip(
    probabilities.items(), colors, "so^", "BCD", strict=True
):
    CalibrationDisplay.from_predictions(
        y_test,
        probability,
        pos_label="odd",
        n_bins=7,
        strategy="quantile",
        name=name,
        ax=axes["A"],
        color=color,
        marker=marker,
    )
    axes[key].hist(probability, bins=15, range=(0, 1), color=color)
    axes[key].set_title(name.replace(", ", ",\n"), fontsize=9)
    axes[key].set(ylim=(0, 420), xticks=[0, 0.5, 1])
axes["A"].set(xlabel="probability of odd", ylabel="fraction of odd digits")
axes["B"].set_ylabel("images")
axes["C"].set_xlabel("probability of odd")
plt.show()

# %%
# Naive Bayes is overconfident, as expected. But so is the network with the defaults: it had few
# images, and they are hard. Label smoothing makes it more cautious. Here, this brings the curve
# closer to the diagonal and lowers the Brier score. It does not help everywhere: on easy tasks, it
# makes the network too cautious.

# sphinx_gallery_thumbnail_number = 2
