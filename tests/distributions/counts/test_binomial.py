"""The binomial distribution: its case."""

import numpy as np
from scipy import stats

from natfit.distributions import Binomial
from tests.cases import Case, counts, with_a_one

CASE = Case(
    family=Binomial(10),
    data=np.random.default_rng(1).binomial(10, 0.3, 200).astype(float),
    optimum=lambda y: [y.mean() / 10],
    draws=counts(
        lambda rng, n: with_a_one(rng.binomial(10, rng.uniform(0.05, 0.95), n)),
        lambda x, prob: stats.binom.logpmf(x, 10, prob),
        lambda x: [{"prob": x.mean() / 10.0}],
    ),
)
