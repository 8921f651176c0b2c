"""More coefficients than a matrix is formed for: secants, then conjugate gradients."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from natfit import NaturalClassifier, NaturalRegressor
from natfit.fitting.regression import standardised
from natfit.metrics._kept import DiagonalInverse, Kept, Secant
from natfit.models._design import Design
from natfit.models.linear_predictors import LinearPredictors
from natfit.rows import Memory, wide_chunks

_N, _D = 2_500, 2_200


def words(power, n=_N, d=_D, size=30):
    """Counts of words, of which few are frequent and most rare, or all alike (power 1)."""
    rng = np.random.default_rng(0)
    columns = (d * rng.random(n * size) ** power).astype(np.int32)
    X = csr_array((np.ones(n * size), columns, np.arange(0, n * size + 1, size)), shape=(n, d))
    X.sum_duplicates()
    eta = X @ rng.standard_normal(d)
    return rng, X, (eta - eta.mean()) / eta.std()


@pytest.mark.parametrize("power", [1, 3])
def test_sparse_classes_are_those_of_scikit_learn(power):
    rng, X, eta = words(power)
    y = (rng.random(_N) < expit(1.5 * eta)).astype(float)
    model = NaturalClassifier(alpha=1.0 / _N).fit(X, y)
    assert model.status_ == "converged"
    peer = LogisticRegression(solver="newton-cg", tol=1e-8).fit(X, y)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(model.intercept_, peer.intercept_, atol=1e-5)


def test_several_classes_are_those_of_scikit_learn():
    rng, X, eta = words(3)
    classes = (np.outer(eta, [-1.0, 0.0, 1.0]) + rng.gumbel(size=(_N, 3))).argmax(axis=1)
    model = NaturalClassifier(alpha=1e-2).fit(X, classes)
    peer = LogisticRegression(C=1e2 / _N, solver="newton-cg", tol=1e-8).fit(X, classes)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-5)


def test_sparse_counts_have_no_gradient_at_their_end():
    """The distance to the optimum of a penalised fit is at most |g| / alpha."""
    rng, X, eta = words(3)
    y = rng.poisson(np.exp(0.7 * eta)).astype(float)
    model = NaturalRegressor("poisson", alpha=1e-2).fit(X, y)
    assert model.status_ == "converged"
    coef = model.coef_["rate"]
    miss = np.exp(X @ coef + model.intercept_["rate"]) - y
    g = X.T @ miss / _N + 1e-2 * coef
    assert np.linalg.norm(g) / 1e-2 < 1e-4
    assert abs(miss.mean()) < 1e-6


def test_passes_over_sparse_rows_are_few(monkeypatch):
    """L-BFGS of scikit-learn takes 200 passes in each direction here, its newton-cg 80."""
    rng, X, eta = words(3)
    y = (rng.random(_N) < expit(1.5 * eta)).astype(float)
    passes = {"matmul": 0.0, "rmatmul": 0.0}
    for name in passes:
        plain = getattr(Design, name)

        def counted(self, rows, *given, name=name, plain=plain):
            passes[name] += rows.shape[0] / _N
            return plain(self, rows, *given)

        monkeypatch.setattr(Design, name, counted)
    model = NaturalClassifier(alpha=1.0 / _N).fit(X, y)
    assert model.status_ == "converged"
    # The divergence of steps is watched on all rows of so few.
    assert passes["rmatmul"] < 90
    assert passes["matmul"] < 90 + 2 * (model.n_iter_ + 1)


def test_a_model_that_is_moved_along_a_line_is_the_model_there():
    rng, X, _ = words(3, 50, 40, 6)
    family = NaturalRegressor("normal").fit(X[:, :2], rng.standard_normal(50)).distribution_
    model = LinearPredictors().bind(40, family)
    theta, v = rng.standard_normal((2, model.n_params))
    lin = model.linearize(theta, X)
    assert lin.moved(theta, theta + v) is None
    lin.jvp(v)
    for length in (-0.3, 1.0, 1e-9):
        there = theta + length * v
        moved = lin.moved(theta, there)
        np.testing.assert_allclose(moved.eta, model.linearize(there, X).eta, rtol=0, atol=1e-13)
        back = moved.moved(there, theta)
        np.testing.assert_allclose(back.eta, lin.eta, rtol=0, atol=1e-13)
    off = theta + v
    off[3] += 1e-9
    assert lin.moved(theta, off) is None
    for _ in range(40):
        lin = lin and lin.moved(theta, theta + v)
    assert lin is None
    dense = model.linearize(theta, X.toarray())
    dense.jvp(v)
    assert dense.moved(theta, theta + v) is None


def test_units_of_sparse_columns_are_those_of_all_rows():
    """Also of columns that are far from zero, of which all rows are stored."""
    rng = np.random.default_rng(0)
    n = 9_000
    X = np.where(rng.random((n, 4)) < 0.01, rng.standard_normal((n, 4)), 0.0)
    X[:, 1] = 1e7 + rng.standard_normal(n)
    X[:, 2] = np.where(rng.random(n) < 0.5, 3.0, 0.0)
    for first in (0, int(np.flatnonzero(X[:, 2])[0])):
        rows = np.roll(X, -first, axis=0)
        model = standardised(Memory(np.zeros(n), csr_array(rows)), LinearPredictors())
        np.testing.assert_allclose(model.shift, X.mean(axis=0), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(model.scale, X.std(axis=0), rtol=1e-6)


def test_chunks_of_wide_sparse_rows_are_as_long_as_their_columns():
    X = csr_array((np.ones(1), ([0], [0])), shape=(20, 100_000))
    assert wide_chunks(Memory(np.zeros(20), X), 1).chunk_size >= 100_000
    assert wide_chunks(Memory(np.zeros(20), X), 200).chunk_size == Memory(np.zeros(20)).chunk_size
    narrow = Memory(np.zeros(20), X[:, :50])
    assert wide_chunks(narrow, 1) is narrow


def test_an_inverse_that_preconditions_keeps_nothing_of_a_vector_that_changes():
    """Conjugate gradients change their residual in place."""
    rng = np.random.default_rng(0)
    kept = Kept(DiagonalInverse(np.ones(4)), [Secant(np.ones(4), np.arange(1.0, 5.0))], 4)
    g = rng.standard_normal(4)
    first = kept.inverse(g)
    g *= 2.0
    np.testing.assert_allclose(kept.inverse(g), 2.0 * first, rtol=1e-12)
    np.testing.assert_allclose(kept.dense() @ kept.inverse(g), g, rtol=1e-10)
