"""Information criteria: the log-likelihood of a fit, less what its parameters cost.

All are on the scale of -2 log L, in nats; lower is better. They compare fits of the same rows, all
by densities or all by probabilities of counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from natfit.inference.estimate import Estimate


def n_parameters(estimates: Sequence[Estimate]) -> int:
    """Return K, the number of parameters that were estimated, over all columns.

    Parameters that were given do not count. Those that rest at a limit do: the data have chosen
    the limit.

    Returns
    -------
    int
        In terms of eta: a covariance matrix of D columns has D (D + 1) / 2 parameters, the weights
        of C components are C - 1.
    """
    total = 0
    for estimate in estimates:
        given = set(estimate.information.known) - set(estimate.at_limit)
        total += len(estimate.theta) - len(given)
    return total


def aic(loglik: float, k: int) -> float:
    """Return Akaike's criterion ``2 K - 2 log L``.

    Parameters
    ----------
    loglik : float
        log L of all rows at the estimate, nats.
    k : int
        K, the number of estimated parameters.

    Returns
    -------
    float
        Akaike (1974), IEEE Transactions on Automatic Control 19, 716-723. ``AIC`` in R.
    """
    return 2.0 * k - 2.0 * loglik


def aicc(loglik: float, k: int, n: float) -> float:
    """Return Akaike's criterion corrected for few rows, ``AIC + 2 K (K + 1) / (n - K - 1)``.

    Parameters
    ----------
    loglik, k
        As in :func:`aic`.
    n : float
        Number of rows, the sum of weights.

    Returns
    -------
    float
        inf where n <= K + 1, because no finite correction exists there. Hurvich and Tsai (1989),
        Biometrika 76, 297-307, who derive it for regressions with normal errors; for other
        families it is an approximation.
    """
    left = n - k - 1.0
    if left <= 0.0:
        return np.inf
    return aic(loglik, k) + 2.0 * k * (k + 1.0) / left


def bic(loglik: float, k: int, n: float) -> float:
    """Return Schwarz's criterion ``K log n - 2 log L``.

    Parameters
    ----------
    loglik, k, n
        As in :func:`aicc`.

    Returns
    -------
    float
        Schwarz (1978), Annals of Statistics 6, 461-464. ``BIC`` in R.
    """
    return k * float(np.log(n)) - 2.0 * loglik


def tic(loglik: float, estimates: Sequence[Estimate]) -> float:
    """Return Takeuchi's criterion ``2 tr(S J^-1) - 2 log L``.

    J is the information per row of the fit, and S the mean outer product of the rows' scores. If
    the family holds the truth, S and J agree and the trace is about K, as in Akaike's criterion;
    otherwise it is what the estimate adapts itself to these rows. A parameter that rests at a limit
    counts one. With a prior J is the information of the posterior density: the trace is then the
    effective number of parameters.

    Parameters
    ----------
    loglik : float
        As in :func:`aic`.
    estimates : sequence of Estimate
        Those of all columns, with their objectives.

    Returns
    -------
    float
        inf where the data do not determine the parameters. Takeuchi (1976), in Burnham and
        Anderson (2002), Model Selection and Multimodel Inference, chapter 7.
    """
    return 2.0 * sum(_effective(estimate) for estimate in estimates) - 2.0 * loglik


def _effective(estimate: Estimate) -> float:
    """Return tr(S J^-1) of one column, and one for each coordinate at a limit."""
    if estimate.objective is None:
        raise ValueError("estimate must have its objective, got one without data; pass X")
    free = estimate.free
    whole = replace(estimate.information, left=1.0)
    inverse = whole.covariance(estimate.at_limit)[np.ix_(free, free)]
    if not np.isfinite(inverse).all():
        return np.inf
    scores = estimate.objective.scores(estimate.theta).dense()[np.ix_(free, free)]
    with np.errstate(all="ignore"):
        trace = float(np.sum(scores * inverse))
    held = len(set(estimate.at_limit))
    return trace + held if np.isfinite(trace) else np.inf
