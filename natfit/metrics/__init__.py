"""Metrics, which measure the length of a step. Each is one file with one method, ``at``."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.metrics.base import Metric

    return Metric


__getattr__, __dir__ = lazy_package(__name__, _base, {})
