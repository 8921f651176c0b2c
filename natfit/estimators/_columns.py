"""One column of data (or one block of a multivariate family) through the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite

from natfit import inference, rows
from natfit.coordinates import Coordinates
from natfit.coordinates.unconstrained import Unconstrained
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers._restricted import Fixed
from natfit.estimators._adjust import whole
from natfit.iterate.rounding import noise
from natfit.metrics.base import Metric
from natfit.models import Constant
from natfit.objectives import Likelihood, Penalised, Prior
from natfit.optimize import Fit, History, Status, run
from natfit.optimize.engine import Engine

#: Rows on which a family checks itself at a start that it did not choose.
_FEW = 1_000

#: Rows up to which a fit that converged is compared with a simpler family's optimum: with more
#: the likelihood has no second maximum that matters, and the comparison would cost a pass.
_COMPARED = 10_000


@dataclass(frozen=True)
class ColumnFit:
    """A finished run and what was learnt at its end."""

    fit: Fit
    eta: np.ndarray
    information: Any
    metric: Metric
    coordinates: Coordinates
    total: float
    at_bound: tuple[int, ...]


def constant_likelihood(
    family: Distribution, data: np.ndarray, weight: np.ndarray | None, eta: np.ndarray
) -> Likelihood:
    """Likelihood in unconstrained coordinates, for statements at a given eta."""
    return Likelihood(family, Constant(Unconstrained().bind(family, eta)), data, None, weight)


def fit_column(
    family: Distribution,
    data: np.ndarray,
    weight: np.ndarray | None,
    start: np.ndarray | None,
    coordinates: Coordinates,
    engine: Engine,
    rng: np.random.Generator,
    hook: Callable | None,
    prior: dict[str, Prior] | None = None,
) -> ColumnFit:
    """Check the data, start, descend, and take the information at the end."""
    family = family if family.incomplete else family.bind(data)  # Limits may be this column's.
    summary = checked_summary(family, data, weight)
    eta0 = _start(family, data, weight, start, rng)
    bound = coordinates.bind(family, eta0)
    terms = family, Constant(bound), data, None, weight, summary
    objective = Penalised(prior, *terms) if prior else Likelihood(*terms)
    eta0 = _feasible(objective, bound, eta0, start is not None)
    metric = engine.metric.prepare(objective)

    def descend(theta: np.ndarray, most: int) -> Fit:
        return run(
            objective,
            metric,
            engine.solver,
            engine.step,
            engine.damping,
            theta,
            tol=engine.tol,
            max_iter=most,
            rng=rng,
            callback=None
            if hook is None
            else lambda iterate, done: hook(_WithEta(iterate, bound), done),
        )

    def nested(result: Fit) -> np.ndarray | None:
        return _nested(family, objective, bound, result, data, weight)

    settles = family.compare_after if engine.step.converges else None
    result = _settle(descend, nested, bound.from_eta(eta0), engine.max_iter, settles)
    eta = np.asarray(bound.to_eta(result.theta))
    column = ColumnFit(
        _judged(family, result, eta, data, weight),
        eta,
        inference.information(objective, result.theta),
        metric,
        bound,
        objective.total,
        result.iterate.active,
    )
    return whole(family, column)


def _settle(
    descend: Callable, nested: Callable, theta: np.ndarray, max_iter: int, settles: int | None
) -> Fit:
    """Descend; start again where a simpler family's optimum is lower; go on if cut short."""
    result = descend(theta, max_iter if settles is None else min(max_iter, settles))
    if result.status is Status.NON_FINITE and result.iterate.n_iter == 0:
        raise ValueError(f"start_params must give a finite likelihood; {result.message}")
    for _ in range(2):
        left = max_iter - result.iterate.n_iter
        again = nested(result)
        if again is None and result.status is Status.MAX_ITER:
            again = result.theta
        if again is None or left <= 0:
            break
        result = _joined(result, descend(again, left), left)
    return result


def _joined(first: Fit, second: Fit, left: int) -> Fit:
    """Two runs as one: all iterations count."""
    total = first.iterate.n_iter + left
    return Fit(
        replace(second.iterate, n_iter=first.iterate.n_iter + second.iterate.n_iter),
        second.status,
        second.message.replace(f"max_iter={left} ", f"max_iter={total} "),
        first.history.then(second.history),
    )


def _feasible(
    objective: Likelihood, bound: Coordinates, eta: np.ndarray, given: bool
) -> np.ndarray:
    """The start (K,), moved where a prior excludes it or some row has no density there."""
    if not given:
        return objective.feasible(eta) if objective.penalised else eta
    if np.isfinite(objective.value_and_grad(bound.from_eta(eta))[0]):
        return eta
    return objective.distribution.refine_start(objective.y, objective.weight, eta)


