"""The metric's contract."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._component import Component
from natfit.linops import LinearOperator
from natfit.objectives import Objective


class Metric(Component):
    """Base of all metrics: a positive (semi)definite form on parameter space.

    Attributes
    ----------
    is_information : bool
        Whether the operator is an undamped exact or observed information, in which
        convergence can be measured without another pass.
    random : bool
        Whether ``at`` draws from the generator.
    """

    _package = "natfit.metrics"
    is_information = False
    random = False

    def prepare(self, objective: Objective) -> Metric:
        """Return the metric to use for an objective: itself, or what it stands for.

        Raises
        ------
        ValueError
            If the objective lacks what the metric needs; the message names another metric.
        """
        return self

    def at(self, objective: Objective, iterate: Any, rng: np.random.Generator) -> LinearOperator:
        """Return the metric at an iterate, an operator of size P."""
        raise NotImplementedError


def need_likelihood(metric: Metric, objective: Objective) -> None:
    """Raise when a Fisher metric is asked for a plain function."""
    if not objective.probabilistic:
        raise ValueError(
            f"metric {type(metric).__name__} needs a likelihood, got a plain function; use "
            "metric='euclidean', 'observed' (the Hessian), or a tensor G(x)"
        )
