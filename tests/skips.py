"""Why a check may say nothing about a component: facts that the component itself declares.

``RULES[suite][check]`` is called with what the check is called with. A check must be skipped
exactly where its rule holds, and checks without a rule nowhere: so that no check becomes green by
being skipped, and no list of names has to be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.linops import Dense
from natfit.rl.baselines.base import Baseline
from natfit.rows import Memory
from natfit.testing.data import some_rows
from natfit.testing.metrics import operator_at
from natfit.testing.operators import Factored


def refuses(call: Callable, *args: Any) -> bool:
    """Whether a call raises ValueError."""
    try:
        call(*args)
    except ValueError:
        return True
    return False


# ------------------------------------------------------------------------------- distributions


def has_no_sampler(family: Any, etas: np.ndarray) -> bool:
    return not family.can_sample


def ends_at_a_parameter(family: Any, etas: np.ndarray) -> bool:
    return bool(family.row_ends)


def has_no_fisher(family: Any, etas: np.ndarray) -> bool:
    return not family.information.exists


def has_no_kl(family: Any, etas: np.ndarray) -> bool:
    return not family.has_kl


def has_no_entropy(family: Any, etas: np.ndarray) -> bool:
    return not family.has_entropy


def has_no_mode(family: Any, etas: np.ndarray) -> bool:
    return not family.has_mode


def has_no_peer_in_scipy(family: Any, etas: np.ndarray) -> bool:
    return refuses(family.counterpart, etas[0])


def has_no_outside(family: Any, etas: np.ndarray) -> bool:
    """Every number is possible, or the support is one of vectors that are no whole numbers."""
    support = family.support
    if support is None or (family.event_shape != () and not support.integer):
        return True
    return not support.integer and np.isinf(support.low) and np.all(np.isinf(support.high))


def has_no_summary(family: Any, etas: np.ndarray) -> bool:
    """No summary, or one that is no single row, as that of censored rows."""
    return not isinstance(family.sufficient(Memory(some_rows(family, etas[0], 5))), tuple)


DISTRIBUTIONS = {
    "entropy_is_expected": has_no_entropy,
    "entropy_gradient_is_derivative": has_no_entropy,
    "mode_is_most_probable": has_no_mode,
    "log_prob_matches_scipy": has_no_peer_in_scipy,
    "log_density_outside_support": has_no_outside,
    "summary_stands_for_rows": has_no_summary,
    "summaries_join": has_no_summary,
    "score_matches_autograd": lambda family, etas: not (family._score and family.differentiable),
    "observed_matches_autograd": lambda family, etas: (
        not (family._observed and family.differentiable)
    ),
    "draws_in_support": has_no_sampler,
    "draws_follow_seed": has_no_sampler,
    "sampler_moments": has_no_sampler,
    "draws_by_row": lambda family, etas: not family.can_sample or bool(family.row_ends),
    "score_mean_zero": ends_at_a_parameter,
    "score_covariance_is_fisher": has_no_fisher,
    "fisher_positive": has_no_fisher,
    "kl_zero_at_itself": has_no_kl,
    "kl_is_expected_log_ratio": has_no_kl,
    "kl_hessian_is_fisher": has_no_kl,
    "observed_mean_is_score_covariance": lambda family, etas: len(family.kinks(etas[0])) > 0,
}


# --------------------------------------------------------------------------------- coordinates


def refuse_the_family(coordinates: Any, family: Any, etas: np.ndarray) -> bool:
    return refuses(coordinates.bind, family, etas[0])


def refuse_or_no_fisher(coordinates: Any, family: Any, etas: np.ndarray) -> bool:
    irregular = has_no_fisher(family, etas) or ends_at_a_parameter(family, etas)
    return irregular or refuse_the_family(coordinates, family, etas)


COORDINATES = {
    "round_trip_eta": refuse_the_family,
    "jacobian_of_eta": refuse_the_family,
    "curvature_of_eta": refuse_the_family,
    "direction_is_invariant": refuse_or_no_fisher,
    "hessian_bends_with_coordinates": refuse_the_family,
    "domain_ends_at_constraints": refuse_the_family,
}


# ------------------------------------------------------------------------------------- metrics


def refuses_the_objective(metric: Any, objective: Any, theta: np.ndarray) -> bool:
    """A metric may refuse a function, vectors, or a model whose rows differ in eta; nothing else."""
    unusual = not objective.probabilistic or not objective.model.shared
    unusual = unusual or objective.distribution.event_shape != ()
    return unusual and refuses(operator_at_or_raise, metric, objective, theta)


def operator_at_or_raise(metric: Any, objective: Any, theta: np.ndarray) -> Any:
    """The metric's operator; ValueError where it refuses."""
    from natfit.testing import NotApplicable

    try:
        return operator_at(metric, objective, theta)
    except NotApplicable as reason:
        raise ValueError(str(reason)) from None


