"""Export a fitted classifier, or a pipeline around one, to an ONNX graph that runs without Python.

onnx and skl2onnx are optional dependencies. Importing this package does not import them.
"""

from sklearn_shapecnn.export._converter import register_converter
from sklearn_shapecnn.export._to_onnx import to_onnx

__all__ = ["register_converter", "to_onnx"]
