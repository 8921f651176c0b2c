"""Tests of goodness of fit of a fitted density, with the p-values of refits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from natfit._validation import check_number, check_option, check_vector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators._bootstrap import (
    Draws,
    bootstrap_pvalue,
    failures,
    refits,
    right_censored,
)
from natfit.estimators._data import Data
from natfit.inference import Estimate, Outcome
from natfit.inference import goodness as good

#: What a reader must know of the resamples of censored rows.
_CENSORED = (
    "censoring times of the resamples follow the Kaplan-Meier estimate of those of the data, given "
    "the rows that were censored"
)

METHODS = ("auto", *good.NAMES)


@dataclass(frozen=True)
class Test:
    """A statistic, as it is computed of the data and of each resample.

    Attributes
    ----------
    method : str
        One of :data:`METHODS`, but not ``auto``.
    ends : list of ndarray
        Ends of the cells of each column, of a chi-square test.
    known : bool
        Whether the family has a distribution function.
    """

    method: str
    ends: list[np.ndarray]
    known: bool

    def of(self, model: Any, data: Data) -> np.ndarray:
        """Return the statistic of each column, (C,)."""
        values, seen = data.values, None
        if data.seen_as is not None:
            time, seen = right_censored(data, "goodness_of_fit")
            values = time[:, None]
        found = []
        for j, eta in enumerate(model._eta):
            frozen, y = Frozen(model.distribution_, eta[None]), values[:, j]
            if self.method == "chi_square":
                args = self.ends[j], y, data.weight, self.known
                found.append(good.chi_square(frozen, *args))
            else:
                found.append(good.distance(self.method, frozen, y, data.weight, seen))
        return np.array(found)


def _measured(test: Test, model: Any, rows: Any) -> np.ndarray:
    """Return the statistics of a refit to a resample."""
    return test.of(model, model._seen(rows)[0])


def goodness(
    model: Any,
    data: Data,
    estimates: list[Estimate],
    method: str,
    bins: Any,
    n_resamples: int,
    random_state: Any,
    n_jobs: Any,
) -> list[Outcome]:
    """Return the test of each column of a fit.

    Parameters
    ----------
    model : estimator
        The fit.
    data : Data
        Its rows.
    estimates : list of Estimate
        One for each column.
    method, bins, n_resamples, random_state, n_jobs
        As :meth:`Diagnostics.goodness_of_fit` takes them.

    Returns
    -------
    list of Outcome
        One for each column.

    Raises
    ------
    ValueError
        If the method does not fit the family or the rows.
    """
    censored = data.seen_as is not None
    chosen = _method(model.distribution_, method, censored, bins, _ends_at_rows(estimates))
    size = int(check_number(n_resamples, "n_resamples", low=0, integer=True))
    if size == 0 and chosen != "chi_square":
        raise ValueError(
            f"n_resamples must be >= 1 for {chosen}, whose distribution depends on the family and "
            "on what was estimated, got 0; pass n_resamples=999"
        )
    draws = Draws.of(model, data, "goodness_of_fit")
    test = _test(model, data, chosen, bins)
    found = test.of(model, data)
    drawn, failed = np.empty((0, len(found))), 0
    if size:
        drawn, failed = refits(draws, partial(_measured, test), size, random_state, n_jobs)
    notes = failures(failed) + ((_CENSORED,) if censored else ())
    out = []
    for j, (statistic, estimate) in enumerate(zip(found, estimates, strict=True)):
        if chosen == "chi_square":
            out.append(_of_cells(statistic, len(test.ends[j]) + 1, estimate, drawn[:, j], notes))
        else:
            p = bootstrap_pvalue(statistic, drawn[:, j])
            out.append(_outcome(chosen, statistic, p, None, _bootstrap(len(drawn)), notes))
    return out


def _ends_at_rows(estimates: list[Estimate]) -> bool:
    """Tell whether the support of a column's fit ends at a row."""
    return any(e.objective.row_ends & set(e.at_limit) for e in estimates if e.objective is not None)


def _test(model: Any, data: Data, method: str, bins: Any) -> Test:
    """Return the statistic of a method, whose cells are those of the data in each resample."""
    known, ends = good.has_tails(model.distribution_), []
    if method == "chi_square":
        given = _bins(bins)
        for eta, y in zip(model._eta, data.values.T, strict=True):
            frozen = Frozen(model.distribution_, eta[None])
            extent = float(y.min()), float(y.max())
            ends.append(good.cells(frozen, model.n_obs_, given, known, extent))
    return Test(method, ends, known)


