"""The loop: every reason to stop, callbacks, the engine, limits."""

import numpy as np
import pytest

from natfit._component import resolve
from natfit.damping.base import Damping
from natfit.damping.none import NoDamping
from natfit.damping.relative import RelativeDamping
from natfit.distributions import Normal, Poisson, Positive, Real, StudentT, from_log_prob
from natfit.linops import Dense, Diagonal
from natfit.metrics.base import Metric
from natfit.objectives import Function
from natfit.optimize import Engine, Status, descend, run
from natfit.optimize.engine import resolve_engine
from natfit.solvers.auto import AutoSolver
from natfit.steps.backtracking import BacktrackingStep
from natfit.steps.fixed import FixedStep
from natfit.steps.kl import KLStep
from natfit.testing.problems import likelihood, quadratic, regression
from natfit.testing.steps import trace

RNG = np.random.default_rng(0)
Y = 12.0 + 4.0 * RNG.standard_normal(200)
H = np.array([[3.0, 1.0], [1.0, 2.0]])


def fit(objective, start, **options):
    options.setdefault("metric", "exact" if objective.probabilistic else "observed")
    step = options.pop("step", BacktrackingStep())
    return trace(step, objective, start, **options)[0]


# -------------------------------------------------------------------------- every status


def test_converged():
    found = fit(likelihood(Normal(), Y), [10.0, 1.0])
    assert found.status is Status.CONVERGED
    assert found.iterate.distance <= 1e-8
    assert "standard errors, within tol=" in found.message
    assert "nothing to do" not in found.message
    np.testing.assert_allclose(found.theta, [Y.mean(), np.log(Y.std())], rtol=1e-7)


def test_gradient_small_where_the_information_is_unaffordable(monkeypatch):
    from natfit.optimize import loop

    monkeypatch.setattr(loop, "_AFFORDABLE", 1)
    found = fit(likelihood(Normal(), Y), [10.0, 1.0], metric="empirical", tol=1e-4)
    assert found.status is Status.GRADIENT_SMALL
    assert "natural gradient" in found.message
    # With a metric that is an information itself, nothing else is needed.
    assert fit(likelihood(Normal(), Y), [10.0, 1.0]).status is Status.CONVERGED


def test_rounding_floor():
    def fun(x):
        return 1e6 + float(x @ x), 2.0 * x + np.where(x >= 0.0, 1e-7, -1e-7)

    found = fit(Function(fun, 2, jac=True), [1.0, 2.0], metric="euclidean", tol=1e-12)
    assert found.status is Status.ROUNDING_FLOOR
    assert found.status.good
    assert "rounding hides" in found.message


def test_boundary_names_parameter_bound_and_family():
    y = np.random.default_rng(1).normal(size=20)
    found = fit(likelihood(StudentT(), y), [0.0, 0.0, 0.2], tol=1e-5)
    assert found.status is Status.BOUNDARY
    assert "df -> inf (the normal distribution)" in found.message
    assert "use the simpler family" in found.message
    assert found.iterate.active == (2,)


def test_boundary_of_a_plain_function():
    objective = quadratic(np.eye(2), np.array([5.0, 1.0]))
    objective.bounds = np.full(2, -1.0), np.full(2, 2.0)
    found = fit(objective, [0.0, 0.0])
    assert found.status is Status.BOUNDARY
    assert "x[0] -> 2" in found.message
    np.testing.assert_allclose(found.theta, [2.0, 1.0])


def test_a_count_that_never_occurs_ends_at_the_boundary():
    found = fit(likelihood(Poisson(), np.zeros(30)), [-1.0], tol=1e-5, max_iter=60)
    assert found.status is Status.BOUNDARY
    assert "rate -> 0" in found.message


def test_max_iter():
    found = fit(likelihood(Normal(), Y), [0.0, 0.0], max_iter=2)
    assert found.status is Status.MAX_ITER
    assert "max_iter=2 was reached; the distance" in found.message
    assert "raise max_iter" in found.message
    assert found.n_iter == 2


