import numpy as np
import pytest
import sklearn
from agreement import CLOSE, assert_agrees, run, tiny
from packaging.version import Version
from scipy.special import softmax
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.validation import validate_data

from sklearn_shapecnn.export import to_onnx
from sklearn_shapecnn.export._graph import Graph

# Classifiers that give arrays, whether they have the option zipmap or not


class ClassMeans(ClassifierMixin, BaseEstimator):
    """Like one of another package: skl2onnx knows it as soon as it is registered."""

    def fit(self, X, y):
        X = validate_data(self, X)
        self.classes_ = np.unique(y)
        self.means_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict_proba(self, X):
        return softmax(np.asarray(X) @ self.means_.T, axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def set_shapes(operator):
    n = operator.inputs[0].get_first_dimension()
    operator.outputs[0].set_type(StringTensorType([n]))
    operator.outputs[1].set_type(FloatTensorType([n, len(operator.raw_operator.classes_)]))


def convert_means(scope, operator, container):
    graph = Graph(scope, container)
    means = operator.raw_operator
    scores = graph.add("MatMul", operator.inputs[0].full_name, graph.constant(means.means_.T))
    graph.add("Softmax", scores, output=operator.outputs[1].full_name, axis=1)
    best = graph.add("ArgMax", scores, axis=1, keepdims=0)
    labels = graph.labels(means.classes_)
    graph.add("Gather", labels, best, output=operator.outputs[0].full_name)


@pytest.mark.parametrize(
    "options", [None, {"nocl": [True, False]}, {"zipmap": [True, False, "columns"]}]
)
def test_a_classifier_of_another_package_gives_arrays(options, data):
    class Own(ClassMeans):
        """A new one for each test: skl2onnx keeps what is registered."""

    update_registered_converter(Own, "OwnClassMeans", set_shapes, convert_means, options=options)
    X, _ = data
    assert_agrees(Own().fit(*data), X)
    assert_agrees(make_pipeline(tiny(), Own()).fit(*data), X)


def test_a_linear_svc_gives_its_scores_as_an_array(data):
    X, y = data
    pipeline = make_pipeline(tiny(), LinearSVC()).fit(X, y)
    found = run(to_onnx(pipeline), X)
    assert list(found) == ["label", "probabilities"]
    scores = pipeline.decision_function(X)
    np.testing.assert_allclose(found["probabilities"], scores, rtol=CLOSE, atol=CLOSE)


# What cannot be exported


def brighten(X):
    return X + 1


def test_a_step_without_a_converter_is_named(data):
    X, y = data
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("lamp", FunctionTransformer(brighten)), ("cnn", tiny())]
    ).fit(X, y)
    message = r"step 'lamp' \(FunctionTransformer\) .* export the steps after it: .*pipeline\[2:\]"
    with pytest.raises(ValueError, match=message):
        to_onnx(pipeline)
    assert_agrees(pipeline[2:], brighten(pipeline[0].transform(X)))


class Reader(FunctionTransformer):
    """Like one that reads files: skl2onnx has never heard of it."""


def test_a_step_that_skl2onnx_does_not_know_is_named(data):
    X, y = data
    pipeline = Pipeline([("read", Reader(brighten)), ("cnn", tiny())]).fit(X, y)
    message = r"step 'read' \(Reader\) .*has no converter for it.*to_onnx\(pipeline\[1:\]\)"
    with pytest.raises(ValueError, match=message):
        to_onnx(pipeline)


def test_a_classifier_that_skl2onnx_does_not_know_is_named(data):
    pipeline = make_pipeline(tiny(), ClassMeans()).fit(*data)
    message = r"step 'classmeans' \(ClassMeans\) cannot be .*has no converter for it\.$"
    with pytest.raises(ValueError, match=message):
        to_onnx(pipeline)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (CalibratedClassifierCV(tiny(), cv=2, method="isotonic"), "use method='sigmoid'"),
        (CalibratedClassifierCV(make_pipeline(tiny()), cv=2), "the last step of the pipeline"),
        pytest.param(
            CalibratedClassifierCV(tiny(), cv=2, method="temperature"),
            "use method='sigmoid'",
            marks=pytest.mark.skipif(
                Version(sklearn.__version__) < Version("1.8"),
                reason="scikit-learn has it since 1.8",
            ),
        ),
        (TunedThresholdClassifierCV(tiny(), cv=2), "leaves out its threshold"),
        (
            OneVsRestClassifier(CalibratedClassifierCV(tiny(), cv=2, method="isotonic")),
            "use method='sigmoid'",
        ),
        (
            VotingClassifier(
                [
                    ("cnn", tiny()),
                    ("calibrated", CalibratedClassifierCV(make_pipeline(tiny()), cv=2)),
                ],
                flatten_transform=False,
            ),
            "the last step of the pipeline",
        ),
    ],
)
def test_what_would_answer_something_else_is_refused(estimator, message, few):
    with pytest.raises(ValueError, match=message):
        to_onnx(estimator.fit(*few))
