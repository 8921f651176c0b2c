"""Families of whole numbers and of classes."""
