"""An objective over the coordinates that may move: values, curvatures, and steps inside limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from natfit.objectives import Likelihood

#: Most solves with coordinates held at their limits, as in a step of a fit.
_MOST_BOXED = 6

#: Eigenvalues of an indefinite curvature of unit diagonal are replaced by their size, at least by
#: this: a step along such a direction stays finite, and is halved where it is too long.
_LEAST_CURVATURE = 1e-6


class Function:
    """A smooth function g of theta with its gradient, whose values are checked.

    Parameters
    ----------
    value : callable
        ``value(theta) -> float``.
    gradient : callable
        ``gradient(theta) -> ndarray of shape (P,)``.

    Attributes
    ----------
    linear : bool
        Whether :meth:`learn` has found that the gradient is the same everywhere.
    idle : ndarray of bool, shape (P,), or None
        Coordinates on which it has found that g does not depend.
    """

    def __init__(
        self,
        value: Callable[[np.ndarray], float],
        gradient: Callable[[np.ndarray], np.ndarray],
    ):
        self._value = value
        self._gradient = gradient
        self.linear = False
        self.idle: np.ndarray | None = None

    def value(self, theta: np.ndarray) -> float:
        """Return g at theta; NaN where it has no value there."""
        with np.errstate(all="ignore"):
            found = np.asarray(self._value(theta), dtype=np.float64)
        if found.size != 1:
            raise ValueError(
                f"the function of the parameters must return one number, got shape {found.shape}; "
                "pass one function for each number"
            )
        return float(found.reshape(()))

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return the gradient of g at theta, (P,)."""
        with np.errstate(all="ignore"):
            found = np.asarray(self._gradient(theta), dtype=np.float64)
        if found.shape != theta.shape:
            raise ValueError(
                f"the gradient of the function of the parameters must have shape {theta.shape}, "
                f"got {found.shape}; return one derivative for each coordinate of theta"
            )
        return found

    def checked(self, theta: np.ndarray) -> float:
        """Return g at the estimate, where it must be finite, as must be its gradient.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If either is not.
        """
        value, gradient = self.value(theta), self.gradient(theta)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise ValueError(
                "the function of the parameters must be finite at the estimate with its gradient, "
                f"got {value:g} and {gradient}; ask for a function that the estimate has"
            )
        return value

    def learn(self, theta: np.ndarray, width: np.ndarray) -> None:
        """Find out whether g is linear, and which coordinates it depends on.

        Its gradients an error away tell both; a wrong answer would cost iterations, no accuracy.
        """
        here = self.gradient(theta)
        there = np.where(np.isfinite(width), width, 0.0)
        around = [self.gradient(theta + sign * there) for sign in (-1.0, 0.5)]
        self.linear = all(np.array_equal(here, other) for other in around)
        self.idle = np.all([g == 0.0 for g in (here, *around)], axis=0)

    def curvature(self, theta: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Return the second derivative (P, P) by differences; zeros where it has none.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The point.
        width : ndarray of shape (P,)
            The distance of each coordinate over which the objective changes, a standard error.

        Returns
        -------
        ndarray of shape (P, P)
        """
        out = np.zeros((len(theta), len(theta)))
        # g is smooth over an error: the relative error of the differences is about the share.
        step = np.where(np.isfinite(width), 1e-4 * width, 0.0)
        if self.idle is not None:
            step[self.idle] = 0.0
        here = self.gradient(theta)
        for k in np.flatnonzero(step > 0.0):
            shift = np.zeros(len(theta))
            shift[k] = step[k]
            out[k] = (self.gradient(theta + shift) - here) / step[k]
        out = 0.5 * (out + out.T)
        return out if np.isfinite(out).all() else np.zeros_like(out)


class Surface:
    """An objective over the coordinates that may move, with its limits.

    Parameters
    ----------
    objective : Likelihood
        The objective.
    known : tuple of int
        Coordinates that are never moved.
    """

    def __init__(self, objective: Likelihood, known: tuple[int, ...] = ()):
        self.objective = objective
        self.total = float(objective.total)
        low, high, steps = objective.limits()
        self.low, self.high, self.steps = low, high, steps
        self.together = objective.cut_together()
        self.moving = np.ones(objective.n_params, dtype=bool)
        self.moving[list(known)] = False

    def first(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,); inf where it has none."""
        nothing = np.inf, np.full(len(theta), np.nan)
        if not self.objective.in_domain(theta):
            return nothing
        value, grad = self.objective.value_and_grad(theta)
        if not (np.isfinite(value) and np.isfinite(grad[self.moving]).all()):
            return nothing
        return float(value), np.where(self.moving, grad, 0.0)

    def curvature(
        self, theta: np.ndarray, grad: np.ndarray | None = None
    ) -> tuple[np.ndarray, bool]:
        """Return the second derivative of f that steps use, (P, P), and whether it is f's own.

        It is the observed information where the model has one that is positive definite, else the
        expected information, else the observed one with its eigenvalues made positive. Coordinates
        that the gradient keeps at a limit do not matter: their cross terms are left out.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The point.
        grad : ndarray of shape (P,), optional
            The gradient of f there; without it no coordinate is kept at a limit.

        Returns
        -------
        matrix : ndarray of shape (P, P)
        own : bool
            False for an expected information in place of an observed one that is not positive
            definite, and for changed eigenvalues.
        """
        observed = self.observed(theta, grad)
        with np.errstate(all="ignore"):
            if observed is not None and self._definite(observed):
                return observed, True
            expected = self.expected(theta)
            # That of rows as if they were complete may be a hundred times the one of censored rows.
            complete = observed is None or self.objective.distribution.information.complete
            if complete and expected is not None and self._definite(expected):
                return expected, observed is None
        base = observed if observed is not None else expected
        if base is None or not np.isfinite(self._block(base)).all():
            return np.eye(len(theta)), False
        return self._made_definite(base), False

    def observed(self, theta: np.ndarray, grad: np.ndarray | None = None) -> np.ndarray | None:
        """Return the second derivative of f itself (P, P), definite or not, None if it has none.

        The cross terms of coordinates that the gradient keeps at a limit are left out.

        Returns
        -------
        ndarray of shape (P, P), or None
        """
        pushed = np.zeros(len(theta), dtype=bool) if grad is None else self.outward(theta, -grad)
        with np.errstate(all="ignore"):
            try:
                return _apart(self.objective.hessian(theta).dense(), pushed & self.moving)
            except ValueError:
                # A conditional model has only the expected information.
                return None

    def on_level(self, own: np.ndarray, slope: np.ndarray, matrix: np.ndarray) -> np.ndarray | None:
        """Return a curvature of the Lagrangian that need not be definite across the levels of g.

        At an optimum with g held, the second derivative H of the Lagrangian is positive definite
        along the levels of g, and need not be across them. There ``H + r grad g grad g'`` is
        definite for an r that is large enough (Debreu 1952, Econometrica 20:295), and a step to a
        given value of g is the same for every r. This r gives g the standard error that it has
        from another curvature.

        Parameters
        ----------
        own : ndarray of shape (P, P)
            H.
        slope : ndarray of shape (P,)
            The gradient of g.
        matrix : ndarray of shape (P, P)
            A positive definite curvature of f.

        Returns
        -------
        ndarray of shape (P, P), or None
            None where H is not positive definite along the levels of g.
        """
        part = np.where(self.moving, slope, 0.0)
        block, across = self._block(own), part[self.moving]
        if not (np.isfinite(block).all() and np.any(across)):
            return None
        scale = _scale(block)
        width = across @ solved(self._block(matrix), across)
        try:
            natural = np.linalg.solve(block / np.outer(scale, scale), across / scale) / scale
        except np.linalg.LinAlgError:
            return None
        with np.errstate(all="ignore"):
            bent = own + (1.0 / width - 1.0 / (across @ natural)) * np.outer(part, part)
        return bent if self._definite(bent) else None

    def expected(self, theta: np.ndarray) -> np.ndarray | None:
        """Return the expected information (P, P), or None where the family has none there."""
        try:
            found = self.objective.fisher(theta).dense()
        except ValueError:
            return None
        return found if np.isfinite(self._block(found)).all() else None

    def _block(self, matrix: np.ndarray) -> np.ndarray:
        return matrix[np.ix_(self.moving, self.moving)]

    def _definite(self, matrix: np.ndarray) -> bool:
        return definite(self._block(matrix))

    def _made_definite(self, matrix: np.ndarray) -> np.ndarray:
        out = np.array(matrix)
        block = self._block(matrix)
        scale = _scale(block)
        values, vectors = np.linalg.eigh(block / np.outer(scale, scale))
        values = np.maximum(np.abs(values), _LEAST_CURVATURE)
        out[np.ix_(self.moving, self.moving)] = (
            (vectors * values) @ vectors.T * np.outer(scale, scale)
        )
        return out

    # ------------------------------------------------------------------------------ steps

    def widths(self, matrix: np.ndarray) -> np.ndarray:
        """Return the standard error (P,) of each coordinate, the others known; 0 of known ones."""
        diagonal = np.diagonal(matrix)
        with np.errstate(all="ignore"):
            width = 1.0 / np.sqrt(diagonal * self.total)
        return np.where(self.moving & (diagonal > 0.0), width, 0.0)

    def rest(
        self, theta: np.ndarray, grad: np.ndarray, slope: np.ndarray, matrix: np.ndarray
    ) -> tuple[np.ndarray, float, float]:
        """Tell which coordinates rest at no limit, how far theta is from a constrained optimum.

        Parameters
        ----------
        theta, grad, slope : ndarray of shape (P,)
            A point, the gradient of f and that of g there.
        matrix : ndarray of shape (P, P)
            The curvature of f there.

        Returns
        -------
        rest : ndarray of bool, shape (P,)
            False of coordinates that are known, or that the multiplier keeps at a limit.
        multiplier : float
            The m for which ``grad f - m grad g`` is shortest in the metric of the curvature.
        distance : float
            Its length in standard errors.
        """
        at_low, at_high = theta <= self.low, theta >= self.high
        rest = self.moving & ~(at_low | at_high)
        multiplier = _multiplier(matrix, grad, slope, rest)
        pull = grad - multiplier * slope
        rest = self.moving & ~((at_low & (pull >= 0.0)) | (at_high & (pull <= 0.0)))
        multiplier = _multiplier(matrix, grad, slope, rest)
        pull = (grad - multiplier * slope)[rest]
        square = pull @ solved(matrix[np.ix_(rest, rest)], pull) if rest.any() else 0.0
        return rest, multiplier, float(np.sqrt(max(self.total * square, 0.0)))

    def spread(self, slope: np.ndarray, matrix: np.ndarray) -> float:
        """Return the standard error ``sqrt(grad g' H^-1 grad g / W)`` of a function."""
        own = slope[self.moving]
        square = own @ solved(self._block(matrix), own) / self.total
        return float(np.sqrt(max(square, 0.0)))

    def boxed(
        self,
        theta: np.ndarray,
        pull_of: Callable[[np.ndarray], np.ndarray],
        slope: np.ndarray,
        matrix: np.ndarray,
        multiplier: Callable[[np.ndarray, np.ndarray, np.ndarray], float],
        free: np.ndarray,
        stride: float = 1.0,
    ) -> np.ndarray:
        """Return a step of Newton's method on the Lagrangian that leaves no limit, (P,).

        Coordinates that would leave their range, or exceed their largest step, are held there, and
        the others are solved for again, given these values, with the multiplier that belongs to
        them.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The point.
        pull_of : callable
            ``pull_of(held step)`` is the gradient of the model of f once some coordinates moved.
        slope : ndarray of shape (P,)
            The gradient of g.
        matrix : ndarray of shape (P, P)
            The curvature of the Lagrangian, positive definite.
        multiplier : callable
            ``multiplier(held step, u, v)`` for the Newton steps ``u`` of f and ``v`` of g.
        free : ndarray of bool, shape (P,)
            Coordinates that the multiplier keeps at no limit.
        stride : float
            The factor of the largest steps.

        Returns
        -------
        ndarray of shape (P,)
        """
        most = stride * self.steps
        low, high = np.maximum(self.low - theta, -most), np.minimum(self.high - theta, most)
        step = np.zeros(len(theta))
        held = ~(self.moving & free)
        for _ in range(_MOST_BOXED):
            rest = ~held
            fixed = np.where(held, step, 0.0)
            if not rest.any():
                return fixed
            block = matrix[np.ix_(rest, rest)]
            u, v = np.zeros(len(theta)), np.zeros(len(theta))
            both = solved(block, np.stack([pull_of(fixed)[rest], slope[rest]], axis=1))
            u[rest], v[rest] = both[:, 0], both[:, 1]
            step = fixed - u + multiplier(fixed, u, v) * v
            out = rest & ((step < low) | (step > high))
            if not out.any():
                break
            for block_ in self.together:
                excess = float((np.abs(step[block_]) / most[block_]).max(initial=0.0))
                if excess > 1.0:
                    step[block_] /= excess
                    out[block_] = rest[block_]
            step = np.minimum(np.maximum(step, low), high)
            held = held | out
        return step

    def outward(self, theta: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Tell which coordinates rest at a limit beyond which a function would grow, (P,)."""
        return ((theta <= self.low) & (slope < 0.0)) | ((theta >= self.high) & (slope > 0.0))

    def moved(self, theta: np.ndarray, step: np.ndarray, length: float) -> np.ndarray:
        """Return theta after a share of a step, inside the limits; known ones do not move."""
        end = np.minimum(np.maximum(theta + length * step, self.low), self.high)
        # theta + (limit - theta) may miss the limit by a rounding error.
        near = 4.0 * np.spacing(np.maximum(np.abs(theta), np.abs(step)))
        end = np.where(np.abs(end - self.low) <= near, self.low, end)
        end = np.where(np.abs(end - self.high) <= near, self.high, end)
        return np.where(self.moving, end, theta)


def _apart(matrix: np.ndarray, alone: np.ndarray) -> np.ndarray:
    """Return a matrix without the cross terms of some coordinates, whose own are positive."""
    if not alone.any():
        return matrix
    out = np.where(alone[:, None] | alone[None, :], 0.0, matrix)
    size = np.abs(np.diagonal(matrix))[alone]
    out[alone, alone] = np.where((size > 0.0) & np.isfinite(size), size, 1.0)
    return out


def definite(matrix: np.ndarray) -> bool:
    """Tell whether a symmetric matrix is positive definite beyond rounding."""
    if not np.isfinite(matrix).all() or (np.diagonal(matrix) <= 0.0).any():
        return False
    scale = _scale(matrix)
    try:
        factor = np.linalg.cholesky(matrix / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return False
    return bool(np.diagonal(factor).min(initial=1.0) > 1e-7)


def solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the solution of a positive definite system, scaled to a unit diagonal."""
    if not len(matrix):
        return np.zeros_like(right)
    scale = _scale(matrix)
    columns = right if right.ndim > 1 else right[:, None]
    factor = cho_factor(matrix / np.outer(scale, scale), lower=True, check_finite=False)
    found = cho_solve(factor, columns / scale[:, None], check_finite=False) / scale[:, None]
    return found.reshape(right.shape)


def _scale(matrix: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    return np.where(size > 0, size, 1.0)


def _multiplier(matrix: np.ndarray, grad: np.ndarray, slope: np.ndarray, rest: np.ndarray) -> float:
    """Return the m for which grad f - m grad g is shortest over some coordinates; 0 if any is."""
    if not np.any(slope[rest]):
        return 0.0
    natural = solved(matrix[np.ix_(rest, rest)], slope[rest])
    return float(natural @ grad[rest]) / float(natural @ slope[rest])