def test_no_descent():
    objective = Function(lambda x: (float(x[0]), -np.ones(1)), 1, jac=True)
    found = fit(objective, [1.0], metric="euclidean")
    assert found.status is Status.NO_DESCENT
    assert found.theta[0] == 1.0
    assert "check that the gradient belongs to the objective" in found.message


def test_a_wrong_gradient_is_not_followed_at_rounding_level():
    """Shrunk 30 times, any step is at rounding level; the rule is for whole steps alone."""
    objective = Function(lambda x: (float(np.cos(x[0])), np.sin(x)), 1, jac=True)
    found = fit(objective, [1.0], metric="euclidean")
    assert found.status is Status.NO_DESCENT


def two_locations(y, first, second):
    return -0.5 * (y - first - second) ** 2 - 0.9189385332046727


def test_singular_names_the_parameters():
    family = from_log_prob(two_locations, {"first": Real(), "second": Real()}, support="real")
    found = fit(likelihood(family, Y, origin=np.zeros(2)), [1.0, 1.0], tol=1e-5)
    assert found.status is Status.SINGULAR
    assert "first, second" in found.message
    assert found.theta.sum() == pytest.approx(Y.mean(), rel=1e-6)


def test_non_finite_at_the_start():
    found = fit(likelihood(Normal(), Y), [0.0, -650.0], metric="euclidean")
    assert found.status is Status.NON_FINITE
    assert found.n_iter == 1
    assert "scale the data" in found.message


def test_non_finite_everywhere_else():
    def fun(x):
        value = 1.0 if x[0] == 0.0 else np.nan
        return value, np.ones(1)

    found = fit(Function(fun, 1, jac=True), [0.0], metric="euclidean", step=FixedStep())
    assert found.status is Status.NON_FINITE
    assert found.theta[0] == 0.0


class Overflows(Metric):
    """Finite at the start, and not elsewhere."""

    def at(self, objective, iterate, rng):
        there = np.inf if iterate.theta[0] < 2.0 else 1.0
        return Dense(np.array([[2.0, 1.0], [1.0, 2.0]]) * there)


def test_a_metric_that_is_not_finite_ends_the_run():
    for first, n_iter in ((1.0, 0), (3.0, 1)):
        objective = Function(lambda x: float(x @ x), 2, jac=lambda x: 2.0 * x)
        with np.errstate(all="raise"):
            found = fit(objective, [first, 1.0], metric=Overflows())
        assert found.status is Status.NON_FINITE
        assert found.iterate.n_iter == n_iter
        assert np.isfinite(found.theta).all()
        assert "or the metric is not finite near theta" in found.message


def start(metric="exact", objective=None, callback=None, **options):
    objective = objective or likelihood(Normal(), Y)
    engine = Engine(
        resolve(metric, Metric),
        AutoSolver(),
        options.pop("step", BacktrackingStep()),
        resolve(options.pop("damping", "none"), Damping),
        options.pop("tol", 1e-6),
        50,
    )
    return run(objective, engine, np.array([0.0, 0.0]), np.random.default_rng(0), callback)


def test_stopped_by_callback():
    found = start(callback=lambda iterate, ended: iterate.n_iter == 3)
    assert found.status is Status.STOPPED_BY_CALLBACK
    assert found.n_iter == 3
    assert "after 3 iterations" in found.message
    assert "warm_start" in found.message


def test_a_callback_cannot_undo_convergence():
    found = start(callback=lambda iterate, ended: iterate.distance < 1e-6)
    assert found.status is Status.CONVERGED


def test_callbacks_see_every_iterate_once():
    seen = []
    found = start(callback=lambda iterate, ended: seen.append((iterate.n_iter, ended)))
    assert seen == [(k, k == found.n_iter) for k in range(found.n_iter + 1)]


def test_callbacks_learn_of_an_end_without_a_next_iterate():
    seen = []
    objective = Function(lambda x: (float(x[0]), -np.ones(2)), 2, jac=True)
    found = start("euclidean", objective, lambda iterate, ended: seen.append(ended))
    assert found.status is Status.NO_DESCENT
    assert seen == [False, True]


