"""Zeros, so that the advantage is the return."""

from __future__ import annotations

from typing import Any

from natfit.rl.baselines.base import Baseline, checked


class NoBaseline(Baseline):
    """A baseline of zeros for every state."""

    uses_target = False
    uses_columns = False

    def fit(self, X: Any, target: Any, state: Any = None, rng: Any = None) -> None:
        """Check the data and return None, the state that predicts zeros."""
        checked(X, target, state)
