"""Distances of rows from a distribution against scipy, by quadrature, and by repeated rows."""

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.duration.survfunc import SurvfuncRight

from natfit.distributions import Exponential, Gamma, Normal, Poisson
from natfit.distributions.contract.frozen import Frozen
from natfit.inference import goodness as good
from natfit.inference.right_censored import censored_alike, product_limit

RNG = np.random.default_rng(0)
Y = RNG.gamma(2.5, 3.0, 60)
GAMMA = Frozen(Gamma(), np.log([[2.0, 3.5]]))
KNOWN = stats.gamma(2.0, scale=3.5)
METHODS = ("anderson_darling", "kolmogorov_smirnov", "cramer_von_mises")


def test_statistics_are_scipys():
    assert good.distance("kolmogorov_smirnov", GAMMA, Y) == pytest.approx(
        stats.kstest(Y, KNOWN.cdf).statistic, rel=1e-10
    )
    assert good.distance("cramer_von_mises", GAMMA, Y) == pytest.approx(
        stats.cramervonmises(Y, KNOWN.cdf).statistic, rel=1e-10
    )
    known = {"a": 2.0, "loc": 0.0, "scale": 3.5}
    theirs = stats.goodness_of_fit(
        stats.gamma, Y, known_params=known, statistic="ad", n_mc_samples=1, rng=0
    )
    assert good.distance("anderson_darling", GAMMA, Y) == pytest.approx(theirs.statistic, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_weight_is_a_number_of_repetitions(method):
    weight = RNG.integers(1, 4, len(Y)).astype(float)
    one = good.distance(method, GAMMA, Y, weight)
    two = good.distance(method, GAMMA, np.repeat(Y, weight.astype(int)))
    assert one == pytest.approx(two, rel=1e-12)


def test_ties_by_the_sums_over_rows():
    """Stephens' sums take tied rows one after the other, which is the same integral."""
    y = np.repeat(Y[:20], 3)
    u, n = np.sort(KNOWN.cdf(y)), 60
    i = np.arange(1, n + 1)
    cramer = 1 / (12 * n) + np.sum(((2 * i - 1) / (2 * n) - u) ** 2)
    anderson = -n - np.mean((2 * i - 1) * (np.log(u) + np.log1p(-u[::-1])))
    assert good.distance("cramer_von_mises", GAMMA, y) == pytest.approx(cramer, rel=1e-10)
    assert good.distance("anderson_darling", GAMMA, y) == pytest.approx(anderson, rel=1e-10)


def test_tails_stay_finite():
    """At 40 standard deviations 1 - F is zero in doubles, but not its logarithm."""
    normal = Frozen(Normal(), np.array([[0.0, 0.0]]))
    y = np.array([-1.0, 0.0, 40.0])
    found = good.distance("anderson_darling", normal, y)
    log_u, log_rest = stats.norm.logcdf(y), stats.norm.logsf(y)
    i = np.array([1, 2, 3])
    want = -3 - np.mean((2 * i - 1) * (log_u + log_rest[::-1]))
    assert np.isfinite(found)
    assert found == pytest.approx(want, rel=1e-10)


# ---------------------------------------------------------------------------- right-censored


def censored(n=80, ties=False):
    rng = np.random.default_rng(1)
    time, limit = rng.exponential(2.0, n), rng.exponential(3.0, n)
    if ties:
        time, limit = np.ceil(2 * time) / 2, np.ceil(2 * limit) / 2
    return np.minimum(time, limit), time <= limit


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_product_limit_is_statsmodels(ties):
    time, seen = censored(ties=ties)
    weight = RNG.integers(1, 4, len(time)).astype(float)
    found = product_limit(time, seen, weight)
    theirs = SurvfuncRight(
        np.repeat(time, weight.astype(int)), np.repeat(seen, weight.astype(int)).astype(int)
    )
    jumps = np.isin(theirs.surv_times, time[seen])
    np.testing.assert_allclose(found.at, theirs.surv_times[jumps])
    np.testing.assert_allclose(1.0 - found.value, theirs.surv_prob[jumps], atol=1e-12)


def step_value(time, seen, t):
    """The product-limit estimate at t by its definition."""
    survival = 1.0
    for s in np.unique(time[seen]):
        if s <= t:
            survival *= 1.0 - np.sum(seen & (time == s)) / np.sum(time >= s)
    return 1.0 - survival


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_cramer_of_censored_rows_is_its_integral(ties):
    time, seen = censored(40, ties)
    known = stats.expon(scale=2.2)
    frozen = Frozen(Exponential(), np.array([[-np.log(2.2)]]))
    end = time.max()
    cuts = np.concatenate([[0.0], np.unique(time)])
    total = 0.0
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        level = step_value(time, seen, low)
        total += integrate.quad(
            lambda t, c=level: (c - known.cdf(t)) ** 2 * known.pdf(t), low, high
        )[0]
    total += integrate.quad(lambda u: (1 - u) ** 2, known.cdf(end), 1.0)[0]
    found = good.distance("cramer_von_mises", frozen, time, None, seen)
    assert found == pytest.approx(40 * total, rel=1e-8)


def test_kolmogorov_of_censored_rows_is_its_supremum():
    time, seen = censored(40)
    known = stats.expon(scale=1.5)
    frozen = Frozen(Exponential(), np.array([[-np.log(1.5)]]))
    grid = np.concatenate([np.unique(time), np.nextafter(np.unique(time), -np.inf)])
    want = max(abs(step_value(time, seen, t) - known.cdf(t)) for t in grid)
    found = good.distance("kolmogorov_smirnov", frozen, time, None, seen)
    assert found == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("method", METHODS[1:])
def test_without_censoring_it_is_that_of_exact_rows(method):
    seen = np.ones(len(Y), dtype=bool)
    one = {
        "kolmogorov_smirnov": good.kolmogorov_censored,
        "cramer_von_mises": good.cramer_censored,
    }[method](GAMMA.cdf, Y, seen, np.ones(len(Y)))
    assert one == pytest.approx(good.distance(method, GAMMA, Y), rel=1e-9)


def test_draws_are_censored_alike():
    """Censored rows keep their limits; others are censored as the limits are, beyond their times."""
    time, seen = censored(4_000)
    rng = np.random.default_rng(2)
    draws = rng.exponential(2.0, 4_000)
    t, event = censored_alike(draws, time, seen, rng)
    assert np.all(t <= draws) and np.array_equal(event, t == draws)
    assert np.all(t[~seen] <= time[~seen])
    # The share of events is that of the population, 3 / (2 + 3), to five standard errors.
    assert abs(event.mean() - 0.6) < 5 * np.sqrt(0.6 * 0.4 / 4_000) * 1.5
    # Draws beyond everything show the limits: those of the population are exponential of mean 3.
    limit, _ = censored_alike(np.full(4_000, 1e9), time, seen, rng)
    for q in (1.0, 2.0, 4.0):
        assert abs(np.mean(limit > q) - np.exp(-q / 3.0)) < 0.05


# -------------------------------------------------------------------------------- chi-square


def test_chi_square_is_scipys():
    y = RNG.poisson(3.0, 200).astype(float)
    frozen = Frozen(Poisson(), np.log([[3.0]]))
    ends = np.array([1.0, 2.0, 3.0, 5.0])
    found = good.chi_square(frozen, ends, y, None, True)
    cut = np.array([-1.0, *ends, np.inf])
    seen = [np.sum((y > a) & (y <= b)) for a, b in zip(cut[:-1], cut[1:], strict=True)]
    wanted = np.diff(np.append(0.0, stats.poisson(3.0).cdf(cut[1:]))) * 200
    assert found == pytest.approx(stats.chisquare(seen, wanted).statistic, rel=1e-10)
    # A row of weight 2 is two rows.
    twice = good.chi_square(frozen, ends, y, np.full(200, 2.0), True)
    assert twice == pytest.approx(2 * found, rel=1e-12)


@pytest.mark.parametrize("total", [20, 200, 5_000])
@pytest.mark.parametrize("rate", [0.3, 4.0, 1e5])
def test_cells_expect_five_rows(total, rate):
    frozen = Frozen(Poisson(), np.log([[rate]]))
    ends = good.cells(frozen, total, None, True, (max(rate - 5 * rate**0.5, 0.0) // 1, rate + 5))
    expected = good.probabilities(frozen, ends, True) * total
    assert len(expected) >= 2 and expected.sum() == pytest.approx(total)
    assert expected.min() >= 5 * (1 - 1e-6)


def test_a_small_count_is_a_cell_of_its_own():
    """Of a mean of 2, more than 6 is expected in 4.5 of 1,000 rows: the last cell is 6 and more."""
    frozen = Frozen(Poisson(), np.log([[2.0]]))
    np.testing.assert_array_equal(good.cells(frozen, 1_000, None, True, (0.0, 9.0)), np.arange(6.0))


def test_too_few_rows_for_cells():
    frozen = Frozen(Poisson(), np.log([[0.01]]))
    with pytest.raises(ValueError, match="two cells that expect at least 5"):
        good.cells(frozen, 20, None, True, (0.0, 1.0))
