"""Covariance matrices and standard errors of an estimate, from the objective and theta."""

from natfit.inference.covariance import Information, information, robust
from natfit.inference.estimate import Estimate
from natfit.inference.outcome import Outcome

__all__ = ["Estimate", "Information", "Outcome", "information", "robust"]
