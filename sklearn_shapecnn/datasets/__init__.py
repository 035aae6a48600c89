"""Data sets of images: generated shapes and letters, and folders of image files."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from sklearn_shapecnn.datasets._image_folder import load_image_folder
    from sklearn_shapecnn.datasets._make_letters import make_letters
    from sklearn_shapecnn.datasets._make_multilabel_shapes import make_multilabel_shapes
    from sklearn_shapecnn.datasets._make_shapes import make_shapes

__all__ = ["load_image_folder", "make_letters", "make_multilabel_shapes", "make_shapes"]

# Only load_image_folder and make_letters need Pillow.
__getattr__, __dir__, _lazy_names = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_image_folder": ["load_image_folder"],
        "_make_letters": ["make_letters"],
        "_make_multilabel_shapes": ["make_multilabel_shapes"],
        "_make_shapes": ["make_shapes"],
    },
)