# ------------------------------------------------------------------------------ the loop


def test_descend_is_a_generator_without_end():
    objective = quadratic(H, np.zeros(2))
    engine = resolve_engine("euclidean", "auto", FixedStep(0.1), "none", 0.0, 1)
    steps = descend(objective, engine, np.ones(2), np.random.default_rng(0))
    values = [next(steps)[0].value for _ in range(5)]
    assert np.all(np.diff(values) < 0)
    _, operator = next(steps)
    assert isinstance(operator, Diagonal)


def test_tol_zero_runs_all_iterations():
    found = fit(likelihood(Normal(), Y), [10.0, 1.0], tol=0.0, max_iter=7, step=KLStep())
    assert found.status is Status.MAX_ITER
    assert found.n_iter == 7


def test_a_conditional_model_runs_through_the_same_loop():
    objective, theta = regression(400)
    found = fit(objective, 0.0 * theta, tol=1e-6)
    assert found.status is Status.CONVERGED
    _, grad = objective.value_and_grad(found.theta)
    np.testing.assert_allclose(grad, 0.0, atol=1e-6)


# ------------------------------------------------------------------------------- engine


def engine(**options):
    defaults = {"metric": "auto", "solver": "auto", "step": "kl", "damping": None}
    return resolve_engine(**defaults | {"tol": 1e-5, "max_iter": 10} | options)


def test_engine_resolves_its_components():
    found = engine(damping=0.1)
    assert found.step == KLStep()
    assert found.damping == RelativeDamping(0.1)
    assert engine().damping == NoDamping()
    assert engine(damping="relative").damping == RelativeDamping()


def test_an_end_that_was_asked_for():
    assert engine().ended_as_asked(Status.MAX_ITER)
    assert engine(step="fixed", tol=0.0).ended_as_asked(Status.MAX_ITER)
    assert not engine(step="fixed").ended_as_asked(Status.MAX_ITER)
    assert engine().ended_as_asked(Status.CONVERGED)
    assert engine().ended_as_asked(Status.STOPPED_BY_CALLBACK)
    assert not engine().ended_as_asked(Status.BOUNDARY)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"tol": -1.0}, ValueError, "tol must be >= 0"),
        ({"tol": "fine"}, TypeError, "tol must be a number"),
        ({"max_iter": 0}, ValueError, "max_iter must be >= 1"),
        ({"max_iter": 1.0}, TypeError, "max_iter must be an integer"),
        ({"metric": "fisher"}, ValueError, "metric must be one of"),
        ({"solver": 3}, TypeError, "solver must be a string or a Solver"),
        ({"step": "newton"}, ValueError, "step must be one of"),
        ({"damping": -0.1}, ValueError, "damping__strength must be > 0"),
        ({"damping": True}, TypeError, "damping must be a string or a Damping"),
        ({"damping": "lots"}, ValueError, "damping must be one of"),
    ],
)
def test_bad_options(options, error, match):
    with pytest.raises(error, match=match):
        engine(**options)


def test_limits_are_never_left():
    y = np.random.default_rng(1).normal(size=20)
    objective = likelihood(StudentT(), y)
    low, high, _ = objective.limits()
    _, iterates = trace(BacktrackingStep(), objective, [3.0, -2.0, 3.0], "exact")
    for iterate in iterates:
        assert np.all((iterate.theta >= low) & (iterate.theta <= high))


def test_constraint_with_limits_ends_on_them_exactly():
    def log_prob(y, rate):
        import autograd.numpy as anp

        return anp.log(rate) - rate * y

    family = from_log_prob(log_prob, {"rate": Positive(low=0.5, high=2.0)}, support="positive")
    found = fit(likelihood(family, np.full(5, 0.1), origin=np.zeros(1)), [0.0], tol=1e-5)
    assert found.status is Status.BOUNDARY
    assert np.exp(found.theta[0]) == pytest.approx(2.0, rel=1e-12)
