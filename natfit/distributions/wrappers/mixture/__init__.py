"""Mixtures of families, with weights that are estimated too."""
