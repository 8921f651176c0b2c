"""The penalised likelihood: derivatives against differences, priors against scipy."""

import numpy as np
import pytest
from scipy import stats

from natfit._component import resolve
from natfit.coordinates import Coordinates
from natfit.distributions import Gamma
from natfit.models import Constant
from natfit.objectives import Likelihood, Penalised, Prior
from natfit.rows import Memory

Y = np.random.default_rng(0).gamma(2.0, 3.0, 30)
PRIORS = {"shape": stats.lognorm(0.5, scale=2.0), "scale": stats.cauchy(0.0, 0.3)}


def objective(coordinates="unconstrained", weight=None):
    model = Constant(resolve(coordinates, Coordinates).bind(Gamma(), np.zeros(2)))
    priors = {name: Prior(name, density) for name, density in PRIORS.items()}
    return Penalised(priors, Gamma(), model, Memory(Y, weight=weight))


def log_posterior(shape, scale):
    prior = PRIORS["shape"].logpdf(shape) + PRIORS["scale"].logpdf(scale)
    return stats.gamma.logpdf(Y, shape, scale=scale).sum() + prior


@pytest.mark.parametrize("coordinates", ["unconstrained", "native"])
def test_value_gradient_and_hessian(coordinates):
    f = objective(coordinates)
    theta = np.array([0.6, 1.2]) if coordinates == "unconstrained" else np.array([1.8, 3.3])
    native = np.exp(theta) if coordinates == "unconstrained" else theta
    value, grad = f.value_and_grad(theta)
    assert value == pytest.approx(-log_posterior(*native) / 30, rel=1e-12)
    h = 1e-5 * np.eye(2)
    want = [(f.value(theta + u) - f.value(theta - u)) / 2e-5 for u in h]
    np.testing.assert_allclose(grad, want, rtol=1e-7)
    want = [(f.value_and_grad(theta + u)[1] - f.value_and_grad(theta - u)[1]) / 2e-5 for u in h]
    np.testing.assert_allclose(f.hessian(theta).dense(), want, rtol=1e-6)


def test_the_metric_keeps_the_positive_part():
    """The Cauchy at ten of its widths is convex in the scale: nothing is taken from F."""
    f, theta = objective(), np.array([0.6, 1.2])
    plain = Likelihood(f.distribution, f.model, Memory(Y))
    extra = f.fisher(theta).dense() - plain.fisher(theta).dense()
    curve = f.prior_terms(theta)[2]
    # Log-normal in the logarithm: log p = const - u - (u - m)^2 / (2 s^2), curvature 1 / s^2.
    assert curve[0] == pytest.approx(1 / 0.25, rel=1e-6)
    np.testing.assert_allclose(extra, np.diag(np.maximum(curve, 0.0)) / 30, atol=1e-12)
    empirical = f.scores(theta).dense() - plain.scores(theta).dense()
    np.testing.assert_allclose(empirical, extra, atol=1e-12)


@pytest.mark.parametrize(
    ("density", "x"),
    [
        (stats.norm(3.0, 1e-6), 3.0 + 2e-6),
        (stats.gamma(2.0, scale=1e5), 30.0),
        (stats.beta(2.0, 3.0), 0.999),
        (stats.cauchy(0.0, 1.0), 500.0),
        (stats.halfnorm(scale=2.0), 1e-3),
    ],
)
def test_differences_of_a_prior(density, x):
    """Against the closed form, at points from the body to the ends of the support."""
    forms = {
        "norm": lambda: (-(x - 3.0) * 1e12, -1e12),
        "gamma": lambda: (1 / x - 1e-5, -1 / x**2),
        "beta": lambda: (1 / x - 2 / (1 - x), -1 / x**2 - 2 / (1 - x) ** 2),
        "cauchy": lambda: (-2 * x / (1 + x**2), -2 * (1 - x**2) / (1 + x**2) ** 2),
        "halfnorm": lambda: (-x / 4, -0.25),
    }
    first, second = forms[density.dist.name]()
    value, slope, curve = Prior("p", density).terms(np.array([x]))
    assert value == pytest.approx(density.logpdf(x), rel=1e-12)
    assert slope[0] == pytest.approx(first, rel=1e-6)
    # Second differences keep half the digits where the density hardly bends.
    assert curve[0] == pytest.approx(second, rel=1e-3)


def test_a_family_is_its_scipy_counterpart():
    ours = Prior("p", ("gamma", {"shape": 2.5, "scale": 3.0}))
    theirs = Prior("p", stats.gamma(2.5, scale=3.0))
    x = np.array([0.1, 2.0, 40.0])
    for a, b in zip(ours.terms(x), theirs.terms(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert ours.median == pytest.approx(theirs.median, rel=0.05)


def test_outside_the_prior_there_is_no_value():
    f = objective()
    f.prior = {"scale": Prior("scale", stats.uniform(1.0, 1.0))}
    assert f.value(np.array([0.0, 3.0])) == np.inf
    moved = f.feasible(np.array([0.0, 3.0]))
    assert np.exp(moved[1]) == pytest.approx(1.5)
    inside = np.array([0.0, 0.3])
    assert f.feasible(inside).tolist() == inside.tolist()
