"""Objectives: the functions that are minimised; a likelihood is in nats per row."""

from natfit.objectives.base import NoMinimum, Objective, listed
from natfit.objectives.function import Function
from natfit.objectives.jeffreys import Jeffreys
from natfit.objectives.likelihood import Likelihood
from natfit.objectives.penalty import Penalised, Prior
from natfit.objectives.regression import Regression
from natfit.objectives.surrogate import PolicySurrogate

__all__ = [
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
]
