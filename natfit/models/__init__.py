"""Models: theta and a row's x give the row's distribution parameters eta."""

from natfit.models.base import Linearization, Model
from natfit.models.constant import Constant

__all__ = ["Constant", "Linearization", "Model"]
