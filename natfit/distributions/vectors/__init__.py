"""Families whose values are vectors of D numbers."""
