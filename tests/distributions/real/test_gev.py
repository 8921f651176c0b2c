"""Generalized extreme values: published sea levels, offsets, the Gumbel inside."""

from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

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


DATA = Path(__file__).parents[3] / "examples" / "data"
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


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", ["gev", "generalized_pareto"])
@pytest.mark.parametrize("shape", [-5.0, -2.0, -1.001, -1.0])
def test_words_of_a_known_shape_below_minus_one(family, shape):
    """Below -1 the density is infinite at the end; at -1 it is not, and nothing runs there."""
    y = np.array([0.1, 0.6, 1.0, 1.3, 1.5, 1.8, 2.2, 2.7])
    model = natfit.fit(family, y, fixed={"shape": shape})
    if shape < -1.0:
        assert model.status_ == "unbounded"
        assert f"shape = {shape:.4g}, below -1" in model.message_
    else:
        assert model.status_ != "unbounded"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_four_rows_have_no_maximum():
    """One of n rows at the lower end: with a shape above n - 1 the likelihood grows without limit.

    The profile over the shape rises all the way: -8.75 at 1.5, -8.06 at 2.5, -6.70 at 3.
    """
    model = natfit.fit("gev", [1.0, 2.0, 3.0, 10.0])
    assert model.status_ == "unbounded"
    # A member that is far more likely: the smallest row is 1e-200 above the end of the support.
    shape, scale = 3.5, 1e-200
    log_t = -np.log((np.array([0.0, 1.0, 2.0, 9.0]) + 1e-200) * shape / scale) / shape
    far = np.sum((shape + 1.0) * log_t - np.exp(log_t) - np.log(scale))
    assert far > 4.0 * model.score([[1.0], [2.0], [3.0], [10.0]]) + 50.0


@pytest.mark.parametrize("known", [3.0, 4.0, None])
def test_shapes_at_which_the_expected_information_is_far_too_large(known):
    """Where the data or the family have shapes of 3 and more, against a simplex search."""
    true = 0.1 if known else -3.0
    y = stats.genextreme.rvs(true, size=50, random_state=np.random.default_rng(3))
    model = natfit.fit("gev", y, fixed={"shape": known} if known else None)
    here = {k: float(v[0]) for k, v in model.params_.items()}

    def lower(u):
        shape = known or u[2]
        with np.errstate(all="ignore"):
            value = -stats.genextreme.logpdf(y, -shape, u[0], np.exp(u[1])).sum()
        return value if np.isfinite(value) else 1e9

    size = 2 if known else 3
    ends = []
    for start in ([y.min() + 0.5, 1.0, 2.5], [here["loc"], np.log(here["scale"]), here["shape"]]):
        at = np.array(start[:size])
        for _ in range(3):
            found = optimize.minimize(lower, at, method="Nelder-Mead", options={"fatol": 1e-9})
            at = found.x
        ends.append(found.fun)
    assert model.status_ == "converged"
    assert 50.0 * model.score(y[:, None]) >= -min(ends) - 1e-6
