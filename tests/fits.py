"""Fits that may end with a warning, and what their tests read from a fitted model."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import natfit


def fitted(family, y, **options):
    """Return the fit, without a warning if it did not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        rows = y if isinstance(y, natfit.Censored) else np.asarray(y, dtype=float)
        return natfit.fit(family, rows, **options)


def native(model):
    """Parameter to its value, a number, of a univariate family without vectors."""
    return {k: float(v[0]) for k, v in model.params_.items()}


def total(model, y):
    """Total log-likelihood of y (n,) in nats."""
    return model.score(np.reshape(y, (-1, 1))) * len(y)


def loglik(model, y):
    """Total log-likelihood of y (n,) by scipy's density at the estimate."""
    with np.errstate(all="ignore"):
        return float(model.distribution_.counterpart(model._eta[0]).logpdf(y).sum())


def log_uniform(rng, low, high):
    """A number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def gamma_poisson(rng, mean, n, size):
    """Negative binomial counts (size,)."""
    return rng.poisson(rng.gamma(n, mean / n, size)).astype(float)
