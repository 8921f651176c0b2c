"""Covariance matrices and standard errors of an estimate, from the objective and theta."""

from natfit.inference.covariance import Information, information, robust

__all__ = ["Information", "information", "robust"]
