"""The constant model: J products against the dense Jacobian."""

import numpy as np
import pytest

from natfit._component import resolve
from natfit.coordinates import Coordinates
from natfit.distributions import Gamma, MultivariateNormal, Normal, StudentT
from natfit.models import Constant, Model
from natfit.models.base import Linearization
from natfit.testing.problems import LinearModel

FAMILIES = [Normal(), Gamma(), StudentT(), MultivariateNormal("full", 2)]


def bound(name, family):
    eta = np.linspace(0.2, 0.6, family.n_params)
    return resolve(name, Coordinates).bind(family, eta), eta


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
@pytest.mark.parametrize("name", ["unconstrained", "native"])
def test_products_are_those_of_the_jacobian(name, family):
    coordinates, eta = bound(name, family)
    theta = coordinates.from_eta(eta)
    model = Constant(coordinates)
    assert model.n_params == family.n_params
    lin = model.linearize(theta)
    jac = coordinates.jacobian(theta)
    jac = np.eye(len(eta)) if jac is None else jac
    rng = np.random.default_rng(0)
    k = len(eta)
    v, u, b = rng.standard_normal(k), rng.standard_normal((4, k)), rng.standard_normal((3, k, 2))
    c = np.einsum("nkr,nlr->nkl", b, b)
    np.testing.assert_allclose(lin.eta, eta[None], rtol=1e-9)
    np.testing.assert_allclose(lin.jvp(v), (jac @ v)[None], rtol=1e-10)
    np.testing.assert_allclose(lin.vjp(u), jac.T @ u.sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(lin.vjp(u[:1]), jac.T @ u[0], rtol=1e-10)
    want = jac.T @ c.sum(axis=0) @ jac
    np.testing.assert_allclose(lin.gram(c), want, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(lin.diag(c), np.diagonal(want), rtol=1e-9)
    columns = lin.pull_columns(b)
    np.testing.assert_allclose(columns @ columns.T, want, rtol=1e-9, atol=1e-12)


def test_base_model_has_no_limits_and_asks_for_its_verbs():
    model = LinearModel(2, 3)
    low, high, steps = model.limits()
    assert np.all(low == -np.inf) and np.all(high == np.inf) and np.all(steps == np.inf)
    assert model.names() == [f"theta[{p}]" for p in range(6)]
    assert model.in_domain(np.zeros(6))
    assert not model.in_domain(np.full(6, np.nan))
    with pytest.raises(NotImplementedError):
        Model().n_params  # noqa: B018
    with pytest.raises(NotImplementedError):
        Linearization().jvp(np.zeros(1))


def test_a_linear_model_is_what_its_jacobian_says():
    rng = np.random.default_rng(2)
    X, theta = rng.standard_normal((5, 2)), rng.standard_normal(6)
    model = LinearModel(2, 3)
    jac = np.stack([np.kron(x, np.eye(3)) for x in X])
    lin = model.linearize(theta, X)
    np.testing.assert_allclose(lin.eta, jac @ theta)
    v, u = rng.standard_normal(6), rng.standard_normal((5, 3))
    np.testing.assert_allclose(lin.jvp(v), jac @ v)
    np.testing.assert_allclose(lin.vjp(u), np.einsum("nkp,nk->p", jac, u))
    np.testing.assert_allclose(model.eta(theta, X), lin.eta)
