"""Each step rule against closed forms."""

import numpy as np
import pytest

from natfit._component import registered
from natfit.distributions import Normal
from natfit.metrics.tensor import TensorMetric
from natfit.objectives import Function
from natfit.optimize import Status
from natfit.steps.backtracking import BacktrackingStep
from natfit.steps.base import Step
from natfit.steps.exact_line import ExactLineSearch
from natfit.steps.fixed import FixedStep
from natfit.steps.kl import KLStep
from natfit.testing.problems import likelihood, quadratic, rosenbrock
from natfit.testing.steps import trace

H = np.array([[3.0, 1.0], [1.0, 2.0]])
OPTIMUM = np.array([1.0, -2.0])
START = np.array([4.0, 5.0])
STEPS = [step for _, step in registered(Step)]
Y = 12.0 + 4.0 * np.random.default_rng(0).standard_normal(200)


def test_fixed_step_is_plain_gradient_descent():
    _, iterates = trace(FixedStep(0.1), quadratic(H, OPTIMUM), START, "euclidean", max_iter=5)
    x = START
    for iterate in iterates:
        np.testing.assert_allclose(iterate.theta, x, rtol=1e-13)
        x = x - 0.1 * H @ (x - OPTIMUM)


def test_fixed_step_scales_the_natural_gradient():
    G = np.diag([2.0, 5.0])
    _, iterates = trace(FixedStep(0.3), quadratic(H, OPTIMUM), START, TensorMetric(G), max_iter=1)
    want = START - 0.3 * np.linalg.solve(G, H @ (START - OPTIMUM))
    np.testing.assert_allclose(iterates[1].theta, want, rtol=1e-13)
    assert iterates[1].step_length == 0.3


def test_fixed_step_is_halved_until_it_is_in_the_domain():
    y = 0.1 * np.random.default_rng(0).standard_normal(100)
    family = Normal()
    objective = likelihood(family, y, "native", origin=family.eta(loc=0.0, scale=0.3))
    theta = np.array([0.0, 0.3])
    _, grad = objective.value_and_grad(theta)
    assert theta[1] - grad[1] < 0
    _, iterates = trace(FixedStep(), objective, theta, "euclidean", max_iter=1)
    length = iterates[1].step_length
    assert np.log2(length) == np.round(np.log2(length))
    np.testing.assert_allclose(iterates[1].theta, theta - length * grad, rtol=1e-12)
    # Twice as long would have left the domain.
    assert theta[1] - 2 * length * grad[1] <= 0


@pytest.mark.parametrize("epsilon", [1e-3, 0.5, 10.0])
def test_kl_step_has_the_papers_beta(epsilon):
    G = np.diag([2.0, 5.0])
    _, iterates = trace(KLStep(epsilon), quadratic(H, OPTIMUM), START, TensorMetric(G), max_iter=1)
    g = H @ (START - OPTIMUM)
    direction = np.linalg.solve(G, g)
    beta = np.sqrt(2.0 * epsilon / (g @ direction))
    np.testing.assert_allclose(iterates[1].theta, START - beta * direction, rtol=1e-12)
    assert iterates[1].step_length == pytest.approx(beta, rel=1e-12)


@pytest.mark.parametrize("coordinates", ["unconstrained", "native"])
def test_kl_step_predicts_epsilon_at_every_step(coordinates):
    family = Normal()
    origin = family.eta(loc=9.0, scale=2.0)
    objective = likelihood(family, Y, coordinates, origin=origin)
    theta = objective.model.coordinates.from_eta(origin)
    fit, iterates = trace(KLStep(0.01), objective, theta, "exact", max_iter=60)
    np.testing.assert_allclose([i.predicted_kl for i in iterates[1:]], 0.01, rtol=1e-10)
    # The realised divergence agrees to second order.
    np.testing.assert_allclose([i.kl for i in iterates[1:]], 0.01, rtol=0.3)
    assert fit.status is Status.MAX_ITER


def test_kl_step_circles_the_optimum():
    _, iterates = trace(KLStep(0.01), quadratic(H, OPTIMUM), START, max_iter=200)
    distance = [np.sqrt((i.theta - OPTIMUM) @ H @ (i.theta - OPTIMUM)) for i in iterates[-20:]]
    assert max(distance) < np.sqrt(0.02)
    assert min(distance) > 1e-4


