"""Build an ONNX graph from nodes, numbers and labels, each with a unique name."""

from __future__ import annotations

from typing import Any

import numpy as np


class Graph:
    """The scope and the container that skl2onnx gives a converter, with shorter ways to fill them.

    Parameters
    ----------
    scope : skl2onnx Scope
        Creates unique names.
    container : skl2onnx ModelComponentContainer
        Collects the nodes and the numbers.
    """

    def __init__(self, scope: Any, container: Any) -> None:
        self.scope = scope
        self.container = container

    def add(self, op_type: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        output = output or self.scope.get_unique_variable_name(op_type.lower())
        name = self.scope.get_unique_operator_name(op_type)
        self.container.add_node(op_type, list(inputs), output, name=name, **attributes)
        return output

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add numbers, such as an array or a torch tensor, and return their name."""
        from onnx import numpy_helper

        if hasattr(values, "detach"):
            values = values.detach().cpu().numpy()
        name = self.scope.get_unique_variable_name("constant")
        tensor = numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name)
        if np.ndim(values) == 0:
            del tensor.dims[:]  # ascontiguousarray turns a scalar into an array of shape (1,)
        self.container.add_initializer(name, tensor.data_type, list(tensor.dims), tensor)
        return name

    def labels(self, classes: np.ndarray) -> str:
        """Add the classes, as int64 or as strings, and return their name.

        Raises
        ------
        ValueError
            If the classes are numbers with a fractional part.
        """
        from onnx import TensorProto

        if classes.dtype.kind in "biuf":
            whole = classes.astype(np.int64)
            if (whole != classes).any():
                raise ValueError(
                    f"labels in ONNX must be int64 or strings, but are {classes.tolist()}"
                )
            return self.constant(whole, np.int64)
        name = self.scope.get_unique_variable_name("labels")
        texts = [str(label).encode() for label in classes]
        self.container.add_initializer(name, TensorProto.STRING, [len(texts)], texts)
        return name
