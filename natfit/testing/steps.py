"""Property checks of steps, on quadratics, Rosenbrock's function and a likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._component import component_class, resolve
from natfit.damping.base import Damping
from natfit.distributions.base import Distribution
from natfit.iterate import Status, Why
from natfit.metrics.base import Metric
from natfit.metrics.tensor import TensorMetric
from natfit.objectives import Function, Objective
from natfit.optimize import Engine, Fit, Iterate, descend, run
from natfit.solvers.base import Solver
from natfit.testing._core import NotApplicable, close, require, run_checks
from natfit.testing.problems import likelihood, quadratic, rosenbrock

_HESSIAN = np.array([[3.0, 1.0], [1.0, 2.0]])
_OPTIMUM = np.array([1.0, -2.0])


def check_step(step: Any) -> dict[str, str]:
    """Run every check of :data:`STEP_CHECKS` on a step.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(STEP_CHECKS, step)


def trace(
    step: Any,
    objective: Objective,
    start: Any,
    metric: Any = "observed",
    *,
    solver: Any = "auto",
    damping: Any = "none",
    tol: float = 1e-8,
    max_iter: int = 100,
) -> tuple[Fit, list[Iterate]]:
    """Run the loop with a step; return the fit and all iterates, the start first."""
    iterates: list[Iterate] = []
    engine = _engine(step, metric, solver, damping, tol, max_iter)

    def keep(iterate: Iterate, done: bool) -> bool:
        iterates.append(iterate)
        return False

    fit = run(
        objective,
        engine,
        np.array(start, dtype=float),
        np.random.default_rng(0),
        keep,
    )
    return fit, iterates


def _engine(
    step: Any,
    metric: Any,
    solver: Any = "auto",
    damping: Any = "none",
    tol: float = 1e-8,
    max_iter: int = 100,
) -> Engine:
    """Return an engine of a step and other components, given by name or as objects."""
    chosen = resolve(metric, Metric), resolve(solver, Solver), step, resolve(damping, Damping)
    return Engine(*chosen, tol, max_iter)


def prescribes_length(step: Any) -> bool:
    """Tell whether a step takes its length whatever the objective does, so that it may ascend."""
    return not step.descends


def _normal(start: tuple[float, float], sd: float = 4.0) -> tuple[Objective, np.ndarray]:
    """Return the paper's example in (mu, sigma): data from N(12, sd^2), and a start."""
    y = 12.0 + sd * np.random.default_rng(14).standard_normal(400)
    family = component_class("normal", Distribution)()
    eta = family.eta(loc=start[0], scale=start[1])
    return likelihood(family, y, "native", origin=eta), np.array(start)


def lands_on_optimum(step: Any) -> None:
    """On a quadratic whose metric is its Hessian, one unit step lands on the optimum."""
    if not step.converges:
        raise NotApplicable("the step keeps a fixed length in the metric's norm")
    objective = quadratic(_HESSIAN, _OPTIMUM)
    start = _OPTIMUM + np.array([0.05, -0.02])
    fit, iterates = trace(step, objective, start, TensorMetric(_HESSIAN), max_iter=1, tol=1e-12)
    close("the first iterate", iterates[1].theta, _OPTIMUM, rtol=1e-9)


def reaches_optimum(step: Any) -> None:
    """With the Hessian as metric, quadratics and Rosenbrock's function are solved."""
    if not step.converges:
        raise NotApplicable("the step keeps a fixed length in the metric's norm")
    for objective, start, optimum in (
        (quadratic(_HESSIAN, _OPTIMUM), [4.0, 3.0], _OPTIMUM),
        (rosenbrock(), [-1.2, 1.0], np.ones(2)),
    ):
        fit, _ = trace(step, objective, start, max_iter=300)
        require(fit.status.good, f"ended as {fit.message} from {start}")
        close("the optimum", fit.theta, optimum, rtol=1e-6)


