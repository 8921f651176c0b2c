"""The inverse of a Kronecker product per layer: KFAC."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_bool, check_number
from natfit.linops import KroneckerFactors, LinearOperator
from natfit.solvers.base import SolveInfo, Solver


class KroneckerSolver(Solver):
    """Invert F layer by layer as A^-1 (x) S^-1 (KFAC; Martens and Grosse, 2015).

    The block of a layer in F is taken to be the Kronecker product of A = E[a a'], of its inputs
    with a 1 for the intercept, and S = E[D' D], of the deltas that the Fisher matrices C = B B' of
    eta are pulled back to: all columns of B with ``metric="exact"``, the draws with
    ``"monte_carlo"``. Constants of eta are a layer with the input 1. Blocks between layers are left
    out, which makes d too long, and ``rescale`` mends its length. A damping is split between the
    factors by their traces.

    In a deep linear network whose rows share C, this is exact, whatever its depth L: F is singular,
    each layer alone can make the natural step of the whole map, and d, rescaled by 1 / L, solves
    F d = g (Bernacchia, Lengyel and Hennequin, 2018). No layer may be narrower than inputs and
    outputs both. Elsewhere it is an approximation, whose residual is reported; for an exact solve
    use it as a preconditioner, ``CGSolver(precondition="kronecker")``.

    Parameters
    ----------
    decay : float, default=0
        Share of the earlier factors in a running average over solves with new operators, in
        [0, 1): min(decay, 1 - 1 / k) at the k-th. It is for metrics and batches that change at
        random; KFAC has 0.95. A fit begins a new average, a warm start too.
    rescale : bool, default=True
        Whether d is multiplied by g'd / d'F d, the minimum of the quadratic model along d.
    """

    needs_layers = True

    def __init__(self, decay: float = 0.0, rescale: bool = True):
        self.decay = decay
        self.rescale = rescale

    _average: KroneckerFactors | None = None
    _last: KroneckerFactors | None = None
    _count = 0

    def anew(self) -> KroneckerSolver:
        """Return a solver that has no average yet; itself if it never has one."""
        return type(self)(self.decay, self.rescale) if self.decay else self

    def check(self) -> None:
        """Check that 0 <= decay < 1 and rescale is a bool."""
        check_number(self.decay, "solver__decay", low=0.0, high=1.0, closed_high=False, hint="0.95")
        check_bool(self.rescale, "solver__rescale")

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve F d = g approximately, as the class describes.

        Returns
        -------
        direction : ndarray of shape (P,)
            d.
        info : SolveInfo
            One product, and the residual.

        Raises
        ------
        ValueError
            If the operator is not that of a model with layers.
        """
        self.check()
        found = operator.kronecker()
        if found is None:
            raise ValueError(
                "the kronecker solver needs a model with layers (MLP, or the linear model of a "
                "policy; not the linear predictors of a regression, which are solved exactly) and "
                "a metric made of its rows ('exact', 'monte_carlo', 'empirical', ...); use "
                "solver='cholesky' or 'cg'"
            )
        factors = self._averaged(found)
        inverse = factors.inverse(operator.shift())
        d = inverse(g)
        product = operator @ d
        along, curvature, note = float(g @ d), float(d @ product), None
        if curvature > 0 and self.rescale:
            d *= along / curvature
            product *= along / curvature
        elif not curvature > 0 and along != 0.0:
            note = "non-positive curvature"
        scale = np.sqrt(np.maximum(factors.diag(), np.finfo(float).tiny))
        size = float(np.linalg.norm(g / scale))
        residual = float(np.linalg.norm((product - g) / scale)) / size if size > 0 else 0.0
        return d, SolveInfo("kronecker", 1, residual, truncated=not inverse.regular, note=note)

    def _averaged(self, found: KroneckerFactors) -> KroneckerFactors:
        """Return the running average with the factors of an operator, which count once."""
        if not self.decay:
            return found
        if found is not self._last:
            before = self._average
            if before is None or before.shapes != found.shapes:
                self._average, self._count = found, 1
            else:
                self._count += 1
                self._average = found.mixed(before, min(self.decay, 1.0 - 1.0 / self._count))
            self._last = found
        assert self._average is not None
        return self._average

    @classmethod
    def examples(cls) -> list[Solver]:
        """Return one solver of each operator alone and one with a running average."""
        return [cls(), cls(decay=0.95)]
