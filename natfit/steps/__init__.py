"""Step rules: how far to go along a direction. Each is one file with one method, ``step``."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.steps.base import Step

    return Step


__getattr__, __dir__ = lazy_package(__name__, _base, {})
