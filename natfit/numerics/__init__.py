"""Numerical building blocks that know nothing of probability: derivatives and special functions."""
