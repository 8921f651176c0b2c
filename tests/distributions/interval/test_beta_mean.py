"""The beta distribution by mean and precision: scipy, and means at the ends of doubles."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Beta, BetaMean
from tests.cases import Case, continuous
from tests.fits import log_uniform


def optimum(y):
    a, b, *_ = stats.beta.fit(y, floc=0, fscale=1)
    return [a / (a + b), a + b]


def draw(rng, n):
    y = rng.beta(log_uniform(rng, 0.2, 1e3), log_uniform(rng, 0.2, 1e3), n)
    return np.clip(y, 1e-300, 1.0 - 1.2e-16)


CASE = Case(
    data=np.random.default_rng(1).beta(2.0, 5.0, 200),
    optimum=optimum,
    draws=continuous(
        stats.beta,
        lambda x, mean, precision: stats.beta.logpdf(x, mean * precision, (1 - mean) * precision),
        draw,
        {"floc": 0, "fscale": 1},
    ),
)


def own(eta):
    """Eta of the family by a and b."""
    low, high = -np.logaddexp(0.0, -eta[:, 0]), -np.logaddexp(0.0, eta[:, 0])
    return np.stack([eta[:, 1] + low, eta[:, 1] + high], axis=1)


def test_the_density_is_that_of_beta():
    rng = np.random.default_rng(0)
    eta, y = rng.standard_normal((50, 2)) + [0.0, 1.0], rng.beta(2.0, 3.0, 50)
    family, other = BetaMean(), Beta()
    np.testing.assert_allclose(family.log_prob(y, eta), other.log_prob(y, own(eta)), rtol=1e-11)
    np.testing.assert_allclose(family.log_sf(y, eta), other.log_sf(y, own(eta)), rtol=1e-10)
    np.testing.assert_allclose(
        family.kl(eta, eta[::-1]), other.kl(own(eta), own(eta)[::-1]), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("logit", [-60.0, -30.0, 30.0, 60.0])
def test_a_mean_within_rounding_of_its_ends(logit):
    """The mean is one in doubles from a logit of 37 on; a and b are not."""
    eta = np.array([[logit, 70.0]])
    y = np.array([0.3])
    a, b = np.exp(own(eta)[0])
    want = Beta().log_prob(y, np.log([[a, b]]))[0]
    assert np.isfinite(want)
    assert BetaMean().log_prob(y, eta)[0] == pytest.approx(want, rel=1e-13)
    assert np.isfinite(BetaMean().score(y, eta)).all()
