"""The order of calls in a run, which its docstring numbers."""

import numpy as np

from natfit.damping import NoDamping
from natfit.distributions import Normal
from natfit.iterate import Status
from natfit.metrics import EuclideanMetric
from natfit.objectives import Likelihood
from natfit.optimize import Engine, run
from natfit.solvers import CholeskySolver
from natfit.steps import BacktrackingStep
from natfit.testing.problems import likelihood

Y = np.random.default_rng(0).normal(12.0, 4.0, 100)


def recording(base, *verbs):
    """The class with its verbs noted in the list ``log`` before they are called."""

    def noted(verb):
        def call(self, *args):
            self.log.append(f"{base.__name__}.{verb}")
            return getattr(base, verb)(self, *args)

        return call

    return type(base.__name__, (base,), {verb: noted(verb) for verb in verbs})


def spied(log):
    """An objective and an engine whose calls are noted."""
    kinds = {
        Likelihood: ("value_and_grad", "information", "in_domain"),
        EuclideanMetric: ("prepare", "at"),
        CholeskySolver: ("solve",),
        BacktrackingStep: ("step",),
        NoDamping: ("start", "accepted", "rejected"),
    }
    spies = {base: recording(base, *verbs) for base, verbs in kinds.items()}
    objective = likelihood(Normal(), Y)
    objective.__class__ = spies.pop(Likelihood)
    parts = [spy() for spy in spies.values()]
    for part in (objective, *parts):
        part.log = log
    return objective, Engine(*parts, 1e-6, 2)


def test_the_order_of_calls_is_that_of_the_docstring():
    log = []
    objective, engine = spied(log)
    fit = run(
        objective,
        engine,
        np.array([11.0, 1.0]),
        np.random.default_rng(0),
        lambda iterate, done: log.append(f"callback {iterate.n_iter} {done}"),
    )
    assert fit.status is Status.MAX_ITER
    log = [call for call in log if not call.startswith("EuclideanMetric.prepare")]
    start, first, second, third = split(log, "EuclideanMetric.at")
    assert start == ["NoDamping.start", "Likelihood.value_and_grad"]
    for k, part in enumerate((first, second)):
        # The metric's own direction; the yardstick, which Cholesky's own solver takes.
        assert part[:3] == ["EuclideanMetric.at", "Likelihood.information", "CholeskySolver.solve"]
        assert part[3:5] == [f"callback {k} False", "BacktrackingStep.step"]
        assert part[5:7] == ["Likelihood.in_domain", "Likelihood.value_and_grad"]
        assert part[-1] == "NoDamping.accepted"
    assert third[-1] == "callback 2 True"


def split(log, mark):
    """The parts of a list, each but the first beginning with a mark."""
    where = [i for i, call in enumerate(log) if call == mark]
    return [log[a:b] for a, b in zip([0, *where], [*where, None], strict=True)]


def test_the_metric_is_prepared_before_anything_is_evaluated():
    log = []
    objective, engine = spied(log)
    run(objective, engine, np.array([11.0, 1.0]), np.random.default_rng(0))
    assert log[0] == "EuclideanMetric.prepare"


def test_a_callback_is_told_of_a_search_without_a_result():
    class Tired(BacktrackingStep):
        def step(self, local):
            return local.stop(Status.NO_DESCENT)

    seen = []
    engine = Engine(EuclideanMetric(), CholeskySolver(), Tired(), NoDamping(), 1e-6, 9)
    fit = run(
        likelihood(Normal(), Y),
        engine,
        np.array([11.0, 1.0]),
        np.random.default_rng(0),
        lambda iterate, done: seen.append((iterate.n_iter, iterate.status, done)),
    )
    assert seen == [(0, None, False), (0, Status.NO_DESCENT, True)]
    assert fit.iterate.status is fit.status is Status.NO_DESCENT
    assert fit.history.n_rows == 1


def test_a_prepared_engine_is_prepared_once():
    objective = likelihood(Normal(), Y)
    engine = Engine(EuclideanMetric(), CholeskySolver(), BacktrackingStep(), NoDamping(), 1e-6, 9)
    assert engine.prepared(objective) is engine
