"""The beta distribution: scipy, extreme shapes, values at the ends of doubles."""

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from tests.cases import Case, continuous
from tests.fits import fitted, log_uniform, native, total


def draw(rng, n):
    y = rng.beta(log_uniform(rng, 0.2, 1e3), log_uniform(rng, 0.2, 1e3), n)
    return np.clip(y, 1e-300, 1.0 - 1.2e-16)


CASE = Case(
    data=np.random.default_rng(1).beta(2.0, 5.0, 200),
    optimum=lambda y: stats.beta.fit(y, floc=0, fscale=1)[:2],
    draws=continuous(stats.beta, stats.beta.logpdf, draw, {"floc": 0, "fscale": 1}),
)


SIZES = [20, 50, 200, 1_000, 10_000]


@pytest.mark.parametrize("seed", range(10))
def test_beta_is_as_likely_as_scipys(seed):
    rng = np.random.default_rng(seed)
    y = rng.beta(log_uniform(rng, 0.2, 1e3), log_uniform(rng, 0.2, 1e3), SIZES[seed % 5])
    y = np.clip(y, 1e-300, 1.0 - 1.2e-16)
    model = fitted("beta", y)
    a, b, *_ = stats.beta.fit(y, floc=0, fscale=1)
    assert model.status_ == "converged"
    assert total(model, y) >= stats.beta(a, b).logpdf(y).sum() - 1e-6


@pytest.mark.parametrize(
    ("a", "b"), [(0.01, 0.02), (0.005, 50.0), (1e4, 1e4), (3.0, 1e8), (1e8, 3.0), (1e-2, 1e6)]
)
def test_beta_extremes(a, b):
    y = np.random.default_rng(1).beta(a, b, 500)
    y = np.clip(y, 1e-300, 1.0 - 1.2e-16)
    model = fitted("beta", y)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= 25
    truth = special.xlog1py(b - 1.0, -y) + special.xlogy(a - 1.0, y) - special.betaln(a, b)
    assert total(model, y) >= truth.sum() - 1e-5


def test_beta_with_values_at_the_ends_of_doubles():
    y = np.array([1e-300, 1.0 - 1.2e-16, 0.3, 1e-9, 0.999999])
    model = fitted("beta", y)
    assert model.status_ == "converged"
    with mpmath.workdps(40):
        a, b = (mpmath.mpf(native(model)[k]) for k in "ab")
        s = mpmath.psi(0, a + b)
        gaps = [
            np.mean(np.log(y)) - float(mpmath.psi(0, a) - s),
            np.mean(np.log1p(-y)) - float(mpmath.psi(0, b) - s),
        ]
    np.testing.assert_allclose(gaps, 0.0, atol=1e-4)
