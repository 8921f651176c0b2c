"""Goodness of fit, influence, identifiability and Laplace's approximation of a fit."""

from __future__ import annotations

from natfit.estimators._estimates import Estimates


class Diagnostics(Estimates):
    """Goodness of fit, influence, identifiability and Laplace's approximation of a fit."""
