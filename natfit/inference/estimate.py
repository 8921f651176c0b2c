"""An estimate, as the functions of this package take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.inference.covariance import Information, inverse
from natfit.objectives import Likelihood


@dataclass(frozen=True)
class Estimate:
    """An estimate theta, the information there, and, where the data are at hand, the objective.

    Attributes
    ----------
    family : Distribution
        The family, with all of its parameters.
    theta : ndarray of shape (P,)
        The estimate; eta of a constant model.
    information : Information
        The information per row at theta.
    at_limit : tuple of int
        Coordinates that rest at a limit.
    total : float
        W, the sum of weights.
    frozen : callable
        ``frozen(theta) -> Frozen``, the distribution at another theta.
    objective : Likelihood or None
        The function that was minimised, in the same theta, where the data are at hand.
    labels : tuple of str or None
        The names of theta where each row has its own eta; None where theta is eta of all rows.
    """

    family: Distribution
    theta: np.ndarray
    information: Information
    at_limit: tuple[int, ...]
    total: float
    frozen: Callable[[np.ndarray], Frozen]
    objective: Likelihood | None = None
    labels: tuple[str, ...] | None = None

    @property
    def conditional(self) -> bool:
        """Whether each row has its own eta, so that theta are coordinates of a model."""
        if self.labels is not None:
            return True
        return self.objective is not None and not self.objective.model.shared

    @property
    def free(self) -> np.ndarray:
        """Coordinates that were estimated and do not rest at a limit, in order."""
        held = {*self.at_limit, *self.information.known}
        return np.array([k for k in range(len(self.theta)) if k not in held], dtype=int)

    @property
    def n_estimated(self) -> int:
        """Number of coordinates that were estimated, also those that rest at a limit."""
        return len(self.theta) - len(self.information.known)

    def covariance(self) -> np.ndarray:
        """Return the covariance matrix (P, P) of theta, from the information of the fit.

        Returns
        -------
        ndarray of shape (P, P)
            With inf on the diagonal for coordinates that the data do not determine or that rest
            at a limit, zeros for those that were given.
        """
        return self.information.covariance(self.at_limit) / self.total

    def inverse_of(self, matrix: np.ndarray) -> np.ndarray:
        """Return the covariance matrix (P, P) of theta from another information per row."""
        info = self.information
        found = inverse(matrix, self.at_limit, info.known, info.exact)
        return info.of_what_is_left(found) / self.total
