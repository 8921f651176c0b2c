"""Every reason for stopping is reached, and its message says what to do."""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import Status
from natfit.damping import NoDamping
from natfit.distributions import Normal, Poisson, StudentT
from natfit.metrics import EmpiricalFisher, ExactFisher
from natfit.objectives import Function
from natfit.optimize import Engine, loop, run
from natfit.solvers import CholeskySolver
from natfit.steps import BacktrackingStep
from natfit.testing.problems import likelihood, quadratic

Y = np.random.default_rng(0).normal(12.0, 4.0, 100)


def go(objective, theta, metric, *, tol=1e-6, max_iter=50, callback=None):
    engine = Engine(metric, CholeskySolver(), BacktrackingStep(), NoDamping(), tol, max_iter)
    theta = np.array(theta, dtype=float)
    return run(objective, engine, theta, np.random.default_rng(0), callback)


def converged():
    return go(likelihood(Normal(), Y), [0.0, 0.0], ExactFisher())


def gradient_small(monkeypatch):
    """With too many parameters to form an information, the norm of the metric counts."""
    monkeypatch.setattr(loop, "_AFFORDABLE", 1)
    return go(likelihood(Normal(), Y), [10.0, 1.0], EmpiricalFisher(), tol=1e-3)


def rounding_floor():
    """A slope of 1e-7 that is only noise, on f = 1e6: no value can show its descent."""
    objective = Function(lambda x: (1e6, np.full(1, 1e-7)), 1, jac=True)
    return go(objective, [0.0], natfit.metrics.EuclideanMetric(), tol=1e-12)


def boundary():
    return go(likelihood(Poisson(), np.zeros(5)), [0.0], ExactFisher(), max_iter=500)


def max_iter():
    return go(likelihood(Normal(), Y), [0.0, 0.0], ExactFisher(), max_iter=2)


def no_descent():
    """The gradient has the wrong sign."""
    objective = Function(lambda x: (float(x @ x), -2.0 * x), 2, jac=True)
    return go(objective, [1.0, 1.0], natfit.metrics.EuclideanMetric())


def singular():
    """f depends on x0 + x1 alone, and its Hessian says so."""
    hessian = np.ones((2, 2))
    metric = natfit.metrics.TensorMetric(hessian)
    return go(quadratic(hessian, np.array([1.0, 2.0])), [5.0, 5.0], metric)


def non_finite():
    objective = Function(lambda x: (np.nan, x), 1, jac=True)
    return go(objective, [1.0], natfit.metrics.EuclideanMetric())


def unbounded():
    """Three rows of four are equal: the family knows that its scale -> 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = natfit.fit("cauchy", [0.0, 0.0, 0.0, 1.0])
    return SimpleNamespace(status=model.status_, message=model.message_)


def stopped_by_callback():
    objective = likelihood(Normal(), Y)
    return go(objective, [0.0, 0.0], ExactFisher(), callback=lambda i, done: i.n_iter == 2)


def early_stopped():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), rng.standard_normal(60)
    model = natfit.NaturalRegressor(predictor="mlp", early_stopping=True, random_state=0).fit(X, y)
    return SimpleNamespace(status=model.status_, message=model.message_)


CASES = {
    Status.CONVERGED: (converged, "standard errors, within tol=1e-06"),
    Status.GRADIENT_SMALL: (gradient_small, "natural gradient is .*, within tol=0.001"),
    Status.ROUNDING_FLOOR: (rounding_floor, "rounding hides any further descent"),
    Status.BOUNDARY: (boundary, "rate -> 0"),
    Status.MAX_ITER: (max_iter, "max_iter=2 was reached; the distance .* tol is 1e-06"),
    Status.NO_DESCENT: (no_descent, "no step .* lowers the objective, which is 2;"),
    Status.SINGULAR: (singular, r"do not determine x\[0\], x\[1\]"),
    Status.NON_FINITE: (non_finite, r"not finite near theta = \[1.*the objective is nan"),
    Status.UNBOUNDED: (unbounded, "75 % of the rows equal 0"),
    Status.EARLY_STOPPED: (early_stopped, "rows held out has not risen for 10 iterations"),
    Status.STOPPED_BY_CALLBACK: (stopped_by_callback, "after 2 iterations"),
}


def test_every_status_has_a_case():
    assert set(CASES) == set(Status)


@pytest.mark.parametrize("status", CASES)
def test_status_is_reached(status, monkeypatch):
    case, words = CASES[status]
    fit = case(monkeypatch) if case is gradient_small else case()
    assert fit.status is status
    assert fit.message.startswith(f"{status}: ")
    assert re.search(words, fit.message)
    good = status in ("converged", "gradient_small", "rounding_floor")
    assert status.good is good
    assert fit.message.endswith(status.remedy) is not good
    assert len(status.remedy) > 10


def test_a_status_is_a_string():
    assert Status.CONVERGED == "converged"
    assert f"{Status.MAX_ITER}" == "max_iter"
    assert natfit.Status("boundary") is Status.BOUNDARY


def test_the_bound_of_student_t_is_named():
    y = np.linspace(-1.0, 1.0, 20)
    fit = go(likelihood(StudentT(), y), [0.0, 0.0, 0.5], ExactFisher(endgame=True))
    assert fit.status is Status.BOUNDARY
    assert "df -> inf" in fit.message
    assert "normal" in fit.message


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"max_iter": 2}, "max_iter"),
        ({"max_iter": 300, "damping": "none", "jac": lambda x: -4.0 * x**3}, "no_descent"),
    ],
)
def test_what_is_not_reached_warns_with_the_message(options, status):
    with pytest.warns(ConvergenceWarning, match=f"minimize: {status}: "):
        result = natfit.minimize(lambda x: (x**4).sum(), [1.0, 2.0], **options)
    assert result.status == status
    assert not result.success


def test_good_ends_and_what_was_asked_for_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = natfit.minimize(lambda x: x[0] ** 2, [1.0], metric=[[2.0]])
        capped = natfit.minimize(lambda x: x[0] ** 2, [1.0], tol=0.0, max_iter=3, step="fixed")
        stopped = natfit.minimize(lambda x: x[0] ** 4, [0.7], callback=lambda x: True)
    assert (done.status, capped.status) == ("converged", "max_iter")
    assert stopped.status == "stopped_by_callback"
