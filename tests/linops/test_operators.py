import numpy as np
import pytest

from natfit.distributions import Normal
from natfit.linops import Damped, Dense, Diagonal, LinearOperator, Restricted, Sandwich
from natfit.models.mlp import MLP
from natfit.testing import OPERATOR_CHECKS
from natfit.testing.operators import Factored
from natfit.testing.problems import LinearModel, LinearRows, likelihood, regression
from tests import skips
from tests.suites import Suite

RNG = np.random.default_rng(0)
ROOT = RNG.standard_normal((5, 5)) * np.array([1e-4, 1.0, 1.0, 1e4, 1.0])[:, None]
MASK = np.array([True, False, True, True, False])


def rows_of(n, k, r=None, seed=1):
    """A linear model on n rows, with C (n, K, K) and B (n, K, R)."""
    rng = np.random.default_rng(seed)
    lin = LinearModel(2, k).linearize(rng.standard_normal(2 * k), rng.standard_normal((n, 2)))
    b = rng.standard_normal((n, k, r or k))
    return lin, np.einsum("nkr,nlr->nkl", b, b), b


def sandwich(form, n=6, k=2, r=None):
    lin, c, b = rows_of(n, k, r)
    other, c2, b2 = rows_of(3, k, r, seed=2)
    if form == "diagonal":
        c, c2 = (np.eye(k) * np.abs(x) for x in (b, b2))
        return Sandwich([(lin, c, None), (other, c2, None)], 2 * k)
    if form == "singular":
        c, c2 = (x[:, :, :1] * x[:, None, :, 0] for x in (b, b2))
        return Sandwich([(lin, c, None), (other, c2, None)], 2 * k)
    if form == "C":
        return Sandwich([(lin, c, None), (other, c2, None)], 2 * k)
    if form == "B":
        return Sandwich([(lin, None, b), (other, None, b2)], 2 * k)
    return Sandwich([(lin, c, None), (other, None, b2)], 2 * k)


def network():
    """The one-term sandwich of a network with a constant scale, 5 rows, P = 20."""
    rng = np.random.default_rng(4)
    model = MLP((2, 3)).bind(2, Normal(), constant=("scale",))
    lin = model.linearize(rng.standard_normal(model.n_params), rng.standard_normal((5, 2)))
    c = np.eye(2) * rng.random((5, 1, 2))
    return Sandwich([(lin, c, None)], model.n_params)


def constant(coordinates):
    """The one-row sandwich of a constant model."""
    objective = likelihood(Normal(), np.arange(9.0), coordinates)
    return objective.fisher(np.array([3.0, 2.0]))


OPERATORS = {
    "Dense": Dense(ROOT @ ROOT.T),
    "indefinite": Dense(np.diag([1.0, -2.0, 3.0]) + 0.1, positive=False),
    "one by one": Dense(np.array([[2.0]])),
    "Diagonal": Diagonal(np.array([1e-8, 1.0, 0.0, 1e8])),
    "Factored": Factored(ROOT[:, :2]),
    "Damped Dense": Damped(Dense(ROOT @ ROOT.T), np.arange(5.0)),
    "Damped Factored": Damped(Factored(ROOT[:, :2]), np.arange(1.0, 6.0)),
    "twice Damped": Damped(Damped(Factored(ROOT[:, :2]), np.ones(5)), np.arange(5.0)),
    "Damped Diagonal": Damped(Diagonal(np.arange(3.0)), np.ones(3)),
    "Restricted Dense": Restricted(Dense(ROOT @ ROOT.T), MASK),
    "Restricted Damped": Restricted(Damped(Factored(ROOT[:, :2]), np.arange(1.0, 6.0)), MASK),
    "Sandwich C": sandwich("C"),
    "Sandwich B": sandwich("B", r=1),
    "Sandwich of both": sandwich("both"),
    "Sandwich below full rank": sandwich("B", n=1, k=5, r=1),
    "Sandwich of diagonals": sandwich("diagonal"),
    "Sandwich, K = 1": sandwich("C", k=1),
    "Sandwich, K = 9": sandwich("C", k=9),
    "Sandwich, singular C": sandwich("singular"),
    "Sandwich, one term": network(),
    "Damped Sandwich": Damped(network(), np.full(20, 0.1)),
    "Restricted Sandwich": Restricted(network(), np.arange(20) % 2 == 0),
    "Sandwich, constant": constant("unconstrained"),
    "Sandwich, native": constant("native"),
}
SUITE = Suite(OPERATOR_CHECKS, {name: (op,) for name, op in OPERATORS.items()}, skips.OPERATORS)


