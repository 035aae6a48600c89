"""A fitted classifier, or a pipeline around one, as an ONNX graph that needs neither Python nor us.

There is one way to make a graph: skl2onnx walks through the estimator and asks the converter that
is registered here for the nodes of the network. onnx and skl2onnx are imported only where used.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted
from torch import nn

import sklearn_shapecnn
from sklearn_shapecnn.classifier import ShapeCNNClassifier
from sklearn_shapecnn.network import GlobalFeatures, ShapeCNN, Stage, _SumPool2d

if TYPE_CHECKING:
    import onnx

OPSETS = {"": 17, "ai.onnx.ml": 3}  # of 2022: old enough for the runtimes in use
ALIAS = "ShapeCNNClassifier"
MOST_BYTES = 2**31 - 2**20  # protobuf writes files of up to 2 GiB; some is for what are no weights
# The first four are what skl2onnx offers for its own classifiers.
OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
    "raw_scores": [True, False],
    "features": [True, False],
}


def to_onnx(
    estimator: Any, path: str | os.PathLike[str] | None = None, *, as_images: bool = False
) -> onnx.ModelProto:
    """Turn a fitted classifier, or a pipeline around one, into an ONNX model.

    The graph has one input ``X`` of float32 pixels, on the scale of those in `fit`, for any number
    of images. Its outputs are ``label``, of int64 or strings, and ``probabilities``, of float32 and
    shape (n, n_classes) in the order of ``classes_``. Centring and scaling of the pixels are part
    of it.

    Parameters
    ----------
    estimator : estimator instance
        Fitted :class:`~sklearn_shapecnn.ShapeCNNClassifier`, a pipeline with one in it, or a search
        over either, whose best estimator is exported. All other steps need a converter in skl2onnx.
        A classifier that is not the last step gives its features, as `transform` does.
    path : path-like, default=None
        File to write the model to. A file that is there is replaced when the new one is complete.
    as_images : bool, default=False
        Whether the graph takes images of shape (n, height, width), or (n, height, width, channels)
        where there is more than one channel, instead of rows of shape (n, n_features).

    Returns
    -------
    model : onnx.ModelProto
        The model, in opset 17. Its `metadata_props` hold ``classes`` and ``image_shape`` as JSON.

    Raises
    ------
    ImportError
        Where the extra ``[onnx]`` is not installed.
    TypeError
        Where `estimator` is no estimator.
    NotFittedError
        Where it is not fitted.
    OSError
        Where the file cannot be written.
    ValueError
        Where a step has no converter, `as_images` is True and a pipeline takes something else than
        the images of its classifier, or the network has more than the 2 GiB that ONNX allows.

    See Also
    --------
    register_converter : For those who call skl2onnx themselves.

    Notes
    -----
    Labels that are bools or whole floats become int64. Of a pipeline whose last step has no
    `predict_proba`, such as an SVC, the second output has what skl2onnx gives instead of them: the
    scores of `decision_function`. The graph does not check what it is given:
    where `predict` raises an error for NaN or infinity, it answers something.

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
            f"to_onnx takes a fitted ShapeCNNClassifier, or a pipeline or search around one, but "
            f"got {estimator!r}."
        )
    register_converter()
    import onnx

    check_is_fitted(estimator)
    leaves = list(_leaves(estimator))
    plain = _plain(estimator)
    for part in _all_in(estimator):
        _check_known_wrong(part)
    options = {id(leaf): _options(leaf, is_last) for _, leaf, is_last in leaves}
    try:
        model = _convert(plain, _n_features(plain), options)
    except Exception as error:  # skl2onnx raises whatever its converters run into
        raise _explained(estimator, leaves, error) from error

    properties = {}
    classifiers = [leaf for _, leaf, _ in leaves if isinstance(leaf, ShapeCNNClassifier)]
    if classifiers:
        properties["image_shape"] = json.dumps(classifiers[0].image_shape_)
    if isinstance(getattr(estimator, "classes_", None), np.ndarray):
        properties["classes"] = json.dumps(estimator.classes_.tolist())
    onnx.helper.set_model_props(model, properties)
    model.producer_name = "sklearn-shapecnn"
    model.producer_version = sklearn_shapecnn.__version__
    model.domain = ""
    model.doc_string = (
        "X: pixels in float32, on the scale of those it was fitted to. label and probabilities: as "
        "of predict and predict_proba in scikit-learn."
    )
    if as_images:
        _take_images(model, plain, classifiers)
    for value in (*model.graph.input, *model.graph.output):
        for dim in value.type.tensor_type.shape.dim[:1]:
            dim.dim_param = "n"
    if path is not None:
        _write(model.SerializeToString(deterministic=True), path)
    return model


