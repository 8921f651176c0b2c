"""The history of a training: columns of numbers, one row per update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from natfit.iterate import Trial
from natfit.optimize.history import History

#: Largest number of parameters whose values after each update are kept: 16 kB an update.
MOST_KEPT = 2_000

#: Columns that hold whole numbers.
_WHOLE = (
    "env_steps",
    "episodes",
    "episodes_ended",
    "outside",
    "solver_iterations",
    "backtracks",
    "n_steps",
)

#: What the names of columns begin with whose values environments give in ``info``.
INFO = "info_"

#: Names of all columns, in this order.
COLUMNS = (
    "env_steps",
    "episodes",
    "episodes_ended",
    "outside",
    "mean_return",
    "std_return",
    "mean_length",
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
    "n_steps",
    "clip_fraction",
    "explained_variance",
    "seconds_rollout",
    "seconds_update",
)

_REASONS = {
    "entropy": "the distribution has no entropy in closed form",
    "mean_return": "no episode ended in any update",
    "std_return": "no episode ended in any update",
    "mean_length": "no episode ended in any update",
    "explained_variance": "the returns had no variance",
    "kl": "the distribution has no divergence",
    "predicted_kl": "no step was taken, or updates are made of several steps",
    "divergence_ratio": "no step was taken, or updates are made of several steps",
}


def kept(theta: np.ndarray) -> np.ndarray | None:
    """Return the parameters after an update if the history keeps them, else None."""
    return theta if theta.size <= MOST_KEPT else None


class PolicyHistory(History):
    """A mapping of column names to arrays, one row per update.

    ==================  ===================================================================
    column              meaning
    ==================  ===================================================================
    env_steps           steps in the environment so far
    episodes            episodes that have ended so far
    episodes_ended      episodes that ended in this update
    outside             observations so far that were outside of the limits of a Box; they were
                        used as they are
    mean_return         mean undiscounted return of the episodes that ended in this update; where
                        none has, that of the last 20 episodes that ended before
    std_return          their standard deviation
    mean_length         mean number of steps of the episodes that ended in this update
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
    n_steps             number of steps of the update, on the batch or on its minibatches
    clip_fraction       share of the visits whose ratio is outside of the clip range at the end;
                        0 for the objective that is not clipped
    seconds_rollout     wall time in the environment and the policy
    seconds_update      wall time in everything else
    ==================  ===================================================================

    For an update of several steps, gains, divergences, entropy and clip_fraction are those of the
    whole update on the whole batch. gradient_norm is that of its first step, residual and
    step_length are those of the last one; solver_iterations and backtracks are sums.

    For each of the option ``info_keys`` there is a column ``info_<key>``: the mean of the numbers
    that ``info`` had under this key in the last step of the episodes that ended in this update.

    A value that does not exist, such as a return before any episode has ended, is NaN. ``theta``
    (n_updates, P) holds the parameters after each update, of policies of at most 2,000
    parameters. ``notes`` names the
    solver that was used, its fallbacks, and the reason if there was no step. ``trials`` are the
    points that the last update without a step looked at; empty where every update took one.
    """

    @classmethod
    def from_records(
        cls,
        records: Sequence[dict],
        notes: Sequence[str],
        trials: tuple[Trial, ...] = (),
        thetas: Sequence[np.ndarray | None] = (),
    ) -> Self:
        """Return the history of a list of records, one per update, with theta where it was kept."""
        names = records[0] if len(records) else COLUMNS
        columns = {name: np.array([r[name] for r in records], dtype=float) for name in names}
        known = [t for t in thetas if t is not None]
        kept = len(known) == len(records) > 0
        theta = np.array(known) if kept else np.empty((len(records), 0))
        return cls(columns, theta, notes, _REASONS, trials)

    @property
    def theta(self) -> np.ndarray:
        """The parameters after each update, (n_updates, P).

        Raises
        ------
        AttributeError
            If the policy has more parameters than are kept.
        """
        if self._theta.shape[1] == 0 < len(self._theta):
            raise AttributeError(
                f"history_.theta is kept for policies of at most {MOST_KEPT} parameters, and this "
                "one has more; theta_ is that of the last update, and a callback sees every update"
            )
        return self._theta

    @theta.setter
    def theta(self, value: np.ndarray) -> None:
        self._theta = value

    @property
    def n_rows(self) -> int:
        """Number of rows, one for each update."""
        return len(self._theta)

    def head(self, n: int = 5) -> Self:
        """Return the first n rows."""
        columns = {name: values[:n] for name, values in self._columns.items()}
        trials = self.trials if n >= self.n_rows else ()
        return type(self)(columns, self._theta[:n], self.notes[:n], self._why, trials)

    @property
    def reasons(self) -> dict[str, str]:
        """For each column that holds only NaN, the reason."""
        infos = {
            name: f"no episode ended with a number in info[{name.removeprefix(INFO)!r}]"
            for name, values in self._columns.items()
            if name.startswith(INFO) and np.isnan(values).all()
        }
        return {**super().reasons, **infos}

    def to_tensorboard(self, path: Any) -> None:
        """Write the columns as scalars to an event file of TensorBoard, at the steps played so far.

        Parameters
        ----------
        path : str or path-like
            The directory of the run; it is made if needed.

        Raises
        ------
        ImportError
            If the package tensorboard (the extra ``tensorboard``) is not installed.
        """
        from natfit.rl.tensorboard import write_history

        write_history(self, path)

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
        cls,
        records: Sequence[dict],
        notes: Sequence[str],
        trials: tuple[Trial, ...] = (),
        thetas: Sequence[np.ndarray | None] = (),
    ) -> Self:
        """Return the history of a list of records, whose first, the start, has no step."""
        names = dict.fromkeys(name for record in records for name in record)
        filled = [{name: record.get(name, np.nan) for name in names} for record in records]
        for name in names.keys() & set(_WHOLE):
            filled[0][name] = 0
        return super().from_records(filled, notes, trials, thetas)
