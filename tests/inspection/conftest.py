import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import small_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_shapecnn import ShapeCNNClassifier


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def fitted(shapes):
    """A classifier fitted on `shapes`."""
    return ShapeCNNClassifier(max_iter=8, random_state=0).fit(*shapes)


@pytest.fixture(scope="session")
def colored():
    """A classifier that tells color images with a red square from those without; X, y."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.integers(0, 100, size=(60, 11, 14, 3), dtype=np.uint8)
    X[y == 1, 2:6, 8:12, 0] += 150  # the one class has a red square
    clf = ShapeCNNClassifier(max_iter=10, augment=None, random_state=0).fit(X, y)
    assert clf.score(X, y) == 1
    return clf, X, y


@pytest.fixture(scope="session", params=["gray", "color"])
def task(request):
    """A fitted classifier, X in its own form, y."""
    rng = np.random.default_rng(0)
    y = np.array(["dark", "light"])[np.arange(40) % 2]
    shape = (40, 64) if request.param == "gray" else (40, 9, 12, 3)
    X = rng.integers(0, 100, size=shape, dtype=np.uint8)
    X[y == "light"] += 90
    clf = ShapeCNNClassifier(max_iter=3, early_stopping=True, random_state=0)
    return clf.fit(X, y), X, y


@pytest.fixture(scope="session")
def pipeline(few):
    """A pipeline around a classifier, fitted on `few`."""
    return make_pipeline(MinMaxScaler(), small_classifier(max_iter=1)).fit(*few)


@pytest.fixture(
    params=["frozen classifier", "frozen pipeline", "frozen in a search", "frozen search"]
)
def frozen(request, few, pipeline):
    """An estimator with a FrozenEstimator, and one that predicts the same without it."""
    if request.param == "frozen classifier":
        return FrozenEstimator(pipeline[-1]), pipeline[-1]
    if request.param == "frozen pipeline":
        return FrozenEstimator(pipeline), pipeline
    inside = make_pipeline(MinMaxScaler(), FrozenEstimator(pipeline[-1]))
    search = GridSearchCV(inside, {"minmaxscaler__clip": [False, True]}, cv=2).fit(*few)
    return (search if request.param == "frozen in a search" else FrozenEstimator(search)), pipeline
