"""Values of states: what a fitted baseline says of observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.rl.baselines.base import Baseline, Fitted
from natfit.rl.policy import Policy
from natfit.rl.training import State


@dataclass(frozen=True, eq=False, repr=False)
class FittedBaseline:
    """The baseline of a training with what it has learnt: V(s), the expected discounted return.

    Attributes
    ----------
    options : Baseline
        The baseline's options.
    state : Fitted or None
        What the last update fitted; None before the first one.
    """

    options: Baseline
    state: Fitted | None
    _policy: Policy

    @classmethod
    def of(cls, options: Baseline, state: State) -> FittedBaseline:
        """Return the baseline after an update."""
        return cls(options, state.baseline, state.policy)

    def predict(self, observations: Any) -> np.ndarray:
        """Return V(s) of each observation.

        Parameters
        ----------
        observations : array-like of shape (n, *observation_space.shape)
            Values of the observation space, as the environment returns them.

        Returns
        -------
        ndarray of shape (n,)
            Expected discounted returns in the unit of the rewards; zeros before the first update.

        Raises
        ------
        ValueError
            If the observations have another shape or are not finite.
        """
        return self.of_encoded(self._policy.encoded(observations))

    def of_encoded(self, encoded: np.ndarray) -> np.ndarray:
        """Return V(s), (n,), of encoded observations (n, D)."""
        return self.options.predict(self.state, encoded)

    def __repr__(self) -> str:
        """Return what was asked for: the options of the baseline."""
        return repr(self.options)
