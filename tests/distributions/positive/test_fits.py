"""Fits of five positive families: scipy, nested families, far starts, units, hostile data."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit.rows import Block
from tests.distributions.positive.broad import BROAD, broad, fit
from tests.fits import loglik, native

FAILURES = np.loadtxt(Path(__file__).parents[2] / "data" / "failure_times.csv", skiprows=1)
SCIPY = {
    "lognormal": stats.lognorm,
    "weibull": stats.weibull_min,
    "inverse_gamma": stats.invgamma,
    "inverse_gaussian": stats.invgauss,
}
#: Parameters that carry the unit of y.
UNITS = {name: {"scale"} for name in BROAD} | {"inverse_gaussian": {"mean", "shape"}}


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


@pytest.mark.parametrize("name", BROAD)
def test_default_start_converges(name):
    limits = 0
    for seed in range(60):
        y, _ = broad(name, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = fit(name, y)
        if name == "exponentiated_weibull" and model.status_ == "boundary":
            # The limit is the best: the maximum at moderate powers is lower.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                inside = fit(name, y, bounds={"power": (0.02, 50.0)})
            assert loglik(model, y) > loglik(inside, y) + 0.5, seed
            limits += 1
            continue
        assert model.status_ == "converged", (seed, model.message_)
        assert model.n_iter_ <= 25, seed
    assert limits <= 3


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", BROAD)
def test_scale_off_by_ten_thousand(name, factor):
    # A Weibull's log-density is -exp(shape * 9.2) there: a step takes 2 off the exponent.
    y = FAILURES if "weibull" in name else BROAD[name](np.random.default_rng(13), 200)
    family = NaturalMLE(name).fit(y[:, None]).distribution_
    start = family.native_dict(family.initial(Block(y), np.random.default_rng(0)))
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
