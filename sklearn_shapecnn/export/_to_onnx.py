"""to_onnx: the public function, the metadata of the model, and models that take images."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

import sklearn_shapecnn
from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn.export._converter import register_converter
from sklearn_shapecnn.export._files import write_whole
from sklearn_shapecnn.export._pipelines import find_steps, simplify
from sklearn_shapecnn.export._skl2onnx import (
    check_converted_rightly,
    convert,
    explain,
    n_features_of,
)

if TYPE_CHECKING:
    import onnx


def to_onnx(
    estimator: Any, path: str | os.PathLike[str] | None = None, *, as_images: bool = False
) -> onnx.ModelProto:
    """Convert a fitted estimator, or a pipeline around one, to an ONNX model.

    The model has one input ``X``: float32 pixels of any number of images, on the same scale as in
    `fit`. A classifier has two outputs: ``label``, of int64 or strings, and ``probabilities``, of
    float32 and shape (n, n_classes), in the order of ``classes_``. If an image may have several
    labels, both have the shape (n, n_labels). A regressor has one output, ``variable``, of float32
    and shape (n, n_targets). The model itself centers and scales the pixels, and returns numbers on
    the scale of the targets.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier` or
        :class:`~sklearn_shapecnn.ShapeCNNRegressor`, a pipeline with one in it, a search over
        either, whose best estimator is exported, or any of these in a FrozenEstimator. All other
        steps need a converter in skl2onnx. A ShapeCNNClassifier that is not the last step
        gives features, as `transform` does.
    path : path-like, default=None
        File to write the model to. An existing file is replaced once the new one is complete.
    as_images : bool, default=False
        Whether the model takes images of shape (n, height, width), or (n, height, width, channels)
        if they have several channels, instead of rows of shape (n, n_features).

    Returns
    -------
    model : onnx.ModelProto
        The model, in opset 17. Its `metadata_props` hold ``classes`` and ``image_shape`` as JSON.

    Raises
    ------
    ImportError
        If the extra ``[onnx]`` is not installed.
    TypeError
        If `estimator` is not an estimator.
    NotFittedError
        If `estimator` is not fitted.
    OSError
        If the file cannot be written.
    ValueError
        If a step has no converter, if the labels are dates or durations, if `as_images` is True and
        a pipeline takes anything but the images of its network, or if the network is larger than
        the 2 GiB that ONNX allows.

    See Also
    --------
    sklearn_shapecnn.export.register_converter : Prepare skl2onnx for calling it yourself.

    Notes
    -----
    Labels that are bools or whole floats become int64. If the last step of a pipeline has no
    `predict_proba`, such as an SVC, the second output holds the scores of `decision_function`. The
    model does not check its input: for NaN or infinity, `predict` raises an error, but the model
    returns arbitrary values.

    Examples
    --------
    >>> import onnxruntime
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes, to_onnx
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=8, max_iter=2, random_state=0).fit(X, y)
    >>> model = to_onnx(clf)
    >>> session = onnxruntime.InferenceSession(model.SerializeToString())
    >>> label, probabilities = session.run(None, {"X": X[:5]})
    >>> bool((label == clf.predict(X[:5])).all()), probabilities.shape
    (True, (5, 3))
    """
    if not isinstance(estimator, BaseEstimator):
        raise TypeError(
            f"to_onnx takes a fitted ShapeCNNClassifier or ShapeCNNRegressor, or a pipeline or "
            f"search around one, but got {estimator!r}."
        )
    register_converter()
    check_is_fitted(estimator)
    if getattr(getattr(estimator, "classes_", None), "dtype", np.dtype(int)).kind in "mM":
        raise ValueError(
            "Labels in ONNX must be int64 or strings, but those of this classifier are dates or "
            "durations. Fit it with y.astype(str)."
        )
    steps = list(find_steps(estimator))
    simplified = simplify(estimator)
    check_converted_rightly(estimator)
    try:
        model = convert(simplified, steps)
    except Exception as error:  # skl2onnx raises whatever its converters run into
        raise explain(estimator, steps, error) from error

    ours = [step.estimator for step in steps if isinstance(step.estimator, ImageEstimator)]
    image_shape = ours[0].image_shape_ if ours else None
    _describe(model, getattr(estimator, "classes_", None), image_shape)
    if as_images:
        _take_images(model, simplified, image_shape)
    for value in (*model.graph.input, *model.graph.output):
        for dim in value.type.tensor_type.shape.dim[:1]:
            dim.dim_param = "n"
    if path is not None:
        write_whole(model.SerializeToString(deterministic=True), path)
    return model


def _describe(
    model: onnx.ModelProto, classes: Any, image_shape: tuple[int, int, int] | None
) -> None:
    """Store in a model where it comes from, its classes and the shape of its images."""
    from onnx import helper

    properties = {}
    if image_shape is not None:
        properties["image_shape"] = json.dumps(image_shape)
    if isinstance(classes, np.ndarray):
        properties["classes"] = json.dumps(classes.tolist())
    helper.set_model_props(model, properties)
    model.producer_name = "sklearn-shapecnn"
    model.producer_version = sklearn_shapecnn.__version__
    model.domain = ""
    model.doc_string = (
        "X: pixels in float32, on the same scale as in fit. label and probabilities, or variable: "
        "as predict and predict_proba of scikit-learn return them."
    )


def _take_images(
    model: onnx.ModelProto, estimator: Any, image_shape: tuple[int, int, int] | None
) -> None:
    """Let a model take images: a new first node flattens them to rows.

    Raises
    ------
    ValueError
        If the rows of the estimator are not images.
    """
    from onnx import helper, numpy_helper

    n_features = n_features_of(estimator)
    if image_shape is None or np.prod(image_shape) != n_features:
        raise ValueError(
            f"as_images=True needs an estimator for images, or a pipeline that passes whole images "
            f"to one, but this {type(estimator).__name__} takes {n_features} values that are not "
            f"the pixels of its network. Set as_images=False."
        )
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == "X":
                node.input[i] = "rows"
    rows_shape = numpy_helper.from_array(np.array([-1, n_features], dtype=np.int64), "rows_shape")
    model.graph.initializer.append(rows_shape)
    model.graph.node.insert(0, helper.make_node("Reshape", ["X", "rows_shape"], ["rows"], "Rows"))
    height, width, channels = image_shape
    shape = (height, width) if channels == 1 else (height, width, channels)
    tensor = helper.make_tensor_value_info("X", 1, [None, *shape])  # 1 is float32
    model.graph.input[0].CopyFrom(tensor)
