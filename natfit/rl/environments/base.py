"""The contract of environments whose dynamics are array arithmetic."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from natfit._component import Component
from natfit.rl.spaces import Space


class Environment(Component):
    """Dynamics of n episodes at once; the object itself holds parameters only.

    Only ``start`` is random: a whole episode is a function of its generator and its actions.
    Dynamics with noise draw the noise in ``start`` and carry it in the state.

    Attributes
    ----------
    name : str
        Name in messages.
    observation_space, action_space : Space
        Spaces of one episode.
    time_limit : int or None
        Number of steps after which an episode is truncated; None for no limit.
    gymnasium_id : str or None
        The id of the same environment in Gymnasium.
    trusted : bool
        Whether every finite action in its space gives finite rewards and observations in their
        space; otherwise each step is checked. A subclass must declare it again.
    paper_start : (float, float) or None
        Mean and standard deviation of real actions with which a publication starts; a policy
        estimator begins there with ``start_params="paper"``.
    """

    _package = "natfit.rl.environments"

    name: ClassVar[str] = "environment"
    gymnasium_id: ClassVar[str | None] = None
    trusted: ClassVar[bool] = False
    paper_start: ClassVar[tuple[float, float] | None] = None

    observation_space: Space
    action_space: Space
    time_limit: int | None = None

    def check(self) -> None:
        """Validate the parameters; raise ValueError or TypeError."""

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw the first states of n episodes, (n, S)."""
        raise NotImplementedError

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the next states (n, S), rewards (n,) and whether each episode terminated (n,).

        Parameters
        ----------
        state : ndarray of shape (n, S)
            Current states; not modified.
        action : ndarray of shape (n, *action_space.shape)
            Actions, as values of the action space; not modified.
        """
        raise NotImplementedError

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Return observations (n, *observation_space.shape) of states (n, S): here the states."""
        return state.copy()
