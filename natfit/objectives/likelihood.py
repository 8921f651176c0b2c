"""The negative mean log-likelihood of a distribution and a model."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.sums import block_sum
from natfit.linops import Dense, LinearOperator, Sandwich
from natfit.models import Model
from natfit.objectives._ahead import Ahead
from natfit.objectives._curvature import Recipe, SumOverRows
from natfit.objectives._formula import (
    Formula,
    divergence_part,
    gradient_part,
    outer_part,
    pair_part,
    score_part,
)
from natfit.objectives.base import Objective
from natfit.rows import Block, Rows

_KEYS = itertools.count()

#: Sums of a family over rows that share eta.
_SUMS, _OBSERVED = "sum_value_and_score", "sum_observed"

#: Most parameters with which the curvature comes with several trial lengths of one pass.
_FEW = 100


class Likelihood(Objective):
    """f(theta) = -1/W sum_i w_i log p(y_i | eta_i(theta)), nats per row.

    With a constant model and an exponential family the data are read once. Their sufficient
    statistic, one row of weight W, then replaces the rows, and none of the sums below is a pass
    over the data.

    Parameters
    ----------
    distribution : Distribution
        The family, bound to the shape of the data.
    model : Model
        The map from theta and X to eta.
    rows : Rows
        The data y, the features X that the model maps, and weights.
    summary : tuple, optional
        ``distribution.sufficient(rows)``, if it was computed already.
    """

    probabilistic = True

    #: Whether a sufficient statistic may replace the rows.
    summarises = True

    #: Whether each row has its own eta and the curvature is made of entries, as in
    #: :class:`natfit.objectives.regression.Regression`.
    regresses = False

    #: Whether a prior is part of f, so that observed and expected information differ in any family.
    penalised = False

    total: float

    @property
    def expects(self) -> bool:
        """Whether :meth:`score_covariance` is an expectation, of which the data have no part."""
        family = self.distribution
        return family.information.measures and (self.model.shared or family.fisher_by_rows)

    @property
    def kinked(self) -> bool:
        """Whether the log-density of each row has a kink at a location with linear features."""
        return False

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
        self._asked = True
        self._key = next(_KEYS)
        self._ahead = Ahead(rows) if rows.costly and self.summary is None else None

    @property
    def n_params(self) -> int:  # type: ignore[override]  # the model decides, nobody sets it
        """P, the number of coordinates of theta."""
        return self.model.n_params

    @property
    def _formula(self) -> Formula:
        return Formula(self.distribution, self.model, self._key, False)

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,), by one pass over the data or the summary."""
        return self._evaluated(theta, second=True)

    def first_order(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,), by a pass that computes no Hessian for later."""
        return self._evaluated(theta, second=False)

    def _evaluated(self, theta: np.ndarray, second: bool) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        with np.errstate(all="ignore"):
            if self.model.shared:
                lin = self.model.linearize(theta, None)
                value, score = self._sums(lin.eta, second)
                return -float(value) / self.total, lin.vjp(score[None]) / -self.total
            value, grad = self._gradient_sum(theta, second)
        return -float(value) / self.total, grad / -self.total

    def _gradient_sum(self, theta: np.ndarray, second: bool) -> tuple[float, np.ndarray]:
        """Return the sums of log p and its gradient; ``second`` brings what is asked for next."""
        if self._ahead is None:
            return self.rows.sum(gradient_part, self._formula, theta)
        sum_at = self._ahead.first if second else self._ahead.sum
        return sum_at(gradient_part, theta, self._call_of)

    def _call_of(self, what: Any, point: np.ndarray) -> tuple[Any, ...]:
        """Return the part and the arguments of a sum at a point: theta, or eta that rows share."""
        if what is gradient_part:
            return gradient_part, self._formula, point
        return block_sum, self.distribution, what, point

    @property
    def foresees(self) -> bool:  # type: ignore[override]  # the rows decide, nobody sets it
        """Whether the rows are costly, so that one pass should serve several points."""
        return self._ahead is not None

    def foresee(self, thetas: Sequence[np.ndarray]) -> None:
        """Make one pass for f and its gradient at some points, unless the first is known."""
        what: Any = gradient_part
        if self._ahead is not None and self.model.shared:
            what, thetas = _SUMS, [self.model.eta(theta, None) for theta in thetas]
            self._ahead.expect(_OBSERVED)
        if self._ahead is None or not len(thetas) or self._ahead.holds(what, thetas[0]):
            return
        with np.errstate(all="ignore"):
            self._ahead.bring(what, thetas, self._call_of, alone=self.n_params > _FEW)

    def _shared_sum(self, name: str, eta: np.ndarray) -> Any:
        """Return a sum of the family by its name, over rows that share eta or over the summary."""
        if self.summary is not None:
            return getattr(self.distribution, name)(self.summary, self._summary_weight, eta)
        if self._ahead is not None:
            return self._ahead.sum(name, eta, self._call_of)
        return self.rows.sum(block_sum, self.distribution, name, eta)

    def _sums(self, eta: np.ndarray, second: bool) -> tuple[float, np.ndarray]:
        """Return sums of log p and score; ``second`` keeps a Hessian that comes with them."""
        # One that nobody asked for is followed by none: trials that are refused, and metrics that
        # need no Hessian, would pay for it.
        foreseen = self._ahead is not None and self._ahead.holds(_SUMS, eta)
        if foreseen or not (second and self._asked) or self.distribution.sum_terms is None:
            return self._shared_sum(_SUMS, eta)
        value, score, observed = self._shared_sum("sum_terms", eta)
        self._observed, self._asked = (eta, observed), False
        return value, score

    def observed(self, eta: np.ndarray) -> np.ndarray:
        """Return the negative Hessian in eta of the mean log-likelihood, (K, K), for eta (1, K)."""
        self._asked = True
        if self._observed is not None and np.array_equal(self._observed[0], eta):
            return self._observed[1] / self.total
        with np.errstate(all="ignore"):
            self._observed = eta.copy(), self._shared_sum(_OBSERVED, eta)
        return self._observed[1] / self.total

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """Return the expected information per row in eta, (K, K), for eta (1, K)."""
        with np.errstate(all="ignore"):
            return self.distribution.fisher(eta)[0]

    # ------------------------------------------------------------------------- curvature

    def fisher(self, theta: np.ndarray) -> LinearOperator:
        """Return the exact expected information 1/W sum_i w_i J_i' C(eta_i) J_i, of size P."""
        operator = self.sandwich(theta, partial(_expected, self.distribution))
        operator.exact = self.model.shared and self.distribution.information.exact
        return operator

    def sandwich(
        self, theta: np.ndarray, rule: Callable, columns: int | None = None
    ) -> LinearOperator:
        """Return 1/W sum_i w_i J_i' C_i J_i, where C_i is computed by a rule from eta_i alone.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The point.
        rule : callable
            ``rule(eta, start)`` returns (C, None) or (None, B), of shape (n, K, K) or (n, K, R),
            for the rows whose eta it gets; ``start`` is the index of the first of them. It is a
            module-level function, a method of a component, or a ``functools.partial`` of either.
        columns : int, optional
            R, if the rule returns B.

        Returns
        -------
        LinearOperator
            The matrix, of size P.
        """
        if self.model.shared:
            lin = self.model.linearize(theta, None)
            return Sandwich([(lin, *rule(lin.eta, 0))], self.n_params)
        return self._over_rows(theta, rule, columns or self.distribution.n_params)

    def _over_rows(self, theta: np.ndarray, rule: Callable | None, columns: int) -> LinearOperator:
        return self._sum_of(Recipe(self._formula, theta.copy(), rule, self.total), columns)

    def _sum_of(
        self, recipe: Recipe, columns: int, sum_of: Callable[..., Any] | None = None
    ) -> LinearOperator:
        """Return a conditional model's sandwich; rows that are one chunk give a single term."""
        if self.rows.single:
            return Sandwich([self.rows.sum(_term_part, recipe)], self.n_params)
        return SumOverRows(self.rows, recipe, columns, sum_of)

    def scores(self, theta: np.ndarray) -> LinearOperator:
        """Return 1/W sum_i w_i (J_i' s_i)(J_i' s_i)' with the scores s_i at the data, of size P."""
        if not self.model.shared or self.rows.n < self.n_params:
            # With fewer rows than parameters the factor is kept for Woodbury's identity.
            return self.scores_by_row(theta)
        lin = self.model.linearize(theta, None)
        with np.errstate(all="ignore"):
            c = self.rows.sum(outer_part, self.distribution, lin.eta) / self.total
        return Sandwich([(lin, c[None], None)], self.n_params)

    def scores_by_row(self, theta: np.ndarray) -> LinearOperator:
        """Return :meth:`scores` with a factor of one column per row, also where rows share eta."""
        if not self.model.shared:
            return self._over_rows(theta, None, 1)
        lin = self.model.linearize(theta, None)
        with np.errstate(all="ignore"):
            b = self.rows.map(score_part, self.distribution, lin.eta, self.total)
        return Sandwich([(lin, None, b[:, :, None])], self.n_params)

    def hessian(self, theta: np.ndarray) -> LinearOperator:
        """Return the Hessian of f, which is the observed information.

        It is the sum of J' H J, where H is the Hessian in eta, and of the curvature of the
        coordinates. Without the second term its sign would be wrong in native coordinates.

        Returns
        -------
        LinearOperator
            The matrix, of size P, which may be indefinite.

        Raises
        ------
        ValueError
            If the model is conditional, so that each row has its own eta.
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
                _, score = self._sums(lin.eta, second=False)
                matrix = matrix + lin.curvature(score[None] / -self.total)
        return Dense(matrix, positive=False)

    def information(self, theta: np.ndarray) -> LinearOperator | None:
        """Return the information in which convergence is measured, or None if there is none.

        This is the exact expected information, or else the observed one; if a family declares the
        observed information as its yardstick, it is always that.

        Returns
        -------
        LinearOperator or None
            Of size P.
        """
        if self.distribution.information.measures:
            try:
                return self.fisher(theta)
            except ValueError:
                # Quadrature missed its accuracy here; the data still have a curvature.
                pass
        return self.hessian(theta) if self.model.shared else None

    def score_covariance(self, theta: np.ndarray) -> LinearOperator:
        """Return the covariance of the score of a row, of size P.

        It is the exact expected information where that is known and cheap, else the mean of the
        products of the scores, whose expectation it is.

        Returns
        -------
        LinearOperator
        """
        if self.expects:
            with contextlib.suppress(ValueError):
                # Quadrature may miss its accuracy.
                return self.fisher(theta)
        return self.scores(theta)

    def log_likelihood(self, theta: np.ndarray, value: float) -> float:
        """Return the log-likelihood of all rows, nats, at a theta at which f is ``value``.

        A summary that was moved for the sake of a maximum is not that of the rows, which are then
        asked.

        Returns
        -------
        float
            Without what a prior adds.
        """
        if self.bound_note is not None and self.model.shared:
            eta = self.model.eta(theta, None)
            return float(self.rows.sum(block_sum, self.distribution, "sum_value_and_score", eta)[0])
        return -value * self.total

    # ----------------------------------------------------------------------------- a prior

    def feasible(self, eta: np.ndarray) -> np.ndarray:
        """Return a start eta (K,) that no prior excludes; without a prior it is not changed."""
        return eta

    def prior_information(self, eta: np.ndarray) -> np.ndarray | None:
        """Return what a prior adds to the information per row in eta, (K, K); None without one."""
        return None

    # ------------------------------------------------------------------ geometry and names

    @property
    def has_kl(self) -> bool:
        """Whether the family has a Kullback-Leibler divergence."""
        return self.distribution.has_kl

    def kl(self, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Return the mean divergence per row from theta to theta2, in nats; NaN without one."""
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

    def mean_between(self, rule: Callable, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Return the mean over rows of ``rule(eta, eta2)``, (n,) for the rows' eta at two theta.

        The rule is a module-level function or a ``functools.partial`` of one, as that of
        :meth:`sandwich`.

        Returns
        -------
        float
            Weighted.
        """
        with np.errstate(all="ignore"):
            if self.model.shared:
                return float(rule(self.model.eta(theta, None), self.model.eta(theta2, None))[0])
            found = self.rows.sum(pair_part, self._formula, rule, theta, theta2)
            return float(found) / self.total

    def names(self) -> Sequence[str]:
        """Return a name for each of the P coordinates of theta."""
        return self.model.names()

    def bound(self, index: int, side: str) -> str:
        """Return the parameter, its limit in native values, and the family at this limit."""
        for name, block in self.distribution.blocks.items():
            if block.start <= index < block.stop:
                constraint = self.distribution.params[name]
                ends = constraint.native_bounds
                if constraint.decreasing and self.model.unconstrained:
                    side = "upper" if side == "lower" else "lower"
                meaning = self.distribution.limit_meaning.get((name, side), "")
                if (name, side) not in self.distribution.limit_meaning:
                    # User-supplied limits are named as they were given.
                    pairs = zip(constraint.native_limits, ends, strict=True)
                    ends = tuple(own if np.isfinite(own) else end for own, end in pairs)
                end = f"{name} -> {ends[0] if side == 'lower' else ends[1]:g}"
                return f"{end}{' (' + meaning + ')' if meaning else ''}"
        return super().bound(index, side)

    @property
    def row_ends(self) -> frozenset[int]:
        """Coordinates of the ends of the support that all rows share."""
        blocks, family = self.distribution.blocks, self.distribution
        return frozenset(blocks[name].start for name in family.row_ends if self.model.shared)

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lower limit, upper limit and largest step of each coordinate, (P,) each."""
        return self.model.limits()

    def cut_together(self) -> list[slice]:
        """Return the blocks of theta that a step shortens by one factor."""
        return self.model.cut_together()

    def in_domain(self, theta: np.ndarray) -> bool:
        """Tell whether theta (P,) lies in the domain of the model."""
        return self.model.in_domain(theta)


def _expected(family: Distribution, eta: np.ndarray, start: int) -> tuple[np.ndarray, None]:
    """Return C of the exact Fisher information, as the rule of a sandwich."""
    return family.fisher(eta), None


def _term_part(block: Block, recipe: Recipe) -> tuple:
    """Return the term of all rows, which are one block."""
    return recipe.parts(block)
