import autograd.numpy as anp
import numpy as np
import pytest

from natfit.objectives import Function, Objective


def fun(x, a=1.0):
    return a * anp.sum(x**2) + x[0] * x[1]


def jac(x, a=1.0):
    return 2 * a * x + x[::-1]


X = np.array([1.0, 2.0])
HESSIAN = np.array([[2.0, 1.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    "objective",
    [
        Function(fun, 2),
        Function(fun, 2, jac),
        Function(lambda x: (fun(x), jac(x)), 2, True),
    ],
    ids=["autograd", "jac", "both"],
)
def test_value_gradient_hessian(objective):
    value, grad = objective.value_and_grad(X)
    assert value == 7.0
    np.testing.assert_allclose(grad, jac(X))
    np.testing.assert_allclose(objective.hessian(X).dense(), HESSIAN, rtol=1e-8)
    assert not objective.hessian(X).positive


def test_arguments_reach_the_function():
    value, grad = Function(fun, 2, jac, args=(3.0,)).value_and_grad(X)
    assert value == 17.0
    np.testing.assert_allclose(grad, jac(X, 3.0))
    assert Function(fun, 2, args=(3.0,)).value(X) == 17.0


def test_a_plain_function_has_no_statistics():
    objective = Function(fun, 2)
    assert objective.total is None
    assert not objective.probabilistic
    assert objective.information(X) is None
    assert np.isnan(objective.kl(X, X))
    assert objective.names() == ["x[0]", "x[1]"]
    assert objective.in_domain(X)
    assert not objective.in_domain(np.array([np.nan, 0.0]))


def test_bounds_become_limits():
    low, high = np.array([0.0, -np.inf]), np.array([5.0, 1.0])
    objective = Function(fun, 2, bounds=(low, high))
    np.testing.assert_array_equal(objective.limits()[0], low)
    np.testing.assert_array_equal(objective.limits()[1], high)
    assert objective.bound(1, "upper") == "x[1] -> 1"
    assert objective.bound(0, "lower") == "x[0] -> 0"


@pytest.mark.parametrize(
    ("bad", "jac", "match"),
    [
        (lambda x: x, None, "fun must return one number, got shape"),
        (lambda x: x, jac, "fun must return one number, got shape"),
        (fun, lambda x: x[:1], r"jac must return shape \(2,\), got \(1,\)"),
        (lambda x: float(x[0]) ** 2, None, "could not be differentiated: write it in autograd"),
        (lambda x: np.asarray(x, dtype=float).sum(), None, "could not be differentiated"),
    ],
)
def test_what_cannot_be_used(bad, jac, match):
    with pytest.raises(ValueError, match=match):
        Function(bad, 2, jac).value_and_grad(X)


def test_a_users_own_error_is_passed_on():
    def fails(x):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        Function(fails, 2).value_and_grad(X)


def test_base_asks_for_its_verbs():
    for call in (lambda: Objective().value(X), lambda: Objective().hessian(X)):
        with pytest.raises(NotImplementedError):
            call()
