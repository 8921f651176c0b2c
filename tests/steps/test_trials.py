"""A search that finds no next iterate keeps its trials, each with the reason."""

import warnings

import numpy as np
import pytest
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.iterate import Status, Why
from natfit.metrics import TensorMetric
from natfit.objectives import Function
from natfit.steps import BacktrackingStep, ExactLineSearch, FixedStep, KLStep, TrustRegionStep
from natfit.testing.problems import quadratic
from natfit.testing.steps import trace


class Counted(Function):
    """A function that counts its calls itself."""

    def __init__(self, fun, n_params):
        self.calls = 0
        super().__init__(self._counted, n_params, jac=True)
        self.inner = fun

    def _counted(self, x):
        self.calls += 1
        return self.inner(x)


def climbing():
    """The gradient has the wrong sign."""
    return Counted(lambda x: (float(x @ x), -2.0 * x), 2)


def alone(elsewhere):
    """One value at the start (1, 1), another everywhere else."""

    def fun(x):
        return (2.0 if np.array_equal(x, [1.0, 1.0]) else elsewhere), np.ones(2)

    return Counted(fun, 2)


class Walled(Counted):
    """No point but the start is inside the domain."""

    def in_domain(self, theta):
        return bool(np.array_equal(theta, [1.0, 1.0]))


def walled():
    return Walled(lambda x: (2.0, np.ones(2)), 2)


BACKTRACKING, REGION = BacktrackingStep(), TrustRegionStep(epsilon=0.1, max_backtracks=10)
CASES = [
    (BACKTRACKING, climbing, Status.NO_DESCENT, Why.NO_DECREASE, 50),
    (BACKTRACKING, lambda: alone(np.nan), Status.NO_DESCENT, Why.NOT_FINITE, 50),
    (BACKTRACKING, walled, Status.NO_DESCENT, Why.DOMAIN, 50),
    (REGION, climbing, Status.NO_DESCENT, Why.NO_DECREASE, 11),
    (REGION, lambda: alone(np.inf), Status.NO_DESCENT, Why.NOT_FINITE, 11),
    (REGION, walled, Status.NO_DESCENT, Why.DOMAIN, 11),
    (ExactLineSearch(), lambda: alone(np.nan), Status.NO_DESCENT, Why.NOT_FINITE, 50),
    (ExactLineSearch(), walled, Status.NO_DESCENT, Why.DOMAIN, 50),
    (FixedStep(), lambda: alone(np.nan), Status.NON_FINITE, Why.NOT_FINITE, 50),
    (KLStep(), walled, Status.NON_FINITE, Why.DOMAIN, 50),
]


@pytest.mark.parametrize(("step", "problem", "status", "why", "n"), CASES)
def test_a_failed_search_keeps_its_trials_and_counts_them(step, problem, status, why, n):
    objective = problem()
    fit, _ = trace(step, objective, [1.0, 1.0], "euclidean")
    trials = fit.history.trials
    assert fit.status is status
    assert len(trials) == n
    assert {t.why for t in trials} == {why}
    # Outside the domain nothing is evaluated.
    finite = np.isfinite([t.value for t in trials])
    assert finite.all() if why is Why.NO_DECREASE else not finite.any()
    lengths = np.array([t.length for t in trials])
    np.testing.assert_allclose(lengths[1:], 0.5 * lengths[:-1])
    assert fit.history["evaluations"].sum() == objective.calls
    assert objective.calls == (1 if why is Why.DOMAIN else n + 1)
    assert f"{n} trials were refused ({why.value} {n}), lengths " in fit.history.notes[-1]


def test_a_line_search_that_a_wrong_gradient_leads_uphill_says_so():
    objective = Counted(lambda x: (float(np.cos(x[0])), np.sin(x)), 1)
    fit, _ = trace(ExactLineSearch(), objective, [1.0], "euclidean")
    assert fit.status is Status.NO_DESCENT
    trials = fit.history.trials
    assert trials[-1].why is Why.NO_DECREASE
    assert trials[-1].value > np.cos(1.0)
    # The points at which it looked at the slope are among them, as they were found there.
    assert fit.history["evaluations"].sum() == objective.calls == 1 + len(trials)
    for trial in trials:
        np.testing.assert_allclose(trial.value, np.cos(1.0 - trial.length * np.sin(1.0)))


def test_a_line_search_refuses_a_gradient_that_is_not_finite():
    objective = Counted(lambda x: (float(x @ x), np.where(x == 1.0, 2.0, np.nan)), 2)
    fit, _ = trace(ExactLineSearch(), objective, [1.0, 1.0], "euclidean")
    assert fit.status is Status.NO_DESCENT
    assert {t.why for t in fit.history.trials} == {Why.NOT_FINITE}
    assert len(fit.history.trials) == 50