@pytest.mark.parametrize(("case", "check"), SUITE.pairs())
def test_property(case, check):
    SUITE.run(case, check)


@pytest.mark.parametrize("form", ["C", "B", "both"])
def test_sandwich_is_the_sum_of_its_rows(form):
    """Against J built row by row from the definition, no code of the operator's."""
    operator = sandwich(form)
    want = np.zeros((4, 4))
    for lin, c, _ in (rows_of(6, 2), rows_of(3, 2, seed=2)):
        for x, inner in zip(lin.X, c, strict=True):
            jac = np.kron(x, np.eye(2))
            want += jac.T @ inner @ jac
    np.testing.assert_allclose(operator.dense(), want, rtol=1e-12)


def test_the_diagonal_is_found_once():
    calls = []

    class Counts(LinearRows):
        def diag(self, c):
            calls.append(1)
            return super().diag(c)

    lin, c, _ = rows_of(4, 2)
    operator = Sandwich([(Counts(lin.X, np.ones((2, 2))), c, None)], 4)
    first = operator.diag()
    np.testing.assert_array_equal(operator.diag(), first)
    assert len(calls) == 1
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0.0


def test_kernel_asks_the_model_and_forms_no_factor():
    class Knows(LinearRows):
        matrix_free = True

        def kernel(self, b):
            columns = super().pull_columns(b)
            return columns.T @ columns

        def pull_columns(self, b):
            raise AssertionError("formed")

    lin, c, b = rows_of(3, 2)
    term = (Knows(lin.X, np.ones((2, 2))), c, None)
    one, plain = Sandwich([term], 4), Sandwich([(lin, c, None)], 4)
    assert one.matrix_free
    assert Damped(one, np.ones(4)).matrix_free
    assert not plain.matrix_free
    assert not Sandwich([term, term], 4).matrix_free
    assert not Restricted(one, np.arange(4) > 0).matrix_free
    np.testing.assert_allclose(one.kernel(), plain.factor().T @ plain.factor(), rtol=1e-12)


def test_weights_of_a_regression_ride_in_c():
    objective, theta = regression(200)
    fisher = objective.fisher(theta).dense()
    want = np.zeros((4, 4))
    eta = objective.rows.X @ theta.reshape(2, 2)
    for x, w, log_scale in zip(objective.rows.X, objective.rows.weight, eta[:, 1], strict=True):
        jac = np.kron(x, np.eye(2))
        want += w * jac.T @ np.diag([np.exp(-2.0 * log_scale), 2.0]) @ jac
    np.testing.assert_allclose(fisher, want / objective.rows.weight.sum(), rtol=1e-10)


def test_base_asks_for_its_verbs():
    class Nothing(LinearOperator):
        size = 2

    for call in (lambda: Nothing() @ np.ones(2), lambda: Nothing().diag()):
        with pytest.raises(NotImplementedError):
            call()
    assert Nothing().factor() is None
    assert Nothing().shift() is None
    assert Nothing().rank_bound == 2


def test_a_diagonal_tells_whether_it_is_positive():
    assert Diagonal(np.array([0.0, 1.0])).positive
    assert not Diagonal(np.array([-1.0, 1.0])).positive
