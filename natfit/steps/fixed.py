"""A fixed multiple of the direction."""

from __future__ import annotations

from natfit._validation import check_number
from natfit.iterate import Iterate, Local
from natfit.steps.base import Step, plain


class FixedStep(Step):
    """theta <- theta - length G^-1 grad f, whatever happens to f.

    With the Euclidean metric this is plain gradient descent. A step that would leave the
    domain (sigma <= 0) is halved until it does not.

    Parameters
    ----------
    length : float, default=1.0
        The step size alpha, > 0. For a likelihood f is a mean over rows: a rate alpha on the
        summed log-likelihood is ``length = alpha * N`` here.
    """

    descends = False

    def __init__(self, length: float = 1.0):
        self.length = length

    def check(self) -> None:
        """Raise ValueError or TypeError unless ``length`` is > 0."""
        check_number(self.length, "step__length", low=0.0, closed_low=False, hint="1.0")

    def step(self, local: Local) -> Iterate:
        """The next iterate, ``length`` times the direction away."""
        direction, info = local.solve()
        return plain(local, direction, float(self.length), info=info)
