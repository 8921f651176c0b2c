"""The information of more parameters than a matrix may have, by products with vectors."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics._kept import DiagonalInverse, Kept, Secant
from natfit.metrics.base import Point
from natfit.objectives.regression import Regression

#: Secants that are kept.
_MOST = 10

#: Distance to the optimum, in standard errors, from which directions are solved for, and the number
#: of iterations after which they are in any case.
_ARRIVING, _STEPS = 1.0, 30

#: Relative residual of a solve.
_RESIDUAL = 0.1


class Wide:
    """The information of one fit, of which no matrix is formed.

    Far from the optimum a direction comes from the diagonal and secants, as in the L-BFGS method,
    and its length from the information along it: a solve with an information that the next step
    changes would be wasted. A product costs two passes over the rows, an iteration no more, because
    the product along a direction moves eta, too. Near the optimum directions are solved for by
    conjugate gradients, for which the secants are the preconditioner: their distance to the optimum
    is that of the information itself.
    """

    def __init__(self) -> None:
        self._base: DiagonalInverse | None = None
        self._secants: list[Secant] = []
        self._near = False
        self._theta = self._grad = np.empty(0)

    def at(self, objective: Regression, iterate: Point) -> LinearOperator:
        """Return the information at an iterate."""
        theta, grad = iterate.theta, iterate.grad
        information = objective.positive_information(theta)
        if iterate.n_iter == 0 or self._base is None:
            self._base, self._secants = DiagonalInverse(information.diag()), []
            self._near = False
        else:
            self._add(theta - self._theta, grad - self._grad)
        self._theta, self._grad = theta, grad
        if not self._near:
            found = self._along(information, grad)
            d, _ = found.solved(grad)
            arriving = float(grad @ d) * objective.yardstick < _ARRIVING**2
            if not arriving and iterate.n_iter < _STEPS:
                return found
            self._near, self._base = True, DiagonalInverse(information.diag())
        kept = Kept(self._base, self._secants, len(theta))
        information.preconditioner = kept.inverse
        information.enough = _RESIDUAL
        return information

    def _add(self, s: np.ndarray, y: np.ndarray) -> None:
        """Keep the secant of the last step, if its curvature is positive."""
        if float(s @ y) > 1e-10 * float(np.linalg.norm(s) * np.linalg.norm(y)):
            self._secants = [*self._secants, Secant(s, y)][-_MOST:]

    def _along(self, information: LinearOperator, grad: np.ndarray) -> Kept:
        """Return the matrix of the secants, with the information's curvature along its step."""
        assert self._base is not None
        kept = Kept(self._base, self._secants, len(grad))
        d, _ = kept.solved(grad)
        square, known = information.quad(d), float(grad @ d)
        if not (0.0 < square < np.inf and known > 0.0):
            return kept
        found = Kept(self._base, self._secants, len(grad), square / known)
        found.note = information.note
        return found
