"""natfit.minimize, and as a method of scipy.optimize.minimize; oracles are scipy's methods."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.metrics.tensor import TensorMetric
from natfit.steps.exact_line import ExactLineSearch
from natfit.steps.fixed import FixedStep
from natfit.steps.kl import KLStep

H = np.array([[3.0, 1.0], [1.0, 2.0]])
OPTIMUM = np.array([1.0, -2.0])


def quadratic(x):
    gap = x - OPTIMUM
    return 0.5 * anp.dot(gap, anp.dot(H, gap))


def gradient(x):
    return H @ (x - OPTIMUM)


def test_one_unit_step_with_the_hessian_as_metric():
    for metric in (H, lambda x: H, TensorMetric(H), "observed", H.tolist()):
        result = natfit.minimize(quadratic, [4.0, 5.0], metric=metric)
        assert result.nit == 1
        assert result.success
        assert result.status == "converged"
        np.testing.assert_allclose(result.x, OPTIMUM, rtol=1e-9)


def test_the_result_is_scipys():
    result = natfit.minimize(quadratic, [4.0, 5.0], metric=H)
    assert isinstance(result, optimize.OptimizeResult)
    assert result.fun == pytest.approx(0.0, abs=1e-20)
    np.testing.assert_allclose(result.jac, 0.0, atol=1e-9)
    assert result.nfev == result.njev == 2
    assert "converged" in result.message
    assert result.history["objective"][-1] == result.fun
    assert "x" in repr(result)


@pytest.mark.parametrize("fun", [optimize.rosen, None], ids=["scipy", "autograd"])
def test_rosenbrock(fun):
    jac = optimize.rosen_der if fun else None

    def rosen(x):
        return anp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x0 = [1.3, 0.7, 0.8, 1.9]
    result = natfit.minimize(fun or rosen, x0, jac=jac, metric="observed")
    want = optimize.minimize(optimize.rosen, x0, jac=optimize.rosen_der, method="BFGS")
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, atol=1e-7)
    assert result.nit <= want.nit


def test_plain_gradient_descent_is_the_textbooks():
    x = np.array([4.0, 5.0])
    with pytest.warns(ConvergenceWarning, match="max_iter=10"):
        result = natfit.minimize(quadratic, x, metric="euclidean", step=FixedStep(0.1), max_iter=10)
    for _ in range(10):
        x = x - 0.1 * gradient(x)
    np.testing.assert_allclose(result.x, x, rtol=1e-12)
    assert not result.success
    assert result.status == "max_iter"


def test_steepest_descent_with_exact_line_search():
    x = np.array([4.0, 5.0])
    result = natfit.minimize(
        quadratic, x, step=ExactLineSearch(), metric="euclidean", max_iter=4, tol=0.0
    )
    for _ in range(4):
        g = gradient(x)
        x = x - (g @ g) / (g @ H @ g) * g
    np.testing.assert_allclose(result.x, x, rtol=1e-8)


def test_the_papers_algorithm_1():
    """theta - sqrt(2 eps / g'd) d, d = G(x)^-1 g, for a metric that moves."""

    def G(x):
        return np.diag(1.0 + x**2)

    x = np.array([4.0, 5.0])
    result = natfit.minimize(quadratic, x, metric=G, step=KLStep(0.02), max_iter=6)
    for _ in range(6):
        d = np.linalg.solve(G(x), gradient(x))
        x = x - np.sqrt(2 * 0.02 / (d @ G(x) @ d)) * d
    np.testing.assert_allclose(result.x, x, rtol=1e-9)
    np.testing.assert_allclose(result.history["predicted_kl"][1:], 0.02, rtol=1e-10)


def test_kl_step_ends_at_max_iter_without_a_warning():
    result = natfit.minimize(quadratic, [4.0, 5.0], metric=H, step="kl", max_iter=5)
    assert result.status == "max_iter"
    assert result.nit == 5


@pytest.mark.parametrize(
    "options",
    [
        {"jac": gradient},
        {"jac": True},
        {"jac": None},
        {"jac": False},
        {"solver": "cg", "metric": "observed"},
        {"damping": "levenberg", "metric": "observed"},
        {"damping": 0.1, "metric": "observed"},
        {"step": "exact_line"},
    ],
    ids=lambda value: str(value).split(" at 0x")[0],
)
def test_options_lead_to_the_same_optimum(options):
    fun = (lambda x: (quadratic(x), gradient(x))) if options.get("jac") is True else quadratic
    result = natfit.minimize(fun, [4.0, 5.0], **options)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, OPTIMUM, atol=1e-6)


