"""The contract of solvers, and what every solve reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._component import Component
from natfit.linops import LinearOperator


@dataclass(frozen=True)
class SolveInfo:
    """How a direction was found.

    Attributes
    ----------
    solver : str
        The solver that was used (``auto`` names its choice).
    iterations : int
        Number of products F v; 0 for a direct solve.
    residual : float
        ``|F d - g| / |g|``.
    unidentified : tuple of int
        Coordinates that span the directions in which F is zero; empty when F is regular.
    truncated : bool
        Whether F is singular and was inverted only on the directions that it determines.
    indefinite : bool
        Whether F has negative eigenvalues, which were replaced by their absolute values.
    added : str or None
        What was added to a singular F, in words; None where nothing was.
    note : str or None
        Anything else that was done instead of a plain solve, in words.
    """

    solver: str
    iterations: int = 0
    residual: float = 0.0
    unidentified: tuple[int, ...] = ()
    truncated: bool = False
    indefinite: bool = False
    added: str | None = None
    note: str | None = None

    @property
    def fallback(self) -> str | None:
        """What was done instead of a plain solve, in words; None after a plain solve."""
        found = [
            "pseudo-inverse" if self.truncated else None,
            "eigenvalues shifted" if self.indefinite else None,
            f"shift of {self.added} added" if self.added is not None else None,
            self.note,
        ]
        return ", ".join(words for words in found if words) or None


class Solver(Component):
    """Base of all solvers.

    Attributes
    ----------
    precondition : bool or str
        Whether the answer does not depend on the units of the coordinates. An option of solvers
        that may leave it out.
    """

    _package = "natfit.solvers"

    precondition: Any = True

    #: Whether only operators of models with layers can be solved with.
    needs_layers: bool = False

    def anew(self) -> Solver:
        """Return a solver of the same kind that keeps nothing of other operators."""
        return self

    def check(self) -> None:
        """Validate the options; raise ValueError or TypeError."""

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve F d = g.

        Parameters
        ----------
        operator : LinearOperator
            F, damping included.
        g : ndarray of shape (P,)
            The gradient.

        Returns
        -------
        direction : ndarray of shape (P,)
            d.
        info : SolveInfo
            How d was found.

        Raises
        ------
        ValueError
            If the operator lacks what this solver needs; the message names another solver.
        """
        raise NotImplementedError


def relative_residual(operator: LinearOperator, d: np.ndarray, g: np.ndarray) -> float:
    """Return |F d - g| / |g|, in the scale of diag(F) so that units cancel."""
    scale = np.sqrt(np.maximum(operator.diag(), np.finfo(float).tiny))
    norm = np.linalg.norm(g / scale)
    if norm == 0:
        return 0.0
    return float(np.linalg.norm((operator @ d - g) / scale) / norm)
