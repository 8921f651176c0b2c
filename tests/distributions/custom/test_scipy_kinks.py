"""Densities of scipy with kinks, walls, corners and formulas that are series."""

import warnings

import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import from_scipy


def fitted(dist, y, **options):
    """Estimates by name, and the model."""
    with warnings.catch_warnings():
        # A fit that ends at a limit says so in a warning.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = natfit.fit(from_scipy(dist, **options), y)
    return {k: float(v[0]) for k, v in model.params_.items()}, model


@pytest.mark.parametrize(("beta", "seed"), [(1.1, 1), (1.2, 2), (1.35, 1)])
def test_a_peak_without_a_second_derivative(beta, seed):
    y = stats.gennorm.rvs(beta, 1.0, 2.0, size=80, random_state=seed)
    found, model = fitted(stats.gennorm, y, loc=True, scale=True)
    assert model.status_ == "converged"
    power = found["beta"]

    def score(loc):
        return np.sum(np.sign(y - loc) * np.abs(y - loc) ** (power - 1.0))

    # For a power above one the likelihood has one maximum in loc: the zero of its score.
    best = np.median(y) if power <= 1.0 else optimize.brentq(score, y.min(), y.max(), xtol=1e-15)
    scale = (power * np.mean(np.abs(y - best) ** power)) ** (1.0 / power)
    value = stats.gennorm.logpdf(y, **found).sum()
    assert value >= stats.gennorm.logpdf(y, power, best, scale).sum() - 1e-8


@pytest.mark.parametrize(("dist", "shape"), [(stats.dgamma, 0.7), (stats.dweibull, 0.7)])
def test_an_infinite_density_at_a_row(dist, shape):
    y = dist.rvs(shape, 1.0, 2.0, size=60, random_state=3)
    found, model = fitted(dist, y, loc=True, scale=True)
    assert model.status_ == "unbounded"
    row = y[np.argmin(np.abs(y - found["loc"]))]
    assert f"infinite at the row {row:g}" in model.message_
    name = dist.shapes
    at = [
        dist.logpdf(y, found[name], row + gap, found["scale"]).sum() for gap in (1e-6, 1e-8, 1e-10)
    ]
    np.testing.assert_allclose(np.diff(at), (1.0 - found[name]) * np.log(100.0), rtol=1e-2)


def test_a_density_that_is_zero_inside_has_a_maximum():
    y = stats.dgamma.rvs(3.0, 1.0, 2.0, size=60, random_state=3)
    _, model = fitted(stats.dgamma, y, loc=True, scale=True)
    assert model.status_ == "converged"


@pytest.mark.parametrize("seed", [2])
def test_a_shape_at_the_end_of_its_range(seed):
    """With d = 1 a trapezoid ends with a positive density: its end is at the largest row."""
    y = stats.trapezoid.rvs(0.3, 1.0, scale=2.0, size=60, random_state=seed)
    found, model = fitted(stats.trapezoid, y, scale=True)
    # The likelihood is convex between two rows, so that the best c is at a row.
    at = [stats.trapezoid.logpdf(y, c, 1.0, 0.0, y.max()).sum() for c in y / y.max()]
    assert stats.trapezoid.logpdf(y, **found).sum() >= max(at) - 1e-6
    assert model.status_ in ("boundary", "converged")


@pytest.mark.parametrize(("dist", "most"), [(stats.nct, 100.0), (stats.ncf, 1e4)])
def test_the_number_of_terms_of_a_series_is_limited(dist, most):
    """A value takes as long as the series is: at nc = 1e9 a value of ncf takes hours."""
    family = from_scipy(dist, loc=False, scale=True)
    low, high, _ = family.limits
    at = list(family.params).index("nc")
    native = family.native_dict(high)["nc"]
    assert native == pytest.approx(most)
    points = np.repeat(np.clip(np.zeros((1, family.n_params)), low, high), 2, axis=0)
    points[:, at] = high[at] + np.array([-0.1, 10.0])
    near, far = family.log_rows(most * np.array([0.5, 1.0]), points).T
    assert np.isfinite(near).all()
    assert np.all(far == -np.inf)


@pytest.mark.parametrize("seed", [104])
def test_a_narrow_maximum_beside_an_infinite_end(seed):
    """As loc tends to the least row the likelihood is infinite; inside it has a maximum."""
    y = np.random.default_rng(seed).gamma(1.2, 3.0, 200)

    def profile(loc):
        x = y - loc
        distance = np.log(x.mean()) - np.log(x).mean()
        a = optimize.brentq(lambda a: np.log(a) - special.digamma(a) - distance, 1e-3, 1e3)
        return stats.gamma.logpdf(y, a, loc, x.mean() / a).sum()

    locs = y.min() - np.geomspace(1e-6, 1.0, 200) * y.std()
    values = np.array([profile(loc) for loc in locs])
    peaks = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])) + 1
    found, model = fitted(stats.gamma, y, loc=True, scale=True)
    assert len(peaks) == 1
    assert model.status_ == "converged"
    assert locs[peaks[0] + 1] < found["loc"] < locs[peaks[0] - 1]
    assert stats.gamma.logpdf(y, **found).sum() == pytest.approx(profile(found["loc"]), abs=1e-8)


def test_a_support_that_must_reach_far():
    """Both ends of a symmetric density reach beyond a long tail on one side."""
    y = np.random.default_rng(3).lognormal(1.0, 0.6, 60)
    _, model = fitted(stats.rdist, y, loc=True, scale=True)
    frozen = model.distribution_.counterpart(model._eta[0])
    assert frozen.logpdf(y).sum() >= stats.norm.logpdf(y, y.mean(), y.std()).sum() - 1e-3


def test_two_kinks_at_one_row():
    """Far-out rows make a triangle the best trapezoid: both kinks are at its mode."""
    y = np.array([-9.0, -0.9, -0.4, -0.1, 0.0, 0.2, 0.3, 0.6, 1.1, 2.0, 7.0])
    found, _ = fitted(stats.trapezoid, y, loc=True, scale=True)
    triangle, _ = fitted(stats.triang, y, loc=True, scale=True)
    value = stats.trapezoid.logpdf(y, **found).sum()
    assert value >= stats.triang.logpdf(y, **triangle).sum() - 1e-7


@pytest.mark.parametrize("dist", [stats.landau, stats.moyal, stats.kstwobign])
def test_a_density_that_underflows_at_rows_far_out(dist):
    y = np.append(np.linspace(-2.0, 2.0, 40), -30.0)

    def lower(u):
        with np.errstate(all="ignore"):
            value = -dist.logpdf(y, u[0], np.exp(u[1])).sum()
        return value if np.isfinite(value) else 1e12

    starts = [(loc, np.log(scale)) for loc in (-80.0, -31.0, 0.0) for scale in (3.0, 10.0, 30.0)]
    best = min(
        optimize.minimize(lower, u, method="Nelder-Mead", options={"xatol": 1e-9}).fun
        for u in starts
    )
    found, model = fitted(dist, y, loc=True, scale=True)
    assert model.status_ == "converged"
    assert dist.logpdf(y, **found).sum() >= -best - 1e-6
