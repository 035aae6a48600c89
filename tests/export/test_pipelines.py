import re

import numpy as np
import pytest
from agreement import assert_agrees, run, tiny
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

from sklearn_shapecnn.export import to_onnx


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), tiny()),
        make_pipeline(MinMaxScaler(), PCA(25), tiny()),
        make_pipeline(tiny(), SVC()),
        make_pipeline(tiny(), LinearSVC()),
        make_pipeline(tiny(), KNeighborsClassifier()),
        make_pipeline(StandardScaler(), tiny(), StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), make_pipeline(tiny(), LogisticRegression())),
        make_pipeline(make_union(tiny(), PCA(3)), LogisticRegression()),
        make_pipeline(
            ColumnTransformer(
                [
                    ("pixels", tiny(image_shape=(7, 8)), slice(0, 56)),
                    ("numbers", StandardScaler(), slice(56, 64)),
                ]
            ),
            LogisticRegression(),
        ),
        Pipeline(
            [("a", "passthrough"), ("b", None), ("c", FunctionTransformer()), ("cnn", tiny())]
        ),
        GridSearchCV(tiny(), {"kernel_size": [1, 3]}, cv=2),
        GridSearchCV(
            make_pipeline(StandardScaler(), tiny()), {"shapecnnclassifier__kernel_size": [3]}, cv=2
        ),
        make_pipeline(
            StandardScaler(), RandomizedSearchCV(tiny(), {"kernel_size": [3]}, n_iter=1, cv=2)
        ),
        CalibratedClassifierCV(tiny(), cv=2),
        make_pipeline(StandardScaler(), CalibratedClassifierCV(tiny(), cv=2)),
        VotingClassifier(
            [("cnn", tiny()), ("linear", LogisticRegression())],
            voting="soft",
            flatten_transform=False,
        ),
        StackingClassifier([("cnn", tiny()), ("linear", LogisticRegression())], cv=2),
    ],
    ids=lambda estimator: re.sub(r"\s+", " ", str(estimator))[:60],
)
def test_pipelines_and_searches_agree(estimator, data):
    assert_agrees(estimator.fit(*data), data[0])


def test_two_classes_are_calibrated_by_the_decision_function(few):
    X, y = few
    assert_agrees(CalibratedClassifierCV(tiny(), cv=2).fit(X, y), X)


def test_a_sampler_of_imbalanced_learn_is_left_out(data):
    X, y = data
    pipeline = make_imbalanced_pipeline(StandardScaler(), RandomOverSampler(random_state=0), tiny())
    assert_agrees(pipeline.fit(X[:50], y[:50]), X)


def test_frozen_classifiers(fitted, data):
    X, y = data
    frozen = FrozenEstimator(fitted)
    found = run(to_onnx(frozen), X)
    np.testing.assert_array_equal(found["label"], fitted.predict(X))
    assert_agrees(make_pipeline(frozen, LogisticRegression()).fit(X, y), X)


def test_a_search_without_a_best_estimator(data):
    search = GridSearchCV(tiny(), {"kernel_size": [3]}, cv=2, refit=False).fit(*data)
    with pytest.raises(ValueError, match="kept no fitted estimator: set refit=True"):
        to_onnx(search)
