"""Families of vectors."""
