"""Statements about an estimate: functions of (objective, theta)."""

from natfit.inference.covariance import Information, information, robust

__all__ = ["Information", "information", "robust"]
