"""Families made of a user-supplied log-density or of a distribution of scipy.stats."""
