"""Models: maps from theta and a row's x to that row's distribution parameters eta."""

from natfit.models.base import Linearization, Model
from natfit.models.constant import Constant
from natfit.models.linear import Linear
from natfit.models.mlp import MLP
from natfit.models.predictor import Predictor

__all__ = ["MLP", "Constant", "Linear", "Linearization", "Model", "Predictor"]
