"""Constraints on parameters: maps from unconstrained to native values.

A distribution declares ``params = {"loc": Real(), "scale": Positive()}``. Each constraint maps
a block of the unconstrained vector eta to the native value, here ``scale = exp(eta)``. Each is a
file of this folder, whose class states the map; the page of components lists them all.

All maps are written in ``autograd.numpy`` and take a leading axis of rows.
"""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.bijectors.base import Bijector

    return Bijector


__getattr__, __dir__ = lazy_package(__name__, _base, {})
