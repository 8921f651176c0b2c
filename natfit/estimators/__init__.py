"""Estimators in scikit-learn's manner."""

from natfit.estimators.gaussian import NaturalGaussianMLE
from natfit.estimators.mle import NaturalMLE, fit

__all__ = ["NaturalGaussianMLE", "NaturalMLE", "fit"]
