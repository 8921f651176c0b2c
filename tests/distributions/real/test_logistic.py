"""The logistic distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, continuous
from tests.oracles import polished

CASE = Case(
    data=np.random.default_rng(1).logistic(3.0, 2.0, 200),
    optimum=lambda y: polished(stats.logistic, y, [np.median(y), 1.5]),
    draws=continuous(
        stats.logistic,
        stats.logistic.logpdf,
        lambda rng, n: rng.logistic(size=n),
    ),
)
