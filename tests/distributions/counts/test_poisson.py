"""The Poisson distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, counts, with_a_one
from tests.fits import log_uniform

CASE = Case(
    data=np.random.default_rng(0).poisson(4.0, 200).astype(float),
    optimum=lambda y: [y.mean()],
    draws=counts(
        lambda rng, n: with_a_one(rng.poisson(log_uniform(rng, 0.3, 1e4), n)),
        lambda x, rate: stats.poisson.logpmf(x, rate),
        lambda x: [{"rate": x.mean()}],
    ),
)
