"""The contract of objectives: f(theta), its gradient (P,) and its curvature (P, P)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from natfit.linops import LinearOperator


@dataclass(frozen=True)
class NoMinimum:
    """Why an objective has no minimum, in words.

    Attributes
    ----------
    reason : str
        Where it falls without limit, and why.
    remedy : str
        What can be done.
    limit : bool
        Whether it levels off there, at a limit of the family that is a family of its own.
    """

    reason: str
    remedy: str
    limit: bool = False


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names joined by commas; of more than ``most``, the first ones and how many follow."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


class Objective:
    """A function f(theta) that is minimised, with what metrics and step rules need of it.

    Attributes
    ----------
    n_params : int
        P.
    total : float or None
        W, the sum of weights, if f is a mean over rows; None for plain functions.
    evaluations : int
        Number of calls of ``value_and_grad`` so far.
    """

    n_params: int
    total: float | None = None
    evaluations: int = 0

    #: The factor of squared norms in the distance to the optimum: W, or the number of rows if W is
    #: smaller (the maximum of a likelihood does not depend on a common factor of the weights).
    yardstick: float = 1.0

    #: Magnitude of the terms that f sums, from which its rounding error follows: f itself may be
    #: near 0, where the terms cancel.
    scale: float = 1.0

    #: What had to be limited so that f has a minimum, in words; the fit then ends as ``boundary``.
    bound_note: str | None = None

    #: What to do about an end of a run by its status, where it is not what the status says itself.
    remedies: Mapping[str, str] = MappingProxyType({})

    #: Whether f is a likelihood, so that a Fisher information exists.
    probabilistic = False

    @property
    def has_kl(self) -> bool:
        """Whether :meth:`kl` exists; it does not if members of the family differ in support."""
        return False

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,). Results may be non-finite; step rules reject them."""
        raise NotImplementedError

    def first_order(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,) where no Hessian will be asked for at the same theta."""
        return self.value_and_grad(theta)

    def value(self, theta: np.ndarray) -> float:
        """Return f at theta without its gradient; for a likelihood in nats per row."""
        return self.first_order(theta)[0]

    #: Whether :meth:`foresee` saves passes over rows.
    foresees = False

    def foresee(self, thetas: Sequence[np.ndarray]) -> None:
        """Note points of which the first ones will be asked for f and its gradient, in this order.

        Where passes over rows are costly, one is made for all of them.
        """

    def hessian(self, theta: np.ndarray) -> LinearOperator:
        """Return the second derivative of f, an operator (P, P) that may be indefinite."""
        raise NotImplementedError

    def information(self, theta: np.ndarray) -> LinearOperator | None:
        """Return the information in which convergence is measured, or None if there is none."""
        return None

    def kl(self, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Return the mean Kullback-Leibler divergence per row, in nats; NaN if there is none."""
        return np.nan

    def names(self) -> Sequence[str]:
        """Return a name for each coordinate of theta."""
        return [f"x[{p}]" for p in range(self.n_params)]

    def named(self, indices: Sequence[int]) -> tuple[str, ...]:
        """Return the names of some coordinates of theta, for messages."""
        names = self.names() if len(indices) else ()
        return tuple(names[i] for i in indices)

    def bound(self, index: int, side: str) -> str:
        """Return the name of a coordinate and its lower or upper limit, for messages."""
        low, high, _ = self.limits()
        return f"{self.names()[index]} -> {(low if side == 'lower' else high)[index]:g}"

    @property
    def row_ends(self) -> frozenset[int]:
        """Coordinates at which a support ends: their limits are the smallest or largest row."""
        return frozenset()

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lower limit, upper limit and largest step of each coordinate, (P,) each."""
        infinite = np.full(self.n_params, np.inf)
        return -infinite, infinite, infinite

    def cut_together(self) -> list[slice]:
        """Return blocks of coordinates that one factor shortens if one exceeds its largest step."""
        return []

    def settled(self, theta: np.ndarray, step: np.ndarray) -> bool:
        """Tell whether a natural step (P,) moves little of what the coordinates stand for."""
        return True

    def without_minimum(self, path: Sequence[np.ndarray], near: bool) -> NoMinimum | None:
        """Say why f falls without limit along the last moves of a path of theta, if it does.

        ``near`` says that the metric predicts next to no decrease, so that more may be asked.

        Returns
        -------
        NoMinimum or None
        """
        return None

    def doubtful(self, theta: np.ndarray) -> bool:
        """Tell whether f may fall without limit although an optimum seems to have been found."""
        return False

    def held_by(self, theta: np.ndarray) -> NoMinimum | None:
        """Say what ends a descent at theta that is no optimum, if the objective knows it."""
        return None

    def logarithms(self, path: np.ndarray) -> tuple[np.ndarray, Sequence[int]]:
        """Return the logarithmic quantities (n, m) at points (n, P), and what :meth:`bound` calls.

        These are the coordinates with a largest step.

        Returns
        -------
        values : ndarray of shape (n, m)
            Numbers whose natural unit is 1.
        index : sequence of int
            The coordinate of theta that each belongs to.
        """
        found = np.flatnonzero(np.isfinite(self.limits()[2]))
        return path[:, found], found.tolist()

    def in_domain(self, theta: np.ndarray) -> bool:
        """Tell whether f may be evaluated at theta."""
        return bool(np.all(np.isfinite(theta)))
