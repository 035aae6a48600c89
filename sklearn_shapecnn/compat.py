"""What only newer versions of scikit-learn and Python have."""

from __future__ import annotations

import sys
import warnings

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""


__all__ = ["CallbackSupportMixin", "warn"]

_OURS = {"sklearn_shapecnn", "sklearn", "joblib", "pickle", "skops", "torch", "contextlib"}


def warn(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn of what is done at a line outside of this package and of what calls it for others.

    As ``skip_file_prefixes`` of `warnings.warn` does from Python 3.12 on.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in _OURS and frame.f_back:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
