"""The plane of a two-parameter fit: log-likelihood and gradients on a grid of points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from natfit._component import resolve
from natfit._numbers import Numbers, as_numbers, column_names, is_vector, one_column
from natfit._validation import check_number, check_vector, unknown_name
from natfit.coordinates import Coordinates
from natfit.distributions.base import Distribution
from natfit.estimators._data import Data, read_rows, refuse_not_finite
from natfit.iterate import Iterate
from natfit.linops import LinearOperator
from natfit.metrics.exact import ExactFisher
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rows import Memory
from natfit.solvers.cholesky import CholeskySolver

#: Number of halvings after which a margin outside the domain is given up.
_HALVINGS = 30


@dataclass(frozen=True)
class Plane:
    """A likelihood whose constant model has two coordinates."""

    objective: Likelihood

    @classmethod
    def of(
        cls,
        family: Distribution,
        coordinates: Coordinates,
        data: np.ndarray,
        weight: np.ndarray | None,
    ) -> Plane:
        """Return the plane of a family of two parameters and data, after a check of both."""
        if family.n_params != 2:
            raise ValueError(
                "a plane needs a family with 2 parameters, but "
                f"{type(family).__name__} has {family.n_params}: {family.eta_names()}"
            )
        rows = Memory(data, weight=weight)
        family.check(rows)
        return cls(Likelihood(family, Constant(coordinates), rows))

    @property
    def coordinates(self) -> Coordinates:
        """The coordinates of the model, bound to the family."""
        return self.objective.model.coordinates

    def names(self) -> list[str]:
        """Return the two axis labels, such as ``log scale``."""
        return self.coordinates.labels()

    def holds(self, theta: np.ndarray, eta: np.ndarray) -> bool:
        """Tell whether theta gives this eta in the plane's coordinates."""
        if not self.objective.in_domain(theta):
            return False
        return bool(np.allclose(self.coordinates.to_eta(theta), eta, rtol=1e-6, atol=1e-9))

    def box(self, points: np.ndarray, margin: np.ndarray) -> np.ndarray:
        """Return limits around points (n, 2), inside the domain.

        A margin that leaves the domain (sigma <= 0) is cut until it ends well inside.

        Returns
        -------
        ndarray of shape (2, 2)
            Lower and upper limit, one row per coordinate.
        """
        low, high = points.min(axis=0), points.max(axis=0)
        middle = points[-1]
        limits = np.stack([low, high], axis=1)
        for i in range(2):
            for end, sign in ((0, -1.0), (1, 1.0)):
                room = margin[i]
                for _ in range(_HALVINGS):
                    trial = middle.copy()
                    trial[i] = limits[i, end] + sign * room
                    if self.objective.in_domain(trial):
                        break
                    room *= 0.5
                # A halved margin may still end close to the edge, where the objective explodes.
                limits[i, end] += sign * (room if room == margin[i] else 0.75 * room)
        return limits

    def spread(self, theta: np.ndarray) -> np.ndarray:
        """Return the standard deviations (2,) of an estimate from one row, a natural unit."""
        # Never None: rows of a constant model share eta, so that at least the Hessian exists.
        operator: LinearOperator = self.objective.information(theta)  # type: ignore[assignment]
        solve = CholeskySolver().solve
        return np.sqrt([abs(solve(operator, e)[0] @ e) for e in np.eye(2)])

    # -------------------------------------------------------------------------- on a grid

    def log_likelihood(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the mean log-likelihood, (len(y), len(x)) nats per row; NaN outside the domain."""
        out = np.full((len(y), len(x)), np.nan)
        for i, j, theta in self._points(x, y):
            out[i, j] = -self.objective.value(theta)
        return _some_finite(np.where(np.isfinite(out), out, np.nan), x, y)

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and natural gradient of that mean, (len(y), len(x), 2) each."""
        metric, solver = ExactFisher().prepare(self.objective), CholeskySolver()
        rng = np.random.default_rng(0)  # the exact metric draws nothing
        plain = np.full((len(y), len(x), 2), np.nan)
        natural = plain.copy()
        for i, j, theta in self._points(x, y):
            value, grad = self.objective.first_order(theta)
            operator = metric.at(self.objective, Iterate(theta, value, grad), rng)
            plain[i, j] = -grad
            natural[i, j] = -solver.solve(operator, grad)[0]
        return _some_finite(plain, x, y), natural

    def _points(self, x: np.ndarray, y: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
        for i, b in enumerate(y):
            for j, a in enumerate(x):
                theta = np.array([a, b])
                if self.objective.in_domain(theta):
                    yield i, j, theta


def check_limits(limits: Any, name: str, default: np.ndarray) -> tuple[float, float]:
    """Return (low, high), or the default for None; raise ValueError unless low < high."""
    if limits is None:
        return tuple(default)
    low, high = check_vector(limits, name, size=2)
    if not low < high:
        raise ValueError(f"{name} must be (low, high) with low < high, got {limits!r}")
    return low, high


def axes_of(
    limits: np.ndarray, xlim: Any, ylim: Any, resolution: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the grid values of both coordinates; user-supplied limits replace the defaults."""
    n = int(check_number(resolution, "grid_resolution", low=2, integer=True, hint="100"))
    pairs = check_limits(xlim, "xlim", limits[0]), check_limits(ylim, "ylim", limits[1])
    return np.linspace(*pairs[0], n), np.linspace(*pairs[1], n)


def vector_of(
    X: Any, sample_weight: Any, family: Distribution
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return data that belong to no fit, and their weights; a univariate family takes a vector.

    Returns
    -------
    data : ndarray of shape (N,) or (N, D)
        In float64, without rows of weight zero.
    weight : ndarray of shape (N,) or None
        Repetitions of each row.

    Raises
    ------
    ValueError
        If a univariate family gets several columns.
    """
    found = as_numbers(one_column(X) if is_vector(X) else X, "X")
    values = check_array(found.values, dtype=np.float64, ensure_all_finite=False)
    data = read_rows(Numbers(values, found.masked), sample_weight, "error")
    refuse_not_finite(data.values, column_names(X))
    if family.event_shape != ():
        return data.values, data.weight
    if data.values.shape[1] != 1:
        raise ValueError(f"X must have 1 columns as in the fit, got {data.values.shape[1]}")
    return data.values[:, 0], data.weight


def check_column(
    column: int | str | None, n_columns: int, names: Sequence[str] | None = None
) -> int:
    """Return the index of the column to draw; None is allowed if there is one column."""
    if isinstance(column, str) and names is not None:
        if column not in names:
            raise ValueError(unknown_name(column, names, "column must name a column of X"))
        return list(names).index(column)
    if column is None and n_columns == 1:
        return 0
    if column is None:
        raise ValueError(
            f"column must say which of the {n_columns} columns of X to draw; try column=0"
        )
    return int(check_number(column, "column", low=0, high=n_columns - 1, integer=True))


def data_of_fit(
    estimator: Any, X: Any, sample_weight: Any, column: int | str | None
) -> tuple[Data, Distribution, int]:
    """Return data as a fitted estimator reads them, their family, and the column to draw.

    Returns
    -------
    data : Data
        The rows (N,) of one column, (N, D) of vectors, or the ends of censored rows.
    family : Distribution
        The family of these rows.
    column : int
        Which of the columns it is.

    Raises
    ------
    ValueError
        If there are several columns and ``column`` chooses none, or one that does not exist; or as
        the estimator's ``score``.
    """
    data, family, by_column = estimator._seen(X, sample_weight)
    index = check_column(column, len(estimator._eta), estimator._names)
    return (replace(data, values=data.values[:, index]) if by_column else data), family, index


def plane_of_fit(
    estimator: Any,
    X: Any,
    sample_weight: Any,
    column: int | str | None,
    coordinates: Any = None,
) -> Plane:
    """Return the plane of a fitted estimator, in its own or in the given coordinates."""
    data, family, index = data_of_fit(estimator, X, sample_weight, column)
    fitted = estimator.coordinates_[index]
    if coordinates is not None:
        own = estimator.distribution_
        fitted = resolve(coordinates, Coordinates).bind(own, estimator._eta[index])
    return Plane.of(family, fitted, data.values, data.weight)


def iterates(estimator: Any, column: int | str | None) -> np.ndarray:
    """Return the fit's iterates theta (n, P) for one column of data."""
    history = estimator.history_
    if "column" not in history:
        return history.theta
    index = check_column(column, len(estimator._eta), estimator._names)
    return history.theta[history["column"] == index]


def _some_finite(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the values; refuse a grid that lies wholly outside the domain."""
    if not np.any(np.isfinite(values)):
        raise ValueError(
            f"xlim and ylim must overlap the domain, got {x[0]:g}..{x[-1]:g} and "
            f"{y[0]:g}..{y[-1]:g}, where no likelihood is finite; leave them out"
        )
    return values
