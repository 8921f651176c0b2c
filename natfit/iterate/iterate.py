"""The frozen iterate: one state of the loop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.iterate.status import Status
from natfit.iterate.trial import Trial

#: A fit is not at rest if its next natural-gradient step would change a logarithmic coordinate by
#: more than this. The rate of a Poisson distribution for counts that are all zero falls by a factor
#: of e in each step, while its distance to the optimum in standard errors vanishes.
_SETTLED = 0.1

#: Smallest divergence, in nats per row, that rounding leaves some digits of.
_MEASURED = 1e-12

#: Length from which the norm of a vector is computed without a list of its numbers.
_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Iterate:
    """One state of the loop. It is frozen, so that a failed step cannot change it."""

    theta: np.ndarray
    value: float
    grad: np.ndarray
    n_iter: int = 0
    radius: float = np.nan
    damping: float = 0.0
    step_length: float = np.nan
    predicted_kl: float = np.nan
    kl: float = np.nan
    # Divergence of the step that led here, in its metric; KL for a Fisher metric.
    divergence: float = np.nan
    evaluations: int = 1
    solver_iterations: int = 0
    residual: float = 0.0
    solver: str = ""
    # Points refused on the way here, or, with a status, by the search that found no next iterate.
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()
    status: Status | None = None
    seconds: float = 0.0
    # These are set once the metric at theta is known:
    natural_norm: float = np.nan
    distance: float = np.nan
    # Decrease that the metric predicts; until this iterate is measured, that of the previous one.
    decrease: float = np.inf
    metric_error: float = np.nan
    unidentified: tuple[int, ...] = ()
    active: tuple[int, ...] = ()
    # The natural-gradient step here and the largest one allowed, for `settled`.
    natural_step: np.ndarray | None = None
    largest_step: np.ndarray | None = None
    rng_state: Any = None
    # What the step rule keeps for its next step; only the rule that made it reads it.
    memory: Any = None
    # Change of the objective that its rounding explains, as measured on the way; 0 if it was not.
    rounding: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether the natural-gradient step is small in every logarithmic coordinate."""
        if self.natural_step is None or self.largest_step is None:
            return False
        logs = self.largest_step < np.inf
        return bool((np.abs(self.natural_step[logs]) <= _SETTLED).all())

    @property
    def divergence_ratio(self) -> float:
        """The divergence of the step that led here over the predicted one; NaN at rounding."""
        if not self.predicted_kl > _MEASURED:
            return np.nan
        return self.divergence / self.predicted_kl

    @property
    def backtracks(self) -> int:
        """Number of trials that were refused."""
        return len(self.trials)

    @property
    def gradient_norm(self) -> float:
        """Euclidean norm of the gradient."""
        if len(self.grad) > _MANY:
            size = float(np.abs(self.grad).max())
            return size * float(np.linalg.norm(self.grad / size)) if 0.0 < size < np.inf else size
        # hypot scales its arguments, so that no square overflows.
        return math.hypot(*self.grad.tolist())
