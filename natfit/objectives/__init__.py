"""Objectives: what is minimised, in nats per row where it is a likelihood."""

from natfit.objectives.base import Objective
from natfit.objectives.function import Function
from natfit.objectives.likelihood import Likelihood
from natfit.objectives.penalty import Penalised, Prior
from natfit.objectives.surrogate import PolicySurrogate

__all__ = ["Function", "Likelihood", "Objective", "Penalised", "PolicySurrogate", "Prior"]
