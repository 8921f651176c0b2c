"""The von Mises distribution: scipy, mpmath, extreme concentrations, even spread."""

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from natfit.distributions import VonMises
from tests.cases import Case, continuous
from tests.fits import fitted, log_uniform, native, total

CASE = Case(
    data=np.random.default_rng(1).vonmises(1.0, 2.0, 200),
    optimum=lambda y: stats.vonmises.fit(y, fscale=1)[1::-1],
    draws=continuous(
        stats.vonmises,
        lambda x, loc, kappa: stats.vonmises.logpdf(x, kappa, loc),
        lambda rng, n: rng.vonmises(rng.uniform(-3, 3), log_uniform(rng, 0.05, 1e4), n),
        {"fscale": 1},
        moved=False,
        off="kappa",
    ),
)


SIZES = [20, 50, 200, 1_000, 10_000]


@pytest.mark.parametrize("seed", range(10))
def test_von_mises_is_as_likely_as_scipys(seed):
    rng = np.random.default_rng(seed)
    y = rng.vonmises(rng.uniform(-3, 3), log_uniform(rng, 0.05, 1e4), SIZES[seed % 5])
    model = fitted("von_mises", y)
    kappa, loc, _ = stats.vonmises.fit(y, fscale=1)
    assert model.status_ == "converged"
    assert total(model, y) >= stats.vonmises(kappa, loc).logpdf(y).sum() - 1e-6


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


def test_angles_that_spread_evenly_are_uniform():
    y = np.linspace(-np.pi, np.pi, 24, endpoint=False)
    model = fitted("von_mises", y)
    assert model.status_ in ("boundary", "singular")
    assert total(model, y) == pytest.approx(-24 * np.log(2 * np.pi), abs=1e-6)


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
