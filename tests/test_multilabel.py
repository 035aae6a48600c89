"""Several labels an image: what ShapeCNNClassifier makes of a matrix of 0 and 1."""

import pickle
import warnings

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from helpers import small_classifier
from scipy.sparse import csr_array, csr_matrix
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, multilabel_confusion_matrix
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from skorch.callbacks import Callback

from sklearn_shapecnn import (
    ImagesDisplay,
    SaliencyDisplay,
    ShapeCNNClassifier,
    make_multilabel_shapes,
    to_onnx,
)
from sklearn_shapecnn.inspection import saliency, shift_probabilities

KINDS = ("triangle", "circle", "rectangle")


@pytest.fixture(scope="module")
def data():
    """Thirty images with 0 to 3 bright quarters: X, Y."""
    rng = np.random.default_rng(0)
    Y = rng.integers(0, 2, (30, 3))
    Y[:2] = [[0, 0, 0], [1, 1, 1]]
    X = rng.uniform(0, 0.3, (30, 8, 8))
    X[:, :4, :4] += Y[:, 0, None, None]
    X[:, :4, 4:] += Y[:, 1, None, None]
    X[:, 4:, 4:] += Y[:, 2, None, None]
    return X.reshape(30, 64).astype(np.float32), Y


@pytest.fixture(scope="module")
def fitted(data):
    return small_classifier(max_iter=40).fit(*data)


@pytest.mark.slow
def test_kinds_of_shapes_are_found():
    X, Y = make_multilabel_shapes(700, image_shape=(32, 32), size=(0.3, 0.5), random_state=0)
    clf = ShapeCNNClassifier(random_state=0).fit(X[:500], Y[:500])
    assert clf.score(X[500:], Y[500:]) > 0.8  # always the most frequent set of labels: 0.25


def test_what_it_gives_is_what_scikit_learns_network_gives(data, fitted):
    X, Y = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ten iterations are few
        mlp = MLPClassifier(max_iter=10, random_state=0).fit(X, Y)
    for method in ("predict", "predict_proba"):
        ours, theirs = getattr(fitted, method)(X), getattr(mlp, method)(X)
        assert ours.shape == theirs.shape
        assert ours.dtype.kind == theirs.dtype.kind
    np.testing.assert_array_equal(fitted.classes_, mlp.classes_)
    assert fitted.n_outputs_ == mlp.n_outputs_ == 3
    assert get_tags(fitted).classifier_tags.multi_label
    assert fitted.score(X, Y) == accuracy_score(Y, fitted.predict(X)) > 0.9


def test_scores_probabilities_and_labels_agree(data, fitted):
    X, _ = data
    scores, probabilities = fitted.decision_function(X), fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities, expit(scores))
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities), atol=1e-12)
    np.testing.assert_array_equal(fitted.predict(X), scores > 0)
    assert multilabel_confusion_matrix(data[1], fitted.predict(X)).shape == (3, 2, 2)


@pytest.mark.parametrize(
    "as_form",
    [csr_matrix, csr_array, pd.DataFrame, np.ndarray.tolist, lambda Y: Y.astype(bool), np.float64],
    ids=["csr_matrix", "csr_array", "frame", "list", "bool", "float"],
)
def test_any_form_of_the_matrix_is_the_same(data, as_form):
    X, Y = data
    one, other = small_classifier().fit(X, Y), small_classifier().fit(X, as_form(Y))
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.score(X, as_form(Y)) == one.score(X, Y)


def test_a_weight_of_two_is_the_image_given_twice(data):
    X, Y = data
    weights = np.arange(30) % 3
    one = small_classifier().fit(X, Y, weights)
    times = np.repeat(np.arange(30), weights)
    other = small_classifier().fit(X[times], Y[times])
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_equal_images_with_other_labels_stay_apart():
    X, Y = np.zeros((4, 16)), [[0, 1], [0, 1], [1, 1], [1, 0]]
    X[3] = 1
    clf = ShapeCNNClassifier(n_filters=4, max_iter=200, random_state=0, augment=None)
    clf.fit(X, Y)
    # Of three images that look the same, one has the first label and all have the second one.
    np.testing.assert_allclose(clf.predict_proba(X)[0], [1 / 3, 1], atol=0.15)


def test_labels_of_no_image_and_of_every_image(data):
    X, Y = data
    Y = np.column_stack((Y, np.zeros(30), np.ones(30))).astype(int)
    told = "no image has the label 3 and every image has the label 4"
    with pytest.warns(UserWarning, match=told):
        clf = small_classifier(max_iter=40).fit(X, Y)
    assert (clf.predict(X)[:, 3:] == [0, 1]).all()
    with pytest.warns(UserWarning, match="no image has"):
        clf = small_classifier().fit(X, np.zeros((30, 2), dtype=int))
    assert clf.predict(X).sum() == 0


