"""Every univariate family on random sets: scipy's likelihood, units, starts good and bad."""

import functools

import numpy as np
import pytest

from natfit._component import available
from natfit.distributions.base import Distribution
from natfit.rows import Block, Memory
from tests.cases import case, fit_case, loglik, must_be_drawn, peer, random_rows
from tests.fits import native

#: Iterations allowed: from the family's own start, and from a bad one.
DEFAULT, BAD = 25, 60

#: Vectors, and families made of others, have tests of their own.
DRAWN = [name for name in available(Distribution) if case(name).draws is not None]
WITH_UNITS = [name for name in DRAWN if case(name).draws.scales]


def test_no_family_is_left_out():
    families = {
        name: case(name).family.bind(Memory(case(name).data)) for name in available(Distribution)
    }
    assert {name for name, f in families.items() if must_be_drawn(f)} <= set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_never_below_scipy(name):
    for seed in range(10):
        x = random_rows(name, seed, (20, 3_000))
        model = fit_case(name, x)
        assert model.status_ in ("converged", "boundary"), (seed, model.message_)
        assert loglik(name, native(model), x) >= peer(name, x) - 1e-6, seed


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_default_start(name):
    for seed in range(100, 130):
        x = random_rows(name, seed, (20, 1_000), (1e-6, 1e8))
        model = fit_case(name, x)
        if name in ("gev", "pearson3") and len(x) < 30 and model.status_ == "unbounded":
            continue  # no maximum before shape = -1 or skew = 2, and the fit says so
        assert model.status_ in ("converged", "boundary"), (seed, model.message_)
        # The way to a limit leads along a flat curve.
        assert model.n_iter_ <= (DEFAULT if model.status_ == "converged" else BAD), seed


@pytest.mark.parametrize("name", WITH_UNITS)
def test_units(name):
    powers = case(name).draws.scales
    for seed in range(3):
        x = random_rows(name, seed, (30, 1_000), (1.0, 1.0))
        plain = fit_case(name, x)
        for unit in (1e-6, 1e-3, 1e4, 1e8):
            scaled = fit_case(name, unit * x)
            assert scaled.status_ == plain.status_
            assert abs(scaled.n_iter_ - plain.n_iter_) <= 2
            for key, value in native(plain).items():
                got = float(scaled.params_[key][0]) / unit ** powers[key]
                assert got == pytest.approx(value, rel=1e-6), (seed, unit, key)
                error = float(scaled.standard_errors_[key][0]) / unit ** powers[key]
                assert error == pytest.approx(float(plain.standard_errors_[key][0]), rel=1e-5)


def off_by(name, family, start, factor):
    """Return the start with one parameter (or the odds of a probability) times a factor.

    Of a parameter that begins at another number than zero it is the distance from there.
    """
    key = case(name).draws.off
    least = family.params[key].domain[0]
    least = least if np.isfinite(least) else 0.0
    value = least + (float(start[key]) - least) * factor
    if family.params[key].native_bounds == (0.0, 1.0):
        odds = value / (1.0 - float(start[key]))
        value = odds / (1.0 + odds)
    return {k: float(v) for k, v in start.items()} | {key: value}


@functools.lru_cache(maxsize=5)
def from_its_own_start(name, seed):
    """Random rows and their fit, which both bad starts are compared with."""
    x = random_rows(name, seed, (100, 300))
    return x, fit_case(name, x)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", DRAWN)
def test_a_start_off_by_ten_thousand(name, factor):
    """Without a warning of numpy's either: every warning is an error here."""
    for seed in range(5):
        x, best = from_its_own_start(name, seed)
        family = best.distribution_
        start = family.native_dict(family.initial(Block(x), np.random.default_rng(0)))
        model = fit_case(name, x, start_params=off_by(name, family, start, factor))
        assert model.status_ in ("converged", "boundary"), (seed, model.message_)
        assert model.n_iter_ <= BAD, seed
        assert loglik(name, native(model), x) >= loglik(name, native(best), x) - 1e-6, seed
