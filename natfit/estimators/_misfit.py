"""How far the rows are from a fit, in one number without a test: a column of comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.frozen import Frozen
from natfit.inference import goodness as good


def misfit(model: Any, X: Any, sample_weight: Any) -> float | None:
    """Return how far the rows of a fit are from it; of several columns, the largest.

    Parameters
    ----------
    model : DensityEstimator
        The fit.
    X, sample_weight
        The rows of the fit.

    Returns
    -------
    float or None
        The Anderson-Darling statistic of a density, Pearson's chi-square per degree of freedom of
        counts. None where there is none: for censored rows, vectors, densities without a
        support or with values of a probability of their own, and counts in too few
        cells.
    """
    data, family, by_column = model._seen(X, sample_weight)
    counts = family.support is not None and family.support.integer
    if not by_column or family.atoms or family.support is None:
        return None
    found = []
    for estimate, y in zip(model._estimates(), data.values.T, strict=True):
        frozen = Frozen(family, estimate.theta[None])
        if counts:
            found.append(_per_df(frozen, y, data.weight, estimate.n_estimated))
        else:
            found.append(good.distance("anderson_darling", frozen, y, data.weight))
    known = [value for value in found if value is not None and not np.isnan(value)]
    return max(known) if len(known) == len(found) else None


def _per_df(frozen: Frozen, y: np.ndarray, weight: np.ndarray | None, k: int) -> float | None:
    """Return Pearson's chi-square over M - 1 - K for M cells; None with fewer cells than that."""
    known, extent = good.has_tails(frozen.family), (float(y.min()), float(y.max()))
    total = float(len(y) if weight is None else weight.sum())
    try:
        ends = good.cells(frozen, total, None, known, extent)
    except ValueError:
        # A single cell.
        return None
    df = len(ends) - k
    return good.chi_square(frozen, ends, y, weight, known) / df if df > 0 else None
