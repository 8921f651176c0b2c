"""The negative mean log-likelihood of a regression: each row has its own eta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property, partial
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.linops import Dense, LinearOperator
from natfit.linops.row_curvature import RowCurvature, made_positive
from natfit.linops.with_ridge import WithRidge
from natfit.models import Model
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._curvature import Recipe, _gram, _rough
from natfit.objectives._formula import Formula, divergence_part
from natfit.objectives._interpolation import explained, interpolation, narrowed
from natfit.objectives._kinks import nearest_gradient
from natfit.objectives._narrow import narrow_rows
from natfit.objectives._recession import separation, settled, uncertain
from natfit.objectives._row_limits import row_limit
from natfit.objectives.base import NoMinimum
from natfit.objectives.likelihood import Likelihood
from natfit.objectives.penalty import ridge_matrix
from natfit.rows import Block, Memory, Rows, fewer_of

#: Most rows on which the divergence of a step is computed, which only limits its length, and the
#: numbers of X from which there are fewer, down to a quarter.
_WATCHED, _WATCHED_SIZE = 4_096, 1 << 18

#: Smallest eigenvalue of the clipped information of a row, as a share of its largest.
_CLIPPED = 1e-3


#: What to do about the end of a regression, which takes no start values and fixes no parameter.
_REMEDIES = {
    "boundary": "use the simpler family that the limit stands for, or data that determine it",
    "max_iter": (
        "raise max_iter; if the distance has stopped falling, another metric (observed, for "
        "instance) or fewer features may need fewer iterations"
    ),
    "no_descent": (
        "check y, X and offset for values far from all others; try damping='levenberg', another "
        "metric or another family"
    ),
    "singular": "drop some of these columns, use alpha > 0, or give rows that determine them",
    "non_finite": "check y, X and offset for values far from all others, and divide them by a unit",
    "unbounded": "use another family, fewer columns, or alpha > 0",
}


#: The same where rows have kinks and others are censored.
_KINKED = (
    "the log-density has a kink at each exact row, at which a descent stops, and beside censored "
    "rows no rule tells its optimum here: use a smooth family, such as student_t or logistic"
)


class Regression(Likelihood):
    """f(theta) = -1/W sum_i w_i log p(y_i | eta_i(theta)) + 1/2 theta' (S (x) diag(lambda)) theta.

    Parameters
    ----------
    distribution : Distribution
        The family, bound.
    model : Model
        A conditional model, bound.
    rows : Rows
        y, X, weights and offsets.
    ridge : ndarray of shape (P,), optional
        lambda, in units of theta; zero for what is not penalised.
    mix : ndarray of shape (K, K), optional
        S, the identity by default: what the K predictors, with the same features, have in common.
    """

    summarises = False

    #: Whether every row has its own eta, linear in theta, so that there is a Hessian.
    regresses = True

    @property
    def remedies(self) -> Mapping[str, str]:  # type: ignore[override]  # the family decides
        """What to do about an end of a run, by its status."""
        family = self.distribution
        if family.kink_sum is None or family.information.complete:
            return _REMEDIES
        return {**_REMEDIES, **dict.fromkeys(("max_iter", "no_descent", "singular"), _KINKED)}

    #: Whether a fit asks if there is a maximum: not where its end is a start of another one.
    asked = True

    def __init__(
        self,
        distribution: Distribution,
        model: Model,
        rows: Rows,
        ridge: np.ndarray | None = None,
        mix: np.ndarray | None = None,
    ):
        super().__init__(distribution, model, rows)
        self.ridge = None if ridge is None or not ridge.any() else ridge
        # What predictors have in common is their features; a network's layers share them anyway.
        self.mix = mix if model.linear else None
        self.penalised = self.ridge is not None
        self._explained: list[str | None] = []
        self._passed: tuple[np.ndarray, float, np.ndarray] | None = None
        self._seen: tuple[np.ndarray, LinearOperator] | None = None

    def at_rows(self, rows: Rows) -> Regression:
        """Return the same objective for other rows."""
        return type(self)(self.distribution, self.model, rows, self.ridge, self.mix)

    @cached_property
    def _formula(self) -> Formula:
        """What is sent to where the rows are.

        Rows that are one block here have the eta of the last pass, and in this process eta moves
        along lines.
        """
        return Formula(self.distribution, self.model, self._key, self.rows.single, self.rows.here)

    @cached_property
    def kinked(self) -> bool:
        """Whether the log-density of each row has a kink at a location with linear features."""
        family = self.distribution
        plain = list(family.roles.values()) == [Role.LOCATION, Role.SCALE]
        exact = family.kink_sum is not None and family.information.complete
        return plain and exact and isinstance(self.model, LinearPredictors)

    # ------------------------------------------------------------------------ value, gradient

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,), by one pass over the rows; the last one is kept."""
        return self._at(theta, second=True)

    def first_order(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,), by a pass that brings nothing else along."""
        return self._at(theta, second=False)

    def _at(self, theta: np.ndarray, second: bool) -> tuple[float, np.ndarray]:
        if self._passed is not None and np.array_equal(self._passed[0], theta):
            return self._passed[1], self._passed[2].copy()
        value, grad = self._smooth_part(theta, second)
        if self.kinked and np.isfinite(grad).all():
            grad = nearest_gradient(self, theta, grad)
        self._passed = theta.copy(), value, grad
        return value, grad.copy()

    def gradient_beside(self, theta: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Return the gradient (P,); with kinks, the one that is nearest to a span of lines."""
        return nearest_gradient(self, theta, self._smooth_part(theta, False)[1], lines)

    def _smooth_part(self, theta: np.ndarray, second: bool) -> tuple[float, np.ndarray]:
        value, grad = self._evaluated(theta, second)
        if self.ridge is None:
            return value, grad
        pull = self.penalty_times(theta)
        return value + 0.5 * float(theta @ pull), grad + pull

    def penalty_times(self, v: np.ndarray) -> np.ndarray:
        """Return (S (x) diag(lambda)) v, (P,)."""
        if self.ridge is None:
            return np.zeros_like(v)
        if self.mix is None:
            return self.ridge * v
        return (self.mix @ (self.ridge * v).reshape(len(self.mix), -1)).ravel()

    @property
    def has_observed(self) -> bool:
        """Whether standard errors come from the observed information where none is asked for."""
        return self.model.linear

    def penalty_matrix(self) -> np.ndarray | None:
        """Return S (x) diag(lambda), (P, P), the curvature of the penalty; None without one."""
        if self.ridge is None:
            return None
        return ridge_matrix(self.ridge, self.mix)

    def log_likelihood(self, theta: np.ndarray, value: float) -> float:
        """Return the log-likelihood of all rows, nats, without the penalty."""
        return -(value - 0.5 * float(theta @ self.penalty_times(theta))) * self.total

    # ------------------------------------------------------------------------------ curvature

    def fisher(self, theta: np.ndarray) -> LinearOperator:
        """Return the exact expected information with that of the penalty, of size P."""
        return self._of_rows(theta, "expected")

    def hessian(self, theta: np.ndarray) -> LinearOperator:
        """Return the Hessian of f, of size P, for a model that is linear in theta.

        Returns
        -------
        LinearOperator
            The matrix, which may be indefinite.

        Raises
        ------
        ValueError
            If eta is not linear in theta.
        """
        if not self.model.linear:
            raise ValueError(
                f"the observed information of {type(self.model).__name__} is not available; use "
                "metric='exact'"
            )
        if self._seen is None or not np.array_equal(self._seen[0], theta):
            found = self._of_rows(theta, "observed")
            found.positive = False
            if not self.rows.single:
                return found
            # The last iterate of a fit of few rows is where its standard errors are.
            self._seen = theta.copy(), found
        # Who gets it may say what it is.
        return copy(self._seen[1])

    def clipped(self, theta: np.ndarray) -> LinearOperator:
        """Return J' C J with the observed information of each row made positive definite.

        For families whose expected information is expensive or undefined: eigenvalues of a row's
        negative Hessian are replaced by their absolute values.

        Returns
        -------
        LinearOperator
            Positive semidefinite, of size P.
        """
        found = self._of_rows(theta, "clipped")
        found.note = "observed information of rows, made positive"
        return found

    def _of_rows(self, theta: np.ndarray, rule: str) -> LinearOperator:
        """Return the sum of J' C J by the name of its rule, with the curvature of the penalty."""
        recipe, sum_of = self._recipe(rule, theta), None
        if self._ahead is not None:
            sum_of = partial(self._sum_by, rule, recipe.theta)
        return self._penalised(self._sum_of(recipe, self.distribution.n_params, sum_of))

    def _recipe(self, rule: str, theta: np.ndarray) -> Recipe:
        """Return how C of a row is made: expected, observed, or one of both and positive."""
        family, of_y = self.distribution, True
        if rule == "expected":
            made, of_y = partial(_expected, family), False
        elif rule == "observed":
            made = partial(_observed, family)
        elif rule == "positive" and self._cheap:
            made = partial(_expected_or_observed, family)
        else:
            made = partial(_clipped, family, self._unit(theta))
        return Recipe(self._formula, theta.copy(), made, self.total, of_y)

    def _sum_by(self, rule: str, theta: np.ndarray, part: Any) -> Any:
        """Return the sum of a part with the recipe of a rule, which a pass may have brought."""
        if self._ahead is None:
            return self.rows.sum(part, self._recipe(rule, theta))
        return self._ahead.asked((part, rule), theta, self._call_of)

    def _call_of(self, what: Any, point: np.ndarray) -> tuple[Any, ...]:
        if not isinstance(what, tuple):
            return super()._call_of(what, point)
        part, rule = what
        return part, self._recipe(rule, point)

    def expect(self, rule: str, rough: bool) -> None:
        """Say that the matrix of a rule is asked for at the next point: it comes with the gradient.

        Parameters
        ----------
        rule : str
            ``"observed"`` for :meth:`hessian`, ``"positive"`` for :meth:`positive_information`.
        rough : bool
            Whether in single precision, where the model offers it.
        """
        if self._ahead is not None:
            self._ahead.expect((_rough if rough else _gram, rule))

    def _penalised(self, operator: LinearOperator) -> LinearOperator:
        if self.ridge is None:
            return operator
        return WithRidge(operator, self.ridge, self.mix)

    def positive_information(self, theta: np.ndarray) -> LinearOperator:
        """Return the expected information where it is cheap, else the clipped observed one."""
        return self._of_rows(theta, "positive") if self._cheap else self.clipped(theta)

    @property
    def _cheap(self) -> bool:
        """Whether the expected information of every row is known and cheap."""
        family = self.distribution
        return family.information.measures and family.fisher_by_rows

    def mean_curvature(self, theta: np.ndarray) -> np.ndarray:
        """Return the weighted mean over rows of C, (K, K): expected, or clipped observed."""
        found: np.ndarray = self._sum_by("positive", theta, _mean_part)
        return found

    def unit_gram(self, theta: np.ndarray) -> np.ndarray:
        """Return the weighted mean over rows of z z', (A, A), in single precision."""
        gram: np.ndarray = self.rows.sum(_unit_part, self._formula, theta)
        return gram / self.total

    def rough_information(self, inner: np.ndarray, gram: np.ndarray) -> np.ndarray:
        """Return a mean of C (K, K) times one of z z' (A, A), plus the penalty's part, (P, P).

        It costs one Gram matrix, whatever the number of parameters of the family: the start of
        secants, and exact where all rows have the same C.

        Returns
        -------
        ndarray of shape (P, P)
            In single precision.
        """
        matrix = np.zeros((self.n_params,) * 2, dtype=np.float32)
        self.model.add_product(matrix, inner, gram)
        if self.ridge is None:
            return matrix
        return WithRidge(Dense(matrix), self.ridge, self.mix).add_to(matrix)

    def fewer(self, most: int) -> Regression:
        """Return the same objective for at most so many rows, spread over all of them."""
        few = self.rows.few(most)
        return self.at_rows(Memory(few.y, few.X, few.weight, few.offset))

    def _unit(self, theta: np.ndarray) -> np.ndarray | None:
        """Return the roots (K,) of the mean curvatures of eta: the units in which C is clipped.

        The eigenvalues of C would otherwise compare a location, in the unit of y, with a logarithm.

        Returns
        -------
        ndarray of shape (K,) or None
            None for one parameter, or where a curvature is not finite.
        """
        if self.distribution.n_params == 1 or self.distribution.concave:
            return None
        with np.errstate(all="ignore"):
            size = self._watched.sum(_size_part, self._formula, theta) / self._watched.n
        return np.sqrt(size) if np.isfinite(size).all() and (size > 0).all() else None

    def information(self, theta: np.ndarray) -> LinearOperator | None:
        """Return the information in which convergence is measured."""
        return self.positive_information(theta)

    # ------------------------------------------------------------------------------ its end

    def settled(self, theta: np.ndarray, step: np.ndarray) -> bool:
        """Tell whether a natural step (P,) moves no logarithm in any row by more than a tenth."""
        return not self.model.linear or settled(self, theta, step)

    def without_minimum(self, path: Sequence[np.ndarray], near: bool) -> NoMinimum | None:
        """Say why the likelihood grows without limit along the last moves of a path, if it does."""
        if not (self.asked and self.model.linear) or (self.penalised and self.ridge is None):
            return None
        found = interpolation(self, path) or narrow_rows(self, path[-1])
        return found or (separation(self, path) if near else None)

    def explained(self, theta: np.ndarray) -> str | None:
        """Return the width that is zero where the features explain every row exactly, or None."""
        if not self._explained:
            self._explained.append(explained(self, theta))
        return self._explained[0]

    def narrowed(self, first: np.ndarray, last: np.ndarray) -> bool:
        """Tell whether a width has fallen so far between two theta that it may run to zero."""
        return narrowed(self, first, last)

    def doubtful(self, theta: np.ndarray) -> bool:
        """Tell whether f may fall without limit although an optimum seems to have been found.

        A penalty makes a local optimum beside rows that are explained exactly, and steps become
        short where rows are certain.

        Returns
        -------
        bool
        """
        model = self.model
        if not isinstance(model, LinearPredictors):
            return False
        most = max(part.stop - part.start for part in model.parts)
        if self.distribution.widths and (self.penalised or self.kinked or most >= self.rows.n):
            if self.explained(theta) is not None:
                return True
        return uncertain(self, theta) or narrow_rows(self, theta) is not None

    def held_by(self, theta: np.ndarray) -> NoMinimum | None:
        """Say which predictor is at a limit of the family in a row, so that a descent ends."""
        return row_limit(self, theta)

    def logarithms(self, path: np.ndarray) -> tuple[np.ndarray, Sequence[int]]:
        """Return the intercepts of logarithmic predictors at points (n, P), and their indices."""
        if not isinstance(self.model, LinearPredictors):
            return super().logarithms(path)
        logs = np.isfinite(self.distribution.limits[2])
        found = [i for i, log in zip(self.model.intercepts(), logs, strict=True) if log]
        index = [i for i in found if i is not None]
        return path[:, index], index

    def named(self, indices: Sequence[int]) -> tuple[str, ...]:
        """Return names; of a feature that all classes share, its own in place of one for each."""
        model, size = self.model, self.distribution.n_params
        found = super().named(indices)
        if self.distribution.contrast is None or not isinstance(model, LinearPredictors):
            return found
        width = len(self.names()) // size
        places = [i % width for i in indices]
        shared = [
            name[len(model.eta_names[i // width]) :] for i, name in zip(indices, found, strict=True)
        ]
        return tuple(
            dict.fromkeys(
                part[1:-1] if places.count(place) == size else name
                for place, part, name in zip(places, shared, found, strict=True)
            )
        )

    def bound(self, index: int, side: str) -> str:
        """Return the parameter of an intercept and its limit; a coefficient by its name."""
        if isinstance(self.model, LinearPredictors) and index in self.model.intercepts():
            return super().bound(self.model.intercepts().index(index), side)
        return f"{self.names()[index]} -> {'-' * (side == 'lower')}inf"

    # ------------------------------------------------------------------------------ divergence

    @property
    def has_kl(self) -> bool:
        """Whether the family's divergence is a closed form."""
        return self.distribution.kl_by_rows

    @cached_property
    def _watched(self) -> Rows:
        """At most 4,096 rows, spread over all; at least 1,024 where there are many features."""
        most = min(_WATCHED, max(_WATCHED // 4, _WATCHED_SIZE // max(self.rows.n_features, 1)))
        if self.rows.single and fewer_of(self.rows, most) >= self.rows.n:
            return self.rows
        few = self.rows.few(fewer_of(self.rows, most))
        return Memory(few.y, few.X, few.weight, few.offset)

    def kl(self, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Return the mean divergence per row from theta to theta2 on some rows, in nats."""
        if not self.has_kl:
            return np.nan
        with np.errstate(all="ignore"):
            found = self._watched.sum(divergence_part, self._formula, theta, theta2)
        return float(found) / self._watched.total


def _mean_part(block: Block, recipe: Recipe) -> np.ndarray:
    """Return the weighted mean of C, (K, K)."""
    _, entries, *_ = recipe.parts(block)
    return entries.total(block.n)


def _unit_part(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Return the weighted sum of z z', (A, A)."""
    lin: Any = formula.linearize(theta, block)
    return lin.unit_gram(True, block.weight)


def _expected(family: Distribution, eta: np.ndarray, start: int) -> tuple[RowCurvature, None]:
    return family.curvature(eta), None


def _expected_or_observed(
    family: Distribution, eta: np.ndarray, y: Any
) -> tuple[RowCurvature, None]:
    """Return the expected information; the observed one, made positive, if a row has none."""
    try:
        return family.curvature(eta), None
    except ValueError:
        found = family.observed_curvature(y, eta)
        size = np.sqrt(np.abs(np.diagonal(found.total(len(eta)))))
        usable = np.isfinite(size).all() and bool((size > 0).all())
        return made_positive(found, len(eta), _CLIPPED, size if usable else None), None


def _observed(family: Distribution, eta: np.ndarray, y: Any) -> tuple[RowCurvature, None]:
    return family.observed_curvature(y, eta), None


def _clipped(
    family: Distribution, unit: np.ndarray | None, eta: np.ndarray, y: Any
) -> tuple[RowCurvature, None]:
    """Return the observed information of rows with the absolute values of its eigenvalues."""
    found = family.observed_curvature(y, eta)
    return (found if family.concave else made_positive(found, len(eta), _CLIPPED, unit)), None


def _size_part(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Return the sum of the sizes of the diagonal of the observed information, (K,)."""
    found = formula.distribution.observed_curvature(block.y, formula.eta(theta, block))
    out = np.zeros(found.size)
    for k, m, entry in found.items():
        if k == m:
            out[k] = np.abs(entry).sum() if np.ndim(entry) else block.n * abs(float(entry))
    return out
