"""Turn scikit-learn's random_state into a numpy Generator, once per fit."""

from __future__ import annotations

from typing import Any

import numpy as np


def bridge_rng(random_state: Any) -> np.random.Generator:
    """Return one Generator for None, an int, a RandomState or a Generator.

    scikit-learn's ``check_random_state`` refuses Generators. From a RandomState one seed is drawn.
    A Generator is returned as it is, so that its state advances with every draw.

    Returns
    -------
    numpy.random.Generator
        The Generator given, or a new one.

    Raises
    ------
    ValueError
        For any other argument.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31, size=4))
    if random_state is None:
        return np.random.default_rng()
    whole = isinstance(random_state, int | np.integer) and not isinstance(random_state, bool)
    if whole and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise ValueError(
        "random_state must be None, an int >= 0, a RandomState or a Generator, "
        f"got {random_state!r}"
    )


class LazyGenerator:
    """A Generator that is made when it is first used: most fits draw nothing.

    Parameters
    ----------
    seed : int, optional
        Its seed; None takes entropy from the system, which costs as much as a sum over ten
        thousand rows.
    """

    def __init__(self, seed: int | None = None):
        self._seed = seed

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the generator, which is made at the first call."""
        generator = self.__dict__.setdefault("_generator", np.random.default_rng(self._seed))
        return getattr(generator, name)
