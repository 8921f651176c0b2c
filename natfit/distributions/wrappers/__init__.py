"""Families made of another family."""
