"""Solvers with step rules on problems reach the optimum or a stated status.

Every solver meets every step rule, every solver every problem, and every step rule every problem.
"""

import functools
import itertools

import numpy as np
import pytest

from natfit._component import available, registered
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Yardstick
from natfit.rows import Block, Memory
from natfit.solvers.base import Solver
from natfit.steps.base import Step
from natfit.testing.problems import likelihood, quadratic, rosenbrock
from natfit.testing.steps import trace
from tests.cases import case

H = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
CENTRE = np.array([1.0, -2.0, 0.5])
FAMILIES = available(Distribution)
PROBLEMS = ["quadratic", "rosenbrock", *FAMILIES]
SOLVERS = {repr(s): s for _, s in registered(Solver)}
STEPS = {repr(s): s for _, s in registered(Step)}

#: The solver moves on with the step rule and with the problem, so that every two meet.
TRIPLES = [
    (list(SOLVERS)[(i + j) % len(SOLVERS)], list(STEPS)[i % len(STEPS)], name)
    for j, name in enumerate(PROBLEMS)
    for i in range(max(len(SOLVERS), len(STEPS)))
]

#: Solvers that need a factor F = B B', which a plain function's Hessian does not have.
FACTORED = "WoodburySolver"

#: Solvers that need a model with layers, which neither plain functions nor constant models have.
LAYERED = [name for name, solver in SOLVERS.items() if solver.needs_layers]


@functools.cache
def problem(name):
    """Objective, start, metric, what to compare and the optimum by an oracle."""
    if name == "quadratic":
        return quadratic(H, CENTRE), CENTRE + 3.0, "observed", lambda x: x, CENTRE
    if name == "rosenbrock":
        return rosenbrock(), np.array([-1.2, 1.0]), "observed", lambda x: x, np.ones(2)
    y = case(name).data
    family = case(name).family.bind(Memory(y))
    objective = likelihood(family, y)
    low, high, _ = family.limits
    start = np.clip(family.initial(Block(y), np.random.default_rng(0)) + 0.3, low, high)

    def native(theta):
        return np.concatenate([np.ravel(v) for v in family.native_dict(theta).values()])

    return objective, start, "exact", native, np.array(case(name).optimum(y))


def has_factor(objective):
    """Whether the metric is an expected information: an observed one has no factor."""
    kind = objective.distribution.information if objective.probabilistic else None
    return kind is not None and kind.yardstick is Yardstick.EXPECTED


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_every_two_meet(pair):
    choices = [list(SOLVERS), list(STEPS), PROBLEMS]
    met = {tuple(triple[i] for i in pair) for triple in TRIPLES}
    assert met == set(itertools.product(*(choices[i] for i in pair)))


@pytest.mark.slow
@pytest.mark.parametrize(("solver", "step", "name"), TRIPLES)
def test_reaches_the_optimum(solver, step, name):
    objective, start, metric, native, optimum = problem(name)
    rule = STEPS[step]
    kinked, edged = (name in FAMILIES and getattr(case(name), k) for k in ("kinked", "edged"))
    options = {"solver": SOLVERS[solver], "tol": 1e-7, "max_iter": 100}
    if edged and not rule.converges and not rule.descends:
        # Steps of a fixed length circle, and in the long run the last bits say how.
        options["max_iter"] = 30
    if solver.startswith(FACTORED) and not has_factor(objective):
        with pytest.raises(ValueError, match="needs a metric with a factor"):
            trace(rule, objective, start, metric, **options)
        return
    if solver in LAYERED:
        with pytest.raises(ValueError, match="needs a model with layers"):
            trace(rule, objective, start, metric, **options)
        return
    if rule.remembers:
        # Means over natural gradients, entry by entry, need not descend; those of gradients do.
        metric, options["solver"] = "euclidean", SOLVERS["AutoSolver()"]
    fit, iterates = trace(rule, objective, start, metric, **options)
    if rule.remembers:
        # Adam's steps have the size of its rate: after a hundred of them it is on its way.
        assert np.isfinite([i.value for i in iterates]).all()
        assert min(i.value for i in iterates[1:]) < iterates[0].value
        return
    if name in FAMILIES and (case(name).family.row_ends or case(name).at_limit):
        # The order statistics are a limit, and so may be a share of zero; a step of fixed length
        # circles about the rest.
        assert fit.status == "boundary" or not rule.converges, fit.message
        rtol = 1e-6 if rule.converges else 0.2
        np.testing.assert_allclose(native(fit.theta), optimum, rtol=rtol, atol=0.01 * rtol)
        return
    if kinked:
        assert fit.iterate.value <= objective.value_and_grad(start)[0]
        np.testing.assert_allclose(native(fit.theta), optimum, rtol=0.1)
        return
    if not rule.converges and rule.descends:
        # TRPO's step has the full radius or halves of it: the end is where none of them helps.
        assert fit.status in ("no_descent", "max_iter") or fit.status.good, fit.message
        assert max(i.predicted_kl for i in iterates[1:]) <= 4.0 * rule.epsilon
        np.testing.assert_allclose(native(fit.theta), optimum, rtol=0.05, atol=0.05)
        return
    if not rule.converges:
        # The paper's step keeps its length: it ends at max_iter, near the optimum.
        assert fit.status == "max_iter"
        assert min(i.value for i in iterates) < iterates[0].value
        # Where the divergence is more than three times the length, the step is shorter.
        lengths = [i.predicted_kl for i in iterates[1:] if not i.trials]
        held = np.median(lengths) if edged else lengths
        np.testing.assert_allclose(held, rule.epsilon, rtol=1e-6)
        return
    assert fit.status.good, fit.message
    # A direction that is off by a factor 2 converges by halves, in 24 and more.
    assert fit.n_iter <= (20 if objective.probabilistic else 60)
    np.testing.assert_allclose(native(fit.theta), optimum, rtol=2e-6, atol=1e-6)
