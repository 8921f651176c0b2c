"""The lognormal distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, continuous
from tests.fits import log_uniform

CASE = Case(
    data=np.random.default_rng(2).lognormal(1.0, 0.5, 200),
    optimum=lambda y: [np.log(y).std(), np.exp(np.log(y).mean())],
    draws=continuous(
        stats.lognorm,
        lambda x, shape, scale: stats.lognorm.logpdf(x, shape, scale=scale),
        lambda rng, n: rng.lognormal(0.0, log_uniform(rng, 0.01, 5.0), n),
        {"floc": 0},
    ),
)
