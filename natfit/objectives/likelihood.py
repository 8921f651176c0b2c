"""Negative mean log-likelihood of a distribution and a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from natfit import rows
from natfit.distributions.base import Distribution
from natfit.linops import Dense, LinearOperator, Sandwich
from natfit.models import Linearization, Model
from natfit.objectives.base import Objective


class Likelihood(Objective):
    """f(theta) = -1/W sum_i w_i log p(y_i | eta_i(theta)), nats per row.

    With a constant model and an exponential family the data are read once: ``data`` is then
    the sufficient statistic, one row of weight W, and every sum below runs on it.

    Parameters
    ----------
    distribution : Distribution
        Bound to the data's shape.
    model : Model
        Gives eta.
    y : ndarray of shape (N,) or (N, D)
        The data.
    X : ndarray of shape (N, ...), optional
        What the model maps; None for a constant model.
    weight : ndarray of shape (N,), optional
        Repetitions of each row, all positive.
    summary : tuple, optional
        ``distribution.sufficient(y, weight)`` where it is known already.
    """

    probabilistic = True

    #: Whether a sufficient statistic may stand in for the rows.
    summarises = True

    #: Whether a prior is part of f: then no summary makes observed and expected information equal.
    penalised = False

    def __init__(
        self,
        distribution: Distribution,
        model: Model,
        y: np.ndarray,
        X: Any = None,
        weight: np.ndarray | None = None,
        summary: Any | None = None,
    ):
        self.distribution = distribution
        self.model = model
        self.y = y
        self.X = X
        self.weight = weight
        self.total = float(len(y)) if weight is None else float(weight.sum())
        self.summary = summary
        if summary is None and model.shared and self.summarises:
            self.summary = distribution.sufficient(y, weight)
        self.bound_note: str | None = None
        if self.summary is not None:
            self.summary, self.bound_note = distribution.bounded(self.summary)
        self.yardstick = max(self.total, float(len(y)))
        self._summary_weight = np.array([self.total])
        self._kept: tuple[np.ndarray, np.ndarray] | None = None
        self._linear: tuple[np.ndarray, Any] | None = None

    @property
    def n_params(self) -> int:
        """P."""
        return self.model.n_params

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """f and its gradient, one pass over the data (or over the summary)."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            if self.model.shared:
                lin = self.model.linearize(theta, None)
                value, score = self._sums(lin.eta)
                return -float(value) / self.total, lin.vjp(score[None]) / -self.total
            value, grad = rows.sum_rows(
                lambda y, X, w: self._row_part(theta, y, X, w), (self.y, self.X, self.weight)
            )
        return -float(value) / self.total, grad / -self.total

    def _shared_sum(self, fn: Callable, eta: np.ndarray) -> Any:
        """Sum over rows of a function that takes (y, weight, eta), eta the same for all."""
        if self.summary is not None:
            return fn(self.summary, self._summary_weight, eta)
        return rows.sum_rows(lambda y, w: fn(y, w, eta), (self.y, self.weight))

    def _sums(self, eta: np.ndarray) -> tuple[float, np.ndarray]:
        """Sums of log p and score; the Hessian that a family gives along with them is kept."""
        family = self.distribution
        if family.sum_terms is None:
            return self._shared_sum(family.sum_value_and_score, eta)
        value, score, observed = self._shared_sum(family.sum_terms, eta)
        self._kept = eta, observed
        return value, score

    def observed(self, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian in eta of the mean log-likelihood, (K, K), for eta (1, K)."""
        if self._kept is not None and np.array_equal(self._kept[0], eta):
            return self._kept[1] / self.total
        with np.errstate(all="ignore"):
            return self._shared_sum(self.distribution.sum_observed, eta) / self.total

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """Expected information a row in eta, (K, K), for eta (1, K)."""
        return self.distribution.fisher(eta)[0]

    def linearize(self, theta: np.ndarray, X: Any) -> Linearization:
        """The model at theta on a chunk of rows; kept where the chunk is all there is.

        The gradient and the curvature at one theta then share one forward pass.
        """
        if X is None or len(X) < len(self.y):
            return self.model.linearize(theta, X)
        if self._linear is None or not np.array_equal(self._linear[0], theta):
            self._linear = theta.copy(), self.model.linearize(theta, X)
        return self._linear[1]

    def _row_part(self, theta: np.ndarray, y: Any, X: Any, w: Any) -> tuple[float, np.ndarray]:
        lin = self.linearize(theta, X)
        value, score = self.distribution.log_prob_and_score(y, lin.eta)
        if w is None:
            return value.sum(), lin.vjp(score)
        return w @ value, lin.vjp(score * w[:, None])

    # ------------------------------------------------------------------------- curvature

    def fisher(self, theta: np.ndarray) -> Sandwich:
        """Expected information 1/W sum_i w_i J_i' C(eta_i) J_i, exact."""
        return self.sandwich(theta, lambda eta, start: (self.distribution.fisher(eta), None))

    def sandwich(self, theta: np.ndarray, rule: Callable) -> Sandwich:
        """1/W sum_i w_i J_i' C_i J_i with C_i from ``rule(eta, start)``, which sees no data.

        ``rule`` returns (C, None) or (None, B), (n, K, K) or (n, K, R), for the rows whose eta
        it is given; ``start`` is the index of the first.
        """
        if self.model.shared:
            lin = self.model.linearize(theta, None)
            return Sandwich([(lin, *rule(lin.eta, 0))], self.n_params)
        terms, n = [], len(self.y)
        for part in rows.chunks(n):
            lin = self.linearize(theta, self.X[part])
            share = self._share(part, len(lin.eta))
            c, b = rule(lin.eta, part.start)
            terms.append(
                (lin, c * share[:, None, None], None)
                if b is None
                else (lin, None, b * np.sqrt(share)[:, None, None])
            )
        return Sandwich(terms, self.n_params)

    def _share(self, part: slice, n: int) -> np.ndarray:
        """w_i / W of the rows of a chunk."""
        if self.weight is None:
            return np.full(n, 1.0 / self.total)
        return self.weight[part] / self.total

    def scores(self, theta: np.ndarray) -> Sandwich:
        """Empirical Fisher 1/W sum_i w_i (J_i' s_i)(J_i' s_i)', s_i the score at the data."""
        score = self.distribution.score
        if not self.model.shared:
            terms = []
            for part in rows.chunks(len(self.y)):
                lin = self.linearize(theta, self.X[part])
                b = score(self.y[part], lin.eta) * np.sqrt(self._share(part, len(lin.eta)))[:, None]
                terms.append((lin, None, b[:, :, None]))
            return Sandwich(terms, self.n_params)
        lin = self.model.linearize(theta, None)
        if len(self.y) < self.n_params:
            # Fewer rows than parameters: keep the factor, for Woodbury.
            share = self._share(slice(None), len(self.y))
            b = score(self.y, lin.eta) * np.sqrt(share)[:, None]
            return Sandwich([(lin, None, b[:, :, None])], self.n_params)

        def part_sum(y: Any, w: Any) -> np.ndarray:
            s = score(y, lin.eta)
            return s.T @ s if w is None else (s * w[:, None]).T @ s

        c = rows.sum_rows(part_sum, (self.y, self.weight)) / self.total
        return Sandwich([(lin, c[None], None)], self.n_params)

    def hessian(self, theta: np.ndarray) -> LinearOperator:
        """Observed information, the Hessian of f: J'HJ and the curvature of the coordinates.

        The second derivative in eta alone had the wrong sign in native coordinates.
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
        """
        if self.distribution.information.measures:
            try:
                return self.fisher(theta)
            except ValueError:
                # Quadrature did not reach its accuracy here; the data still give a curvature.
                pass
        return self.hessian(theta) if self.model.shared else None

    # ------------------------------------------------------------------ geometry and names

    @property
    def has_kl(self) -> bool:
        """Whether the family has one."""
        return self.distribution.has_kl

    def kl(self, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Mean divergence a row between two iterates, nats; NaN where the family has none."""
        if not self.distribution.has_kl:
            return np.nan
        with np.errstate(all="ignore"):
            if self.model.shared:
                pair = self.model.eta(theta, None), self.model.eta(theta2, None)
                try:
                    return float(self.distribution.kl(*pair)[0])
                except ValueError:
                    return np.nan

            def part(X: Any, w: Any) -> float:
                gap = self.distribution.kl(self.model.eta(theta, X), self.model.eta(theta2, X))
                return gap.sum() if w is None else w @ gap

            return float(rows.sum_rows(part, (self.X, self.weight))) / self.total

    def names(self) -> Sequence[str]:
        """The model's names."""
        return self.model.names()

    def bound(self, index: int, side: str) -> str:
        """The parameter, its bound in native terms, and which family that stands for."""
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
        """The model's limits."""
        return self.model.limits()

    def cut_together(self) -> list[slice]:
        """The model's blocks."""
        return self.model.cut_together()

    def in_domain(self, theta: np.ndarray) -> bool:
        """The model's domain."""
        return self.model.in_domain(theta)