def test_kl_step_does_not_move_at_a_stationary_point():
    fit, iterates = trace(KLStep(), quadratic(H, OPTIMUM), OPTIMUM, tol=0.0)
    assert len(iterates) == 1
    assert fit.status in (Status.NO_DESCENT, Status.CONVERGED)


@pytest.mark.parametrize("metric", ["euclidean", TensorMetric(np.diag([2.0, 5.0]))], ids=["I", "G"])
def test_exact_line_search_takes_the_textbook_step(metric):
    """t = g'd / d'Hd on a quadratic."""
    fit, iterates = trace(ExactLineSearch(), quadratic(H, OPTIMUM), START, metric, max_iter=3)
    G = np.eye(2) if isinstance(metric, str) else metric.G
    for before, after in zip(iterates[:-1], iterates[1:], strict=True):
        d = np.linalg.solve(G, before.grad)
        want = (before.grad @ d) / (d @ H @ d)
        assert after.step_length == pytest.approx(want, rel=1e-9)
        # The new gradient is orthogonal to the direction.
        assert after.grad @ d == pytest.approx(0.0, abs=1e-9 * np.linalg.norm(before.grad) ** 2)


def test_exact_line_search_needs_one_secant_on_a_quadratic():
    _, iterates = trace(ExactLineSearch(), quadratic(H, OPTIMUM), START, "euclidean", max_iter=1)
    assert iterates[1].evaluations <= 5


def test_exact_line_search_finds_the_first_minimum_of_a_curve():
    objective = Function(lambda x: (np.cos(x[0]), -np.sin(x)), 1, jac=True)
    _, iterates = trace(ExactLineSearch(), objective, [0.5], "euclidean", max_iter=1)
    assert iterates[1].theta[0] == pytest.approx(np.pi, rel=1e-9)


def test_exact_line_search_ends_where_there_is_no_minimum():
    objective = Function(lambda x: (float(-x[0]), -np.ones(1)), 1, jac=True)
    step = ExactLineSearch(longest=100.0)
    _, iterates = trace(step, objective, [0.0], "euclidean", max_iter=2)
    assert iterates[1].step_length <= 200.0


def test_exact_line_search_stays_below_a_pole():
    def fun(x):
        if x[0] >= 1.0:
            return np.inf, np.full(1, np.inf)
        return float(-np.log1p(-x[0]) - 5 * x[0]), 1.0 / (1.0 - x) - 5.0

    fit, iterates = trace(ExactLineSearch(), Function(fun, 1, jac=True), [0.0], "euclidean")
    assert fit.theta[0] == pytest.approx(0.8, rel=1e-6)


def test_one_unit_step_with_the_hessian_lands_on_the_optimum():
    for step in (FixedStep(1.0), BacktrackingStep(), ExactLineSearch()):
        fit, iterates = trace(step, quadratic(H, OPTIMUM), START, TensorMetric(H))
        np.testing.assert_allclose(iterates[1].theta, OPTIMUM, rtol=1e-9)
        assert fit.n_iter == 1
        assert fit.status is Status.CONVERGED


def test_backtracking_obeys_armijo():
    step = BacktrackingStep(armijo=0.4)
    _, iterates = trace(step, rosenbrock(), [-1.2, 1.0], "euclidean", max_iter=30)
    for before, after in zip(iterates[:-1], iterates[1:], strict=True):
        decrease = before.grad @ (before.theta - after.theta)
        assert after.value <= before.value - 0.4 * decrease


def test_backtracking_shrinks_by_its_factor():
    _, iterates = trace(
        BacktrackingStep(shrink=0.25), rosenbrock(), [-1.2, 1.0], "euclidean", max_iter=1
    )
    power = np.log(iterates[1].step_length) / np.log(0.25)
    assert power == pytest.approx(np.round(power))
    assert power >= 1


def test_backtracking_caps_a_unit_step_at_the_radius():
    """From (0, 1) for N(12, 4^2) a raw unit step leads to sigma = e^80."""
    objective = likelihood(Normal(), Y)
    for epsilon in (0.01, 0.5):
        step = BacktrackingStep(epsilon)
        _, iterates = trace(step, objective, [0.0, 0.0], "exact", max_iter=1)
        assert iterates[1].predicted_kl <= epsilon * (1.0 + 1e-9)
        assert iterates[1].step_length < 1.0


