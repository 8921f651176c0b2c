"""Fits with all solvers, dampings and step rules reach the same optimum."""

import warnings

import numpy as np
import pytest
from estimator_data import FAMILIES, assert_params, optimum, quiet, sample
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE, steps
from natfit.damping import FixedDamping, LevenbergDamping, RelativeDamping
from natfit.metrics import ExactFisher, MonteCarloFisher
from natfit.solvers import CGSolver, CholeskySolver


@pytest.mark.parametrize("solver", ["auto", "cholesky", "cg", "woodbury"])
@pytest.mark.parametrize("name", FAMILIES)
def test_solvers_reach_the_same_optimum(name, solver):
    x, plain = optimum(name)
    # The observed information of the endgame has no factor, which woodbury needs.
    model = NaturalMLE(name, solver=solver, metric="exact", tol=1e-7).fit(x)
    assert model.status_ == "converged"
    assert_params(model.params_, plain.params_, rtol=1e-6)
    assert (model.history_["solver_iterations"][1:] > 0).all() == (solver == "cg")


@pytest.mark.parametrize("damping", ["none", "fixed", "relative", "levenberg", 1e-2, None])
@pytest.mark.parametrize("name", FAMILIES)
def test_dampings_reach_the_same_optimum(name, damping):
    x, plain = optimum(name)
    model = NaturalMLE(name, damping=damping, tol=1e-7, max_iter=300).fit(x)
    assert model.status_ == "converged"
    assert_params(model.params_, plain.params_, rtol=1e-6)


@pytest.mark.parametrize("step", ["fixed", "backtracking", "exact_line"])
@pytest.mark.parametrize("name", FAMILIES)
def test_steps_reach_the_same_optimum(name, step):
    x, plain = optimum(name)
    model = NaturalMLE(name, step=step, tol=1e-7).fit(x)
    assert model.status_ == "converged"
    assert_params(model.params_, plain.params_, rtol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_papers_step_ends_at_max_iter_without_a_warning(name):
    x, plain = optimum(name)
    epsilon = 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = NaturalMLE(name, step=steps.KLStep(epsilon), metric="exact", max_iter=600).fit(x)
    assert model.status_ == "max_iter"
    assert model.n_iter_ == 600
    np.testing.assert_allclose(model.history_["predicted_kl"][1:], epsilon, rtol=1e-6)
    # It circles the optimum at the distance of a step.
    errors = 2.0 * np.sqrt(2 * 200 * epsilon)
    for key, value in plain.params_.items():
        assert abs(model.params_[key] - value) <= errors * plain.standard_errors_[key]


def test_max_iter_warns_where_convergence_was_asked_for():
    with pytest.warns(ConvergenceWarning, match="max_iter=1 was reached.*raise max_iter"):
        model = NaturalMLE("student_t", max_iter=1).fit(sample("student_t", 100))
    assert model.status_ == "max_iter"
    assert "raise max_iter" in model.message_


def test_tol_zero_runs_max_iter_without_a_warning():
    model = NaturalMLE("student_t", max_iter=2, tol=0.0).fit(sample("student_t", 100))
    assert model.status_ == "max_iter" and model.n_iter_ == 2


BASE = {"max_iter": 3, "tol": 0.0, "random_state": 0}

CHANGES = [
    {"metric": "empirical"},
    {"metric": "observed"},
    {"metric": "euclidean"},
    {"metric": "monte_carlo"},
    {"metric": MonteCarloFisher(n_draws=50)},
    {"metric": MonteCarloFisher(n_draws=1, per="row")},
    {"solver": CGSolver(max_iter=2)},
    {"solver": CGSolver(max_iter=1, precondition=False)},
    {"solver": CGSolver(tol=0.9)},
    {"solver": CholeskySolver(rcond=0.9)},
    {"damping": 0.1},
    {"damping": FixedDamping(0.1)},
    {"damping": RelativeDamping(0.2)},
    {"damping": LevenbergDamping()},
    {"damping": LevenbergDamping(initial=1.0)},
    {"damping": LevenbergDamping(initial=1.0, factor=2.0)},
    {"damping": LevenbergDamping(initial=1.0, floor=0.5)},
    {"step": "fixed"},
    {"step": steps.FixedStep(0.5)},
    {"step": "kl"},
    {"step": steps.KLStep(0.1)},
    {"step": "exact_line"},
    {"step": steps.BacktrackingStep(epsilon=1e-3)},
    {"step": steps.BacktrackingStep(epsilon=1e-3, adaptive=False)},
    {"step": steps.BacktrackingStep(armijo=0.9)},
    {"step": steps.BacktrackingStep(armijo=0.9, shrink=0.1)},
    {"step": steps.BacktrackingStep(epsilon=0.4, kl_slack=1.0)},
    {"coordinates": "native"},
    {"start_params": {"loc": 0.0, "scale": 10.0, "df": 3.0}},
    {"max_iter": 1},
]


def path(**options):
    x = sample("student_t", 200, 24)
    start = {"loc": 0.0, "scale": 20.0, "df": 2.0}
    with quiet():
        model = NaturalMLE("student_t", **{"start_params": start, **BASE, **options}).fit(x)
    return model.history_.theta.tobytes()


def test_every_option_changes_the_path():
    paths = {repr(change): path(**change) for change in CHANGES} | {"default": path()}
    seen = {}
    for name, theta in paths.items():
        seen.setdefault(theta, []).append(name)
    assert [names for names in seen.values() if len(names) > 1] == []


PAIRS = [
    ({"tol": 1e-5, "max_iter": 20}, {"tol": 1.0, "max_iter": 20}),
    ({"metric": "exact", "max_iter": 8}, {"metric": ExactFisher(endgame=True), "max_iter": 8}),
    (
        {"metric": "euclidean", "step": steps.ExactLineSearch()},
        {"metric": "euclidean", "step": steps.ExactLineSearch(longest=1.0)},
    ),
    ({"step": "exact_line"}, {"step": steps.ExactLineSearch(tol=0.5)}),
    ({"metric": "monte_carlo"}, {"metric": "monte_carlo", "random_state": 1}),
]


@pytest.mark.parametrize("one, other", PAIRS, ids=repr)
def test_options_that_need_others_to_matter(one, other):
    assert path(**one) != path(**other)
