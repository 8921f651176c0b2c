"""The Fisher information, kept while steps are full and corrected by what they show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics._kept import Inverse, Kept, Product, Secant
from natfit.metrics._wide import Wide
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.metrics.exact import ExactFisher
from natfit.objectives import Objective
from natfit.objectives.regression import Regression

#: Predicted decrease, in nats per row, below which the observed information is tried.
_NEAR = 0.1

#: Cost of forming the information, in passes over the rows, below which it is never kept.
_CHEAP = 2.0

#: Products up to which forming the information costs no more than the calls of an iteration.
_SMALL = 3e7

#: Numbers of parameters from which the mean over rows of C is used, and up to which a matrix is
#: formed at all.
_ROUGH, _AFFORDABLE = 300, 2_000

#: Smallest reciprocal condition number of a matrix in single precision that serves: in no
#: direction is it wrong by more than a tenth.
_DIGITS = 1e-5

#: Distance to the optimum, in standard errors, from which a mean over rows is checked against the
#: information itself, by at most so many products.
_ARRIVING, _PRODUCTS = 1e-2, 30

#: Secants that are collected before a matrix is formed anew.
_MOST = 40

#: Relative change of the mean of C from which it is replaced, and the norm of the natural gradient
#: below which it no longer changes.
_CHANGED, _MOVES = 0.05, 1e-3

#: Ratio of distances from which a kept inverse is renewed.
_POOR = 0.3

#: Iterations with means over rows of which each must shrink the distance by this factor, or else
#: the information itself is formed.
_PATIENCE, _SLOW = 4, 0.5

#: Distance to the optimum, in standard errors, from which the first step is made with the
#: information of fewer rows.
_FIRST = 3.0

#: Rows for each parameter of one entry of eta from which the information is taken, and the share
#: of all rows that they may be: its eigenvalues are then within a third of those of all rows.
_SAMPLE, _SHARE = 30, 0.125

#: Relative change of the mean of C from which that information is taken anew.
_RENEWED = 0.1


class SecantFisher(Metric):
    """The Fisher information of a regression, formed once and then corrected by secants.

    Forming J' C J costs as much as many passes over the rows. After a full step the inverse is
    therefore kept, and corrected by the change of the gradient along the step, as in the BFGS
    method: the inverse of the next metric satisfies the secant equation. It is formed anew after
    every step that was shortened, and where steps with the kept one do not shorten the distance to
    the optimum enough. Near the optimum the observed information is used if it is positive
    definite, or with absolute eigenvalues where the expected one has brought the optimum little
    nearer; families whose expected information is expensive use the observed one of the rows, made
    positive.
    """

    is_information = True

    def prepare(self, objective: Objective) -> Metric:
        """Return a metric that keeps what it forms; the exact one without linear predictors."""
        likelihood = need_likelihood(self, objective)
        if not (likelihood.regresses and likelihood.model.linear):
            return ExactFisher(endgame=True).prepare(objective)
        _expect(cast(Regression, objective), near=False)
        return _Keeping()

    def begin_with(self, other: Metric) -> None:
        """Take the information that another metric has kept, for the first step."""
        state = other._state if isinstance(other, _Keeping) else None
        if state is not None and state.base.positive and not state.base.lost:
            self._first = state.kept

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the information at an iterate, formed anew, of size P."""
        return self.prepare(objective).at(objective, iterate, rng)


