"""Mixtures of families."""
