"""Generalized extreme values: published sea levels, offsets, the Gumbel inside."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions import (
    Gev,
    Gumbel,
)
from natfit.distributions.real.gev import _near_gumbel
from natfit.rows import Memory
from tests.cases import Case, continuous
from tests.fits import fitted, loglik
from tests.oracles import polished

CASE = Case(
    data=3.0 + 2.0 * stats.genextreme.rvs(0.1, size=200, random_state=1),
    optimum=lambda y: polished(
        lambda m, s, k: stats.genextreme(-k, m, s), y, [np.median(y), 2.0, 0.1]
    ),
    draws=continuous(
        stats.genextreme,
        lambda x, loc, scale, shape: stats.genextreme.logpdf(x, -shape, loc, scale),
        lambda rng, n: stats.genextreme.rvs(rng.uniform(-0.6, 0.4), size=n, random_state=rng),
    ),
)


DATA = Path(__file__).parents[2] / "data"
SIZES = (20, 50, 200, 1_000)


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


@pytest.mark.parametrize("seed", range(12))
def test_gev_is_never_below_gumbel(seed):
    rng = np.random.default_rng(seed)
    x = [rng.gumbel, rng.standard_normal, rng.exponential][seed % 3](size=SIZES[seed % 4])
    best = stats.gumbel_r(*stats.gumbel_r.fit(x)).logpdf(x).sum()
    model = fitted("gev", x)
    assert loglik(model, x) >= best - 1e-6 or model.status_ == "unbounded"
    eta = Gev().nested_start(Memory(x))
    np.testing.assert_allclose(
        eta[:2],
        Gumbel().eta(**dict(zip(("loc", "scale"), stats.gumbel_r.fit(x), strict=True))),
        rtol=1e-6,
        atol=1e-6,
    )
