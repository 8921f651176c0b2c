"""Pearson III in its moments: scipy's density, mpmath's near the normal, both signs, verdicts."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Pearson3
from tests.cases import Case
from tests.oracles import polished

CASE = Case(
    data=stats.pearson3.rvs(0.9, 3.0, 2.0, size=200, random_state=4),
    optimum=lambda y: polished(
        lambda loc, scale, skew: stats.pearson3(skew, loc, scale),
        y,
        [y.mean(), y.std(), stats.skew(y)],
    ),
    edged=True,
)


@pytest.mark.parametrize("skew", [-1.9, -0.4, 0.0, 0.02, 0.7, 1.9])
def test_density_and_tails_are_scipys(skew):
    family, frozen = Pearson3(), stats.pearson3(skew, 1.0, 2.0)
    eta, y = family.eta(loc=1.0, scale=2.0, skew=skew)[None], frozen.ppf([0.01, 0.3, 0.8, 0.999])
    np.testing.assert_allclose(family.log_prob(y, eta), frozen.logpdf(y), rtol=0, atol=2e-11)
    np.testing.assert_allclose(family.log_cdf(y, eta), frozen.logcdf(y), rtol=1e-10)
    np.testing.assert_allclose(family.log_sf(y, eta), frozen.logsf(y), rtol=1e-10)


@pytest.mark.parametrize("skew", [-1e-3, 1e-8, 1e-5, 0.0999])
def test_near_the_normal_the_density_keeps_its_digits(skew):
    """scipy takes the normal below 1e-5, and loses ten digits above it."""
    z = np.array([-2.0, 0.4, 3.0])
    with mp.workdps(60):
        a, k = 4 / mp.mpf(skew) ** 2, mp.mpf(skew)
        want = []
        for one in z:
            g = a * (1 + k * mp.mpf(one) / 2)
            log = (a - 1) * mp.log(g) - g - mp.loggamma(a) + mp.log(2 / abs(k))
            want.append(float(log))
    found = Pearson3().log_prob(z, np.array([[0.0, 0.0, skew]]))
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-13)


def test_the_normal_is_a_regular_point():
    family = Pearson3()
    np.testing.assert_allclose(
        family.fisher(np.zeros((1, 3)))[0], np.diag([1.0, 2.0, 1.0 / 6.0]), atol=1e-12
    )
    z = stats.norm.ppf((np.arange(50) + 0.5) / 50)
    model = natfit.fit("pearson3", z)
    assert model.status_ == "converged"
    assert abs(model.params_["skew"][0]) < 1e-4


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_both_signs_of_the_skewness_are_one_family(side):
    y = side * stats.pearson3.ppf((np.arange(80) + 0.5) / 80, 1.1, 3.0, 2.0)
    model = natfit.fit("pearson3", y, tol=1e-8)
    skew, loc, scale = stats.pearson3.fit(y)
    want = stats.pearson3(skew, loc, scale).logpdf(y).sum()
    assert model.status_ == "converged"
    assert model.score_samples(y[:, None]).sum() > want - 1e-9
    assert model.params_["skew"][0] == pytest.approx(skew, abs=1e-3)
    assert np.sign(skew) == side


@pytest.mark.slow
@pytest.mark.parametrize(
    ("side", "words"), [(1.0, "500, the smallest"), (-1.0, "-500, the largest")]
)
def test_no_local_maximum_is_unbounded(side, words):
    y = side * np.array([500.0, 600.0, 700.0, 850.0])
    with pytest.warns(ConvergenceWarning, match=f"unbounded: skew = .*{words} row"):
        model = natfit.fit("pearson3", y)
    assert model.status_ == "unbounded"
