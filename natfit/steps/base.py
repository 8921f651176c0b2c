"""The contract of step rules, and what they share.

A step rule gets a :class:`natfit.iterate.local.Local`: the objective at the current iterate with
its metric, and ``solve`` for directions. It returns the next iterate, which it has proved
acceptable, or (by ``local.stop``) the same iterate with a :class:`natfit.Status` that says why
there is none. In both cases the iterate keeps a :class:`natfit.iterate.trial.Trial` for each point
that was refused.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit._component import Component
from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.objectives import Objective
from natfit.solvers.base import SolveInfo

#: Number of halvings after which a search gives up: 2^-50 of a step is below the rounding of theta.
MOST_TRIALS = 50

#: Ratio of the divergence of a step to the predicted one beyond which the step is shortened.
BEYOND = 3.0

#: The largest factor by which a step whose divergence was too large is shortened.
_AT_MOST = 0.95


class Step(Component):
    """Base of all step rules.

    Attributes
    ----------
    converges : bool
        False for a rule that cannot converge because the length of its steps does not shrink; a
        fit that reaches ``max_iter`` then gives no warning.
    """

    _package = "natfit.steps"
    converges = True

    #: Whether every accepted step lowers the objective.
    descends = True

    #: Whether the step depends on those before it, by a memory that the iterate carries.
    remembers = False

    #: Whether :meth:`change` gives the step without the objective, so that the steps of a policy's
    #: minibatches need nothing but gradients.
    blind = False

    @classmethod
    def _instead_of(cls, spec: Any) -> str:
        """A number is taken for the length of every step."""
        if isinstance(spec, numbers.Real) and not isinstance(spec, bool):
            return (
                f"for steps of one length write step=natfit.steps.FixedStep(length={spec!r}); "
                "'backtracking' finds the length by itself"
            )
        return super()._instead_of(spec)

    def check(self) -> None:
        """Validate the options; raise ValueError or TypeError."""

    def radius(self, objective: Objective) -> float:
        """Return the first trust radius, in nats; NaN for rules without one."""
        return np.nan

    def begin(self, memory: Any, size: int) -> Any:
        """Return a memory of this rule for P = ``size``, a copy of ``memory`` where that is one.

        The copy belongs to the caller, and :meth:`change` writes to it; what an iterate carries is
        never written to.

        Returns
        -------
        object
            None for a rule without memory.
        """
        return None

    def change(self, direction: np.ndarray, memory: Any, out: np.ndarray) -> float:
        """Write the step delta (P,) along minus a direction to ``out``; return its length.

        Parameters
        ----------
        direction : ndarray of shape (P,)
            The direction at the present point, G^-1 grad f.
        memory : object
            What :meth:`begin` returned; it is updated in place.
        out : ndarray of shape (P,)
            Receives delta.

        Returns
        -------
        float
            The step length that the history shows.

        Raises
        ------
        NotImplementedError
            If the rule is not ``blind``.
        """
        raise NotImplementedError(f"{type(self).__name__} needs the objective to find its step")

    def step(self, local: Local) -> Iterate:
        """Return the next iterate."""
        raise NotImplementedError


def plain(
    local: Local,
    direction: np.ndarray,
    length: float,
    *,
    info: SolveInfo,
    trials: Sequence[Trial] = (),
    most: float = np.inf,
) -> Iterate:
    """Take the step ``-length * direction``, shortened until theta is in the domain.

    The objective must be finite at the new point, and the divergence of the step, where the metric
    has one, at most ``most``. Nothing else is required: this serves step rules of prescribed
    length. ``trials`` are points that were refused before.

    Returns
    -------
    Iterate
        The next iterate, or the same one with a status.
    """
    refused = list(trials)
    for _ in range(MOST_TRIALS):
        theta = local.clip(local.iterate.theta - length * direction)
        if len(refused) > len(trials) and np.array_equal(theta, local.iterate.theta):
            # Halvings have ended in rounding: this is where the step began.
            break
        found = _taken(local, theta, length, most)
        if not isinstance(found, Trial):
            value, grad, spent = found
            note = shortened(refused)
            return local.move(
                theta, value, grad, length, info=info, divergence=spent, trials=refused, note=note
            )
        refused.append(found)
        length *= toward(most / BEYOND, found)
    return local.stop(Status.NON_FINITE, refused)


def _taken(
    local: Local, theta: np.ndarray, length: float, most: float
) -> tuple[float, np.ndarray, float | None] | Trial:
    """Return value, gradient and divergence (None if not measured), or why a point is refused."""
    if not local.objective.in_domain(theta):
        return Trial(length, np.nan, np.nan, Why.DOMAIN)
    spent = local.divergence(theta) if most < np.inf else None
    if spent is not None and not spent <= most:
        return Trial(length, np.nan, spent, Why.DIVERGENCE)
    value, grad = local.objective.value_and_grad(theta)
    if not (np.isfinite(value) and np.all(np.isfinite(grad))):
        return Trial(length, value, np.nan, Why.NOT_FINITE)
    return value, grad, spent


def toward(held: float, refused: Trial, shrink: float = 0.5) -> float:
    """Return the factor that shortens a refused step, < 1.

    A divergence grows with the square of the length near its start: the square root of the ratio
    leads to the divergence ``held``. Any other refusal shortens by ``shrink``.

    Parameters
    ----------
    held : float
        The divergence that the step rule holds.
    refused : Trial
        The point that was refused.
    shrink : float
        The factor after another refusal, in (0, 1).

    Returns
    -------
    float
        The factor.
    """
    if refused.why is not Why.DIVERGENCE or not np.isfinite(refused.divergence):
        return shrink
    return float(np.clip(np.sqrt(held / refused.divergence), 0.01, _AT_MOST))


def shortened(trials: Sequence[Trial]) -> str | None:
    """Return a note that says if the divergence was larger than predicted, else None."""
    beyond = [trial.divergence for trial in trials if trial.why is Why.DIVERGENCE]
    if not beyond:
        return None
    return f"step shortened: its divergence was {max(beyond):.3g}"
