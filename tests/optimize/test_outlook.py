"""What lies around the end of a fit: saddles are left, ridges end as boundary, interiors stay."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from natfit.distributions import Positive, from_log_prob, from_scipy
from natfit.iterate import Status
from natfit.optimize import outlook
from natfit.testing.problems import likelihood
from tests.fits import fitted, total


def exponential_peak(y):
    """The log-likelihood of the exponential distribution at its maximum."""
    return -len(y) * (1.0 + np.log(y.mean()))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_folded_normal_leaves_the_saddle_at_zero(seed):
    # By symmetry the gradient vanishes at c = 0, where the curvature is negative.
    dist = stats.foldnorm
    y = dist.rvs(1.952, scale=2.0, size=300, random_state=np.random.default_rng(seed))
    model = fitted(from_scipy(dist, scale=True), y)
    best = optimize.minimize(
        lambda p: -dist.logpdf(y, np.exp(p[0]), scale=np.exp(p[1])).sum(),
        [0.7, 0.7],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-10, "maxfev": 2000},
    )
    assert model.status_ == "converged"
    assert total(model, y) == pytest.approx(-best.fun, abs=1e-6)


@pytest.mark.parametrize("name", ["lomax", "gompertz"])
def test_a_ridge_to_the_exponential_ends_as_boundary(name):
    # Both are exponential at c -> inf, scale -> inf; here the likelihood is lower before.
    y = stats.uniform.rvs(size=30, random_state=np.random.default_rng(0))
    if name == "gompertz":
        y = stats.lomax.rvs(2.0, size=60, random_state=np.random.default_rng(0))
    model = fitted(from_scipy(getattr(stats, name), scale=True), y)
    assert model.status_ == "boundary"
    assert "c -> inf and scale -> inf together" in model.message_
    assert total(model, y) == pytest.approx(exponential_peak(y), abs=1e-4)


def lomax(y, shape, scale):
    """The Lomax log-density as a user would write it."""
    return anp.log(shape / scale) - (shape + 1.0) * anp.log1p(y / scale)


def test_a_ridge_of_a_user_density_ends_as_boundary():
    y = stats.uniform.rvs(size=40, random_state=np.random.default_rng(3))
    family = from_log_prob(
        lomax, params={"shape": Positive(), "scale": Positive()}, support="positive"
    )
    model = fitted(family, y)
    assert model.status_ == "boundary"
    assert "do not tell the estimates from this limit" in model.message_
    assert total(model, y) == pytest.approx(exponential_peak(y), abs=1e-4)


def test_a_wide_interval_around_an_interior_optimum_is_no_ridge():
    checked = 0
    for seed in range(12):
        y = stats.lomax.rvs(4.0, size=25, random_state=np.random.default_rng(seed))
        profile = optimize.minimize_scalar(lomax_profile, (0.0, 2.0), args=(y,), tol=1e-12)
        above = -profile.fun - exponential_peak(y)
        if not (above > 1e-3 and profile.x < 12.0):
            continue
        model = fitted(from_scipy(stats.lomax, scale=True), y)
        assert model.status_ == "converged", (seed, model.message_)
        assert total(model, y) == pytest.approx(-profile.fun, abs=1e-6)
        checked += 1
    assert checked >= 4


def lomax_profile(log_scale, y):
    """Minus the log-likelihood of the Lomax distribution at the best shape for a scale."""
    scale = np.exp(log_scale)
    logs = np.log1p(y / scale).sum()
    shape = len(y) / logs
    return -(len(y) * np.log(shape / scale) - (shape + 1.0) * logs)


def test_parameters_of_which_the_data_know_only_the_product_stay_singular():
    def log_prob(y, a, b):
        rate = a * b
        return anp.log(rate) - rate * y

    y = stats.expon.rvs(size=30, random_state=np.random.default_rng(1))
    family = from_log_prob(log_prob, params={"a": Positive(), "b": Positive()}, support="positive")
    model = fitted(family, y)
    assert model.status_ == "singular"
    assert "a, " in model.message_


def test_far_is_said_where_the_observed_information_is_far_below_the_expected():
    # At scale .05 and shape 5 the expected information of loc is 1e12 times the observed one.
    y = np.array([-0.94, -0.93, -0.46, -0.25, 0.28, 0.31, 0.38, 0.63, 0.67, 1.01, 1.89, 3.75])
    model = fitted("gev", y, fixed={"scale": 0.0466})
    if model.status_.good or model.status_ is Status.BOUNDARY:
        best = max(
            model.distribution_.log_density(y, (model._eta[0] + step)[None]).sum()
            for step in ([-0.1, 0.0, 0.0], [0.1, 0.0, 0.0])
        )
        assert best < total(model, y) + 1e-6


def test_nothing_is_lower_or_level_around_a_regular_optimum():
    y = stats.weibull_min.rvs(1.7, scale=3.0, size=50, random_state=np.random.default_rng(2))
    model = natfit.fit("weibull", y)
    objective = likelihood(natfit.distributions.Weibull(), y)
    value, grad = objective.value_and_grad(model.theta_)
    found = outlook(objective, natfit.optimize.Iterate(model.theta_, value, grad))
    assert found == natfit.optimize.Outlook()
    shifted = model.theta_ + np.array([0.0, 0.02])
    value, grad = objective.value_and_grad(shifted)
    assert outlook(objective, natfit.optimize.Iterate(shifted, value, grad)).far
