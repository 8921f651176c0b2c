"""Coordinates of a constant model against closed forms and finite differences."""

import numpy as np
import pytest

from natfit._component import resolve
from natfit.coordinates import Coordinates
from natfit.distributions import (
    Bernoulli,
    Exponential,
    Gamma,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
)
from natfit.models import Constant
from natfit.testing._core import gradient

SYSTEMS = ["unconstrained", "native", "expectation"]
POINTS = {
    "normal": (Normal(), [1.5, 0.4]),
    "mvn": (MultivariateNormal(dim=2), [0.3, -0.2, 0.1, -0.3, 0.4]),
    "diag": (MultivariateNormal("diag", dim=2), [0.3, -0.2, 0.1, -0.3]),
    "exponential": (Exponential(), [0.7]),
    "poisson": (Poisson(), [1.2]),
    "bernoulli": (Bernoulli(), [-0.4]),
    "gamma": (Gamma(), [0.3, -0.5]),
    "student_t": (StudentT(), [1.0, 0.2, 0.5]),
}
CLOSED = [name for name in POINTS if name not in ("gamma", "student_t")]


def bound(name, family, eta):
    return resolve(name, Coordinates).bind(family, np.array(eta))


@pytest.mark.parametrize(
    ("system", "name"),
    [(s, n) for s in SYSTEMS for n in (CLOSED if s == "expectation" else POINTS)],
)
def test_round_trip_and_derivatives(system, name):
    family, eta = POINTS[name]
    eta = np.array(eta)
    coordinates = bound(system, family, eta + 0.1)
    theta = coordinates.from_eta(eta)
    np.testing.assert_allclose(coordinates.to_eta(theta), eta, rtol=1e-10, atol=1e-12)
    assert len(coordinates.names()) == len(coordinates.labels()) == family.n_params
    jac = coordinates.jacobian(theta)
    jac = np.eye(len(theta)) if jac is None else jac
    np.testing.assert_allclose(jac, gradient(coordinates.to_eta, theta), rtol=1e-7, atol=1e-8)
    u = np.linspace(-1.0, 2.0, len(theta))
    want = gradient(lambda t: u @ gradient(coordinates.to_eta, t, 1e-3), theta, 1e-3)
    np.testing.assert_allclose(coordinates.curvature(theta, u), want, rtol=1e-5, atol=1e-5)


def test_native_is_mu_and_sigma():
    coordinates = bound("native", Normal(), [0.0, 0.0])
    np.testing.assert_allclose(coordinates.to_eta(np.array([12.0, 4.0])), [12.0, np.log(4.0)])
    assert coordinates.names() == ["loc", "scale"]
    assert bound("unconstrained", Normal(), [0.0, 0.0]).labels() == ["loc", "log scale"]


@pytest.mark.parametrize(
    ("name", "theta", "inside"),
    [
        ("normal", [0.0, 1e-200], True),
        ("normal", [0.0, 0.0], False),
        ("normal", [0.0, -1.0], False),
        ("normal", [np.nan, 1.0], False),
        ("normal", [0.0, np.inf], False),
        ("bernoulli", [0.5], True),
        ("bernoulli", [1.0], False),
        ("bernoulli", [0.0], False),
        ("gamma", [1.0, -1.0], False),
        ("exponential", [0.0], False),
        ("student_t", [0.0, 1.0, -2.0], False),
        ("diag", [0.0, 0.0, 1.0, -1.0], False),
    ],
)
def test_domain_of_native_coordinates(name, theta, inside):
    family, eta = POINTS[name]
    assert bound("native", family, eta).in_domain(np.array(theta)) is inside


def test_native_covariance_must_be_positive_definite():
    family, eta = POINTS["mvn"]
    coordinates = bound("native", family, eta)
    theta = coordinates.from_eta(np.array(eta))
    assert coordinates.in_domain(theta)
    bad = theta.copy()
    bad[coordinates.names().index("covariance[1,0]")] = 1e3
    assert not coordinates.in_domain(bad)


def test_expectation_of_the_normal_needs_a_variance():
    coordinates = bound("expectation", Normal(), [0.0, 0.0])
    # About the start's location 0 these are E[y] and E[y^2].
    assert coordinates.in_domain(np.array([1.0, 1.5]))
    assert not coordinates.in_domain(np.array([1.0, 1.0]))
    assert not coordinates.in_domain(np.array([1.0, 0.5]))


@pytest.mark.parametrize("name", CLOSED)
def test_expectation_coordinates_are_means_of_statistics(name):
    """F^-1 s = T(y) - theta in mean parameters, for every row y: it is T(y) - E[T(y)].

    Two points theta then differ by theta' - theta, whatever the row.
    """
    family, eta = POINTS[name]
    eta = np.array(eta)
    coordinates = bound("expectation", family, eta)
    theta = coordinates.from_eta(eta)
    jac = coordinates.jacobian(theta)
    fisher = jac.T @ family.fisher(eta[None])[0] @ jac
    y = family.sample(eta[None], np.random.default_rng(0), 50)
    gaps = family.score(y, eta[None]) @ jac @ np.linalg.inv(fisher)
    other = eta + 0.05
    theta2 = coordinates.from_eta(other)
    jac2 = coordinates.jacobian(theta2)
    fisher2 = jac2.T @ family.fisher(other[None])[0] @ jac2
    gaps2 = family.score(y, other[None]) @ jac2 @ np.linalg.inv(fisher2)
    np.testing.assert_allclose(gaps - gaps2, np.tile(theta2 - theta, (50, 1)), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "reason"), [("gamma", r"psi\(shape\)"), ("student_t", "exponential")]
)
def test_no_closed_form_says_why(name, reason):
    family, eta = POINTS[name]
    with pytest.raises(ValueError, match=reason):
        bound("expectation", family, eta)