def test_class_weight_of_each_label():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(200, 36)).astype(np.float32)  # noise: only how frequent labels are counts
    Y = np.column_stack((rng.random(200) < 0.1, rng.random(200) < 0.1)).astype(int)

    def mean_probabilities(class_weight):
        clf = ShapeCNNClassifier(
            n_filters=4, weights=None, alpha=1.0, max_iter=6, class_weight=class_weight,
            random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it learns next to nothing, as it should
            return clf.fit(X, Y).predict_proba(X).mean(axis=0)

    plain = mean_probabilities(None)
    balanced = mean_probabilities("balanced")
    np.testing.assert_allclose(balanced, 0.5, atol=0.15)
    assert (plain < 0.3).all()
    first = mean_probabilities([{0: 1, 1: 9}, {0: 1, 1: 1}])
    assert first[0] > 0.35 > first[1]
    np.testing.assert_allclose(mean_probabilities({0: 1, 1: 9}), balanced, atol=0.1)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ([{0: 1, 1: 2}], "holds 1 dicts, but y has 3 labels"),
        ({2: 1}, "absence and presence"),
        ([1, 2, 3], "absence and presence"),
        ({1: -1}, "not negative"),
        ({1: "heavy"}, "class_weight"),
        ({0: 0, 1: 0}, "no label with a weight"),
    ],
)
def test_class_weights_that_cannot_be(data, class_weight, message):
    with pytest.raises(ValueError, match=message):
        small_classifier(class_weight=class_weight).fit(*data)


def test_a_list_of_class_weights_needs_several_labels(few):
    with pytest.raises(ValueError, match="list of dicts"):
        small_classifier(class_weight=[{0: 1}, {1: 1}]).fit(*few)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda Y: Y + 1, "holds 2"),
        (lambda Y: Y * 0.5, "holds 0.5"),
        (lambda Y: np.where(Y == 1, np.nan, 0.0), "NaN"),
        (lambda Y: Y[:20], "inconsistent numbers of samples"),
        (lambda Y: np.where(Y, "yes", "no"), "MultiLabelBinarizer"),
        (lambda Y: csr_matrix(2 * Y), "holds 2"),
        (lambda Y: Y[:, 0][None], "ravel"),
    ],
)
def test_matrices_that_are_no_indicators(data, change, message):
    X, Y = data
    with pytest.raises(ValueError, match=message):
        small_classifier().fit(X, change(Y))


def test_partial_fit_and_warm_start_go_on(data):
    X, Y = data
    clf = small_classifier().partial_fit(X[:10], Y[:10]).partial_fit(X[10:], Y[10:])
    assert len(clf.loss_curve_) == 2
    with pytest.raises(ValueError, match="classes"):
        clf.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="classes changed"):
        clf.partial_fit(X, Y[:, :2])
    with pytest.raises(ValueError, match="y changed from 'several labels"):
        clf.partial_fit(X, [0, 1, 2] * 10)
    warm = small_classifier(warm_start=True).fit(X, Y).fit(X, Y)
    assert len(warm.loss_curve_) == 6
    with pytest.raises(ValueError, match="one label per image"):
        warm.fit(X, [0, 1, 2] * 10)


def test_early_stopping_scores_all_labels_at_once(data):
    X, Y = data
    clf = small_classifier(early_stopping=True, validation_fraction=0.3, max_iter=20).fit(X, Y)
    assert all(round(9 * score, 6) % 1 == 0 for score in clf.validation_scores_)
    assert clf.best_validation_score_ == max(clf.validation_scores_)


def test_callbacks_see_the_training(data):
    seen = []

    class Look(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.history[-1, "valid_acc"])

    clf = small_classifier(early_stopping=True, callbacks=[Look()]).fit(*data)
    assert seen == clf.validation_scores_


def test_copies_and_files_predict_the_same(data, fitted):
    X, Y = data
    twin = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(twin.predict_proba(X), fitted.predict_proba(X))
    twin.partial_fit(X, Y)
    other = clone(fitted).set_params(weights=fitted, max_iter=1)
    assert sum(other.fit(X, Y).n_pretrained_filters_) == 12


def test_features_and_displays(data, fitted):
    X, _ = data
    assert fitted.transform(X).shape == (30, 88)
    of_first = saliency(fitted, X[:4], target=0, method="occlusion")
    of_each = saliency(fitted, X[:4], target=[0, 1, 2, 0], method="occlusion")
    np.testing.assert_array_equal(of_first[[0, 3]], of_each[[0, 3]])
    assert (of_first[1] != of_each[1]).any()
    with pytest.raises(ValueError, match="none of the classes"):
        saliency(fitted, X[:4], target=3)
    display = SaliencyDisplay.from_estimator(fitted, X[:2])
    assert display.axes_.shape == (2, 2)
    plt.close("all")
    shifted = shift_probabilities(fitted, X[:2], max_shift=1)
    assert shifted.probabilities.shape == (2, 3, 3, 3)
    assert 0 < shifted.same_label <= 1