@dataclass
class _State:
    """What is kept from one iterate to the next.

    Attributes
    ----------
    base : Inverse or Product
        The matrix that was formed.
    kept : Kept
        The same with its secants.
    note : str or None
        How it was formed.
    gram : ndarray or None
        The mean of z z', where the base has been made of it.
    inner : ndarray or None
        The mean of C that belongs to the base.
    exact : bool
        Whether it was formed in double precision because a mean over rows did not serve.
    confirmed : bool
        Whether the information itself has agreed with what is kept.
    passing : bool
        Whether it is that of fewer rows, which serves for one step.
    theta, grad : ndarray of shape (P,)
        The iterate before, and the gradient there.
    distance : float
        Norm of the natural gradient there.
    """

    base: Inverse | Product
    kept: Kept
    note: str | None
    gram: np.ndarray | None = None
    inner: np.ndarray | None = None
    exact: bool = False
    confirmed: bool = False
    passing: bool = False
    theta: np.ndarray = field(default_factory=lambda: np.empty(0))
    grad: np.ndarray = field(default_factory=lambda: np.empty(0))
    distance: float = np.inf


class _Keeping(ExactFisher):
    """The metric of one fit, with the information that it keeps."""

    def __init__(self) -> None:
        super().__init__(endgame=True)
        self._state: _State | None = None
        self._first: Kept | None = None
        self._wide: Wide | None = None
        self._few: Regression | None = None
        self._distances: list[float] = []
        self._expected: list[float] = []
        self._gap: np.ndarray | None = None

    def prepare(self, objective: Objective) -> Metric:
        """Return this metric: it belongs to one objective."""
        return self

    def anew(self) -> Metric:
        """Return one that has kept nothing."""
        return _Keeping()

    def begin_with(self, other: Metric) -> None:
        """Take the information that another metric has kept, for the first step."""
        state = other._state if isinstance(other, _Keeping) else None
        if state is not None and state.base.positive and not state.base.lost:
            self._first = state.kept

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the information at an iterate, kept and corrected or formed anew."""
        assert isinstance(objective, Regression)
        if len(iterate.theta) > _AFFORDABLE:
            self._wide = self._wide or Wide()
            return self._wide.at(objective, iterate)
        state = self._passing(objective, iterate)
        if state is not None:
            self._state = state
            return state.kept
        state = self._state
        if state is not None and self._keeps(objective, iterate, state):
            self._correct(objective, iterate, state)
        else:
            state = self._formed(objective, iterate)
        d, _ = state.kept.solved(iterate.grad)
        state.distance = float(np.sqrt(max(float(iterate.grad @ d), 0.0)))
        arriving = state.distance**2 * objective.yardstick < _ARRIVING**2
        if state.gram is not None and arriving and not state.confirmed:
            # A mean over rows says little of a distance: products with the information itself do.
            if not self._confirmed(objective, iterate, state):
                state = self._exact_state(objective, iterate)
                d, _ = state.kept.solved(iterate.grad)
                state.distance = float(np.sqrt(max(float(iterate.grad @ d), 0.0)))
            state.confirmed = True
        if state.gram is not None:
            self._distances.append(state.distance)
        if 0.5 * state.distance**2 <= _NEAR < iterate.decrease and not _dear(objective):
            _expect(objective, near=True)
        state.theta, state.grad = iterate.theta, iterate.grad
        state.kept.note = state.note
        self._state = state
        return state.kept

    def _passing(self, objective: Regression, iterate: Point) -> _State | None:
        """Return the information of fewer rows for the first step of a fit that begins far away.

        Fewer rows know it to a few hundredths, as the start knows the optimum. Where the step ends,
        the information of all rows is nearer to that at the optimum than it is at the start.

        Returns
        -------
        _State or None
            None if there is none, or if the start is near.
        """
        first, self._first = self._first, None
        if first is None or iterate.n_iter > 0:
            return None
        d, _ = first.solved(iterate.grad)
        square = float(iterate.grad @ d)
        if not square * objective.yardstick > _FIRST**2:
            return None
        _expect(objective, near=0.5 * square <= _NEAR)
        assert isinstance(first.base, Inverse)
        first.note = "information of fewer rows"
        return _State(first.base, first, first.note, passing=True)

    def _confirmed(self, objective: Regression, iterate: Point, state: _State) -> bool:
        """Tell whether g' F^-1 g with the information itself is about that with the kept inverse.

        Conjugate gradients, with the kept inverse as their preconditioner, find it from below.

        Returns
        -------
        bool
            False if it is more than four times as large, or was not found in a few products.
        """
        operator = objective.positive_information(iterate.theta)
        residual, found = iterate.grad.copy(), 0.0
        z = state.kept.inverse(residual)
        p, rho = z.copy(), float(residual @ z)
        first = rho
        for _ in range(_PRODUCTS):
            if not rho > 0.0:
                return True
            product = operator @ p
            curvature = float(p @ product)
            if not curvature > 0.0:
                return False
            found += rho**2 / curvature
            residual -= rho / curvature * product
            z = state.kept.inverse(residual)
            rho, before = float(residual @ z), rho
            if found > 4.0 * first:
                return False
            if rho < 1e-2 * first:
                return True
            p = z + rho / before * p
        return False

    def _exact_state(self, objective: Regression, iterate: Point) -> _State:
        """Return the information in double precision, the observed one if it is positive."""
        size = len(iterate.theta)
        with np.errstate(all="ignore"):
            found = Inverse(objective.hessian(iterate.theta).dense())
            note = "observed"
            if not found.positive:
                operator = objective.positive_information(iterate.theta)
                found, note = Inverse(operator.dense()), "expected"
        return _State(found, Kept(found, [], size), note, exact=True)

    def _correct(self, objective: Regression, iterate: Point, state: _State) -> None:
        """Add the secant of the last step; a mean of C that has changed is replaced."""
        s, y = iterate.theta - state.theta, iterate.grad - state.grad
        secants = state.kept.secants
        if float(s @ y) > 1e-10 * float(s @ (state.kept @ s)) > 0.0:
            secants = [*secants, Secant(s, y)]
        if state.gram is not None and state.distance > _MOVES:
            renewed = self._follows(objective, iterate, state, state.gram)
            # What means over rows lack, secants have; what few rows have, old secants spoil.
            secants = [] if renewed and self._few is not None else secants
        state.kept = Kept(state.base, secants, len(s))

    def _follows(
        self, objective: Regression, iterate: Point, state: _State, gram: np.ndarray
    ) -> bool:
        """Replace a base that is made of few rows or of means over rows, if C has changed."""
        few, theta = self._few, iterate.theta
        inner = (objective if few is None else few).mean_curvature(theta)
        known = state.inner
        least = _CHANGED if few is None else _RENEWED
        if known is not None and np.abs(inner - known).max() <= least * np.abs(known).max():
            return False
        base = self._rough(objective, theta, inner, gram)
        state.inner = inner
        if base.positive:
            state.base = base
        return base.positive

    def _rough(
        self, objective: Regression, theta: np.ndarray, inner: np.ndarray, gram: np.ndarray
    ) -> Inverse | Product:
        """Return the inverse of the information, from few rows or from means over rows.

        Few rows have it with errors that a mean of z z' over all rows makes smaller.

        Returns
        -------
        Inverse or Product
        """
        few = self._few
        if few is None:
            return _of_means(objective, inner, gram)
        if self._gap is None:
            self._gap = gram - few.unit_gram(theta)
        matrix = few.positive_information(theta).rough()
        return Inverse(objective.model.add_product(matrix, inner, self._gap), _DIGITS)

    def _keeps(self, objective: Regression, iterate: Point, state: _State) -> bool:
        """Tell whether the kept inverse serves at this iterate."""
        if iterate.n_iter == 0 or state.passing or not state.base.positive:
            return False
        if state.gram is not None:
            return len(state.kept.secants) < _MOST and not self._creeps()
        if not iterate.step_length == 1.0 or not _dear(objective):
            return False
        d_now, _ = state.kept.solved(iterate.grad)
        now = float(np.sqrt(max(float(iterate.grad @ d_now), 0.0)))
        return bool(now < _POOR * state.distance)

    def _creeps(self) -> bool:
        """Tell whether means over rows have brought the optimum little nearer in some iterations.

        They say little where rows of large features have other curvatures than the rest.

        Returns
        -------
        bool
        """
        return _creeping(self._distances)

    def _formed(self, objective: Regression, iterate: Point) -> _State:
        """Return the information at an iterate with its inverse, formed anew."""
        family, theta = objective.distribution, iterate.theta
        dear, size = _dear(objective), len(iterate.theta)
        exact = self._state is not None and self._state.exact
        if exact:
            return self._exact_state(objective, iterate)
        if dear and _ROUGH <= size <= _AFFORDABLE and not self._creeps():
            gram, inner = objective.unit_gram(theta), objective.mean_curvature(theta)
            start = _of_means(objective, inner, gram)
            if start.positive:
                most = _SAMPLE * size // family.n_params
                few = most <= _SHARE * objective.rows.n
                # At the start all rows may have the same C; few rows are asked after a step.
                self._few = objective.fewer(most) if few else None
                kept = Kept(start, [], size)
                return _State(start, kept, "mean over rows", gram, None if few else inner)
        near = iterate.decrease <= _NEAR
        if near or not (family.information.measures and family.fisher_by_rows):
            observed = self._inverse(objective.hessian(theta), dear)
            if not observed.positive and near and self._drags(iterate):
                observed = Inverse(_absolute(objective.hessian(theta).dense()))
            if observed.positive:
                return _State(observed, Kept(observed, [], size), "observed")
        operator = objective.positive_information(theta)
        found = self._inverse(operator, dear)
        return _State(found, Kept(found, [], size), operator.note)

    def _drags(self, iterate: Point) -> bool:
        """Tell whether the expected information has brought the optimum little nearer.

        It does so where it is far from the observed one, as for rows with heavy tails.

        Returns
        -------
        bool
        """
        self._expected.append(float(np.sqrt(iterate.decrease)))
        return _creeping(self._expected)

    def _inverse(self, operator: LinearOperator, dear: bool) -> Inverse:
        """Return the inverse of an operator, from single precision where secants correct it."""
        if dear:
            found = Inverse(operator.rough(), _DIGITS)
            if found.positive:
                return found
        with np.errstate(all="ignore"):
            return Inverse(operator.dense())


def _creeping(distances: list[float]) -> bool:
    """Tell whether some iterations have not halved the distance as often."""
    last = distances[-_PATIENCE - 1 :]
    return len(last) > _PATIENCE and last[-1] > _SLOW**_PATIENCE * last[0]


def _absolute(matrix: np.ndarray) -> np.ndarray:
    """Return a symmetric matrix with the absolute values of its eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    found: np.ndarray = (vectors * np.abs(values)) @ vectors.T
    return found


def _of_means(objective: Regression, inner: np.ndarray, gram: np.ndarray) -> Inverse | Product:
    """Return the inverse of the mean of C (K, K) times that of z z' (A, A), and of a penalty."""
    if len(inner) > 1 and objective.ridge is None and objective.model.whole:
        return Product(inner, gram, _DIGITS)
    return Inverse(objective.rough_information(inner, gram), _DIGITS)


def _expect(objective: Regression, near: bool) -> None:
    """Say which matrix the next iterate forms, if it forms one of all rows."""
    size = objective.n_params
    dear, family = _dear(objective), objective.distribution
    if size < _ROUGH or (size <= _AFFORDABLE and not dear):
        cheap = family.information.measures and family.fisher_by_rows
        objective.expect("positive" if cheap and not near else "observed", rough=dear)


def _dear(objective: Regression) -> bool:
    """Tell whether forming the information costs more than a few passes over the rows."""
    n, width = objective.rows.n, objective.rows.n_features + 1
    k = objective.distribution.n_params
    products = n * width * width * k * (k + 1) / 2.0
    return width * (k + 1) / 8.0 >= _CHEAP and products >= _SMALL
