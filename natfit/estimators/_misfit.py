"""How far the rows are from a fit, in one number without a test: a column of comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.frozen import Frozen

#: Least expected number of rows in a cell of the chi-square statistic (Cochran, Biometrics 10,
#: 1954).
_LEAST = 5.0


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
        counts. None where there is none: for censored rows, vectors, families without a
        distribution function or with a mixture of a density and probabilities, and counts in too
        few cells.
    """
    data, family, by_column = model._seen(X, sample_weight)
    if not by_column or not family.has_cdf or family.atoms:
        return None
    counts = family.support is not None and family.support.integer
    found = []
    for j, estimate in enumerate(model._estimates()):
        frozen = Frozen(family, estimate.theta[None])
        y = data.values[:, j]
        if counts:
            found.append(chi_square_per_df(frozen, y, data.weight, estimate.n_estimated))
        else:
            found.append(anderson_darling(frozen, y, data.weight))
    known = [value for value in found if value is not None and not np.isnan(value)]
    return max(known) if len(known) == len(found) else None


def anderson_darling(frozen: Frozen, y: np.ndarray, weight: np.ndarray | None) -> float:
    """Return ``A^2 = n int (F_n - F)^2 / (F (1 - F)) dF``.

    F_n, the share of the rows up to a point, is constant between rows, where the integral is known;
    without ties and weights the sum is ``-n - sum_i (2 i - 1) / n (log F(y_i) + log S(y_n+1-i))``.

    Returns
    -------
    float
        inf where an end of the support rests at a row. Anderson and Darling (1954), Journal
        of the American Statistical Association 49.
    """
    order = np.argsort(y, kind="stable")
    y = y[order]
    mass = np.ones(len(y)) if weight is None else weight[order]
    n = float(mass.sum())
    share = np.cumsum(mass) / n
    before = np.concatenate([[0.0], share[:-1]])
    below, above = frozen.logcdf(y), frozen.logsf(y)
    low = (share - before) * (share + before) * below
    high = (share - before) * (2.0 - share - before) * above
    return float(-n * (1.0 + np.sum(low + high)))


def chi_square_per_df(
    frozen: Frozen, y: np.ndarray, weight: np.ndarray | None, k: int
) -> float | None:
    """Return Pearson's ``sum (O - E)^2 / E`` over cells, divided by M - 1 - K for M cells.

    Neighbouring numbers are one cell where fewer than five rows are expected, or fewer than would
    make ``2 n^(2/5)`` cells.

    Returns
    -------
    float or None
        About 1 for a good fit; None where there are not more cells than parameters. Pearson (1900);
        the number of cells is that of Moore, in D'Agostino and Stephens (1986), Goodness-of-Fit
        Techniques, section 3.2.
    """
    values, place = np.unique(y, return_inverse=True)
    seen = np.cumsum(np.bincount(place, weight, len(values)))
    n = float(seen[-1])
    expected = n * frozen.cdf(values)
    least = max(_LEAST, n / (2.0 * n**0.4))
    ends, reached = [], 0.0
    while True:
        at = int(np.searchsorted(expected, reached + least))
        if at >= len(values) - 1 or expected[at] > n - least:
            break
        ends.append(at)
        reached = float(expected[at])
    cells = len(ends) + 1
    if cells - 1 - k <= 0:
        return None
    observed = np.diff(np.concatenate([[0.0], seen[ends], [n]]))
    wanted = np.diff(np.concatenate([[0.0], expected[ends], [n]]))
    return float(np.sum(np.square(observed - wanted) / wanted)) / (cells - 1 - k)
