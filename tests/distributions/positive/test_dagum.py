"""The Dagum distribution: its case."""

import numpy as np
from scipy import stats

from natfit.distributions import Dagum
from tests.cases import Case, Draws
from tests.distributions.positive.test_burr12 import tight


def loglik(params, x):
    return float(Dagum().to_scipy(Dagum().eta(**params)).logpdf(x).sum())


def peer(x):
    return float(stats.burr(*stats.burr.fit(x, floc=0)).logpdf(x).sum())


def optimum(y):
    c, d, _, scale = stats.burr.fit(y, 2.0, 1.5, floc=0, scale=3.0, optimizer=tight)
    return [c, scale * (2.0 ** (1.0 / d) - 1.0) ** (-1.0 / c), d]


CASE = Case(
    data=stats.burr.rvs(2.0, 1.5, scale=3.0, size=200, random_state=np.random.default_rng(0)),
    optimum=optimum,
    draws=Draws(
        lambda rng, n: stats.burr.rvs(
            rng.uniform(1.0, 4.0), rng.uniform(0.3, 3.0), size=n, random_state=rng
        ),
        loglik,
        peer,
    ),
)
