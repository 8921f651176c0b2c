"""Outliers, tiny weights, far sizes and offsets: estimates keep their digits, or the data are refused."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats

import natfit
from natfit import NaturalGaussianMLE, NaturalMLE
from natfit.distributions import Positive, from_log_prob
from tests.fits import fitted


@pytest.mark.parametrize("outlier", [1e8, 1e12, 1e100])
def test_one_outlier_does_not_spoil_the_start(outlier):
    x = np.append(np.random.default_rng(0).normal(size=1000), outlier)
    model = natfit.fit("student_t", x)
    assert model.status_ == "converged"
    assert model.n_iter_ <= 25


@pytest.mark.parametrize("factor", [1e-12, 1e12])
@pytest.mark.parametrize("name", ["normal", "student_t", "exponential", "gamma"])
def test_a_common_factor_of_the_weights_changes_no_estimate(name, factor):
    x = np.abs(np.random.default_rng(1).standard_t(3, size=300)) + 0.1
    plain = natfit.fit(name, x)
    weighted = natfit.fit(name, x, sample_weight=np.full(300, factor))
    for key, value in plain.params_.items():
        np.testing.assert_allclose(weighted.params_[key], value, rtol=1e-6)


def test_an_outlier_that_hardly_counts_costs_no_digits():
    rng = np.random.default_rng(0)
    y = rng.normal(size=3000) + 1e8
    y[1500] = -1e8
    w = np.ones(3000)
    w[1500] = 1e-40
    spread = np.delete(y, 1500).std()
    one = NaturalMLE().fit(y[:, None], sample_weight=w)
    assert float(one.params_["scale"][0]) == pytest.approx(spread, rel=1e-6)
    two = NaturalGaussianMLE().fit(np.column_stack([y, rng.normal(size=3000)]), sample_weight=w)
    assert two.scale_[0] == pytest.approx(spread, rel=1e-6)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_a_weibull_of_ones_own_at_any_size(size):
    weibull = from_log_prob(
        lambda y, k, lam: anp.log(k / lam) + (k - 1) * anp.log(y / lam) - (y / lam) ** k,
        {"k": Positive(), "lam": Positive()},
        support="positive",
    )
    x = np.random.default_rng(3).weibull(1.7, size=(400, 1)) * 3 * size
    model = NaturalMLE(weibull).fit(x)
    assert model.status_ == "converged"
    shape, _, scale = stats.weibull_min.fit(x[:, 0] / size, floc=0)
    assert float(model.params_["k"][0]) == pytest.approx(shape, rel=1e-4)
    assert float(model.params_["lam"][0]) == pytest.approx(scale * size, rel=1e-4)


@pytest.mark.parametrize("size", [1e-160, 1e160])
@pytest.mark.parametrize("name", ["normal", "student_t"])
def test_values_beyond_doubles_are_refused(name, size):
    x = np.random.default_rng(5).standard_t(3, 500) * size
    with pytest.raises(ValueError, match="divide"):
        natfit.fit(name, x)


@pytest.mark.parametrize("offset", [1e7, 1e8])
def test_an_offset_ends_at_the_rounding_floor_at_worst(offset):
    for seed in range(4):
        x = offset + 1e-3 * np.random.default_rng(seed).standard_t(4, size=300)
        assert natfit.fit("student_t", x).status_.good


@pytest.mark.parametrize("offset", [0.0, 1e9, 1e13])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_limit_is_named_on_the_side_where_the_estimate_rests(offset, sign):
    """Of rows at 1e13 the likelihood has no digits left that tell one way from the other.

    Whether a fit to them sees that it is at the limit is decided by rounding.
    """
    gaps = sign * np.array([-1600.0, -1100, -900, -600, -400, -300, 0, 200])
    model = fitted("skew_normal", offset + gaps)
    if offset > 1e12 and model.status_ != "boundary":
        assert model.status_ in ("no_descent", "rounding_floor")
        return
    assert model.status_ == "boundary"
    side = "shape -> inf" if model.params_["shape"][0] > 0 else "shape -> -inf"
    assert side in model.message_
