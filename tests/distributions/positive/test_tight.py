"""Rows whose spread is a millionth of their size or less, against mpmath with 80 digits."""

import mpmath
import numpy as np
import pytest

import natfit
from natfit.distributions import Beta, Gamma, InverseGamma
from natfit.numerics.stirling import log_excess
from tests.fits import fitted, native, total

GAPS = np.array([-1500.0, -900.0, -400.0, -100.0, 0.0, 200.0, 500.0, 900.0, 1300.0])

#: Family and offset to two parameters and the log-likelihood at the maximum, by mpmath.
OPTIMA = {
    ("gamma", 2e6): (5979697.9314299, 0.33446505541489, -73.130903192058),
    ("gamma", 3e8): (134551439883.8, 0.0022296305432263, -73.130628222476),
    ("gamma", 1.7e9): (4320597694229.8, 0.00039346408073827, -73.130626703998),
    ("inverse_gamma", 2e6): (5979329.13896, 11958656277982.0, -73.131180734068),
    ("inverse_gamma", 3e8): (134551384750.71, 4.0365415424914e19, -73.130630066373),
    ("inverse_gamma", 1.7e9): (4320597381814.8, 7.3450155490834e21, -73.130627029385),
    ("inverse_gaussian", 1.7e9): (1.7e9, 7.3450158146367e21, -73.130626866691),
    ("inverse_gaussian", 2e6): (2e6, 11959025725684.0, -73.131041839786),
}


@pytest.mark.parametrize(("name", "offset"), OPTIMA)
def test_tight_positive_rows(name, offset):
    y = offset + GAPS
    first, second, peak = OPTIMA[name, offset]
    model = natfit.fit(name, y)
    found = list(native(model).values())
    assert model.status_ == "converged"
    assert found == pytest.approx([first, second], rel=1e-5)
    assert total(model, y) == pytest.approx(peak, abs=5e-8)
    if name == "gamma":
        # The shape's relative error is sqrt(2 / n) where the shape is large.
        error = model.standard_errors_["shape"][0] / first
        assert error == pytest.approx(np.sqrt(2.0 / 9.0), rel=5e-3)


@pytest.mark.parametrize(
    ("centre", "a", "b", "peak"),
    [
        (0.3, 94186024457.9, 219767390402.0, 113.37876510025),
        (0.999, 1492210330.23, 1493704.03426, 113.379317818569),
    ],
)
def test_tight_shares(centre, a, b, peak):
    y = centre + 1e-9 * GAPS
    model = natfit.fit("beta", y)
    assert model.status_ == "converged"
    assert list(native(model).values()) == pytest.approx([a, b], rel=1e-5)
    assert total(model, y) == pytest.approx(peak, abs=1e-7)


@pytest.mark.parametrize("spread", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("name", ["gamma", "inverse_gamma", "nakagami"])
def test_all_agree_with_the_lognormal_where_they_are_tight(name, spread):
    # To first order in the spread these are one family: the likelihoods differ by less than it.
    y = 50.0 * np.exp(spread * np.random.default_rng(1).standard_normal(40))
    model = natfit.fit(name, y)
    assert model.status_ == "converged"
    peak = total(fitted("lognormal", y), y)
    assert total(model, y) == pytest.approx(peak, abs=60.0 * spread + 1e-6)


@pytest.mark.parametrize("name", ["gamma", "inverse_gamma"])
def test_a_summary_of_tight_rows_says_what_the_rows_do(name):
    family = {"gamma": Gamma(), "inverse_gamma": InverseGamma()}[name]
    y = 5.0 * (1.0 + 1e-3 * GAPS / 900.0)
    eta = fitted(name, y)._eta[0][None] + np.array([[0.1, 0.09]])
    rows = natfit.rows.Memory(y)
    summary = family.sufficient(rows)
    assert len(summary) == 3
    value = family.log_prob(y, eta)
    np.testing.assert_allclose(family.log_prob(summary, eta), value.mean(), rtol=1e-9)
    score = family.score(y, eta).mean(axis=0)
    np.testing.assert_allclose(family.score(summary, eta)[0], score, rtol=1e-7)
    observed = family.observed(y, eta).mean(axis=0)
    np.testing.assert_allclose(family.observed(summary, eta)[0], observed, rtol=1e-9)


def test_a_summary_of_tight_shares_says_what_the_rows_do():
    family, y = Beta(), 0.2 + 1e-5 * GAPS
    eta = fitted("beta", y)._eta[0][None] + 0.05
    summary = family.sufficient(natfit.rows.Memory(y))
    assert len(summary) == 5
    np.testing.assert_allclose(family.log_prob(summary, eta), family.log_prob(y, eta).mean())
    np.testing.assert_allclose(
        family.score(summary, eta)[0], family.score(y, eta).mean(axis=0), rtol=1e-6
    )


def test_divergences_of_large_shapes_do_not_cancel():
    # To leading order 1/2 n (log ratio of the means)^2 + 1/4 (log ratio of the variances)^2.
    family = Gamma()
    one = family.eta(shape=1e12, scale=1e-6)[None]
    two = family.eta(shape=1e12 * (1.0 + 1e-3), scale=1e-6 / (1.0 + 1e-3) * (1.0 + 1e-9))[None]
    want = 0.5 * 1e12 * 1e-18 + 0.25 * 1e-6
    assert family.kl(one, two)[0] == pytest.approx(want, rel=2e-3)


def test_log_excess_near_zero_and_far():
    for d in (-0.9, -0.02, -1e-9, 0.0, 1e-12, 0.029, 0.031, 5.0):
        with mpmath.workdps(60):
            want = float(mpmath.log1p(mpmath.mpf(d)) - mpmath.mpf(d))
        assert log_excess(np.array([d]))[0] == pytest.approx(want, rel=1e-12, abs=1e-300)
