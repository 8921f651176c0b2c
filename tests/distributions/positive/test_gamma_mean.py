"""The gamma distribution by mean and shape: scipy, and mpmath where terms cancel."""

import mpmath
import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Gamma, GammaMean
from tests.cases import Case, continuous
from tests.fits import log_uniform


def optimum(y):
    shape, _, scale = stats.gamma.fit(y, floc=0)
    return [shape * scale, shape]


CASE = Case(
    data=np.random.default_rng(0).gamma(3.0, 2.0, 200),
    optimum=optimum,
    draws=continuous(
        stats.gamma,
        lambda x, mean, shape: stats.gamma.logpdf(x, shape, scale=mean / shape),
        lambda rng, n: rng.gamma(log_uniform(rng, 0.1, 1e4), 1.0, n),
        {"floc": 0},
        scales={"mean": 1, "shape": 0},
    ),
)


def test_the_density_is_that_of_gamma_at_scale_mean_over_shape():
    rng = np.random.default_rng(0)
    eta = rng.standard_normal((50, 2))
    y = rng.gamma(2.0, 3.0, 50)
    own = np.stack([eta[:, 1], eta[:, 0] - eta[:, 1]], axis=1)
    family, other = GammaMean(), Gamma()
    np.testing.assert_allclose(family.log_prob(y, eta), other.log_prob(y, own), rtol=1e-12)
    np.testing.assert_allclose(family.log_cdf(y, eta), other.log_cdf(y, own), rtol=1e-12)
    np.testing.assert_allclose(
        family.kl(eta, eta[::-1]), other.kl(own, own[::-1]), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("shape", [1e-3, 3.0, 1e3, 1e6, 1e12])
@pytest.mark.parametrize("z", [-2.0, 0.3, 3.0])
def test_density_and_score_against_50_digits(shape, z):
    mean = 7.0
    y = mean * np.exp(z / np.sqrt(shape)) if shape > 1 else mean * np.exp(z)
    eta = np.array([[np.log(mean), np.log(shape)]])
    with mpmath.workdps(50):
        m, k = mpmath.exp(mpmath.mpf(eta[0, 0])), mpmath.exp(mpmath.mpf(eta[0, 1]))
        v = mpmath.mpf(y)
        log = k * (mpmath.log(v / m) - v / m) - mpmath.log(v) + k * mpmath.log(k)
        want = float(log - mpmath.loggamma(k))
        first = float(k * (v / m - 1))
        second = float(k * (mpmath.log(v / m) - v / m + 1 + mpmath.log(k) - mpmath.digamma(k)))
    family = GammaMean()
    # The mean has a rounding error of its own: sqrt(shape) eps in units of the spread.
    tolerance = 1e-13 + 1e-15 * np.sqrt(shape)
    assert family.log_prob(np.array([y]), eta)[0] == pytest.approx(want, rel=1e-11, abs=tolerance)
    score = family.score(np.array([y]), eta)[0]
    assert score == pytest.approx([first, second], rel=1e-6, abs=tolerance * 10 * np.sqrt(shape))


def test_entries_are_those_of_the_matrices():
    rng = np.random.default_rng(1)
    eta, y, family = rng.standard_normal((20, 2)), rng.gamma(2.0, 1.0, 20), GammaMean()
    np.testing.assert_allclose(family.curvature(eta).dense(20), family.fisher(eta))
    np.testing.assert_allclose(family.observed_curvature(y, eta).dense(20), family.observed(y, eta))
