"""Solvers, which find d in (F + damping) d = g. Each is one file with one method, ``solve``."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.solvers.base import Solver

    return Solver


__getattr__, __dir__ = lazy_package(__name__, _base, {"SolveInfo": "natfit.solvers.base"})
