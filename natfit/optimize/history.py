"""The history of a fit: columns of numbers, one row per iterate."""

from __future__ import annotations

import csv
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from natfit._tables import MOST, Table, frame, number
from natfit.iterate.trial import Trial, refusals

#: Column name to attribute of the iterate.
COLUMNS = {
    "objective": "value",
    "gradient_norm": "gradient_norm",
    "natural_gradient_norm": "natural_norm",
    "distance": "distance",
    "step_length": "step_length",
    "predicted_kl": "predicted_kl",
    "divergence_ratio": "divergence_ratio",
    "kl": "kl",
    "evaluations": "evaluations",
    "solver_iterations": "solver_iterations",
    "residual": "residual",
    "damping": "damping",
    "radius": "radius",
    "metric_error": "metric_error",
    "seconds": "seconds",
}


#: Columns of whole numbers.
_WHOLE = ("column", "evaluations", "solver_iterations")

#: Digits of the objective in a table.
_DIGITS = 9

_cells = operator.attrgetter(*COLUMNS.values())


class History(Mapping[str, np.ndarray]):
    """A mapping of column names to arrays, one row per iterate, the start first.

    ======================  ================================================================
    column                  meaning
    ======================  ================================================================
    objective               f, nats per row for a likelihood
    gradient_norm           Euclidean norm of the gradient (depends on units)
    natural_gradient_norm   sqrt(g' G^-1 g) in the metric of the step
    distance                distance to the optimum in standard errors, sqrt(W g' I^-1 g)
    step_length             multiple of the direction that was taken to get here
    predicted_kl            1/2 delta' (G + D) delta of that step with the damping D
    divergence_ratio        its actual divergence in the metric over the predicted one
    kl                      actual Kullback-Leibler divergence of that step, nats per row
    evaluations             evaluations of f and its gradient that the step took, and those of
                            a metric that differentiates the gradient; the last row's include
                            those of a search that found no further step
    solver_iterations       number of products F v for the direction; 0 for a direct solve
    residual                relative residual of the solve
    damping                 lambda, the strength of the damping
    radius                  trust radius of the next step, nats
    metric_error            relative standard error of a Monte Carlo metric
    seconds                 wall time since the previous iterate
    ======================  ================================================================

    A value that does not exist is NaN; ``reasons`` says why a whole column is NaN. ``theta``
    holds the iterates (n_rows, P). ``notes`` holds what was recorded at each iterate: fallbacks
    that were taken, and what the search that ended the run has tried. ``trials`` is a tuple of
    :class:`natfit.iterate.trial.Trial`, the points tried by the last search that found no next
    iterate; it is empty if every search found one.
    """

    def __init__(
        self,
        columns: Mapping[str, np.ndarray],
        theta: np.ndarray,
        notes: Iterable[str] = (),
        reasons: Mapping[str, str] | None = None,
        trials: tuple[Trial, ...] = (),
    ):
        self._columns = dict(columns)
        self.theta = theta
        self.notes = list(notes)
        self._why = dict(reasons or {})
        self.trials = trials

    @classmethod
    def from_iterates(cls, iterates: list[Any], reasons: Mapping[str, str]) -> History:
        """Return the history of a list of iterates."""
        rows = np.array([_cells(i) for i in iterates], dtype=float)
        theta = np.array([i.theta for i in iterates])
        columns = dict(zip(COLUMNS, rows.T, strict=True))
        notes = ["; ".join(i.notes) for i in iterates]
        failed = () if iterates[-1].status is None else iterates[-1].trials
        return cls(columns, theta, notes, reasons, failed)

    def ending(self, theta: np.ndarray, objective: float) -> History:
        """Return the history with another last iterate, which was measured where it was.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The last iterate.
        objective : float
            f there.

        Returns
        -------
        History
        """
        columns, iterates = dict(self._columns), self.theta.copy()
        columns["objective"] = columns["objective"].copy()
        columns["objective"][-1], iterates[-1] = objective, theta
        return History(columns, iterates, self.notes, self._why, self.trials)

    @property
    def reasons(self) -> dict[str, str]:
        """For each column that holds only NaN, the reason."""
        known = {n: why for n, why in self._why.items() if n in self._columns}
        return {n: why for n, why in known.items() if np.all(np.isnan(self._columns[n]))}

    @classmethod
    def concatenate(cls, parts: list[History]) -> History:
        """Return one history of several columns of data, with the number of each in ``column``."""
        columns: dict[str, np.ndarray] = {
            "column": np.repeat(np.arange(len(parts)), [p.n_rows for p in parts])
        }
        for name in COLUMNS:
            columns[name] = np.concatenate([p[name] for p in parts])
        notes = [note for p in parts for note in p.notes]
        trials = next((p.trials for p in reversed(parts) if p.trials), ())
        return cls(columns, np.concatenate([p.theta for p in parts]), notes, parts[0]._why, trials)

    def then(self, other: History) -> History:
        """Return the history of this run and of one that went on, without the latter's start."""
        columns = {n: np.concatenate([self._columns[n], other._columns[n][1:]]) for n in COLUMNS}
        theta = np.concatenate([self.theta, other.theta[1:]])
        notes = self.notes + other.notes[1:]
        if other.n_rows == 1 and other.trials:
            # The second run began where a search of the first one failed. Its start was evaluated
            # before, so that this evaluation is not counted again.
            columns["evaluations"][-1] += other._columns["evaluations"][0] - 1
            notes[-1] = "; ".join(filter(None, [notes[-1], refusals(other.trials)]))
        trials = other.trials or self.trials
        return History(columns, theta, notes, self._why | other._why, trials)

    def noted(self, *notes: str) -> History:
        """Return the same history with further notes at its last iterate."""
        last = "; ".join(filter(None, [self.notes[-1], *notes]))
        return History(self._columns, self.theta, [*self.notes[:-1], last], self._why, self.trials)

    @property
    def n_rows(self) -> int:
        """Number of iterates, the start included."""
        return len(self.theta)

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the column of that name, (n_rows,): one value per iterate."""
        try:
            values = self._columns[name]
            return values.astype(int) if name in _WHOLE else values
        except KeyError:
            raise KeyError(f"history has columns {list(self._columns)}, not {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over column names."""
        return iter(self._columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._columns)

    def at(self, theta: np.ndarray) -> History:
        """Return the same history with the iterates (n_rows, P) in other coordinates."""
        return History(self._columns, theta, self.notes, self._why, self.trials)

    def head(self, n: int = 5) -> History:
        """Return the first n rows."""
        columns = {name: values[:n] for name, values in self._columns.items()}
        trials = self.trials if n >= self.n_rows else ()
        return History(columns, self.theta[:n], self.notes[:n], self._why, trials)

    def to_frame(self) -> Any:
        """Convert to a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            One row for the start and one row per iteration.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return frame(dict(self))

    def to_csv(self, path: Any) -> None:
        """Write the columns to a file of comma-separated values, their names in the first line.

        Numbers are written with all their digits, and values that do not exist as empty cells, as
        pandas reads and writes them.

        Parameters
        ----------
        path : str or path-like
            The file; an existing one is replaced.
        """
        columns = [self[name].tolist() for name in self]
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(self)
            for row in zip(*columns, strict=True):
                writer.writerow(["" if value != value else value for value in row])

    def _table(self) -> Table:
        """Return the table that is printed, without columns that hold no number other than zero."""
        names = [n for n, v in self._columns.items() if np.any(np.nan_to_num(v) != 0)]
        columns = {name: self[name].tolist() for name in names}
        if "objective" in columns:
            # Later steps change its last digits only.
            columns["objective"] = [number(v, _DIGITS) for v in columns["objective"]]
        rows = list(zip(range(self.n_rows), *columns.values(), strict=True))
        return Table(("", *names), rows, most=MOST, what="row")

    def __repr__(self) -> str:
        """Print as a table of at most 12 rows, and say how many there are."""
        return self._table().text()

    def _repr_html_(self) -> str:
        """Show the same table in a notebook."""
        return self._table().html()