def register_converter() -> None:
    """Tell skl2onnx how to convert a ShapeCNNClassifier.

    :func:`to_onnx` does this itself. Afterwards ``skl2onnx.to_onnx`` converts classifiers and
    pipelines that end in one, too, with any options: ``zipmap``, ``nocl``, ``output_class_labels``
    and ``raw_scores`` mean the same as for scikit-learn's own classifiers; ``features`` gives what
    `transform` gives instead of labels and probabilities.

    Raises
    ------
    ImportError
        Where the extra ``[onnx]`` is not installed.

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn_shapecnn import ShapeCNNClassifier, make_shapes
    >>> from sklearn_shapecnn.onnx_export import register_converter
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
            "Exporting to ONNX needs onnx and skl2onnx. Install them with: "
            'pip install "sklearn-shapecnn[onnx]"'
        ) from error
    update_registered_converter(
        ShapeCNNClassifier,
        ALIAS,
        _calculate_output_shapes,
        _convert_classifier,
        parser=_parse_classifier,
        options=OPTIONS,
    )


# What skl2onnx calls


def _parse_classifier(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare the outputs: the features alone, or what skl2onnx declares for any classifier."""
    from skl2onnx._parse import _parse_sklearn_classifier
    from skl2onnx.common.data_types import FloatTensorType

    if not scope.get_options(model, {"features": False})["features"]:
        return _parse_sklearn_classifier(scope, model, inputs, custom_parsers)
    operator = scope.declare_local_operator(ALIAS, model)
    operator.inputs = list(inputs)
    operator.outputs.append(scope.declare_local_variable("features", FloatTensorType()))
    return operator.outputs


