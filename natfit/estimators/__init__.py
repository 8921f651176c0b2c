"""Estimators in scikit-learn's manner, imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "NaturalClassifier",
    "NaturalGaussianMLE",
    "NaturalMLE",
    "NaturalPolicyEstimator",
    "NaturalRegressor",
    "compare",
    "fit",
    "from_json",
    "make_scorer",
    "power_law_tail",
]

_HOME = {
    "NaturalClassifier": "regression.classifier",
    "NaturalGaussianMLE": "gaussian",
    "NaturalMLE": "mle",
    "NaturalPolicyEstimator": "policy",
    "NaturalRegressor": "regression.regressor",
    "compare": "_compare",
    "fit": "_fit",
    "from_json": "_stored",
    "make_scorer": "regression._scorers",
    "power_law_tail": "power_law",
}

if TYPE_CHECKING:
    from natfit.estimators._compare import compare
    from natfit.estimators._fit import fit
    from natfit.estimators._stored import from_json
    from natfit.estimators.gaussian import NaturalGaussianMLE
    from natfit.estimators.mle import NaturalMLE
    from natfit.estimators.policy import NaturalPolicyEstimator
    from natfit.estimators.power_law import power_law_tail
    from natfit.estimators.regression._scorers import make_scorer
    from natfit.estimators.regression.classifier import NaturalClassifier
    from natfit.estimators.regression.regressor import NaturalRegressor


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"natfit.estimators.{_HOME[name]}"), name)
    raise AttributeError(f"module 'natfit.estimators' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