def _bootstrap(size: int) -> str:
    return f"{size} refits to draws from the fit, because its parameters were estimated"


def _outcome(
    method: str, statistic: float, p: float, df: float | None, reference: str, notes: tuple
) -> Outcome:
    null = "the rows come from the family"
    return Outcome(good.NAMES[method], float(statistic), p, df, null, reference, notes)


def _of_cells(
    statistic: float, size: int, estimate: Estimate, drawn: np.ndarray, notes: tuple[str, ...]
) -> Outcome:
    """Return the chi-square test of a column with the p-values that its cells allow."""
    most = size - 1
    df = most - len(estimate.free)
    high = float(stats.chi2.sf(statistic, most))
    if df < 1 and len(drawn) == 0:
        raise ValueError(
            f"chi_square needs more cells than estimated parameters and one, got {size} cells and "
            f"{len(estimate.free)} parameters; pass bins= with more cells, or n_resamples=999 for "
            "the p-value of refits"
        )
    if df >= 1:
        low = float(stats.chi2.sf(statistic, df))
        notes += (
            f"{size} cells; with {df} to {most} df, between which the distribution lies because "
            f"the estimate uses the rows and not their cells, p is {low:.4g} to {high:.4g} "
            "(Chernoff & Lehmann, 1954)",
        )
    if len(drawn):
        p, reference = bootstrap_pvalue(statistic, drawn), _bootstrap(len(drawn))
    else:
        p, reference = low, "chi-square"
    return _outcome("chi_square", statistic, p, float(df) if df >= 1 else None, reference, notes)


def _bins(bins: Any) -> int | np.ndarray | None:
    """Return the number of cells or the ends between them, else raise."""
    if bins is None:
        return None
    if np.ndim(bins) == 0:
        return int(check_number(bins, "bins", low=2, integer=True))
    ends = check_vector(bins, "bins")
    if len(ends) < 1 or np.any(np.diff(ends) <= 0):
        raise ValueError(
            f"bins must be ends in ascending order, got {ends}; sort them and drop repeated ones"
        )
    return ends


def _method(
    family: Distribution, method: str, censored: bool, bins: Any, ends_at_rows: bool
) -> str:
    """Return the method, resolved and checked against the family and the rows."""
    check_option(method, "method", METHODS)
    name, support = type(family).__name__, family.support
    if family.event_shape != () or support is None:
        raise ValueError(
            f"goodness_of_fit needs a univariate family with a support, got {name}; test the "
            "columns one by one, or use white_test(X)"
        )
    counts = support.integer or bool(family.atoms)
    if method == "auto":
        method = "anderson_darling"
        if censored or ends_at_rows:
            method = "cramer_von_mises"
        elif counts:
            method = "chi_square"
    if bins is not None and method != "chi_square":
        raise ValueError(f"bins must be None for {method}, got {bins!r}; it is of chi_square")
    if censored and method in ("anderson_darling", "chi_square"):
        raise ValueError(
            f"method must be 'cramer_von_mises' or 'kolmogorov_smirnov' for censored rows, got "
            f"{method!r}, which needs exact rows"
        )
    if censored and counts:
        raise ValueError(
            f"goodness_of_fit of censored rows needs a density, got {name}, which has "
            "probability at single values; compare the fit with the data by natfit.display"
        )
    if counts and method != "chi_square":
        raise ValueError(
            f"method must be 'chi_square' for {name}, which has probability at single values, got "
            f"{method!r}, which is of densities"
        )
    if method == "anderson_darling" and ends_at_rows:
        raise ValueError(
            f"method must be 'cramer_von_mises' or 'kolmogorov_smirnov' for {name} whose support "
            "ends at a row, got 'anderson_darling', which is infinite there"
        )
    _refuse_unknown(family, method)
    return method


def _refuse_unknown(family: Distribution, method: str) -> None:
    """Raise ValueError if the probabilities that a method needs are not known."""
    if method != "chi_square" and not good.has_tails(family):
        raise ValueError(
            f"method must be 'chi_square' for {type(family).__name__}, whose numbers have no "
            f"distribution function, got {method!r}"
        )