def _calculate_output_shapes(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    classifier = operator.raw_operator
    n = operator.inputs[0].get_first_dimension()
    if len(operator.outputs) == 1:
        operator.outputs[0].set_type(FloatTensorType([n, classifier._n_features_out]))
        return
    calculate_linear_classifier_output_shapes(operator)
    operator.outputs[1].set_type(FloatTensorType([n, len(classifier.classes_)]))


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted classifier to the graph."""
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.utils_classifier import get_label_classes

    classifier = operator.raw_operator
    check_is_fitted(classifier)
    network = classifier.net_.module_
    n_bytes = sum(weights.nbytes for weights in network.parameters())
    if n_bytes > MOST_BYTES:
        raise ValueError(
            f"The weights of this {type(classifier).__name__} take {n_bytes / 2**30:.2f} GiB, and "
            f"an ONNX file holds 2 GiB at most. Make n_filters or hidden_layer_sizes smaller."
        )
    graph = _Graph(scope, container)
    x = operator.inputs[0].full_name
    if not isinstance(operator.inputs[0].type, FloatTensorType):
        x = graph.add("Cast", x, to=1)  # onnx.TensorProto.FLOAT
    if len(operator.outputs) == 1:
        _add_features(graph, x, network, classifier.image_shape_, operator.outputs[0].full_name)
        return
    features = _add_features(graph, x, network, classifier.image_shape_)
    scores = _add_linear(graph, features, network.head[-1])
    best = graph.add("ArgMax", scores, axis=1, keepdims=0)  # before the softmax rounds
    labels = graph.labels(get_label_classes(scope, classifier))
    label, probabilities = (output.full_name for output in operator.outputs)
    graph.add("Gather", labels, best, output=label)
    if not container.get_options(classifier, {"raw_scores": False})["raw_scores"]:
        graph.add("Softmax", scores, output=probabilities, axis=1)
    elif len(classifier.classes_) == 2:  # minus and plus the decision function, as for linear ones
        against = graph.constant([[1, -1], [-1, 1]])
        graph.add("MatMul", scores, against, output=probabilities)
    else:
        graph.add("Identity", scores, output=probabilities)


class _Graph:
    """The graph as it grows, with a name of its own for each value."""

    def __init__(self, scope: Any, container: Any) -> None:
        self.scope = scope
        self.container = container

    def add(self, op_type: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        output = output or self.scope.get_unique_variable_name(op_type.lower())
        name = self.scope.get_unique_operator_name(op_type)
        self.container.add_node(op_type, list(inputs), output, name=name, **attributes)
        return output

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add numbers, a tensor of torch among others; returns their name."""
        from onnx import numpy_helper

        if hasattr(values, "detach"):
            values = values.detach().cpu().numpy()
        name = self.scope.get_unique_variable_name("constant")
        tensor = numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name)
        if np.ndim(values) == 0:
            del tensor.dims[:]  # ascontiguousarray makes it an array of one
        self.container.add_initializer(name, tensor.data_type, list(tensor.dims), tensor)
        return name

    def labels(self, classes: np.ndarray) -> str:
        """Add the classes, as ints where they are numbers; returns their name."""
        from onnx import TensorProto

        if classes.dtype.kind in "biuf":
            whole = classes.astype(np.int64)
            if (whole != classes).any():
                raise ValueError(
                    f"labels in ONNX are of int64 or strings, which {classes.tolist()} are not"
                )
            return self.constant(whole, np.int64)
        name = self.scope.get_unique_variable_name("labels")
        texts = [str(label).encode() for label in classes]
        self.container.add_initializer(name, TensorProto.STRING, [len(texts)], texts)
        return name


# The network, node by node


def _add_features(
    graph: _Graph,
    x: str,
    network: ShapeCNN,
    image_shape: tuple[int, int, int],
    output: str | None = None,
) -> str:
    """From rows or images to what the scores are a linear function of."""
    height, width, channels = image_shape
    x = graph.add("Reshape", x, graph.constant([-1, height, width, channels], np.int64))
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.add("Sub", x, graph.constant(network.center))
    x = graph.add("Mul", x, graph.constant(network.scale))
    size = (height, width)
    for stage, plan in zip(network.body, network.stages, strict=True):
        x = _add_stage(graph, x, stage, plan, size)
        size = plan.map_size
    x = _add_global_features(graph, x, network.features, network.stages[-1].out_channels)
    for module in network.head[:-1].modules():
        if isinstance(module, nn.Linear):
            x = _add_linear(graph, x, module)
        elif type(module) in ACTIVATION_NODES:
            x = ACTIVATION_NODES[type(module)](graph, x, module)
    return x if output is None else graph.add("Identity", x, output=output)


def _add_stage(graph: _Graph, x: str, stage: Any, plan: Stage, size: tuple[int, int]) -> str:
    """Convolution, pooling, normalization and activation of maps of this size."""
    extra = (0, 0)  # rows below and columns to the right that an even kernel needs
    for module in stage:
        if isinstance(module, nn.ZeroPad2d):
            extra = (module.padding[3], module.padding[1])
        elif isinstance(module, nn.Conv2d):
            top, left = (int(side) for side in module.padding)
            inputs = [graph.constant(module.weight)]
            if module.bias is not None:
                inputs.append(graph.constant(module.bias))
            x = graph.add(
                "Conv",
                x,
                *inputs,
                kernel_shape=list(module.kernel_size),
                pads=[top, left, top + extra[0], left + extra[1]],
            )
        elif isinstance(module, nn.MaxPool2d | nn.AvgPool2d | _SumPool2d):
            x = _add_pooling(graph, x, module, size)
        elif isinstance(module, nn.BatchNorm2d):
            values = (module.weight, module.bias, module.running_mean, module.running_var)
            constants = [graph.constant(value) for value in values]
            x = graph.add("BatchNormalization", x, *constants, epsilon=module.eps)
        elif isinstance(module, nn.GroupNorm):
            x = _add_layer_norm(graph, x, module, plan.map_size)
        else:
            x = ACTIVATION_NODES[type(module)](graph, x, module)
    return x


