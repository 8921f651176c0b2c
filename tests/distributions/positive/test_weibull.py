"""The Weibull distribution: published failure times, extreme shapes, its information."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Weibull
from tests.cases import Case, continuous
from tests.distributions.positive.broad import fit
from tests.fits import log_uniform, loglik, native
from tests.oracles import weibull_mle

CASE = Case(
    data=3.0 * np.random.default_rng(2).weibull(1.5, 200),
    optimum=weibull_mle,
    draws=continuous(
        stats.weibull_min,
        lambda x, shape, scale: stats.weibull_min.logpdf(x, shape, scale=scale),
        lambda rng, n: rng.weibull(log_uniform(rng, 0.2, 50.0), n),
        {"floc": 0},
    ),
)


FAILURES = np.loadtxt(Path(__file__).parents[2] / "data" / "failure_times.csv", skiprows=1)


def test_weibull_of_the_failure_times():
    model = fit("weibull", FAILURES)
    assert model.status_ == "converged"
    assert native(model)["shape"] == pytest.approx(1.501782, abs=5e-7)
    assert native(model)["scale"] == pytest.approx(3912.846, abs=5e-4)
    assert -loglik(model, FAILURES) == pytest.approx(363.22645, abs=5e-6)


@pytest.mark.parametrize("shape", [0.2, 50.0])
def test_weibull_of_extreme_shape(shape):
    y = 3.0 * np.random.default_rng(2).weibull(shape, 2_000)
    model = fit("weibull", y)
    assert model.status_ == "converged"
    c, _, scale = stats.weibull_min.fit(y, floc=0)
    assert native(model)["shape"] == pytest.approx(c, rel=1e-5)
    assert native(model)["scale"] == pytest.approx(scale, rel=1e-5)


def test_weibull_fisher():
    family, shape = Weibull(), 3.0
    gamma = np.euler_gamma
    want = [
        [np.pi**2 / 6 + (1 - gamma) ** 2, -(1 - gamma) * shape],
        [-(1 - gamma) * shape, shape**2],
    ]
    got = family.fisher(family.eta(shape=shape, scale=7.0)[None])[0]
    np.testing.assert_allclose(got, want, rtol=1e-14)
