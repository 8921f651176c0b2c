"""The registries crossed with natfit.testing's checks.

A suite is parametrised over (case, check). A check that says nothing about a component skips with
its reason, and must do so exactly where the rules of tests/skips.py say: a component that is added
joins every suite of its kind by itself.
"""

from __future__ import annotations

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
from natfit.rows import Rows
from natfit.solvers.base import Solver
from natfit.steps.base import Step
from tests import skips


def outcome(check: Callable, args: Sequence[Any]) -> Exception | None:
    """Return what a check raises, or None."""
    try:
        check(*args)
    except Exception as error:
        return error
    return None


class Suite:
    """Cases (name to arguments) crossed with checks, and where each check may be skipped."""

    def __init__(self, checks: list[Callable], cases: dict[str, tuple], rules: dict[str, Callable]):
        self.checks = {check.__name__: check for check in checks}
        self.cases = cases
        self.rules = rules

    def pairs(self) -> list[Any]:
        """Every case with every check, for parametrize."""
        return [pytest.param(c, k, id=f"{c}-{k}") for c in self.cases for k in self.checks]

    def run(self, case: str, check: str) -> None:
        """Pass, or skip with the reason if a rule explains it, or fail."""
        args = self.cases[case]
        error = outcome(self.checks[check], args)
        skipped = isinstance(error, testing.NotApplicable)
        if error is not None and not skipped:
            raise error
        explained = check in self.rules and bool(self.rules[check](*args))
        assert skipped == explained, (
            f"{check} {'is skipped' if skipped else 'runs'} on {case}, its rule in tests/skips.py "
            f"says otherwise{f': {error}' if skipped else ''}"
        )
        if skipped:
            pytest.skip(str(error))


def _named(base: type) -> dict[str, tuple]:
    """Every example of a kind by its repr, or by its number where that would name arrays."""
    found = [c for _, c in registered(base)]
    names = [repr(c) if base._by_name else f"{type(c).__name__}[{i}]" for i, c in enumerate(found)]
    return {name: (c,) for name, c in zip(names, found, strict=True)}


def families() -> dict[str, Distribution]:
    """Every example of every family, custom ones included."""
    found = {repr(f): f for _, f in registered(Distribution)}
    custom = CustomDistribution.examples()
    return found | {f"custom[{i}]": f for i, f in enumerate(custom)}


def metrics() -> dict[str, Metric]:
    return {repr(m): m for _, m in registered(Metric)}


def components() -> dict[str, tuple]:
    """Every example of every component of every kind."""
    return {name: args for kind in testing.kinds() for name, args in _named(kind).items()}


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


#: Every family with points at which it is checked.
FAMILIES = {n: (f, testing.points(f)) for n, f in families().items()}

DISTRIBUTIONS = Suite(testing.DISTRIBUTION_CHECKS, FAMILIES, skips.DISTRIBUTIONS)
COORDINATES = Suite(
    testing.COORDINATE_CHECKS,
    {
        f"{c!r} of {n}": (c, *case)
        for _, c in registered(Coordinates)
        for n, case in FAMILIES.items()
    },
    skips.COORDINATES,
)
METRICS = Suite(
    testing.METRIC_CHECKS,
    {
        f"{n} on {kind}": (m, *problem)
        for n, m in metrics().items()
        for kind, problem in testing.metric_problems().items()
    },
    skips.METRICS,
)
MODELS = Suite(testing.MODEL_CHECKS, bound_models(), skips.MODELS)
SOLVERS = Suite(testing.SOLVER_CHECKS, _named(Solver), skips.SOLVERS)
DAMPINGS = Suite(testing.DAMPING_CHECKS, _named(Damping), skips.DAMPINGS)
STEPS = Suite(testing.STEP_CHECKS, _named(Step), skips.STEPS)
ENVIRONMENTS = Suite(testing.ENVIRONMENT_CHECKS, _named(Environment), skips.ENVIRONMENTS)
BIJECTORS = Suite(testing.BIJECTOR_CHECKS, _named(Bijector), skips.BIJECTORS)
COMPONENTS = Suite(testing.COMPONENT_CHECKS, components(), skips.COMPONENTS)
BASELINES = Suite(testing.BASELINE_CHECKS, _named(Baseline), skips.BASELINES)
ROWS = Suite(testing.ROWS_CHECKS, _named(Rows), skips.ROWS)
