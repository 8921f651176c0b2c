"""Covariance matrices and standard errors of an estimate, from the objective and theta.

What a fit does not need is imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from natfit.inference.covariance import Information, at_once, information, robust
from natfit.inference.estimate import Estimate
from natfit.inference.outcome import Outcome
from natfit.inference.rowwise import Rowwise

if TYPE_CHECKING:
    from natfit.inference.identifiability import Combination, Identifiability, identifiability_of
    from natfit.inference.influence import Influence, influence_of
    from natfit.inference.laplace import Laplace, laplace_of
    from natfit.inference.white import white_of

__all__ = [
    "Combination",
    "Estimate",
    "Identifiability",
    "Influence",
    "Information",
    "Laplace",
    "Outcome",
    "Rowwise",
    "at_once",
    "identifiability_of",
    "influence_of",
    "information",
    "laplace_of",
    "robust",
    "white_of",
]

_LATER = {
    "Combination": "identifiability",
    "Identifiability": "identifiability",
    "Influence": "influence",
    "Laplace": "laplace",
    "identifiability_of": "identifiability",
    "influence_of": "influence",
    "laplace_of": "laplace",
    "white_of": "white",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"natfit.inference.{_LATER[name]}"), name)
    raise AttributeError(f"module 'natfit.inference' has no attribute {name!r}")
