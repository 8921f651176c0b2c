"""Counts, proportions and angles: reference values, scipy, nested families, extremes."""

import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import (
    Beta,
    Binomial,
    Geometric,
    Hurdle,
    NegativeBinomial,
    Poisson,
    VonMises,
    ZeroInflated,
)
from natfit.numerics.stirling import balance, correction, curvature, slope

DATA = Path(__file__).parents[1] / "data"
SIZES = [20, 50, 200, 1_000, 10_000]


def fitted(family, y, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.fit(family, np.asarray(y, dtype=float), **options)


def native(model):
    return {k: float(v[0]) for k, v in model.params_.items()}


def total(model, y):
    return model.score(np.reshape(y, (-1, 1))) * len(y)


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def gamma_poisson(rng, mean, n, size):
    return rng.poisson(rng.gamma(n, mean / n, size)).astype(float)


# ------------------------------------------------------------------------- reference values


def horse_kicks():
    deaths, corps = np.loadtxt(DATA / "horse_kicks.csv", delimiter=",", skiprows=1).T
    return np.repeat(deaths, corps.astype(int))


def test_horse_kicks():
    y = horse_kicks()
    assert len(y) == 200
    assert native(fitted("poisson", y))["rate"] == pytest.approx(0.61, rel=1e-9)
    model = fitted("negative_binomial", y)
    # Variance 0.6109 and mean 0.61: nearly Poisson, by one root of the score in n.
    assert native(model)["mean"] == pytest.approx(0.61, rel=1e-6)
    assert total(model, y) >= total(fitted("poisson", y), y) - 1e-9


def test_horse_kicks_by_weight():
    deaths, corps = np.loadtxt(DATA / "horse_kicks.csv", delimiter=",", skiprows=1).T
    weighted = fitted("negative_binomial", deaths, sample_weight=corps)
    plain = fitted("negative_binomial", horse_kicks())
    assert native(weighted)["n"] == pytest.approx(native(plain)["n"], rel=1e-6)
    for name, error in weighted.standard_errors_.items():
        assert error == pytest.approx(plain.standard_errors_[name], rel=1e-6)


@pytest.mark.parametrize("x", [1e-3, 0.4, 3.0, 15.99, 16.0, 40.0, 1e4])
def test_stirling_terms_against_mpmath(x):
    with mpmath.workdps(60):
        v = mpmath.mpf(x)
        c = mpmath.loggamma(v) - (v - 0.5) * mpmath.log(v) + v - mpmath.log(2 * mpmath.pi) / 2
        e = mpmath.psi(0, v) - mpmath.log(v) + 1 / (2 * v)
        d = mpmath.psi(1, v) - 1 / v - 1 / (2 * v**2)
        wanted = [float(t) for t in (c, v**2 * e, v**3 * d, v**4 * (2 * e + v * d))]
    found = [float(f(np.array([x]))[0]) for f in (correction, slope, curvature, balance)]
    np.testing.assert_allclose(found[:3], wanted[:3], rtol=1e-11, atol=1e-13)
    # Its cancellation, x^4 1e-16, is far below y^2 / 2, to which it is added.
    assert found[3] == pytest.approx(wanted[3], abs=3e-11)


@pytest.mark.parametrize("n", [0.05, 1.0, 17.0, 1e5, 1e12, 1e20])
@pytest.mark.parametrize("mean", [0.01, 3.0, 1e6])
def test_negative_binomial_derivatives_against_mpmath(mean, n):
    """log p, and its two derivatives in 1 / n, in 160 digits."""
    family = NegativeBinomial()
    counts = np.unique(np.round([0.0, 1.0, 2.0, mean, 1.3 * mean, 4.0 * mean]))
    eta = family.eta(mean=mean, n=n)[None]
    got = family.log_prob(counts, eta), family.score(counts, eta), family.observed(counts, eta)
    with mpmath.workdps(160):
        m, e = mpmath.mpf(float(family.native(eta)[0][0])), mpmath.mpf(float(eta[0, 1]))

        def log_p(y, e):
            n = 1 / mpmath.sinh(e)
            gammas = mpmath.loggamma(y + n) - mpmath.loggamma(n) - mpmath.loggamma(y + 1)
            return gammas + n * mpmath.log(n / (n + m)) + y * mpmath.log(m / (n + m))

        for i, y in enumerate(counts):
            h = e * mpmath.mpf(10) ** -20
            up, at, down = (log_p(y, e + k * h) for k in (1, 0, -1))
            first, second = (up - down) / (2 * h), (up - 2 * at + down) / h**2
            assert got[0][i] == pytest.approx(float(at), rel=1e-11, abs=1e-9)
            scale = 1e-9 * (1.0 + y + mean)
            assert got[1][i, 1] == pytest.approx(float(first), rel=1e-8, abs=scale)
            assert -got[2][i, 1, 1] == pytest.approx(float(second), rel=1e-6, abs=scale * (1 + y))


@pytest.mark.parametrize("mean", [300.0, 1e4, 1e6])
@pytest.mark.parametrize("n", [0.05, 3.0, 300.0, 1e12])
def test_negative_binomial_expectations_at_large_means(mean, n):
    family = NegativeBinomial()
    rule = family.expectation(family.eta(mean=mean, n=n))
    assert rule.weight @ rule.y == pytest.approx(mean, rel=1e-8)
    variance = rule.weight @ (rule.y - mean) ** 2
    assert variance == pytest.approx(mean + mean**2 / n, rel=1e-8)
    fisher = family.fisher(family.eta(mean=mean, n=n)[None])[0]
    assert fisher[0, 0] == pytest.approx(mean * n / (n + mean), rel=1e-8)


# ---------------------------------------------------------------------------------- scipy


@pytest.mark.parametrize("seed", range(10))
def test_beta_is_as_likely_as_scipys(seed):
    rng = np.random.default_rng(seed)
    y = rng.beta(log_uniform(rng, 0.2, 1e3), log_uniform(rng, 0.2, 1e3), SIZES[seed % 5])
    y = np.clip(y, 1e-300, 1.0 - 1.2e-16)
    model = fitted("beta", y)
    a, b, *_ = stats.beta.fit(y, floc=0, fscale=1)
    assert model.status_ == "converged"
    assert total(model, y) >= stats.beta(a, b).logpdf(y).sum() - 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_von_mises_is_as_likely_as_scipys(seed):
    rng = np.random.default_rng(seed)
    y = rng.vonmises(rng.uniform(-3, 3), log_uniform(rng, 0.05, 1e4), SIZES[seed % 5])
    model = fitted("von_mises", y)
    kappa, loc, _ = stats.vonmises.fit(y, fscale=1)
    assert model.status_ == "converged"
    assert total(model, y) >= stats.vonmises(kappa, loc).logpdf(y).sum() - 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_negative_binomial_is_as_likely_as_a_search_over_n(seed):
    rng = np.random.default_rng(seed)
    y = gamma_poisson(rng, log_uniform(rng, 0.5, 1e4), log_uniform(rng, 0.05, 300), SIZES[seed % 5])
    model, mean = fitted("negative_binomial", y), y.mean()
    assert model.status_ in ("converged", "boundary")

    def loss(log_n):
        n = np.exp(log_n)
        return -stats.nbinom(n, n / (n + mean)).logpmf(y).sum()

    best = optimize.minimize_scalar(loss, bounds=(-8.0, 14.0), method="bounded").fun
    assert total(model, y) >= -best - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_closed_forms(seed):
    rng = np.random.default_rng(seed)
    y = rng.geometric(log_uniform(rng, 1e-5, 0.9), 137) - 1.0
    model = fitted("geometric", y)
    assert native(model)["prob"] == pytest.approx(1.0 / (1.0 + y.mean()), rel=1e-6)
    y = rng.binomial(10, rng.uniform(0.1, 0.9), 137)
    assert native(fitted(Binomial(10), y))["prob"] == pytest.approx(y.mean() / 10, rel=1e-6)


CDF = [
    (Beta(), {"a": 0.3, "b": 7.0}, [1e-200, 0.02, 0.9]),
    (Geometric(), {"prob": 0.2}, [0.0, 3.0, 90.0]),
    (Binomial(10), {"prob": 0.3}, [0.0, 3.0, 9.0]),
    (NegativeBinomial(), {"mean": 3.0, "n": 0.4}, [0.0, 3.0, 60.0]),
    (NegativeBinomial(), {"mean": 3.0, "n": 1e20}, [0.0, 3.0, 15.0]),
]


@pytest.mark.parametrize(("family", "values", "y"), CDF, ids=str)
def test_distribution_functions_against_scipy(family, values, y):
    frozen, y = family.to_scipy(family.eta(**values)), np.array(y)
    np.testing.assert_allclose(family._log_cdf(y, *values.values()), frozen.logcdf(y), rtol=1e-8)
    np.testing.assert_allclose(family._log_sf(y, *values.values()), frozen.logsf(y), rtol=1e-8)


@pytest.mark.parametrize("family", [ZeroInflated(), Hurdle(), Hurdle("negative_binomial")])
def test_distribution_functions_sum_the_probabilities(family):
    """Of families that scipy lacks: by summing exp(log_prob), and both tails to one."""
    eta = 0.1 + np.arange(family.n_params) * 0.4
    y = np.arange(400.0)
    cumulated = np.cumsum(np.exp(family.log_prob(y, eta[None])))[:30]
    values = family.native(eta[None])
    np.testing.assert_allclose(np.exp(family._log_cdf(y[:30], *values)), cumulated, rtol=1e-9)
    np.testing.assert_allclose(
        np.exp(family._log_sf(y[:30], *values)), 1.0 - cumulated, rtol=1e-6, atol=1e-12
    )


def test_von_mises_distribution_function_by_quadrature():
    family, grid = VonMises(), np.linspace(-np.pi, 0.7, 4001)
    eta = family.eta(loc=2.5, kappa=1.5)
    p = np.exp(family.log_prob(grid, eta[None]))
    want = np.sum((p[1:] + p[:-1]) / 2) * (grid[1] - grid[0])
    end = np.array([0.7])
    assert np.exp(family._log_cdf(end, 2.5, 1.5))[0] == pytest.approx(want, rel=1e-5)
    assert np.exp(family._log_sf(end, 2.5, 1.5))[0] == pytest.approx(1 - want, rel=1e-5)


@pytest.mark.parametrize("kappa", [1e-6, 0.3, 49.0, 51.0, 1e4, 1e8])
def test_von_mises_fisher_against_mpmath(kappa):
    family = VonMises()
    fisher = family.fisher(family.eta(loc=0.3, kappa=kappa)[None])[0]
    with mpmath.workdps(60):
        k = mpmath.mpf(float(np.exp(np.log(kappa))))
        a = mpmath.besseli(1, k) / mpmath.besseli(0, k)
        want = float(k * a), float(k**2 - k * a - (k * a) ** 2)
    assert fisher[0, 0] == pytest.approx(want[0], rel=1e-12)
    assert fisher[1, 1] == pytest.approx(want[1], rel=1e-10)


# ------------------------------------------------------------------- nested families, limits


@pytest.mark.parametrize("seed", range(20))
def test_no_count_family_ends_above_the_poisson(seed):
    rng = np.random.default_rng(seed)
    y = rng.poisson(log_uniform(rng, 0.3, 1e4), SIZES[seed % 5]).astype(float)
    y[0] = max(y[0], 1.0)
    poisson = stats.poisson(y.mean()).logpmf(y).sum()
    for name in ("negative_binomial", "zero_inflated"):
        model = fitted(name, y)
        assert model.status_ in ("converged", "boundary"), model.message_
        assert model.n_iter_ <= 25
        assert total(model, y) >= poisson - 1e-6


@pytest.mark.parametrize("y", [[3.0, 4, 4, 5, 4, 3], [1.0, 0, 1, 0, 1], [1e6, 1e6 + 3, 1e6 - 5]])
def test_underdispersed_counts_end_at_the_poisson(y):
    model = fitted("negative_binomial", y)
    assert model.status_ == "boundary"
    assert "n -> inf (the Poisson distribution)" in model.message_
    assert native(model)["mean"] == pytest.approx(np.mean(y), rel=1e-6)
    assert total(model, y) == pytest.approx(stats.poisson(np.mean(y)).logpmf(y).sum(), abs=1e-6)


@pytest.mark.parametrize("n", [0.05, 300.0, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_negative_binomial_extremes(n, seed):
    y = gamma_poisson(np.random.default_rng(seed), 20.0, n, 2_000)
    model = fitted("negative_binomial", y)
    assert model.status_ in ("converged", "boundary")
    truth = stats.nbinom(n, n / (n + 20.0)).logpmf(y).sum()
    assert total(model, y) >= truth - 1e-6
    if n < 1e3:
        assert model.status_ == "converged"
        assert abs(native(model)["n"] - n) <= 5.0 * model.standard_errors_["n"][0]


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6])
def test_negative_binomial_at_any_mean(unit):
    """Large overdispersed counts are a gamma's values: the shape does not know the unit."""
    y = np.round(np.random.default_rng(4).gamma(2.0, 1e3, 300) * unit)
    model = fitted("negative_binomial", y)
    shape, _, _ = stats.gamma.fit(y + 0.5, floc=0)
    assert model.status_ == "converged"
    assert native(model)["n"] == pytest.approx(shape, rel=5e-3)


def test_zero_shares_at_their_bounds():
    no_zeros = np.array([2.0, 3, 1, 4, 2, 1, 3, 2])
    model = fitted("zero_inflated", no_zeros)
    assert model.status_ == "boundary"
    assert "Poisson without extra zeros" in model.message_
    model = fitted("hurdle", no_zeros)
    assert model.status_ == "boundary"
    assert "cut off at zero" in model.message_
    model = fitted("hurdle", [0.0, 1, 1, 0, 1])
    assert model.status_ == "boundary"
    assert "all positive counts are 1" in model.message_


@pytest.mark.parametrize("name", ["geometric", Binomial(10)])
def test_all_zero_counts_end_at_the_boundary(name):
    model = fitted(name, np.zeros(20))
    assert model.status_ == "boundary"
    assert model.n_iter_ <= 25
    assert "0" in model.message_ or "zero" in model.message_


@pytest.mark.parametrize("seed", range(6))
def test_hurdle_parts_are_independent(seed):
    rng = np.random.default_rng(seed)
    y = gamma_poisson(rng, 4.0, 2.0, 500) * (rng.random(500) < 0.6)
    model = fitted(Hurdle("negative_binomial"), y)
    assert native(model)["zero_prob"] == pytest.approx(np.mean(y == 0), rel=1e-6)
    wrapped = fitted(Hurdle("poisson"), y)
    assert total(model, y) >= total(wrapped, y) - 1e-6
    inflated = fitted(ZeroInflated("negative_binomial"), y)
    assert total(inflated, y) >= total(fitted("negative_binomial", y), y) - 1e-6


def test_zero_inflated_recovers_its_parameters():
    rng = np.random.default_rng(0)
    y = rng.poisson(3.0, 5_000) * (rng.random(5_000) > 0.3)
    model = fitted("zero_inflated", y)
    for name, truth in {"zero_prob": 0.3, "rate": 3.0}.items():
        assert abs(native(model)[name] - truth) <= 4.0 * model.standard_errors_[name][0]


def test_angles_that_spread_evenly_are_uniform():
    y = np.linspace(-np.pi, np.pi, 24, endpoint=False)
    model = fitted("von_mises", y)
    assert model.status_ in ("boundary", "singular")
    assert total(model, y) == pytest.approx(-24 * np.log(2 * np.pi), abs=1e-6)


# -------------------------------------------------------------------------------- extremes


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


@pytest.mark.parametrize("kappa", [0.01, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("loc", [0.0, 3.1, -3.1])
def test_von_mises_extremes(loc, kappa):
    y = np.random.default_rng(2).vonmises(loc, kappa, 400)
    model = fitted("von_mises", y)
    assert model.status_ == "converged"
    assert model.n_iter_ <= 25
    resultant = np.mean(np.exp(1j * y))
    turn = np.exp(1j * (native(model)["loc"] - np.angle(resultant)))
    assert abs(np.angle(turn)) < 1e-4 * max(model.standard_errors_["loc"][0], 1e-6) + 1e-9
    estimate = native(model)["kappa"]
    # 1 - R holds 1 / (2 kappa) to 1e-16.
    cosine = special.i1e(estimate) / special.i0e(estimate)
    assert cosine == pytest.approx(abs(resultant), rel=1e-5 / estimate + 1e-5 * (estimate < 10))


@pytest.mark.parametrize("y", [[0.0, 0.0, 7.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0, 9.0]])
@pytest.mark.parametrize(
    "family", ["negative_binomial", "geometric", "zero_inflated", "hurdle", Binomial(10)], ids=str
)
def test_five_rows_and_ties(family, y):
    model = fitted(family, y)
    assert model.status_ in ("converged", "boundary", "singular")
    assert all(np.isfinite(list(native(model).values())))


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", ["negative_binomial", "zero_inflated", "beta", "von_mises"])
def test_a_start_off_by_ten_thousand(name, factor):
    rng = np.random.default_rng(7)
    y, key = {
        "negative_binomial": (gamma_poisson(rng, 4.0, 1.5, 300), "mean"),
        "zero_inflated": (rng.poisson(4.0, 300) * (rng.random(300) < 0.7), "rate"),
        "beta": (rng.beta(2.0, 3.0, 300), "b"),
        "von_mises": (rng.vonmises(1.0, 2.0, 300), "kappa"),
    }[name]
    best = fitted(name, y)
    start = {**native(best), key: native(best)[key] * factor}
    model = fitted(name, y, start_params=start)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= 60
    for k, v in native(best).items():
        assert native(model)[k] == pytest.approx(v, abs=1e-3 * best.standard_errors_[k][0])


# ----------------------------------------------------------------------------- refused data


REFUSED = [
    ("beta", [0.2, 0.0, 0.7], r"0\.0 at row 1.*\(n - 1\) \+ 0\.5"),
    ("beta", [0.2, 0.4, 1.0], r"1\.0 at row 2"),
    ("beta", [0.2, 0.4, 1.5], r"1\.5 at row 2"),
    ("beta", [0.3, 0.3, 0.3], "must not be constant"),
    ("von_mises", [10.0, 350.0, 5.0], "deg2rad"),
    ("von_mises", [1.0, 1.0, 1.0], "must spread"),
    ("von_mises", [1.0, 1.0 + 1e-7], "use 'normal'"),
    ("negative_binomial", [0.0, 0.0], "use 'poisson'"),
    ("negative_binomial", [1.0, 2.5], "whole numbers"),
    ("negative_binomial", [1.0, -2.0], "Negative values"),
    ("negative_binomial", [1.0, 1e6 + 0.5], "whole numbers"),
    ("negative_binomial", [1.0, np.nan], "NaN at row 1|row 1"),
    ("zero_inflated", [0.0, 0.0], "use 'bernoulli'"),
    ("hurdle", [0.0, 0.0], "use 'bernoulli'"),
    (Binomial(3), [0.0, 4.0], "4.0 at row 1"),
    ("binomial", [0.0, 4.0], r"Binomial\(n=10\)"),
    (Binomial(0), [0.0, 1.0], "n must be"),
    (ZeroInflated("gamma"), [0.0, 1.0], "family of counts"),
    (Hurdle(ZeroInflated()), [0.0, 1.0], "family of counts"),
    (ZeroInflated("binomial"), [0.0, 1.0], r"Binomial\(n=10\)"),
    (ZeroInflated(Binomial(3)), [0.0, 4.0], "4.0 at row 1"),
]


@pytest.mark.parametrize(("family", "y", "words"), REFUSED, ids=str)
def test_data_and_options_are_refused_with_a_remedy(family, y, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit(family, np.array(y))


def test_wrapped_names_and_objects_agree():
    y = np.random.default_rng(3).poisson(2.0, 100).astype(float)
    by_name, by_object = fitted(Hurdle("poisson"), y), fitted(Hurdle(Poisson()), y)
    assert native(by_name) == native(by_object)
    assert fitted(ZeroInflated(Binomial(20)), y).distribution_.eta_names() == ["zero_prob", "prob"]
