"""The normal distribution: closed forms, certified digits."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Normal
from natfit.rows import Memory
from tests.cases import Case, continuous

CASE = Case(
    data=np.random.default_rng(0).normal(12.0, 4.0, 200),
    optimum=lambda y: [y.mean(), y.std()],
    draws=continuous(
        stats.norm,
        stats.norm.logpdf,
        lambda rng, n: rng.normal(size=n),
    ),
)


def test_normal_closed_forms():
    family, eta = Normal(), np.array([1.0, np.log(2.0)])
    np.testing.assert_allclose(family.fisher(eta[None])[0], [[0.25, 0.0], [0.0, 2.0]])
    kl = family.kl(eta[None], np.array([[0.0, 0.0]]))[0]
    assert kl == pytest.approx(0.5 * (4.0 + 1.0) - 0.5 - np.log(2.0))


def test_nist_numacc4():
    y = np.concatenate([[10000000.2], np.tile([10000000.1, 10000000.3], 500)])
    mean, spread = Normal().sufficient(Memory(y))
    assert mean[0] == pytest.approx(10000000.2, rel=1e-15)
    assert np.sqrt(spread[0] * 1001 / 1000) == pytest.approx(0.1, rel=1e-8)


def test_univariate_entropy_and_mode():
    eta = np.array([[1.0, np.log(2.0)], [-3.0, 0.5]])
    want = stats.norm(scale=np.exp(eta[:, 1])).entropy()
    np.testing.assert_allclose(Normal().entropy(eta), want, rtol=1e-12)
    np.testing.assert_array_equal(Normal().entropy_and_grad(eta)[1], [[0.0, 1.0], [0.0, 1.0]])
    assert Normal().mode(eta).tolist() == [1.0, -3.0]
