"""The registries crossed with natfit.testing's checks, each result computed once a session.

A suite is parametrised over (case, check); inapplicable checks skip with their reason, and the
set of skips of every suite is itself asserted (test_skips.py in tests/testing).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from natfit import testing
from natfit._component import registered
from natfit.bijectors.base import Bijector
from natfit.coordinates import Coordinates
from natfit.damping.base import Damping
from natfit.distributions.base import Distribution
from natfit.distributions.custom.from_log_prob import CustomDistribution
from natfit.distributions.real.normal import Normal
from natfit.distributions.vectors.multivariate_normal import MultivariateNormal
from natfit.metrics.base import Metric
from natfit.models import Model
from natfit.rl.baselines.base import Baseline
from natfit.rl.environments.base import Environment
from natfit.solvers.base import Solver
from natfit.steps.base import Step


def outcome(check: Callable, args: Sequence[Any]) -> Exception | None:
    """What a check raises, or None."""
    try:
        check(*args)
    except Exception as error:
        return error
    return None


class Suite:
    """Cases crossed with checks."""

    def __init__(self, checks: list[Callable], cases: dict[str, tuple]):
        self.checks = {check.__name__: check for check in checks}
        self.cases = cases
        self._result = functools.cache(lambda c, k: outcome(self.checks[k], self.cases[c]))

    def pairs(self) -> list[Any]:
        return [pytest.param(c, k, id=f"{c}-{k}") for c in self.cases for k in self.checks]

    def run(self, case: str, check: str) -> None:
        """Pass, skip with the reason, or raise what the check raised."""
        error = self._result(case, check)
        if isinstance(error, testing.NotApplicable):
            pytest.skip(str(error))
        if error is not None:
            raise error

    def skips(self) -> dict[str, list[str]]:
        """Check to the cases that it says nothing about."""
        found: dict[str, list[str]] = {}
        for case in self.cases:
            for check in self.checks:
                if isinstance(self._result(case, check), testing.NotApplicable):
                    found.setdefault(check, []).append(case)
        return found


def _named(base: type) -> dict[str, tuple]:
    return {repr(c): (c,) for _, c in registered(base)}


def families() -> dict[str, Distribution]:
    """Every example of every family, custom ones included."""
    found = {repr(f): f for _, f in registered(Distribution)}
    custom = CustomDistribution.examples()
    return found | {f"custom[{i}]": f for i, f in enumerate(custom)}


def metrics() -> dict[str, Metric]:
    return {repr(m): m for _, m in registered(Metric)}


def components() -> dict[str, tuple]:
    kinds = (Distribution, Metric, Solver, Damping, Step, Coordinates, Model, Environment)
    return {repr(c): (c,) for kind in kinds for _, c in registered(kind)}


#: Families with two parameters that depend on x, and the names of those that do not.
BINDINGS = (
    (Normal(), ()),
    (MultivariateNormal("full", 2), ("covariance",)),
    (MultivariateNormal("diag", 2), ("loc",)),
)


def bound_models() -> dict[str, tuple]:
    """Every example of every model, bound to each family, and rows for it."""
    X = np.random.default_rng(0).standard_normal((7, 2))
    return {
        f"{m!r} of {f!r}, constant {list(names)}": (m.bind(2, f, names), X)
        for _, m in registered(Model)
        for f, names in BINDINGS
    }


DISTRIBUTIONS = Suite(
    testing.DISTRIBUTION_CHECKS, {n: (f, testing.points(f)) for n, f in families().items()}
)
COORDINATES = Suite(
    testing.COORDINATE_CHECKS,
    {
        f"{c!r} of {n}": (c, f, testing.points(f))
        for _, c in registered(Coordinates)
        for n, f in families().items()
    },
)
METRICS = Suite(
    testing.METRIC_CHECKS,
    {
        f"{n} on {kind}": (m, *problem)
        for n, m in metrics().items()
        for kind, problem in testing.metric_problems().items()
    },
)
MODELS = Suite(testing.MODEL_CHECKS, bound_models())
SOLVERS = Suite(testing.SOLVER_CHECKS, _named(Solver))
DAMPINGS = Suite(testing.DAMPING_CHECKS, _named(Damping))
STEPS = Suite(testing.STEP_CHECKS, _named(Step))
ENVIRONMENTS = Suite(testing.ENVIRONMENT_CHECKS, _named(Environment))
BIJECTORS = Suite(testing.BIJECTOR_CHECKS, _named(Bijector))
COMPONENTS = Suite(testing.COMPONENT_CHECKS, components())
BASELINES = Suite([*testing.BASELINE_CHECKS, *testing.COMPONENT_CHECKS], _named(Baseline))
