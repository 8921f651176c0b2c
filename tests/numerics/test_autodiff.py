"""Derivatives against closed forms and finite differences; casts; threads."""

from concurrent.futures import ThreadPoolExecutor

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.special import gammaln
from scipy import special

from natfit.numerics import autodiff
from natfit.testing._core import gradient

A = np.array([[2.0, 1.0], [1.0, 3.0]])
X = np.array([0.3, -0.7])


def quadratic(x):
    return 0.5 * anp.dot(x, anp.dot(A, x)) + anp.sum(anp.sin(x))


def vector(x):
    return anp.stack([x[0] * x[1], anp.exp(x[0]), x[1] ** 3])


JAC = np.array([[X[1], X[0]], [np.exp(X[0]), 0.0], [0.0, 3.0 * X[1] ** 2]])
HESSIAN = A - np.diag(np.sin(X))


def test_value_and_grad():
    value, grad = autodiff.value_and_grad(quadratic, X)
    assert value == pytest.approx(0.5 * X @ A @ X + np.sin(X).sum(), rel=1e-15)
    np.testing.assert_allclose(grad, A @ X + np.cos(X), rtol=1e-14)
    assert type(value) is float


def test_jacobian_and_products():
    np.testing.assert_allclose(autodiff.jacobian(vector, X), JAC, rtol=1e-14)
    v, u = np.array([1.0, -2.0]), np.array([0.5, 1.0, 2.0])
    push = autodiff.jvp(vector, X)
    np.testing.assert_allclose(push(v), JAC @ v, rtol=1e-14)
    np.testing.assert_allclose(push(2 * v), 2 * JAC @ v, rtol=1e-14)
    value, pull = autodiff.vjp(vector, X)
    np.testing.assert_allclose(value, [X[0] * X[1], np.exp(X[0]), X[1] ** 3])
    np.testing.assert_allclose(pull(u), JAC.T @ u, rtol=1e-14)
    np.testing.assert_allclose(pull(3 * u), 3 * JAC.T @ u, rtol=1e-14)


def test_hessian_and_products():
    np.testing.assert_allclose(autodiff.hessian(quadratic, X), HESSIAN, rtol=1e-13)
    product = autodiff.hvp(quadratic, X)
    for v in (np.array([1.0, 0.0]), np.array([-2.0, 5.0])):
        np.testing.assert_allclose(product(v), HESSIAN @ v, rtol=1e-13)


def test_a_linear_function_has_a_zero_hessian():
    np.testing.assert_array_equal(autodiff.hessian(lambda x: anp.sum(x), X), np.zeros((2, 2)))


def rowwise(rows):
    return anp.sin(rows[:, 0]) * rows[:, 1] ** 2 + gammaln(anp.exp(rows[:, 0]))


ROWS = np.random.default_rng(0).standard_normal((5, 2))


def test_row_derivatives():
    value, grad = autodiff.row_value_and_grad(rowwise, ROWS)
    a, b = ROWS.T
    s = np.exp(a)
    want = np.stack([np.cos(a) * b**2 + special.psi(s) * s, 2 * np.sin(a) * b], axis=1)
    np.testing.assert_allclose(value, np.sin(a) * b**2 + special.gammaln(s), rtol=1e-13)
    np.testing.assert_allclose(grad, want, rtol=1e-12)
    np.testing.assert_allclose(autodiff.row_grad(rowwise, ROWS), want, rtol=1e-12)


def test_row_hessian():
    found = autodiff.row_hessian(rowwise, ROWS)
    a, b = ROWS.T
    s = np.exp(a)
    corner = -np.sin(a) * b**2 + special.polygamma(1, s) * s**2 + special.psi(s) * s
    np.testing.assert_allclose(found[:, 0, 0], corner, rtol=1e-11)
    np.testing.assert_allclose(found[:, 0, 1], 2 * np.cos(a) * b, rtol=1e-12)
    np.testing.assert_allclose(found[:, 1, 1], 2 * np.sin(a), rtol=1e-12)


@pytest.mark.parametrize("x", [[1, 2], np.array([1, 2]), np.array([1, 2], dtype=np.float32)])
def test_integers_and_single_precision_are_cast(x):
    value, grad = autodiff.value_and_grad(lambda z: anp.sum(z**2) / 3, x)
    assert grad.dtype == np.float64
    assert value == 5.0 / 3.0
    np.testing.assert_allclose(grad, [2 / 3, 4 / 3], rtol=1e-15)


def test_functions_without_forward_mode():
    """solve, cholesky and gammaln have none in autograd: two pullbacks serve."""

    def fun(x):
        matrix = A + x[0] * np.eye(2)
        root = anp.linalg.cholesky(matrix)
        return anp.concatenate([anp.linalg.solve(matrix, x), gammaln(root[0, :1])])

    at = np.array([0.4, 1.5])
    v = np.array([0.3, -1.0])
    want = gradient(lambda x: np.asarray(fun(x)), at) @ v
    np.testing.assert_allclose(autodiff.jvp(fun, at)(v), want, rtol=1e-8)


def test_threads_get_their_own_derivatives():
    """autograd's trace is a global stack: without the lock, threads read each other's."""

    def work(k):
        x = np.full(3, float(k))
        value, grad = autodiff.value_and_grad(lambda z: anp.sum(anp.sin(z) * k), x)
        curve = autodiff.hessian(lambda z: anp.sum(z**3) * k, x)
        return value, grad, curve

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(1, 60)))
    for k, (value, grad, curve) in enumerate(results, start=1):
        assert value == pytest.approx(3 * np.sin(k) * k)
        np.testing.assert_allclose(grad, np.cos(k) * k * np.ones(3))
        np.testing.assert_allclose(curve, 6.0 * k * k * np.eye(3))


def test_a_derivative_inside_a_derivative_does_not_deadlock():
    def fun(x):
        inner, _ = autodiff.value_and_grad(quadratic, [1.0, 2.0])
        return inner * anp.sum(x)

    _, grad = autodiff.value_and_grad(fun, X)
    assert np.all(grad == grad[0])


def test_the_lock_is_free_after_an_error():
    def fails(x):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        autodiff.value_and_grad(fails, X)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(autodiff.value_and_grad, quadratic, X).result(timeout=60)[0]


def test_a_parameter_that_all_rows_share_may_be_a_branch():
    z = np.linspace(0.1, 2.0, 5)
    value, slope = autodiff.value_and_grad(lambda e: anp.sum(anp.where(z > 1.0, z * z, e)), [0.3])
    assert value == pytest.approx(0.6 + np.sum(z[z > 1.0] ** 2))
    np.testing.assert_array_equal(slope, [2.0])
