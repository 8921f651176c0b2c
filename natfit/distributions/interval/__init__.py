"""Families of numbers in an interval or on a circle."""
