"""Damping: a diagonal matrix that is added to the metric F before a solve."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.damping.base import Damping

    return Damping


__getattr__, __dir__ = lazy_package(__name__, _base, {})
