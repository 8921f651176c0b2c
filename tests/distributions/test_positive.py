"""Lognormal, Weibull, exponentiated Weibull, inverse gamma, inverse Gaussian: oracles, limits."""

import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit.distributions import (
    ExponentiatedWeibull,
    InverseGamma,
    InverseGaussian,
    Lognormal,
    Weibull,
)

FAILURES = np.loadtxt(Path(__file__).parents[1] / "data" / "failure_times.csv", skiprows=1)


def log_uniform(rng, low, high):
    return np.exp(rng.uniform(np.log(low), np.log(high)))


def exponentiated(rng, n):
    power = log_uniform(rng, 0.2, 20.0)
    w = -np.log(-np.expm1(-rng.exponential(size=n) / power))
    return w ** (1.0 / log_uniform(rng, 0.5, 8.0))


#: Draws (n,) of scale one, with shapes from a broad range.
BROAD = {
    "lognormal": lambda rng, n: rng.lognormal(0.0, log_uniform(rng, 0.01, 5.0), n),
    "weibull": lambda rng, n: rng.weibull(log_uniform(rng, 0.2, 50.0), n),
    "inverse_gamma": lambda rng, n: 1.0 / rng.gamma(log_uniform(rng, 0.3, 1e4), size=n),
    "inverse_gaussian": lambda rng, n: rng.wald(1.0, log_uniform(rng, 1e-2, 1e4), n),
    "exponentiated_weibull": exponentiated,
}
SCIPY = {
    "lognormal": stats.lognorm,
    "weibull": stats.weibull_min,
    "inverse_gamma": stats.invgamma,
    "inverse_gaussian": stats.invgauss,
}
#: Parameters that carry the unit of y.
UNITS = {name: {"scale"} for name in BROAD} | {"inverse_gaussian": {"mean", "shape"}}


def broad(name, seed, most=3_000):
    rng = np.random.default_rng(seed)
    n, unit = int(log_uniform(rng, 20, most)), log_uniform(rng, 1e-6, 1e8)
    return unit * BROAD[name](rng, n), unit


def fit(name, y, **options):
    return NaturalMLE(name, **options).fit(y[:, None])


def loglik(model, y):
    """By scipy's log-density at the estimate."""
    with np.errstate(all="ignore"):
        return model.distribution_.to_scipy(model.theta_).logpdf(y).sum()


def native(model):
    return {k: float(v[0]) for k, v in model.params_.items()}


# -------------------------------------------------------------------------- reference values


def test_weibull_of_the_failure_times():
    model = fit("weibull", FAILURES)
    assert model.status_ == "converged"
    assert native(model)["shape"] == pytest.approx(1.501782, abs=5e-7)
    assert native(model)["scale"] == pytest.approx(3912.846, abs=5e-4)
    assert -loglik(model, FAILURES) == pytest.approx(363.22645, abs=5e-6)


