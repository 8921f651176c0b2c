"""The contract of metrics, which give the operator G (P, P) at an iterate."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np

from natfit._component import Component
from natfit.linops import LinearOperator
from natfit.objectives import Likelihood, Objective


class Point(Protocol):
    """What a metric may read from the iterate at which it is evaluated."""

    @property
    def theta(self) -> np.ndarray:
        """The point theta, (P,)."""

    @property
    def grad(self) -> np.ndarray:
        """The gradient there, (P,)."""

    @property
    def step_length(self) -> float:
        """Multiple of the direction that led to it."""

    @property
    def decrease(self) -> float:
        """Decrease of the objective that the metric at the previous iterate predicted."""

    @property
    def n_iter(self) -> int:
        """Number of iterations that led to it."""


class Metric(Component):
    """Base of all metrics: a positive (semi)definite form on parameter space.

    Attributes
    ----------
    is_information : bool
        Whether the operator is an undamped exact or observed information, so that convergence
        can be measured in it without another pass over the data.
    random : bool
        Whether ``at`` draws from the generator.
    divergence_is_kl : bool
        Whether ``divergence`` is the objective's Kullback-Leibler divergence, which the history
        records for every metric.
    unit_step : bool
        Whether G^-1 grad is a step of about the right length, as that of an information is.
        Otherwise a likelihood's information says how long a step along it should be.
    """

    _package = "natfit.metrics"
    _also_called = {"fisher": "exact", "identity": "euclidean", "hessian": "observed"}
    is_information: bool = False
    random: bool = False
    divergence_is_kl: bool = True
    unit_step: bool = True

    def prepare(self, objective: Objective) -> Metric:
        """Choose the metric for an objective; a prepared metric returns itself.

        Parameters
        ----------
        objective : Objective
            What will be minimised.

        Returns
        -------
        Metric
            This metric, or the one that it stands for.

        Raises
        ------
        ValueError
            If the objective lacks what the metric needs; the message names another metric.
        """
        return self

    def anew(self) -> Metric:
        """Return a metric of the same kind that keeps nothing of other iterates."""
        return self

    def begin_with(self, other: Metric) -> None:
        """Take what a metric of the same kind has kept for fewer rows, for the first step."""

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the metric at an iterate, an operator of size P."""
        raise NotImplementedError

    def rank_limit(self, objective: Objective) -> tuple[int, str] | None:
        """Return the largest rank that the matrix can have, and how to raise it; None if full.

        Parameters
        ----------
        objective : Objective
            What is minimised.

        Returns
        -------
        (int, str) or None
            The rank, below P whatever the data are, with its reason and remedy in words.
        """
        return None

    def divergence(
        self, objective: Objective, theta: np.ndarray, theta2: np.ndarray
    ) -> float | None:
        """Return the divergence of a step from theta to theta2, which a trust radius limits, >= 0.

        With delta = theta2 - theta, it should be close to 1/2 delta' G delta near theta. The base
        class returns the mean Kullback-Leibler divergence per row, in nats.

        Parameters
        ----------
        objective : Objective
            What is minimised.
        theta, theta2 : ndarray of shape (P,)
            The two ends of the step.

        Returns
        -------
        float or None
            NaN if it cannot be computed at these points. None if the objective has no divergence;
            step rules then use 1/2 delta' G delta.
        """
        return objective.kl(theta, theta2) if objective.has_kl else None


def need_likelihood(metric: Metric, objective: Objective) -> Likelihood:
    """Return the objective if it is a likelihood; raise ValueError for a plain function."""
    if not objective.probabilistic:
        raise ValueError(
            f"metric {type(metric).__name__} needs a likelihood, got a plain function; use "
            "metric='euclidean', 'observed' (the Hessian), or a tensor G(x)"
        )
    return cast(Likelihood, objective)
