"""Maximum-likelihood estimates by other code than the package's, for several test files."""

import numpy as np
from scipy import optimize
from scipy.special import digamma


def polished(family, y, start):
    """scipy's log-density under Nelder and Mead's simplex, restarted once where it ended."""

    def loss(t):
        with np.errstate(all="ignore"):
            value = -family(*t).logpdf(y).mean()
        return value if np.isfinite(value) else 1e10

    options = {"xatol": 1e-11, "fatol": 1e-16, "maxiter": 5_000, "maxfev": 5_000}
    best = np.asarray(start, dtype=float)
    for _ in range(2):
        best = optimize.minimize(loss, best, method="Nelder-Mead", options=options).x
    return best


def gamma_mle(y):
    """log a - psi(a) = log mean y - mean log y, by scipy's root finder."""
    gap = np.log(y.mean()) - np.log(y).mean()
    shape = optimize.brentq(lambda a: np.log(a) - digamma(a) - gap, 1e-3, 1e3, xtol=1e-14)
    return [shape, y.mean() / shape]


def weibull_mle(y):
    """1 / c + mean log y = sum y^c log y / sum y^c, by scipy's root finder."""
    log = np.log(y)
    shape = optimize.brentq(
        lambda c: np.average(log, weights=y**c) - log.mean() - 1.0 / c, 0.1, 20.0, xtol=1e-14
    )
    return [shape, np.mean(y**shape) ** (1.0 / shape)]


def cut_poisson_rate(positive):
    """Rate of a Poisson cut off at zero: its mean is rate / (1 - exp(-rate))."""
    mean = positive.mean()
    return optimize.brentq(lambda r: r / -np.expm1(-r) - mean, 1e-12, mean + 1.0, xtol=1e-14)