@pytest.mark.parametrize("power", [None, 0.05, 0.7, 1.0, 1.4, 30.0])
def test_exponentiated_weibull_of_the_failure_times(power):
    """From every start the same maximum, higher than any published: the curve is nearly flat."""
    start = None if power is None else {"shape": 1.5, "scale": 3900.0, "power": power}
    model = fit("exponentiated_weibull", FAILURES, start_params=start)
    assert model.status_ == "converged"
    assert -loglik(model, FAILURES) <= 363.0013
    assert -loglik(model, FAILURES) == pytest.approx(359.94391, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_closed_forms(seed):
    y, _ = broad("inverse_gaussian", seed)
    model = fit("inverse_gaussian", y, tol=1e-9)
    mean = y.mean()
    assert native(model)["mean"] == pytest.approx(mean, rel=1e-10)
    shape = 1.0 / np.mean((y / mean - 1.0) ** 2 / y)
    assert native(model)["shape"] == pytest.approx(shape, rel=1e-8)
    y, _ = broad("lognormal", seed)
    model = fit("lognormal", y, tol=1e-9)
    assert native(model)["shape"] == pytest.approx(np.log(y).std(), rel=1e-8)
    assert native(model)["scale"] == pytest.approx(np.exp(np.log(y).mean()), rel=1e-10)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", SCIPY)
def test_never_below_scipy(name, seed):
    y, unit = broad(name, seed, 100_000)
    family = SCIPY[name]
    # In units in which scipy's own search starts near the maximum.
    *shapes, _, scale = family.fit(y / unit, floc=0)
    model = fit(name, y)
    assert model.status_ == "converged"
    assert loglik(model, y) >= family.logpdf(y, *shapes, scale=scale * unit).sum() - 1e-6


# ------------------------------------------------------------------------- nested families


def hostile(seed):
    rng = np.random.default_rng(seed)
    kind = seed % 6
    if kind == 0:
        return rng.pareto(1.0, 300) + 1.0
    if kind == 1:
        return rng.random(300) ** 0.5
    if kind == 2:
        return np.round(rng.gamma(2.0, 1.0, 300) + 0.5)
    if kind == 3:
        return np.r_[rng.lognormal(0.0, 0.1, 300), 1e6, 1e-6]
    if kind == 4:
        return np.r_[rng.normal(1.0, 0.01, 100), rng.normal(50.0, 0.5, 100)]
    return rng.exponential(1.0, 5)


def random_rows(seed):
    return list(BROAD.values())[seed % len(BROAD)](np.random.default_rng(seed), 200)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rows", [random_rows, hostile])
def test_never_below_a_nested_family(rows, seed):
    y = rows(seed)
    y = y[y > 0]
    with warnings.catch_warnings():
        # The Frechet and the power-function limits end as boundary, with a warning.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = {name: fit(name, y) for name in ("exponential", "gamma", "weibull")}
        found["wider"] = fit("exponentiated_weibull", y)
    value = {name: loglik(model, y) for name, model in found.items()}
    slack = 1e-7 * len(y)
    assert value["gamma"] >= value["exponential"] - slack
    assert value["weibull"] >= value["exponential"] - slack
    assert value["wider"] >= value["weibull"] - slack
    if rows is not hostile or seed % 6:
        # Pareto rows are short of the Frechet limit and far along the flat curve: it may say so.
        assert found["wider"].status_ in ("converged", "boundary"), found["wider"].message_


def test_exponentiated_weibull_starts_again_at_the_weibulls_optimum():
    family = ExponentiatedWeibull()
    y = broad("weibull", 3)[0]
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    for w in (None, weight):
        model = NaturalMLE("weibull", tol=1e-9).fit(y[:, None], sample_weight=w)
        want = [*native(model).values(), 1.0]
        got = [float(v) for v in family.native_dict(family.nested_start(y, w)).values()]
        np.testing.assert_allclose(got, want, rtol=1e-7)


@pytest.mark.parametrize(("power", "end"), [(0.0, "power -> 0"), (np.inf, "power -> inf")])
def test_limits_of_the_power_end_as_boundary(power, end):
    rng = np.random.default_rng(1)
    y = 7.0 * rng.random(1000) ** 0.5 if power == 0.0 else 1.0 / rng.weibull(2.0, 1000)
    with pytest.warns(ConvergenceWarning, match=end):
        model = fit("exponentiated_weibull", y)
    assert model.status_ == "boundary"


# -------------------------------------------------------------------------- the battery


@pytest.mark.parametrize("name", BROAD)
def test_default_start_converges(name):
    for seed in range(60):
        y, _ = broad(name, seed)
        model = fit(name, y)
        assert model.status_ == "converged", (seed, model.message_)
        assert model.n_iter_ <= 25, seed


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", BROAD)
def test_scale_off_by_ten_thousand(name, factor):
    # A Weibull's log-density is -exp(shape * 9.2) there: a step takes 2 off the exponent.
    y = FAILURES if "weibull" in name else BROAD[name](np.random.default_rng(13), 200)
    family = NaturalMLE(name).fit(y[:, None]).distribution_
    start = family.native_dict(family.initial(y, None, np.random.default_rng(0)))
    for key in UNITS[name]:
        start[key] = start[key] * factor
    model, best = fit(name, y, start_params=start), fit(name, y)
    assert model.status_ == "converged"
    assert model.n_iter_ <= 60
    for key, value in native(best).items():
        error = float(best.standard_errors_[key][0])
        assert native(model)[key] == pytest.approx(value, abs=1e-3 * error)


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e4, 1e8])
@pytest.mark.parametrize("name", BROAD)
def test_units(name, unit):
    y = BROAD[name](np.random.default_rng(5), 150)
    plain, scaled = fit(name, y), fit(name, unit * y)
    assert plain.status_ == scaled.status_ == "converged"
    assert abs(scaled.n_iter_ - plain.n_iter_) <= 2
    for key, value in native(plain).items():
        power = unit if key in UNITS[name] else 1.0
        assert native(scaled)[key] == pytest.approx(power * value, rel=1e-6)
        error = power * plain.standard_errors_[key][0]
        assert scaled.standard_errors_[key][0] == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize("shape", [0.2, 50.0])