def _add_pooling(graph: _Graph, x: str, module: Any, size: tuple[int, int]) -> str:
    # Padding belongs to no maximum and no mean, so it does exactly what torch's ceil_mode does;
    # ONNX has a ceil_mode of its own, but runtimes differ in what they divide a mean by.
    pads = [-side % window for side, window in zip(size, module.kernel_size, strict=True)]
    window: dict[str, Any] = {
        "kernel_shape": list(module.kernel_size),
        "strides": list(module.kernel_size),
        "pads": [0, 0, *pads],
    }
    if isinstance(module, nn.MaxPool2d):
        return graph.add("MaxPool", x, **window)
    x = graph.add("AveragePool", x, **window)
    if isinstance(module, _SumPool2d):
        x = graph.add("Mul", x, graph.constant(float(np.prod(module.kernel_size))))
    return x


def _add_layer_norm(graph: _Graph, x: str, module: nn.GroupNorm, size: tuple[int, int]) -> str:
    """Mean zero and variance one over all maps of an image, then a scale and a shift for each."""
    n_maps = module.num_channels
    x = graph.add("Reshape", x, graph.constant([-1, 1, n_maps * size[0] * size[1]], np.int64))
    ones, zeros = graph.constant([1]), graph.constant([0])
    x = graph.add("InstanceNormalization", x, ones, zeros, epsilon=module.eps)
    x = graph.add("Reshape", x, graph.constant([-1, n_maps, *size], np.int64))
    x = graph.add("Mul", x, graph.constant(module.weight.reshape(1, -1, 1, 1)))
    return graph.add("Add", x, graph.constant(module.bias.reshape(1, -1, 1, 1)))


def _add_global_features(graph: _Graph, x: str, features: GlobalFeatures, n_maps: int) -> str:
    if features.map_size == (1, 1):
        return graph.add("Flatten", x)
    highest = graph.add("Flatten", graph.add("GlobalMaxPool", x))
    mean = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    if features.grid != features.map_size:
        n_pixels = features.map_size[0] * features.map_size[1]
        x = graph.add("Reshape", x, graph.constant([-1, n_maps, n_pixels], np.int64))
        x = graph.add("MatMul", x, graph.constant(_cells(features.map_size, features.grid)))
    return graph.add("Concat", highest, mean, graph.add("Flatten", x), axis=1)