def draws_nothing(metric: Any, objective: Any, theta: np.ndarray) -> bool:
    refused = refuses_the_objective(metric, objective, theta)
    return refused or not metric.prepare(objective).random


def reports_no_error(metric: Any, objective: Any, theta: np.ndarray) -> bool:
    """Only what is random has an error, and only of rows alike is it known."""
    return draws_nothing(metric, objective, theta) or not objective.model.shared


METRICS = {
    "operator_is_sound": refuses_the_objective,
    "follows_seed": refuses_the_objective,
    "ignores_chunks": refuses_the_objective,
    "leaves_objective_alone": refuses_the_objective,
    "prepared_stays_prepared": refuses_the_objective,
    "divergence_is_sound": refuses_the_objective,
    "random_is_unbiased": draws_nothing,
    "error_is_honest": reports_no_error,
}


# ------------------------------------------------------------------------- solvers and dampings

_SINGULAR = np.diag([1.0, 0.0])


def needs_a_factor(solver: Any) -> bool:
    return refuses(solver.solve, Dense(np.eye(2)), np.ones(2))


def needs_layers(solver: Any) -> bool:
    return refuses(solver.solve, Factored(_SINGULAR), np.ones(2))


def inverts_no_singular_matrix(solver: Any) -> bool:
    """Tell whether a solver never inverts a singular matrix on what the matrix determines."""
    if needs_layers(solver):
        return True
    _, info = solver.solve(Factored(_SINGULAR), np.array([1.0, 0.0]))
    return not info.truncated


SOLVERS = {
    "unidentified_are_named": inverts_no_singular_matrix,
    "solves_badly_scaled": lambda solver: not solver.precondition,
    "descends_where_indefinite": needs_a_factor,
    "damping_counts": needs_layers,
    "singular_is_recorded": needs_layers,
}


def adds(damping: Any, matrix: np.ndarray) -> np.ndarray | None:
    return damping.added(Dense(matrix), damping.start())


def adds_nothing(damping: Any) -> bool:
    return adds(damping, _SINGULAR) is None


def adds_the_same_in_any_unit(damping: Any) -> bool:
    """Tell whether a damping adds lambda I or nothing."""
    return adds_nothing(damping) or np.array_equal(
        adds(damping, np.eye(2)), adds(damping, 9.0 * np.eye(2))
    )


DAMPINGS = {
    "adapts_in_order": lambda damping: not damping.adaptive,
    "keeps_state": lambda damping: damping.adaptive,
    "regularises_singular": adds_nothing,
    "invariant_to_units": adds_the_same_in_any_unit,
}


# ---------------------------------------------------------------------------- all other kinds


def has_no_parameters(component: Any) -> bool:
    return not component.get_params(deep=False)


def has_one_start(environment: Any) -> bool:
    starts = environment.start(np.random.default_rng(1), 100)
    return bool(np.all(starts == starts[0]))


def learns_nothing(baseline: Baseline) -> bool:
    return not baseline.uses_target


STEPS = {
    "changes_as_it_steps": lambda step: not step.blind,
    "keeps_its_radius": lambda step: step.converges or step.descends or step.remembers,
    "lands_on_optimum": lambda step: not step.converges,
    "reaches_optimum": lambda step: not step.converges,
    "never_ascends": lambda step: not step.descends,
    "stops_on_wrong_gradient": lambda step: not step.descends,
}

MODELS = {
    "rows_are_independent": lambda model, X: model.shared,
    "refuses_other_width": lambda model, X: model.shared,
    "start_gives_eta": lambda model, X: not model.starts_at_eta,
}

OPERATORS = {
    "positive_as_declared": lambda operator: not operator.positive,
    "factor_is_root": lambda operator: operator.factor() is None,
    "kernel_is_of_factor": lambda operator: operator.factor() is None,
    "kronecker_has_the_layers": lambda operator: operator.kronecker() is None,
}

BIJECTORS = {"second_is_derivative": lambda bijector: not bijector.elementwise}

ENVIRONMENTS = {"starts_differ": has_one_start}

BASELINES = {
    "reproduces_constant_targets": learns_nothing,
    "fits_one_row": learns_nothing,
    "fits_linear_targets": lambda baseline: not baseline.uses_columns,
}

COMPONENTS = {
    "set_params_changes": has_no_parameters,
    "resolves_to_itself": lambda component: not component._by_name,
}

#: Every check applies to every kind of rows.
ROWS = {}