def test_weibull_of_extreme_shape(shape):
    y = 3.0 * np.random.default_rng(2).weibull(shape, 2_000)
    model = fit("weibull", y)
    assert model.status_ == "converged"
    c, _, scale = stats.weibull_min.fit(y, floc=0)
    assert native(model)["shape"] == pytest.approx(c, rel=1e-5)
    assert native(model)["scale"] == pytest.approx(scale, rel=1e-5)


SIMPLE = [name for name in BROAD if name != "exponentiated_weibull"]


@pytest.mark.parametrize(
    "y",
    [
        np.array([1.0, 2.0, 2.5, 4.0, 9.0]),
        np.round(np.random.default_rng(3).gamma(2.0, 1.0, 500) + 0.5),
        np.exp(np.random.default_rng(4).uniform(-600.0, 600.0, 1_000)),
        np.r_[np.full(500, 1e-5), np.full(500, 1e5)],
        np.r_[np.full(5_000, 3.0), 4.0, np.full(5_000, 3.0)],
        3.0 * (1.0 + 1e-4 * np.random.default_rng(5).standard_normal(500)),
    ],
    ids=["five rows", "ties", "span", "clusters", "all but one", "narrow"],
)
@pytest.mark.parametrize("name", SIMPLE)
def test_hostile_data(name, y):
    if name == "inverse_gaussian" and np.log(y.max()) - np.log(y.min()) > 690.0:
        # Its information in log mean, shape / mean, is zero to all digits.
        with pytest.warns(ConvergenceWarning, match="do not determine mean"):
            fit(name, y)
        return
    model = fit(name, y)
    assert model.status_ == "converged", model.message_
    family = model.distribution_
    best = family.log_prob(y, model.theta_[None]).sum()
    for k in range(2):
        for step in (-1e-3, 1e-3):
            eta = model.theta_.copy()
            eta[k] += step
            assert family.log_prob(y, eta[None]).sum() <= best + 1e-9 * abs(best)


@pytest.mark.parametrize("name", BROAD)
@pytest.mark.parametrize("outlier", [1e-30, 1e30])
def test_an_outlier_that_the_start_does_not_see(name, outlier):
    """None of the rows the start looks at holds it; a density may underflow there."""
    side = np.random.default_rng(6).lognormal(0.0, 0.1, 5_000)
    y = np.r_[side, outlier, side]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = fit(name, y)
    if name != "exponentiated_weibull":
        assert model.status_ == "converged", model.message_
        assert np.isfinite(loglik(model, y))
        return
    # Its way along the flat curve may be longer than max_iter, but starts above the Weibull.
    assert loglik(model, y) > loglik(fit("weibull", y), y)


@pytest.mark.parametrize("name", BROAD)
@pytest.mark.parametrize("value", [3.0, 1e-8])
def test_constant_rows_are_refused(name, value):
    for y in (np.full(5, value), value * (1.0 + 1e-13 * np.arange(5))):
        with pytest.raises(ValueError, match="constant"):
            NaturalMLE(name).fit(y[:, None])


# --------------------------------------------------------------------- the exact quantities

FAMILIES = [Lognormal(), Weibull(), ExponentiatedWeibull(), InverseGamma(), InverseGaussian()]
QUANTILES = [1e-12, 1e-3, 0.3, 0.5, 0.7, 0.999]


