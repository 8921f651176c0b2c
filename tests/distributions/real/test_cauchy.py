"""The Cauchy distribution: its information."""

import numpy as np
from scipy import stats

from natfit.distributions import Cauchy
from tests.cases import Case, continuous
from tests.oracles import polished

CASE = Case(
    data=3.0 + 2.0 * np.random.default_rng(1).standard_cauchy(200),
    optimum=lambda y: polished(stats.cauchy, y, [np.median(y), 1.5]),
    draws=continuous(
        stats.cauchy,
        stats.cauchy.logpdf,
        lambda rng, n: rng.standard_cauchy(n),
    ),
)


def test_cauchy_fisher():
    fisher = Cauchy().fisher(Cauchy().eta(loc=1.0, scale=3.0)[None])[0]
    np.testing.assert_allclose(fisher, np.diag([0.5 / 9.0, 0.5]))
