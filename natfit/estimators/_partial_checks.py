"""What may go on and be merged, and how a fit becomes what is known of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.estimators._merging import refuse_without_maximum
from natfit.fitting.options import priors
from natfit.fitting.past import Past
from natfit.fitting.penalties import NONE, OfPrior, Penalty
from natfit.rows import source_of

#: Rows that are held at most where they determine no quadratic.
HELD = 100_000


def refuse_ends(fitted: Sequence[Distribution], always: bool = False) -> None:
    """Raise ValueError for families whose estimates are rows themselves."""
    for family in fitted:
        if family.row_ends or family.held_coordinates or always:
            raise ValueError(
                f"partial_fit and merge need a likelihood with a derivative in every parameter, "
                f"which {type(family).__name__} has not: an end of its support is estimated; fix "
                "it by fixed=, or fit all rows together"
            )


def refuse_held(results: Sequence[Any]) -> None:
    """Raise ValueError where a fit has held parameters in which there is no derivative."""
    refuse_ends([r.model.family for r in results if r.model.family.held_coordinates])


def free_of(own: Distribution, fixed: Any) -> Any:
    """Return the coordinates (K',) that are fitted, None for all: only an option fixes others."""
    return getattr(own.completed, "free", None) if fixed else None


def reduced(own: Distribution, eta: Any, fixed: Any) -> np.ndarray:
    """Return the coordinates of a whole eta (K,) that are fitted."""
    free = free_of(own, fixed)
    return eta if free is None else eta[free]


def within(own: Distribution, at: Sequence[int], fixed: Any) -> tuple[int, ...]:
    """Return coordinates of the whole eta among those that are fitted."""
    free = free_of(own, fixed)
    return tuple(at) if free is None else tuple(np.flatnonzero(np.isin(free, at)).tolist())


def penalties_of(estimator: Any, running: Any) -> list[Penalty]:
    """Return what the priors of an estimator add to the likelihood of each column."""
    if not getattr(estimator, "prior", None):
        return [NONE] * len(running.fitted)
    prior = priors(estimator.prior, running.family)
    return [OfPrior(prior, own) for own in running.fitted]


def pasts_of(estimator: Any, running: Any) -> tuple[Past, ...]:
    """Return the quadratic of the rows of a fit for each column.

    Parameters
    ----------
    estimator : NaturalMLE
        With the estimates of the fit.
    running : OfQuadratics
        The families, and what is known of columns whose estimates are at a limit.

    Returns
    -------
    tuple of Past
    """
    refuse_without_maximum(estimator)
    out: list[Past] = []
    total, loglik = estimator.n_obs_, estimator.loglik_
    penalties, at_rest = penalties_of(estimator, running), running.at_rest
    terms = zip(running.fitted, estimator._eta, estimator._information, strict=True)
    for own, eta, info in terms:
        free = free_of(own, estimator.fixed)
        matrix = info.matrix if free is None else info.matrix[np.ix_(free, free)]
        at = reduced(own, eta, estimator.fixed)
        active = within(own, estimator._at_bound[len(out)], estimator.fixed)
        # That of all columns is counted once.
        likely = 0.0 if out else loglik
        found = at_rest[len(out)] if at_rest else None
        if found is None:
            found = Past.about(at, total * matrix, total, likely, active)
            found = found.without(penalties[len(out)], total)
        out.append(replace(found, log_likelihood=likely, left=info.left).finite())
    return tuple(out)


def refuse_elsewhere(**given: Any) -> None:
    """Raise TypeError if part of a batch is not in memory.

    Parameters
    ----------
    **given : object
        The arguments of ``partial_fit`` by name.

    Raises
    ------
    TypeError
        With the name and its kind, and what to call instead.
    """
    for name, data in given.items():
        if data is None or isinstance(data, np.ndarray | str | Iterator):
            continue
        if source_of(X=data) is not None:
            raise TypeError(
                f"{name} must be in memory in partial_fit, which takes one batch at each call, got "
                f"{type(data).__name__}; fit reads all rows of it, and partial_fit may go on from "
                "there with batches that come later"
            )


def is_empty(X: Any, columns: int) -> bool:
    """Tell whether a batch has the right columns and no row."""
    return np.shape(X) == (0, columns)


def weightless(sample_weight: Any, n: int) -> bool:
    """Tell whether all n weights are zero."""
    if sample_weight is None or isinstance(sample_weight, str):
        return False
    try:
        weight = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return weight.shape == (n,) and not weight.any()
