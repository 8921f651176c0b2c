"""The gamma distribution: its information, and what it does not have."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Gamma
from tests.cases import Case, continuous
from tests.fits import log_uniform
from tests.oracles import gamma_mle

CASE = Case(
    data=np.random.default_rng(0).gamma(2.5, 1.5, 200),
    optimum=gamma_mle,
    draws=continuous(
        stats.gamma,
        lambda x, shape, scale: stats.gamma.logpdf(x, shape, scale=scale),
        lambda rng, n: np.maximum(rng.gamma(log_uniform(rng, 0.05, 300.0), size=n), 1e-290),
        {"floc": 0},
    ),
)


@pytest.mark.parametrize("shape", [1e-3, 0.7, 50.0, 1e8])
def test_gamma_fisher(shape):
    from scipy.special import polygamma

    family = Gamma()
    eta = family.eta(shape=shape, scale=3.0)
    want = [[shape**2 * polygamma(1, shape), shape], [shape, shape]]
    np.testing.assert_allclose(family.fisher(eta[None])[0], want, rtol=1e-10)


def test_families_without_entropy_or_mode_say_so():
    assert not Gamma().has_entropy
    eta = np.zeros((1, 2))
    for call in (Gamma().entropy, Gamma().entropy_and_grad):
        with pytest.raises(ValueError, match="Gamma has no closed-form entropy"):
            call(eta)
    with pytest.raises(ValueError, match=r"Gamma defines no mode; draw with sample\(\)"):
        Gamma().mode(eta)
