"""The history of a training: columns of numbers, one row per update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from natfit.iterate import Trial
from natfit.optimize.history import History

#: Columns that hold whole numbers.
_WHOLE = ("env_steps", "episodes", "solver_iterations", "backtracks")

#: Names of all columns, in this order.
COLUMNS = (
    "env_steps",
    "episodes",
    "mean_return",
    "std_return",
    "surrogate_gain",
    "predicted_kl",
    "kl",
    "divergence_ratio",
    "entropy",
    "gradient_norm",
    "solver_iterations",
    "residual",
    "step_length",
    "backtracks",
    "explained_variance",
    "seconds_rollout",
    "seconds_update",
)

_REASONS = {
    "entropy": "the distribution has no entropy in closed form",
    "mean_return": "no episode ended in any update",
    "std_return": "no episode ended in any update",
    "explained_variance": "the returns had no variance",
    "kl": "the distribution has no divergence",
    "predicted_kl": "no step was taken",
    "divergence_ratio": "no step was taken, or the metric has no divergence",
}


class PolicyHistory(History):
    """A mapping of column names to arrays, one row per update.

    ==================  ===================================================================
    column              meaning
    ==================  ===================================================================
    env_steps           steps in the environment so far
    episodes            episodes that have ended so far
    mean_return         mean undiscounted return of the episodes that ended in this update
    std_return          their standard deviation
    surrogate_gain      rise of the surrogate objective, in units of the advantages; 0: no step
    predicted_kl        1/2 delta' (F + D) delta of the step with the damping D, nats per
                        visited state
    kl                  actual KL(old || new) of the step, nats per visited state, without the
                        effect of the new mean and deviation of the observations
    divergence_ratio    actual divergence of the step in its metric over the predicted one
    entropy             mean entropy of the new policy over the visited states, nats; of real
                        actions in units of their Box, of squashed ones before tanh
    gradient_norm       Euclidean norm of the policy gradient
    explained_variance  share of the returns' variance that the baseline predicted
    solver_iterations   number of products F v; 0 for a direct solve
    residual            relative residual of the solve
    step_length         multiple of the direction taken
    backtracks          rejected trials before the accepted step
    seconds_rollout     wall time in the environment and the policy
    seconds_update      wall time in everything else
    ==================  ===================================================================

    A value that does not exist, such as a mean over no episodes, is NaN. ``notes`` names the
    solver that was used, its fallbacks, and the reason if there was no step. ``trials`` are the
    points that the last update without a step looked at; empty where every update took one.
    """

    @classmethod
    def from_records(
        cls, records: Sequence[dict], notes: Sequence[str], trials: tuple[Trial, ...] = ()
    ) -> Self:
        """Return the history of a list of records, one per update."""
        names = records[0] if len(records) else COLUMNS
        columns = {name: np.array([r[name] for r in records], dtype=float) for name in names}
        return cls(columns, np.empty((len(records), 0)), notes, _REASONS, trials)

    def __getitem__(self, name: str) -> Any:
        """Return a column, as integers if it holds whole numbers."""
        values = super().__getitem__(name)
        return values.astype(int) if name in _WHOLE else values


class LoggedHistory(PolicyHistory):
    """The history of a fit to logged episodes, with estimates from the data for each policy.

    ``effective_episodes`` and ``estimated_return`` are those of the policy after the update.
    Row 0 is the first policy, before any step.
    """

    @classmethod
    def from_records(
        cls, records: Sequence[dict], notes: Sequence[str], trials: tuple[Trial, ...] = ()
    ) -> Self:
        """Return the history of a list of records, whose first, the start, has no step."""
        names = dict.fromkeys(name for record in records for name in record)
        filled = [{name: record.get(name, np.nan) for name in names} for record in records]
        for name in names.keys() & set(_WHOLE):
            filled[0][name] = 0
        return super().from_records(filled, notes, trials)
