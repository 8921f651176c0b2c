"""Fits of families of the real line and of excesses: scipy, units, far starts, hostile data."""

import numpy as np
import pytest
from scipy import stats

import natfit
from tests.fits import fitted, loglik

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


def draws(name, seed, n):
    return FAMILIES[name][2](np.random.default_rng([seed, len(name)]), n)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("seed", range(10))
def test_never_below_scipys_fit(name, seed):
    """scipy fits the data at scale 1, where its simplex search does best."""
    family, fixed, _ = FAMILIES[name]
    unit, n = 10.0 ** np.random.default_rng(seed).uniform(-3, 6), SIZES[seed % 4]
    x = draws(name, seed, n)
    model = fitted(name, unit * x)
    with np.errstate(all="ignore"):
        peer = family.logpdf(x, *family.fit(x, **fixed)).sum() - n * np.log(unit)
    assert model.status_ in ("converged", "boundary"), model.message_
    assert model.n_iter_ <= 25
    assert loglik(model, unit * x) >= peer - 1e-6


@pytest.mark.parametrize("unit", [1e-6, 1e4, 1e8])
@pytest.mark.parametrize("name", FAMILIES)
def test_units(name, unit):
    x = draws(name, 3, 150)
    plain, scaled = fitted(name, x, tol=1e-8), fitted(name, unit * x, tol=1e-8)
    assert plain.status_.good and scaled.status_.good
    for key, value in plain.params_.items():
        size = 1.0 if key == "shape" else unit
        np.testing.assert_allclose(scaled.params_[key], size * value, rtol=1e-5, atol=1e-7 * size)
    assert abs(plain.n_iter_ - scaled.n_iter_) <= 2


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", FAMILIES)
def test_scale_off_by_ten_thousand(name, factor):
    x = draws(name, 5, 300)
    best = fitted(name, x)
    start = {key: float(value[0]) for key, value in best.params_.items()}
    start["sd" if name == "skew_normal" else "scale"] *= factor
    if "shape" in start:
        start["shape"] = 0.5
    model = fitted(name, x, start_params=start)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= 60
    assert loglik(model, x) == pytest.approx(loglik(best, x), abs=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_weight_is_repetition(name):
    x = draws(name, 7, 60)
    weight = np.arange(60) % 3 + 1.0
    one = fitted(name, x, sample_weight=weight, tol=1e-9)
    two = fitted(name, np.repeat(x, weight.astype(int)), tol=1e-9)
    for key, value in two.params_.items():
        np.testing.assert_allclose(one.params_[key], value, rtol=1e-6, atol=1e-8)


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
    model = fitted(name, x)
    assert model.status_ == "unbounded"
    assert "without limit" in model.message_ or "all the way" in model.message_
    assert not model.status_.good


@pytest.mark.parametrize("name", FAMILIES)
def test_five_rows_and_ties_end_without_nan(name):
    rng = np.random.default_rng(2)
    for x in (rng.gumbel(size=5), np.round(rng.gumbel(size=100)), TIED):
        x = np.abs(x) if name == "generalized_pareto" else x
        model = fitted(name, x)
        assert np.isfinite(model.score(x[:, None]))
        assert all(np.isfinite(v).all() for v in model.params_.values())


@pytest.mark.parametrize("outlier", [-1e8, 1e8])
@pytest.mark.parametrize("name", MOVED)
def test_an_outlier_unseen_by_the_start(name, outlier):
    x = np.append(np.random.default_rng(1).gumbel(size=1_000), outlier)
    # The way is long: how far a hundred iterations come depends on the last bits of sums.
    model = fitted(name, x, max_iter=600)
    assert np.isfinite(model.score(x[:, None]))
    assert model.status_ in ("converged", "boundary", "unbounded", "rounding_floor"), model.message_


@pytest.mark.parametrize("name", MOVED)
def test_constant_data_are_refused(name):
    with pytest.raises(ValueError, match="must not be constant"):
        natfit.fit(name, np.full(5, 3.0))
