"""What is added to the likelihood of all rows where a fit goes on: nothing, a ridge, or a prior.

What is known of past rows is that of the rows alone, so that a penalty is there once, whatever is
forgotten of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from natfit.distributions.base import Distribution
from natfit.objectives import Likelihood, Prior, prior_terms, ridge_matrix


class Penalty:
    """Nothing; the base of what is added to a negative log-likelihood."""

    def terms(self, theta: np.ndarray, total: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Return what is added for rows of a weight, and its two derivatives.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            Where.
        total : float
            The sum of the weights of all rows.

        Returns
        -------
        float
            In nats.
        ndarray of shape (P,)
        ndarray of shape (P, P)
        """
        size = len(theta)
        return 0.0, np.zeros(size), np.zeros((size, size))


@dataclass(frozen=True)
class Ridge(Penalty):
    """``1/2 theta' R theta`` for each unit of weight.

    Attributes
    ----------
    matrix : ndarray of shape (P, P)
        R.
    """

    matrix: np.ndarray

    def terms(self, theta: np.ndarray, total: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Return what is added for rows of a weight, and its two derivatives."""
        pull = total * (self.matrix @ theta)
        return 0.5 * float(theta @ pull), pull, total * self.matrix


@dataclass(frozen=True)
class OfPrior(Penalty):
    """The negative logarithm of prior densities of native parameters, whatever the weight of rows.

    Attributes
    ----------
    prior : mapping of str to Prior
        By the names of parameters.
    family : Distribution
        The family, bound, whose eta is theta.
    """

    prior: Mapping[str, Prior]
    family: Distribution

    def terms(self, theta: np.ndarray, total: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Return what is added for rows of a weight, and its two derivatives."""
        value, grad, curve = prior_terms(self.prior, self.family, theta)
        return -value, -grad, np.diag(curve)


#: No penalty.
NONE = Penalty()


def penalty_of(objective: Likelihood) -> Penalty:
    """Return what an objective adds to the likelihood of its rows."""
    prior, ridge = getattr(objective, "prior", None), getattr(objective, "ridge", None)
    if prior:
        return OfPrior(prior, objective.distribution)
    return NONE if ridge is None else Ridge(ridge_matrix(ridge, objective.mix))  # type: ignore[attr-defined]
