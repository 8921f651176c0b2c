"""Log-Pearson III: Pearson III of the logarithm."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions import LogPearson3
from tests.cases import Case
from tests.oracles import polished

LOGS = stats.pearson3.rvs(0.1, 1.0, 0.5, size=200, random_state=4)


def optimum(y):
    start = [1.0, 0.5, 0.1]
    return polished(lambda loc, scale, k: stats.pearson3(k, loc, scale), np.log(y), start)


CASE = Case(data=np.exp(LOGS), optimum=optimum, edged=True)

FLOODS = [212, 213, 222, 161, 173, 183, 108, 152, 193, 230, 177, 243, 195, 268, 193, 82, 112, 135]
FLOODS = 1e3 * np.array([*FLOODS, 149, 118, 162])


def test_log_pearson3_is_pearson3_of_the_logarithm():
    model = natfit.fit("log_pearson3", FLOODS, tol=1e-9)
    log = natfit.fit("pearson3", np.log(FLOODS), tol=1e-9)
    for name in ("loc", "scale", "skew"):
        assert model.params_[name] == pytest.approx(log.params_[name], rel=1e-7)
    eta = np.array([12.0, -1.2, -0.9])
    family = LogPearson3()
    frozen = stats.pearson3(-0.9, 12.0, np.exp(-1.2))
    want = frozen.logpdf(np.log(FLOODS)) - np.log(FLOODS)
    np.testing.assert_allclose(family.log_prob(FLOODS, eta[None]), want, rtol=1e-12)
    assert family.support_at(eta[None])[1] == pytest.approx(np.exp(12.0 + 2 * np.exp(-1.2) / 0.9))
