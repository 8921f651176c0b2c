"""The Dagum distribution: its case."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Dagum
from tests.cases import Case, Draws
from tests.distributions.positive.test_burr12 import parts, tight


def loglik(params, x):
    base, log_z = parts(x, *params.values(), -1.0)
    return float((base - log_z - (params["shape"] + 1.0) * np.logaddexp(0.0, -log_z)).sum())


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


def test_the_formula_is_scipys():
    x, params = CASE.data, {"power": 1.7, "median": 2.5, "shape": 0.8}
    frozen = Dagum().counterpart(Dagum().eta(**params))
    assert loglik(params, x) == pytest.approx(frozen.logpdf(x).sum(), rel=1e-12)
