"""The constraints of :mod:`natfit.bijectors`, exported beside the distributions that use them."""

from natfit.bijectors import CholeskyFactor, Covariance, Positive, Real, Reciprocal, Simplex, Unit

__all__ = ["CholeskyFactor", "Covariance", "Positive", "Real", "Reciprocal", "Simplex", "Unit"]
