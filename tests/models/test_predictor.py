"""A user's function as a model; the constant model bound as a policy's."""

import autograd.numpy as anp
import numpy as np
import pytest

from natfit._component import resolve
from natfit.distributions import Normal
from natfit.models import MLP, Constant, Model, Predictor

RNG = np.random.default_rng(5)
X = RNG.standard_normal((6, 2))


def wave(theta, X):
    """theta0 sin(theta1 x0 + theta2 x1)."""
    return anp.reshape(theta[0] * anp.sin(anp.dot(X, theta[1:])), (-1, 1))


def test_derivatives_are_those_by_hand():
    bound = Predictor(wave, [2.0, 0.5, -1.0]).bind(2, Normal(), constant="scale")
    theta = bound.init(RNG, np.array([9.0, 0.25]))
    np.testing.assert_array_equal(theta, [2.0, 0.5, -1.0, 0.25])
    lin = bound.linearize(theta, X)
    phase = X @ theta[1:3]
    jac = np.zeros((6, 2, 4))
    jac[:, 0, 0] = np.sin(phase)
    jac[:, 0, 1:3] = (2.0 * np.cos(phase))[:, None] * X
    jac[:, 1, 3] = 1.0
    np.testing.assert_allclose(lin.eta, np.column_stack([2.0 * np.sin(phase), np.full(6, 0.25)]))
    v, u, b = RNG.standard_normal(4), RNG.standard_normal((6, 2)), RNG.standard_normal((6, 2, 1))
    np.testing.assert_allclose(lin.jvp(v), jac @ v, rtol=1e-10)
    np.testing.assert_allclose(lin.vjp(u), np.einsum("nkp,nk->p", jac, u), rtol=1e-10)
    columns = np.einsum("nkp,nkr->pnr", jac, b).reshape(4, -1)
    np.testing.assert_allclose(lin.pull_columns(b), columns, rtol=1e-10)


def test_more_parameters_than_outputs():
    """Then J is made of pullbacks; both ways agree with the network's own."""
    network = MLP((4,)).bind(2, Normal())
    theta = network.init(RNG, np.zeros(2)) + 0.1

    def fun(theta, X):
        hidden = anp.tanh(anp.dot(X, anp.reshape(theta[:8], (2, 4))) + theta[8:12])
        return anp.dot(hidden, anp.reshape(theta[12:20], (4, 2))) + theta[20:]

    bound = Predictor(fun, theta).bind(2, Normal())
    for rows in (X[:3], np.tile(X, (4, 1))):
        ours, theirs = bound.linearize(theta, rows), network.linearize(theta, rows)
        c = RNG.standard_normal((len(rows), 2, 2))
        np.testing.assert_allclose(ours.diag(c), theirs.diag(c), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.gram(c), theirs.gram(c), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.diag(c), theirs.diag(c), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.kernel(c), theirs.kernel(c), rtol=1e-9, atol=1e-12)


def test_start_may_be_drawn():
    bound = Predictor(wave, lambda rng: rng.standard_normal(3)).bind(2, Normal(), constant="scale")
    first = bound.init(np.random.default_rng(0), np.zeros(2))
    np.testing.assert_array_equal(first[:3], np.random.default_rng(0).standard_normal(3))
    assert bound.names() == ["theta[0]", "theta[1]", "theta[2]", "scale"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Predictor().bind(2, Normal()), TypeError, r"pass .*Predictor\(fun, start\)"),
        (lambda: Predictor(wave).bind(2, Normal()), ValueError, "start must"),
        (lambda: Predictor(wave, [np.nan]).bind(2, Normal()), ValueError, "start must be finite"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_says_which_shape_it_needs():
    bound = Predictor(wave, np.ones(3)).bind(2, Normal())
    for call in (bound.eta, bound.linearize):
        with pytest.raises(ValueError, match=r"\(n, Kv\) = \(6, 2\), got \(6, 1\).*'loc', 'scale'"):
            call(np.ones(3), X)


def test_a_draw_of_another_length_is_refused():
    lengths = iter([3, 4])
    bound = Predictor(wave, lambda rng: np.ones(next(lengths))).bind(2, Normal(), constant="scale")
    with pytest.raises(ValueError, match="start must have length 3, got 4"):
        bound.init(RNG, np.zeros(2))


# ----------------------------------------------------------------------- the constant model


@pytest.mark.parametrize(("coordinates", "scale"), [(None, np.log(2.0)), ("native", 2.0)])
def test_constant_binds_to_a_family(coordinates, scale):
    spec = resolve("constant", Model) if coordinates is None else Constant(coordinates)
    bound = spec.bind(7, Normal())
    eta0 = np.array([1.0, np.log(2.0)])
    theta = bound.init(RNG, eta0)
    np.testing.assert_allclose(theta, [1.0, scale])
    np.testing.assert_allclose(bound.eta(theta, X), eta0[None])
    assert bound.linearize(theta, X).eta.shape == (1, 2)
    assert bound.names() == ["loc", "scale"]
    assert spec.coordinates == coordinates
    theta += 1.0
    np.testing.assert_array_equal(eta0, [1.0, np.log(2.0)])


def test_constant_says_that_it_is_not_bound():
    for spec in (Constant(), Constant("native")):
        with pytest.raises(ValueError, match="call bind"):
            _ = spec.n_params
    with pytest.raises(ValueError, match="got 'sigma'"):
        Constant().bind(1, Normal(), constant=("sigma",))


def test_a_misspelt_model_is_named():
    with pytest.raises(ValueError, match="did you mean 'linear'"):
        resolve("liner", Model)
