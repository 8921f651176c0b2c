"""Covariance matrices and standard errors of an estimate, from the objective and theta."""

from natfit.inference.covariance import Information, information, robust
from natfit.inference.estimate import Estimate
from natfit.inference.identifiability import Combination, Identifiability, identifiability
from natfit.inference.influence import Influence, influence
from natfit.inference.laplace import Laplace, laplace
from natfit.inference.outcome import Outcome
from natfit.inference.rowwise import Rowwise
from natfit.inference.white import white

__all__ = [
    "Combination",
    "Estimate",
    "Identifiability",
    "Influence",
    "Information",
    "Laplace",
    "Outcome",
    "Rowwise",
    "identifiability",
    "influence",
    "information",
    "laplace",
    "robust",
    "white",
]
