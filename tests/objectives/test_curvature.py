"""The sandwich of rows in several chunks against the one of a single chunk."""

import numpy as np
import pytest

from natfit.distributions import Gev, Normal
from natfit.linops import Damped, Sandwich
from natfit.metrics import EmpiricalFisher, ExactFisher, MonteCarloFisher
from natfit.models import MLP, Linear
from natfit.objectives import Likelihood, PolicySurrogate
from natfit.objectives._curvature import SumOverRows
from natfit.optimize import Iterate
from natfit.rows import BLOCK, Memory, memory
from natfit.rows.processes import Processes
from natfit.testing import OPERATOR_CHECKS
from tests.suites import Suite

N = 2 * BLOCK + 100
METRICS = {
    "exact": ExactFisher(),
    "empirical": EmpiricalFisher(),
    "monte_carlo": MonteCarloFisher(3, "row"),
}


def problem(model, rows=Memory, weighted=True, n=N, **options):
    """A regression on rows in one chunk or several, and a theta."""
    rng = np.random.default_rng(0)
    X, weight = rng.standard_normal((n, 2)), rng.random(n) + 0.5
    bound = model.bind(2, Normal(), ("scale",))
    made = rows(rng.standard_normal(n), X, weight if weighted else None, **options)
    return Likelihood(Normal(), bound, made), bound.init(rng, np.array([0.3, -0.2]))


def operator(metric, objective, theta):
    iterate = Iterate(theta, 0.0, theta)
    return METRICS[metric].at(objective, iterate, np.random.default_rng(1))


MODELS = {"linear": Linear(), "mlp": MLP((3,))}
# The properties form matrices of rows x rows: two chunks of unlike sizes, and no more rows.
CASES = {
    f"{metric}, {name}": (operator(metric, *problem(model, n=BLOCK + 50, chunk=BLOCK)),)
    for metric in METRICS
    for name, model in MODELS.items()
}
SUITE = Suite(OPERATOR_CHECKS, CASES, {})


@pytest.mark.parametrize(("case", "check"), SUITE.pairs())
def test_property(case, check):
    SUITE.run(case, check)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("model", MODELS)
def test_chunks_do_not_matter(model, metric, weighted):
    one = operator(metric, *problem(MODELS[model], weighted=weighted))
    many = operator(metric, *problem(MODELS[model], weighted=weighted, chunk=BLOCK))
    assert type(one) is Sandwich
    assert type(many) is SumOverRows
    assert many.rank_bound == one.rank_bound
    v, u = np.sin(np.arange(one.size)), np.cos(np.arange(one.push(np.ones(one.size)).size))
    size = np.abs(one.dense()).max()
    for ask in (
        lambda f: f.dense(),
        lambda f: f.diag(),
        lambda f: f @ v,
        lambda f: f.quad(v),
        lambda f: f.pull(u),
        lambda f: f.push(v),
        lambda f: f.factor(),
    ):
        np.testing.assert_allclose(ask(many), ask(one), rtol=1e-10, atol=1e-12 * size)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_processes_give_the_same_bits(metric):
    here = operator(metric, *problem(MODELS["mlp"], chunk=BLOCK))
    there = operator(metric, *problem(MODELS["mlp"], Processes, chunk=BLOCK, n_jobs=2))
    v = np.sin(np.arange(here.size))
    for ask in (lambda f: f @ v, lambda f: f.quad(v), lambda f: f.diag(), lambda f: f.dense()):
        np.testing.assert_array_equal(ask(there), ask(here))


@pytest.mark.slow
def test_a_surrogate_in_processes_gives_the_same_bits():
    found = []
    for kind, options in ((Memory, {}), (Processes, {"n_jobs": 2})):
        objective, theta = problem(MODELS["mlp"], kind, chunk=BLOCK, **options)
        surrogate = PolicySurrogate(
            objective.distribution, objective.model, objective.rows,
            np.linspace(-1.0, 1.0, N), theta, entropy_bonus=0.1,
        )  # fmt: skip
        away = theta + 0.1
        value, grad = surrogate.value_and_grad(theta)
        found.append(
            [value, *grad, surrogate.value(theta), surrogate.value(away),
             surrogate.kl(theta, away), surrogate.entropy(theta), *surrogate.ratios(away)]
        )  # fmt: skip
    np.testing.assert_array_equal(*found)


def test_many_rows_keep_nothing(monkeypatch):
    few = operator("exact", *problem(MODELS["mlp"], chunk=BLOCK))
    monkeypatch.setattr(memory, "KEEP", 0)
    objective, theta = problem(MODELS["mlp"], chunk=BLOCK)
    many = operator("exact", objective, theta)
    v = np.sin(np.arange(few.size))
    np.testing.assert_array_equal(many @ v, few @ v)
    assert objective.rows.block(0, BLOCK).kept is None


def test_a_term_is_made_once_for_all_products():
    """For few rows the second product finds the linearisation and C of the first."""
    made = []

    class Counts(Linear):
        def linearize(self, theta, X):
            made.append(len(X))
            return super().linearize(theta, X)

    objective, theta = problem(Counts(), chunk=BLOCK)
    objective.value_and_grad(theta)
    assert made == [BLOCK, BLOCK, 100]
    found = operator("exact", objective, theta)
    for _ in range(3):
        found @ theta
    assert made == [BLOCK, BLOCK, 100]
    objective.value_and_grad(theta + 1.0)
    assert len(made) == 6


def test_another_operator_is_another():
    """One operator does not find what another has left with the rows."""
    objective, theta = problem(MODELS["linear"], chunk=BLOCK)
    exact, scores = (operator(m, objective, theta) for m in ("exact", "empirical"))
    want = exact @ theta
    assert not np.allclose(scores @ theta, want)
    np.testing.assert_array_equal(exact @ theta, want)
    later = operator("exact", objective, theta + 0.5)
    np.testing.assert_array_equal(exact @ theta, want)
    assert not np.allclose(later @ theta, want)


def test_a_family_without_information_says_so_at_once():
    """The error comes at once and not in the first product, so that a metric can fall back."""
    rng = np.random.default_rng(3)
    bound = Linear().bind(1, Gev(), ("scale", "shape"))
    rows = Memory(rng.standard_normal(N), rng.standard_normal((N, 1)), chunk=BLOCK)
    objective = Likelihood(Gev(), bound, rows)
    with pytest.raises(ValueError, match="infinite"):
        objective.fisher(np.array([0.0, 0.0, 0.0, -0.48]))


def test_damped_products():
    objective, theta = problem(MODELS["linear"], chunk=BLOCK)
    damped = Damped(objective.fisher(theta), np.full(len(theta), 0.1))
    np.testing.assert_allclose(damped @ theta, objective.fisher(theta) @ theta + 0.1 * theta)
