"""The network against autograd through a forward pass written here."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import jacobian
from scipy.special import expit

from natfit._component import resolve
from natfit.distributions import MultivariateNormal, Normal
from natfit.linops import Damped
from natfit.models import MLP, Model
from natfit.models.mlp import ACTIVATIONS
from natfit.objectives import Likelihood
from natfit.rows import Memory
from natfit.solvers.woodbury import WoodburySolver

RNG = np.random.default_rng(4)
X = RNG.standard_normal((6, 3))

PHI = {
    "tanh": lambda z: (anp.exp(2.0 * z) - 1.0) / (anp.exp(2.0 * z) + 1.0),
    "relu": lambda z: anp.where(z > 0.0, z, 0.0),
    "softplus": lambda z: anp.log(1.0 + anp.exp(z)),
    "sigmoid": lambda z: 1.0 / (1.0 + anp.exp(-z)),
    "identity": lambda z: z,
}


def oracle(theta, widths, phi):
    """eta (n, 2): matrices row by row, each followed by its bias."""
    a, start = X, 0
    sizes = [X.shape[1], *widths, 2]
    for layer, (rows, columns) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        end = start + rows * columns
        weights, bias = theta[start:end], theta[end : end + columns]
        a = anp.dot(a, anp.reshape(weights, (rows, columns))) + bias
        a = a if layer == len(widths) else phi(a)
        start = end + columns
    return a


@pytest.mark.parametrize("widths", [(4,), (5, 3), (2, 6, 3)])
@pytest.mark.parametrize("activation", PHI)
def test_derivatives_are_autograds(activation, widths):
    bound = MLP(widths, activation).bind(3, Normal())
    theta = RNG.standard_normal(bound.n_params)
    lin = bound.linearize(theta, X)
    np.testing.assert_allclose(lin.eta, oracle(theta, widths, PHI[activation]), rtol=1e-10)
    jac = jacobian(lambda t: oracle(t, widths, PHI[activation]))(theta)
    v, u, b = RNG.standard_normal(len(theta)), RNG.standard_normal((6, 2)), RNG.random((6, 2, 3))
    c = np.einsum("nkr,nlr->nkl", b, b)
    gram = np.einsum("nkp,nkl,nlq->pq", jac, c, jac)
    columns = np.einsum("nkp,nkr->pnr", jac, b).reshape(len(theta), -1)
    near = {"rtol": 1e-9, "atol": 1e-10}
    np.testing.assert_allclose(lin.jvp(v), jac @ v, **near)
    np.testing.assert_allclose(lin.vjp(u), np.einsum("nkp,nk->p", jac, u), **near)
    np.testing.assert_allclose(lin.gram(c), gram, **near)
    np.testing.assert_allclose(lin.diag(c), np.diagonal(gram), **near)
    np.testing.assert_allclose(lin.pull_columns(b), columns, **near)
    np.testing.assert_allclose(lin.kernel(b), columns.T @ columns, **near)


@pytest.mark.parametrize("constant", [(), ("scale",)])
def test_its_fisher_is_solved_without_columns(constant):
    """Woodbury's identity through the kernel, held against numpy's solution."""
    bound = MLP((5, 4)).bind(3, Normal(), constant=constant)
    theta = bound.init(RNG, np.array([0.5, -0.2]))
    fisher = Likelihood(Normal(), bound, Memory(RNG.standard_normal(6), X)).fisher(theta)
    assert fisher.matrix_free
    damped = Damped(fisher, np.full(len(theta), 0.1))
    g = RNG.standard_normal(len(theta))
    want = np.linalg.solve(fisher.dense() + 0.1 * np.eye(len(theta)), g)
    np.testing.assert_allclose(WoodburySolver().solve(damped, g)[0], want, rtol=1e-8, atol=1e-10)


def test_every_activation_has_an_oracle():
    assert set(PHI) == set(ACTIVATIONS)


def test_blocks_of_rows_make_no_difference(monkeypatch):
    bound = MLP((5, 3)).bind(3, Normal())
    lin = bound.linearize(RNG.standard_normal(bound.n_params), X)
    c = RNG.standard_normal((6, 2, 2))
    want = lin.gram(c), lin.diag(c)
    monkeypatch.setattr("natfit.models._layers._ROOM", 10)
    np.testing.assert_allclose(lin.gram(c), want[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(lin.diag(c), want[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_far_values_stay_finite(activation):
    bound = MLP((2,), activation).bind(1, Normal())
    theta = np.full(bound.n_params, 900.0)
    far = np.array([[1.0], [-2.0], [0.0]])
    lin = bound.linearize(theta, far)
    assert np.isfinite(lin.eta).all()
    assert np.isfinite(lin.jvp(np.ones(len(theta)))).all()
    np.testing.assert_allclose(bound.eta(theta, far), lin.eta, rtol=1e-12)


def test_sigmoid_is_scipys():
    bound = MLP((1,), "sigmoid").bind(1, Normal(), constant="scale")
    theta = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
    z = np.linspace(-30.0, 30.0, 7)[:, None]
    np.testing.assert_allclose(bound.linearize(theta, z).eta[:, :1], expit(z), rtol=1e-12)


def test_start_is_orthogonal_and_small():
    bound = MLP((32, 16)).bind(4, Normal())
    theta = bound.init(np.random.default_rng(0), np.array([1.5, -0.5]))
    first, rest = theta[: 5 * 32].reshape(5, 32), theta[5 * 32 :]
    second, last = rest[: 33 * 16].reshape(33, 16), rest[33 * 16 :].reshape(17, 2)
    np.testing.assert_allclose(first[:-1] @ first[:-1].T, 2.0 * np.eye(4), atol=1e-12)
    np.testing.assert_allclose(second[:-1].T @ second[:-1], 2.0 * np.eye(16), atol=1e-12)
    np.testing.assert_allclose(last[:-1].T @ last[:-1], 1e-4 * np.eye(2), atol=1e-16)
    assert not first[-1].any()
    assert not second[-1].any()
    np.testing.assert_array_equal(last[-1], [1.5, -0.5])
    other = bound.init(np.random.default_rng(1), np.array([1.5, -0.5]))
    assert np.abs(theta - other).max() > 0.1


def test_names_say_what_feeds_what():
    bound = MLP((2, 1)).bind(1, Normal(), constant="scale")
    assert bound.names() == [
        *("h1.0[x0]", "h1.1[x0]", "h1.0[intercept]", "h1.1[intercept]"),
        *("h2.0[h1.0]", "h2.0[h1.1]", "h2.0[intercept]"),
        *("loc[h2.0]", "loc[intercept]", "scale"),
    ]


def test_a_kernel_of_many_parameters_needs_no_columns():
    """The 3e5 x 160 columns would take 400 MB."""
    import tracemalloc

    bound = MLP((500, 500)).bind(20, MultivariateNormal("diag", 2))
    rows = RNG.standard_normal((40, 20))
    lin = bound.linearize(bound.init(RNG, np.zeros(4)), rows)
    b = RNG.standard_normal((40, 4, 4))
    tracemalloc.start()
    try:
        kernel = lin.kernel(b)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    few = lin.pull_columns(b)[:, :3]
    np.testing.assert_allclose(kernel[:3, :3], few.T @ few, rtol=1e-9)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (MLP((3, 0)), ValueError, "hidden must be >= 1"),
        (MLP((2.5,)), TypeError, "hidden must be an integer"),
        (MLP(()), ValueError, "use the model 'linear'"),
        (MLP(32), TypeError, r"sequence of widths, got 32; try \(32, 32\)"),
        (MLP("32"), TypeError, "sequence of widths"),
        (MLP(activation="gelu"), ValueError, "activation must be one of"),
    ],
)
def test_refuses(spec, error, message):
    with pytest.raises(error, match=message):
        spec.bind(2, Normal())


def test_is_found_by_name():
    assert resolve("mlp", Model) == MLP()
