"""The result of a fit, and the results of several columns of data joined into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.columns import OfColumns
from natfit.fitting.options import column_label
from natfit.fitting.past import Past
from natfit.iterate import Status
from natfit.metrics.base import Metric
from natfit.models import Model
from natfit.optimize import Engine, Fit, History

#: Statuses from best to worst; the status of several columns is the worst of theirs.
ORDER = [
    Status.CONVERGED,
    Status.GRADIENT_SMALL,
    Status.ROUNDING_FLOOR,
    Status.STOPPED_BY_CALLBACK,
    Status.EARLY_STOPPED,
    Status.BOUNDARY,
    Status.MAX_ITER,
    Status.NO_DESCENT,
    Status.SINGULAR,
    Status.UNBOUNDED,
    Status.NON_FINITE,
]


@dataclass(frozen=True)
class Result:
    """A finished fit and the information at its end.

    Attributes
    ----------
    fit : Fit
        The run of the loop: last iterate, status, message, history.
    model : Model
        The model, bound to the family, which says what theta means.
    eta : ndarray of shape (K,) or None
        The estimate, including fixed parameters, if all rows share one eta; None for a
        conditional model, whose eta is ``model.eta(theta, X)``.
    information : Information or None
        The information of eta for a constant model, of theta for a conditional one; None where it
        waits until it is asked for.
    metric : Metric
        The metric that was used.
    total : float
        W, the sum of weights.
    at_bound : tuple of int
        Coordinates that rest at a limit, in eta or theta as for ``information``.
    log_likelihood : float
        Of all rows at the estimate, nats, without the prior.
    engine : Engine or None
        The components that were used, where they are not those of the task.
    summary : object or None
        The family's summary of the rows, if it has one.
    past : Past or None
        The quadratic of rows without a summary in eta, as far as it is fitted, if the estimate is
        at a limit or near one, where it is not that of ``information``.
    """

    fit: Fit
    model: Model
    eta: np.ndarray | None
    information: Any
    metric: Metric
    total: float
    at_bound: tuple[int, ...]
    log_likelihood: float
    engine: Engine | None = None
    summary: Any | None = None
    past: Past | None = None

    def noted(self, notes: Sequence[str]) -> Result:
        """Return the result with further notes in its history, if there are any."""
        if not notes:
            return self
        return replace(self, fit=replace(self.fit, history=self.fit.history.noted(*notes)))

    def whole(self) -> Result:
        """Return the result in all of eta; its family knows the parameters that were not fitted."""
        if self.eta is None:
            return self
        family = self.model.family.completed
        eta = family.full(self.eta[None])[0]
        return replace(
            self,
            eta=eta,
            information=self.information.embedded(family.free, len(eta)),
            at_bound=(*family.free[list(self.at_bound)].tolist(), *family.held_coordinates),
        )


@dataclass(frozen=True)
class Joined:
    """The results of several columns, joined.

    Attributes
    ----------
    eta : ndarray of shape (columns, K)
    information : list of Information
    at_bound : list of tuple of int
    metric : Metric
    attributes : dict
        The public attributes of the estimator by name.
    """

    eta: np.ndarray
    information: list
    at_bound: list[tuple[int, ...]]
    metric: Metric
    attributes: dict[str, Any]


def join(family: Distribution, columns: list[Result], names: Sequence[str] | None = None) -> Joined:
    """Return the joined results of several columns: one theta, one history, the worst status."""
    fits = [c.fit for c in columns]
    worst = max(range(len(fits)), key=lambda j: ORDER.index(fits[j].status))
    message, note = fits[worst].message, fits[worst].verdict.bound_note
    if names is not None and isinstance(note, OfColumns):
        message = replace(fits[worst].verdict, bound_note=note.named(names)).message
    if len(fits) > 1 and not fits[worst].status.good:
        message = f"{column_label(worst, names)}: {message}"
        others = [j for j, f in enumerate(fits) if j != worst and not f.status.good]
        if others:
            also = ", ".join(f"{column_label(j, names)} {fits[j].status}" for j in others[:5])
            more = f" and {len(others) - 5} more" if len(others) > 5 else ""
            message += f"; statuses_ of other columns: {also}{more}"
    history = fits[0].history if len(fits) == 1 else History.concatenate([f.history for f in fits])
    attributes = {
        "theta_": np.concatenate([f.theta for f in fits]),
        "n_obs_": columns[0].total,
        "n_iter_": max(f.n_iter for f in fits),
        "loglik_": float(sum(c.log_likelihood for c in columns)),
        "status_": fits[worst].status,
        "statuses_": [f.status for f in fits],
        "message_": message,
        "history_": history,
        "coordinates_": [c.model.coordinates for c in columns],
        "information_kind_": [c.information.kind for c in columns],
    }
    return Joined(
        # All rows of a column share eta, so that it exists.
        np.stack([c.eta for c in columns]),  # type: ignore[misc]
        [c.information for c in columns],
        [c.at_bound for c in columns],
        columns[0].metric,
        attributes,
    )