@pytest.mark.parametrize("size", [0.3, 1.0, 6.0])
@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_cdf_and_survival_against_scipy(family, size):
    eta = np.full(family.n_params, np.log(size))
    frozen, values = family.to_scipy(eta), family.native(eta[None])
    y = np.concatenate([frozen.ppf(QUANTILES), frozen.isf(QUANTILES)])
    with np.errstate(all="ignore"):
        cdf, sf = np.log(frozen.cdf(y)), np.log(frozen.sf(y))
    np.testing.assert_allclose(family._log_cdf(y, *values), cdf, rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(family._log_sf(y, *values), sf, rtol=1e-6, atol=1e-11)


def mp_tails(family, y, native):
    """log cdf and log sf in 60 digits."""
    v = {k: mpmath.mpf(float(x)) for k, x in native.items()}
    y = mpmath.mpf(y)
    if isinstance(family, InverseGamma):
        upper = mpmath.gammainc(v["shape"], v["scale"] / y, regularized=True)
        lower = mpmath.gammainc(v["shape"], 0, v["scale"] / y, regularized=True)
        return mpmath.log(upper), mpmath.log(lower)
    if isinstance(family, Lognormal):
        z = mpmath.log(y / v["scale"]) / v["shape"] / mpmath.sqrt(2)
        return mpmath.log(mpmath.erfc(-z) / 2), mpmath.log(mpmath.erfc(z) / 2)
    if isinstance(family, InverseGaussian):
        root = mpmath.sqrt(v["shape"] / y / 2)
        a, b = root * (y / v["mean"] - 1), root * (y / v["mean"] + 1)
        far = mpmath.exp(2 * v["shape"] / v["mean"]) * mpmath.erfc(b)
        return mpmath.log((mpmath.erfc(-a) + far) / 2), mpmath.log((mpmath.erfc(a) - far) / 2)
    w = (y / v["scale"]) ** v["shape"]
    base = -mpmath.expm1(-w)
    power = v.get("power", mpmath.mpf(1))
    return power * mpmath.log(base), mpmath.log(
        -mpmath.expm1(power * mpmath.log1p(-mpmath.exp(-w)))
    )


@pytest.mark.parametrize("y", [1e-3, 0.05, 0.9, 3.0, 40.0])
@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_tails_against_mpmath(family, y):
    eta = np.log(np.arange(1.0, family.n_params + 1.0)) + 0.4
    with mpmath.workdps(60 if isinstance(family, InverseGamma) else 900):
        want = [float(v) for v in mp_tails(family, y, family.native_dict(eta))]
    values, row = family.native(eta[None]), np.array([y])
    got = family._log_cdf(row, *values)[0], family._log_sf(row, *values)[0]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-15)


def test_weibull_fisher():
    family, shape = Weibull(), 3.0
    gamma = np.euler_gamma
    want = [
        [np.pi**2 / 6 + (1 - gamma) ** 2, -(1 - gamma) * shape],
        [-(1 - gamma) * shape, shape**2],
    ]
    got = family.fisher(family.eta(shape=shape, scale=7.0)[None])[0]
    np.testing.assert_allclose(got, want, rtol=1e-14)


@pytest.mark.parametrize("shape", [0.3, 3.0])
def test_exponentiated_weibull_at_power_one_is_the_weibull(shape):
    wide, narrow = ExponentiatedWeibull(), Weibull()
    eta = wide.eta(shape=shape, scale=7.0, power=1.0)[None]
    np.testing.assert_allclose(
        wide.fisher(eta)[0, :2, :2], narrow.fisher(eta[:, :2])[0], rtol=1e-12
    )
    y = np.random.default_rng(0).weibull(shape, 50)
    np.testing.assert_allclose(wide.log_prob(y, eta), narrow.log_prob(y, eta[:, :2]), rtol=1e-12)


@pytest.mark.parametrize("power", [1e-3, 0.1, 1.0, 30.0, 1e6])
def test_exponentiated_weibull_fisher_against_mpmath(power):
    """The expected score outer product, integrated over the cdf in 30 digits."""
    family = ExponentiatedWeibull()
    eta = family.eta(shape=2.0, scale=1.0, power=power)

    def score(v, a):
        q = -v / a
        w = -mpmath.log(-mpmath.expm1(q)) if q > -1 else -mpmath.log1p(-mpmath.exp(q))
        slope = 1 - w + (a - 1) * w / mpmath.expm1(w)
        return 1 + mpmath.log(w) * slope, -2 * slope, 1 - v

    with mpmath.workdps(30):
        a = mpmath.mpf(float(family.native(eta[None])[2][0]))
        cuts = [0, 1e-30, 1e-10, 1e-3, 0.1, 1, 5, 20, 80]
        want = np.zeros((3, 3))
        for i in range(3):
            for j in range(i + 1):

                def part(v, i=i, j=j):
                    s = score(v, a)
                    return s[i] * s[j] * mpmath.exp(-v)

                want[i, j] = want[j, i] = float(mpmath.quad(part, cuts, maxdegree=7))
    got = family.fisher(eta[None])[0]
    size = np.sqrt(np.diagonal(want))
    np.testing.assert_allclose(got / np.outer(size, size), want / np.outer(size, size), atol=1e-8)
