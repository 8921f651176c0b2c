"""The contract of an objective: f(theta), its gradient (P,) and its curvature (P, P)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natfit.linops import LinearOperator


class Objective:
    """A function f(theta) to minimise, with what metrics and steps ask of it.

    Attributes
    ----------
    n_params : int
        P.
    total : float or None
        W, the sum of weights, where f is a mean over rows; None for plain functions.
    evaluations : int
        Calls of ``value_and_grad`` so far.
    """

    n_params: int
    total: float | None = None
    evaluations: int = 0

    #: What convergence multiplies squared norms by: W, or the number of rows where weights are a
    #: common factor below it (the maximum of a likelihood does not depend on the factor).
    yardstick: float = 1.0

    #: Size of the terms that f sums, by which its rounding is judged: f may be near 0 where they
    #: cancel.
    scale: float = 1.0

    #: What had to be limited for f to have a minimum at all; the fit then ends as ``boundary``.
    bound_note: str | None = None

    #: Whether f is a likelihood, so that a Fisher information exists.
    probabilistic = False

    @property
    def has_kl(self) -> bool:
        """Whether :meth:`kl` is to be had: of members that differ in support it is not."""
        return False

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """f and its gradient (P,). Non-finite results are allowed; steps reject them."""
        raise NotImplementedError

    def value(self, theta: np.ndarray) -> float:
        """f at theta without its gradient; nats per row for a likelihood."""
        return self.value_and_grad(theta)[0]

    def hessian(self, theta: np.ndarray) -> LinearOperator:
        """Second derivative of f as an operator (P, P); need not be positive."""
        raise NotImplementedError

    def information(self, theta: np.ndarray) -> LinearOperator | None:
        """Information in which convergence is measured, exact or observed; None without one."""
        return None

    def kl(self, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Mean Kullback-Leibler divergence per row, nats; NaN where there is none."""
        return np.nan

    def names(self) -> Sequence[str]:
        """A name for each coordinate of theta."""
        return [f"x[{p}]" for p in range(self.n_params)]

    def bound(self, index: int, side: str) -> str:
        """What a coordinate at its lower or upper limit ran to, for messages."""
        low, high, _ = self.limits()
        return f"{self.names()[index]} -> {(low if side == 'lower' else high)[index]:g}"

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, upper limit and largest step of each coordinate, (P,) each."""
        infinite = np.full(self.n_params, np.inf)
        return -infinite, infinite, infinite

    def cut_together(self) -> list[slice]:
        """Blocks of coordinates that are cut by one factor where one exceeds its largest step."""
        return []

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether f may be evaluated at theta."""
        return bool(np.all(np.isfinite(theta)))
