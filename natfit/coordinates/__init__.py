"""Coordinates of a constant model: unconstrained, native or expectation."""

from natfit.coordinates.base import Coordinates

__all__ = ["Coordinates"]
