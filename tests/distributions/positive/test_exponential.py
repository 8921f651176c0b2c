"""The exponential distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, continuous

CASE = Case(
    data=np.random.default_rng(0).exponential(3.0, 200),
    optimum=lambda y: [1.0 / y.mean()],
    draws=continuous(
        stats.expon,
        lambda x, rate: stats.expon.logpdf(x, scale=1.0 / rate),
        lambda rng, n: rng.exponential(size=n),
        {"floc": 0},
    ),
)