@pytest.mark.parametrize(("label", "quarter"), [(0, 0), (1, 1), (2, 3)])
def test_saliency_is_where_the_label_shows(data, fitted, label, quarter):
    X, Y = data
    shown = saliency(fitted, X[Y[:, label] == 1], target=label, method="occlusion", window=4)
    assert shown.reshape(-1, 2, 4, 2, 4).mean(axis=(0, 2, 4)).argmax() == quarter


def test_onnx_answers_the_same(data, fitted):
    X, _ = data
    pipeline = make_pipeline("passthrough", fitted)
    for estimator in (fitted, pipeline):
        session = onnxruntime.InferenceSession(to_onnx(estimator).SerializeToString())
        label, probabilities = session.run(None, {"X": X})
        np.testing.assert_array_equal(label, fitted.predict(X))
        np.testing.assert_allclose(probabilities, fitted.predict_proba(X), atol=1e-5)


def test_searches_and_cross_validation(data):
    X, Y = data
    probabilities = cross_val_predict(small_classifier(), X, Y, cv=2, method="predict_proba")
    assert probabilities.shape == (30, 3)
    for scoring in ("f1_macro", "roc_auc"):
        search = GridSearchCV(small_classifier(), {"alpha": [0.01, 0.1]}, scoring=scoring, cv=2)
        assert np.isfinite(search.fit(X, Y).cv_results_["mean_test_score"]).all()


def test_meta_estimators(data, fitted):
    X, Y = data
    each = MultiOutputClassifier(small_classifier()).fit(X, Y)
    assert each.predict(X).shape == (30, 3)
    calibrated = CalibratedClassifierCV(small_classifier(), cv=2)
    assert len(MultiOutputClassifier(calibrated).fit(X, Y).predict_proba(X)) == 3
    importance = permutation_importance(fitted, X, Y, n_repeats=1, random_state=0)
    assert importance.importances_mean.shape == (64,)


def test_a_chain_sees_the_image_and_the_labels_before(data):
    X, Y = data
    image = ColumnTransformer(
        [("image", small_classifier(image_shape=(8, 8)), slice(0, 64))], remainder="passthrough"
    )
    chain = ClassifierChain(make_pipeline(image, LogisticRegression(C=0.1))).fit(X, Y)
    assert chain.predict(X).shape == (30, 3)
    assert chain.score(X, Y) > 0.5


def test_smoothed_labels_are_learned_too(data):
    X, Y = data
    clf = small_classifier(label_smoothing=0.2, max_iter=60, learning_rate_init=0.02).fit(X, Y)
    assert clf.score(X, Y) > 0.8
    assert 0.7 < clf.predict_proba(X)[Y == 1].mean() < 0.97


def test_labels_as_floats_are_shown_as_labels(data, fitted):
    X, Y = data
    titles = [
        [ax.get_title() for ax in ImagesDisplay.from_estimator(fitted, X[:8], each).axes_]
        for each in (Y[:8].astype(float), Y[:8].astype(int))
    ]
    assert titles[0] == titles[1]
    plt.close("all")


def test_the_label_that_is_named_is_the_one_that_is_explained(data, fitted):
    X, Y = data
    clf = pickle.loads(pickle.dumps(fitted))
    with torch.no_grad():  # so sure that both probabilities are exactly 1
        clf.net_.module_.head.output.bias.copy_(torch.tensor([400.0, 450.0, 0.0]))
    clf.net_._plan = None
    assert (clf.predict_proba(X[:2])[:, :2] == 1).all()
    display = SaliencyDisplay.from_estimator(clf, X[:2])
    np.testing.assert_array_equal(display.labels, [1, 1])
    np.testing.assert_array_equal(display.saliency, saliency(clf, X[:2], target=1))
    assert len(SaliencyDisplay.from_estimator(clf, X[:2], Y[:2], target=1.0).axes_)
    plt.close("all")


def test_the_default_device_does_not_matter_for_class_weights(data):
    X, Y = data
    expected = small_classifier(class_weight="balanced").fit(X, Y).predict_proba(X)
    with torch.device("meta"):
        found = small_classifier(class_weight="balanced").fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


def test_huge_class_weights_in_a_stream(data):
    X, Y = data
    plain, huge = (
        small_classifier(class_weight={0: w, 1: w}).partial_fit(X, Y) for w in (1.0, 1.5e308)
    )
    assert huge.loss_curve_ == pytest.approx(plain.loss_curve_)
