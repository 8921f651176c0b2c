"""Objectives: the functions that are minimised; a likelihood is in nats per row.

Those of regressions are imported on first use: fits of densities do without them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from natfit.objectives.base import NoMinimum, Objective, listed
from natfit.objectives.clipped import ClippedSurrogate
from natfit.objectives.function import Function
from natfit.objectives.likelihood import Likelihood
from natfit.objectives.penalty import Penalised, Prior, prior_terms, ridge_matrix
from natfit.objectives.surrogate import PolicySurrogate

if TYPE_CHECKING:
    from natfit.objectives.jeffreys import Jeffreys
    from natfit.objectives.regression import Regression

__all__ = [
    "ClippedSurrogate",
    "Function",
    "Jeffreys",
    "Likelihood",
    "NoMinimum",
    "Objective",
    "Penalised",
    "PolicySurrogate",
    "Prior",
    "Regression",
    "listed",
    "prior_terms",
    "ridge_matrix",
]

_LATER = {"Jeffreys": "jeffreys", "Regression": "regression"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"natfit.objectives.{_LATER[name]}"), name)
    raise AttributeError(f"module 'natfit.objectives' has no attribute {name!r}")
