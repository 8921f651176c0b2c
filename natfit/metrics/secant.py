"""The Fisher information, kept while steps are full and corrected by what they show."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics._kept import Inverse, Kept, Secant
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.metrics.exact import ExactFisher
from natfit.objectives import Objective
from natfit.objectives.regression import Regression

#: Predicted decrease, in nats per row, below which the observed information is tried.
_NEAR = 0.1

#: Cost of forming the information, in passes over the rows, below which it is never kept.
_CHEAP = 2.0

#: Numbers of X up to which a pass costs no more than the calls that make it.
_SMALL = 30_000

#: Ratio of distances from which a kept inverse is renewed.
_POOR = 0.3


class SecantFisher(Metric):
    """The Fisher information of a regression, formed once and then corrected by secants.

    Forming J' C J costs as much as many passes over the rows. After a full step the inverse is
    therefore kept, and corrected by the change of the gradient along the step, as in the BFGS
    method: the inverse of the next metric satisfies the secant equation. It is formed anew after
    every step that was shortened, and where steps with the kept one do not shorten the distance to
    the optimum enough. Near the optimum the observed information is used if it is positive
    definite; families whose expected information is expensive use the observed one of the rows,
    made positive.
    """

    is_information = True

    def prepare(self, objective: Objective) -> Metric:
        """Return a metric that keeps what it has formed for this objective."""
        likelihood = need_likelihood(self, objective)
        if not (likelihood.regresses and likelihood.model.linear):
            raise ValueError(
                "metric='secant' needs a regression with linear predictors, got the model "
                f"{type(likelihood.model).__name__}; use metric='exact'"
            )
        return _Keeping()

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the information at an iterate, formed anew, of size P."""
        return self.prepare(objective).at(objective, iterate, rng)


@dataclass
class _State:
    base: Inverse
    theta: np.ndarray
    grad: np.ndarray
    distance: float
    kept: Kept
    secants: list[Secant] = field(default_factory=list)


class _Keeping(ExactFisher):
    """The metric of one fit, with the information that it keeps."""

    def __init__(self) -> None:
        super().__init__(endgame=True)
        self._state: _State | None = None

    def prepare(self, objective: Objective) -> Metric:
        """Return this metric: it belongs to one objective."""
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the information at an iterate, kept and corrected or formed anew."""
        assert isinstance(objective, Regression)
        state = self._state
        if state is not None and self._keeps(objective, iterate, state):
            s, y = iterate.theta - state.theta, iterate.grad - state.grad
            before = state.kept @ s
            if float(s @ y) > 1e-10 * float(s @ before) > 0.0:
                state.secants.append(Secant(s, y, before))
            state.kept = Kept(state.base, state.secants, len(s))
        else:
            base, note = self._formed(objective, iterate)
            kept = Kept(base, [], len(iterate.theta))
            state = _State(base, iterate.theta, iterate.grad, np.inf, kept)
            state.kept.note = note
        kept = state.kept
        d, _ = kept.solved(iterate.grad)
        state.distance = float(np.sqrt(max(float(iterate.grad @ d), 0.0)))
        state.theta, state.grad = iterate.theta, iterate.grad
        self._state = state
        return kept

    def _keeps(self, objective: Regression, iterate: Point, state: _State) -> bool:
        """Tell whether the kept inverse serves at this iterate."""
        if iterate.n_iter == 0 or not iterate.step_length == 1.0 or not state.base.positive:
            return False
        n, d = objective.rows.n, objective.rows.n_features
        cost = (d + 1) * (objective.distribution.n_params + 1) / 8.0
        if cost < _CHEAP or n * d < _SMALL:
            return False
        d_now, _ = state.kept.solved(iterate.grad)
        now = float(np.sqrt(max(float(iterate.grad @ d_now), 0.0)))
        return bool(now < _POOR * state.distance)

    def _formed(self, objective: Regression, iterate: Point) -> tuple[Inverse, str | None]:
        """Return the information at an iterate with its inverse, and a note."""
        family = objective.distribution
        theta = iterate.theta
        near = iterate.decrease <= _NEAR
        if near or not (family.information.measures and family.fisher_by_rows):
            with np.errstate(all="ignore"):
                matrix = objective.hessian(theta).dense()
            if np.isfinite(matrix).all():
                found = Inverse(matrix)
                if found.positive:
                    return found, "observed"
        operator = objective.positive_information(theta)
        return Inverse(operator.dense()), operator.note
