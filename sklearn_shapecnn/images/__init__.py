"""Read image files into X: a transformer that takes paths. It does not need torch."""

from sklearn_shapecnn.images.reader import ImageReader

__all__ = ["ImageReader"]
