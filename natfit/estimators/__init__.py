"""Estimators in scikit-learn's manner."""

from natfit.estimators._fit import fit
from natfit.estimators.gaussian import NaturalGaussianMLE
from natfit.estimators.mle import NaturalMLE
from natfit.estimators.policy import NaturalPolicyEstimator

__all__ = ["NaturalGaussianMLE", "NaturalMLE", "NaturalPolicyEstimator", "fit"]