@pytest.mark.parametrize("hole", [(1.2, 1.4), (0.6, 0.9), (0.3, 1.9), (1.9, 2.5)])
def test_a_line_search_stays_before_a_hole(hole):
    """Where f has no value between two points, the way beyond is not the first minimum's."""

    def fun(x):
        inside = hole[0] < x[0] < hole[1]
        return (np.nan if inside else float((x[0] - 1.3) ** 2)), 2.0 * (x - 1.3)

    fit, iterates = trace(ExactLineSearch(), Counted(fun, 1), [0.0], "euclidean", max_iter=5)
    values = [i.value for i in iterates]
    assert np.isfinite(values).all()
    assert np.all(np.diff(values) <= 0.0)


def test_minimize_counts_what_a_failed_search_evaluated():
    objective = climbing()
    with pytest.warns(ConvergenceWarning, match="no_descent"):
        result = natfit.minimize(objective.fun, [1.0, 1.0], jac=True, metric="euclidean")
    assert objective.calls == 51
    assert result.nfev == result.njev == 51
    assert result.nit == 0
    assert len(result.history.trials) == 50
    assert "no decrease 50" in result.history.notes[0]


@pytest.mark.parametrize("metric", ["euclidean", "observed"])
def test_what_a_metric_evaluates_is_counted(metric):
    """A Hessian by differences of the gradient evaluates it, and the function with it."""
    calls = {"fun": 0, "jac": 0}

    def fun(x):
        calls["fun"] += 1
        return optimize.rosen(x)

    def jac(x):
        calls["jac"] += 1
        return optimize.rosen_der(x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = natfit.minimize(fun, [-1.2, 1.0], jac=jac, metric=metric, max_iter=30)
    assert result.nfev == calls["fun"]
    assert result.njev == calls["jac"]


@pytest.mark.parametrize("longest", [0.1, 0.3, 1.5, 2.0, 100.0])
def test_an_exact_line_search_goes_no_further_than_its_longest(longest):
    seen = []

    def fun(x):
        seen.append(float(x[0]))
        return -float(x[0]), np.array([-1.0])

    trace(ExactLineSearch(longest=longest), Counted(fun, 1), [0.0], "euclidean", max_iter=1)
    assert max(seen) == longest


def test_rounding_is_told_from_no_decrease():
    """The gradient jumps by 2e-7 at the optimum: f cannot show a fall, the norm does not fall."""

    def fun(x):
        return 1e6 + float(x @ x), 2.0 * x + np.where(x >= 0.0, 1e-7, -1e-7)

    metric = TensorMetric(np.eye(2))
    fit, _ = trace(BACKTRACKING, Function(fun, 2, jac=True), [1.0, 2.0], metric, tol=1e-12)
    assert fit.status is Status.ROUNDING_FLOOR
    assert {t.why for t in fit.history.trials} == {Why.ROUNDING}


def test_trials_before_an_accepted_step_stay_on_its_iterate():
    metric = TensorMetric(0.1 * np.eye(2))
    for step in (BACKTRACKING, TrustRegionStep(epsilon=10.0)):
        _, iterates = trace(step, quadratic(np.eye(2), np.ones(2)), [3.0, 4.0], metric, tol=1e-6)
        first = iterates[1]
        assert first.backtracks == len(first.trials) > 0
        assert {t.why for t in first.trials} == {Why.NO_DECREASE}
        np.testing.assert_allclose(first.trials[-1].length, 2.0 * first.step_length)
        assert iterates[0].trials == ()


@pytest.mark.parametrize("step", [BACKTRACKING, REGION, ExactLineSearch(), KLStep()], ids=repr)
def test_where_no_direction_descends_nothing_is_tried(step):
    """At a saddle the gradient vanishes, and no distance says that this is an optimum."""
    fit, _ = trace(step, Function(lambda x: x[0] ** 2 - x[1] ** 2, 2), [0.0, 0.0])
    assert fit.status is Status.NO_DESCENT
    assert fit.history.trials == ()
    assert fit.history["evaluations"].tolist() == [1]
    assert "nothing was tried: the objective does not fall" in fit.history.notes[0]


def test_a_step_that_stops_in_words_is_told_what_to_say():
    class Words(BacktrackingStep):
        def step(self, local):
            return local.stop("no_descent")

    with pytest.raises(TypeError, match="stop with a natfit.Status.*NO_DESCENT, got 'no_descent'"):
        trace(Words(), climbing(), [1.0, 1.0], "euclidean")


@pytest.mark.parametrize("damping", [None, "levenberg", 1e-3])
@pytest.mark.parametrize("start", [0.0, 0.3])
def test_a_step_that_gains_nothing_is_not_accepted(damping, start):
    """With a gradient of the wrong sign damping may shrink a trial below the rounding of theta."""
    with pytest.warns(ConvergenceWarning):
        result = natfit.minimize(
            lambda x: float(np.sum((x - 1.0) ** 2)),
            np.full(3, start),
            jac=lambda x: -2.0 * (x - 1.0),
            damping=damping,
            max_iter=30,
        )
    values = result.history["objective"]
    assert result.status == "no_descent"
    assert np.all(np.diff(values) < 0.0)
    assert result.nit == 0
