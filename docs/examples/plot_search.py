"""
Three ways to search
====================

Which parameters suit the images? ``GridSearchCV`` tries all combinations. ``HalvingRandomSearchCV``
stops candidates early if they do badly. Optuna (``pip install optuna``) tries next what looks good
so far. All three search the classifier's own search space here.
"""

# %%
# The task
# --------
#
# The training set has few shapes, some of them outlined. Another 500 images are held out from all
# searches and test the results in the end. To finish sooner, the networks are small and train for
# 15 epochs.

import matplotlib.pyplot as plt
import numpy as np
import optuna
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - imported for its effect
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    ParameterGrid,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)

from sklearn_shapecnn import ImagesDisplay, ShapeCNNClassifier, make_shapes

X, y = make_shapes(600, image_shape=(16, 16), size=(0.6, 0.9), filled=0.5, random_state=0)
X, X_test, y, y_test = train_test_split(X, y, train_size=100, stratify=y, random_state=0)
classifier = ShapeCNNClassifier(n_filters=(8, 16), max_iter=15, random_state=0)
folds = StratifiedKFold(2, shuffle=True, random_state=0)
ImagesDisplay.from_predictions(X[:8], n_columns=4)

# %%
# The search space
# ----------------
#
# The search space lists the values that are worth trying, the defaults first. It is a dict, so we
# can remove what does not suit the small networks of this page.

space = ShapeCNNClassifier.search_space()
del space["n_filters"]
for name, values in space.items():
    print(name, values)

combinations = list(ParameterGrid(space))

# %%
# All combinations
# ----------------
#
# There are eight combinations, each with two folds and 15 epochs.

grid = GridSearchCV(classifier, space, cv=folds).fit(X, y)
print(grid.best_params_)

# %%
# Halving
# -------
#
# All candidates start with 5 epochs, and the best third continues with 15. The resource is
# ``max_iter``, the number of epochs.

halving = HalvingRandomSearchCV(
    classifier,
    space,
    n_candidates=len(combinations),
    resource="max_iter",
    min_resources=5,
    max_resources=15,
    cv=folds,
    random_state=0,
).fit(X, y)
print(halving.best_params_)
for n_candidates, n_epochs in zip(halving.n_candidates_, halving.n_resources_, strict=True):
    print(f"{n_candidates} candidates with {n_epochs} epochs")

# %%
# Optuna
# ------
#
# Optuna chooses an index into each list, because it does not accept lists as values. Its first ten
# trials are random, and we only run five, to show how to use it. Optuna learns from its trials in
# longer studies.

optuna.logging.set_verbosity(optuna.logging.WARNING)


def parameters_of(trial):
    return {
        name: values[trial.suggest_categorical(name, range(len(values)))]
        for name, values in space.items()
    }


def score(trial):
    candidate = clone(classifier).set_params(**parameters_of(trial))
    return cross_val_score(candidate, X, y, cv=folds).mean()


study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(score, n_trials=5)
print(parameters_of(study.best_trial))

# %%
# What the searches tried
# -----------------------
#
# Each row is a combination of ``augment`` and ``alpha``, with its accuracy in cross-validation. The
# small circles are the first round of halving, where 5 epochs tell less than 15.

figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
rows = [combinations.index(parameters) for parameters in grid.cv_results_["params"]]
ax.plot(grid.cv_results_["mean_test_score"], rows, "o", color="#0072B2", label="GridSearchCV")

results = halving.cv_results_
rows = [
    combinations.index({name: parameters[name] for name in space})
    for parameters in results["params"]
]
ax.scatter(
    results["mean_test_score"],
    np.array(rows) + 0.18,
    s=4 * results["n_resources"],
    facecolors="none",
    edgecolors="#D55E00",
    label="HalvingRandomSearchCV",
)
rows = [combinations.index(parameters_of(trial)) for trial in study.trials]
ax.plot(
    [trial.value for trial in study.trials],
    np.array(rows) - 0.18,
    "x",
    color="#009E73",
    label="Optuna",
)
ax.set(xlabel="accuracy in cross-validation", yticks=range(len(combinations)))
ax.set_yticklabels([f"{values['augment']}, {values['alpha']}" for values in combinations])
ax.invert_yaxis()
ax.grid(axis="x", alpha=0.3)
figure.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# Accuracy and cost
# -----------------
#
# We compare the accuracy on the held-out images and the number of epochs that each search took.

best = clone(classifier).set_params(**parameters_of(study.best_trial)).fit(X, y)
n_folds = folds.get_n_splits()
epochs = {
    "no search": 0,
    "GridSearchCV": 15 * n_folds * len(combinations),
    "HalvingRandomSearchCV": n_folds * np.dot(halving.n_candidates_, halving.n_resources_),
    "Optuna": 15 * n_folds * len(study.trials),
}
fitted = [classifier.fit(X, y), grid, halving, best]
for (name, n_epochs), classifier_found in zip(epochs.items(), fitted, strict=True):
    print(f"{name}: {classifier_found.score(X_test, y_test):.1%} after {n_epochs} epochs")

# %%
# All three searches improve on the defaults. Which one is best is luck, though. With folds of 50
# images, an accuracy in cross-validation can be off by several percent, and the best candidates in
# the figure are practically equal. More images or more folds would tell them apart; more trials
# would not.

# sphinx_gallery_thumbnail_number = 2
