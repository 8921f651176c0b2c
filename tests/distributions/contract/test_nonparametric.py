"""The distribution of censored rows without a family, against Kaplan-Meier and brute force."""

import numpy as np
import pytest

import natfit
from natfit.distributions.contract import nonparametric
from natfit.distributions.contract.nonparametric import imputed, turnbull
from natfit.distributions.contract.support import COUNTS, NON_NEGATIVE, POSITIVE, REAL, UNIT

INF = np.inf


def test_kaplan_meier_where_rows_are_exact_or_right_censored():
    rng = np.random.default_rng(0)
    y, end = 3.0 * rng.weibull(1.5, 200), rng.exponential(3.0, 200) + 1.0
    lower = np.minimum(y, end)
    left, right, mass = turnbull(lower, np.where(y <= end, lower, INF))
    survival, expected = 1.0, []
    for at_risk, k in zip(range(200, 0, -1), np.argsort(lower), strict=True):
        if y[k] <= end[k]:
            expected.append(survival / at_risk)
            survival *= 1.0 - 1.0 / at_risk
    exact = left == right
    np.testing.assert_allclose(mass[exact], expected, atol=1e-6)
    np.testing.assert_allclose(left[exact], np.sort(y[y <= end]))


def test_units_that_run_at_the_last_failure_fail_later():
    # Ten fail at 20 and 75 of the 100 run on: the row (20, inf] does not contain 20.
    lower = np.array([2.0, 8.0, 9.0, 20.0, 20.0])
    upper = np.array([2.0, 8.0, 9.0, 20.0, INF])
    left, _, mass = turnbull(lower, upper, np.array([1.0, 9.0, 5.0, 10.0, 75.0]))
    np.testing.assert_array_equal(left, lower)
    np.testing.assert_allclose(mass, [0.01, 0.09, 0.05, 0.1, 0.75])


def test_the_likelihood_of_intervals_is_highest():
    rng = np.random.default_rng(1)
    lower = rng.uniform(0.0, 4.0, 30)
    upper = np.where(rng.random(30) < 0.3, INF, lower + rng.uniform(0.2, 3.0, 30))
    weight = rng.uniform(0.5, 2.0, 30)
    left, right, mass = turnbull(lower, upper, weight)
    member = (lower[:, None] <= left) & (right <= upper[:, None])
    gain = (weight[:, None] * member / (member @ mass)[:, None]).sum(axis=0) / weight.sum()
    # The condition of a maximum on a simplex: no interval would gain from more probability.
    assert gain.max() < 1.0 + 1e-3
    np.testing.assert_allclose(gain[mass > 1e-2], 1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("support", "lower", "upper"),
    [
        (REAL, [-INF, 0.0, 1.0, 2.0], [0.0, 1.0, 2.0, INF]),
        (REAL, [1.0, 1.0], [INF, INF]),
        (POSITIVE, [-INF, 1.0, 2.0, 2.0], [1.0, 1.0, INF, 3.0]),
        (NON_NEGATIVE, [0.0, 0.0, 0.5], [0.0, 0.0, INF]),
        (UNIT, [-INF, 0.5, 0.8], [0.2, 0.5, INF]),
        (COUNTS, [0.0, 0.0, 3.0, 4.0], [2.0, 0.0, INF, 4.0]),
    ],
)
def test_imputed_rows_lie_in_the_support_and_keep_the_weight(support, lower, upper):
    weight = np.arange(1.0, len(lower) + 1.0)
    y, share = imputed(lower, upper, weight, support)
    assert support.contains(y).all() and np.isfinite(y).all()
    assert share.sum() == pytest.approx(weight.sum())
    assert (np.diff(y) >= 0).all()


def test_imputed_rows_have_the_moments_of_the_rows_before_censoring():
    rng = np.random.default_rng(2)
    y = rng.normal(3.0, 2.0, 500)
    cut = np.clip(np.floor(y), 0.0, 5.0)
    lower, upper = np.where(y < 1.0, -INF, cut), np.where(y > 5.0, INF, cut + 1.0)
    z, share = imputed(lower, upper)
    mean = np.average(z, weights=share)
    assert mean == pytest.approx(y.mean(), abs=0.1)
    assert np.sqrt(np.average((z - mean) ** 2, weights=share)) == pytest.approx(y.std(), rel=0.1)


def test_whole_numbers_that_an_interval_leaves_alone_are_exact():
    y, _ = imputed([1.5, 4.0], [2.5, 4.0], None, COUNTS)
    np.testing.assert_array_equal(y, [2.0, 4.0])


def test_ends_that_differ_by_rounding_are_one():
    lower = np.array([0.2, 0.3, 0.5])
    left, right, mass = turnbull(lower, lower + 0.1)  # the first ends at .30000000000000004
    np.testing.assert_allclose(left, lower, rtol=1e-14)
    np.testing.assert_allclose(right, lower + 0.1, rtol=1e-14)
    np.testing.assert_allclose(mass, 1 / 3, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", ["normal", "lognormal", "gamma", "weibull", "student_t"])
@pytest.mark.parametrize("unit", [1e-9, 0.1, 1.0, 1e7])
def test_adjoining_classes_fit_in_any_unit(family, unit):
    """Classes [.2, .3], [.3, .4], [.5, .6], the ends of which are sums that round."""
    lower = np.array([2.0, 3.0, 5.0, 3.0, 4.0]) * unit
    found = natfit.fit(family, natfit.Censored.interval(lower, lower + unit))
    other = np.array([2.0, 3.0, 5.0, 3.0, 4.0])
    told = natfit.fit(family, natfit.Censored.interval(other, other + 1.0))
    assert found.status_ == told.status_
    assert abs(found.n_iter_ - told.n_iter_) <= 1


def test_the_product_limit_is_the_fixed_point(monkeypatch):
    """Of exact and right-censored rows both rules give the same estimate."""
    rng = np.random.default_rng(4)
    y, weight = np.round(rng.exponential(2.0, 120), 1), rng.random(120) + 0.5
    upper = np.where(rng.random(120) < 0.4, np.inf, y)
    left, right, mass = nonparametric.turnbull(y, upper, weight)
    monkeypatch.setattr(nonparametric, "_STEPS", 20_000)
    monkeypatch.setattr(nonparametric, "_CHANGE", 1e-14)
    window = np.full(120, -np.inf), np.full(120, np.inf)
    *ends, want = nonparametric.turnbull(y, upper, weight, window)
    np.testing.assert_array_equal([left, right], ends)
    np.testing.assert_allclose(mass, want, atol=1e-9)
    assert mass.sum() == pytest.approx(1.0, abs=1e-12)
