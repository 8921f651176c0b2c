"""The real line and extremes: published values, scipy, nested families, hostile data, units."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import (
    Cauchy,
    GeneralizedPareto,
    Gev,
    Gumbel,
    Laplace,
    Logistic,
    SkewNormal,
)
from natfit.distributions.forms.extremes import tail, tail_terms
from natfit.distributions.real.gev import _near_gumbel

DATA = Path(__file__).parents[1] / "data"
SIZES = (20, 50, 200, 1_000)

#: Family, its scipy distribution, arguments of scipy's fit, and draws of scale 1 about 0.
FAMILIES = {
    "gumbel": (stats.gumbel_r, {}, lambda rng, n: rng.gumbel(size=n)),
    "gev": (
        stats.genextreme,
        {},
        lambda rng, n: stats.genextreme.rvs(rng.uniform(-0.6, 0.4), size=n, random_state=rng),
    ),
    "generalized_pareto": (
        stats.genpareto,
        {"floc": 0},
        lambda rng, n: stats.genpareto.rvs(rng.uniform(-0.2, 0.8), size=n, random_state=rng),
    ),
    "logistic": (stats.logistic, {}, lambda rng, n: rng.logistic(size=n)),
    "laplace": (stats.laplace, {}, lambda rng, n: rng.laplace(size=n)),
    "cauchy": (stats.cauchy, {}, lambda rng, n: rng.standard_cauchy(n)),
    "skew_normal": (
        stats.skewnorm,
        {},
        lambda rng, n: stats.skewnorm.rvs(rng.uniform(-9, 9), size=n, random_state=rng),
    ),
}
MOVED = [name for name in FAMILIES if name != "generalized_pareto"]


def fit(name, x, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.fit(name, x, **options)


def loglik(model, x):
    return float(model.distribution_.to_scipy(model._eta[0]).logpdf(x).sum())


def draws(name, seed, n):
    return FAMILIES[name][2](np.random.default_rng([seed, len(name)]), n)


# ------------------------------------------------------------------------- published values


@pytest.fixture
def port_pirie():
    return np.loadtxt(DATA / "port_pirie.csv", skiprows=1)


def test_port_pirie(port_pirie):
    """Coles (2001), section 3.4.1: 3.87, 0.198, -0.050, SE 0.028, 0.020, 0.098, 4.34."""
    model = natfit.fit("gev", port_pirie)
    assert model.status_ == "converged"
    got = {name: float(value[0]) for name, value in model.params_.items()}
    assert got["loc"] == pytest.approx(3.8747, abs=5e-5)
    assert got["scale"] == pytest.approx(0.19804, abs=5e-6)
    assert got["shape"] == pytest.approx(-0.05011, abs=5e-6)
    assert loglik(model, port_pirie) == pytest.approx(4.33906, abs=5e-6)
    errors = {name: float(value[0]) for name, value in model.standard_errors_.items()}
    assert errors["loc"] == pytest.approx(0.028, abs=5e-4)
    assert errors["scale"] == pytest.approx(0.020, abs=5e-4)
    assert errors["shape"] == pytest.approx(0.098, abs=5e-4)


@pytest.mark.parametrize("offset", [-1e6, 1e6, 1e8])
def test_port_pirie_with_an_offset(port_pirie, offset):
    model = natfit.fit("gev", port_pirie + offset)
    assert model.status_.good
    assert float(model.params_["loc"][0]) - offset == pytest.approx(3.87475, abs=1e-4)
    assert float(model.params_["shape"][0]) == pytest.approx(-0.05011, abs=1e-4)


@pytest.mark.parametrize("shape", [-0.1, 0.1])
def test_gev_fisher_agrees_where_its_two_forms_meet(shape):
    closed = Gev().fisher(Gev().eta(loc=0.0, scale=1.0, shape=shape)[None])[0]
    np.testing.assert_allclose(closed, _near_gumbel(shape), rtol=1e-9)


def test_gev_fisher_at_shape_zero_holds_gumbels():
    gev = Gev().fisher(Gev().eta(loc=1.0, scale=2.0, shape=0.0)[None])[0]
    gumbel = Gumbel().fisher(Gumbel().eta(loc=1.0, scale=2.0)[None])[0]
    np.testing.assert_allclose(gev[:2, :2], gumbel, rtol=1e-10)


@pytest.mark.parametrize("family", [Gev(), GeneralizedPareto()], ids=repr)
def test_an_infinite_fisher_is_refused(family):
    native = {name: 1.0 for name in family.params} | {"shape": -0.6}
    with pytest.raises(ValueError, match="Fisher information is infinite from shape = -1/2"):
        family.fisher(family.eta(**native)[None])


def test_cauchy_fisher():
    fisher = Cauchy().fisher(Cauchy().eta(loc=1.0, scale=3.0)[None])[0]
    np.testing.assert_allclose(fisher, np.diag([0.5 / 9.0, 0.5]))


def test_skew_normal_fisher_is_regular_without_skew():
    """The leading score of shape^3 / 3 is C He3(x) / 2, and E He3^2 = 6."""
    fisher = SkewNormal().fisher(SkewNormal().eta(mean=1.0, sd=2.0, shape=0.0)[None])[0]
    c = 0.5 * (4.0 - np.pi) * (2.0 / np.pi) ** 1.5
    np.testing.assert_allclose(fisher, np.diag([0.25, 2.0, 1.5 * c**2]), atol=1e-10)


# ---------------------------------------------------------------------------- the transform


@pytest.mark.parametrize("shape", [0.0, 1e-12, -1e-8, 9e-4, -9e-4, 2e-3, 0.3])
def test_transform_and_its_derivatives_against_mpmath(shape):
    import mpmath

    z = np.array([-3.0, -0.2, 1e-8, 0.7, 3.0, 60.0])
    _, t, first, second = tail_terms(z, np.array([shape]))
    np.testing.assert_allclose(tail(z, np.array([shape]))[1], t, rtol=1e-12)
    with mpmath.workdps(60):
        for k, value in enumerate(z):
            x = mpmath.mpf(float(value))
            # A Taylor polynomial of log(1 + k x) / k about the shape, in exact arithmetic.
            at = mpmath.mpf(shape) if shape else mpmath.mpf("1e-25")
            want = [mpmath.diff(lambda s, x=x: mpmath.log1p(s * x) / s, at, n) for n in (0, 1, 2)]
            assert t[k] == pytest.approx(float(want[0]), rel=1e-13)
            assert first[k] == pytest.approx(float(want[1]), rel=1e-9, abs=1e-13)
            assert second[k] == pytest.approx(float(want[2]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("family", [Gev(), GeneralizedPareto()], ids=repr)
def test_rows_beyond_the_end_of_the_support_have_no_density(family):
    native = {"loc": 0.0, "scale": 1.0, "shape": -0.5}
    eta = family.eta(**{name: native[name] for name in family.params})[None]
    y = np.array([1.0, 2.5])
    assert np.isfinite(family.log_prob(y, eta)[0])
    assert family.log_prob(y, eta)[1] == -np.inf
    assert family.sum_value_and_score(y, None, eta)[0] == -np.inf


# ------------------------------------------------------------------ scipy, units, far starts


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("seed", range(10))
def test_never_below_scipys_fit(name, seed):
    """scipy fits the data at scale 1, where its simplex search does best."""
    family, fixed, _ = FAMILIES[name]
    unit, n = 10.0 ** np.random.default_rng(seed).uniform(-3, 6), SIZES[seed % 4]
    x = draws(name, seed, n)
    model = fit(name, unit * x)
    with np.errstate(all="ignore"):
        peer = family.logpdf(x, *family.fit(x, **fixed)).sum() - n * np.log(unit)
    assert model.status_ in ("converged", "boundary"), model.message_
    assert model.n_iter_ <= 25
    assert loglik(model, unit * x) >= peer - 1e-6


@pytest.mark.parametrize("unit", [1e-6, 1e4, 1e8])
@pytest.mark.parametrize("name", FAMILIES)
def test_units(name, unit):
    x = draws(name, 3, 150)
    plain, scaled = fit(name, x, tol=1e-8), fit(name, unit * x, tol=1e-8)
    assert plain.status_.good and scaled.status_.good
    for key, value in plain.params_.items():
        size = 1.0 if key == "shape" else unit
        np.testing.assert_allclose(scaled.params_[key], size * value, rtol=1e-5, atol=1e-7 * size)
    assert abs(plain.n_iter_ - scaled.n_iter_) <= 2


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", FAMILIES)
def test_scale_off_by_ten_thousand(name, factor):
    x = draws(name, 5, 300)
    best = fit(name, x)
    start = {key: float(value[0]) for key, value in best.params_.items()}
    start["sd" if name == "skew_normal" else "scale"] *= factor
    if "shape" in start:
        start["shape"] = 0.5
    model = fit(name, x, start_params=start)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= 60
    assert loglik(model, x) == pytest.approx(loglik(best, x), abs=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_weight_is_repetition(name):
    x = draws(name, 7, 60)
    weight = np.arange(60) % 3 + 1.0
    one = fit(name, x, sample_weight=weight, tol=1e-9)
    two = fit(name, np.repeat(x, weight.astype(int)), tol=1e-9)
    for key, value in two.params_.items():
        np.testing.assert_allclose(one.params_[key], value, rtol=1e-6, atol=1e-8)


# ---------------------------------------------------------------------- tails for censoring


@pytest.mark.parametrize(
    ("family", "native"),
    [
        (Gumbel(), {"loc": 1.0, "scale": 2.0}),
        (Gev(), {"loc": 1.0, "scale": 2.0, "shape": 0.2}),
        (Gev(), {"loc": 1.0, "scale": 2.0, "shape": -0.2}),
        (GeneralizedPareto(), {"scale": 2.0, "shape": 0.2}),
        (Logistic(), {"loc": 1.0, "scale": 2.0}),
        (Laplace(), {"loc": 1.0, "scale": 2.0}),
        (Cauchy(), {"loc": 1.0, "scale": 2.0}),
        (SkewNormal(), {"mean": 1.0, "sd": 2.0, "shape": 3.0}),
    ],
    ids=str,
)
def test_log_cdf_and_log_sf_against_scipy(family, native):
    eta = family.eta(**native)
    frozen = family.to_scipy(eta)
    y = frozen.ppf([1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6])
    values = [np.full(1, v) for v in native.values()]
    np.testing.assert_allclose(family._log_cdf(y, *values), frozen.logcdf(y), rtol=1e-7)
    np.testing.assert_allclose(family._log_sf(y, *values), frozen.logsf(y), rtol=1e-7)


def test_far_tails_keep_their_digits():
    one = [np.zeros(1), np.ones(1)]
    far = np.array([-1e12, 1e12])
    np.testing.assert_allclose(Cauchy()._log_cdf(far[:1], *one), -np.log(np.pi * 1e12), rtol=1e-12)
    np.testing.assert_allclose(Cauchy()._log_sf(far[1:], *one), -np.log(np.pi * 1e12), rtol=1e-12)
    np.testing.assert_allclose(Gumbel()._log_sf(np.array([80.0]), *one), -80.0, rtol=1e-12)
    np.testing.assert_allclose(Logistic()._log_cdf(np.array([-700.0]), *one), -700.0)


# ------------------------------------------------------------------- nested families, ends


@pytest.mark.parametrize("seed", range(12))
def test_gev_is_never_below_gumbel(seed):
    rng = np.random.default_rng(seed)
    x = [rng.gumbel, rng.standard_normal, rng.exponential][seed % 3](size=SIZES[seed % 4])
    best = stats.gumbel_r(*stats.gumbel_r.fit(x)).logpdf(x).sum()
    model = fit("gev", x)
    assert loglik(model, x) >= best - 1e-6 or model.status_ == "unbounded"
    eta = Gev().nested_start(x, None)
    np.testing.assert_allclose(
        eta[:2],
        Gumbel().eta(**dict(zip(("loc", "scale"), stats.gumbel_r.fit(x), strict=True))),
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize("seed", range(12))
def test_generalized_pareto_is_never_below_exponential(seed):
    rng = np.random.default_rng(seed)
    x = [rng.random, rng.exponential, rng.standard_gamma][seed % 3](
        **({"shape": 0.3} if seed % 3 == 2 else {}), size=SIZES[seed % 4]
    )
    model = fit("generalized_pareto", x)
    assert loglik(model, x) >= stats.expon(scale=x.mean()).logpdf(x).sum() - 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_skew_normal_is_never_below_normal_and_half_normal(seed):
    x = np.random.default_rng(seed).standard_normal(SIZES[seed % 4])
    x = np.abs(x) if seed % 3 == 0 else x
    best = loglik(fit("skew_normal", x), x)
    assert best >= stats.norm(x.mean(), x.std()).logpdf(x).sum() - 1e-6
    for sign in (1.0, -1.0):
        gap = sign * x - (sign * x).min()
        half = stats.halfnorm(scale=np.sqrt((gap**2).mean())).logpdf(gap).sum()
        # shape = 1e9 is the bound: 1e-8 nats a row from the half-normal.
        assert best >= half - 1e-6 - 1e-8 * len(x)


def test_skew_normal_ends_at_the_half_normal_and_says_so():
    x = np.abs(np.random.default_rng(0).standard_normal(30))
    model = fit("skew_normal", x)
    assert model.status_ == "boundary"
    assert "half-normal" in model.message_
    assert len(model.history_["objective"]) == model.n_iter_ + 1


def test_symmetric_data_have_no_skew():
    x = stats.skewnorm.rvs(3.0, size=200, random_state=1)
    model = fit("skew_normal", np.concatenate([x, -x]))
    assert model.status_.good
    assert abs(float(model.params_["mean"][0])) < 1e-3


@pytest.mark.parametrize("weight", [None, np.array([1.0, 1.0, 1.0, 5.0, 1.0, 1.0])])
def test_laplace_ends_at_the_median_at_once(weight):
    x = np.array([3.0, 1.0, 2.0, 2.0, 9.0, 4.0])
    model = fit("laplace", x, sample_weight=weight)
    assert model.status_ == "converged" and model.n_iter_ == 1
    repeated = x if weight is None else np.repeat(x, weight.astype(int))
    middle = np.median(repeated)
    assert float(model.params_["loc"][0]) == middle
    assert float(model.params_["scale"][0]) == pytest.approx(np.abs(repeated - middle).mean())


TIED = np.concatenate([np.zeros(60), np.random.default_rng(0).standard_normal(40)])


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("cauchy", TIED),
        ("student_t", TIED),
        ("generalized_pareto", np.abs(TIED)),
        ("gev", np.array([0.0, 0.0, 0.0, 0.0, 1.0])),
        ("generalized_pareto", np.linspace(0.01, 1.0, 40)),
    ],
)
def test_data_without_a_maximum_are_told(name, x):
    model = fit(name, x)
    assert model.status_ == "unbounded"
    assert "without bound" in model.message_ or "all the way" in model.message_
    assert not model.status_.good


@pytest.mark.parametrize("name", FAMILIES)
def test_five_rows_and_ties_end_without_nan(name):
    rng = np.random.default_rng(2)
    for x in (rng.gumbel(size=5), np.round(rng.gumbel(size=100)), TIED):
        x = np.abs(x) if name == "generalized_pareto" else x
        model = fit(name, x)
        assert np.isfinite(model.score(x[:, None]))
        assert all(np.isfinite(v).all() for v in model.params_.values())


@pytest.mark.parametrize("outlier", [-1e8, 1e8])
@pytest.mark.parametrize("name", MOVED)
def test_an_outlier_unseen_by_the_start(name, outlier):
    x = np.append(np.random.default_rng(1).gumbel(size=1_000), outlier)
    model = fit(name, x)
    assert np.isfinite(model.score(x[:, None]))
    assert model.status_ in ("converged", "boundary", "unbounded", "rounding_floor"), model.message_


@pytest.mark.parametrize("name", MOVED)
def test_constant_data_are_refused(name):
    with pytest.raises(ValueError, match="must not be constant"):
        natfit.fit(name, np.full(5, 3.0))
