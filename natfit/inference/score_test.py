"""Rao's score test, which needs the restricted fit only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from natfit.inference import chi_bar
from natfit.inference.null import Null
from natfit.inference.surface import definite, solved
from natfit.objectives import Likelihood


@dataclass(frozen=True)
class Efficient:
    """The efficient score of some parameters at a restricted estimate.

    Attributes
    ----------
    score : ndarray of shape (q,)
        The score of the tested parameters less its regression on that of the estimated ones, of
        all rows.
    covariance : ndarray of shape (q, q)
        The inverse of its information: the covariance of the estimates of the tested parameters.
    kind : str
        ``expected`` or ``observed``.
    """

    score: np.ndarray
    covariance: np.ndarray
    kind: str

    def statistic(self, null: Null) -> float:
        """Return ``U' I^-1 U``; at the ends of ranges, what points into them of it.

        Parameters
        ----------
        null : Null
            The hypothesis.

        Returns
        -------
        float
        """
        sign = np.where(null.inward < 0.0, -1.0, 1.0)
        covariance = self.covariance * np.outer(sign, sign)
        return chi_bar.projected(covariance @ (sign * self.score), covariance, null.bounded)

    def shares(self, null: Null) -> np.ndarray:
        """Return the weights of the mixture to which the statistic belongs."""
        return shares(null, self.covariance)


def shares(null: Null, covariance: np.ndarray) -> np.ndarray:
    """Return the weights of the mixture of chi-squares for a hypothesis; one weight inside ranges.

    Parameters
    ----------
    null : Null
        The hypothesis.
    covariance : ndarray of shape (q, q)
        The covariance of the estimates of the tested parameters, the others estimated.

    Returns
    -------
    ndarray of shape (m + 1,)
    """
    at = null.bounded
    if not len(at):
        return np.array([1.0])
    sign = null.inward[at]
    return chi_bar.weights(covariance[np.ix_(at, at)] * np.outer(sign, sign))


def efficient(
    objective: Likelihood,
    theta: np.ndarray,
    null: Null,
    nuisance: np.ndarray,
    kind: str = "expected",
) -> Efficient:
    """Return the efficient score of the tested parameters at a restricted estimate.

    With the score U of all rows and the information I, in blocks of tested parameters T and
    estimated ones N, it is ``U_T - I_TN I_NN^-1 U_N``, and its information ``I_TT - I_TN I_NN^-1
    I_NT`` (Rao 1948, Proceedings of the Cambridge Philosophical Society 44:50; Cox & Hinkley 1974,
    Theoretical Statistics, section 9.3).

    Parameters
    ----------
    objective : Likelihood
        The negative mean log-likelihood of the larger model.
    theta : ndarray of shape (P,)
        The restricted estimate, in all of its coordinates.
    null : Null
        The hypothesis, whose ``tested`` are coordinates of theta.
    nuisance : ndarray of int
        Coordinates that were estimated and rest at no limit.
    kind : {"expected", "observed"}
        The information.

    Returns
    -------
    Efficient

    Raises
    ------
    ValueError
        If the information is singular or indefinite; the message names the parameters.
    """
    _, grad = objective.first_order(theta)
    matrix = information_of(objective, theta, kind)
    tested = null.tested
    both = np.concatenate([tested, nuisance])
    score = -objective.total * grad
    block = objective.total * matrix[np.ix_(both, both)]
    if not (np.isfinite(score[both]).all() and definite(block)):
        names = list(objective.names())
        which = ", ".join(names[k] for k in both)
        other = "observed" if kind == "expected" else "expected"
        raise ValueError(
            f"the {kind} information of {which} must be positive definite at the restricted "
            f"estimate, but it is singular or indefinite there; use information={other!r}, a "
            "likelihood-ratio test, and see identifiability()"
        )
    q = len(tested)
    inner, cross = block[q:, q:], block[q:, :q]
    back = solved(inner, cross) if len(nuisance) else np.zeros((0, q))
    own = score[tested] - back.T @ score[nuisance]
    schur = block[:q, :q] - cross.T @ back
    return Efficient(own, solved(0.5 * (schur + schur.T), np.eye(q)), kind)


def information_of(objective: Likelihood, theta: np.ndarray, kind: str) -> np.ndarray:
    """Return the information per row (P, P), or raise ValueError with the remedy."""
    with np.errstate(all="ignore"):
        if kind == "observed":
            return objective.hessian(theta).dense()
        if not objective.distribution.information.complete:
            raise ValueError(
                "information='expected' is not defined for censored rows, because it is not known "
                "how the exact rows would have been censored; use information='observed'"
            )
        return objective.fisher(theta).dense()
