"""What Burr, Lomax and Gompertz families share: a median, and a shape regular at infinity.

Their cumulative hazard at the median is log 2. Written in the median and s = 1 / shape they tend to
the Weibull (or exponential) distribution as s -> 0, with a score and an information that are
regular there. In the usual scale, which grows with the shape, the likelihood has a ridge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.distributions.forms.extremes import tail

_LOG_2 = 0.6931471805599453

#: s below which quotients are summed as series, and above which hazards are logarithms.
_SMALL, _LARGE = 1e-2, 0.1

#: Logarithm of a hazard, relative to that at the median, above which it is nearly out of range.
_HUGE = 650.0


def log1p_ratio(x: Any) -> Any:
    """log(1 + x) / x of x >= 0, differentiable twice; 1 at x = 0."""
    return _near_zero(
        x, lambda v: anp.log1p(v) / v, [1, -1 / 2, 1 / 3, -1 / 4, 1 / 5, -1 / 6, 1 / 7]
    )


def expm1_ratio(x: Any) -> Any:
    """(exp(x) - 1) / x of x >= 0, differentiable twice; 1 at x = 0, constant from x = 700 on."""
    series = [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040]

    def direct(v: Any) -> Any:
        v = anp.minimum(v, 700.0)
        return anp.expm1(v) / v

    return _near_zero(x, direct, series)


def _near_zero(x: Any, direct: Callable, series: list[float]) -> Any:
    """A quotient, by its series below 0.01."""
    small = x < _SMALL
    # In either branch the argument that belongs to the other one is replaced by a harmless one.
    near, total = anp.where(small, x, 0.0), 0.0
    for coefficient in reversed(series):
        total = coefficient + near * total
    return anp.where(small, total, direct(anp.where(small, 1.0, x)))


def log_ratio(s: Any) -> Any:
    """log((2^s - 1) / s), differentiable; log log 2 at s = 0."""
    x = _LOG_2 * s
    small = x < _SMALL
    safe, near = anp.where(small, 1.0, x), anp.where(small, x, 0.0)
    direct = safe + anp.log1p(-anp.exp(-safe)) - anp.log(safe)
    series = near / 2.0 + near**2 / 24.0 - near**4 / 2880.0
    return np.log(_LOG_2) + anp.where(small, series, direct)


def survival(log: Any, s: Any) -> Any:
    """-log of the survival function, log(1 + (2^s - 1) w) / s, by log w; differentiable.

    At the median w is 1. In the limit s = 0 the result is w log 2.

    Returns
    -------
    ndarray of shape (n,)
        The cumulative hazard.
    """
    # One s for each row: autograd's ``where`` does not sum over rows.
    s = s + 0.0 * log
    # In either branch the argument that belongs to the other one is replaced by a harmless one.
    # A hazard that is out of the range of doubles is a logarithm for any s > 0.
    large = (s > _LARGE) | ((log > _HUGE) & (s > 0.0))
    few = anp.where(large, 1.0, s)
    hazard = anp.exp(anp.minimum(anp.where(large, 0.0, log + log_ratio(s)), 700.0))
    _, near = tail(hazard, anp.where(large, 0.01, few))
    much = anp.where(large, s, 1.0)
    far = anp.logaddexp(0.0, log + log_ratio(much) + anp.log(much)) / much
    return anp.where(large, far, near)


def burr_log_prob(y: Any, power: Any, median: Any, shape: Any) -> Any:
    """Log-density of the Burr XII distribution, whose median is given, differentiable."""
    s, log = 1.0 / shape, anp.log(y)
    inner = power * (log - anp.log(median))
    constant = anp.log(power) + log_ratio(s)
    return constant + inner - log - (1.0 + s) * survival(inner, s)


def burr_scale(power: Any, median: Any, shape: Any) -> Any:
    """The scale of scipy's burr12: y / scale to the power is 2^(1 / shape) - 1 at the median."""
    s = 1.0 / shape
    return median * np.exp(-(log_ratio(s) + np.log(s)) / power)


def burr_quantile(power: Any, median: Any, shape: Any, p: np.ndarray, upper: bool) -> np.ndarray:
    """Quantiles (n,) of the Burr XII distribution, by the cumulative hazard at them."""
    s, hazard = 1.0 / shape, -np.log(p) if upper else -np.log1p(-p)
    # The logarithm of expm1(s hazard) / s, where that overflows and at s = 0.
    few = np.log(hazard) + np.log(expm1_ratio(np.minimum(s * hazard, 700.0)))
    many = np.where(s > 0.0, s * hazard - np.log(s), few)
    growth = np.where(s * hazard < 600.0, few, many)
    return median * np.exp((growth - log_ratio(s)) / power)


def burr_draws(rng: np.random.Generator, n: int, power: Any, median: Any, shape: Any) -> np.ndarray:
    """Draws, from those of the cumulative hazard."""
    s = 1.0 / shape
    log_growth = np.log(np.expm1(np.minimum(s * rng.exponential(size=n), 700.0)))
    return median * np.exp((log_growth - log_ratio(s) - np.log(s)) / power)
