"""The geometric distribution: its case."""

import numpy as np
from scipy import special

from tests.cases import Case, counts, with_a_one
from tests.fits import log_uniform

CASE = Case(
    data=np.random.default_rng(1).geometric(0.3, 200) - 1.0,
    optimum=lambda y: [1.0 / (1.0 + y.mean())],
    draws=counts(
        lambda rng, n: with_a_one(rng.geometric(log_uniform(rng, 1e-4, 0.9), n) - 1.0),
        lambda x, prob: special.xlog1py(x, -prob) + np.log(prob),
        lambda x: [{"prob": 1.0 / (1.0 + x.mean())}],
    ),
)
