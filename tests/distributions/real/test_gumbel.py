"""The Gumbel distribution: its case."""

import numpy as np
from scipy import stats

from tests.cases import Case, continuous

CASE = Case(
    data=np.random.default_rng(1).gumbel(3.0, 2.0, 200),
    optimum=stats.gumbel_r.fit,
    draws=continuous(
        stats.gumbel_r,
        stats.gumbel_r.logpdf,
        lambda rng, n: rng.gumbel(size=n),
    ),
)
