"""Statements about the coefficients of a regression."""

from __future__ import annotations


class RegressionStatements:
    """The part of a regression that tells how well its coefficients are known."""
