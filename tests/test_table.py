"""Every solver with every step on every problem: it reaches the optimum, or its stated status."""

import functools

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import digamma

from natfit._component import available, registered, resolve
from natfit.distributions.base import Distribution
from natfit.solvers.base import Solver
from natfit.steps.base import Step
from natfit.testing.problems import likelihood, quadratic, rosenbrock
from natfit.testing.steps import trace

H = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
CENTRE = np.array([1.0, -2.0, 0.5])
RNG = np.random.default_rng(0)
DATA = {
    "bernoulli": (RNG.random(200) < 0.3).astype(float),
    "categorical": RNG.choice(3, 200, p=[0.2, 0.5, 0.3]).astype(float),
    "exponential": RNG.exponential(3.0, 200),
    "gamma": RNG.gamma(2.5, 1.5, 200),
    "multi_bernoulli": (RNG.random((200, 2)) < [0.3, 0.6]).astype(float),
    "multi_categorical": np.column_stack([RNG.integers(0, 2, 200), RNG.integers(0, 3, 200)]) * 1.0,
    "multivariate_normal": RNG.multivariate_normal([1.0, -1.0], [[2.0, 0.6], [0.6, 1.0]], 200),
    "normal": RNG.normal(12.0, 4.0, 200),
    "poisson": RNG.poisson(4.0, 200).astype(float),
    "student_t": 3.0 + 2.0 * RNG.standard_t(3.0, 200),
}


def gamma_mle(y):
    """log a - psi(a) = log mean y - mean log y, by scipy's root finder."""
    gap = np.log(y.mean()) - np.log(y).mean()
    shape = optimize.brentq(lambda a: np.log(a) - digamma(a) - gap, 1e-3, 1e3, xtol=1e-14)
    return [shape, y.mean() / shape]


def student_mle(y):
    """scipy's own fit, polished by Nelder and Mead's simplex on its own log-density."""

    def loss(t):
        return -stats.t.logpdf(y, np.exp(t[2]), t[0], np.exp(t[1])).mean()

    start = [np.median(y), 0.0, 1.0]
    options = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 5_000, "maxfev": 5_000}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options).x
    return [best[0], np.exp(best[1]), np.exp(best[2])]


ORACLES = {
    "bernoulli": lambda y: [y.mean()],
    "categorical": lambda y: np.bincount(y.astype(int)) / len(y),
    "exponential": lambda y: [1.0 / y.mean()],
    "gamma": gamma_mle,
    "multi_bernoulli": lambda y: y.mean(axis=0),
    "multi_categorical": lambda y: [
        share for column in y.T for share in np.bincount(column.astype(int)) / len(y)
    ],
    "multivariate_normal": lambda y: [*y.mean(axis=0), *np.cov(y.T, bias=True).ravel()],
    "normal": lambda y: [y.mean(), y.std()],
    "poisson": lambda y: [y.mean()],
    "student_t": student_mle,
}
PROBLEMS = ["quadratic", "rosenbrock", *available(Distribution)]
SOLVERS = {repr(s): s for _, s in registered(Solver)}
STEPS = {repr(s): s for _, s in registered(Step)}

#: Solvers that need a factor F = B B', which a plain function's Hessian does not have.
FACTORED = "WoodburySolver"


@functools.cache
def problem(name):
    """Objective, start, metric, what to compare and the optimum by an oracle."""
    if name == "quadratic":
        return quadratic(H, CENTRE), CENTRE + 3.0, "observed", lambda x: x, CENTRE
    if name == "rosenbrock":
        return rosenbrock(), np.array([-1.2, 1.0]), "observed", lambda x: x, np.ones(2)
    y = DATA[name]
    family = resolve(name, Distribution).bind(y)
    objective = likelihood(family, y)
    start = family.initial(y, None, np.random.default_rng(0)) + 0.3

    def native(theta):
        return np.concatenate([np.ravel(v) for v in family.native_dict(theta).values()])

    return objective, start, "exact", native, np.array(ORACLES[name](y))


def test_every_family_has_data_and_an_oracle():
    assert set(DATA) == set(ORACLES) == set(available(Distribution))


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_reaches_the_optimum(solver, step, name):
    objective, start, metric, native, optimum = problem(name)
    rule = STEPS[step]
    options = {"solver": SOLVERS[solver], "tol": 1e-7, "max_iter": 100}
    if solver.startswith(FACTORED) and not objective.probabilistic:
        with pytest.raises(ValueError, match="needs a metric with a factor"):
            trace(rule, objective, start, metric, **options)
        return
    fit, iterates = trace(rule, objective, start, metric, **options)
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
        lengths = [i.predicted_kl for i in iterates[1:]]
        np.testing.assert_allclose(lengths, rule.epsilon, rtol=1e-6)
        return
    assert fit.status.good, fit.message
    # A direction that is off by a factor 2 converges by halves, in 24 and more.
    assert fit.n_iter <= (20 if objective.probabilistic else 60)
    np.testing.assert_allclose(native(fit.theta), optimum, rtol=2e-6, atol=1e-6)
