"""Draws of five positive families at shapes from a broad range, and their fits."""

import numpy as np

from natfit import NaturalMLE
from tests.fits import log_uniform


def exponentiated(rng, n):
    power = log_uniform(rng, 0.2, 20.0)
    w = -np.log(-np.expm1(-rng.exponential(size=n) / power))
    return w ** (1.0 / log_uniform(rng, 0.5, 8.0))


#: Draws (n,) of scale one.
BROAD = {
    "lognormal": lambda rng, n: rng.lognormal(0.0, log_uniform(rng, 0.01, 5.0), n),
    "weibull": lambda rng, n: rng.weibull(log_uniform(rng, 0.2, 50.0), n),
    "inverse_gamma": lambda rng, n: 1.0 / rng.gamma(log_uniform(rng, 0.3, 1e4), size=n),
    "inverse_gaussian": lambda rng, n: rng.wald(1.0, log_uniform(rng, 1e-2, 1e4), n),
    "exponentiated_weibull": exponentiated,
}


def broad(name, seed, most=3_000):
    """Draws (n,) in a unit at random, and the unit."""
    rng = np.random.default_rng(seed)
    n, unit = int(log_uniform(rng, 20, most)), log_uniform(rng, 1e-6, 1e8)
    return unit * BROAD[name](rng, n), unit


def fit(name, y, **options):
    """The fit of y (n,); an end without convergence is an error."""
    return NaturalMLE(name, **options).fit(y[:, None])