def test_backtracking_radius_adapts_unless_told_otherwise():
    objective = likelihood(Normal(), Y)
    _, adaptive = trace(BacktrackingStep(0.01), objective, [0.0, 0.0], "exact", max_iter=8)
    _, fixed = trace(
        BacktrackingStep(0.01, adaptive=False), objective, [0.0, 0.0], "exact", max_iter=8
    )
    assert adaptive[-1].radius > 0.01
    assert adaptive[-1].value < fixed[-1].value
    assert {i.radius for i in fixed} == {0.01}
    assert max(i.predicted_kl for i in fixed[1:]) <= 0.01 * (1 + 1e-9)


def test_backtracking_limits_the_realised_divergence():
    objective = likelihood(Normal(), Y)
    step = BacktrackingStep(0.5, kl_slack=1.5, adaptive=False)
    _, iterates = trace(step, objective, [0.0, 0.0], "exact", max_iter=20)
    assert max(i.kl for i in iterates[1:]) <= 0.75 * (1 + 1e-9)


def test_backtracking_has_no_radius_for_plain_functions():
    assert BacktrackingStep().radius(rosenbrock()) == np.inf
    assert BacktrackingStep().radius(likelihood(Normal(), Y)) == 0.5
    assert np.isnan(FixedStep().radius(rosenbrock()))


def test_backtracking_with_levenberg_raises_the_damping():
    """The first steps on Rosenbrock's function with a metric that is far too small."""
    metric = TensorMetric(1e-4 * np.eye(2))
    _, iterates = trace(
        BacktrackingStep(), rosenbrock(), [-1.2, 1.0], metric, damping="levenberg", max_iter=3
    )
    assert iterates[1].damping != iterates[0].damping
    assert iterates[1].value < iterates[0].value


def test_backtracking_at_rounding_level_ends_as_rounding_floor():
    """The gradient jumps by 2e-7 at the optimum: it never vanishes, and f cannot show a fall."""

    def fun(x):
        return 1e6 + float(x @ x), 2.0 * x + np.where(x >= 0.0, 1e-7, -1e-7)

    objective = Function(fun, 2, jac=True)
    fit, _ = trace(BacktrackingStep(), objective, [1.0, 2.0], TensorMetric(np.eye(2)), tol=1e-12)
    assert fit.status is Status.ROUNDING_FLOOR
    assert np.abs(fit.theta).max() < 1e-6


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize("metric", ["exact", "euclidean", "empirical"])
@pytest.mark.parametrize("scale", [0.3, 1e3])
def test_native_coordinates_reject_sigma_not_positive(step, metric, scale):
    y = 12.0 + 0.1 * np.random.default_rng(0).standard_normal(100)
    family = Normal()
    objective = likelihood(family, y, "native", origin=family.eta(loc=12.0, scale=scale))
    asked = []

    class Watched(type(objective)):
        def value_and_grad(self, theta):
            asked.append(theta[1])
            return super().value_and_grad(theta)

    objective.__class__ = Watched
    trace(step, objective, [12.0, scale], metric, max_iter=25)
    assert min(asked) > 0


@pytest.mark.parametrize(
    ("step", "error", "match"),
    [
        (FixedStep(0.0), ValueError, "step__length must be > 0, got 0.0; try 1.0"),
        (FixedStep("long"), TypeError, "step__length must be a number"),
        (KLStep(-1), ValueError, "step__epsilon must be > 0 nats, got -1; try 0.01"),
        (KLStep(np.nan), ValueError, "step__epsilon must be .*> 0 nats, got nan"),
        (BacktrackingStep(0.0), ValueError, "step__epsilon must be > 0 nats"),
        (BacktrackingStep(armijo=1.0), ValueError, "step__armijo must be > 0 and < 1"),
        (BacktrackingStep(shrink=0.0), ValueError, "step__shrink must be > 0 and < 1"),
        (BacktrackingStep(kl_slack=0.5), ValueError, "step__kl_slack must be >= 1"),
        (ExactLineSearch(tol=0.0), ValueError, "step__tol must be > 0"),
        (ExactLineSearch(longest=-1.0), ValueError, "step__longest must be > 0"),
    ],
)
def test_bad_options_are_named(step, error, match):
    with pytest.raises(error, match=match):
        step.check()


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_defaults_pass_their_own_check(step):
    step.check()


def test_bad_options_surface_in_fit():
    from natfit import NaturalMLE

    with pytest.raises(ValueError, match="step__epsilon"):
        NaturalMLE(step=KLStep(-1.0)).fit(np.arange(9.0)[:, None])


def test_base_step_asks_for_its_verb():
    with pytest.raises(NotImplementedError):
        Step().step(None)