def never_ascends(step: Any) -> None:
    """With good and with poor metrics, no iterate is higher than the one before."""
    if prescribes_length(step):
        raise NotApplicable("the step takes its length whatever the objective does")
    for objective, start in ((rosenbrock(), [-1.2, 1.0]), _normal((0.0, 1.0))):
        for metric in ("observed", "euclidean"):
            _, iterates = trace(step, objective, start, metric, max_iter=60)
            values = np.array([i.value for i in iterates])
            rise = np.diff(values).max(initial=-np.inf)
            room = 1e-10 * max(1.0, np.abs(values[-1]))
            require(rise <= room, f"the objective rises by {rise:.3g} with metric {metric}")


def stays_in_domain(step: Any) -> None:
    """In native coordinates, no iterate has sigma <= 0 or a value that is not finite."""
    # A unit gradient step from sigma = 0.3 for data of spread 0.1 leads to sigma = -2.7.
    for start, sd in (((0.0, 1.0), 4.0), ((12.0, 40.0), 4.0), ((12.0, 0.3), 0.1)):
        objective, theta = _normal(start, sd)
        for metric in ("exact", "euclidean"):
            _, iterates = trace(step, objective, theta, metric, max_iter=30)
            lowest = min(i.theta[1] for i in iterates)
            require(lowest > 0, f"sigma = {lowest:.3g} from {start} with metric {metric}")
            require(all(np.isfinite(i.value) for i in iterates), "a value is not finite")


def rejects_undefined(step: Any) -> None:
    """No iterate is placed where the objective is NaN or infinite."""

    def fun(x: np.ndarray) -> tuple[float, np.ndarray]:
        if x[0] > 0.2:
            return np.nan, np.full(1, np.nan)
        return float((x[0] - 1.0) ** 2), 2.0 * (x - 1.0)

    fit, iterates = trace(step, Function(fun, 1, jac=True), [-1.0], "euclidean", max_iter=20)
    require(len(iterates) > 1, "no step was taken")
    require(all(np.isfinite(i.value) for i in iterates), "an iterate has no finite value")


def records_what_it_did(step: Any) -> None:
    """Values, predicted KL and step length in the history are those of the iterates."""
    objective = quadratic(_HESSIAN, _OPTIMUM)
    fit, iterates = trace(step, objective, [3.0, 3.0], TensorMetric(_HESSIAN), max_iter=5)
    for before, after in zip(iterates[:-1], iterates[1:], strict=True):
        delta = after.theta - before.theta
        require(after.n_iter == before.n_iter + 1, "n_iter does not count by one")
        require(after.evaluations >= 1, "a step without an evaluation")
        close("value", after.value, objective.value(after.theta), rtol=1e-12)
        close("predicted_kl", after.predicted_kl, 0.5 * delta @ _HESSIAN @ delta, rtol=1e-10)
        want = -after.step_length * np.linalg.solve(_HESSIAN, before.grad)
        if not step.remembers:
            close("the step against its length times the direction", delta, want, rtol=1e-8)
    require(len(fit.history["objective"]) == len(iterates), "the history misses iterates")


def keeps_its_radius(step: Any) -> None:
    """A step of fixed length in the metric's norm always has predicted_kl = epsilon."""
    if step.converges or step.descends or step.remembers:
        raise NotApplicable("the length of the step is not fixed in the metric's norm")
    for metric in (TensorMetric(_HESSIAN), "observed", "euclidean"):
        fit, iterates = trace(step, quadratic(_HESSIAN, _OPTIMUM), [3.0, 3.0], metric, max_iter=40)
        found = [i.predicted_kl for i in iterates[1:]]
        close("predicted_kl", found, np.full(40, step.epsilon), rtol=1e-9)
        require(fit.status == "max_iter", f"ended as {fit.status}, expected max_iter")


