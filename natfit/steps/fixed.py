"""A fixed multiple of the direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import check_number
from natfit.iterate import Iterate, Local
from natfit.steps.base import Step, plain


class FixedStep(Step):
    """theta <- theta - length G^-1 grad f, even if f rises.

    With the Euclidean metric this is plain gradient descent. A step that would leave the domain
    (such as sigma > 0) is halved until it stays inside.

    Parameters
    ----------
    length : float, default=1.0
        The step size, > 0. The objective of a likelihood is a mean over N rows, so that a rate
        alpha on the summed log-likelihood is ``length = alpha * N`` here.
    """

    descends = False
    blind = True

    def __init__(self, length: float = 1.0):
        self.length = length

    def check(self) -> None:
        """Raise ValueError or TypeError unless ``length`` is > 0."""
        check_number(self.length, "step__length", low=0.0, closed_low=False, hint="1.0")

    def change(self, direction: np.ndarray, memory: Any, out: np.ndarray) -> float:
        """Write ``-length * direction`` to ``out``; return ``length``."""
        np.multiply(direction, -float(self.length), out=out)
        return float(self.length)

    def step(self, local: Local) -> Iterate:
        """Return the next iterate, after a step of ``length`` times the direction."""
        direction, info = local.inward()
        return plain(local, direction, float(self.length), info=info)
