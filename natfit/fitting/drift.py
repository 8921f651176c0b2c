"""Tests of drift: whether the rows of a batch have the parameters of the rows before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from natfit.fitting.penalties import NONE, Penalty
from natfit.fitting.semidefinite import SILENT, solved
from natfit.objectives import Likelihood
from natfit.optimize import History

if TYPE_CHECKING:
    from natfit.fitting.past import Past

#: Rows of the past, for each coordinate, that steady the covariance which a batch's scores show.
_STEADY = 20.0

#: The columns of a table of drift.
DRIFT = ("batch", "n", "statistic", "df", "p_value", "nats")


@dataclass(frozen=True)
class Test:
    """A score test: the statistic, its degrees of freedom and the p value.

    ``nats`` is what the batch's own parameters would add to the log-likelihood. The statistic is
    NaN where the rows tell none; such a test is not published.
    """

    statistic: float
    df: int

    @property
    def nats(self) -> float:
        """Half of the statistic of the test."""
        return 0.5 * self.statistic

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
    score: np.ndarray, own: np.ndarray, past: np.ndarray, pulled: np.ndarray, known: np.ndarray
) -> Test:
    """Return s' (B + C I^-1 J I^-1 C)^-1 s in the coordinates in which I is the identity."""
    size = np.sqrt(np.abs(np.diagonal(past)))
    size = np.where(size > 0, size, 1.0)
    scale = np.outer(size, size)
    if not (len(score) and np.isfinite(own).all() and np.isfinite(score).all()):
        return Test(np.nan, 0)
    values, vectors = _told(past / scale)
    root = vectors / np.sqrt(values)
    # Where a penalty alone tells the estimate, the past has none to compare with.
    whole, root = root, root @ _told(root.T @ (known / scale) @ root)[1]
    share, turn = _told(root.T @ (own / scale) @ root)
    if not len(share):
        return Test(0.0, 0)
    part = turn.T @ (root.T @ (score / size))
    moved = whole.T @ (pulled / scale) @ root @ turn
    spread = np.diag(share) + moved.T @ (whole.T @ (known / scale) @ whole) @ moved
    return Test(float(part @ solved(spread, part)), len(share))


def _told(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues of a matrix that are not zero, and their eigenvectors (P, .)."""
    values, vectors = np.linalg.eigh(matrix)
    told = values > SILENT * max(float(values.max(initial=0.0)), np.finfo(float).tiny)
    return values[told], vectors[:, told]


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
