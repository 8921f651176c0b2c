"""The contract of a metric: the operator G, (P, P), at an iterate."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np

from natfit._component import Component
from natfit.linops import LinearOperator
from natfit.objectives import Likelihood, Objective


class Point(Protocol):
    """What a metric may ask of the iterate that it is asked at."""

    @property
    def theta(self) -> np.ndarray:
        """Where it is, (P,)."""

    @property
    def decrease(self) -> float:
        """Decrease of the objective that the metric before it predicted."""


class Metric(Component):
    """Base of all metrics: a positive (semi)definite form on parameter space.

    Attributes
    ----------
    is_information : bool
        Whether the operator is an undamped exact or observed information, in which
        convergence can be measured without another pass.
    random : bool
        Whether ``at`` draws from the generator.
    divergence_is_kl : bool
        Whether ``divergence`` is the objective's Kullback-Leibler divergence, which the history
        records for every metric.
    """

    _package = "natfit.metrics"
    is_information: bool = False
    random: bool = False
    divergence_is_kl: bool = True

    def prepare(self, objective: Objective) -> Metric:
        """Choose the metric for an objective: what this one returns for itself is itself.

        Parameters
        ----------
        objective : Objective
            What will be minimised.

        Returns
        -------
        Metric
            This one, or what it stands for.

        Raises
        ------
        ValueError
            If the objective lacks what the metric needs; the message names another metric.
        """
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the metric at an iterate, an operator of size P."""
        raise NotImplementedError

    def divergence(
        self, objective: Objective, theta: np.ndarray, theta2: np.ndarray
    ) -> float | None:
        """What a step from theta to theta2 spends of a trust radius, >= 0.

        Near theta it should be 1/2 delta' G delta, delta = theta2 - theta. Here it is the mean
        Kullback-Leibler divergence per row, nats.

        Parameters
        ----------
        objective : Objective
            What is minimised.
        theta, theta2 : ndarray of shape (P,)
            Where the step begins and where it ends.

        Returns
        -------
        float or None
            NaN where it cannot be computed at these points; None where the objective has none
            at all: 1/2 delta' G delta stands in then.
        """
        return objective.kl(theta, theta2) if objective.has_kl else None


def need_likelihood(metric: Metric, objective: Objective) -> Likelihood:
    """Return the objective as a likelihood; raise when a Fisher metric meets a plain function."""
    if not objective.probabilistic:
        raise ValueError(
            f"metric {type(metric).__name__} needs a likelihood, got a plain function; use "
            "metric='euclidean', 'observed' (the Hessian), or a tensor G(x)"
        )
    return cast(Likelihood, objective)
