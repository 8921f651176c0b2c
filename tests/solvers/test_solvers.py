"""Each solver against numpy, over random systems; options and fallbacks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natfit.distributions import Normal
from natfit.linops import Damped, Dense, Diagonal, Sandwich
from natfit.models.mlp import MLP
from natfit.solvers.auto import AutoSolver
from natfit.solvers.base import SolveInfo, Solver, relative_residual
from natfit.solvers.cg import CGSolver
from natfit.solvers.cholesky import CholeskySolver
from natfit.solvers.woodbury import WoodburySolver
from natfit.testing.operators import Factored

QUIET = settings(deadline=None, derandomize=True, max_examples=40)
SOLVERS = [CholeskySolver(), CGSolver(), WoodburySolver(), AutoSolver()]


def system(seed, size, columns, decades):
    """B (P, R), damping (P,) and g (P,), diagonal units over some decades."""
    rng = np.random.default_rng(seed)
    units = 10.0 ** rng.uniform(-decades, decades, size)
    root = rng.standard_normal((size, columns)) * units[:, None]
    added = 0.3 * np.square(root).sum(axis=1)
    return root, added, units * rng.standard_normal(size)


@QUIET
@given(
    st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 15), st.sampled_from([0.0, 2.0, 4.0])
)
@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
def test_damped_systems_of_any_rank_and_scale(solver, seed, size, columns, decades):
    root, added, g = system(seed, size, columns, decades)
    operator = Damped(Factored(root), added)
    unit = np.sqrt(operator.diag())
    scaled = (root @ root.T + np.diag(added)) / np.outer(unit, unit)
    want = np.linalg.solve(scaled, g / unit)
    d, info = solver.solve(operator, g)
    np.testing.assert_allclose(d * unit, want, rtol=1e-7, atol=1e-8 * np.abs(want).max())
    assert info.residual < 1e-8
    assert info.fallback is None


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        (Diagonal(np.ones(3)), "cholesky"),
        (Dense(np.eye(3)), "cholesky"),
        (Factored(np.ones((3, 1))), "cholesky"),
        (Damped(Factored(np.ones((3, 1))), np.ones(3)), "woodbury"),
        (Damped(Factored(np.ones((3, 1))), np.array([1.0, 0.0, 1.0])), "cholesky"),
        (Damped(Factored(np.ones((3, 4))), np.ones(3)), "cholesky"),
    ],
)
def test_auto_says_what_it_chose(operator, name):
    _, info = AutoSolver().solve(operator, np.ones(3))
    assert info.solver == name


def test_auto_does_not_form_a_large_matrix():
    class Large(Diagonal):
        is_diagonal = False

        def dense(self):
            raise AssertionError("formed")

    operator = Large(np.linspace(1.0, 2.0, 5_000))
    d, info = AutoSolver().solve(operator, np.ones(5_000))
    assert info.solver == "cg"
    np.testing.assert_allclose(d, 1.0 / operator.values, rtol=1e-8)
    # Few columns and undamped, a kernel solve is cheaper than many products.
    wide = Factored(np.random.default_rng(0).standard_normal((2_500, 3)))
    assert AutoSolver().choose(wide) == WoodburySolver()


def test_cholesky_takes_the_absolute_value_of_negative_curvature():
    matrix = np.diag([2.0, -4.0]) + np.array([[0.0, 1e-3], [1e-3, 0.0]])
    d, info = CholeskySolver().solve(Dense(matrix, positive=False), np.array([2.0, 4.0]))
    assert info.indefinite and not info.truncated
    assert info.fallback == "eigenvalues shifted"
    np.testing.assert_allclose(d, [1.0, 1.0], rtol=1e-2)


def test_cholesky_pseudo_inverse_is_numpys_on_a_unit_diagonal():
    vectors = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    matrix = vectors @ np.diag([1.0, 2.0, 3.0, 0.0]) @ vectors.T
    scale = 1.0 / np.sqrt(np.diagonal(matrix))
    scaled = matrix * np.outer(scale, scale)
    g = np.arange(1.0, 5.0)
    d, info = CholeskySolver().solve(Dense(scaled), g)
    want = np.linalg.pinv(scaled, rcond=1e-10, hermitian=True) @ g
    np.testing.assert_allclose(d, want, rtol=1e-9)
    assert info.truncated and not info.indefinite
    assert info.fallback == "pseudo-inverse"
    assert info.residual > 0.01


def test_cholesky_names_the_coordinates_of_a_zero_diagonal():
    d, info = CholeskySolver().solve(Diagonal(np.array([4.0, 0.0])), np.array([4.0, 3.0]))
    np.testing.assert_allclose(d, [1.0, 0.0])
    assert tuple(info.unidentified) == (1,)
    assert info.fallback == "pseudo-inverse"
    assert info.residual == pytest.approx(0.6)


def test_cholesky_rcond_decides_what_is_zero():
    matrix = Dense(np.array([[1.0, 1.0 - 1e-8], [1.0 - 1e-8, 1.0]]))
    assert CholeskySolver().solve(matrix, np.ones(2))[1].fallback is None
    assert CholeskySolver(rcond=1e-6).solve(matrix, np.ones(2))[1].fallback == "pseudo-inverse"


def test_cg_stops_at_its_cap_and_says_so():
    matrix = np.diag(np.arange(1.0, 21.0)) + 0.5
    g = np.random.default_rng(0).standard_normal(20)
    _, short = CGSolver(max_iter=3).solve(Dense(matrix), g)
    _, full = CGSolver().solve(Dense(matrix), g)
    assert short.iterations == 3
    assert short.residual > 1e-6 > full.residual
    assert full.iterations <= 20
    _, loose = CGSolver(tol=1e-2).solve(Dense(matrix), g)
    assert loose.iterations < full.iterations
    assert loose.residual <= 1e-2


def test_cg_takes_one_product_where_the_preconditioner_is_exact():
    values = np.logspace(-8, 8, 9)
    _, info = CGSolver().solve(Dense(np.diag(values)), values)
    assert info.iterations == 1
    _, plain = CGSolver(precondition=False).solve(Dense(np.diag(values[2:7])), values[2:7])
    assert plain.iterations > 1


def test_cg_records_negative_curvature():
    d, info = CGSolver().solve(Dense(np.diag([1.0, -1.0]), positive=False), np.array([0.0, 1.0]))
    assert info.fallback == "non-positive curvature"
    assert d @ np.array([0.0, 1.0]) > 0


def test_woodbury_records_the_shift_that_it_needs():
    root = np.random.default_rng(0).standard_normal((6, 2))
    g = root @ np.array([1.0, 2.0])
    d, info = WoodburySolver().solve(Factored(root), g)
    assert info.added == "1e-08 diag(F)"
    assert info.fallback == "shift of 1e-08 diag(F) added"
    np.testing.assert_allclose(root @ (root.T @ d), g, rtol=1e-6)
    assert WoodburySolver(1e-4).solve(Factored(root), g)[1].fallback.startswith("shift of 0.0001")


def test_woodbury_needs_a_factor():
    with pytest.raises(ValueError, match="use solver='cholesky' or 'cg'"):
        WoodburySolver().solve(Dense(np.eye(2)), np.ones(2))


class Unformed(Factored):
    """Has a kernel, and a factor that must not be formed."""

    matrix_free = True

    def factor(self):
        raise AssertionError("formed")

    def kernel(self):
        return self.columns.T @ self.columns

    def pull(self, u):
        return self.columns @ u

    def push(self, v):
        return v @ self.columns


class Wide(Unformed):
    """The same, said to be of 10,000 columns: too large to form."""

    rank_bound = 10_000


@pytest.mark.parametrize("strength", [1e-5, 1e-3, 10.0])
def test_woodbury_beside_lambda_i_forms_no_factor(strength):
    rng = np.random.default_rng(5)
    root, g = rng.standard_normal((30, 4)), rng.standard_normal(30)
    for right in (g, root @ g[:4]):
        want = np.linalg.solve(root @ root.T + strength * np.eye(30), right)
        operator = Damped(Unformed(root), np.full(30, strength))
        d, info = WoodburySolver().solve(operator, right)
        np.testing.assert_allclose(d, want, rtol=1e-8, atol=1e-8 * np.abs(want).max())
        assert info.fallback is None


def test_woodbury_of_a_network_is_the_dense_solve():
    rng = np.random.default_rng(6)
    model = MLP((4, 3)).bind(3, Normal(), constant=("scale",))
    lin = model.linearize(rng.standard_normal(model.n_params), rng.standard_normal((7, 3)))
    root = rng.standard_normal((7, 2, 2))
    fisher = Sandwich([(lin, np.einsum("nkr,nlr->nkl", root, root), None)], model.n_params)
    jac = np.stack([lin.jvp(row).ravel() for row in np.eye(model.n_params)], axis=1)
    half = np.einsum("nkr,nkp->nrp", root, jac.reshape(7, 2, -1)).reshape(14, -1)
    g = rng.standard_normal(model.n_params)
    want = np.linalg.solve(half.T @ half + 1e-3 * np.eye(len(g)), g)
    d, _ = WoodburySolver().solve(Damped(fisher, np.full(len(g), 1e-3)), g)
    np.testing.assert_allclose(d, want, rtol=1e-8, atol=1e-8 * np.abs(want).max())


def network(rng, n=40):
    """The information of a network, one column a row, and its matrix."""
    model = MLP((4, 3)).bind(3, Normal(), constant=("scale",))
    lin = model.linearize(rng.standard_normal(model.n_params), rng.standard_normal((n, 3)))
    fisher = Sandwich([(lin, None, rng.standard_normal((n, 2, 1)) / np.sqrt(n))], model.n_params)
    return fisher, fisher.dense()


def test_a_few_digits_of_woodburys_identity_come_from_single_precision():
    rng = np.random.default_rng(0)
    fisher, matrix = network(rng)
    assert fisher.rough_kernel().dtype == np.float32
    size = len(matrix)
    g = rng.standard_normal(size)
    for strength in (1.0, 1e-2):
        damped = Damped(fisher, np.full(size, strength))
        d, info = WoodburySolver(rough=True).solve(damped, g)
        want = np.linalg.solve(matrix + strength * np.eye(size), g)
        assert 1e-12 < info.residual < 1e-3
        np.testing.assert_allclose(d, want, atol=1e-3 * np.abs(want).max())
        assert AutoSolver(20).choose(damped) == CholeskySolver()
    # Where single precision leaves no digits, the kernel is formed in double precision.
    g = fisher @ g
    d, info = WoodburySolver(rough=True).solve(Damped(fisher, np.full(size, 1e-9)), g)
    assert info.residual < 1e-6
    want = np.linalg.solve(matrix + 1e-9 * np.eye(size), g)
    np.testing.assert_allclose(matrix @ d, matrix @ want, atol=1e-6 * np.abs(g).max())


def test_a_preconditioner_of_the_operator_shortens_conjugate_gradients():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((60, 60))
    matrix = root @ root.T + 0.1 * np.eye(60)
    operator, g = Dense(matrix), rng.standard_normal(60)
    _, plain = CGSolver(1e-8).solve(operator, g)
    inverse = np.linalg.inv(matrix + 1e-3 * np.eye(60))
    operator.preconditioner = lambda r: inverse @ r
    d, info = CGSolver(1e-8).solve(operator, g)
    np.testing.assert_allclose(matrix @ d, g, atol=1e-5)
    assert info.iterations < 10 < plain.iterations
    _, without = CGSolver(1e-8, precondition=False).solve(operator, g)
    assert without.iterations > 10
    damped = Damped(operator, np.full(60, 1e-3))
    assert CGSolver(1e-8).solve(damped, g)[1].iterations < 4


def test_woodbury_of_a_large_factor_adds_a_uniform_shift():
    root = np.random.default_rng(7).standard_normal((6_000, 3))
    g = root @ np.array([1.0, -2.0, 3.0])
    d, info = WoodburySolver().solve(Wide(root), g)
    assert info.fallback == "shift of 1e-08 mean(diag(B'B)) added"
    np.testing.assert_allclose(root @ (root.T @ d), g, rtol=1e-6, atol=1e-6)
    assert info.residual < 1e-6
    with pytest.raises(ValueError, match="use damping='fixed'"):
        WoodburySolver().solve(Damped(Wide(root), np.linspace(1.0, 2.0, 6_000)), g)


@pytest.mark.slow
def test_auto_asks_what_the_kernel_costs():
    class Free(Unformed):
        rank_bound = 2_500

    root = np.ones((60_000, 1))
    uniform, other = np.ones(60_000), np.linspace(1.0, 2.0, 60_000)
    choose = AutoSolver().choose
    assert choose(Damped(Free(root), uniform)) == WoodburySolver()
    assert choose(Free(root)) == WoodburySolver()
    assert choose(Damped(Free(root), other)) == CGSolver()
    assert choose(Damped(Wide(root), uniform)) == CGSolver()
    # B is formed: few columns, and not too many numbers.
    assert choose(Damped(Factored(root), other)) == WoodburySolver()
    assert choose(Damped(Factored(np.ones((60_000, 900))), uniform)) == CGSolver()


@pytest.mark.parametrize("precondition", [True, False])
def test_cg_is_the_recursion_by_hestenes_and_stiefel(precondition):
    rng = np.random.default_rng(8)
    half = rng.standard_normal((9, 9))
    matrix, g = half @ half.T + np.diag(np.arange(1.0, 10.0)), rng.standard_normal(9)
    inverse = 1.0 / np.diagonal(matrix) if precondition else np.ones(9)
    # The k-th iterate minimises the energy over the Krylov space of the scaled matrix.
    basis = [inverse * g]
    for _ in range(3):
        basis.append(inverse * (matrix @ basis[-1]))
    basis = np.linalg.qr(np.stack(basis, axis=1))[0]
    want = basis @ np.linalg.solve(basis.T @ matrix @ basis, basis.T @ g)
    d, info = CGSolver(tol=0.0, max_iter=4, precondition=precondition).solve(Dense(matrix), g)
    assert info.iterations == 4
    np.testing.assert_allclose(d, want, rtol=1e-8)


@pytest.mark.parametrize(
    ("solver", "error", "name"),
    [
        (CGSolver(tol=-1.0), ValueError, "solver__tol"),
        (CGSolver(tol="small"), TypeError, "solver__tol"),
        (CGSolver(max_iter=0), ValueError, "solver__max_iter"),
        (CGSolver(max_iter=1.5), TypeError, "solver__max_iter"),
        (WoodburySolver(0.0), ValueError, "relative_shift"),
    ],
)
def test_bad_options_are_named(solver, error, name):
    with pytest.raises(error, match=name):
        solver.solve(Factored(np.eye(2)), np.ones(2))


@pytest.mark.parametrize("rcond", [-1.0, "small", 2.0])
def test_bad_rcond_is_named(rcond):
    with pytest.raises((TypeError, ValueError), match="rcond"):
        CholeskySolver(rcond).solve(Dense(np.ones((2, 2))), np.ones(2))


def test_relative_residual_is_free_of_units():
    matrix, g, units = (
        np.array([[2.0, 1.0], [1.0, 2.0]]),
        np.array([1.0, 3.0]),
        np.array([1e6, 1.0]),
    )
    d = np.array([0.1, 0.2])
    one = relative_residual(Dense(matrix), d, g)
    other = relative_residual(Dense(matrix * np.outer(units, units)), d / units, g * units)
    assert one == pytest.approx(other, rel=1e-12)
    assert relative_residual(Dense(matrix), d, 0.0 * g) == 0.0


def test_base_solver_asks_for_its_verb():
    with pytest.raises(NotImplementedError):
        Solver().solve(Dense(np.eye(1)), np.ones(1))
    assert SolveInfo("x").fallback is None
    assert len(SolveInfo("x").unidentified) == 0


def test_the_words_of_a_solve_are_those_of_its_facts():
    facts = {"truncated": True, "indefinite": True, "added": "0.1 I", "note": "by hand"}
    words = SolveInfo("x", **facts).fallback
    assert words == "pseudo-inverse, eigenvalues shifted, shift of 0.1 I added, by hand"
    for name, value in facts.items():
        assert SolveInfo("x", **{name: value}).fallback in words.split(", ")
