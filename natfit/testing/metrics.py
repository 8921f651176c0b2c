"""Property checks of metrics.

Each check is called with a metric, an objective and a theta;
:func:`natfit.testing.problems.metric_problems` returns the objectives.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from natfit.linops import LinearOperator
from natfit.optimize import Iterate
from natfit.rows import BLOCK
from natfit.testing._core import NotApplicable, close, require, run_checks, within_errors
from natfit.testing.operators import OPERATOR_CHECKS
from natfit.testing.problems import dense, metric_problems


def check_metric(metric: Any, problems: dict | None = None) -> dict[str, str]:
    """Run every check of :data:`METRIC_CHECKS` on a metric, on every kind of objective.

    Parameters
    ----------
    metric : Metric
        The metric, as a user would pass it.
    problems : dict, optional
        Names as keys, pairs (objective, theta) as values.

    Returns
    -------
    dict
        ``problem: check`` for each check that does not apply, with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    failed: list[str] = []
    skipped: dict[str, str] = {}
    for name, (objective, theta) in (problems or metric_problems()).items():
        try:
            found = run_checks(METRIC_CHECKS, metric, objective, theta)
        except AssertionError as error:
            failed.append(f"{name}: {error}")
            continue
        skipped |= {f"{name}: {check}": reason for check, reason in found.items()}
    if failed:
        raise AssertionError("\n".join(failed))
    return skipped


def operator_at(metric: Any, objective: Any, theta: np.ndarray, seed: int = 0) -> LinearOperator:
    """Return the metric's operator at theta.

    Returns
    -------
    LinearOperator
        The operator, of size P.

    Raises
    ------
    NotApplicable
        If the metric refuses the objective; the message is that of the metric.
    """
    value, grad = objective.value_and_grad(theta)
    try:
        chosen = metric.prepare(objective)
        return chosen.at(objective, Iterate(theta, value, grad), np.random.default_rng(seed))
    except ValueError as error:
        require(str(error), "the metric refuses the objective without a message")
        raise NotApplicable(str(error)) from None


def operator_is_sound(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """The operator has the objective's size and passes every operator check."""
    operator = operator_at(metric, objective, theta)
    require(operator.size == objective.n_params, f"the operator has size {operator.size}")
    run_checks(OPERATOR_CHECKS, operator)


def follows_seed(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """Equal generators give equal operators; a metric that is not random ignores them."""
    first, again, other = (dense(operator_at(metric, objective, theta, s)) for s in (1, 1, 2))
    require(np.array_equal(first, again), "the operator changes for the same seed")
    if not metric.prepare(objective).random:
        require(np.array_equal(first, other), "the operator depends on the seed, random is False")
    else:
        require(not np.array_equal(first, other), "random is True, but the seed changes nothing")


def ignores_chunks(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """The operator does not depend on how rows are cut into chunks."""
    whole = dense(operator_at(metric, objective, theta))
    cut = dense(operator_at(metric, in_chunks(objective, BLOCK), theta))
    size = np.sqrt(np.abs(np.diagonal(whole)))
    close(
        "operator in small chunks against one",
        cut,
        whole,
        rtol=1e-10,
        scale=np.outer(size, size) + 1e-300,
    )


def in_chunks(objective: Any, size: int) -> Any:
    """Return the objective with rows cut into chunks of another size; a function as it is."""
    if not objective.probabilistic:
        return objective
    other = copy.copy(objective)
    other.rows = objective.rows.cut(size)
    return other


def random_is_unbiased(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """The mean of a metric that draws is the exact Fisher matrix within 5 standard errors."""
    operator_at(metric, objective, theta)
    if not metric.prepare(objective).random:
        raise NotApplicable("the metric draws nothing")
    draws = [dense(operator_at(metric, objective, theta, 100 + s)) for s in range(60)]
    error = np.std(draws, axis=0) / np.sqrt(len(draws))
    within_errors(
        "mean over seeds against the exact Fisher",
        np.mean(draws, axis=0),
        dense(objective.fisher(theta)),
        error,
    )


def error_is_honest(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """The relative standard error that a metric reports is true of its operators."""
    operator = operator_at(metric, objective, theta)
    if operator.standard_error is None:
        raise NotApplicable("the metric reports no standard error")
    exact = dense(objective.fisher(theta))
    off = [
        np.linalg.norm(dense(operator_at(metric, objective, theta, 200 + s)) - exact)
        for s in range(60)
    ]
    found = np.sqrt(np.mean(np.square(off))) / np.linalg.norm(exact)
    ratio = operator.standard_error / found
    require(0.5 < ratio < 2.0, f"reported error {operator.standard_error:.3g}, found {found:.3g}")


def leaves_objective_alone(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """Neither theta nor the objective's data are modified."""
    kept, before = theta.copy(), objective.value_and_grad(theta)[0]
    operator_at(metric, objective, theta)
    require(np.array_equal(theta, kept), "theta is changed")
    require(objective.value_and_grad(theta)[0] == before, "the objective is changed")


def prepared_stays_prepared(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """A prepared metric prepares to itself, so that prepare() may be called again."""
    operator_at(metric, objective, theta)
    chosen = metric.prepare(objective)
    require(chosen.prepare(objective) is chosen, f"{chosen!r} prepares to another metric")


def divergence_is_sound(metric: Any, objective: Any, theta: np.ndarray) -> None:
    """The divergence is zero at its point, quadratic near it, and the KL if it claims to be."""
    operator_at(metric, objective, theta)
    chosen = metric.prepare(objective)
    direction = np.random.default_rng(15).standard_normal(len(theta)) / np.sqrt(len(theta))
    points = [theta + h * direction for h in (0.0, 0.01, 0.02)]
    found = [chosen.divergence(objective, theta, point) for point in points]
    if None in found:
        require(not objective.has_kl, "divergence() is None, and the objective has one")
        require(found == [None] * 3, f"divergence() is None at some points: {found}")
        return
    close("divergence of a point from itself", found[0], 0.0, rtol=1e-9)
    require(found[1] > 0, f"divergence of another point is {found[1]:.3g}")
    close("divergence at twice the distance", found[2] / found[1], 4.0, rtol=0.1)
    if chosen.divergence_is_kl:
        want = [objective.kl(theta, point) for point in points]
        close("divergence against the objective's KL", found, want, rtol=1e-12)


#: Every check that :func:`check_metric` runs, each called with (metric, objective, theta).
METRIC_CHECKS = [
    operator_is_sound,
    follows_seed,
    ignores_chunks,
    random_is_unbiased,
    error_is_honest,
    leaves_objective_alone,
    prepared_stays_prepared,
    divergence_is_sound,
]
