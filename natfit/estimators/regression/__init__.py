"""Regression estimators: a distribution whose parameters depend on features."""