def _cells(map_size: Sequence[int], grid: Sequence[int]) -> np.ndarray:
    """The means in the cells of a grid as a matrix of shape (n_pixels, n_cells).

    Cells overlap where they do not fit into the map, as those of `adaptive_avg_pool2d` do.
    """
    rows, columns = (
        np.array(
            [
                [i * side // n <= pixel < -(-(i + 1) * side // n) for i in range(n)]
                for pixel in range(side)
            ]
        )
        for side, n in zip(map_size, grid, strict=True)
    )
    inside = np.kron(rows, columns)
    return inside / inside.sum(axis=0)


def _add_linear(graph: _Graph, x: str, module: nn.Linear) -> str:
    weight, bias = graph.constant(module.weight), graph.constant(module.bias)
    return graph.add("Gemm", x, weight, bias, transB=1)


def _add_gelu(graph: _Graph, x: str, module: nn.Module) -> str:
    erf = graph.add("Erf", graph.add("Mul", x, graph.constant(0.5**0.5)))
    return graph.add(
        "Mul", graph.add("Mul", x, graph.constant(0.5)), graph.add("Add", erf, graph.constant(1))
    )


ACTIVATION_NODES: dict[type[nn.Module], Any] = {
    nn.ReLU: lambda graph, x, module: graph.add("Relu", x),
    nn.LeakyReLU: lambda graph, x, module: graph.add("LeakyRelu", x, alpha=module.negative_slope),
    nn.GELU: _add_gelu,
    nn.SiLU: lambda graph, x, module: graph.add("Mul", x, graph.add("Sigmoid", x)),
    nn.Tanh: lambda graph, x, module: graph.add("Tanh", x),
    nn.Sigmoid: lambda graph, x, module: graph.add("Sigmoid", x),
}


# What to_onnx does around it


def _is_idle(step: Any) -> bool:
    """Whether a step of a pipeline leaves the images alone once the pipeline is fitted."""
    return (
        step is None
        or (isinstance(step, str) and step == "passthrough")
        or (isinstance(step, FunctionTransformer) and step.func is None)
        or (hasattr(step, "fit_resample") and not hasattr(step, "transform"))  # imbalanced-learn
    )


def _found(estimator: Any) -> Any:
    """What a search found, and what is frozen; anything else as it is."""
    while hasattr(estimator, "best_estimator_") or isinstance(estimator, FrozenEstimator):
        frozen = isinstance(estimator, FrozenEstimator)
        estimator = estimator.estimator if frozen else estimator.best_estimator_
    if hasattr(estimator, "cv_results_") and hasattr(estimator, "refit"):
        raise ValueError(
            f"This {type(estimator).__name__} kept no fitted estimator to export: set refit=True."
        )
    return estimator


def _plain(estimator: Any) -> Any:
    """The same without what skl2onnx does not know: searches, and steps that do nothing."""
    estimator = _found(estimator)
    if not isinstance(estimator, Pipeline):
        return estimator
    return Pipeline([(name, _plain(step)) for name, step in estimator.steps if not _is_idle(step)])


def _leaves(estimator: Any, name: str = "", is_last: bool = True) -> Iterator[tuple]:
    """All steps that are no pipeline, each with its name and whether it gives the answer."""
    estimator = _found(estimator)
    if isinstance(estimator, Pipeline):
        for i, (step_name, step) in enumerate(estimator.steps):
            yield from _leaves(step, step_name, is_last and i == len(estimator.steps) - 1)
    elif isinstance(estimator, FeatureUnion):
        for part in estimator.transformer_list:
            yield from _leaves(part[1], part[0], False)
    elif isinstance(estimator, ColumnTransformer):
        for part in estimator.transformers_:
            yield from _leaves(part[1], part[0], False)
    elif not isinstance(estimator, str) and not _is_idle(estimator):
        yield name, estimator, is_last


def _all_in(thing: Any) -> Iterator[BaseEstimator]:
    """All estimators that stand anywhere inside of something, fitted or not."""
    if isinstance(thing, BaseEstimator):
        yield thing
        for value in vars(thing).values():
            yield from _all_in(value)
    elif isinstance(thing, list | tuple) or (
        isinstance(thing, np.ndarray) and thing.dtype.kind == "O"
    ):
        for value in thing:
            yield from _all_in(value)


def _check_known_wrong(leaf: Any) -> None:
    """Refuse what skl2onnx (1.20) turns into something else without a word."""
    reason = None
    if isinstance(leaf, TunedThresholdClassifierCV):
        reason = "leaves out its threshold"
    elif isinstance(leaf, CalibratedClassifierCV):
        if leaf.method != "sigmoid":
            reason = f"does not calibrate by method={leaf.method!r} right; use method='sigmoid'"
        elif isinstance(leaf.estimator, Pipeline):
            reason = (
                "calibrates the wrong scores of a pipeline; make the calibrated classifier the "
                "last step of the pipeline instead"
            )
    if reason is not None:
        raise ValueError(
            f"This {type(leaf).__name__} cannot be exported to ONNX: skl2onnx {reason}."
        )


def _options(leaf: Any, is_last: bool) -> dict[str, Any]:
    """What to ask of the converter: arrays, and features where others go on with them."""
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter

    if isinstance(leaf, ShapeCNNClassifier):
        return {"zipmap": False, "features": not is_last}
    if not is_classifier(leaf) or type(leaf) not in sklearn_operator_name_map:
        return {}
    allowed = get_converter(sklearn_operator_name_map[type(leaf)]).get_allowed_options() or {}
    return {"zipmap": False} if "zipmap" in allowed else {}


def _n_features(estimator: Any) -> int:
    return int(estimator.n_features_in_)


def _convert(estimator: Any, n_features: int, options: dict[int, dict[str, Any]]) -> Any:
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    with warnings.catch_warnings():
        # skl2onnx looks at attributes that scikit-learn is about to drop; users cannot help it.
        warnings.simplefilter("ignore", FutureWarning)
        return skl2onnx.to_onnx(
            estimator,
            initial_types=[("X", FloatTensorType([None, n_features]))],
            target_opset=OPSETS,
            options=options,
            name=type(estimator).__name__,
        )


def _explained(estimator: Any, leaves: list[tuple], error: Exception) -> ValueError:
    """Say which step is to blame: the first that cannot be converted alone either."""
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    subject = f"This {type(estimator).__name__}"
    whole = _found(estimator)
    steps = [step for _, step in whole.steps] if isinstance(whole, Pipeline) else []
    advice = ""
    for name, leaf, _ in leaves:
        try:
            _convert(leaf, getattr(leaf, "n_features_in_", 1), {})
        except Exception as own_error:  # as above
            error = own_error
            if name:
                subject = f"The step {name!r} ({type(leaf).__name__})"
            at = next((i for i, step in enumerate(steps[:-1]) if step is leaf), None)
            if at is not None:
                advice = (
                    f" Let it do its work before the exported model, and export the steps after "
                    f"it: to_onnx(pipeline[{at + 1}:])."
                )
            break
    reason = "skl2onnx has no converter for it"
    if isinstance(error, KeyError):  # it looked for one
        reason += f", or for {error}"
    elif not isinstance(error, MissingConverter | MissingShapeCalculator):
        text = str(error).split(" You may raise")[0]  # an issue there
        reason = textwrap.shorten(text, 300, placeholder=" ...").rstrip(".")
    return ValueError(f"{subject} cannot be exported to ONNX: {reason}.{advice}")


def _take_images(model: Any, estimator: Any, classifiers: list[ShapeCNNClassifier]) -> None:
    """Let the graph take images: its first node lays them out as rows."""
    from onnx import helper, numpy_helper

    n_features = _n_features(estimator)
    if not classifiers or np.prod(classifiers[0].image_shape_) != n_features:
        raise ValueError(
            f"as_images=True needs a ShapeCNNClassifier, or a pipeline that hands whole images to "
            f"one, but this {type(estimator).__name__} takes {n_features} values that are not the "
            f"pixels of its classifier. Set as_images=False."
        )
    height, width, channels = classifiers[0].image_shape_
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == "X":
                node.input[i] = "rows"
    shape = numpy_helper.from_array(np.array([-1, n_features], dtype=np.int64), "rows_shape")
    model.graph.initializer.append(shape)
    model.graph.node.insert(0, helper.make_node("Reshape", ["X", "rows_shape"], ["rows"], "Rows"))
    image_shape = (height, width) if channels == 1 else (height, width, channels)
    tensor = helper.make_tensor_value_info("X", 1, [None, *image_shape])  # 1 is float32
    model.graph.input[0].CopyFrom(tensor)


def _write(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file whole or not at all."""
    path = os.path.realpath(path)  # a link stays one
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "There is no such folder to write to", folder)
    # Not by tempfile.mkstemp, which keeps the file private to its owner.
    beside = os.path.join(folder, f"{name}.{secrets.token_hex(8)}.part")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.remove(beside)
        raise