def test_arguments_are_passed():
    def shifted(x, a, b):
        return anp.sum((x - a) ** 2) + b

    result = natfit.minimize(shifted, [0.0], args=(3.0, 1.0))
    assert result.x[0] == pytest.approx(3.0)
    assert result.fun == pytest.approx(1.0)
    result = natfit.minimize(lambda x, a: anp.sum((x - a) ** 2), [0.0], args=2.0)
    assert result.x[0] == pytest.approx(2.0)


def test_a_scalar_start_is_one_coordinate():
    assert natfit.minimize(lambda x: (x[0] - 2.0) ** 2, 0.0).x.shape == (1,)


@pytest.mark.parametrize(
    "bounds",
    [
        [(None, 0.5), (-1.0, None)],
        optimize.Bounds([-np.inf, -1.0], [0.5, np.inf]),
        np.array([[-np.inf, 0.5], [-1.0, np.inf]]),
    ],
    ids=["pairs", "Bounds", "array"],
)
@pytest.mark.parametrize("metric", ["observed", "euclidean"])
def test_bounds(bounds, metric):
    result = natfit.minimize(quadratic, [0.0, 0.0], bounds=bounds, metric=metric)
    want = optimize.minimize(quadratic, [0.0, 0.0], jac=gradient, bounds=bounds, method="L-BFGS-B")
    np.testing.assert_allclose(result.x, want.x, atol=1e-6)
    assert result.success
    assert result.status == "boundary"
    assert "x[0] -> 0.5" in result.message


def test_bounds_that_do_not_bind():
    result = natfit.minimize(quadratic, [0.0, 0.0], bounds=[(-5, 5), (-5, 5)], metric=H)
    assert result.status == "converged"
    np.testing.assert_allclose(result.x, OPTIMUM, rtol=1e-8)


def test_a_start_outside_the_bounds_is_moved_inside():
    result = natfit.minimize(quadratic, [9.0, 9.0], bounds=[(-5, 5), (-5, 5)], metric=H)
    np.testing.assert_allclose(result.x, OPTIMUM, rtol=1e-8)
    assert np.all(np.abs(result.history.theta) <= 5)


# ---------------------------------------------------------------------------- callbacks


def test_callback_gets_x():
    seen = []
    result = natfit.minimize(quadratic, [4.0, 5.0], callback=seen.append)
    assert len(seen) == result.nit
    np.testing.assert_array_equal(seen[-1], result.x)
    seen[-1][:] = 0.0
    assert not np.array_equal(seen[-1], result.x)


def test_callback_gets_a_result_by_name():
    seen = []

    def callback(intermediate_result):
        seen.append(intermediate_result)

    result = natfit.minimize(quadratic, [4.0, 5.0], callback=callback)
    assert seen[-1].fun == result.fun
    assert [s.nit for s in seen] == list(range(1, result.nit + 1))


@pytest.mark.parametrize("how", ["return", "raise"])
def test_callback_stops(how):
    def callback(x):
        if how == "raise":
            raise StopIteration
        return True

    result = natfit.minimize(quadratic, [4.0, 5.0], callback=callback)
    assert result.nit == 1
    assert result.status == "stopped_by_callback"
    assert not result.success


# ------------------------------------------------------------------------ scipy's method


def test_as_a_method_of_scipy():
    result = optimize.minimize(
        quadratic, [4.0, 5.0], method=natfit.natural_gradient, options={"metric": H}
    )
    assert result.nit == 1
    np.testing.assert_allclose(result.x, OPTIMUM, rtol=1e-9)


def test_scipys_arguments_arrive():
    seen = []
    result = optimize.minimize(
        lambda x, a: quadratic(x) + a,
        [0.0, 0.0],
        args=(2.0,),
        jac=lambda x, a: gradient(x),
        hess=lambda x, a: H,
        bounds=[(None, 0.5), (None, None)],
        callback=lambda x: seen.append(x),
        tol=1e-10,
        method=natfit.natural_gradient,
        options={"maxiter": 50, "disp": False},
    )
    assert result.x[0] == 0.5
    assert result.fun > 2.0
    assert len(seen) == result.nit
    assert result.nit <= 3


def test_scipys_callback_by_name():
    seen = []

    def callback(intermediate_result):
        seen.append(intermediate_result.fun)

    result = optimize.minimize(
        quadratic, [4.0, 5.0], method=natfit.natural_gradient, callback=callback
    )
    assert seen[-1] == result.fun


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"constraints": {"type": "eq", "fun": lambda x: x[0]}}, "no constraints; use method"),
        ({"hessp": lambda x, p: p}, "does not accept hessp"),
    ],
)
def test_what_scipys_method_refuses(options, match):
    with pytest.raises(ValueError, match=match):
        optimize.minimize(
            quadratic, [0.0, 0.0], jac=gradient, method=natfit.natural_gradient, **options
        )


