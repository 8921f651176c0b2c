"""Linear operators for curvature: what a metric returns and a solver inverts."""

from natfit.linops.base import LinearOperator
from natfit.linops.damped import Damped
from natfit.linops.dense import Dense
from natfit.linops.diagonal import Diagonal
from natfit.linops.given import Given
from natfit.linops.kronecker import KroneckerFactors
from natfit.linops.restricted import Restricted
from natfit.linops.sandwich import Sandwich

__all__ = [
    "Damped",
    "Dense",
    "Diagonal",
    "Given",
    "KroneckerFactors",
    "LinearOperator",
    "Restricted",
    "Sandwich",
]
