"""The inverse gamma distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, continuous
from tests.fits import log_uniform
from tests.oracles import gamma_mle

CASE = Case(
    data=2.0 / np.random.default_rng(2).gamma(3.0, size=200),
    optimum=lambda y: [gamma_mle(1.0 / y)[0], 1.0 / gamma_mle(1.0 / y)[1]],
    draws=continuous(
        stats.invgamma,
        lambda x, shape, scale: stats.invgamma.logpdf(x, shape, scale=scale),
        lambda rng, n: 1.0 / rng.gamma(log_uniform(rng, 0.3, 300.0), size=n),
        {"floc": 0},
    ),
)
