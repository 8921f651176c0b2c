"""Pareto-smoothed importance ratios, and their shape k-hat, which says whether to trust them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Shape from which importance ratios, and the density that was drawn from, are not to be trusted
#: (Vehtari, Simpson, Gelman, Yao & Gabry, J. Mach. Learn. Res. 25, 2024, section 3.2.4).
TRUSTED = 0.7

#: Fewest draws: with fewer, fewer than five ratios are the tail.
FEWEST = 25

#: Log-ratios of the tail that differ by less are equal: what differs is rounding.
_EQUAL = 1e-8


@dataclass(frozen=True)
class Smoothed:
    """Importance ratios whose largest are replaced by quantiles of a Pareto distribution.

    Attributes
    ----------
    log_ratio : ndarray of shape (S,)
        In nats, in the order of the draws.
    k_hat : float
        Shape of the tail; -inf where all ratios are equal.
    """

    log_ratio: np.ndarray
    k_hat: float

    @property
    def log_mean(self) -> float:
        """Logarithm of the mean ratio: that of the integral of what was divided, in nats."""
        top = self.log_ratio.max()
        return float(top + np.log(np.mean(np.exp(self.log_ratio - top))))


def smoothed(log_ratio: np.ndarray) -> Smoothed:
    """Return importance ratios with a smoothed tail, and its shape.

    The M largest of S ratios, ``M = min(S / 5, 3 sqrt(S))``, are replaced by the quantiles
    ``F^-1((z - 1/2) / M)`` of the generalised Pareto distribution that is fitted to their excess
    over the next one, but by no more than the largest (Vehtari et al., 2024, section 3.1).

    Parameters
    ----------
    log_ratio : ndarray of shape (S,)
        Log-density of the target minus that of the draws, nats; -inf outside the target's support.

    Returns
    -------
    Smoothed
        With k-hat.

    Raises
    ------
    ValueError
        If there are fewer than 25 draws, a ratio is NaN or inf, or no ratio is positive.
    """
    r = np.asarray(log_ratio, dtype=np.float64)
    if len(r) < FEWEST:
        raise ValueError(f"log_ratio must have at least {FEWEST} draws, got {len(r)}; draw more")
    if np.isnan(r).any() or np.isposinf(r).any() or not np.isfinite(r).any():
        raise ValueError(
            "log_ratio must be numbers or -inf, with a number among them, got others; look at the "
            "log-density at the draws"
        )
    size = int(np.ceil(min(0.2 * len(r), 3.0 * np.sqrt(len(r)))))
    order = np.argsort(r, kind="stable")
    tail, top = order[-size:], r.max()
    if r[tail[-1]] - r[tail[0]] < _EQUAL:
        return Smoothed(r, -np.inf)
    cut = np.exp(r[order[-size - 1]] - top)
    excess = np.exp(r[tail] - top) - cut
    k, sigma = generalized_pareto(excess[excess > 0])
    level = (np.arange(size) + 0.5) / size
    quantile = cut + sigma * np.expm1(-k * np.log1p(-level)) / k if k else cut
    out = r.copy()
    out[tail] = top + np.log(np.minimum(quantile, 1.0))
    return Smoothed(out, k)


def generalized_pareto(x: np.ndarray) -> tuple[float, float]:
    """Return shape and scale of a generalised Pareto distribution from positive x in order.

    The estimate of Zhang & Stephens (Technometrics 51, 2009, equations 6 to 9): the mean of
    ``theta = -k / sigma`` over its profile likelihood on a grid. The shape is drawn towards 0.5 as
    by ten further observations (Vehtari et al., 2024, appendix G).

    Parameters
    ----------
    x : ndarray of shape (n,)
        In ascending order.

    Returns
    -------
    k : float
        Shape; above zero the tail is a power.
    sigma : float
        Scale, in the unit of x.
    """
    n = len(x)
    j = np.arange(1.0, 31.0 + np.floor(np.sqrt(n)))
    quarter = x[int(np.floor(n / 4 + 0.5)) - 1]
    theta = 1.0 / x[-1] + (1.0 - np.sqrt(len(j) / (j - 0.5))) / (3.0 * quarter)
    # theta = 0 would be an exponential tail, a point of the grid with probability zero.
    theta = np.where(theta == 0.0, 1e-12 / x[-1], theta)
    k = np.mean(np.log1p(-theta[:, None] * x), axis=1)
    profile = n * (np.log(-theta / k) - k - 1.0)
    weight = np.exp(profile - profile.max())
    mean = float(weight @ theta / weight.sum())
    shape = float(np.mean(np.log1p(-mean * x)))
    return (n * shape + 10 * 0.5) / (n + 10), -shape / mean
