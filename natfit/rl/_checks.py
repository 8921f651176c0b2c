"""Checks of what an environment returns, vectorised over all rows of a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.rl.composites import Composite
from natfit.rl.masks import flat_mask, mask_width, sound_masks
from natfit.rl.spaces import Space


class EnvironmentFailure(RuntimeError):
    """An environment raised an error, or returned what it must not.

    The message names the environment, the row (the number of the copy), the step of the row's
    episode (0 is the reset), the value, and a remedy.
    """


def at_row(env: Any, row: int, what: str, remedy: str) -> str:
    """Return the message for a row of a VectorEnvironment, with the step of its episode."""
    step = int(env._steps[row])
    when = f"in step {step} of its episode" if step else "when it was reset"
    where = f"environment {env.name!r}, row {env.first_row + row}, {when}"
    return f"{where}: {what}; {remedy}"


def raised(env: Any, row: int, call: str, error: Exception) -> EnvironmentFailure:
    """Return the error to raise for a call of the environment that raised another error."""
    what = f"{call} raised {type(error).__name__}: {error}"
    return EnvironmentFailure(at_row(env, row, what, "its own error is above"))


def unpacked(env: Any, row: int, call: str, out: Any, wanted: tuple[str, ...]) -> Any:
    """Return the tuple that a call must return.

    Returns
    -------
    tuple
        The call's result.

    Raises
    ------
    EnvironmentFailure
        If it is not a tuple, or has another length than ``wanted``.
    """
    if isinstance(out, tuple) and len(out) == len(wanted):
        return out
    got = f"{len(out)} values" if isinstance(out, tuple) else type(out).__name__
    remedy = f"it must return a tuple ({', '.join(wanted)})"
    raise EnvironmentFailure(at_row(env, row, f"{call} returned {got}", remedy))


def counted(env: Any, what: str, values: Any, rows: np.ndarray) -> Any:
    """Return the values as they are, if there is one for each of ``rows``.

    Returns
    -------
    sequence
        ``values``.

    Raises
    ------
    EnvironmentFailure
        If there are more or fewer values, or ``values`` is not a sequence.
    """
    try:
        count = len(values)
    except TypeError:
        count = None
    if count == len(rows):
        return values
    shown = " ".join(repr(values).split())
    shown = shown if len(shown) < 200 else f"{shown[:200]}..."
    got = "" if count is None else f" ({count} of them)"
    remedy = f"return an array with one entry for each of the {len(rows)} rows"
    raise EnvironmentFailure(at_row(env, rows[0], f"the {what} are {shown}{got}", remedy))


def encoded(
    env: Any, values: Any, rows: np.ndarray, space: Space | None = None, key: str = ""
) -> np.ndarray:
    """Return the features (k, D) of observations, part by part for a Dict or a Tuple.

    Returns
    -------
    ndarray of shape (k, D)
        In float64.

    Raises
    ------
    EnvironmentFailure
        As :func:`stacked`, or if a value has other parts than its space.
    """
    space = env.observation_space if space is None else space
    if not isinstance(space, Composite):
        return space.encode(stacked(env, values, rows, space, key))
    try:
        pieces = space.split(values)
    except (TypeError, ValueError) as error:
        what = f"of the observation{key}, {error}"
        remedy = "return what observation_space declares"
        raise EnvironmentFailure(at_row(env, rows[0], what, remedy)) from error
    parts = zip(space.parts.items(), pieces, strict=True)
    found = [encoded(env, own, rows, part, f"{key}[{name!r}]") for (name, part), own in parts]
    return np.concatenate(found, axis=1)


def stacked(
    env: Any, values: Any, rows: np.ndarray, space: Space | None = None, key: str = ""
) -> np.ndarray:
    """Return observations as one array (k, *shape).

    The limits of a Box are not checked, since environments leave them by rounding and more; the
    history of a training counts such observations.

    Parameters
    ----------
    env : VectorEnvironment
        The environment that returned them.
    values : sequence
        One observation for each of ``rows``.
    rows : ndarray of shape (k,)
        Numbers of the rows, for messages.
    space : Space, optional
        The space of a part of the observations; by default that of the whole.
    key : str, optional
        What selects the part, such as ``['position']``, for messages.

    Returns
    -------
    ndarray of shape (k, *shape)
        The observations, in the environment's own type.

    Raises
    ------
    EnvironmentFailure
        If there are not k of them, or one has another shape, is not finite, or is not one of the
        values of a discrete space.
    """
    space = env.observation_space if space is None else space
    counted(env, f"observations{key}", values, rows)
    try:
        array = np.asarray(values)
        fits = array.shape == (len(rows), *space.shape) and array.dtype.kind in "fiub"
    except (TypeError, ValueError):
        fits = False
    if not fits:
        for row, value in zip(rows, values, strict=True):
            shape = _shape(value)
            if shape != space.shape or np.asarray(value).dtype.kind not in "fiub":
                raise EnvironmentFailure(
                    at_row(
                        env,
                        row,
                        f"the observation{key} has shape {shape} and type "
                        f"{type(value).__name__}, its space has shape {space.shape}",
                        "return numbers in the shape that observation_space declares",
                    )
                )
        array = np.array([np.asarray(v, dtype=np.float64) for v in values])
    inside = space.usable(array)
    if not inside.all():
        k = int(np.argmin(inside))
        number = np.asarray(array[k])
        what = "is outside its space" if np.isfinite(number).all() else "is not finite"
        raise EnvironmentFailure(
            at_row(
                env,
                rows[k],
                f"the observation{key} {number!r} {what}",
                f"correct it, or the observation_space {space}",
            )
        )
    return array


def masks(
    env: Any, found: Any, rows: np.ndarray, before: np.ndarray | None = None
) -> np.ndarray | None:
    """Return the masks (n, M) of all rows, of which some are new; None if all actions are allowed.

    Parameters
    ----------
    env : VectorEnvironment
        The environment that returned them.
    found : sequence
        A mask for each of ``rows``; None allows all actions.
    rows : ndarray of shape (k,)
        Numbers of the rows.
    before : ndarray of bool, shape (n, M), optional
        The masks of the other rows.

    Returns
    -------
    ndarray of bool, shape (n, M), or None
        A new array.

    Raises
    ------
    EnvironmentFailure
        If a mask has another size, is not made of zeros and ones, or allows no action.
    """
    if before is None and all(mask is None for mask in found):
        return None
    width = mask_width(env.action_space)
    out = np.ones((env.n, width), dtype=bool) if before is None else before.copy()
    whole = sound_masks(env.action_space, found)
    if whole is not None:
        out[rows] = whole
        return None if out.all() else out
    for row, mask in zip(rows.tolist(), found, strict=True):
        flat, problem = (True, "") if mask is None else flat_mask(env.action_space, mask)
        if flat is None:
            raise EnvironmentFailure(
                at_row(
                    env,
                    row,
                    f"the action mask {problem}, got {mask!r}",
                    f"return {width} zeros and ones, a 1 for each action that is allowed",
                )
            )
        out[row] = flat
    return None if out.all() else out


def states(
    env: Any, call: str, values: Any, rows: np.ndarray, shape: tuple[int, ...] | None
) -> np.ndarray:
    """Return the states (k, *shape) of some rows; a shape of None allows any.

    Returns
    -------
    ndarray of shape (k, *shape)
        The states, in the environment's own type.

    Raises
    ------
    EnvironmentFailure
        If there are not k of them, or they have another shape.
    """
    counted(env, f"states that {call} returned", values, rows)
    got = _shape(values)
    if got == "ragged" or (shape is not None and got[1:] != shape):
        raise EnvironmentFailure(
            at_row(
                env,
                rows[0],
                f"{call} returned states of shape {got}",
                "all must have one shape (n, S)",
            )
        )
    return np.asarray(values)


def _shape(value: Any) -> Any:
    """Return the shape of anything; ``"ragged"`` for ragged sequences."""
    try:
        return np.shape(value)
    except ValueError:
        return "ragged"


def rewards(env: Any, values: Any, rows: np.ndarray) -> np.ndarray:
    """Return the rewards of some rows as finite float64 numbers (k,).

    Returns
    -------
    ndarray of shape (k,)
        The rewards in float64.

    Raises
    ------
    EnvironmentFailure
        If there are not k of them, or one is not a finite real number.
    """
    remedy = "a reward must be a finite real number"
    counted(env, "rewards", values, rows)
    try:
        array = np.array(values)
        fits = array.shape == rows.shape and array.dtype.kind in "fiub"
    except (TypeError, ValueError):
        fits = False
    if not fits:
        array = np.empty(len(rows))
        for k, value in enumerate(values):
            try:
                # float() reads strings, arrays of one number and NumPy's complex ones too.
                wrong = isinstance(value, str | bytes) or np.shape(value) != ()
                wrong = wrong or np.iscomplexobj(value)
                array[k] = np.nan if wrong else float(value)
            except (TypeError, ValueError, OverflowError):
                wrong = True
            if wrong:
                raise EnvironmentFailure(at_row(env, rows[k], f"the reward is {value!r}", remedy))
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        k = int(np.argmin(np.isfinite(array)))
        raise EnvironmentFailure(at_row(env, rows[k], f"the reward is {array[k]}", remedy))
    return array


def flags(env: Any, what: str, values: Any, rows: np.ndarray) -> np.ndarray:
    """Return the flags terminated or truncated of some rows as bools (k,).

    Returns
    -------
    ndarray of bool, shape (k,)
        ``values`` itself if it is such an array, else a new one.

    Raises
    ------
    EnvironmentFailure
        If there are not k of them, or one is not True or False.
    """
    if isinstance(values, np.ndarray) and values.dtype == bool and values.shape == rows.shape:
        return values
    values = list(counted(env, f"{what} flags", values, rows))
    for row, value in zip(rows, values, strict=True):
        if not (isinstance(value, bool | np.bool_) or (np.isscalar(value) and value in (0, 1))):
            remedy = f"{what} must be True or False"
            raise EnvironmentFailure(at_row(env, row, f"{what} is {value!r}", remedy))
    return np.array(values, dtype=bool)
