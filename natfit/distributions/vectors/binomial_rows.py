"""The binomial distribution of rows that have a number of trials each."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.special import expit

from natfit.bijectors import Bijector, Unit
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.vectors._compositions import totals_of
from natfit.distributions.vectors.multinomial import Multinomial
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.rows import Rows


class BinomialRows(Multinomial):
    """The binomial distribution of rows y (n, 2) of successes and failures.

    Their sum is the number of trials of the row: ``log p(y) = log C(m, y_0) + y_0 log prob +
    y_1 log(1 - prob)``. eta = (logit prob), observed information ``m prob (1 - prob)``, Fisher
    information the same at the mean of ``totals``. ``binomial`` without a number of trials becomes
    this family where y has two columns, as in R's ``cbind(successes, failures)`` and statsmodels.
    What a regression predicts is the mean share of successes, as there.

    Matches ``scipy.stats.multinomial(n=m, p=[prob, 1 - prob])``.

    Parameters
    ----------
    totals : int or tuple of int, optional
        Numbers of trials, each equally likely, for draws and expectations; the likelihood uses
        each row's own. Without them, :meth:`bind` takes those of the data, or 16 that represent
        them.
    """

    roles = {"prob": Role.SHARE}

    def __init__(self, totals: int | tuple[int, ...] | None = None):
        self.totals = totals

    dim = 2
    one_mean = True

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return rows of one number of trials, and of two."""
        return [cls(7), cls((2, 5))]

    def bind(self, rows: Rows) -> Self:
        """Return the family with the totals taken from y (n, 2); ValueError for another shape."""
        self._count_columns(rows)
        return self if self.totals is not None else type(self)(totals_of(rows))

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The probability of a success."""
        return {"prob": Unit(margin=1e-8)}

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """Fisher information of rows, at the mean of ``totals``."""
        return Entries(1, {(0, 0): self._totals.mean() * _spread(eta)})

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """Negative Hessian of rows, with their own numbers of trials."""
        return Entries(1, {(0, 0): self._counts(y).sum(axis=1) * _spread(eta)})

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        return {"prob": super()._initial(y, weight)["probs"][0]}

    def _sample(self, rng: np.random.Generator, n: int, prob: np.ndarray) -> np.ndarray:
        totals = self._draw_totals(rng, n)
        found = rng.binomial(totals, prob)
        return np.stack([found, totals - found], axis=1).astype(np.float64)

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (n,) of the share of successes, at the mean of ``totals``."""
        return expit(eta[:, 0]), _spread(eta) / self._totals.mean()

    def _to_scipy(self, prob: Any) -> Any:
        return super()._to_scipy(np.array([prob, 1.0 - prob]))

    def _to_mean(self, origin: tuple, prob: Any) -> tuple:
        return (prob,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"prob": first}


def _spread(eta: np.ndarray) -> np.ndarray:
    """prob (1 - prob)."""
    return expit(eta[:, 0]) * expit(-eta[:, 0])
