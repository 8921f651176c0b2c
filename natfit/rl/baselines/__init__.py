"""Baselines predict a state's expected return. Each is one file with two verbs: fit and predict."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.rl.baselines.base import Baseline

    return Baseline


__getattr__, __dir__ = lazy_package(__name__, _base, {"Fitted": "natfit.rl.baselines.base"})
