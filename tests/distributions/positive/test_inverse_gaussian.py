"""The inverse Gaussian distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, continuous
from tests.fits import log_uniform

CASE = Case(
    data=np.random.default_rng(2).wald(3.0, 4.0, 200),
    optimum=lambda y: [y.mean(), 1.0 / (np.mean(1.0 / y) - 1.0 / y.mean())],
    draws=continuous(
        stats.invgauss,
        lambda x, mean, shape: stats.invgauss.logpdf(x, mean / shape, scale=shape),
        lambda rng, n: rng.wald(1.0, log_uniform(rng, 1e-2, 1e4), n),
        {"floc": 0},
        scales={"mean": 1, "shape": 1},
    ),
)
