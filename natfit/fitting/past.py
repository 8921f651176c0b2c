"""What is known of past rows where a fit goes on: a quadratic, or the summary of a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.fitting.penalties import NONE, Penalty
from natfit.fitting.semidefinite import semidefinite
from natfit.inference import Information
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rows import Memory, Rows


def left_of(*parts: Any) -> float:
    """Return what is left of a row on average over what is left of all rows of several parts.

    Where a row has the weight w and w is what is left of one observation, the scores of all rows
    have the covariance ``sum w^2 I``, not ``sum w I``: this is ``sum w^2 / sum w``.

    Parameters
    ----------
    *parts : Past, Summary or other
        With ``total``, the sum of what is left, and ``left``.

    Returns
    -------
    float
        At most 1.
    """
    total = sum(part.total for part in parts)
    return sum(part.total * part.left for part in parts) / total if total > 0 else 1.0


def left_between(one: Any, two: Any) -> float:
    """Return by how much less the difference of two estimates varies than that of whole rows.

    Parameters
    ----------
    one, two : Past, Summary or other
        With ``total`` and ``left``; the larger error is that of the fewer rows.

    Returns
    -------
    float
        At most 1.
    """
    total = one.total + two.total
    return (one.left * two.total + two.left * one.total) / total if total > 0 else 1.0


@dataclass(frozen=True)
class Past:
    """What is known of the rows so far, in coordinates theta (P,).

    Attributes
    ----------
    theta : ndarray of shape (P,)
        The estimate.
    information : ndarray of shape (P, P)
        The curvature there of the negative log-likelihood of all rows, without that of a prior or
        a penalty. It has no negative eigenvalue (:func:`semidefinite`).
    total : float
        Sum of weights; those of rows that are partly forgotten count as much as is left of them.
    log_likelihood : float
        At the estimate, nats, by the quadratic for past rows.
    slope : ndarray of shape (P,) or 0.0
        The gradient there of the negative log-likelihood: zero but for coordinates at a limit, and
        where a penalty balances it.
    left : float
        What is left of a row, on average over what is left of all (:func:`left_of`). The estimate
        has the covariance ``left`` times I^-1.
    """

    theta: np.ndarray
    information: np.ndarray
    total: float
    log_likelihood: float
    slope: np.ndarray | float = 0.0
    left: float = 1.0

    @classmethod
    def about(
        cls,
        theta: np.ndarray,
        information: np.ndarray,
        total: float,
        log_likelihood: float,
        active: Sequence[int] = (),
        slope: np.ndarray | float = 0.0,
        left: float = 1.0,
    ) -> Past:
        """Return the past with a curvature that may be indefinite, above all at a limit."""
        return cls(theta, semidefinite(information, active), total, log_likelihood, slope, left)

    def finite(self) -> Past:
        """Return the past itself; ValueError where its information is not finite."""
        if np.isfinite(self.information).all():
            return self
        raise ValueError(
            "partial_fit and merge need rows of a size at which the information is finite, got one "
            "that is not; divide all rows by their size before the first fit"
        )

    def without(self, penalty: Penalty, total: float) -> Past:
        """Return the past of the rows alone, from that of what is minimised."""
        if penalty is NONE:
            return self
        _, pull, curve = penalty.terms(self.theta, total)
        matrix = semidefinite(self.information - curve)
        return replace(self, information=matrix, slope=self.slope - pull)

    def published(self, penalty: Penalty, complete: bool) -> Information:
        """Return the information per unit of weight at the estimate, with that of a penalty.

        Parameters
        ----------
        penalty : Penalty
            What is added for all rows.
        complete : bool
            Whether every row is known exactly.

        Returns
        -------
        Information
        """
        prior, matrix = None, self.information
        if penalty is not NONE:
            added = penalty.terms(self.theta, self.total)[2]
            matrix, prior = matrix + added, semidefinite(added) / self.total
        found: dict[str, Any] = {"prior": prior, "complete": complete, "left": self.left}
        return Information(matrix / self.total, "observed", **found)

    def forgotten(self, share: float) -> Past:
        """Return the past with this share of its weight left."""
        if share == 1.0:
            return self
        return Past(
            self.theta,
            share * self.information,
            share * self.total,
            share * self.log_likelihood,
            share * self.slope,
            share * self.left,
        )

    def gap(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return s' d + 1/2 d' I d with d = theta - self.theta and the slope s, and its gradient.

        Returns
        -------
        float
        ndarray of shape (P,)
        """
        change = theta - self.theta
        pull = self.information @ change
        return float(np.sum(change * self.slope)) + 0.5 * float(change @ pull), self.slope + pull

    def likely(self, theta: np.ndarray) -> float:
        """Return the log-likelihood of these rows at a theta by the quadratic, nats."""
        return self.log_likelihood - self.gap(theta)[0]


@dataclass(frozen=True)
class Summary:
    """A family's summary of rows, the sum of their weights, and what is left of a row."""

    values: tuple
    total: float
    left: float = 1.0

    def forgotten(self, share: float) -> Summary:
        """Return the summary with this share of its weight left."""
        return replace(self, total=share * self.total, left=share * self.left)

    def joined(self, family: Distribution, other: Summary) -> Summary:
        """Return the summary of these rows and others; of either where nothing is left of one."""
        if not (self.total > 0 and other.total > 0):
            return self if self.total > 0 else other
        values = family.joined_summaries(self.values, self.total, other.values, other.total)
        total, left = self.total + other.total, left_of(self, other)
        return Summary(tuple(values), total, left)  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """How many numbers the summary consists of."""
        return sum(np.size(part) for part in self.values)

    def objective(self, family: Distribution) -> Likelihood:
        """Return the objective of the rows, in eta."""
        row = Memory(np.ones(1), weight=np.array([self.total]))
        return Likelihood(family, Constant().bind(0, family), row, self.values)


def stand_in(family: Distribution, summary: Summary, eta: np.ndarray | None) -> Rows | None:
    """Return rows that stand for those of a summary where a fit asks for rows, or None.

    Those of a table of counts are its values; else they are drawn from the estimate, and serve
    starts and points to compare with, not the likelihood.

    Parameters
    ----------
    family : Distribution
        The family, bound.
    summary : Summary
        That of all rows.
    eta : ndarray of shape (K,) or None
        An estimate from which to draw.

    Returns
    -------
    Rows or None
        With the weight of all rows.
    """
    values = family.tabulated(summary.values)
    if values is not None:
        return Memory(values[0], weight=summary.total * values[1])
    if eta is None:
        return None
    rows = family.sample(np.reshape(eta, (1, -1)), np.random.default_rng(0), 64)
    return Memory(rows, weight=np.full(len(rows), summary.total / len(rows)))
