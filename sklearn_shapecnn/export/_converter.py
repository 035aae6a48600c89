"""The converters of our estimators, which skl2onnx calls to get outputs, shapes and nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn._compat import parse_classifier
from sklearn_shapecnn._estimator import ImageEstimator
from sklearn_shapecnn.classifier import ShapeCNNClassifier
from sklearn_shapecnn.export._graph import Graph
from sklearn_shapecnn.export._nodes import add_last_features, add_linear
from sklearn_shapecnn.regressor import ShapeCNNRegressor

# The names of the converters in skl2onnx.
ALIAS, REGRESSOR_ALIAS = "ShapeCNNClassifier", "ShapeCNNRegressor"
MOST_BYTES = 2**31 - 2**20  # a protobuf file has at most 2 GiB; leave 1 MiB for all but the weights
# The options of skl2onnx's own classifiers, and one more.
OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
    "raw_scores": [True, False],
    "features": [True, False],
}


def register_converter() -> None:
    """Tell skl2onnx how to convert a ShapeCNNClassifier.

    :func:`~sklearn_shapecnn.to_onnx` does this for you. Call this function only before you call
    ``skl2onnx.to_onnx`` yourself, to convert ShapeCNNClassifiers and pipelines that end in one. The
    options ``zipmap``, ``nocl``, ``output_class_labels`` and ``raw_scores`` mean the same as for
    scikit-learn's classifiers. The option ``features`` replaces labels and probabilities with the
    output of `transform`.

    Raises
    ------
    ImportError
        If the extra ``[onnx]`` is not installed.

    See Also
    --------
    sklearn_shapecnn.to_onnx : Convert a fitted classifier, or a pipeline around one, to an ONNX
        model.

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.export import register_converter
    >>> X, y = make_shapes(60, image_shape=(24, 24), random_state=0)
    >>> clf = ShapeCNNClassifier(n_filters=8, max_iter=2, random_state=0).fit(X, y)
    >>> register_converter()
    >>> model = skl2onnx.to_onnx(clf, X[:1], options={"zipmap": False})
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    try:
        import onnx  # noqa: F401
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "Exporting to ONNX needs onnx and skl2onnx: pip install onnx skl2onnx onnxruntime"
        ) from error
    update_registered_converter(
        ShapeCNNClassifier,
        ALIAS,
        _set_output_shapes,
        _add_nodes,
        parser=_declare_outputs,
        options=OPTIONS,
    )
    update_registered_converter(
        ShapeCNNRegressor, REGRESSOR_ALIAS, _set_regressor_shape, _add_regressor_nodes
    )


def _declare_outputs(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare only the features, or labels and probabilities."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    wants_features = scope.get_options(model, {"features": False})["features"]
    if not wants_features and not model._has_labels:
        return parse_classifier(scope, model, inputs, custom_parsers)
    operator = scope.declare_local_operator(ALIAS, model)
    operator.inputs = list(inputs)
    # skl2onnx has no declaration for several labels per image.
    outputs = {"features": FloatTensorType()}
    if not wants_features:
        outputs = {"label": Int64TensorType(), "probabilities": FloatTensorType()}
    for name, kind in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _set_output_shapes(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    classifier = operator.raw_operator
    n_images = operator.inputs[0].get_first_dimension()
    if len(operator.outputs) == 1:
        n_features = classifier.net_.module_.n_last_features
        operator.outputs[0].set_type(FloatTensorType([n_images, n_features]))
        return
    if classifier._has_labels:
        operator.outputs[0].set_type(Int64TensorType([n_images, classifier.n_outputs_]))
    else:
        calculate_linear_classifier_output_shapes(operator)
    operator.outputs[1].set_type(FloatTensorType([n_images, len(classifier.classes_)]))


def _add_nodes(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes from pixels to features, or to labels and probabilities."""
    from skl2onnx.common.utils_classifier import get_label_classes

    classifier = operator.raw_operator
    graph = Graph(scope, container)
    features = _add_features(graph, operator)
    if len(operator.outputs) == 1:
        graph.add("Identity", features, output=operator.outputs[0].full_name)
        return
    scores = add_linear(graph, features, classifier.net_.module_.head.output)
    is_raw = container.get_options(classifier, {"raw_scores": False})["raw_scores"]
    if classifier._has_labels:
        label, probabilities = (output.full_name for output in operator.outputs)
        is_there = graph.add("Greater", scores, graph.constant(0.0))
        graph.add("Cast", is_there, output=label, to=7)  # onnx.TensorProto.INT64
        graph.add("Identity" if is_raw else "Sigmoid", scores, output=probabilities)
        return
    best = graph.add("ArgMax", scores, axis=1, keepdims=0)  # softmax may make two scores equal
    labels = graph.labels(get_label_classes(scope, classifier))
    label, probabilities = (output.full_name for output in operator.outputs)
    graph.add("Gather", labels, best, output=label)
    if not is_raw:
        graph.add("Softmax", scores, output=probabilities, axis=1)
    elif len(classifier.classes_) == 2:  # as skl2onnx does: minus and plus the decision function
        differences = graph.constant([[1, -1], [-1, 1]])
        graph.add("MatMul", scores, differences, output=probabilities)
    else:
        graph.add("Identity", scores, output=probabilities)


def _set_regressor_shape(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType

    n_images = operator.inputs[0].get_first_dimension()
    operator.outputs[0].set_type(FloatTensorType([n_images, operator.raw_operator.n_outputs_]))


def _add_regressor_nodes(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes from pixels to numbers on the scale of the targets."""
    regressor = operator.raw_operator
    graph = Graph(scope, container)
    features = _add_features(graph, operator)
    outputs = add_linear(graph, features, regressor.net_.module_.head.output)
    scale = regressor.net_.target_scale_
    for values in (scale.center, scale.deviation):
        if (np.abs(values) > np.finfo(np.float32).max).any():
            raise ValueError("its targets are too large for float32, in which ONNX computes")
    numbers = graph.add("Mul", outputs, graph.constant(scale.deviation))
    graph.add("Add", numbers, graph.constant(scale.center), output=operator.outputs[0].full_name)


def _add_features(graph: Graph, operator: Any) -> str:
    """Add the nodes from pixels to the features before the last layer."""
    from skl2onnx.common.data_types import FloatTensorType

    estimator = operator.raw_operator
    check_is_fitted(estimator)
    _check_size(estimator)
    x = operator.inputs[0].full_name
    if not isinstance(operator.inputs[0].type, FloatTensorType):
        x = graph.add("Cast", x, to=1)  # onnx.TensorProto.FLOAT
    return add_last_features(graph, x, estimator.net_.module_)


def _check_size(estimator: ImageEstimator) -> None:
    n_bytes = sum(weights.nbytes for weights in estimator.net_.module_.parameters())
    if n_bytes > MOST_BYTES:
        raise ValueError(
            f"The weights of this {type(estimator).__name__} take {n_bytes / 2**30:.2f} GiB, and "
            f"an ONNX file holds 2 GiB at most. Make n_filters or hidden_layer_sizes smaller."
        )
