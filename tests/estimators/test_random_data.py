"""Every univariate family on random sets: scipy's likelihood, units, starts good and bad."""

import numpy as np
import pytest

from natfit._component import registered
from natfit.distributions.base import Distribution
from tests.family_draws import CASES, data, fitted, loglik, numbers, peer

#: Iterations allowed: from the family's own start, and from a bad one.
DEFAULT, BAD = 25, 60

#: Families with tests of their own against other oracles: vectors, and those made of others.
ELSEWHERE = {
    "categorical",
    "dirichlet",
    "dirichlet_multinomial",
    "mixture",
    "multi_bernoulli",
    "multi_categorical",
    "multinomial",
    "multivariate_normal",
    "multivariate_t",
    "scaled",
    "shifted",
    "truncated",
}
WITH_UNITS = [name for name, case in CASES.items() if case.scales]


def test_every_family_is_drawn():
    assert {name for name, _ in registered(Distribution)} - ELSEWHERE == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_never_below_scipy(name):
    for seed in range(10):
        x = data(name, seed, (20, 3_000))
        model = fitted(name, x)
        assert model.status_ in ("converged", "boundary"), (seed, model.message_)
        assert loglik(name, model, x) >= peer(name, x) - 1e-6, seed


@pytest.mark.parametrize("name", CASES)
def test_default_start(name):
    for seed in range(100, 200):
        x = data(name, seed, (20, 1_000), (1e-6, 1e8))
        model = fitted(name, x)
        if name == "gev" and len(x) < 30 and model.status_ == "unbounded":
            continue  # no maximum before shape = -1, and the fit says so
        assert model.status_ in ("converged", "boundary"), (seed, model.message_)
        # The way to a limit leads along a flat curve.
        assert model.n_iter_ <= (DEFAULT if model.status_ == "converged" else BAD), seed


@pytest.mark.parametrize("name", WITH_UNITS)
def test_units(name):
    powers = CASES[name].scales
    for seed in range(3):
        x = data(name, seed, (30, 1_000), (1.0, 1.0))
        plain = fitted(name, x)
        for unit in (1e-6, 1e-3, 1e4, 1e8):
            scaled = fitted(name, unit * x)
            assert scaled.status_ == plain.status_
            assert abs(scaled.n_iter_ - plain.n_iter_) <= 2
            for key, value in numbers(plain.params_).items():
                got = float(scaled.params_[key][0]) / unit ** powers[key]
                assert got == pytest.approx(value, rel=1e-6), (seed, unit, key)
                error = float(scaled.standard_errors_[key][0]) / unit ** powers[key]
                assert error == pytest.approx(float(plain.standard_errors_[key][0]), rel=1e-5)


def off_by(name, start, factor):
    """The start with one parameter off; a probability's odds."""
    key = CASES[name].off
    value = start[key] * factor
    if key == "prob":
        odds = start[key] / (1.0 - start[key]) * factor
        value = odds / (1.0 + odds)
    return start | {key: value}


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", CASES)
def test_a_start_off_by_ten_thousand(name, factor):
    """Without a warning of numpy's either: every warning is an error here."""
    for seed in range(5):
        x = data(name, seed, (100, 300))
        best = fitted(name, x)
        family = best.distribution_
        start = numbers(family.native_dict(family.initial(x, None, np.random.default_rng(0))))
        model = fitted(name, x, start_params=off_by(name, start, factor))
        assert model.status_ in ("converged", "boundary"), (seed, model.message_)
        assert model.n_iter_ <= BAD, seed
        assert loglik(name, model, x) >= loglik(name, best, x) - 1e-6, seed