def stops_on_wrong_gradient(step: Any) -> None:
    """With a gradient of the wrong sign the step gives up; it does not climb or loop."""
    if prescribes_length(step):
        raise NotApplicable("the step takes its length whatever the objective does")

    def fun(x: np.ndarray) -> tuple[float, np.ndarray]:
        # Bounded, so that a step that climbs does not overflow.
        return float(np.sum(x * x / (1.0 + x * x))), -2.0 * x / (1.0 + x * x) ** 2

    fit, iterates = trace(step, Function(fun, 2, jac=True), [1.0, 1.0], "euclidean")
    climbed = fit.iterate.value - iterates[0].value
    require(climbed <= 1e-6, f"climbed by {climbed:.3g} along a gradient of the wrong sign")
    require(not fit.status.good, f"ended as {fit.status} with a wrong gradient")


def failed_search_is_recorded(step: Any) -> None:
    """A search without a result ends with a Status, its trials and all its evaluations."""
    calls = 0

    def fun(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal calls
        calls += 1
        return (1.0 if x[0] == -1.0 else np.nan), np.ones(1)

    engine = _engine(step, "euclidean")
    steps = descend(Function(fun, 1, jac=True), engine, np.array([-1.0]), np.random.default_rng(0))
    next(steps)
    # Only one step is requested, since a step that never gives up would not end.
    last, _ = next(steps)
    require(isinstance(last.status, Status), f"the status is {last.status!r}, no natfit.Status")
    require(np.array_equal(last.theta, [-1.0]), f"theta is {last.theta}, not the start")
    require(
        last.evaluations == calls, f"{last.evaluations} evaluations are counted, {calls} were made"
    )
    tried = len(last.trials)
    require(0 < tried < calls, f"{tried} trials are kept of {calls - 1} evaluations")
    for trial in last.trials:
        require(trial.why is Why.NOT_FINITE, f"a value that is NaN is refused for {trial.why!r}")
        require(np.isnan(trial.value), f"the value of a trial is {trial.value}, it was NaN")


def refused_trials_are_kept(step: Any) -> None:
    """The trials refused before an accepted point are stored on its iterate."""
    met = []

    def fun(x: np.ndarray) -> tuple[float, np.ndarray]:
        value = np.nan if x[0] > -0.2 else float((x[0] - 1.0) ** 2)
        met.append(value)
        return value, 2.0 * (x - 1.0)

    engine = _engine(step, "euclidean")
    steps = descend(Function(fun, 1, jac=True), engine, np.array([-1.0]), np.random.default_rng(0))
    next(steps)
    met.clear()
    after, _ = next(steps)
    undefined = int(np.isnan(met).sum())
    kept = [trial.why for trial in after.trials].count(Why.NOT_FINITE)
    require(kept == undefined, f"{kept} trials without a value are kept of {undefined}")
    require(after.backtracks == len(after.trials), "backtracks is not the number of trials")


def repeats(step: Any) -> None:
    """Two runs give the same iterates: what a step remembers is carried by them."""
    first, second = (trace(step, rosenbrock(), [-1.2, 1.0], max_iter=8)[1] for _ in range(2))
    same = all(np.array_equal(a.theta, b.theta) for a, b in zip(first, second, strict=True))
    require(same, "a second run takes another path")


def changes_as_it_steps(step: Any) -> None:
    """A rule that needs no objective takes the same steps from the directions alone."""
    if not step.blind:
        raise NotApplicable("the step asks the objective")
    _, iterates = trace(step, quadratic(_HESSIAN, _OPTIMUM), [3.0, 3.0], "euclidean", max_iter=8)
    memory, delta, theta = step.begin(None, 2), np.empty(2), iterates[0].theta
    for before, after in zip(iterates[:-1], iterates[1:], strict=True):
        if after.trials:
            break
        step.change(before.grad, memory, delta)
        theta = theta + delta
        close("theta", theta, after.theta, rtol=1e-9)


#: Every check that :func:`check_step` runs, each called with a step.
STEP_CHECKS = [
    lands_on_optimum,
    reaches_optimum,
    never_ascends,
    stays_in_domain,
    rejects_undefined,
    records_what_it_did,
    keeps_its_radius,
    stops_on_wrong_gradient,
    failed_search_is_recorded,
    refused_trials_are_kept,
    repeats,
    changes_as_it_steps,
]
