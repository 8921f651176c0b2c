"""Estimators in scikit-learn's manner."""

from natfit.estimators.mle import NaturalGaussianMLE, NaturalMLE, fit

__all__ = ["NaturalGaussianMLE", "NaturalMLE", "fit"]
