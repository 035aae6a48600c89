"""X_val and y_val: images of the user's to score each epoch on."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from helpers import small_classifier, small_regressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_shapecnn import make_shapes

NAMES = np.array(["triangle", "circle", "rectangle"])
shapes = make_shapes(90, image_shape=(12, 12), return_X_y=False, random_state=0)
X, y, centers = shapes.data, NAMES[shapes.target], shapes.centers
labels = np.column_stack([y == name for name in NAMES]).astype(int)
train, val = slice(0, 60), slice(60, 90)


@pytest.mark.parametrize(
    ("make", "targets"),
    [(small_classifier, y), (small_classifier, labels), (small_regressor, centers)],
    ids=["classes", "labels", "numbers"],
)
def test_each_epoch_is_scored_on_them(make, targets):
    model = make(early_stopping=True).fit(
        X[train], targets[train], X_val=X[val], y_val=targets[val]
    )
    assert len(model.validation_scores_) == 3
    # The best epoch was kept, and its score is the one on these very images.
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(X[val], targets[val]) == pytest.approx(model.best_validation_score_)
    other = make(early_stopping=True).fit(
        X[train], targets[train], X_val=X[val], y_val=targets[val]
    )
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_all_other_images_are_learned_from():
    plain = small_classifier(max_iter=1).fit(X[train], y[train])
    watched = small_classifier(max_iter=1, early_stopping=True)
    watched.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    np.testing.assert_array_equal(plain.predict_proba(X), watched.predict_proba(X))


def test_weights_of_validation_images():
    clf = small_classifier(early_stopping=True)
    weights = np.r_[np.zeros(20), np.ones(10)]
    clf.fit(X[train], y[train], X_val=X[val], y_val=y[val], sample_weight_val=weights)
    score = clf.score(X[80:90], y[80:90])
    assert clf.best_validation_score_ == pytest.approx(score)


def test_class_weight_does_not_change_the_score():
    clf = small_classifier(early_stopping=True, class_weight="balanced")
    clf.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    assert clf.score(X[val], y[val]) == pytest.approx(clf.best_validation_score_)


def test_a_fit_may_follow_one_with_other_classes():
    clf = small_classifier(early_stopping=True).fit(X, shapes.target)
    clf.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    assert set(clf.classes_) == set(NAMES)


def test_images_in_another_form():
    clf = small_classifier(early_stopping=True)
    clf.fit(X[train], y[train], X_val=shapes.images[val], y_val=y[val].tolist())
    other = small_classifier(early_stopping=True)
    other.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    assert clf.validation_scores_ == other.validation_scores_


def test_a_pipeline_transforms_them():
    with sklearn.config_context(enable_metadata_routing=True):
        clf = small_classifier(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), clf, transform_input=["X_val"])
        pipeline.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    score = pipeline.score(X[val], y[val])
    assert pipeline[-1].best_validation_score_ == pytest.approx(score)


def test_a_search_hands_them_on():
    search = GridSearchCV(small_classifier(early_stopping=True), {"alpha": [0, 0.1]}, cv=2)
    search.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    best = search.best_estimator_
    assert best.score(X[val], y[val]) == pytest.approx(best.best_validation_score_)


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"),
    [
        ({}, {"X_val": X[val]}, "y_val is missing: pass X_val and y_val together"),
        ({}, {"y_val": y[val]}, "X_val is missing: pass"),
        ({}, {"sample_weight_val": np.ones(30)}, "X_val is missing: pass"),
        (
            {"early_stopping": False},
            {"X_val": X[val], "y_val": y[val]},
            "early_stopping is False, so nothing would be scored .* Set early_stopping=True",
        ),
        (
            {},
            {"X_val": X[val], "y_val": np.repeat("star", 30)},
            r"In X_val, y_val: y holds 'star', which is not among the classes .* add images",
        ),
        ({}, {"X_val": X[val], "y_val": y[:29]}, "In X_val, y_val: .* inconsistent numbers"),
        ({}, {"X_val": X[val, :100], "y_val": y[val]}, "In X_val, y_val: X has 100 features"),
        ({}, {"X_val": X[val], "y_val": labels[val]}, "In X_val, y_val: "),
    ],
)
def test_what_cannot_be_scored_on_is_refused(parameters, arguments, message):
    clf = small_classifier(**{"early_stopping": True} | parameters)
    with pytest.raises(ValueError, match=message):
        clf.fit(X[train], y[train], **arguments)
    assert not hasattr(clf, "net_")


@pytest.mark.parametrize(
    ("make", "known", "given", "message"),
    [
        (
            small_classifier,
            labels,
            labels[:, :2],
            r"y has shape \(30, 2\), but needs a column for each of the 3",
        ),
        (small_regressor, centers, centers[:, 0], "y has 1 targets per image, but 2"),
        (small_regressor, centers, centers[:, :, None], "In X_val, y_val: y must be of shape"),
    ],
)
def test_targets_of_another_shape_are_refused(make, known, given, message):
    with pytest.raises(ValueError, match=message):
        make(early_stopping=True).fit(X[train], known[train], X_val=X[val], y_val=given[val])


def test_another_scale_is_told():
    with pytest.warns(UserWarning, match=r"The pixels of X_val range .* pass X_val / 255\."):
        small_classifier(early_stopping=True).fit(
            X[train], y[train], X_val=(255 * X[val]).astype(np.uint8), y_val=y[val]
        )


def test_columns_in_another_order_are_refused():
    frame, frame_val = (pd.DataFrame(X[part]).add_prefix("pixel") for part in (train, val))
    clf = small_classifier(early_stopping=True)
    with pytest.raises(ValueError, match=r"In X_val, y_val: the columns have other names or"):
        clf.fit(frame, y[train], X_val=frame_val.iloc[:, ::-1], y_val=y[val])
    clf.fit(frame, y[train], X_val=frame_val, y_val=y[val])
    scores = clf.validation_scores_
    # Without names, columns are taken as they come.
    assert clf.fit(frame, y[train], X_val=X[val], y_val=y[val]).validation_scores_ == scores


def test_one_label_for_several_is_refused():
    clf = small_classifier(early_stopping=True)
    with pytest.raises(ValueError, match=r"y has shape \(30,\), but needs a column for each of"):
        clf.fit(X[train], labels[train], X_val=X[val], y_val=labels[val, 0])


@pytest.mark.parametrize(
    ("rows", "weights", "targets"),
    [
        ([0], None, [1.0]),
        ([0, 0], None, [1.0, 1.0]),
        ([0, 1], [1.0, 0.0], [1.0, 2.0]),
        ([0, 1, 2], None, [1.0, 1.0, 1.0]),
    ],
    ids=["one image", "one image twice", "one of weight", "equal targets"],
)
def test_numbers_without_a_score_are_refused(rows, weights, targets):
    reg = small_regressor(early_stopping=True)
    with pytest.raises(ValueError, match="In X_val, y_val: R2 is not defined"):
        reg.fit(
            *(X[train], centers[train, 0]),
            X_val=X[val][rows],
            y_val=targets,
            sample_weight_val=weights,
        )