def _nested(
    family: Distribution,
    objective: Likelihood,
    bound: Coordinates,
    result: Fit,
    data: np.ndarray,
    weight: np.ndarray | None,
) -> np.ndarray | None:
    """Theta of a simpler family's optimum where the fit ended above it, else None."""
    if result.status is Status.STOPPED_BY_CALLBACK:
        return None
    if result.status.good and len(data) > _COMPARED:
        return None
    eta = family.nested_start(data, weight)
    if eta is None:
        return None
    low, high, _ = family.limits
    theta = bound.from_eta(np.clip(eta, low, high))
    value, best = objective.value_and_grad(theta)[0], result.iterate.value
    # A fit that found no end may as well start where the simpler family has its own.
    slack = noise(best) if result.status.good or result.iterate.active else -noise(best)
    return theta if value < best - slack else None


def _judged(
    family: Distribution, result: Fit, eta: np.ndarray, data: np.ndarray, weight: np.ndarray | None
) -> Fit:
    """The fit, with the family's word where it found no end because there is none."""
    if result.status.good or result.status is Status.STOPPED_BY_CALLBACK:
        return result
    why = family.no_maximum(data, weight, eta)
    if why is None:
        return result
    status = Status.UNBOUNDED
    message = f"{status.value}: {why}; {status.remedy}"
    return replace(result, status=status, message=message)


def checked_summary(family: Distribution, data: np.ndarray, weight: np.ndarray | None) -> Any:
    """Check the data; return the family's summary of them, or None where it has none.

    A finite summary proves that all rows are finite, so that such data are read once.

    Raises
    ------
    ValueError
        For NaN or infinite rows, rows outside the support, and data without a maximum.
    """
    if family.incomplete:
        # Open ends are no errors, and rows that are not finite were refused as they came.
        family.check(data)
        summary = family.sufficient(data, weight)
        family.check_degenerate(data, summary)
        return summary
    with np.errstate(all="ignore"):
        summary = family.sufficient(data, weight)
    finite = summary is not None and all(np.isfinite(part).all() for part in summary)
    if not finite:
        _refuse_non_finite(data)
    if not (finite and family.summary_proves_support):
        family.check(data)
    if summary is not None and not finite:
        raise ValueError(
            f"X must be small enough for sums of squares to stay finite, got values up to "
            f"{np.abs(data).max():g}; divide X by a constant"
        )
    family.check_degenerate(data, summary)
    return summary


def _refuse_non_finite(data: np.ndarray) -> None:
    """Raise scikit-learn's error for NaN and infinity, with the row and the remedy."""
    try:
        assert_all_finite(data, input_name="X")
    except ValueError as error:
        bad = ~np.isfinite(data)
        row = int(np.argmax(bad if bad.ndim == 1 else bad.any(axis=1)))
        words = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"{words} at row {row}; remove or impute such rows") from None


def _start(
    family: Distribution,
    data: np.ndarray,
    weight: np.ndarray | None,
    start: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """The given start or the family's own, inside the family's limits."""
    if start is None:
        part = rows.subsample(len(data))
        start = family.initial(data[part], None if weight is None else weight[part], rng)
        start = family.refine_start(data, weight, start)
    else:
        family.check_start(data[:_FEW], np.asarray(start))
    low, high, _ = family.limits
    return np.clip(start, low, high)


class _WithEta:
    """An iterate that also knows its eta, for callbacks."""

    def __init__(self, iterate: Any, coordinates: Coordinates):
        self._iterate = iterate
        eta = np.asarray(coordinates.to_eta(iterate.theta))
        family = coordinates.family
        self.eta = family.full(eta[None])[0] if isinstance(family, Fixed) else eta

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterate, name)


@dataclass(frozen=True)
class Joined:
    """The columns' results together."""

    eta: np.ndarray
    information: list
    at_bound: list[tuple[int, ...]]
    metric: Metric
    attributes: dict[str, Any]


#: From best to worst; the estimator's status is the worst of its columns'.
_ORDER = [
    Status.CONVERGED,
    Status.GRADIENT_SMALL,
    Status.ROUNDING_FLOOR,
    Status.STOPPED_BY_CALLBACK,
    Status.BOUNDARY,
    Status.MAX_ITER,
    Status.NO_DESCENT,
    Status.SINGULAR,
    Status.UNBOUNDED,
    Status.NON_FINITE,
]


def join(family: Distribution, columns: list[ColumnFit]) -> Joined:
    """Join columns: one theta, one history, the worst status."""
    fits = [c.fit for c in columns]
    worst = max(range(len(fits)), key=lambda j: _ORDER.index(fits[j].status))
    message = fits[worst].message
    if len(fits) > 1 and not fits[worst].status.good:
        message = f"column {worst}: {message}"
    history = fits[0].history if len(fits) == 1 else History.concatenate([f.history for f in fits])
    attributes = {
        "theta_": np.concatenate([f.theta for f in fits]),
        "n_obs_": columns[0].total,
        "n_iter_": max(f.n_iter for f in fits),
        "status_": fits[worst].status,
        "statuses_": [f.status for f in fits],
        "message_": message,
        "history_": history,
        "coordinates_": [c.coordinates for c in columns],
        "information_kind_": [c.information.kind for c in columns],
    }
    return Joined(
        np.stack([c.eta for c in columns]),
        [c.information for c in columns],
        [c.at_bound for c in columns],
        columns[0].metric,
        attributes,
    )
