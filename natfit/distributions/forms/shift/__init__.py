"""Shifted families in coordinates that are regular where the location runs to minus infinity."""
