"""Goodness of fit of fitted densities: p-values of scipy, statsmodels and of the null, refusals."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors

import natfit
from natfit.distributions import BetaBinomial, Categorical, Positive, from_log_prob
from natfit.inference.goodness import distance
from tests.fits import fitted

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(3.0, 2.0, 100)
WAITS = RNG.exponential(2.0, 100)
COUNTS = RNG.poisson(4.0, 200).astype(float)


def near(p, q, n, m):
    """Whether two Monte Carlo p-values of n and m draws agree to four standard errors."""
    middle = (p + q) / 2
    return abs(p - q) < 4 * np.sqrt(middle * (1 - middle) * (1 / n + 1 / m)) + 1 / n


@pytest.mark.parametrize(
    "ours, theirs",
    [
        ("kolmogorov_smirnov", "ks"),
        pytest.param("cramer_von_mises", "cvm", marks=pytest.mark.slow),
        pytest.param("anderson_darling", "ad", marks=pytest.mark.slow),
    ],
)
def test_pvalues_are_scipys(ours, theirs):
    model = natfit.fit("exponential", WAITS, tol=1e-10)
    found = model.goodness_of_fit(WAITS, ours, n_resamples=299)
    want = stats.goodness_of_fit(
        stats.expon, WAITS, known_params={"loc": 0.0}, statistic=theirs, n_mc_samples=999, rng=1
    )
    assert found.statistic == pytest.approx(want.statistic, rel=1e-6)
    assert near(found.pvalue, want.pvalue, 299, 999)


@pytest.mark.slow
def test_normal_pvalue_is_scipys():
    model = natfit.fit("normal", NORMAL)
    found = model.goodness_of_fit(NORMAL, "kolmogorov_smirnov", n_resamples=299)
    want = stats.goodness_of_fit(stats.norm, NORMAL, statistic="ks", n_mc_samples=999, rng=1)
    assert near(found.pvalue, want.pvalue, 299, 999)


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_exponential_is_lilliefors(scale):
    """Rows that are bent away from the family, so that the table of critical values holds them."""
    y = WAITS**scale
    model = natfit.fit("exponential", y, tol=1e-12)
    found = model.goodness_of_fit(y, "kolmogorov_smirnov", n_resamples=299)
    statistic, p = lilliefors(y, dist="exp", pvalmethod="table")
    assert found.statistic == pytest.approx(statistic, rel=1e-8)
    assert near(found.pvalue, min(p, 1.0), 299, 2_000) or (p < 0.005 and found.pvalue < 0.02)


@pytest.mark.slow
def test_stephens_critical_value():
    """At A^2 (1 + 0.6 / n) = 1.321 of an exponential, p is .05 (Stephens, 1974, table 1.3)."""
    drawn = []
    for y in np.random.default_rng(3).exponential(1.0, (500, 50)):
        model = natfit.fit("exponential", y)
        drawn.append(distance("anderson_darling", model.frozen_, y) * (1 + 0.6 / 50))
    share = np.mean(np.array(drawn) > 1.321)
    assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 500)


def test_chi_square_is_scipys():
    model = natfit.fit("poisson", COUNTS)
    found = model.goodness_of_fit(COUNTS, bins=[1, 2, 3, 4, 5, 6], n_resamples=0)
    cut = np.array([-1, 1, 2, 3, 4, 5, 6, np.inf])
    seen = np.array(
        [np.sum((COUNTS > a) & (COUNTS <= b)) for a, b in zip(cut[:-1], cut[1:], strict=True)]
    )
    wanted = np.diff(np.append(0.0, stats.poisson(COUNTS.mean()).cdf(cut[1:]))) * 200
    want = stats.chisquare(seen, wanted, ddof=1)
    assert found.statistic == pytest.approx(want.statistic, rel=1e-6)
    assert found.pvalue == pytest.approx(want.pvalue, rel=1e-5)
    assert found.df == 5
    high = stats.chi2.sf(want.statistic, 6)
    assert f"{want.pvalue:.4g} to {high:.4g}" in found.notes[-1]
    # The distribution lies between those of 5 and of 6 degrees of freedom.
    p = model.goodness_of_fit(COUNTS, bins=[1, 2, 3, 4, 5, 6], n_resamples=299).pvalue
    error = 4 * np.sqrt(0.25 / 299)
    assert want.pvalue - error < p < high + error


def test_another_family_is_rejected():
    y = RNG.lognormal(0.0, 1.0, 200)
    assert natfit.fit("exponential", y**2).goodness_of_fit(y**2, n_resamples=49).pvalue == 0.02
    counts = RNG.geometric(0.2, 300) - 1.0
    assert natfit.fit("poisson", counts).goodness_of_fit(counts, n_resamples=49).pvalue == 0.02


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing():
    model = natfit.fit("exponential", WAITS)
    one, two = (model.goodness_of_fit(WAITS, n_resamples=19, n_jobs=n) for n in (1, 2))
    assert one == two
    other = model.goodness_of_fit(WAITS, n_resamples=19, random_state=np.random.default_rng(7))
    assert other.statistic == one.statistic


def test_weights_repeat_rows():
    weight = RNG.integers(1, 4, 100).astype(float)
    one = natfit.fit("exponential", WAITS, sample_weight=weight)
    rows = np.repeat(WAITS, weight.astype(int))
    two = natfit.fit("exponential", rows)
    a = one.goodness_of_fit(WAITS, sample_weight=weight, n_resamples=19)
    b = two.goodness_of_fit(rows, n_resamples=19)
    assert a.statistic == pytest.approx(b.statistic, rel=1e-8)
    assert a.pvalue == b.pvalue


def test_columns_have_a_test_each():
    x = np.stack([NORMAL, RNG.standard_cauchy(100)], axis=1)
    first, second = natfit.fit("normal", x).goodness_of_fit(x, n_resamples=19)
    assert first.pvalue > 0.05 == second.pvalue
    one = natfit.fit("normal", NORMAL).goodness_of_fit(NORMAL, n_resamples=19)
    assert first.statistic == pytest.approx(one.statistic, rel=1e-8)


def censored(n=150):
    """Quantiles of a Weibull, in an order that does not depend on the limits."""
    rng, level = np.random.default_rng(4), (np.arange(n) + 0.5) / n
    time = rng.permutation(stats.weibull_min(2.5, scale=3.0).ppf(level))
    limit = rng.permutation(stats.expon(scale=4.0).ppf(level))
    return natfit.Censored.right(np.minimum(time, limit), time <= limit)


@pytest.mark.parametrize("method", ["auto", "kolmogorov_smirnov"])
def test_right_censored_rows(method):
    rows = censored()
    right = natfit.fit("weibull", rows).goodness_of_fit(rows, method, n_resamples=39)
    wrong = natfit.fit("exponential", rows).goodness_of_fit(rows, method, n_resamples=39)
    assert right.pvalue > 0.05
    assert wrong.pvalue == 0.025
    assert any("Kaplan-Meier" in note for note in right.notes)


def test_censored_rows_that_are_all_exact_are_exact_rows():
    rows = natfit.Censored.exact(WAITS)
    options = {"tol": 1e-10}
    found = natfit.fit("exponential", rows, **options).goodness_of_fit(
        rows, "cramer_von_mises", n_resamples=9
    )
    want = natfit.fit("exponential", WAITS, **options).goodness_of_fit(
        WAITS, "cramer_von_mises", n_resamples=9
    )
    assert found.statistic == pytest.approx(want.statistic, rel=1e-6)


def test_weights_of_censored_rows():
    rows = censored(60)
    weight = RNG.integers(1, 3, 60).astype(float)
    model = natfit.fit("exponential", rows, sample_weight=weight)
    found = model.goodness_of_fit(rows, sample_weight=weight, n_resamples=9)
    again = rows[np.repeat(np.arange(60), weight.astype(int))]
    want = natfit.fit("exponential", again).goodness_of_fit(again, n_resamples=9)
    assert found.statistic == pytest.approx(want.statistic, rel=1e-6)
    assert found.pvalue == want.pvalue
    part = natfit.fit("exponential", rows, sample_weight=weight + 0.5)
    with pytest.raises(ValueError, match="whole weights"):
        part.goodness_of_fit(rows, sample_weight=weight + 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["exact", "censored"])
def test_pvalues_are_uniform_under_the_family(kind):
    rng, found = np.random.default_rng(6), []
    for _ in range(80):
        y, c = rng.exponential(1.0, 40), rng.exponential(2.0, 40)
        rows = y if kind == "exact" else natfit.Censored.right(np.minimum(y, c), y <= c)
        model = natfit.fit("exponential", rows)
        found.append(model.goodness_of_fit(rows, n_resamples=19).pvalue)
    # Under the family each multiple of 1 / 20 is as likely.
    mean, error = 10.5 / 20, np.sqrt((20**2 - 1) / 12) / 20 / np.sqrt(80)
    assert abs(np.mean(found) - mean) < 4 * error


def test_finite_supports_without_a_distribution_function():
    y = RNG.integers(0, 4, 200).astype(float)
    with pytest.raises(ValueError, match="more cells than estimated parameters"):
        natfit.fit(Categorical(4), y).goodness_of_fit(y, n_resamples=0)
    counts = RNG.binomial(10, RNG.beta(4.0, 6.0, 200)).astype(float)
    found = natfit.fit(BetaBinomial(10), counts).goodness_of_fit(counts, n_resamples=19)
    assert 0.05 <= found.pvalue <= 1.0


def test_atoms_are_cells():
    y = np.where(RNG.uniform(size=200) < 0.3, 0.0, RNG.gamma(2.0, 1.0, 200))
    model = natfit.fit("zero_adjusted", y)
    assert model.goodness_of_fit(y, n_resamples=19).name.startswith("Pearson")
    with pytest.raises(ValueError, match="probability at single values"):
        model.goodness_of_fit(y, "anderson_darling")


def test_refusals():
    normal, poisson = natfit.fit("normal", NORMAL), natfit.fit("poisson", COUNTS)
    with pytest.raises(ValueError, match="method must be one of"):
        normal.goodness_of_fit(NORMAL, "shapiro")
    with pytest.raises(ValueError, match="did you mean 'anderson_darling'"):
        normal.goodness_of_fit(NORMAL, "anderson-darling")
    with pytest.raises(ValueError, match="method must be 'chi_square' for Poisson"):
        poisson.goodness_of_fit(COUNTS, "kolmogorov_smirnov")
    with pytest.raises(ValueError, match="n_resamples must be >= 1 for anderson_darling"):
        normal.goodness_of_fit(NORMAL, n_resamples=0)
    with pytest.raises(ValueError, match="bins must be None"):
        normal.goodness_of_fit(NORMAL, bins=5)
    with pytest.raises(ValueError, match="ascending order"):
        poisson.goodness_of_fit(COUNTS, bins=[3, 2, 1])
    with pytest.raises(ValueError, match="data of the fit"):
        normal.goodness_of_fit(NORMAL[:-1])
    vectors = RNG.standard_normal((50, 2))
    with pytest.raises(ValueError, match="univariate family"):
        natfit.fit("multivariate_normal", vectors).goodness_of_fit(vectors)


def test_refusals_of_rows_that_are_not_complete():
    low = np.floor(WAITS)
    intervals = natfit.Censored.interval(low, low + 1.0)
    with pytest.raises(ValueError, match="exact or right-censored, got the interval"):
        fitted("exponential", intervals).goodness_of_fit(intervals)
    windows = natfit.Censored.exact(WAITS + 1.0, truncation=(np.full(100, 1.0), None))
    with pytest.raises(ValueError, match="windows"):
        fitted("exponential", windows).goodness_of_fit(windows)
    rows = censored(50)
    model = natfit.fit("weibull", rows)
    with pytest.raises(ValueError, match="got 'anderson_darling', which needs exact rows"):
        model.goodness_of_fit(rows, "anderson_darling")
    counts = natfit.Censored.right(COUNTS, np.arange(200) % 3 > 0)
    with pytest.raises(ValueError, match="needs a density, got Poisson"):
        natfit.fit("poisson", counts).goodness_of_fit(counts)


def test_supports_that_end_at_a_row():
    y = RNG.uniform(size=60)
    model = fitted("uniform", y)
    assert model.goodness_of_fit(y, n_resamples=9).name == "Cramer-von Mises test"
    with pytest.raises(ValueError, match="whose support ends at a row"):
        model.goodness_of_fit(y, "anderson_darling")


def _weibull(y, k, s):
    return anp.log(k / s) + (k - 1.0) * anp.log(y / s) - (y / s) ** k


def test_a_user_density_is_compared_by_its_integral():
    """The tails are sums of the density, and those of the family with formulas are the same."""
    y = 3.0 * np.random.default_rng(1).weibull(1.5, 60)
    own = from_log_prob(_weibull, {"k": Positive(), "s": Positive()}, support="positive")
    mine, known = natfit.fit(own, y, tol=1e-8), natfit.fit("weibull", y, tol=1e-8)
    for method in ("anderson_darling", "kolmogorov_smirnov", "cramer_von_mises"):
        found = mine.goodness_of_fit(y, method=method, n_resamples=9)
        want = known.goodness_of_fit(y, method=method, n_resamples=9)
        assert found.statistic == pytest.approx(want.statistic, rel=1e-5)
    table = natfit.compare(y, {"mine": own, "known": "weibull"})
    values = [row["fit"] for row in table.table]
    assert values[0] == pytest.approx(values[1], rel=1e-4)
