"""What an environment may not do, found with one vectorised check a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.rl.spaces import Space


class EnvironmentFailure(RuntimeError):
    """An environment raised, or returned what it must not.

    The message names the environment, the row (the number of the copy), the step of its
    episode (0 is the reset), the value and what to do.
    """


def failure(name: str, row: int, step: int, what: str, remedy: str) -> EnvironmentFailure:
    """Build the error; step 0 is a reset."""
    when = f"in step {step} of its episode" if step else "when it was reset"
    return EnvironmentFailure(f"environment {name!r}, row {row}, {when}: {what}; {remedy}")


def stacked(name: str, space: Space, values: Any, rows: np.ndarray, steps: np.ndarray) -> Any:
    """Observations as one array (k, *shape) that lies in the space.

    Parameters
    ----------
    name : str
        The environment.
    space : Space
        What it declares.
    values : sequence
        One observation for each of ``rows``.
    rows : ndarray of shape (k,)
        Their numbers, for messages.
    steps : ndarray of shape (n,)
        The step of every row's episode, for messages.

    Raises
    ------
    EnvironmentFailure
        If an observation has another shape, is not finite, or is outside the space.
    """
    try:
        array = np.asarray(values)
        fits = array.shape == (len(rows), *space.shape) and array.dtype.kind in "fiub"
    except ValueError:
        fits = False
    if not fits:
        for row, value in zip(rows, values, strict=True):
            shape = _shape(value)
            if shape != space.shape or np.asarray(value).dtype.kind not in "fiub":
                raise failure(
                    name,
                    row,
                    steps[row],
                    f"the observation has shape {shape} and type "
                    f"{type(value).__name__}, its space has shape {space.shape}",
                    "return numbers in the shape that observation_space declares",
                )
        array = np.array([np.asarray(v, dtype=np.float64) for v in values])
    inside = space.contains(array)
    if not inside.all():
        k = int(np.argmin(inside))
        number = np.asarray(array[k])
        what = "is outside its space" if np.isfinite(number).all() else "is not finite"
        raise failure(
            name,
            rows[k],
            steps[rows[k]],
            f"the observation {number!r} {what}",
            f"correct it, or the observation_space {space}",
        )
    return array


def _shape(value: Any) -> Any:
    """Shape of anything, ragged sequences included."""
    try:
        return np.shape(value)
    except ValueError:
        return "ragged"


def rewards(name: str, values: Any, steps: np.ndarray) -> np.ndarray:
    """Rewards as finite float64 (n,).

    Raises
    ------
    EnvironmentFailure
        If one is not a finite real number.
    """
    remedy = "a reward must be a finite real number"
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None or array.shape != steps.shape:
        values = np.array([*values, None], dtype=object)[:-1] if len(values) else []
        for row, value in enumerate(values):
            if not isinstance(value, int | float | np.number | np.bool_):
                raise failure(name, row, steps[row], f"the reward is {value!r}", remedy)
        raise failure(name, 0, int(steps[0]), f"the rewards are {values!r}", remedy)
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array)))
        raise failure(name, row, steps[row], f"the reward is {array[row]}", remedy)
    return array


def flags(name: str, what: str, values: Any, steps: np.ndarray) -> np.ndarray:
    """Terminated or truncated as (n,) bool.

    Raises
    ------
    EnvironmentFailure
        If one is not True or False.
    """
    if isinstance(values, np.ndarray) and values.dtype == bool and values.shape == steps.shape:
        return values
    for row, value in enumerate(values):
        if not (isinstance(value, bool | np.bool_) or (np.isscalar(value) and value in (0, 1))):
            remedy = f"{what} must be True or False"
            raise failure(name, row, steps[row], f"{what} is {value!r}", remedy)
    return np.array(values, dtype=bool)
