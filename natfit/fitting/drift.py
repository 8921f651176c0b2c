"""Tests of drift: whether the rows of a batch have the parameters of the rows before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from natfit.fitting.penalties import NONE, Penalty
from natfit.fitting.semidefinite import SILENT
from natfit.objectives import Likelihood
from natfit.optimize import History

if TYPE_CHECKING:
    from natfit.fitting.past import Past

#: Rows of the past, for each coordinate, that steady the covariance which a batch's scores show.
_STEADY = 20.0

#: Share of a batch's information from which a direction of which the past tells nothing counts.
_REACH = 1e-6

#: The columns of a table of drift.
DRIFT = ("batch", "n", "statistic", "df", "p_value", "nats")


@dataclass(frozen=True)
class Test:
    """A score test: the statistic, its degrees of freedom and the p value.

    ``nats`` is what the batch's own parameters would add to the log-likelihood. The statistic is
    NaN where the rows tell none; such a test is not published. A log-likelihood of rows of which
    ``left`` is left varies as much less.
    """

    statistic: float
    df: int
    left: float = 1.0

    @classmethod
    def of_loss(cls, nats: float, df: int, left: float = 1.0) -> Test:
        """Return the test of a loss of the log-likelihood, in nats."""
        return cls(2.0 * nats / left, df, left)

    @property
    def nats(self) -> float:
        """Half of the statistic of the test, in nats of what is left of rows."""
        return 0.5 * self.statistic * self.left

    @property
    def p_value(self) -> float:
        """Probability of such a statistic without drift; 1 without degrees of freedom."""
        return float(special.chdtrc(self.df, self.statistic)) if self.df else 1.0


def score_test(
    objective: Likelihood,
    past: Past,
    active: Sequence[int] = (),
    penalty: Penalty = NONE,
    left: float = 1.0,
) -> Test:
    """Return the score test of a batch against the estimate from other rows.

    With the score s of the batch at the estimate, its covariance B for the given features, and the
    information I of the past, the covariance of s is V = B + B I^-1 B: that of the rows, and what
    the error of the estimate adds. The statistic is s' V^-1 s, and its degrees of freedom are the
    rank of B. Half of it is what the log-likelihood loses because batch and past share theta.

    Where the scores of the batch tell B, those of few rows go with s: the mean information of some
    rows of the past is added to them.

    A penalty moves the estimate to where the mean score of its rows is not zero, so that s is
    counted from there; with the information J of the rows without the penalty, I with its
    curvature R for each unit of weight, and w the weight of the batch, then
    V = B + (B + w R) I^-1 J I^-1 (B + w R). Where rows are partly
    forgotten, their scores vary less, so that J is ``past.left`` times as much, and the first B
    ``left`` times.

    Parameters
    ----------
    objective : Likelihood
        That of the batch, without a penalty.
    past : Past
        What is known of other rows.
    active : sequence of int
        Coordinates at a limit, which are left out.
    penalty : Penalty
        What is added for the rows of the past.
    left : float
        What is left of a row of the batch.

    Returns
    -------
    Test
    """
    total = objective.total
    with np.errstate(all="ignore"):
        _, grad = objective.first_order(past.theta)
        own = total * objective.score_covariance(past.theta).dense()
    known, curve = past.information, penalty.terms(past.theta, past.total)[2]
    grad, pulled = grad - past.slope / past.total, own + total / past.total * curve
    if not objective.expects:
        own = _steadied(own, total, known / past.total)
    free = np.setdiff1d(np.arange(len(grad)), np.asarray(active, dtype=int))
    at = np.ix_(free, free)
    with np.errstate(all="ignore"):
        own, known = left * own, past.left * known
        whole = past.information + curve
        return _tested(-total * grad[free], own[at], whole[at], pulled[at], known[at])


def _steadied(own: np.ndarray, total: float, mean: np.ndarray) -> np.ndarray:
    """Return the covariance of a score with that of some mean rows, to the weight of its own."""
    more = _STEADY * len(own)
    return total / (total + more) * (own + more * mean)


def _tested(
    score: np.ndarray, own: np.ndarray, whole: np.ndarray, pulled: np.ndarray, known: np.ndarray
) -> Test:
    """Return s' V^-1 s with V = B + C I^-1 J I^-1 C, of what the past has told."""
    size = np.sqrt(np.abs(np.diagonal(whole)) + np.abs(np.diagonal(own)))
    size = np.where(size > 0, size, 1.0)
    scale = np.outer(size, size)
    if not (len(score) and np.isfinite(own).all() and np.isfinite(score).all()):
        return Test(np.nan, 0)
    own, whole, pulled, known = own / scale, whole / scale, pulled / scale, known / scale
    share, turn = _told(own)[:2]
    if not len(share):
        return Test(0.0, 0)
    values, vectors = _told(whole)[:2]
    carried = (turn.T @ pulled) @ (vectors / values) @ vectors.T
    spread = np.diag(share) + carried @ known @ carried.T
    part = turn.T @ (score / size)
    # Where J is zero the past tells nothing, so that s may be B u for any u there; what can be is
    # taken out (the efficient score).
    free, reach, _ = np.linalg.svd(turn.T @ own @ _told(known)[2], full_matrices=False)
    free = free[:, reach > _REACH * share.max()]
    gap = part - free @ _solved(free.T @ _solved(spread, free), free.T @ _solved(spread, part))
    return Test(float(gap @ _solved(spread, gap)), len(share) - free.shape[1])


def _solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return matrix^-1 right, in the directions in which the matrix is positive."""
    values, vectors, _ = _told(matrix)
    return vectors @ ((vectors.T @ right).T / values).T


def _told(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return eigenvalues that are not zero, their eigenvectors (P, .), and those of the others."""
    values, vectors = np.linalg.eigh(matrix)
    told = values > SILENT * max(float(values.max(initial=0.0)), np.finfo(float).tiny)
    return values[told], vectors[:, told], vectors[:, ~told]


def drift_table(rows: Sequence[tuple[int, float, Test]]) -> History:
    """Return tests of batches as a table with the columns of :data:`DRIFT`.

    Parameters
    ----------
    rows : sequence of (int, float, Test)
        Number and rows of each batch, and its test; those without a statistic are left out.

    Returns
    -------
    History
    """
    known = [each for each in rows if np.isfinite(each[2].statistic)]
    cells = [(k, n, t.statistic, t.df, t.p_value, t.nats) for k, n, t in known]
    columns = np.array(cells, dtype=np.float64).reshape(len(cells), len(DRIFT)).T
    return History(dict(zip(DRIFT, columns, strict=True)), np.zeros((len(cells), 0)))