# ----------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"fun": 3}, TypeError, "fun must be callable, got int"),
        ({"x0": [np.nan, 0.0]}, ValueError, "x0 must be finite, got nan at index 0"),
        ({"x0": [[1.0, 2.0]]}, ValueError, "x0 must have one dimension"),
        ({"x0": "ab"}, ValueError, "x0 must be an array of real numbers"),
        ({"jac": "2-point"}, TypeError, "jac must be callable, True or None"),
        ({"metric": np.eye(3)}, ValueError, r"metric G must have shape \(2, 2\)"),
        ({"metric": -np.eye(2)}, ValueError, "positive semidefinite"),
        ({"metric": "exact"}, ValueError, "needs a likelihood, got a plain function"),
        ({"metric": object()}, TypeError, "metric must be a string, a Metric, a callable"),
        ({"metric": "fisher"}, ValueError, "metric must be one of"),
        ({"bounds": [(0, 1)]}, ValueError, "bounds must be 2 pairs"),
        ({"bounds": [(1, 0), (0, 1)]}, ValueError, "bounds must have low <= high, got 1.0, 0.0"),
        ({"bounds": [(np.nan, 0), (0, 1)]}, ValueError, "bounds must have low <= high"),
        ({"max_iter": 0}, ValueError, "max_iter must be >= 1"),
        ({"tol": -1.0}, ValueError, "tol must be >= 0"),
        ({"random_state": "x"}, ValueError, "random_state must be"),
        ({"callback": 3}, TypeError, "callback"),
        ({"fun": lambda x: x}, ValueError, "fun must return one number"),
    ],
    ids=lambda value: str(value).split(" at 0x")[0],
)
def test_bad_arguments(arguments, error, match):
    options = {"fun": quadratic, "x0": [0.0, 0.0]} | arguments
    with pytest.raises(error, match=match):
        natfit.minimize(**options)


def test_unknown_options_are_pythons_error():
    with pytest.raises(TypeError, match="step_size"):
        natfit.minimize(quadratic, [0.0, 0.0], step_size=1.0)


def test_a_failure_warns_and_says_why():
    with pytest.warns(ConvergenceWarning, match="minimize: no_descent: .*gradient belongs"):
        result = natfit.minimize(quadratic, [4.0, 5.0], jac=lambda x: -gradient(x))
    assert not result.success


def test_start_at_a_point_without_a_value():
    with pytest.warns(ConvergenceWarning, match="non_finite"):
        result = natfit.minimize(lambda x: (np.nan, x), [1.0], jac=True)
    assert result.status == "non_finite"
    assert not result.success


def test_a_hundred_dimensions_below_full_rank():
    """Least squares with fewer rows than unknowns: the minimum-norm step, recorded."""
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal((5, 20)), rng.standard_normal(5)

    def fun(x):
        return 0.5 * anp.sum((anp.dot(A, x) - b) ** 2)

    with pytest.warns(ConvergenceWarning, match="singular"):
        result = natfit.minimize(fun, np.zeros(20), metric=A.T @ A)
    np.testing.assert_allclose(A @ result.x, b, rtol=1e-7)
    assert any("pseudo-inverse" in note for note in result.history.notes)


@pytest.mark.parametrize(
    ("x0", "options", "words"),
    [
        ([1 + 2j], {}, "x0 must be an array of real numbers: got complex128"),
        ([np.datetime64("2020")], {}, "x0 must be an array of real numbers: got datetime64"),
        ([], {}, "x0 must hold at least one number"),
        ([10**400], {}, "x0 must be an array of real numbers"),
        ([0.0], {"bounds": 5}, "bounds must be 1 pairs"),
        ([0.0], {"bounds": np.nan}, "bounds must be 1 pairs"),
        ([0.0], {"jac": True}, "fun must return .value, gradient. with jac=True, got "),
        ([0.0], {"jac": lambda x: "a"}, r"jac must return shape \(1,\), got 'a'"),
        ([0.0], {"tol": 10**400}, "tol must be within"),
    ],
)
def test_arguments_of_another_type(x0, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        natfit.minimize(lambda x: (x[0] - 1.0) ** 2, x0, **options)


def test_the_result_prints_twelve_rows_of_its_history():
    result = natfit.minimize(
        lambda x: (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2,
        [-1.2, 1.0],
        metric="observed",
    )
    n = result.history.n_rows
    assert n > 12
    lines = str(result).splitlines()
    assert sum(line.split()[0].isdigit() for line in lines) == 12
    assert f"[{n} rows, of which the first 6 and the last 6 are shown]" in str(result)
    assert "nan" not in str(result)
