"""The Bernoulli distribution: its information keeps its digits."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Bernoulli
from tests.cases import Case, counts

CASE = Case(
    data=(np.random.default_rng(0).random(200) < 0.3).astype(float),
    optimum=lambda y: [y.mean()],
    draws=counts(
        lambda rng, n: np.r_[0.0, 1.0, rng.random(n - 2) < rng.uniform(0.05, 0.95)],
        lambda x, prob: stats.bernoulli.logpmf(x, prob),
        lambda x: [{"prob": x.mean()}],
    ),
)


@pytest.mark.parametrize("logit", [-30.0, -5.0, 0.0, 5.0, 17.0])
def test_bernoulli_fisher_keeps_digits(logit):
    want = 1.0 / (2.0 + np.exp(logit) + np.exp(-logit))
    got = Bernoulli().fisher(np.array([[logit]]))[0, 0, 0]
    assert got == pytest.approx(want, rel=1e-12)
