"""natfit: probabilistic models fitted with the natural gradient.

Names are imported on first use (PEP 562), so that ``import natfit`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Censored",
    "NaturalClassifier",
    "NaturalGaussianMLE",
    "NaturalMLE",
    "NaturalPolicyEstimator",
    "NaturalRegressor",
    "Status",
    "Stream",
    "compare",
    "display",
    "distributions",
    "fit",
    "from_json",
    "make_scorer",
    "metrics",
    "minimize",
    "models",
    "natural_gradient",
    "power_law_tail",
    "rl",
    "solvers",
    "steps",
    "testing",
]

_HOME = {
    "Censored": "natfit.distributions",
    "NaturalClassifier": "natfit.estimators",
    "NaturalGaussianMLE": "natfit.estimators",
    "NaturalMLE": "natfit.estimators",
    "NaturalPolicyEstimator": "natfit.estimators",
    "NaturalRegressor": "natfit.estimators",
    "Status": "natfit.optimize",
    "Stream": "natfit.rows",
    "compare": "natfit.estimators",
    "fit": "natfit.estimators",
    "from_json": "natfit.estimators",
    "make_scorer": "natfit.estimators",
    "minimize": "natfit.optimize.minimize",
    "natural_gradient": "natfit.optimize.minimize",
    "power_law_tail": "natfit.estimators",
}

if TYPE_CHECKING:
    from natfit import display, distributions, metrics, models, rl, solvers, steps, testing
    from natfit.distributions import Censored
    from natfit.estimators import (
        NaturalClassifier,
        NaturalGaussianMLE,
        NaturalMLE,
        NaturalPolicyEstimator,
        NaturalRegressor,
        compare,
        fit,
        from_json,
        make_scorer,
        power_law_tail,
    )
    from natfit.optimize import Status
    from natfit.optimize.minimize import minimize, natural_gradient
    from natfit.rows import Stream


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in __all__:
        return importlib.import_module(f"natfit.{name}")
    raise AttributeError(f"module 'natfit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
