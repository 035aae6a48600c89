"""StartingEstimator: the parameters and clones of an estimator that may start from another one."""

from __future__ import annotations

from typing import Any, TypeVar

from sklearn.base import BaseEstimator

from sklearn_shapecnn._training.user_callbacks import check_that_they_can_be_copied

Estimator = TypeVar("Estimator", bound=BaseEstimator)


def with_attributes(kind: type[Estimator], attributes: dict[str, Any]) -> Estimator:
    """Make an estimator that has these attributes, without calling its `__init__`."""
    made = object.__new__(kind)
    made.__dict__ = attributes
    return made


class StartingEstimator(BaseEstimator):
    """An estimator whose parameter `weights` may be a fitted estimator to take filters from.

    Clones get the same fitted estimator, and its parameters are not parameters of this one.
    """

    callbacks: Any
    weights: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters by name, without those of an estimator in `weights`.

        Parameters
        ----------
        deep : bool, default=True
            Has no effect.

        Returns
        -------
        params : dict of str to object
        """
        return super().get_params(deep=False)

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name.

        Parameters
        ----------
        **params : dict
            Parameters.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no such parameter. Those of an estimator in `weights` cannot be set.
        """
        for name in params:
            if name.startswith("weights__"):
                raise ValueError(
                    f"Invalid parameter {name!r}: only the filters of the estimator in weights "
                    f"are used. Set its parameters before you fit it."
                )
        return super().set_params(**params)

    def __sklearn_clone__(self) -> Any:
        # A clone is not fitted, but its weights must be: they are passed on, not cloned.
        without = with_attributes(type(self), vars(self) | {"weights": None})
        try:
            twin = super(StartingEstimator, without).__sklearn_clone__()
        except Exception:
            check_that_they_can_be_copied(self.callbacks)
            raise
        twin.weights = self.weights
        return twin
