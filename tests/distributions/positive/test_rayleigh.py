"""The rayleigh distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, continuous

DIST = stats.rayleigh

CASE = Case(
    data=DIST.rvs(scale=3.0, size=200, random_state=np.random.default_rng(0)),
    optimum=lambda y: [np.sqrt(np.mean(y**2) / 2)],
    draws=continuous(
        DIST,
        lambda x, scale: DIST.logpdf(x, scale=scale),
        lambda rng, n: DIST.rvs(size=n, random_state=rng),
        {"floc": 0},
    ),
)
