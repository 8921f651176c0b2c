"""Frozen distributions far out: tails to 1e-300, moments that diverge, mass next to an end."""

import numpy as np
import pytest
from mpmath import mp
from scipy import stats

from natfit.distributions import (
    Beta,
    Gamma,
    GeneralizedGamma,
    Gev,
    Gompertz,
    InverseGamma,
    JohnsonSU,
    Mixture,
    NegativeBinomial,
    StudentT,
    Truncated,
    Zipf,
)
from natfit.distributions.contract.frozen import Frozen

pytestmark = pytest.mark.filterwarnings("error")


def at(family, **params):
    return Frozen(family, np.atleast_2d(family.eta(**params)))


@pytest.mark.parametrize("df", [1.2, 1.62, 2.5, 7.0])
def test_students_tails_where_the_square_of_y_overflows(df):
    frozen, scale, p = at(StudentT(), loc=0.0, scale=1.5, df=df), 1.5, 1e-300
    # P(Y < y) is B(df / 2, 1 / 2)^-1 df^(df / 2 - 1) |z|^-df so far out; log of z.
    constant = (0.5 * df - 1.0) * np.log(df) - float(mp.log(mp.beta(0.5 * df, 0.5)))
    expected = scale * np.exp((constant - np.log(p)) / df)
    np.testing.assert_allclose(-frozen.ppf(p), expected, rtol=1e-10)
    np.testing.assert_allclose(frozen.isf(p), expected, rtol=1e-10)
    np.testing.assert_allclose(frozen.logsf(expected), np.log(p), rtol=1e-12)


@pytest.mark.parametrize(
    ("frozen", "index"),
    [
        (at(StudentT(), loc=0.0, scale=1.0, df=1.62), 1.62),
        (at(StudentT(), loc=0.0, scale=1.0, df=0.7), 0.7),
        (at(Mixture(components=("normal", "student_t")), weights=[0.8, 0.2], loc_0=-1.0,
            scale_0=1.4, loc_1=0.4, scale_1=0.7, df_1=0.3), 0.3),
        (at(Mixture(components=("normal", "student_t")), weights=[0.8, 0.2], loc_0=-1.0,
            scale_0=1.4, loc_1=0.4, scale_1=0.7, df_1=1.62), 1.62),
    ],
)  # fmt: skip
def test_moments_that_diverge_slowly_are_no_large_numbers(frozen, index):
    if index <= 1.0:
        with pytest.raises(ValueError, match="does not exist"):
            frozen.mean()
    else:
        assert np.isfinite(frozen.mean())
        assert frozen.var() == np.inf


@pytest.mark.parametrize(("sigma", "q"), [(1.0, -2.0), (2.0, -1.5), (1.0, -0.7), (0.5, -1.2)])
def test_the_generalized_gammas_upper_tail(sigma, q):
    frozen = at(GeneralizedGamma(), scale=1.0, sigma=sigma, q=q)
    mp.dps = 30
    k = mp.mpf(q) ** -2
    for y in (1e3, 1e100, 1e300):
        x = k * mp.exp(mp.mpf(q) * mp.log(y) / sigma)
        expected = float(mp.log(mp.gammainc(k, 0, x, regularized=True)))
        np.testing.assert_allclose(frozen.logsf(y), expected, rtol=1e-12)
    # The tail falls like y to the power 1 / (sigma q).
    assert np.isinf(frozen.mean()) == (-1.0 / (sigma * q) <= 1.0)
    assert frozen.var() == np.inf


def test_the_inverse_gammas_upper_tail_of_small_units():
    frozen, shape, y = at(InverseGamma(), shape=0.5, scale=1e-12), 0.5, 1e300
    expected = shape * (np.log(1e-12) - np.log(y)) - np.log(0.5 * np.sqrt(np.pi))
    np.testing.assert_allclose(frozen.logsf(y), expected, rtol=1e-12)


def test_johnsons_tails_where_the_square_of_y_overflows():
    frozen = at(JohnsonSU(), median=0.0, scale=1.0, skew=0.5, tail=2.0)
    a, b, _, scale = frozen.to_scipy().args
    z = a + b * (np.log(2.0) + np.log(1e200 / scale))
    np.testing.assert_allclose(frozen.logsf(1e200), stats.norm.logsf(z), rtol=1e-10)
    assert np.isfinite(frozen.logcdf([-1e300, 1e300])).all()


@pytest.mark.parametrize("y", [1e-14, 1e-12, 9e-11, 1e-7, 1e-4])
def test_the_tails_of_a_window_that_is_far_from_the_centre(y):
    frozen = at(Truncated(low=0.0), loc=-1.5, scale=0.01)
    mp.dps = 40

    def upper(v):
        return mp.erfc((mp.mpf(v) + mp.mpf(1.5)) / (mp.mpf(0.01) * mp.sqrt(2)))

    expected = float(mp.log(1 - upper(y) / upper(0.0)))
    np.testing.assert_allclose(frozen.logcdf(y), expected, rtol=1e-9)
    np.testing.assert_allclose(frozen.ppf(frozen.cdf(y)), y, rtol=1e-9)


def test_quantiles_next_to_the_ends_of_a_window_are_in_order():
    frozen = at(Truncated("gamma", 1.0, 8.0), shape=58.0, scale=10.0)
    p = np.array([1e-300, 1e-100, 1e-12, 0.01, 0.5, 0.99, 1.0 - 1e-9, 1.0 - 1e-12])
    y = frozen.ppf(p)
    assert not np.isnan(frozen.logcdf(y)).any() and not np.isnan(frozen.logsf(y)).any()
    assert (np.diff(y) >= 0.0).all() and y[0] >= 1.0 and y[-1] <= 8.0


@pytest.mark.parametrize(
    ("frozen", "peer"),
    [
        (at(Beta(), a=1.3, b=0.25), stats.beta(1.3, 0.25)),
        (at(Gamma(), shape=0.004, scale=1.3), stats.gamma(0.004, scale=1.3)),
        (at(Gev(), loc=0.5, scale=0.4, shape=0.8), stats.genextreme(-0.8, 0.5, 0.4)),
    ],
)
def test_entropy_where_doubles_do_not_resolve_the_ends(frozen, peer):
    np.testing.assert_allclose(frozen.entropy(), peer.entropy(), rtol=1e-6)


def test_the_mean_of_a_density_that_falls_like_a_double_exponential():
    frozen = at(Gompertz(), median=3.94953144635, shape=0.112169320279)
    np.testing.assert_allclose(frozen.mean(), frozen.to_scipy().mean(), rtol=1e-9)


def test_the_mode_of_a_count_whose_tail_is_too_long_to_be_summed():
    family = Zipf()
    assert Frozen(family, family.eta(alpha=1.07)[None]).mode() == 1.0
    family = NegativeBinomial()
    frozen = Frozen(family, family.eta(mean=1e7, n=4.0)[None])
    # floor((n - 1) (1 - p) / p) with p = n / (n + mean), in closed form.
    assert frozen.mode() == pytest.approx(7.5e6, abs=1.0)
