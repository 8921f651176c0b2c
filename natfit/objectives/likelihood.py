"""Negative mean log-likelihood of a distribution and a model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.sums import block_sum
from natfit.linops import Dense, LinearOperator, Sandwich
from natfit.models import Model
from natfit.objectives._curvature import Recipe, SumOverRows
from natfit.objectives._formula import (
    Formula,
    divergence_part,
    gradient_part,
    outer_part,
    score_part,
)
from natfit.objectives.base import Objective
from natfit.rows import Block, Rows

_KEYS = itertools.count()


class Likelihood(Objective):
    """f(theta) = -1/W sum_i w_i log p(y_i | eta_i(theta)), nats per row.

    With a constant model and an exponential family the data are read once: the sufficient
    statistic, one row of weight W, then stands in for the rows, and no sum below is a pass over
    them.

    Parameters
    ----------
    distribution : Distribution
        Bound to the data's shape.
    model : Model
        Gives eta.
    rows : Rows
        The data, what the model maps, and weights.
    summary : tuple, optional
        ``distribution.sufficient`` of the rows where it is known already.
    """

    probabilistic = True

    #: Whether a sufficient statistic may stand in for the rows.
    summarises = True

    #: Whether a prior is part of f: then no summary makes observed and expected information equal.
    penalised = False

    total: float

    def __init__(
        self, distribution: Distribution, model: Model, rows: Rows, summary: Any | None = None
    ):
        self.distribution = distribution
        self.model = model
        self.rows = rows
        self.total = rows.total
        self.summary = summary
        if summary is None and model.shared and self.summarises:
            self.summary = distribution.sufficient(rows)
        self.bound_note: str | None = None
        if self.summary is not None:
            self.summary, self.bound_note = distribution.bounded(self.summary)
        self.yardstick = max(self.total, float(rows.n))
        self._summary_weight = np.array([self.total])
        self._observed: tuple[np.ndarray, np.ndarray] | None = None
        self._key = next(_KEYS)

    @property
    def n_params(self) -> int:  # type: ignore[override]  # the model decides, nobody sets it
        """P, the number of coordinates of theta."""
        return self.model.n_params

    @property
    def _formula(self) -> Formula:
        return Formula(self.distribution, self.model, self._key, False)

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """f and its gradient, one pass over the data (or over the summary)."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            if self.model.shared:
                lin = self.model.linearize(theta, None)
                value, score = self._sums(lin.eta)
                return -float(value) / self.total, lin.vjp(score[None]) / -self.total
            value, grad = self.rows.sum(gradient_part, self._formula, theta)
        return -float(value) / self.total, grad / -self.total

    def _shared_sum(self, name: str, eta: np.ndarray) -> Any:
        """The family's sum of a name over rows, or over the summary, eta the same for all."""
        if self.summary is not None:
            return getattr(self.distribution, name)(self.summary, self._summary_weight, eta)
        return self.rows.sum(block_sum, self.distribution, name, eta)

    def _sums(self, eta: np.ndarray) -> tuple[float, np.ndarray]:
        """Sums of log p and score; the Hessian that a family gives along with them is kept."""
        if self.distribution.sum_terms is None:
            return self._shared_sum("sum_value_and_score", eta)
        value, score, observed = self._shared_sum("sum_terms", eta)
        self._observed = eta, observed
        return value, score

    def observed(self, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian in eta of the mean log-likelihood, (K, K), for eta (1, K)."""
        if self._observed is not None and np.array_equal(self._observed[0], eta):
            return self._observed[1] / self.total
        with np.errstate(all="ignore"):
            return self._shared_sum("sum_observed", eta) / self.total

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """Expected information per row in eta, (K, K), for eta (1, K)."""
        return self.distribution.fisher(eta)[0]

    # ------------------------------------------------------------------------- curvature

    def fisher(self, theta: np.ndarray) -> LinearOperator:
        """Expected information 1/W sum_i w_i J_i' C(eta_i) J_i, exact."""
        return self.sandwich(theta, partial(_expected, self.distribution))

    def sandwich(
        self, theta: np.ndarray, rule: Callable, columns: int | None = None
    ) -> LinearOperator:
        """1/W sum_i w_i J_i' C_i J_i with C_i from ``rule(eta, start)``, which sees no data.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            Where.
        rule : callable
            A function of a module or a component's method, or such a one with some arguments
            given (``functools.partial``). It returns (C, None) or (None, B), (n, K, K) or
            (n, K, R), for the rows whose eta it is given; ``start`` is the index of the first.
        columns : int, optional
            R, where the rule gives B.

        Returns
        -------
        LinearOperator
            Of size P.
        """
        if self.model.shared:
            lin = self.model.linearize(theta, None)
            return Sandwich([(lin, *rule(lin.eta, 0))], self.n_params)
        return self._over_rows(theta, rule, columns or self.distribution.n_params)

    def _over_rows(self, theta: np.ndarray, rule: Callable | None, columns: int) -> LinearOperator:
        """A conditional model's sandwich; rows that are one chunk here give its only term."""
        recipe = Recipe(self._formula, theta.copy(), rule, self.total)
        if self.rows.single:
            return Sandwich([self.rows.sum(_term_part, recipe)], self.n_params)
        return SumOverRows(self.rows, recipe, columns)

    def scores(self, theta: np.ndarray) -> LinearOperator:
        """Empirical Fisher 1/W sum_i w_i (J_i' s_i)(J_i' s_i)', s_i the score at the data."""
        if not self.model.shared:
            return self._over_rows(theta, None, 1)
        lin = self.model.linearize(theta, None)
        with np.errstate(all="ignore"):
            if self.rows.n < self.n_params:
                # Fewer rows than parameters: keep the factor, for Woodbury.
                b = self.rows.map(score_part, self.distribution, lin.eta, self.total)
                return Sandwich([(lin, None, b[:, :, None])], self.n_params)
            c = self.rows.sum(outer_part, self.distribution, lin.eta) / self.total
        return Sandwich([(lin, c[None], None)], self.n_params)

    def hessian(self, theta: np.ndarray) -> LinearOperator:
        """Observed information, the Hessian of f: J'HJ and the curvature of the coordinates.

        The second derivative in eta alone had the wrong sign in native coordinates.

        Returns
        -------
        LinearOperator
            Of size P; need not be positive.

        Raises
        ------
        ValueError
            If rows have an eta each.
        """
        if not self.model.shared:
            raise ValueError(
                "the observed information of a conditional model is not available; use "
                "metric='exact'"
            )
        lin = self.model.linearize(theta, None)
        matrix = lin.gram(self.observed(lin.eta)[None])
        if not lin.linear:
            with np.errstate(all="ignore"):
                _, score = self._sums(lin.eta)
                matrix = matrix + lin.curvature(score[None] / -self.total)
        return Dense(matrix, positive=False)

    def information(self, theta: np.ndarray) -> LinearOperator | None:
        """Exact expected information, else the observed one; None where neither is to be had.

        Where a family's yardstick is the observed information, always that.

        Returns
        -------
        LinearOperator or None
            Of size P.
        """
        if self.distribution.information.measures:
            try:
                return self.fisher(theta)
            except ValueError:
                # Quadrature did not reach its accuracy here; the data still give a curvature.
                pass
        return self.hessian(theta) if self.model.shared else None

    # ----------------------------------------------------------------------------- a prior

    def feasible(self, eta: np.ndarray) -> np.ndarray:
        """A start eta (K,) that no prior excludes: as it is, where there is none."""
        return eta

    def prior_information(self, eta: np.ndarray) -> np.ndarray | None:
        """What a prior adds to the information in eta per row, (K, K); None where there is none."""
        return None

    # ------------------------------------------------------------------ geometry and names

    @property
    def has_kl(self) -> bool:
        """Whether the family has one."""
        return self.distribution.has_kl

    def kl(self, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Mean divergence per row between two iterates, nats; NaN where the family has none."""
        if not self.distribution.has_kl:
            return np.nan
        with np.errstate(all="ignore"):
            if self.model.shared:
                pair = self.model.eta(theta, None), self.model.eta(theta2, None)
                try:
                    return float(self.distribution.kl(*pair)[0])
                except ValueError:
                    return np.nan
            found = self.rows.sum(divergence_part, self._formula, theta, theta2)
            return float(found) / self.total

    def names(self) -> Sequence[str]:
        """A name for each of the P coordinates of theta, as the model says."""
        return self.model.names()

    def bound(self, index: int, side: str) -> str:
        """The parameter, its limit in native terms, and which family that stands for."""
        for name, block in self.distribution.blocks.items():
            if block.start <= index < block.stop:
                constraint = self.distribution.params[name]
                ends = constraint.native_bounds
                if constraint.decreasing and self.model.unconstrained:
                    side = "upper" if side == "lower" else "lower"
                meaning = self.distribution.limit_meaning.get((name, side), "")
                if (name, side) not in self.distribution.limit_meaning:
                    # The user's own limits are named as they were given.
                    ends = (
                        getattr(constraint, "low", ends[0]),
                        getattr(constraint, "high", ends[1]),
                    )
                end = f"{name} -> {ends[0] if side == 'lower' else ends[1]:g}"
                return f"{end}{' (' + meaning + ')' if meaning else ''}"
        return super().bound(index, side)

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, upper limit and largest step of each coordinate of theta, (P,) each."""
        return self.model.limits()

    def cut_together(self) -> list[slice]:
        """Blocks of theta that a step shortens by one factor, as the model says."""
        return self.model.cut_together()

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta (P,) lies in the domain of the model."""
        return self.model.in_domain(theta)


def _expected(family: Distribution, eta: np.ndarray, start: int) -> tuple[np.ndarray, None]:
    """The rule of the exact Fisher information."""
    return family.fisher(eta), None


def _term_part(block: Block, recipe: Recipe) -> tuple:
    """The term of all rows, which are one block."""
    return recipe.parts(block)