def test_binding_leaves_the_original_alone():
    original = resolve("native", Coordinates)
    a, b = original.bind(Normal(), np.zeros(2)), original.bind(Poisson(), np.zeros(1))
    assert (type(a.family), type(b.family)) == (Normal, Poisson)
    assert not hasattr(original, "family")


def test_constant_model_delegates():
    coordinates = bound("native", Normal(), [0.0, 0.0])
    model = Constant(coordinates)
    theta = np.array([1.0, 2.0])
    assert model.shared
    assert model.n_params == 2
    assert model.names() == ["loc", "scale"]
    assert not model.in_domain(-theta)
    lin = model.linearize(theta)
    np.testing.assert_allclose(lin.eta, [[1.0, np.log(2.0)]])
    jac = np.diag([1.0, 0.5])
    v, u = np.array([1.0, -3.0]), np.array([[1.0, 2.0], [0.5, -1.0]])
    np.testing.assert_allclose(lin.jvp(v), [jac @ v])
    np.testing.assert_allclose(lin.vjp(u), jac.T @ u.sum(axis=0))
    c = np.array([np.eye(2), [[2.0, 1.0], [1.0, 3.0]]])
    np.testing.assert_allclose(lin.gram(c), jac.T @ c.sum(axis=0) @ jac)
    np.testing.assert_allclose(lin.diag(c), np.diag(jac.T @ c.sum(axis=0) @ jac))
    b = np.random.default_rng(0).standard_normal((3, 2, 2))
    columns = lin.pull_columns(b)
    want = sum(jac.T @ p @ p.T @ jac for p in b)
    np.testing.assert_allclose(columns @ columns.T, want)


def spaced(name, family):
    """Coordinates bound at evenly spaced values, and these."""
    eta = np.linspace(0.2, 0.6, family.n_params)
    return bound(name, family, eta), eta


def test_native_coordinates_of_the_normal_are_mu_and_sigma():
    coordinates, _ = spaced("native", Normal())
    theta = coordinates.from_eta(np.array([1.5, np.log(2.0)]))
    np.testing.assert_allclose(theta, [1.5, 2.0])
    np.testing.assert_allclose(coordinates.jacobian(theta), [[1.0, 0.0], [0.0, 0.5]])
    # d2 log sigma / d sigma2 = -1 / sigma^2.
    curve = coordinates.curvature(theta, np.array([3.0, 2.0]))
    np.testing.assert_allclose(curve, [[0.0, 0.0], [0.0, -0.5]])


@pytest.mark.parametrize("sigma", [0.0, -1e-300, -4.0, np.nan, np.inf])
def test_native_coordinates_reject_sigma_not_positive(sigma):
    coordinates, _ = spaced("native", Normal())
    assert not coordinates.in_domain(np.array([0.0, sigma]))
    assert not Constant(coordinates).in_domain(np.array([0.0, sigma]))
    assert coordinates.in_domain(np.array([0.0, 1e-6]))


def test_native_limits_are_what_a_constraint_declares():
    coordinates, _ = spaced("native", StudentT())
    low, high, _ = coordinates.limits()
    np.testing.assert_allclose(low, [-np.inf, -np.inf, 0.05])
    np.testing.assert_allclose(high, [np.inf, np.inf, 1e10])


def test_expectation_coordinates_are_shifted_moments():
    coordinates, eta = spaced("expectation", Normal())
    loc, scale = eta[0] + 0.5, 2.0
    theta = coordinates.from_eta(np.array([loc, np.log(scale)]))
    np.testing.assert_allclose(theta, [0.5, scale**2 + 0.25], rtol=1e-12)
    assert not coordinates.in_domain(np.array([2.0, 3.9]))
    assert coordinates.in_domain(np.array([2.0, 4.1]))


def test_expectation_coordinates_of_a_covariance_need_a_positive_one():
    coordinates, eta = spaced("expectation", MultivariateNormal("full", 2))
    theta = coordinates.from_eta(eta)
    assert coordinates.in_domain(theta)
    theta[2:4] = [0.1, 0.1]
    theta[4] = 5.0
    assert not coordinates.in_domain(theta)


def test_one_unit_step_in_expectation_coordinates_is_the_estimate():
    """theta - F^-1 grad f = E[T(y)] of the data, from anywhere."""
    from natfit.testing.problems import likelihood

    y = np.random.default_rng(1).normal(-3.0, 0.5, 60)
    family = Normal()
    objective = likelihood(family, y, "expectation", origin=np.array([7.0, 2.0]))
    coordinates = objective.model.coordinates
    theta = coordinates.from_eta(np.array([7.0, 2.0]))
    _, grad = objective.value_and_grad(theta)
    landed = theta - np.linalg.solve(objective.fisher(theta).dense(), grad)
    loc, scale = family.native(coordinates.to_eta(landed)[None])
    assert loc[0] == pytest.approx(y.mean(), rel=1e-10)
    assert scale[0] == pytest.approx(y.std(), rel=1e-10)


def test_bind_leaves_the_original_alone():
    coordinates = resolve("native", Coordinates)
    coordinates.bind(Normal(), np.zeros(2))
    assert not hasattr(coordinates, "family")
