"""White's information-matrix test: whether the two forms of the information agree."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.linalg import lapack

from natfit.distributions.base import Distribution
from natfit.inference.estimate import Estimate
from natfit.inference.outcome import Outcome
from natfit.inference.rowwise import determined, known_objective, refuse_ends, refuse_kinks
from natfit.rows import Block

#: Share of an indicator's sum of squares that must be left after the scores and the other
#: indicators explain it: less is rounding of an indicator that depends on them.
_DEPENDENT = 1e-8

#: Numbers in the Hessians (n, K, K) of one chunk of rows.
_NUMBERS = 2_000_000


def white_of(estimate: Estimate) -> Outcome:
    """Return White's information-matrix test of a maximum-likelihood estimate.

    In the true family ``E[s s' + H] = 0``, where s is the score of a row and H its Hessian (White,
    Econometrica 50, 1982, section 4). The indicators of a row are ``d_i = vech(s_i s_i' + H_i)``
    of the free coordinates. The statistic is W times the uncentred R^2 of the regression of ones
    on ``(s_i, d_i)`` (Chesher, Econometrics Letters 13, 1983; Lancaster, Econometrica 52, 1984),

        T = 1' Z (Z' Z)^-1 Z' 1,    Z = (s_i', d_i'),

    with weights as repetitions. It has about a chi-square distribution with as many degrees of
    freedom as indicators are linearly independent of each other and of the scores. In samples of
    a few hundred rows it exceeds the quantiles of this distribution far too often (Orme, 1990).

    Parameters
    ----------
    estimate : Estimate
        With its objective, a likelihood without a prior and with a constant model.

    Returns
    -------
    Outcome
        The statistic with the p-value of the chi-square distribution.

    Raises
    ------
    ValueError
        If the model is conditional, the estimate has a prior, the data do not determine the
        parameters, the log-density has no second derivative somewhere, or no indicator is left.
    """
    objective, free = known_objective(estimate), estimate.free
    _admit(estimate)
    family, k = objective.distribution, len(estimate.theta)
    eta = objective.model.eta(estimate.theta, None)
    rows = objective.rows.cut(max(_NUMBERS // k**2, 1)) if k > 10 else objective.rows
    with np.errstate(all="ignore"):
        sums, square = rows.sum(_indicator_part, family, eta, free)
    if not (np.isfinite(sums).all() and np.isfinite(square).all()):
        raise ValueError(
            "white_test needs finite scores and second derivatives of each row, got some that are "
            "not; look at the rows of the lowest score_samples"
        )
    size = len(free)
    statistic, df = _regression(sums, square, size)
    if df == 0:
        raise ValueError(
            f"white_test needs indicators that the fit does not make zero, got none for "
            f"{type(family).__name__}: any such rows have the same two forms of the information"
        )
    if df + size >= estimate.total:
        raise ValueError(
            f"white_test needs more rows than its {df} indicators and {size} scores, got "
            f"{estimate.total:g} rows; test with more rows, or fit a family of fewer parameters"
        )
    return Outcome(
        "White's information-matrix test",
        statistic,
        float(stats.chi2.sf(statistic, df)),
        float(df),
        "the rows come from the family",
        "chi-square, which this statistic exceeds too often unless there are thousands of rows",
        ('pvalue="bootstrap" gives the p-value of refits to draws',),
    )


def _admit(estimate: Estimate) -> None:
    """Raise ValueError unless the equality of the two informations can be tested."""
    objective = known_objective(estimate)
    if not objective.model.shared:
        raise ValueError(
            "white_test needs parameters that all rows share, got a conditional model, for which "
            "second derivatives in theta are not available"
        )
    if objective.penalised:
        raise ValueError(
            "white_test needs a maximum-likelihood estimate, got one with a prior; fit without "
            "prior="
        )
    refuse_ends(estimate, "white_test")
    refuse_kinks(estimate, "white_test")
    determined(estimate, "white_test")


def _indicator_part(
    block: Block, family: Distribution, eta: np.ndarray, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted sum of z_i = (s_i, d_i) of the free coordinates and that of z_i z_i'."""
    score = family.score(block.y, eta)[:, free]
    observed = family.observed(block.y, eta)[:, free[:, None], free]
    low = np.tril_indices(len(free))
    square = score[:, :, None] * score[:, None, :] - observed
    z = np.concatenate([score, square[:, low[0], low[1]]], axis=1)
    weighted = z if block.weight is None else z * block.weight[:, None]
    return weighted.sum(axis=0), weighted.T @ z


def _regression(sums: np.ndarray, square: np.ndarray, size: int) -> tuple[float, int]:
    """Return the explained sum of squares of ones, and the rank of the indicators."""
    scale = np.sqrt(np.diagonal(square))
    scale = np.where(scale > 0, scale, 1.0)
    b, m = sums / scale, square / np.outer(scale, scale)
    explained, inverse = _solved(m[:size, :size], b[:size])
    mixed = m[size:, :size] @ inverse
    rest = m[size:, size:] - mixed @ m[:size, size:]
    own, _ = _solved(rest, b[size:] - mixed @ b[:size])
    return explained + own, _rank(rest)


def _pivots(matrix: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the order and number of coordinates that are independent, by pivoted Cholesky."""
    _, order, rank, _ = lapack.dpstrf(matrix, tol=_DEPENDENT, lower=1)
    # A matrix of zeros is never begun.
    rank = 0 if np.diagonal(matrix).max(initial=0.0) <= _DEPENDENT else rank
    return order[:rank] - 1, rank


def _rank(matrix: np.ndarray) -> int:
    """Return the number of independent coordinates of a matrix in the scale of its diagonal."""
    return _pivots(matrix)[1]


def _solved(matrix: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    """Return b' M^- b and M^-, an inverse on the independent coordinates, zero elsewhere."""
    kept, _ = _pivots(matrix)
    inverse = np.zeros_like(matrix)
    at = np.ix_(kept, kept)
    inverse[at] = np.linalg.inv(matrix[at])
    return float(b @ inverse @ b), inverse
