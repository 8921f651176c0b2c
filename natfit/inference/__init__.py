"""Covariance matrices and standard errors of an estimate, from the objective and theta."""

from natfit.inference.covariance import Information, at_once, information, robust
from natfit.inference.estimate import Estimate
from natfit.inference.identifiability import Combination, Identifiability, identifiability_of
from natfit.inference.influence import Influence, influence_of
from natfit.inference.laplace import Laplace, laplace_of
from natfit.inference.outcome import Outcome
from natfit.inference.rowwise import Rowwise
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
