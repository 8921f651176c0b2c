"""What minimize counts and returns, beside scipy's contract, and the forms a metric may have."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
import scipy.optimize
from scipy import sparse
from scipy.optimize import rosen, rosen_der, rosen_hess
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.linops import Damped, Restricted
from natfit.linops.given import Given
from natfit.metrics.tensor import TensorMetric
from natfit.solvers.auto import AutoSolver
from natfit.testing import check_operator

START = np.array([-1.2, 1.0])
OPTIONS = [
    {},
    {"metric": "observed"},
    {"metric": "observed", "damping": "levenberg"},
    {"step": "exact_line"},
    {"step": "fixed"},
    {"step": "kl"},
    {"step": "trust_region", "metric": "observed"},
    {"bounds": [(-2.0, 0.5), (None, None)], "metric": "observed"},
    {"metric": rosen_hess, "step": "exact_line"},
]


class Counted:
    """A function that counts its calls."""

    def __init__(self, fun):
        self.fun, self.calls = fun, 0

    def __call__(self, x):
        self.calls += 1
        return self.fun(x)


def by_autograd(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("options", OPTIONS, ids=map(str, range(len(OPTIONS))))
@pytest.mark.parametrize("form", ["autograd", "jac", "pair"])
def test_every_call_of_the_function_is_counted(form, options):
    """Trials, starts, differences of Hessians and measurements of rounding included."""
    fun, jac = Counted(by_autograd), None
    if form == "jac":
        fun, jac = Counted(rosen), Counted(rosen_der)
    if form == "pair":
        fun, jac = Counted(lambda x: (rosen(x), rosen_der(x))), True
    result = natfit.minimize(fun, START, jac=jac, max_iter=15, **options)
    assert result.nfev == fun.calls
    assert result.njev == (jac.calls if form == "jac" else result.njev)
    assert result.njev <= result.nfev or form == "jac"


def test_the_result_has_the_fields_of_scipys():
    ours = natfit.minimize(rosen, START, jac=rosen_der, metric=rosen_hess)
    theirs = scipy.optimize.minimize(
        rosen, START, jac=rosen_der, hess=rosen_hess, method="trust-exact"
    )
    for name in ("x", "fun", "jac", "nit", "nfev", "njev", "success", "status", "message"):
        mine, other = ours[name], theirs[name]
        if name == "status":
            continue  # A word here, a number there.
        assert np.shape(mine) == np.shape(other)
        assert isinstance(mine, bool | str) == isinstance(other, bool | str)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-6)
    assert ours.fun == rosen(ours.x)
    np.testing.assert_array_equal(ours.jac, rosen_der(ours.x))


def _quadratic(x):
    return 0.5 * (x[0] ** 2 + 30.0 * x[1] ** 2 + x[0] * x[1]) + 3.0


def _flat(x):
    return anp.sum((x - 1.0) ** 4)


def _bell(x):
    return -anp.exp(-anp.sum(x**2))


def _himmelblau(x):
    return (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2


def _beale(x):
    powers = np.arange(1, 4)
    return anp.sum((np.array([1.5, 2.25, 2.625]) - x[0] * (1.0 - x[1] ** powers)) ** 2)


def _cosh(x):
    return anp.sum(anp.log(anp.cosh(x)))


FUNCTIONS = [by_autograd, _quadratic, _flat, _bell, _himmelblau, _beale, _cosh]


@pytest.mark.parametrize("fun", FUNCTIONS, ids=lambda fun: fun.__name__)
@pytest.mark.parametrize("damping", [None, "levenberg"])
def test_a_factor_of_the_function_changes_nothing(fun, damping):
    """Powers of two change no digit, and the others only rounding."""
    start = np.array([0.5, -0.7])
    options = {"metric": "observed", "damping": damping, "max_iter": 60}
    with np.errstate(all="ignore"):
        want = natfit.minimize(fun, start, **options)
        for power in (-990, -300, -40, -7, 7, 40, 300, 990):
            got = natfit.minimize(lambda x, c=2.0**power: c * fun(x), start, **options)
            assert (got.status, got.nit) == (want.status, want.nit)
            np.testing.assert_allclose(got.x, want.x, rtol=1e-6, atol=1e-6)
    assert want.success


@pytest.mark.parametrize("fun", FUNCTIONS, ids=lambda fun: fun.__name__)
@pytest.mark.parametrize("damping", [None, "levenberg"])
def test_gradient_descent_has_no_unit(fun, damping):
    """The default metric knows no unit of the function: steps grow from the last ones."""
    start = np.array([0.5, -0.7])
    options = {"metric": "euclidean", "damping": damping, "max_iter": 25}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        want = natfit.minimize(fun, start, **options)
        for power in (-990, -300, -40, -7, 7, 40, 300, 990):
            got = natfit.minimize(lambda x, c=2.0**power: c * fun(x), start, **options)
            assert (got.status, got.nit) == (want.status, want.nit)
            np.testing.assert_allclose(got.x, want.x, rtol=1e-6, atol=1e-6)
    assert want.nit > 1 and want.fun < fun(start)


def test_levenberg_does_not_advise_itself():
    def kinked(x):
        return np.abs(x).sum() + x @ x, 2.0 * x - np.sign(x)  # Not its gradient.

    for damping, advised in ((None, True), ("levenberg", False)):
        with pytest.warns(ConvergenceWarning, match="no_descent"):
            result = natfit.minimize(kinked, [0.2, 0.1], jac=True, damping=damping)
        assert ("levenberg" in result.message) is advised


FORMS = {
    "array": lambda G: G,
    "csr": sparse.csr_array,
    "csc matrix": sparse.csc_matrix,
    "coo": sparse.coo_array,
    "operator": aslinearoperator,
    "products": lambda G: LinearOperator(G.shape, matvec=lambda v: G @ v),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("moving", [False, True])
def test_a_metric_may_be_sparse_or_known_by_its_products(form, moving):
    made = FORMS[form]
    matrix = np.diag([2.0, 20.0, 5.0]) + 0.5
    centre = np.array([1.0, -2.0, 3.0])

    def fun(x):
        gap = x - centre
        return 0.5 * gap @ matrix @ gap, matrix @ gap

    metric = (lambda x: made(matrix)) if moving else made(matrix)
    result = natfit.minimize(fun, np.zeros(3), jac=True, metric=metric)
    assert result.success and result.nit == 1
    np.testing.assert_allclose(result.x, centre, rtol=1e-8)
    held = natfit.minimize(
        fun, np.zeros(3), jac=True, metric=metric, bounds=[(0.0, 0.5), (None, None), (None, None)]
    )
    plain = natfit.minimize(
        fun, np.zeros(3), jac=True, metric=matrix, bounds=[(0.0, 0.5), (None, None), (None, None)]
    )
    np.testing.assert_allclose(held.x, plain.x, rtol=1e-7)
    damped = natfit.minimize(fun, np.zeros(3), jac=True, metric=metric, damping=1e-3)
    np.testing.assert_allclose(damped.x, centre, rtol=1e-6)


def test_many_parameters_need_no_matrix():
    size = 20_000
    laplacian = sparse.diags_array(
        [2.5, -1.0, -1.0], offsets=[0, 1, -1], shape=(size, size)
    ).tocsr()
    right = np.linspace(-1.0, 1.0, size)

    def fun(x):
        image = laplacian @ x
        return 0.5 * x @ image - right @ x, image - right

    want = sparse.linalg.spsolve(laplacian.tocsc(), right)
    for metric in (laplacian, aslinearoperator(laplacian)):
        result = natfit.minimize(fun, np.zeros(size), jac=True, metric=metric)
        np.testing.assert_allclose(result.x, want, atol=1e-7)


@pytest.mark.parametrize("form", [f for f in FORMS if f != "array"])
@pytest.mark.parametrize(
    ("matrix", "match"),
    [
        (np.eye(3), r"shape \(2, 2\), got \(3, 3\)"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "finite"),
        (np.array([[1.0, 1j], [-1j, 1.0]]), "real"),
        (-np.eye(2), "positive semidefinite"),
    ],
)
def test_what_is_no_metric_is_refused(form, matrix, match):
    with pytest.raises(ValueError, match=f"metric G must .*{match}"):
        natfit.minimize(rosen, START, jac=rosen_der, metric=lambda x: FORMS[form](matrix))


def test_a_complex_matrix_is_refused():
    with pytest.raises(ValueError, match="must be real"):
        natfit.minimize(rosen, START, jac=rosen_der, metric=np.array([[1.0, 1j], [-1j, 1.0]]))


def test_given_matrices_are_operators():
    root = np.random.default_rng(0).standard_normal((4, 4))
    matrix = root @ root.T
    for form in ("csr", "operator", "products"):
        check_operator(Given(FORMS[form](matrix)))
        check_operator(Damped(Given(FORMS[form](matrix)), np.arange(4.0)))
        check_operator(Restricted(Given(FORMS[form](matrix)), np.array([True, False, True, True])))
    chosen = AutoSolver().choose(Given(aslinearoperator(matrix)))
    assert type(chosen).__name__ == "CGSolver"


def test_sparse_metrics_compare():
    one, two = (TensorMetric(sparse.csr_array(np.eye(2) * k)) for k in (1.0, 2.0))
    assert one == TensorMetric(sparse.csr_array(np.eye(2))) and one != two
    assert one != TensorMetric(np.eye(2))


def test_no_metric_is_the_default_one():
    want = natfit.minimize(_quadratic, START, max_iter=200)
    assert want.success
    np.testing.assert_array_equal(
        natfit.minimize(_quadratic, START, metric=None, max_iter=200).x, want.x
    )


class _Watched(sparse.csr_array):
    """A sparse matrix that may not be made dense."""

    def toarray(self, *args, **kwargs):
        raise AssertionError("made dense")

    todense = toarray


@pytest.mark.parametrize("damping", [None, "fixed"])
def test_sparse_metrics_of_many_parameters_stay_sparse(damping):
    n = 400
    matrix = sparse.diags_array(
        [np.full(n, 4.0), np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1, -1]
    )
    result = natfit.minimize(
        lambda x: float((x - 1.0) @ (x - 1.0)), np.zeros(n), jac=lambda x: 2.0 * (x - 1.0),
        metric=_Watched(matrix.tocsr()), damping=damping,
    )  # fmt: skip
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)


def test_a_singular_sparse_metric_is_named():
    n = 150
    matrix = sparse.diags_array(np.append(0.0, np.ones(n - 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = natfit.minimize(
            lambda x: float((x - 1.0) @ (x - 1.0)), np.zeros(n), jac=lambda x: 2.0 * (x - 1.0),
            metric=matrix.tocsr(),
        )  # fmt: skip
    assert result.status == "singular" and "x[0]" in result.message


@pytest.mark.parametrize("factor", [1.0, 2.0**-40, 2.0**40])
@pytest.mark.parametrize("fun", [lambda x: -anp.sum(x**2), lambda x: -anp.exp(x[0]) - x[1] ** 4])
def test_a_function_without_a_minimum_says_so(fun, factor):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = natfit.minimize(lambda x: factor * fun(x), [1.0, 1.0])
    assert result.status == "unbounded" and not result.success
    assert "falls without limit" in result.message and "levenberg" not in result.message
