"""From image files to X: a transformer that reads paths. It needs no torch."""

from sklearn_shapecnn.images.reader import ImageReader

__all__ = ["ImageReader"]
